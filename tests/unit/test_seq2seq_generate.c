// SPDX-License-Identifier: MIT
/* Generating with an encoder: parameters, tasks, sources, callbacks, what is refused. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seq2seq_help.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char text[] = "the house is small";

static struct ctrans_model *model;
static struct ctrans_generate_params p;

static void open_small(const char *name)
{
	model = seq2seq_open(seq2seq_data(name), 0, NULL);
	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 12;
}

static void setup(void)
{
	open_small("t5_small");
}

static void teardown(void)
{
	ctrans_model_close(model);
}

static struct ctrans_result *generate(const char *prompt)
{
	return seq2seq_generate(model, prompt, &p);
}

static void refused(int code, const char *words)
{
	struct ctrans_result *r = (void *)&p;

	ck_assert_int_eq(ctrans_generate(model, text, &p, &r), code);
	ck_assert_ptr_null(r);
	seq2seq_says(words);
}

/* ---- Parameters ---------------------------------------------------------- */

START_TEST(test_refused)
{
	struct ctrans_generate_params good = p;

#define WRONG(field, value, words) do {		\
	p = good;				\
	p.field = value;			\
	refused(-EINVAL, words);		\
} while (0)
	WRONG(beams, 33, "beams is 33");
	WRONG(beams, UINT32_MAX, "beams is");
	WRONG(sample, 2, "sample is 2");
	WRONG(early_stopping, 3, "early_stopping is 3");
	WRONG(length_penalty, 31, "length_penalty is 31");
	WRONG(length_penalty, -31, "length_penalty is -31");
	WRONG(length_penalty, INFINITY, "length_penalty is inf");
	WRONG(task, "translate_en_fr", "translate_en_de, summarize");
	WRONG(task, "translation_en_to_", "no task");
	WRONG(task, "Summarize", "no task");
	WRONG(task, "\033[2J", "no task \"?[2J\"");
#undef WRONG
	p = good;
	p.beams = 2;
	p.sample = 1;
	refused(-EINVAL, "take one of them");
	p = good;
	p.beams = 2;
	p.rollback = 1;
	refused(-EINVAL, "take one of them");
}
END_TEST

/* A program that knows nothing of searches gets the model's own. */
START_TEST(test_older_program)
{
	struct ctrans_result *want = generate(text), *r;

	ctrans_generate_params_init(&p, offsetof(struct ctrans_generate_params, task));
	p.max_tokens = 12;
	r = generate(text);
	ck_assert_uint_eq(r->n_tokens, want->n_tokens);
	ck_assert_str_eq(r->text, want->text);
	ctrans_result_free(r);
	ctrans_result_free(want);
}
END_TEST

/* What a task leaves open is what the words for it say. */
START_TEST(test_tasks)
{
	static const char *const names[][2] = {
		{ "translate_en_de", "translation_en_to_de" },
		{ "summarize", "summarization" },
	};
	struct ctrans_result *is, *other, *by_hand;
	char prompt[200];

	for (size_t i = 0; i < 2; i++) {
		ctrans_generate_params_init(&p, sizeof(p));
		p.max_tokens = 0;
		p.task = names[i][0];
		is = generate(text);
		p.task = names[i][1];
		other = generate(text);
		seq2seq_same(is, other);
		p.task = "";
		p.beams = i ? 3 : 4;
		p.early_stopping = i ? CTRANS_EARLY_OFF : CTRANS_EARLY_ON;
		p.max_tokens = i ? 19 : 23;
		p.min_tokens = i ? 7 : 0;
		p.no_repeat_ngram = i ? 2 : 0;
		p.length_penalty = i ? 2 : 1;
		snprintf(prompt, sizeof(prompt), "%s%s",
			 i ? "summarize: " : "translate English to German: ", text);
		by_hand = generate(prompt);
		seq2seq_same(is, by_hand);
		ck_assert_uint_le(is->n_tokens, p.max_tokens);
		ctrans_result_free(by_hand);
		ctrans_result_free(is);
		ctrans_result_free(other);
	}
}
END_TEST

