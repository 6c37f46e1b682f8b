// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "engine/constrain.h"
#include "engine/core.h"
#include "fail_alloc.h"

#define VOCAB	10u

static const uint32_t ends[] = { 7, 3 };

static const struct ct_constraint_params none = {
	.forced_bos = -1, .forced_eos = -1, .eos = ends, .n_eos = 2,
};

static struct ct_constraints with(const struct ct_constraint_params *p)
{
	struct ct_constraints c;

	ck_assert_int_eq(ct_constraints_init(&c, p, VOCAB, NULL), 0);
	return c;
}

/* @want: digits */
static void expect(const struct ct_constraints *c, const char *text, const char *want)
{
	struct ct_bans bans = { 0 };
	uint32_t ids[64];
	size_t i, n = strlen(text);

	for (i = 0; i < n; i++)
		ids[i] = (uint32_t)(text[i] - '0');
	ck_assert_int_eq(ct_constraints_next(c, ids, n, &bans, NULL), 0);
	if (*want == '!') {
		ck_assert_msg(bans.forced && bans.only == (uint32_t)(want[1] - '0'),
			      "%s: %u", text, bans.only);
	} else {
		ck_assert_msg(!bans.forced && bans.n == strlen(want), "%s: %u", text,
			      bans.n);
		for (i = 0; i < bans.n; i++)
			ck_assert_msg(bans.ids[i] == (uint32_t)(want[i] - '0'),
				      "%s: %u", text, bans.ids[i]);
	}
	ct_bans_free(&bans);
}

START_TEST(test_ngram)
{
	struct ct_constraint_params p = none;
	struct ct_constraints c;

	p.no_repeat_ngram = 2;
	c = with(&p);
	ck_assert(ct_constraints_look_back(&c));
	expect(&c, "", "");
	expect(&c, "0", "");
	expect(&c, "01", "");
	expect(&c, "010", "1");
	expect(&c, "0102010", "12");	/* each once, in order */
	expect(&c, "055", "5");		/* overlapping itself */
	p.no_repeat_ngram = 3;
	c = with(&p);
	expect(&c, "0", "");
	expect(&c, "01", "");
	expect(&c, "01201", "2");
	expect(&c, "0124", "");
	expect(&c, "111", "1");
	/* of one: no token comes twice */
	p.no_repeat_ngram = 1;
	c = with(&p);
	expect(&c, "", "");
	expect(&c, "9", "9");
	expect(&c, "929", "29");
	p.no_repeat_ngram = UINT32_MAX;
	c = with(&p);
	expect(&c, "0101010101", "");
}
END_TEST

START_TEST(test_lengths)
{
	struct ct_constraint_params p = none;
	struct ct_constraints c;
	struct ct_bans bans = { 0 };

	p.min_length = 3;
	p.max_length = 5;
	c = with(&p);
	ck_assert(!ct_constraints_look_back(&c));
	expect(&c, "0", "37");
	expect(&c, "00", "37");
	expect(&c, "000", "");
	p.forced_bos = 2;
	p.forced_eos = 7;
	c = with(&p);
	expect(&c, "0", "!2");
	expect(&c, "02", "37");
	expect(&c, "022", "");
	expect(&c, "0221", "!7");
	expect(&c, "02217", "");
	/* Forced even where an end is too early, and the end over the beginning. */
	p.min_length = 5;
	c = with(&p);
	expect(&c, "0221", "!7");
	p.max_length = p.min_length = 2;
	c = with(&p);
	expect(&c, "0", "!7");
	p.no_repeat_ngram = 1;
	p.max_length = p.min_length = 4;
	c = with(&p);
	expect(&c, "07", "037");
	/* Without a longest text none ends by force. */
	p = none;
	p.forced_eos = 7;
	c = with(&p);
	expect(&c, "0", "");
	ck_assert_int_eq(ct_constraints_next(&c, NULL, 100, &bans, NULL), 0);
	ck_assert(!bans.forced && !bans.n);
}
END_TEST

