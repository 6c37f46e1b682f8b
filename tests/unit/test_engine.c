// SPDX-License-Identifier: MIT
/* Sessions, batches, shared steps and scoring, over a core without chip. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "engine/session.h"
#include "fake_core.h"

static struct ctrans_model *model;
static struct ctrans_session *session;

static void setup(void)
{
	fake_reset();
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	ck_assert_int_eq(ctrans_session_open(model, &session), 0);
}

static void teardown(void)
{
	ctrans_session_close(session);
	ctrans_model_close(model);
	ck_assert_uint_eq(fake.open_seqs, 0);
}

/* Another model in place of the one that setup() made. */
static void reopen(uint32_t context)
{
	ctrans_session_close(session);
	ctrans_model_close(model);
	fake.context = context;
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	ck_assert_int_eq(ctrans_session_open(model, &session), 0);
}

static void check_logits(const float *got, const uint32_t *tokens, size_t n)
{
	float want[FAKE_VOCAB];

	fake_logits(tokens, n, want);
	ck_assert(!memcmp(got, want, sizeof(want)));
}

static void says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"",
		      words, ctrans_message());
}

START_TEST(test_eval)
{
	const uint32_t tokens[] = { 5, 6, 7, 8, 9 };
	const uint32_t other[] = { 5, 6, 1 };
	float logits[FAKE_VOCAB];

	ck_assert_uint_eq(ctrans_session_position(session), 0);
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 3, logits), 0);
	check_logits(logits, tokens, 3);
	ck_assert_uint_eq(ctrans_session_position(session), 3);
	ck_assert_int_eq(ctrans_session_eval(session, tokens + 3, 2, NULL), 0);
	ck_assert_int_eq(ctrans_session_truncate(session, 2), 0);
	ck_assert_uint_eq(ctrans_session_position(session), 2);
	ck_assert_int_eq(ctrans_session_eval(session, other + 2, 1, logits), 0);
	check_logits(logits, other, 3);

	ck_assert_int_eq(ctrans_session_truncate(session, 4), -EINVAL);
	says("cannot truncate to 4");
	ck_assert_int_eq(ctrans_session_truncate(session, 0), 0);
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 5, logits), 0);
	check_logits(logits, tokens, 5);
}
END_TEST

START_TEST(test_eval_refused)
{
	uint32_t tokens[65] = { 0 }, wrong[] = { 1, FAKE_VOCAB };

	ck_assert_int_eq(ctrans_session_eval(session, tokens, 65, NULL), -E2BIG);
	says("65 tokens do not fit: the context is 64");
	ck_assert_int_eq(ctrans_session_eval(session, wrong, 2, NULL), -EINVAL);
	says("token 259 (number 1 of 2) is out of range");
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 0, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_session_eval(session, NULL, 1, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_session_eval(NULL, tokens, 1, NULL), -EINVAL);
	ck_assert_uint_eq(fake.steps, 0);
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 64, NULL), 0);
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 1, NULL), -E2BIG);
	says("after the 64 that the session holds");
}
END_TEST

/* A long text in chunks, the second of which fails. */
START_TEST(test_eval_fails)
{
	static uint32_t tokens[700];
	float logits[FAKE_VOCAB];
	size_t i;

	reopen(1000);
	for (i = 0; i < 700; i++)
		tokens[i] = i % 251;
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 10, NULL), 0);
	fake.steps = 0;
	fake.fail_at = 2;
	ck_assert_int_eq(ctrans_session_eval(session, tokens + 10, 690, logits),
			 -EIO);
	says("the step failed");
	ck_assert_uint_eq(ctrans_session_position(session), 10);
	ck_assert_uint_eq(ct_seq_position(session->seq), 10);
	fake.fail_at = 0;
	fake.steps = 0;
	ck_assert_int_eq(ctrans_session_eval(session, tokens + 10, 690, logits),
			 0);
	check_logits(logits, tokens, 700);
	ck_assert_uint_eq(fake.steps, 3);
	ck_assert_uint_eq(fake.most_rows, CT_STEP_ROWS);
}
END_TEST