START_TEST(test_info)
{
	struct ctrans_model_info info;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.tasks, "translate_en_de, summarize");
	ck_assert_uint_eq(info.encoder_layers, 2);
	ck_assert_uint_eq(info.layers, 3);
	ck_assert_uint_eq(info.encoder_vocab, 84);
	ck_assert_int_eq(info.start, 0);
	ck_assert_int_eq(info.eos, 1);
	ck_assert_uint_gt(info.source_kv_bytes, 0);
	ctrans_model_close(model);
	open_small("t5_gated");
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	/* trained for none that its files name */
	ck_assert_str_eq(info.tasks, "");
	ctrans_model_close(model);
	open_small("fsmt_small");
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.tasks, "translate_en_de");
	ck_assert_int_eq(info.start, 2);
	ck_assert_uint_eq(info.vocab, 73);
	ck_assert_uint_eq(info.encoder_vocab, 66);
}
END_TEST

static bool repeats(const struct ctrans_result *r, size_t n)
{
	for (size_t i = 0; i + n <= r->n_tokens; i++)
		for (size_t j = i + 1; j + n <= r->n_tokens; j++)
			if (!memcmp(r->tokens + i, r->tokens + j, n * 4))
				return true;
	return false;
}

/* Each rule does what it says, and nothing where it is off. */
START_TEST(test_rules)
{
	static const uint32_t beams[] = { 1, 4 };
	struct ctrans_result *r;
	unsigned int free_ones = 0;

	for (size_t b = 0; b < 2; b++) {
		p.beams = beams[b];
		for (uint32_t n = 1; n < 4; n++) {
			p.no_repeat_ngram = n;
			r = generate(text);
			ck_assert(!repeats(r, n));
			ctrans_result_free(r);
		}
		p.no_repeat_ngram = 0;
		p.ignore_eos = 1;
		r = generate(text);
		free_ones += repeats(r, 1);
		ctrans_result_free(r);
		p.ignore_eos = 0;
		for (uint32_t n = 1; n <= 12; n++) {
			p.min_tokens = n;
			r = generate(text);
			ck_assert_uint_ge(r->n_tokens, n);
			for (uint32_t i = 0; i + 1 < n; i++)
				ck_assert_uint_ne(r->tokens[i], 1);
			ctrans_result_free(r);
		}
		p.min_tokens = 0;
		for (uint32_t n = 1; n <= 12; n++) {
			p.max_tokens = n;
			r = generate(text);
			ck_assert_uint_le(r->n_tokens, n);
			if (r->tokens[r->n_tokens - 1] == 1)
				ck_assert_int_eq(r->finish, CTRANS_FINISH_EOS);
			else
				ck_assert_int_eq(r->finish, CTRANS_FINISH_LENGTH);
			ctrans_result_free(r);
		}
	}
	ck_assert_uint_gt(free_ones, 0);
}
END_TEST

START_TEST(test_sampled)
{
	struct ctrans_result *greedy, *cold, *r;
	unsigned int other = 0;

	p.beams = 1;
	greedy = generate(text);
	p.temperature = 5;
	cold = generate(text);
	seq2seq_same(greedy, cold);	/* it does not sample unless told to */
	p.sample = 1;
	p.beams = 0;
	for (p.seed = 0; p.seed < 8; p.seed++) {
		struct ctrans_result *again;

		r = generate(text);
		again = generate(text);
		seq2seq_same(r, again);
		other += r->n_tokens != greedy->n_tokens ||
			 memcmp(r->tokens, greedy->tokens, 4 * r->n_tokens);
		ctrans_result_free(again);
		ctrans_result_free(r);
	}
	ck_assert_uint_gt(other, 0);
	ctrans_result_free(cold);
	ctrans_result_free(greedy);
}
END_TEST

