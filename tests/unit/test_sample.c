// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exp.h"
#include "engine/core.h"
#include "engine/sample.h"

#define VOCAB	1000u

static const struct ct_sample_params plain = {
	.temperature = 1, .top_p = 1, .penalty = 1,
};

/* Logits as a model's are spread, the same on every machine. */
static void fill(float *logits, uint32_t n, uint32_t salt)
{
	uint32_t i, h;

	for (i = 0; i < n; i++) {
		h = (i + salt * 7919 + 1) * 2654435761u;
		h = (h ^ h >> 15) * 2246822519u;
		h = (h ^ h >> 13) * 3266489917u;
		logits[i] = (float)((int)(h >> 16 & 0xffff) - 32768) / 4096;
	}
}

static uint32_t pick(struct ct_sampler *s, const float *logits,
		     const uint32_t *text, size_t n)
{
	float *copy = malloc(s->vocab * sizeof(*copy));
	struct ct_err err = { 0 };
	uint32_t token = UINT32_MAX;

	memcpy(copy, logits, s->vocab * sizeof(*copy));
	ck_assert_int_eq(ct_sampler_pick(s, copy, text, n, &token, &err), 0);
	free(copy);
	return token;
}

static uint32_t pick_once(const struct ct_sample_params *p, const float *logits,
			  uint32_t vocab)
{
	struct ct_sampler s;
	uint32_t token;

	ck_assert_int_eq(ct_sampler_init(&s, p, vocab, NULL), 0);
	token = pick(&s, logits, NULL, 0);
	ct_sampler_free(&s);
	return token;
}

START_TEST(test_exp)
{
	uint64_t bits, state = 1;
	double x, e, got;
	int i;

	for (i = 0; i < 200000; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		x = ((double)(state >> 11) * 0x1p-53 - 0.5) * 2 * 744;
		got = ct_exp(x);
		e = exp(x);
		if (e > 0x1p-1000 && e < INFINITY)
			ck_assert(fabs(got - e) <= e * 0x1p-51);
	}
	ck_assert(ct_exp(0) == 1 && ct_exp(-0.0) == 1);
	ck_assert(ct_exp(1e9) == INFINITY && ct_exp(INFINITY) == INFINITY);
	ck_assert(ct_exp(-1e9) == 0 && ct_exp(-INFINITY) == 0);
	ck_assert(isnan(ct_exp(NAN)));
	ck_assert(ct_exp(-745) > 0 && ct_exp(709.7) < INFINITY);

	/* The bits, wherever this is run. */
	got = ct_exp(-1.2345678901234567);
	memcpy(&bits, &got, sizeof(bits));
	ck_assert_uint_eq(bits, 0x3fd29f18a148bd12u);
}
END_TEST

START_TEST(test_random)
{
	/* splitmix64's published first value of seed 0. */
	struct ct_sampler s;
	uint64_t first;

	ck_assert_int_eq(ct_sampler_init(&s, &plain, 4, NULL), 0);
	ck_assert_uint_eq(s.rng[0], 0xe220a8397b1dcdafu);
	first = ct_sampler_random(&s);
	ck_assert_uint_ne(first, ct_sampler_random(&s));
	ct_sampler_free(&s);
}
END_TEST

START_TEST(test_greedy)
{
	struct ct_sample_params p = plain;
	float logits[] = { 1, NAN, 3, 3, -INFINITY, 2 };
	struct ct_err err = { 0 };
	struct ct_sampler s;
	uint32_t token;

	p.temperature = 0;
	ck_assert_uint_eq(pick_once(&p, logits, 6), 2);	/* the lower id */
	p.temperature = 1;
	p.top_k = 1;
	ck_assert_uint_eq(pick_once(&p, logits, 6), 2);
	p.top_k = 0;
	p.top_p = 0;
	ck_assert_uint_eq(pick_once(&p, logits, 6), 2);
	p.top_p = 1;
	p.min_p = 1;
	token = pick_once(&p, logits, 6);
	ck_assert(token == 2 || token == 3);
	p.temperature = 1e-30f;
	p.min_p = 0;
	token = pick_once(&p, logits, 6);
	ck_assert(token == 2 || token == 3);
	logits[5] = INFINITY;
	ck_assert_uint_eq(pick_once(&p, logits, 6), 5);

	logits[0] = logits[2] = logits[3] = NAN;
	logits[5] = -INFINITY;
	ck_assert_int_eq(ct_sampler_init(&s, &p, 6, NULL), 0);
	ck_assert_int_eq(ct_sampler_pick(&s, logits, NULL, 0, &token, &err),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "no logit"));
	ct_sampler_free(&s);
}
END_TEST