/* Four fifths of them want logits. */
#define BATCH	200
_Static_assert(BATCH <= CT_STEP_ROWS && BATCH / 5 * 4 > CT_STEP_LOGITS &&
	       BATCH / 5 * 4 <= 2 * CT_STEP_LOGITS, "two steps");

START_TEST(test_batch)
{
	struct ctrans_session *s[BATCH];
	uint32_t tokens[BATCH], text[BATCH][3];
	struct ctrans_usage usage;
	float *logits[BATCH];
	size_t i, k;

	for (i = 0; i < BATCH; i++) {
		ck_assert_int_eq(ctrans_session_open(model, &s[i]), 0);
		logits[i] = i % 5 ? malloc(FAKE_VOCAB * sizeof(float)) : NULL;
	}
	for (k = 0; k < 3; k++) {
		for (i = 0; i < BATCH; i++)
			text[i][k] = tokens[i] = (i * 3 + k) % 256;
		ck_assert_int_eq(ctrans_batch_eval(s, tokens, BATCH, logits), 0);
		for (i = 0; i < BATCH; i++) {
			if (logits[i])
				check_logits(logits[i], text[i], k + 1);
		}
	}
	/* More of them want logits than a step has. */
	ck_assert_uint_eq(fake.steps, 6);
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, BATCH / 2, NULL), 0);
	ck_assert_uint_eq(fake.steps, 7);
	/* each has its own rows' part of the device's time, in however many steps */
	for (i = 0; i < BATCH; i++) {
		ck_assert_int_eq(ctrans_session_usage(s[i], &usage,
						      sizeof(usage)), 0);
		ck_assert_uint_eq(usage.prefill_device_ns,
				  11 * (i < BATCH / 2 ? 4 : 3));
	}

	/* One out of range, one in use twice: none has moved. */
	tokens[7] = FAKE_VOCAB;
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, BATCH, NULL), -EINVAL);
	says("session 7 of the batch");
	/* One that fails when it is run, after others have been. */
	tokens[7] = fake.poison = 200;
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, BATCH, NULL), -EIO);
	for (i = 0; i < BATCH; i++)
		ck_assert_uint_eq(ctrans_session_position(s[i]),
				  i < BATCH / 2 ? 4 : 3);
	for (i = 0; i < BATCH; i++) {
		ctrans_session_close(s[i]);
		free(logits[i]);
	}
}
END_TEST

START_TEST(test_batch_refused)
{
	struct ctrans_session *other, *s[257];
	struct ctrans_model *second;
	uint32_t tokens[257] = { 0 };
	size_t i;

	ck_assert_int_eq(ctrans_session_open(model, &other), 0);
	s[0] = s[2] = session;
	s[1] = other;
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 3, NULL), -EINVAL);
	says("twice");
	s[2] = NULL;
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 3, NULL), -EINVAL);
	says("session 2 of the batch is NULL");
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 0, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_batch_eval(NULL, tokens, 1, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_batch_eval(s, NULL, 1, NULL), -EINVAL);
	for (i = 0; i < 257; i++)
		s[i] = session;
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 257, NULL), -E2BIG);
	ctrans_session_close(other);

	ck_assert_int_eq(ctrans_model_open("second", NULL, &second), 0);
	ck_assert_int_eq(ctrans_session_open(second, &s[1]), 0);
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 2, NULL), -EINVAL);
	says("another model");
	ctrans_session_close(s[1]);
	ctrans_model_close(second);

	/* In use by another call, which a callback could try. */
	atomic_store(&session->in_use, true);
	ck_assert_int_eq(ctrans_batch_eval(s, tokens, 1, NULL), -EBUSY);
	ck_assert_int_eq(ctrans_session_eval(session, tokens, 1, NULL), -EBUSY);
	ck_assert_int_eq(ctrans_session_truncate(session, 0), -EBUSY);
	atomic_store(&session->in_use, false);
	ck_assert_uint_eq(fake.steps, 0);
}
END_TEST