START_TEST(test_ignore_eos)
{
	for (p.beams = 1; p.beams <= 4; p.beams += 3) {
		struct ctrans_result *r;

		p.ignore_eos = 1;
		p.max_tokens = 20;
		r = generate(text);
		ck_assert_uint_eq(r->n_tokens, 20);
		ck_assert_int_eq(r->finish, CTRANS_FINISH_LENGTH);
		ctrans_result_free(r);
		p.max_tokens = 0;
		r = generate(text);
		ck_assert_int_eq(r->finish, CTRANS_FINISH_CONTEXT);
		ctrans_result_free(r);
	}
}
END_TEST

/* ---- Sources ------------------------------------------------------------- */

START_TEST(test_sources)
{
	char *big = malloc(4001);
	struct ctrans_result *r;

	r = generate("");	/* a source that ends at once */
	ck_assert_uint_eq(r->usage.prompt_tokens, 2);
	ctrans_result_free(r);
	for (size_t i = 0; i < 4000; i++)
		big[i] = "the house "[i % 10];
	big[4000] = '\0';
	ck_assert_int_eq(ctrans_generate(model, big, &p, &r), -E2BIG);
	seq2seq_says("the source has");
	seq2seq_says("context is 64");
	ck_assert_int_eq(ctrans_generate(model, NULL, &p, &r), -EINVAL);
	free(big);
}
END_TEST

START_TEST(test_no_weights)
{
	struct ctrans_session *s;
	struct ctrans_result *r;
	uint32_t ids[64];
	size_t n;

	ctrans_model_close(model);
	model = seq2seq_open(seq2seq_data("fsmt_small"), CTRANS_MODEL_NO_WEIGHTS, NULL);
	ck_assert_int_eq(ctrans_generate(model, text, NULL, &r), -ENOTSUP);
	ck_assert_int_eq(ctrans_session_open(model, &s), -ENOTSUP);
	ck_assert_int_eq(ctrans_tokenize(model, text, strlen(text),
					 CTRANS_TOKENIZE_SOURCE, ids, 64, &n), 0);
	ck_assert_uint_gt(n, 0);
}
END_TEST

/* ---- Callbacks ----------------------------------------------------------- */

struct heard {
	char text[1000];
	size_t len, pieces, tokens, stop_after;
};

static int hear_text(void *arg, const char *piece, size_t len)
{
	struct heard *h = arg;

	memcpy(h->text + h->len, piece, len + 1);
	h->len += len;
	return ++h->pieces == h->stop_after;
}

static int hear_token(void *arg, uint32_t token)
{
	(void)token;
	((struct heard *)arg)->tokens++;
	return 0;
}

START_TEST(test_callbacks)
{
	static const char *const names[] = { "t5_small", "fsmt_small" };

	ctrans_model_close(model);
	open_small(names[_i % 2]);
	for (p.beams = 1; p.beams <= 5; p.beams += 4) {
		struct heard h = { 0 };
		struct ctrans_result *r;

		p.text_fn = hear_text;
		p.token_fn = hear_token;
		p.arg = &h;
		r = generate(text);
		ck_assert_str_eq(h.text, r->text);
		ck_assert_uint_eq(h.tokens, r->n_tokens);
		/* a search and what is joined by rules come whole */
		if (p.beams > 1 || _i % 2)
			ck_assert_uint_eq(h.pieces, r->text_len > 0);
		else
			ck_assert_uint_gt(h.pieces, 1);
		ctrans_result_free(r);
	}
	if (_i % 2 == 0) {
		struct heard h = { .stop_after = 2 };
		struct ctrans_result *r;

		p.beams = 1;
		p.arg = &h;
		r = generate(text);
		ck_assert_uint_eq(h.pieces, 2);
		ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
		ctrans_result_free(r);
	}
}
END_TEST

