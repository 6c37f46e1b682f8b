// SPDX-License-Identifier: MIT
/*
 * Beams over a real model: with a repetition penalty as a search by hand finds them,
 * and after steps of which a part was run.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/beams.h"
#include "seq2seq_help.h"

#define BEAMS	3u
#define LENGTH	14u
#define VOCAB	84u

static const uint32_t source[] = { 40, 12, 7, 33, 21, 9, 1 };

static struct ct_core *core;

static void setup(void)
{
	core = seq2seq_core(seq2seq_data("t5_small"), CTRANS_MODEL_F32);
	ck_assert_uint_eq(ct_core_config(core)->n_vocab, VOCAB);
}

static void teardown(void)
{
	ct_core_close(core);
}

static struct ct_beams *open_beams(float penalty, uint32_t window)
{
	struct ct_beams_params p = {
		.search = {
			.beams = BEAMS, .n_best = 1, .max_length = LENGTH, .vocab = VOCAB,
			.length_penalty = 1,
		},
		.rules = { .max_length = LENGTH, .forced_bos = -1, .forced_eos = -1 },
		.penalty = penalty, .window = window,
	};
	uint32_t start = 0;
	struct ct_beams *beams;
	struct ct_err err;

	if (ct_beams_open(core, &p, &start, 1, &beams, &err))
		ck_abort_msg("%s", err.msg);
	return beams;
}

/* @part: so many rows of a step are run in vain before it is. */
static struct ct_beam_hyp search(float penalty, uint32_t window, size_t part)
{
	struct ct_beams *beams = open_beams(penalty, window);
	struct ct_gather_call call = { 0 };
	struct ct_beam_hyp best;
	struct ct_source *read;
	struct ct_seq *like;
	struct ct_err err;

	if (ct_seq_open(core, &like, &err) ||
	    ct_core_encode(core, source, sizeof(source) / sizeof(source[0]), NULL, NULL,
			   &read, &err))
		ck_abort_msg("%s", err.msg);
	ct_seq_attend(like, read);
	ct_source_drop(read);
	while (!beams->search.done) {
		if (ct_beams_prepare(beams, like, &call, &err) ||
		    (part && call.n >= part &&
		     (ct_core_step(core, call.rows, part, NULL, &err) ||
		      ct_beams_prepare(beams, like, &call, &err))) ||
		    ct_core_step(core, call.rows, call.n, NULL, &err) ||
		    ct_beams_take(beams, &err))
			ck_abort_msg("%s", err.msg);
	}
	if (ct_beam_best(&beams->search, &best, &err))
		ck_abort_msg("%s", err.msg);
	ct_beams_close(beams);
	ct_seq_close(like);
	ck_assert_uint_eq(best.n, LENGTH);
	return best;
}

/* ---- By hand ------------------------------------------------------------- */

struct text {
	uint32_t ids[LENGTH];
	double sum;
};

/* Log-probabilities of what follows, those of what was there times the penalty. */
static void scores_of(const struct text *t, uint32_t n, float penalty, uint32_t window,
		      double scores[VOCAB])
{
	float *all = seq2seq_decode(core, source, sizeof(source) / sizeof(source[0]),
				    t->ids, n, 1);
	const float *last = all + (size_t)(n - 1) * VOCAB;
	uint32_t from = window && n > window ? n - window : 0;
	bool seen[VOCAB] = { false };
	double sum = 0;

	for (uint32_t i = 0; i < VOCAB; i++)
		sum += exp(last[i]);
	for (uint32_t i = from; i < n; i++)
		seen[t->ids[i]] = true;
	for (uint32_t i = 0; i < VOCAB; i++)
		scores[i] = (last[i] - log(sum)) * (seen[i] ? (double)penalty : 1);
	free(all);
}

/* Of a vocabulary of which nothing ends a text: the best beams of all that follow. */
static struct text by_hand(float penalty, uint32_t window)
{
	struct text beams[BEAMS] = { 0 }, next[BEAMS];
	double scores[BEAMS][VOCAB];
	uint32_t n_beams = 1;

	for (uint32_t n = 1; n < LENGTH; n++) {
		for (uint32_t b = 0; b < n_beams; b++)
			scores_of(&beams[b], n, penalty, window, scores[b]);
		for (uint32_t k = 0; k < BEAMS; k++) {
			uint32_t beam = 0, token = 0;

			for (uint32_t i = 0; i < n_beams * VOCAB; i++)
				if (beams[i / VOCAB].sum + scores[i / VOCAB][i % VOCAB] >
				    beams[beam].sum + scores[beam][token]) {
					beam = i / VOCAB;
					token = i % VOCAB;
				}
			next[k] = beams[beam];
			next[k].sum += scores[beam][token];
			next[k].ids[n] = token;
			scores[beam][token] = -INFINITY;
		}
		memcpy(beams, next, sizeof(beams));
		n_beams = BEAMS;
	}
	return beams[0];
}

static bool repeats(const uint32_t *ids)
{
	for (uint32_t i = 0; i < LENGTH; i++)
		for (uint32_t j = 0; j < i; j++)
			if (ids[i] == ids[j])
				return true;
	return false;
}

START_TEST(test_penalty)
{
	static const struct {
		float penalty;
		uint32_t window;
	} cases[] = {
		{ 1, 0 }, { 1.3f, 0 }, { 1.3f, 2 }, { 5, 3 }, { 0.8f, 0 }, { 100, 0 },
	};
	struct ct_beam_hyp is = search(cases[_i].penalty, cases[_i].window, 0);
	struct text want = by_hand(cases[_i].penalty, cases[_i].window);

	ck_assert_mem_eq(is.tokens, want.ids, sizeof(want.ids));
	ck_assert_double_lt(fabs(is.sum - want.sum), 1e-3);
	/* the strongest forbids, without one there is something to forbid */
	ck_assert(repeats(is.tokens) == (cases[_i].penalty < 100));
	ct_beam_hyps_free(&is, 1);
}
END_TEST

/* A step that fails has run some of its rows: they are taken back and run again. */
START_TEST(test_part)
{
	struct ct_beam_hyp want = search(1, 0, 0), is = search(1, 0, (size_t)_i);

	ck_assert_mem_eq(is.tokens, want.tokens, LENGTH * sizeof(*is.tokens));
	ck_assert(is.score == want.score);
	ct_beam_hyps_free(&want, 1);
	ct_beam_hyps_free(&is, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("beams");
	TCase *t = tcase_create("beams");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_penalty, 0, 6);
	tcase_add_loop_test(t, test_part, 1, BEAMS + 1);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