/* ---- Threads ------------------------------------------------------------ */

#define THREADS	8

struct worker {
	pthread_t thread;
	uint32_t first;		/* token it begins with */
	int last, failed_at;	/* code of its last step, and which that was */
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct ctrans_session *s;
	uint32_t text[50], i;
	float got[FAKE_VOCAB], want[FAKE_VOCAB];

	w->last = ctrans_session_open(model, &s);
	for (i = 0; i < 50 && !w->last; i++) {
		text[i] = w->first + i;
		w->failed_at = i;
		w->last = ctrans_session_eval(s, &text[i], 1, got);
		if (w->last)
			break;
		fake_logits(text, i + 1, want);
		if (memcmp(got, want, sizeof(want)))
			w->last = -EILSEQ;
	}
	ctrans_session_close(s);
	return NULL;
}

static void run_workers(struct worker *w)
{
	size_t i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .first = i * 20 };
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
}

START_TEST(test_threads)
{
	struct worker w[THREADS];
	size_t i;

	fake.sleep_us = 300;
	run_workers(w);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(w[i].last, 0);
	ck_assert_uint_eq(fake.rows, THREADS * 50);
	/* They share passes over the weights. */
	ck_assert_uint_gt(fake.most_rows, 1);
	ck_assert_uint_lt(fake.steps, THREADS * 50);
}
END_TEST

/* What one of them does wrong is not the others' loss. */
START_TEST(test_threads_fault)
{
	struct worker w[THREADS];
	size_t i;

	fake.sleep_us = 300;
	fake.poison = 7 * 20 + 33;	/* only thread 7 comes there */
	run_workers(w);
	for (i = 0; i < THREADS; i++) {
		ck_assert_int_eq(w[i].last, i == 7 ? -EIO : 0);
		ck_assert_int_eq(w[i].failed_at, i == 7 ? 33 : 49);
	}
}
END_TEST

/* ---- Scoring ------------------------------------------------------------ */

/* The definition in a few lines, one window after the other. */
static double plain_score(const uint32_t *tokens, size_t n, size_t context,
			  size_t stride, uint64_t *scored, uint64_t *top1)
{
	size_t start, end, seen = 0, i, k, best;
	float logits[FAKE_VOCAB];
	double nll = 0, sum;

	*scored = *top1 = 0;
	for (start = 0; seen < n; start += stride, seen = end) {
		end = start + context < n ? start + context : n;
		for (i = seen > start ? seen : start + 1; i < end; i++) {
			fake_logits(tokens + start, i - start, logits);
			for (sum = 0, best = 0, k = 0; k < FAKE_VOCAB; k++) {
				sum += exp((double)logits[k]);
				if (logits[k] > logits[best])
					best = k;
			}
			nll += (double)(float)log(sum) - logits[tokens[i]];
			++*scored;
			*top1 += best == tokens[i];
		}
	}
	return nll;
}

static uint64_t told_done, told_total;
static double told_nll;
static int give_up_at;

static int tell(void *arg, uint64_t done, uint64_t total, double nll)
{
	ck_assert_ptr_eq(arg, &told_nll);
	ck_assert_uint_ge(done, told_done);
	told_done = done;
	told_total = total;
	told_nll = nll;
	return give_up_at && done >= (uint64_t)give_up_at;
}

