// SPDX-License-Identifier: MIT
/*
 * Models with an encoder: one source and target, the same bits whatever computes
 * them, and in whatever company. As test_exact.c has it of the others.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "chip/kernel.h"
#include "seq2seq_help.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const small[] = { "t5_small", "t5_gated", "fsmt_small" };

static const char *const texts[] = {
	"the house is small", "we see a cat near the door.", "it rains", "a",
	"she reads the letter again and the station is old, and it rains today",
	"good morning", "",
};

struct how {
	const char *device, *policy, *code, *kv;
	uint32_t flip, flags;
};

static struct ctrans_model *open_as(const char *name, const struct how *how)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = how->device;
	p.policy = how->policy;
	p.code = how->code;
	p.flip = how->flip;
	p.kv = how->kv;
	p.flags = how->flags;
	if (ctrans_model_open(seq2seq_data(name), &p, &model))
		ck_abort_msg("%s", ctrans_message());
	return model;
}

static size_t source_of(const struct ctrans_model *model, const char *text, uint32_t *ids)
{
	struct ctrans_model_info info;
	size_t n;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_int_eq(ctrans_tokenize(model, text, strlen(text),
					 CTRANS_TOKENIZE_SOURCE, ids, 100, &n), 0);
	ids[n] = (uint32_t)info.eos;
	return n + 1;
}

struct outcome {
	uint64_t logits;
	struct ctrans_usage usage;
	size_t n_tokens;
	uint32_t tokens[64];
};

/* A hash of the logits after each token of a target, @at_once to a call. */
static uint64_t logits_of(struct ctrans_model *model, size_t at_once,
			  struct ctrans_usage *usage)
{
	static const uint32_t target[] = { 17, 5, 40, 9, 33, 33, 12 };
	struct ctrans_model_info info;
	struct ctrans_session *s;
	XXH3_state_t hash;
	uint32_t ids[128], text[8];
	float *logits;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	logits = malloc(info.vocab * sizeof(*logits));
	text[0] = (uint32_t)info.start;
	memcpy(text + 1, target, sizeof(target));
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_read(s, ids, source_of(model, texts[1], ids)), 0);
	XXH3_64bits_reset(&hash);
	for (size_t at = 0, n; at < N(text); at += n) {
		n = N(text) - at < at_once ? N(text) - at : at_once;
		ck_assert_int_eq(ctrans_session_eval(s, text + at, n, logits), 0);
		if (at + n == N(text) || at_once == 1)
			XXH3_64bits_update(&hash, logits, info.vocab * sizeof(*logits));
	}
	if (usage)
		ck_assert_int_eq(ctrans_session_usage(s, usage, sizeof(*usage)), 0);
	ctrans_session_close(s);
	free(logits);
	return XXH3_64bits_digest(&hash);
}

static struct ctrans_result *generate(struct ctrans_model *model, const char *text,
				      uint32_t beams)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	ctrans_generate_params_init(&p, sizeof(p));
	p.beams = beams;
	p.max_tokens = 12;
	p.no_repeat_ngram = beams == 2 ? 2 : 0;
	if (ctrans_generate(model, text, &p, &r))
		ck_abort_msg("%s", ctrans_message());
	return r;
}

static void run(const char *name, const struct how *how, struct outcome *out)
{
	struct ctrans_model *model = open_as(name, how);
	struct ctrans_result *r;

	memset(out, 0, sizeof(*out));
	out->logits = logits_of(model, 1, &out->usage);
	out->usage.prefill_ns = out->usage.decode_ns = 0;
	out->usage.prefill_device_ns = out->usage.decode_device_ns = 0;
	for (uint32_t beams = 1; beams <= 3; beams += 2) {
		r = generate(model, texts[0], beams);
		memcpy(out->tokens + out->n_tokens, r->tokens,
		       r->n_tokens * sizeof(*r->tokens));
		out->n_tokens += r->n_tokens;
		ctrans_result_free(r);
	}
	ctrans_model_close(model);
}

static void same(const struct outcome *a, const struct outcome *b, const char *name,
		 const struct how *how)
{
	ck_assert_msg(a->logits == b->logits, "%s: other logits with %s, %s, %s", name,
		      how->device, how->policy, how->code);
	ck_assert_msg(a->n_tokens == b->n_tokens &&
		      !memcmp(a->tokens, b->tokens, a->n_tokens * sizeof(*a->tokens)),
		      "%s: other tokens with %s, %s, %s", name, how->device, how->policy,
		      how->code);
}