START_TEST(test_needs_top)
{
	struct ct_sampler s = { .p = plain, .vocab = VOCAB };

	ck_assert(!ct_sampler_needs_top(&s, 64));
	s.p.temperature = 0;
	ck_assert(ct_sampler_needs_top(&s, 1));
	s.p.penalty = 1.1f;
	ck_assert(!ct_sampler_needs_top(&s, 64));
	s.p = plain;
	s.p.top_k = 1;
	ck_assert(ct_sampler_needs_top(&s, 1));
	s.p.top_k = 64;
	ck_assert(ct_sampler_needs_top(&s, 64));
	ck_assert(!ct_sampler_needs_top(&s, 63));
	/* no limit in so few: its order is that of ids */
	s.vocab = 64;
	ck_assert(!ct_sampler_needs_top(&s, 64));
}
END_TEST

/* As the chip ranks them: by a sort of its own. */
static uint32_t rank(const float *logits, uint32_t vocab, struct ct_ranked *top)
{
	bool used[VOCAB] = { false };
	uint32_t n, i, best;

	for (n = 0; n < CT_STEP_TOPK; n++) {
		best = vocab;
		for (i = 0; i < vocab; i++) {
			if (!used[i] && !isnan(logits[i]) &&
			    (best == vocab || logits[i] > logits[best]))
				best = i;
		}
		if (best == vocab)
			break;
		used[best] = true;
		top[n] = (struct ct_ranked){ best, logits[best] };
	}
	return n;
}

/* The chip's ranking gives what all logits give, draw after draw. */
START_TEST(test_pick_top)
{
	static const uint32_t ks[] = { 1, 2, 17, 40, 64 };
	struct ct_ranked top[CT_STEP_TOPK];
	struct ct_sampler all, few;
	struct ct_err err = { 0 };
	float logits[VOCAB];
	uint32_t token, n;

	for (uint32_t round = 0; round < 200; round++) {
		struct ct_sample_params p = plain;

		p.top_k = ks[round % 5];
		p.temperature = round % 7 ? 0.3f * (float)(round % 7) : 0;
		p.top_p = round % 3 ? 0.7f : 1;
		p.min_p = round % 4 ? 0 : 0.05f;
		p.seed = round;
		fill(logits, VOCAB, round);
		for (uint32_t i = 0; i < VOCAB; i++) {
			if (round % 11 == 3)	/* ties */
				logits[i] = floorf(logits[i]);
			if (round % 11 == 5 && i % 3)
				logits[i] = i % 2 ? NAN : -INFINITY;
			if (round % 11 == 7 && i > 20)	/* fewer than k */
				logits[i] = -INFINITY;
		}
		if (round % 50 == 49)
			logits[VOCAB / 2] = INFINITY;
		n = rank(logits, VOCAB, top);
		ck_assert_int_eq(ct_sampler_init(&all, &p, VOCAB, NULL), 0);
		ck_assert_int_eq(ct_sampler_init(&few, &p, VOCAB, NULL), 0);
		ck_assert(ct_sampler_needs_top(&few, CT_STEP_TOPK));
		for (int draw = 0; draw < 20; draw++) {
			ck_assert_int_eq(ct_sampler_pick_top(&few, top, n, &token,
							     &err), 0);
			ck_assert_uint_eq(token, pick(&all, logits, NULL, 0));
		}
		ct_sampler_free(&all);
		ct_sampler_free(&few);
	}

	ck_assert_int_eq(ct_sampler_pick_top(&few, top, 0, &token, &err), -EBADMSG);
	top[0].logit = -INFINITY;
	ck_assert_int_eq(ct_sampler_pick_top(&few, top, 1, &token, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "no logit"));
}
END_TEST

/* Counts against what the definition gives. */
static void check_shares(const struct ct_sample_params *p, const float *logits,
			 const double *want, uint32_t n)
{
	unsigned int count[16] = { 0 };
	const int draws = 40000;
	struct ct_sampler s;
	double share, sigma;
	uint32_t i;
	int d;

	ck_assert_int_eq(ct_sampler_init(&s, p, n, NULL), 0);
	for (d = 0; d < draws; d++)
		count[pick(&s, logits, NULL, 0)]++;
	ct_sampler_free(&s);
	for (i = 0; i < n; i++) {
		share = (double)count[i] / draws;
		sigma = sqrt(want[i] * (1 - want[i]) / draws);
		ck_assert_msg(fabs(share - want[i]) <= 5 * sigma,
			      "token %u: %g instead of %g", i, share, want[i]);
	}
}

