// SPDX-License-Identifier: MIT
/* Free stretches against a map of every page. */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/extents.h"
#include "fail_alloc.h"

#define PAGE	4096ull
#define PAGES	3000u
#define FIRST	(0x7ffffull * PAGE)	/* not a multiple of what is asked for */

static bool used[PAGES];

static uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

static void mark(uint64_t start, uint64_t len, bool to)
{
	ck_assert(start >= FIRST && start + len <= FIRST + PAGES * PAGE);
	for (uint64_t p = (start - FIRST) / PAGE; len; p++, len -= PAGE) {
		ck_assert(used[p] != to);
		used[p] = to;
	}
}

static bool first_fit(uint64_t len, uint64_t align, uint64_t *start)
{
	uint64_t run = 0, at = 0;

	for (unsigned int p = 0; p < PAGES; p++) {
		uint64_t here = FIRST + p * PAGE;

		if (used[p] || (!run && here % align)) {
			run = 0;
			continue;
		}
		at = run ? at : here;
		run += PAGE;
		if (run == len) {
			*start = at;
			return true;
		}
	}
	return false;
}

/* Sorted, apart, and together the pages that are not used. */
static void look(const struct ct_extents *x)
{
	size_t i = 0;

	for (unsigned int p = 0; p < PAGES; p++) {
		uint64_t len = 0;

		while (p < PAGES && !used[p]) {
			len += PAGE;
			p++;
		}
		if (!len)
			continue;
		ck_assert_uint_lt(i, x->n);
		ck_assert_uint_eq(x->v[i].start, FIRST + p * PAGE - len);
		ck_assert_uint_eq(x->v[i].len, len);
		i++;
	}
	ck_assert_uint_eq(i, x->n);
}

START_TEST(random_use)
{
	struct ct_extent have[64] = { 0 };
	struct ct_extents x = { 0 };

	memset(used, 0, sizeof(used));
	ck_assert_int_eq(ct_extents_give(&x, FIRST, PAGES * PAGE), 0);
	for (int n = 0; n < 20000; n++) {
		struct ct_extent *e = &have[rnd() % 64];
		uint64_t align = rnd() % 4 ? PAGE : 64 * PAGE, want;

		if (e->len) {
			ck_assert_int_eq(ct_extents_give(&x, e->start, e->len), 0);
			mark(e->start, e->len, false);
			e->len = 0;
		} else {
			e->len = (1 + rnd() % 150) * PAGE;
			if (first_fit(e->len, align, &want)) {
				ck_assert_int_eq(ct_extents_take(&x, e->len, align,
								 &e->start), 0);
				ck_assert_uint_eq(e->start, want);
				mark(e->start, e->len, true);
			} else {
				ck_assert_int_eq(ct_extents_take(&x, e->len, align,
								 &e->start), -ENOSPC);
				e->len = 0;
			}
		}
		look(&x);
	}
	for (int i = 0; i < 64; i++)
		if (have[i].len)
			ck_assert_int_eq(ct_extents_give(&x, have[i].start,
							 have[i].len), 0);
	ck_assert_uint_eq(x.n, 1);
	ct_extents_free(&x);
	ck_assert_uint_eq(x.n, 0);
}
END_TEST

START_TEST(none_and_too_much)
{
	struct ct_extents x = { 0 };
	uint64_t at;

	ck_assert_int_eq(ct_extents_take(&x, PAGE, PAGE, &at), -ENOSPC);
	ck_assert_int_eq(ct_extents_give(&x, PAGE, 3 * PAGE), 0);
	ck_assert_int_eq(ct_extents_take(&x, UINT64_MAX, PAGE, &at), -ENOSPC);
	ck_assert_int_eq(ct_extents_take(&x, PAGE, 1ull << 63, &at), -ENOSPC);
	ck_assert_int_eq(ct_extents_take(&x, 2 * PAGE, 4 * PAGE, &at), -ENOSPC);
	ct_extents_free(&x);
}
END_TEST

/* A stretch that cannot be split stays whole. */
START_TEST(no_memory)
{
	struct ct_extents x = { 0 };
	uint64_t at;
	int ret;

	fail_alloc_at(1);
	ret = ct_extents_give(&x, 0, PAGE);
	fail_alloc_stop();
	ck_assert_int_eq(ret, -ENOMEM);
	/* 32 is where the list grows first */
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_int_eq(ct_extents_give(&x, (8 * i + 1) * PAGE, 5 * PAGE), 0);
	fail_alloc_at(1);
	ret = ct_extents_take(&x, PAGE, 4 * PAGE, &at);
	fail_alloc_stop();
	ck_assert_int_eq(ret, -ENOMEM);
	ck_assert_uint_eq(x.n, 32);
	ck_assert_uint_eq(x.v[0].len, 5 * PAGE);
	ck_assert_int_eq(ct_extents_take(&x, PAGE, 4 * PAGE, &at), 0);
	ck_assert_uint_eq(at, 4 * PAGE);
	ct_extents_free(&x);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("extents");
	TCase *t = tcase_create("extents");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, random_use);
	tcase_add_test(t, none_and_too_much);
	tcase_add_test(t, no_memory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