static const char *const policies[] = { "dnn", "snn", "static", "tile", "fine" };
static const struct {
	const char *code;
	uint32_t flip;
} codes[] = { { "radix", 0 }, { "radix", 1 }, { "naf", 0 }, { "rate", 0 } };

START_TEST(test_ways)
{
	const char *name = small[(size_t)_i / N(policies)];
	struct how how = { "sim:threads=1,kernel=generic", "dnn", "radix",
			   _i & 1 ? "s8" : "f16", 0, 0 };
	struct outcome first, want, got;
	const struct chip_kernel *k;
	char device[64];

	run(name, &how, &first);
	how.policy = policies[(size_t)_i % N(policies)];
	for (size_t c = 0; c < N(codes); c++) {
		how.code = codes[c].code;
		how.flip = codes[c].flip;
		how.device = "sim:threads=1,kernel=generic";
		run(name, &how, &want);
		same(&first, &want, name, &how);
		ck_assert_uint_gt(want.usage.prefill.cycles, 0);
		for (unsigned int at = 0; (k = chip_kernel_at(at)); at++) {
			if (!k->supported())
				continue;
			snprintf(device, sizeof(device), "sim:threads=2,kernel=%s",
				 k->name);
			how.device = device;
			run(name, &how, &got);
			same(&first, &got, name, &how);
			ck_assert_msg(!memcmp(&want.usage, &got.usage, sizeof(got.usage)),
				      "%s: other costs with %s, %s, %s", name, device,
				      how.policy, how.code);
		}
	}
}
END_TEST

/* What is not quantised, too. */
START_TEST(test_f32)
{
	struct how how = { "sim:threads=1,kernel=reference", "dnn", "radix", NULL, 0,
			   CTRANS_MODEL_F32 };
	struct outcome want, got;
	const struct chip_kernel *k;
	char device[64];

	run(small[_i], &how, &want);
	for (unsigned int at = 0; (k = chip_kernel_at(at)); at++) {
		if (!k->supported())
			continue;
		snprintf(device, sizeof(device), "sim:threads=%u,kernel=%s", 1 + at % 3,
			 k->name);
		how.device = device;
		run(small[_i], &how, &got);
		same(&want, &got, small[_i], &how);
	}
}
END_TEST

START_TEST(test_pieces)
{
	struct ctrans_model *model = seq2seq_open(seq2seq_data(small[_i]), 0, NULL);
	uint64_t whole = logits_of(model, 8, NULL);

	for (size_t at_once = 2; at_once < 8; at_once++)
		ck_assert_uint_eq(logits_of(model, at_once, NULL), whole);
	ctrans_model_close(model);
}
END_TEST

/* ---- Company ------------------------------------------------------------- */

static const uint32_t beams[] = { 1, 2, 4, 5 };
#define ALL	(N(texts) * N(beams))

static void same_result(const struct ctrans_result *is, const struct ctrans_result *want,
			const char *what)
{
	ck_assert_msg(is->n_tokens == want->n_tokens &&
		      !memcmp(is->tokens, want->tokens, want->n_tokens * 4), "%s", what);
	ck_assert_str_eq(is->text, want->text);
	ck_assert_int_eq(is->finish, want->finish);
	ck_assert_uint_eq(is->usage.passes, want->usage.passes);
}

static void generate_all(struct ctrans_model *model, struct ctrans_result *r[ALL])
{
	for (size_t i = 0; i < ALL; i++)
		r[i] = generate(model, texts[i % N(texts)], beams[i / N(texts)]);
}

static void free_all(struct ctrans_result *r[ALL])
{
	for (size_t i = 0; i < ALL; i++)
		ctrans_result_free(r[i]);
}