START_TEST(test_shares)
{
	/* 8 4 2 1 1, of 16, in another order */
	float l2 = (float)M_LN2;
	const float logits[] = { 0, 3 * l2, l2, 2 * l2, 0 };
	struct ct_sample_params p = plain;

	check_shares(&p, logits, (double[]){ 1 / 16., 8 / 16., 2 / 16.,
					     4 / 16., 1 / 16. }, 5);
	p.top_k = 3;
	check_shares(&p, logits, (double[]){ 0, 8 / 14., 2 / 14., 4 / 14., 0 },
		     5);
	/* Of 8 4 2 alone, 8 and 4 reach 0.85. */
	p.top_p = 0.85f;
	check_shares(&p, logits, (double[]){ 0, 8 / 12., 0, 4 / 12., 0 }, 5);
	/* Of all of them it takes 2 as well. */
	p.top_k = 0;
	check_shares(&p, logits, (double[]){ 0, 8 / 14., 2 / 14., 4 / 14., 0 },
		     5);
	p.top_p = 1;
	p.min_p = 0.2f;
	check_shares(&p, logits, (double[]){ 0, 8 / 14., 2 / 14., 4 / 14., 0 },
		     5);
	/* Half the temperature squares the ratios: 64 16 4 1 1, of 86. */
	p.min_p = 0;
	p.temperature = 0.5f;
	check_shares(&p, logits, (double[]){ 1 / 86., 64 / 86., 4 / 86.,
					     16 / 86., 1 / 86. }, 5);
}
END_TEST

/* The sets that limits leave, against sorting everything. */
static int by_logit(const void *a, const void *b)
{
	const struct ct_candidate *x = a, *y = b;

	if (x->logit != y->logit)
		return x->logit > y->logit ? -1 : 1;
	return x->id < y->id ? -1 : 1;
}

START_TEST(test_sets)
{
	struct ct_candidate all[VOCAB];
	struct ct_sample_params p = plain;
	bool in_set[VOCAB];
	float logits[VOCAB];
	struct ct_sampler s;
	double total, sum;
	uint32_t i, n, round;

	for (round = 0; round < 60; round++) {
		fill(logits, VOCAB, round);
		/* many equal ones */
		if (round % 3 == 1)
			for (i = 0; i < VOCAB; i++)
				logits[i] = rintf(logits[i]);
		p.seed = round;
		p.top_k = (uint32_t[]){ 0, 1, 40, 7, 999, 1000, 5000 }[round % 7];
		p.top_p = (float[]){ 1, 0.95f, 0.5f, 0.999999f }[round % 4];
		p.min_p = (float[]){ 0, 0.05f, 0.3f }[round / 7 % 3];
		p.temperature = (float[]){ 1, 0.8f, 3 }[round / 4 % 3];

		for (i = 0; i < VOCAB; i++)
			all[i] = (struct ct_candidate){ logits[i], i, 0 };
		qsort(all, VOCAB, sizeof(all[0]), by_logit);
		n = p.top_k && p.top_k < VOCAB ? p.top_k : VOCAB;
		for (total = 0, i = 0; i < n; i++) {
			all[i].weight = exp(((double)all[i].logit -
					     all[0].logit) / p.temperature);
			total += all[i].weight;
		}
		memset(in_set, 0, sizeof(in_set));
		for (sum = 0, i = 0; i < n; i++) {
			if (p.top_p < 1 && sum >= p.top_p * total * 1.0000001)
				break;
			sum += all[i].weight;
			if (all[i].weight >= p.min_p * 0.9999999)
				in_set[all[i].id] = true;
		}
		ck_assert_int_eq(ct_sampler_init(&s, &p, VOCAB, NULL), 0);
		for (i = 0; i < 300; i++)
			ck_assert(in_set[pick(&s, logits, NULL, 0)]);
		ct_sampler_free(&s);
	}
}
END_TEST