/* What a text starts from may be no token of the output. */
START_TEST(test_foreign_start)
{
	struct ct_constraint_params p = none;
	const uint32_t text[] = { 1000, 4, 1000 };
	struct ct_bans bans = { 0 };
	struct ct_constraints c;

	p.no_repeat_ngram = 1;
	c = with(&p);
	ck_assert_int_eq(ct_constraints_next(&c, text, 3, &bans, NULL), 0);
	ck_assert_uint_eq(bans.n, 1);
	ck_assert_uint_eq(bans.ids[0], 4);
	p.no_repeat_ngram = 2;
	c = with(&p);
	ck_assert_int_eq(ct_constraints_next(&c, text, 3, &bans, NULL), 0);
	ck_assert_uint_eq(bans.n, 1);
	ct_bans_free(&bans);
}
END_TEST

/* Would @id complete what is there already? */
static bool repeats(const uint32_t *text, size_t n, uint32_t id, size_t ngram)
{
	size_t i, j;

	for (i = 0; i + ngram <= n; i++) {
		for (j = 0; j + 1 < ngram &&
		     text[i + j] == text[n - (ngram - 1) + j]; j++)
			;
		if (j + 1 == ngram && text[i + j] == id)
			return true;
	}
	return false;
}

/* One by one; and what is chosen never repeats. */
START_TEST(test_random)
{
	struct ct_constraint_params p = none;
	struct ct_bans bans = { 0 };
	uint32_t text[100], n, id, at, round;
	struct ct_constraints c;
	uint64_t state = 1;

	for (round = 0; round < 60; round++) {
		p.no_repeat_ngram = 1 + round % 4;
		p.min_length = round;
		c = with(&p);
		for (n = 0; n < 100; n++) {
			ck_assert_int_eq(ct_constraints_next(&c, text, n, &bans,
							     NULL), 0);
			for (at = 0, id = 0; id < VOCAB; id++) {
				if (!repeats(text, n, id, p.no_repeat_ngram) &&
				    !(n < round && (id == 3 || id == 7)))
					continue;
				if (at == bans.n || bans.ids[at++] != id)
					ck_abort_msg("%u of %u: %u", round, n, id);
			}
			ck_assert_uint_eq(at, bans.n);
			text[n] = (uint32_t)(ct_splitmix(&state) % VOCAB);
		}
	}
	ct_bans_free(&bans);
}
END_TEST

START_TEST(test_filter)
{
	const struct ct_ranked top[] = { { 5, 9 }, { 1, 8 }, { 2, 7 }, { 0, 6 } };
	uint32_t ids[] = { 1, 2, 8 };
	struct ct_bans bans = { .n = 3, .ids = ids };
	struct ct_ranked out[4];

	ck_assert_uint_eq(ct_bans_filter(&bans, top, 4, out), 2);
	ck_assert(out[0].id == 5 && out[1].id == 0 && out[1].logit == 6);
	memcpy(out, top, sizeof(top));
	ck_assert_uint_eq(ct_bans_filter(&bans, out, 4, out), 2);
	ck_assert_uint_eq(out[1].id, 0);
	ck_assert_uint_eq(ct_bans_filter(&bans, top, 0, out), 0);

	/* 3 may be among the best: 5 best leave 2 for certain */
	ck_assert(ct_bans_leave(&bans, 5, 2, 100));
	ck_assert(!ct_bans_leave(&bans, 5, 3, 100));
	ck_assert(!ct_bans_leave(&bans, 2, 0, 100));
	ck_assert(ct_bans_leave(&bans, 5, 3, 5));
	bans.n = 0;
	ck_assert_uint_eq(ct_bans_filter(&bans, top, 4, out), 4);
	bans.forced = true;
	ck_assert(ct_bans_leave(&bans, 1, 64, 100));
	ck_assert_uint_eq(ct_bans_filter(&bans, top, 4, out), 0);
}
END_TEST