START_TEST(test_queue)
{
	struct ctrans_model *model = seq2seq_open(seq2seq_data(small[_i]), 0, NULL);
	struct ctrans_generate_params p;
	struct ctrans_request *request[ALL];
	struct ctrans_result *alone[ALL], *r;
	struct ctrans_queue *queue;

	generate_all(model, alone);
	ck_assert_int_eq(ctrans_queue_open(model, NULL, &queue), 0);
	for (size_t i = 0; i < ALL; i++) {
		ctrans_generate_params_init(&p, sizeof(p));
		p.beams = beams[i / N(texts)];
		p.max_tokens = 12;
		p.no_repeat_ngram = p.beams == 2 ? 2 : 0;
		ck_assert_int_eq(ctrans_submit(queue, NULL, texts[i % N(texts)], &p, NULL,
					       &request[i]), 0);
	}
	for (size_t i = 0; i < ALL; i++) {
		ck_assert_int_eq(ctrans_request_wait(request[i], -1), 0);
		if (ctrans_request_result(request[i], &r))
			ck_abort_msg("%s", ctrans_message());
		same_result(r, alone[i], texts[i % N(texts)]);
		ctrans_result_free(r);
		ctrans_request_free(request[i]);
	}
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	free_all(alone);
	ctrans_model_close(model);
}
END_TEST

struct worker {
	pthread_t thread;
	struct ctrans_model *model;
	struct ctrans_result *r[ALL];
};

static void *work(void *arg)
{
	struct worker *w = arg;

	generate_all(w->model, w->r);
	return NULL;
}

START_TEST(test_threads)
{
	struct ctrans_model *model = seq2seq_open(seq2seq_data(small[_i]), 0, NULL);
	struct ctrans_result *alone[ALL];
	struct worker w[4];

	generate_all(model, alone);
	for (size_t t = 0; t < N(w); t++) {
		w[t].model = model;
		pthread_create(&w[t].thread, NULL, work, &w[t]);
	}
	for (size_t t = 0; t < N(w); t++) {
		pthread_join(w[t].thread, NULL);
		for (size_t i = 0; i < ALL; i++)
			same_result(w[t].r[i], alone[i], texts[i % N(texts)]);
		free_all(w[t].r);
	}
	free_all(alone);
	ctrans_model_close(model);
}
END_TEST

/* Sessions with sources of their own, or one they share, in one batch. */
START_TEST(test_batch)
{
	struct ctrans_model *model = seq2seq_open(seq2seq_data(small[_i]), 0, NULL);
	struct ctrans_session *s[4], *alone;
	struct ctrans_model_info info;
	uint32_t ids[128], start[4], next[4] = { 7, 9, 11, 7 };
	float *logits[4], *want;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	want = malloc(info.vocab * sizeof(*want));
	for (size_t i = 0; i < 4; i++) {
		logits[i] = malloc(info.vocab * sizeof(**logits));
		start[i] = (uint32_t)info.start;
		if (i == 3) {
			ck_assert_int_eq(ctrans_session_fork(s[1], &s[3]), 0);
			continue;
		}
		ck_assert_int_eq(ctrans_session_open(model, &s[i]), 0);
		ck_assert_int_eq(ctrans_session_read(s[i], ids,
						     source_of(model, texts[i], ids)), 0);
	}
	ck_assert_int_eq(ctrans_batch_eval(s, start, 4, NULL), 0);
	ck_assert_int_eq(ctrans_batch_eval(s, next, 4, logits), 0);
	for (size_t i = 0; i < 4; i++) {
		const char *text = texts[i == 3 ? 1 : i];

		ck_assert_int_eq(ctrans_session_open(model, &alone), 0);
		ck_assert_int_eq(ctrans_session_read(alone, ids,
						     source_of(model, text, ids)), 0);
		ck_assert_int_eq(ctrans_session_eval(alone, (uint32_t[]){
			start[i], next[i] }, 2, want), 0);
		ck_assert_mem_eq(logits[i], want, info.vocab * sizeof(*want));
		ctrans_session_close(alone);
		ctrans_session_close(s[i]);
		free(logits[i]);
	}
	free(want);
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq_exact");
	TCase *t = tcase_create("exact");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, test_ways, 0, N(small) * N(policies));
	tcase_add_loop_test(t, test_f32, 0, N(small));
	tcase_add_loop_test(t, test_pieces, 0, N(small));
	tcase_add_loop_test(t, test_queue, 0, N(small));
	tcase_add_loop_test(t, test_threads, 0, N(small));
	tcase_add_loop_test(t, test_batch, 0, N(small));
	tcase_set_timeout(t, 300);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