START_TEST(test_penalty)
{
	/* Positive ones are divided, negative ones multiplied, each once. */
	const float logits[] = { 4, 3.5f, -1, -1.5f };
	const uint32_t text[] = { 0, 0, 0, 2 };
	struct ct_sample_params p = plain;
	struct ct_sampler s;
	float copy[4];
	uint32_t token;

	p.temperature = 0;
	p.penalty = 1.3f;
	ck_assert_int_eq(ct_sampler_init(&s, &p, 4, NULL), 0);
	memcpy(copy, logits, sizeof(copy));
	ck_assert_int_eq(ct_sampler_pick(&s, copy, text, 4, &token, NULL), 0);
	ck_assert_uint_eq(token, 1);
	ck_assert(copy[0] == 4 / 1.3f && copy[1] == 3.5f);
	ck_assert(copy[2] == -1 * 1.3f && copy[3] == -1.5f);

	/* Two tokens back 0 is still there, one back it is not. */
	s.p.window = 2;
	ck_assert_uint_eq(pick(&s, logits, text, 4), 1);
	s.p.window = 1;
	ck_assert_uint_eq(pick(&s, logits, text, 4), 0);
	s.p.window = 0;
	ck_assert_uint_eq(pick(&s, logits, NULL, 0), 0);
	ct_sampler_free(&s);
}
END_TEST

/* The same on every machine, compiler and rounding mode. */
START_TEST(test_fixed)
{
	static const struct {
		struct ct_sample_params p;
		uint32_t want[8];
	} cases[] = {
		{ { 1, 0, 1, 0, 1, 0, 0 },
		  { 593, 799, 113, 386, 673, 998, 405, 504 } },
		{ { 0.8f, 40, 0.95f, 0.05f, 1, 64, 0 },
		  { 492, 47, 47, 112, 194, 912, 694, 218 } },
		{ { 0.8f, 40, 0.95f, 0.05f, 1, 64, 1 },
		  { 28, 161, 787, 289, 400, 846, 494, 331 } },
		{ { 1.3f, 0, 0.9f, 0, 1, 0, 2 },
		  { 74, 867, 205, 809, 1, 749, 465, 937 } },
		{ { 2, 500, 1, 0.1f, 1.5f, 3, UINT64_MAX },
		  { 690, 683, 88, 212, 332, 653, 795, 429 } },
	};
	static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO };
	float logits[VOCAB];
	struct ct_sampler s;
	size_t c, m, i;
	uint32_t got[8];

	for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (m = 0; m < 3; m++) {
			ck_assert_int_eq(ct_sampler_init(&s, &cases[c].p, VOCAB,
							 NULL), 0);
			for (i = 0; i < 8; i++) {
				fill(logits, VOCAB, i);
				fesetround(modes[m]);
				got[i] = pick(&s, logits, cases[c].want, i);
				ck_assert_int_eq(fegetround(), modes[m]);
				fesetround(FE_TONEAREST);
			}
			ct_sampler_free(&s);
			if (memcmp(got, cases[c].want, sizeof(got)))
				ck_abort_msg("case %zu: %u, %u, %u, %u, %u, %u, %u, %u",
					     c, got[0], got[1], got[2], got[3],
					     got[4], got[5], got[6], got[7]);
		}
	}
}
END_TEST

/* A step of the smallest GPT-2 is 3 ms at best: sampling must not show. */
START_TEST(test_time)
{
	const uint32_t vocab = 50257;
	struct ct_sample_params p = {
		.temperature = 0.8f, .top_k = 40, .top_p = 0.95f,
		.min_p = 0.05f, .penalty = 1,
	};
	float *logits = malloc(vocab * sizeof(*logits));
	struct timespec a, b;
	struct ct_sampler s;
	double us, best = 1e9;
	uint32_t token;
	int i;

	fill(logits, vocab, 1);
	ck_assert_int_eq(ct_sampler_init(&s, &p, vocab, NULL), 0);
	for (i = 0; i < 50; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		ct_sampler_pick(&s, logits, NULL, 0, &token, NULL);
		clock_gettime(CLOCK_MONOTONIC, &b);
		us = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
		if (us < best)
			best = us;
	}
	printf("defaults, %u logits: %.1f us\n", vocab, best);
	/* Sanitizers and a crowded machine are allowed ten times that. */
	ck_assert(best < 1000);
	ct_sampler_free(&s);
	free(logits);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sample");
	TCase *tc = tcase_create("sample");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_exp);
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_greedy);
	tcase_add_test(tc, test_needs_top);
	tcase_add_test(tc, test_pick_top);
	tcase_add_test(tc, test_shares);
	tcase_add_test(tc, test_sets);
	tcase_add_test(tc, test_penalty);
	tcase_add_test(tc, test_fixed);
	tcase_add_test(tc, test_time);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
