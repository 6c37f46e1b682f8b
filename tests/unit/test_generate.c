// SPDX-License-Identifier: MIT
/* ctrans_generate() over a core without chip: what ends a text, and how. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "engine/session.h"
#include "fake_core.h"

static struct ctrans_model *model;
static struct ctrans_generate_params params;

static void setup(void)
{
	fake_reset();
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	ctrans_generate_params_init(&params, sizeof(params));
	params.temperature = 0;
}

static void teardown(void)
{
	ctrans_model_close(model);
	ck_assert_uint_eq(fake.open_seqs, 0);
}

static void reopen(void)
{
	ctrans_model_close(model);
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"",
		      words, ctrans_message());
}

static void refused(const char *prompt, int code, const char *words)
{
	struct ctrans_result *r = (void *)&params;

	ck_assert_int_eq(ctrans_generate(model, prompt, &params, &r), code);
	ck_assert_ptr_null(r);
	says(words);
}

/* Callbacks' ears. */
struct heard {
	char text[512];
	size_t len, n_tokens;
	uint32_t tokens[128];
	size_t stop_text_at, stop_token_at;	/* 0: never */
	size_t pieces;
	volatile int *cancel;			/* set at stop_token_at instead */
};

static int on_text(void *arg, const char *text, size_t len)
{
	struct heard *h = arg;

	ck_assert_uint_eq(strlen(text), len);
	memcpy(h->text + h->len, text, len + 1);
	h->len += len;
	return ++h->pieces == h->stop_text_at;
}

static int on_token(void *arg, uint32_t token)
{
	struct heard *h = arg;

	h->tokens[h->n_tokens++] = token;
	if (h->n_tokens != h->stop_token_at)
		return 0;
	if (!h->cancel)
		return 1;
	*h->cancel = 1;
	return 0;
}

static void listen(struct heard *h)
{
	params.text_fn = on_text;
	params.token_fn = on_token;
	params.arg = h;
}

/* Generate what @script says, and check that all accounts of it agree. */
static struct ctrans_result *generate(const char *prompt, const char *script,
				      struct heard *h)
{
	struct ctrans_result *r;

	fake.script = script;
	fake.script_from = strlen(prompt);
	listen(h);
	ck_assert_int_eq(ctrans_generate(model, prompt, &params, &r), 0);
	ck_assert_str_eq(h->text, r->text);
	ck_assert_uint_eq(strlen(r->text), r->text_len);
	ck_assert_uint_eq(h->n_tokens, r->n_tokens);
	ck_assert(!memcmp(h->tokens, r->tokens, 4 * r->n_tokens));
	ck_assert_uint_eq(r->size, sizeof(*r));
	ck_assert_uint_eq(r->usage.size, sizeof(r->usage));
	ck_assert_uint_eq(r->usage.new_tokens, r->n_tokens);
	ck_assert_uint_eq(r->usage.prompt_tokens, strlen(prompt));
	return r;
}

START_TEST(test_eos)
{
	struct heard h = { 0 };
	struct ctrans_result *r = generate("Once", " upon a time.", &h);

	ck_assert_str_eq(r->text, " upon a time.");
	ck_assert_int_eq(r->finish, CTRANS_FINISH_EOS);
	ck_assert_uint_eq(r->n_tokens, 14);
	ck_assert_uint_eq(r->tokens[13], FAKE_EOS);
	/* The prompt is one step, each token but the last another. */
	ck_assert_uint_eq(fake.steps, 14);
	ck_assert_uint_eq(r->usage.prefill.cycles, 4 * 100);
	ck_assert_uint_eq(r->usage.decode.cycles, 13 * 100);
	ck_assert_uint_eq(r->usage.kind[CTRANS_KIND_QKV].cycles, 17 * 100);
	ck_assert_uint_eq(ctrans_cost_energy_fj(&r->usage.decode), 13 * 7);
	ck_assert(r->usage.chip_seconds == 1700 / 1e8);
	ctrans_result_free(r);

	params.ignore_eos = 1;
	params.max_tokens = 5;
	h = (struct heard){ 0 };
	r = generate("Once", "ab", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_LENGTH);
	ck_assert_uint_eq(r->tokens[2], FAKE_EOS);
	ck_assert_uint_eq(r->n_tokens, 5);
	/* which is no text */
	ck_assert_str_eq(r->text, "ab");
	ctrans_result_free(r);
}
END_TEST