START_TEST(test_stop)
{
	for (p.beams = 1; p.beams <= 4; p.beams += 3) {
		struct ctrans_result *whole = generate(text), *r;
		char stop[8];
		const char *stops[] = { stop };
		size_t at = whole->text_len / 2, first;

		ck_assert_uint_ge(whole->text_len, 4);
		snprintf(stop, sizeof(stop), "%.2s", whole->text + at);
		first = (size_t)(strstr(whole->text, stop) - whole->text);
		p.stop = stops;
		p.n_stop = 1;
		r = generate(text);
		ck_assert_int_eq(r->finish, CTRANS_FINISH_STOP);
		ck_assert_uint_eq(r->text_len, first);
		ck_assert_mem_eq(r->text, whole->text, first);
		p.n_stop = 0;
		ctrans_result_free(r);
		ctrans_result_free(whole);
	}
}
END_TEST

/* Set before, or while the rest of a search is still to come: what there is so far. */
START_TEST(test_cancel)
{
	volatile int cancel = 1;
	struct ctrans_result *r;

	p.cancel = &cancel;
	for (p.beams = 1; p.beams <= 4; p.beams += 3) {
		r = generate(text);
		ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
		ck_assert_uint_le(r->n_tokens, 1);
		ctrans_result_free(r);
	}
}
END_TEST

/* A long search is canceled on its way. */
START_TEST(test_cancel_search)
{
	struct ctrans_queue *queue;
	struct ctrans_request *request;
	struct ctrans_result *r;
	struct ctrans_generate_params other;

	ck_assert_int_eq(ctrans_queue_open(model, NULL, &queue), 0);
	p.beams = 32;
	p.max_tokens = 63;
	p.ignore_eos = 1;
	ck_assert_int_eq(ctrans_submit(queue, NULL, text, &p, NULL, &request), 0);
	/* several steps later */
	ctrans_generate_params_init(&other, sizeof(other));
	other.max_tokens = 3;
	other.beams = 1;
	if (ctrans_generate(model, text, &other, &r))
		ck_abort_msg("%s", ctrans_message());
	ctrans_result_free(r);
	ctrans_cancel(request);
	ck_assert_int_eq(ctrans_request_wait(request, -1), 0);
	if (ctrans_request_result(request, &r))
		ck_abort_msg("%s", ctrans_message());
	ck_assert(r->finish == CTRANS_FINISH_CANCELED ||
		  r->finish == CTRANS_FINISH_CONTEXT);
	ctrans_result_free(r);
	ctrans_request_free(request);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
}
END_TEST

/* Moses' rules join what they took apart. */
START_TEST(test_joined)
{
	static const char *const texts[] = {
		"the house is small, and old.", "we see a cat.", "a, b, c, d, e, f.",
		"z", "it rains today, and the winner is a cat",
	};

	ctrans_model_close(model);
	open_small("fsmt_small");
	for (size_t i = 0; i < N(texts); i++) {
		for (p.beams = 1; p.beams <= 5; p.beams += 4) {
			struct ctrans_result *r = generate(texts[i]);

			ck_assert_ptr_null(strstr(r->text, "</w>"));
			ck_assert_ptr_null(strstr(r->text, "</s>"));
			ck_assert_ptr_null(strstr(r->text, "  "));
			ck_assert_ptr_null(strstr(r->text, " ,"));
			ck_assert(!r->text_len || r->text[r->text_len - 1] != ' ');
			ctrans_result_free(r);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq_generate");
	TCase *t = tcase_create("generate");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_older_program);
	tcase_add_test(t, test_tasks);
	tcase_add_test(t, test_info);
	tcase_add_test(t, test_rules);
	tcase_add_test(t, test_sampled);
	tcase_add_test(t, test_ignore_eos);
	tcase_add_test(t, test_sources);
	tcase_add_test(t, test_no_weights);
	tcase_add_loop_test(t, test_callbacks, 0, 2);
	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_cancel);
	tcase_add_test(t, test_cancel_search);
	tcase_add_test(t, test_joined);
	tcase_set_timeout(t, 120);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