START_TEST(test_score)
{
	static const size_t lengths[] = { 2, 3, 63, 64, 65, 96, 97, 700, 1501 };
	static const struct { uint32_t context, stride; } windows[] = {
		{ 0, 0 }, { 64, 32 }, { 64, 64 }, { 64, 1 }, { 17, 5 },
		{ 2, 1 }, { 2, 2 }, { 3, 2 }, { 8, 4 }, { 700, 350 },
		{ 700, 690 },
	};
	static uint32_t tokens[1501];
	uint64_t scored, top1;
	size_t i, l, w;
	double want;

	reopen(700);
	for (i = 0; i < 1501; i++)
		tokens[i] = (i * i + i / 7) % 256;
	for (w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		for (l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			struct ctrans_score score;
			uint32_t context = windows[w].context;
			uint32_t stride = windows[w].stride;

			told_done = 0;
			ck_assert_int_eq(ctrans_score_tokens(model, tokens,
							     lengths[l], context,
							     stride, tell,
							     &told_nll, &score,
							     sizeof(score)), 0);
			want = plain_score(tokens, lengths[l],
					   context ? context : 700,
					   stride ? stride : 350, &scored,
					   &top1);
			ck_assert_uint_eq(score.tokens, scored);
			ck_assert_uint_eq(score.top1, top1);
			ck_assert(fabs(score.nll - want) < 1e-9 * want);
			ck_assert(fabs(score.perplexity / exp(want / scored) - 1)
				  < 1e-9);
			ck_assert_uint_eq(told_done, scored);
			ck_assert_uint_eq(told_total, scored);
			ck_assert(told_nll == score.nll);
			ck_assert_uint_eq(score.size, sizeof(score));
			ck_assert_uint_eq(score.usage.prefill.cycles,
					  100 * score.usage.prompt_tokens);
		}
	}
	/* Steps are filled, not one for each little window. */
	fake.steps = fake.rows = 0;
	struct ctrans_score score;

	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 1501, 8, 4, NULL,
					     NULL, &score, sizeof(score)), 0);
	ck_assert_uint_lt(fake.steps, 1500 / 30);
}
END_TEST

START_TEST(test_score_refused)
{
	const uint32_t tokens[] = { 1, 2, 3, FAKE_VOCAB, 5 };
	struct ctrans_score s;

#define SCORE(n, context, stride) \
	ctrans_score_tokens(model, tokens, n, context, stride, NULL, NULL, &s, \
			    sizeof(s))
	ck_assert_int_eq(SCORE(0, 0, 0), -EINVAL);
	ck_assert_int_eq(SCORE(1, 0, 0), -EINVAL);
	says("1 tokens has none to score");
	ck_assert_int_eq(SCORE(3, 65, 0), -EINVAL);
	says("the model's context is 64");
	ck_assert_int_eq(SCORE(3, 1, 0), -EINVAL);
	ck_assert_int_eq(SCORE(3, 32, 33), -EINVAL);
	says("stride 33");
	ck_assert_int_eq(SCORE(5, 0, 0), -EINVAL);
	says("token 259 (number 3)");
#undef SCORE
	ck_assert_int_eq(ctrans_score_tokens(NULL, tokens, 3, 0, 0, NULL, NULL,
					     &s, sizeof(s)), -EINVAL);
	ck_assert_int_eq(ctrans_score_tokens(model, NULL, 3, 0, 0, NULL, NULL,
					     &s, sizeof(s)), -EINVAL);
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 3, 0, 0, NULL, NULL,
					     NULL, sizeof(s)), -EINVAL);
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 3, 0, 0, NULL, NULL,
					     &s, 8), -EINVAL);
	ck_assert_uint_eq(fake.steps, 0);

	fake.no_weights = true;
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 3, 0, 0, NULL, NULL,
					     &s, sizeof(s)), -ENOTSUP);
	fake.no_weights = false;

	give_up_at = 2;
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 3, 0, 0, tell,
					     &told_nll, &s, sizeof(s)),
			 -ECANCELED);
	fake.fail_at = fake.steps + 1;
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 3, 0, 0, NULL, NULL,
					     &s, sizeof(s)), -EIO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tc = tcase_create("engine");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_eval);
	tcase_add_test(tc, test_eval_refused);
	tcase_add_test(tc, test_eval_fails);
	tcase_add_test(tc, test_batch);
	tcase_add_test(tc, test_batch_refused);
	tcase_add_test(tc, test_threads);
	tcase_add_test(tc, test_threads_fault);
	tcase_add_test(tc, test_score);
	tcase_add_test(tc, test_score_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