START_TEST(test_length)
{
	struct heard h = { 0 };
	struct ctrans_result *r;

	params.max_tokens = 1;
	r = generate("Once", " upon", &h);
	ck_assert_str_eq(r->text, " ");
	ck_assert_int_eq(r->finish, CTRANS_FINISH_LENGTH);
	ck_assert_uint_eq(fake.steps, 1);
	ctrans_result_free(r);

	/* "é" cut in half */
	h = (struct heard){ 0 };
	params.max_tokens = 2;
	r = generate("Once", "x\xc3\xa9", &h);
	ck_assert_str_eq(r->text, "x\xef\xbf\xbd");
	ctrans_result_free(r);
}
END_TEST

START_TEST(test_context)
{
	static const char prompt[] =
		"0123456789012345678901234567890123456789012345678901234567890";
	struct heard h = { 0 };
	struct ctrans_result *r;
	char full[65];

	params.max_tokens = 0;
	r = generate(prompt, "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_CONTEXT);
	ck_assert_str_eq(r->text, "abc");	/* 61 + 3 */
	ctrans_result_free(r);

	params.max_tokens = 3;
	h = (struct heard){ 0 };
	r = generate(prompt, "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_LENGTH);
	ctrans_result_free(r);

	memset(full, 'x', 64);
	full[64] = '\0';
	fake.steps = 0;
	refused(full, -E2BIG, "64 tokens leave no room for a new one: the context is 64");
	ck_assert_uint_eq(fake.steps, 0);
	full[63] = '\0';
	h = (struct heard){ 0 };
	r = generate(full, "abc", &h);
	ck_assert_str_eq(r->text, "a");
	ctrans_result_free(r);
}
END_TEST

START_TEST(test_stop)
{
	const char *stop[] = { "\n\n", "time" };
	struct heard h = { 0 };
	struct ctrans_result *r;

	params.stop = stop;
	params.n_stop = 2;
	r = generate("Once", " upon a timer", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_STOP);
	ck_assert_str_eq(r->text, " upon a ");
	ck_assert_uint_eq(r->n_tokens, 12);
	ctrans_result_free(r);

	/* What was held back comes at the end. */
	h = (struct heard){ 0 };
	r = generate("Once", "a tim", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_EOS);
	ck_assert_str_eq(r->text, "a tim");
	ctrans_result_free(r);

	params.n_stop = 3;
	stop[0] = "";
	refused("x", -EINVAL, "stop string 0 is empty");
	params.stop = NULL;
	refused("x", -EINVAL, "stop is NULL");
}
END_TEST

START_TEST(test_canceled)
{
	const char *stop[] = { "defx" };
	volatile int cancel = 0;
	struct heard h = { .stop_token_at = 5 };
	struct ctrans_result *r;

	params.stop = stop;
	params.n_stop = 1;
	/* The token's text and what was held back still come. */
	r = generate("Once", "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
	ck_assert_str_eq(r->text, "abcde");
	ck_assert_uint_eq(r->n_tokens, 5);
	ctrans_result_free(r);

	/* By the text's own function nothing follows. */
	h = (struct heard){ .stop_text_at = 2 };
	r = generate("Once", "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
	ck_assert_str_eq(r->text, "ab");
	ctrans_result_free(r);

	h = (struct heard){ .stop_token_at = 3, .cancel = &cancel };
	params.cancel = &cancel;
	r = generate("Once", "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
	ck_assert_str_eq(r->text, "abc");
	ctrans_result_free(r);

	/* Set from the beginning: nothing is run. */
	fake.steps = 0;
	h = (struct heard){ 0 };
	r = generate("Once", "abcdefgh", &h);
	ck_assert_int_eq(r->finish, CTRANS_FINISH_CANCELED);
	ck_assert_str_eq(r->text, "");
	ck_assert_uint_eq(r->n_tokens, 0);
	ck_assert_uint_eq(fake.steps, 0);
	ctrans_result_free(r);
}
END_TEST

START_TEST(test_prompt)
{
	const uint32_t eos = FAKE_EOS;
	struct ctrans_result *r;
	float logits[FAKE_VOCAB];
	uint32_t i, best = 0;

	/* Any bytes; an empty one begins with the beginning-of-text token. */
	params.max_tokens = 1;
	ck_assert_int_eq(ctrans_generate(model, "\xff\xfe\xc3", &params, &r), 0);
	ck_assert_uint_eq(r->usage.prompt_tokens, 3);
	ctrans_result_free(r);
	ck_assert_int_eq(ctrans_generate(model, "", &params, &r), 0);
	ck_assert_uint_eq(r->usage.prompt_tokens, 1);
	fake_logits(&eos, 1, logits);
	for (i = 0; i < FAKE_VOCAB; i++)
		best = logits[i] > logits[best] ? i : best;
	ck_assert_uint_eq(r->tokens[0], best);
	ctrans_result_free(r);

	ck_assert_int_eq(ctrans_generate(model, "<|endoftext|>", &params, &r), 0);
	ck_assert_uint_eq(r->usage.prompt_tokens, 13);
	ctrans_result_free(r);
	params.special = 1;
	ck_assert_int_eq(ctrans_generate(model, "<|endoftext|>", &params, &r), 0);
	ck_assert_uint_eq(r->usage.prompt_tokens, 1);
	ctrans_result_free(r);

	refused(NULL, -EINVAL, "NULL");
	ck_assert_int_eq(ctrans_generate(NULL, "x", NULL, &r), -EINVAL);
	ck_assert_int_eq(ctrans_generate(model, "x", NULL, NULL), -EINVAL);
	fake.no_bpe = true;
	reopen();
	refused("x", -ENOTSUP, "ctrans_session_eval");
	fake.no_bpe = false;
	fake.no_weights = true;
	reopen();
	refused("x", -ENOTSUP, "CTRANS_MODEL_NO_WEIGHTS");
}
END_TEST

/* A prompt as ids is the text's; without a tokenizer its tokens come without text. */
START_TEST(test_tokens)
{
	struct ctrans_result *by_text, *by_ids, *bare;
	uint32_t ids[8];
	size_t n;

	params.max_tokens = 5;
	ck_assert_int_eq(ctrans_generate(model, "so be", &params, &by_text), 0);
	ck_assert_int_eq(ctrans_tokenize(model, "so be", 5, 0, ids, 8, &n), 0);
	params.prompt_tokens = ids;
	params.n_prompt_tokens = n;
	ck_assert_int_eq(ctrans_generate(model, NULL, &params, &by_ids), 0);
	ck_assert_str_eq(by_ids->text, by_text->text);
	ck_assert_uint_eq(by_ids->usage.prompt_tokens, n);

	fake.no_bpe = true;
	reopen();
	ck_assert_int_eq(ctrans_generate(model, NULL, &params, &bare), 0);
	ck_assert_str_eq(bare->text, "");
	ck_assert_uint_eq(bare->n_tokens, by_ids->n_tokens);
	ck_assert_mem_eq(bare->tokens, by_ids->tokens, 4 * bare->n_tokens);
	refused("x", -ENOTSUP, "prompt_tokens");

	params.n_prompt_tokens = 0;
	refused(NULL, -EINVAL, "no tokens");
	params.n_prompt_tokens = 1;
	ids[0] = FAKE_VOCAB;
	refused(NULL, -EINVAL, "out of range");
	/* of which nothing is read */
	params.n_prompt_tokens = SIZE_MAX;
	refused(NULL, -E2BIG, "context");
	params.prompt_tokens = NULL;
	refused(NULL, -EINVAL, "prompt_tokens");
	ctrans_result_free(by_text);
	ctrans_result_free(by_ids);
	ctrans_result_free(bare);
}
END_TEST

START_TEST(test_params)
{
	struct { struct ctrans_generate_params p; char more[8]; } larger;
	struct ctrans_result *r;
	size_t i;

#define WRONG(field, value, code, words) do {				\
	struct ctrans_generate_params keep = params;			\
	params.field = value;						\
	refused("x", code, words);					\
	params = keep;							\
} while (0)
	WRONG(temperature, NAN, -EINVAL, "temperature is nan: it must be 0");
	WRONG(temperature, -1, -EINVAL, "temperature is -1");
	WRONG(temperature, INFINITY, -EINVAL, "temperature is inf");
	WRONG(top_p, 1.5f, -EINVAL, "top_p is 1.5: it must be from 0 to 1");
	WRONG(top_p, -0.1f, -EINVAL, "top_p");
	WRONG(top_p, NAN, -EINVAL, "top_p");
	WRONG(min_p, 2, -EINVAL, "min_p is 2");
	WRONG(repetition_penalty, 0, -EINVAL, "repetition_penalty is 0");
	WRONG(repetition_penalty, NAN, -EINVAL, "repetition_penalty");
	WRONG(ignore_eos, 2, -EINVAL, "ignore_eos is 2");
	WRONG(special, 7, -EINVAL, "special is 7");
	WRONG(size, 0, -EINVAL, "ctrans_generate_params_init()");
	WRONG(size, offsetof(struct ctrans_generate_params, priority) - 1,
	      -EINVAL, "no version of it");
	WRONG(size, SIZE_MAX, -EINVAL, "no version of it");
#undef WRONG
	ck_assert_uint_eq(fake.steps, 0);

	/* A newer program: fine as long as it asks for nothing new. */
	ctrans_generate_params_init(&larger.p, sizeof(larger));
	ck_assert_uint_eq(larger.p.size, sizeof(larger));
	larger.p.max_tokens = 1;
	ck_assert_int_eq(ctrans_generate(model, "x", &larger.p, &r), 0);
	ctrans_result_free(r);
	larger.more[7] = 1;
	ck_assert_int_eq(ctrans_generate(model, "x", &larger.p, &r), -E2BIG);
	says("update the library");

	/* Setting up less than there is writes no byte beyond it. */
	for (i = sizeof(size_t); i < sizeof(params); i++) {
		memset(&larger, 0x55, sizeof(larger));
		ctrans_generate_params_init(&larger.p, i);
		ck_assert_uint_eq(larger.p.size, i);
		ck_assert_uint_eq(((unsigned char *)&larger)[i], 0x55);
	}
	ctrans_generate_params_init(NULL, 100);
	ctrans_generate_params_init(&params, 3);
}
END_TEST

START_TEST(test_seeds)
{
	struct ctrans_result *a, *b;
	unsigned int same = 0;
	uint64_t seed;

	ctrans_generate_params_init(&params, sizeof(params));
	params.max_tokens = 20;
	for (seed = 0; seed < 20; seed++) {
		params.seed = seed / 2;
		ck_assert_int_eq(ctrans_generate(model, "x", &params, &a), 0);
		params.seed = (seed + 1) / 2;
		ck_assert_int_eq(ctrans_generate(model, "x", &params, &b), 0);
		if (seed % 2 == 0)
			ck_assert_str_eq(a->text, b->text);
		else
			same += !strcmp(a->text, b->text);
		ctrans_result_free(a);
		ctrans_result_free(b);
	}
	ck_assert_uint_eq(same, 0);
}
END_TEST

/* Going on is the same as having gone on. */
START_TEST(test_session)
{
	struct ctrans_result *whole, *first, *second;
	struct ctrans_session *s;
	struct ctrans_usage usage;

	params.repetition_penalty = 1.2f;
	params.max_tokens = 20;
	ck_assert_int_eq(ctrans_generate(model, "ab", &params, &whole), 0);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	params.max_tokens = 8;
	ck_assert_int_eq(ctrans_session_generate(s, "ab", &params, &first), 0);
	ck_assert_uint_eq(ctrans_session_position(s), 10);
	params.max_tokens = 12;
	ck_assert_int_eq(ctrans_session_generate(s, "", &params, &second), 0);
	ck_assert_uint_eq(ctrans_session_position(s), 22);
	ck_assert(!memcmp(whole->tokens, first->tokens, 8 * 4));
	ck_assert(!memcmp(whole->tokens + 8, second->tokens, 12 * 4));
	ctrans_result_free(second);

	/* Also after the last token was run already. */
	ck_assert_int_eq(ctrans_session_truncate(s, 10), 0);
	ck_assert_int_eq(ctrans_session_generate(s, "", &params, &second), 0);
	ck_assert(!memcmp(whole->tokens + 8, second->tokens, 12 * 4));
	ctrans_result_free(second);

	ck_assert_int_eq(ctrans_session_usage(s, &usage, sizeof(usage)), 0);
	ck_assert_uint_eq(usage.new_tokens, 8 + 12 + 12);
	ck_assert_uint_eq(usage.prompt_tokens, 2);
	/* 2 + 7 rows, 1 + 11, 1 + 11 */
	ck_assert_uint_eq(usage.prefill.cycles + usage.decode.cycles, 3300);
	ck_assert_int_eq(ctrans_session_usage(s, &usage, 8), -EINVAL);
	ck_assert_int_eq(ctrans_session_usage(NULL, &usage, sizeof(usage)),
			 -EINVAL);

	/* Two more fit beyond these, and then one. */
	ck_assert_int_eq(ctrans_session_truncate(s, 0), 0);
	ck_assert_int_eq(ctrans_session_generate(s, "cd", &params, &second), 0);
	ctrans_result_free(second);
	ctrans_result_free(first);
	ctrans_result_free(whole);
	ctrans_session_close(s);
}
END_TEST

/* A failure in any step leaves the session as it was. */
START_TEST(test_fails)
{
	struct ctrans_result *want, *r;
	struct ctrans_session *s;
	const uint32_t tokens[] = { 1, 2, 3 };
	unsigned long at, before;

	params.max_tokens = 6;
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_eval(s, tokens, 3, NULL), 0);
	ck_assert_int_eq(ctrans_session_generate(s, "hello", &params, &want), 0);
	for (at = 1; at <= 6; at++) {
		ck_assert_int_eq(ctrans_session_truncate(s, 3), 0);
		before = fake.steps;
		fake.fail_at = before + at;
		r = want;
		ck_assert_int_eq(ctrans_session_generate(s, "hello", &params,
							 &r), -EIO);
		ck_assert_ptr_null(r);
		says("the step failed");
		ck_assert_uint_eq(fake.steps, before + at);
		ck_assert_uint_eq(ctrans_session_position(s), 3);
		fake.fail_at = 0;
		ck_assert_int_eq(ctrans_session_generate(s, "hello", &params,
							 &r), 0);
		ck_assert_str_eq(r->text, want->text);
		ctrans_result_free(r);
	}
	ctrans_result_free(want);
	ctrans_session_close(s);
}
END_TEST

/* A callback may not use the session it is called from. */
static int meddle(void *arg, uint32_t token)
{
	struct ctrans_session *s = arg;

	ck_assert_int_eq(ctrans_session_eval(s, &token, 1, NULL), -EBUSY);
	ck_assert_int_eq(ctrans_session_truncate(s, 0), -EBUSY);
	return 0;
}

START_TEST(test_meddle)
{
	struct ctrans_result *r;
	struct ctrans_session *s;

	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	params.token_fn = meddle;
	params.arg = s;
	params.max_tokens = 3;
	ck_assert_int_eq(ctrans_session_generate(s, "a", &params, &r), 0);
	ctrans_result_free(r);
	ctrans_session_close(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generate");
	TCase *tc = tcase_create("generate");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_eos);
	tcase_add_test(tc, test_length);
	tcase_add_test(tc, test_context);
	tcase_add_test(tc, test_stop);
	tcase_add_test(tc, test_canceled);
	tcase_add_test(tc, test_prompt);
	tcase_add_test(tc, test_tokens);
	tcase_add_test(tc, test_params);
	tcase_add_test(tc, test_seeds);
	tcase_add_test(tc, test_session);
	tcase_add_test(tc, test_fails);
	tcase_add_test(tc, test_meddle);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