START_TEST(test_apply)
{
	uint32_t ids[] = { 0, 3, 900 };
	struct ct_bans bans = { .n = 3, .ids = ids };
	float logits[] = { 1, 2, NAN, 4, 5 };

	ct_bans_apply(&bans, logits, 5);
	ck_assert(logits[0] == -INFINITY && logits[1] == 2 && logits[4] == 5);
	ck_assert(isnan(logits[2]) && logits[3] == -INFINITY);
	bans.forced = true;
	bans.only = 2;
	ct_bans_apply(&bans, logits, 5);
	ck_assert(logits[0] == -INFINITY && logits[4] == -INFINITY);
	ck_assert(logits[2] == 0);
}
END_TEST

START_TEST(test_rank)
{
	const float logits[] = { 1, NAN, 3, -INFINITY, 3, 2, 3 };
	struct ct_ranked out[7];

	ck_assert_uint_eq(ct_rank(logits, 7, 0, out), 0);
	ck_assert_uint_eq(ct_rank(logits, 7, 2, out), 2);
	ck_assert(out[0].id == 2 && out[1].id == 4);
	ck_assert_uint_eq(ct_rank(logits, 7, 4, out), 4);
	ck_assert(out[2].id == 6 && out[3].id == 5 && out[3].logit == 2);
	ck_assert_uint_eq(ct_rank(logits, 7, 7, out), 5);
	ck_assert_uint_eq(out[4].id, 0);
	ck_assert_uint_eq(ct_rank(logits + 3, 1, 7, out), 0);
}
END_TEST

START_TEST(test_refused)
{
	const uint32_t many[CT_ENDS_MAX + 1] = { 0 };
	struct ct_constraint_params p = none;
	struct ct_err err = { 0 };
	struct ct_constraints c;

	ck_assert_int_eq(ct_constraints_init(&c, &p, 7, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "eos_token_id 7"));
	ck_assert_int_eq(ct_constraints_init(&c, &p, 8, &err), 0);
	ck_assert_int_eq(ct_constraints_init(&c, &p, 0, &err), -EINVAL);
	p.forced_bos = VOCAB;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "forced_bos_token_id is 10"));
	p.forced_bos = -2;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), -EINVAL);
	p = none;
	p.forced_eos = INT64_MAX;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "forced_eos_token_id"));
	p = none;
	p.min_length = 6;
	p.max_length = 5;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "min_length 6"));
	p = none;
	p.eos = many;
	p.n_eos = CT_ENDS_MAX + 1;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), -E2BIG);
	p.eos = NULL;
	p.n_eos = 0;
	ck_assert_int_eq(ct_constraints_init(&c, &p, VOCAB, &err), 0);
}
END_TEST

START_TEST(test_alloc)
{
	struct ct_constraint_params p = none;
	struct ct_bans bans = { 0 };
	struct ct_err err = { 0 };
	struct ct_constraints c;
	uint32_t i, text[200];
	unsigned long n;
	int ret;

	p.no_repeat_ngram = 1;
	ck_assert_int_eq(ct_constraints_init(&c, &p, 1000, NULL), 0);
	for (i = 0; i < 200; i++)
		text[i] = i;
	for (n = 1; ; n++) {
		ct_bans_free(&bans);
		fail_alloc_at(n);
		ret = ct_constraints_next(&c, text, 200, &bans, &err);
		if (!fail_alloc_stop())
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_ptr_nonnull(strstr(err.msg, "no memory"));
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(n, 5);	/* 32, 64, 128, 256 */
	ck_assert_uint_eq(bans.n, 200);
	/* The same again needs no more. */
	fail_alloc_at(1);
	ret = ct_constraints_next(&c, text, 200, &bans, &err);
	ck_assert(!fail_alloc_stop());
	ck_assert_int_eq(ret, 0);
	ct_bans_free(&bans);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("constrain");
	TCase *tc = tcase_create("constrain");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_ngram);
	tcase_add_test(tc, test_lengths);
	tcase_add_test(tc, test_foreign_start);
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_filter);
	tcase_add_test(tc, test_apply);
	tcase_add_test(tc, test_rank);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_alloc);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
