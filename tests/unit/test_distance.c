// SPDX-License-Identifier: MIT
/* Positions that no file has, against what Hugging Face's classes compute of them. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/exp.h"
#include "model/distance.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The first distance in each bucket, 32 buckets up to 128, as
 * _relative_position_bucket() of PyTorch has them: of an encoder, of whose buckets
 * these are half, and of a decoder.
 */
static const int32_t both[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91 };
static const int32_t before[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113,
};

static uint32_t bucket(const int32_t *first, uint32_t n, int32_t distance)
{
	uint32_t at = n - 1;

	while (first[at] > distance)
		at--;
	return at;
}

START_TEST(test_buckets)
{
	for (int32_t d = 0; d < 1000; d++) {
		ck_assert_uint_eq(ct_distance_bucket(-d, false, 32, 128),
				  bucket(before, 32, d));
		ck_assert_uint_eq(ct_distance_bucket(-d, true, 32, 128),
				  bucket(both, 16, d));
		if (!d)
			continue;
		ck_assert_uint_eq(ct_distance_bucket(d, false, 32, 128), 0);
		ck_assert_uint_eq(ct_distance_bucket(d, true, 32, 128),
				  16 + bucket(both, 16, d));
	}
}
END_TEST

/* Whatever a file asks for: in range, and none goes back. */
START_TEST(test_any_buckets)
{
	static const uint32_t buckets[] = { 4, 8, 12, 32, 4096 };

	for (size_t i = 0; i < N(buckets); i++) {
		uint32_t n = buckets[i], span = n / 2 + 1;

		for (; span <= 4096; span = span * 3 / 2 + 1) {
			uint32_t last = 0, last_both = 0;

			for (int32_t d = 0; d < 5000; d += 1 + d / 64) {
				uint32_t b = ct_distance_bucket(-d, false, n, span);
				uint32_t c = ct_distance_bucket(-d, true, n, span);

				ck_assert_uint_lt(b, n);
				ck_assert_uint_ge(b, last);
				ck_assert_uint_lt(c, n / 2);
				ck_assert_uint_ge(c, last_both);
				ck_assert_uint_lt(ct_distance_bucket(d, true, n, span), n);
				last = b;
				last_both = c;
			}
			ck_assert_uint_eq(last, n - 1);
			ck_assert_uint_eq(last_both, n / 2 - 1);
		}
	}
}
END_TEST

/* Of binary32 angles, as that class has them, sines to their last bit but one. */
START_TEST(test_sinusoid)
{
	static const uint32_t widths[] = { 2, 4, 7, 24, 512, 1024 };
	float *is = malloc(1024 * sizeof(*is));

	for (size_t w = 0; w < N(widths); w++) {
		uint32_t n = widths[w], half = n / 2;
		float step = half > 1 ? (float)(log(10000) / (half - 1)) : 0;

		for (uint32_t p = 0; p < 1u << 20; p += 1 + p / 3) {
			ct_sinusoid(p, n, is);
			for (uint32_t i = 0; i < half; i++) {
				float angle = (float)p *
					      (float)exp(-(double)((float)i * step));
				float sine = (float)sin((double)angle);
				float cosine = (float)cos((double)angle);

				ck_assert(is[i] == sine ||
					  nextafterf(is[i], sine) == sine);
				ck_assert(is[half + i] == cosine ||
					  nextafterf(is[half + i], cosine) == cosine);
			}
			if (n % 2)
				ck_assert(is[n - 1] == 0.0f);
		}
	}
	free(is);
}
END_TEST

START_TEST(test_ln)
{
	double most = 0;

	for (double x = 0x1p-1022; x < 0x1p1023; x *= 1.37) {
		double want = log(x), by = fabs(ct_ln(x) - want);

		most = fmax(most, by / fmax(fabs(want), 1));
	}
	for (double x = 0.5; x < 2; x += 0x1.3p-12)
		most = fmax(most, fabs(ct_ln(x) - log(x)));
	ck_assert_double_lt(most, 0x1p-50);
	ck_assert(ct_ln(1) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("distance");
	TCase *t = tcase_create("distance");
	SRunner *runner;
	int failed;

	tcase_add_test(t, test_buckets);
	tcase_add_test(t, test_any_buckets);
	tcase_add_test(t, test_sinusoid);
	tcase_add_test(t, test_ln);
	tcase_set_timeout(t, 60);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
