// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "engine/power.h"

/* pow() is the nearest number or its neighbour. */
START_TEST(test_nearest)
{
	uint64_t state = 1;
	double p, got, want;
	uint32_t n;
	int i;

	for (i = 0; i < 100000; i++) {
		n = (uint32_t)ct_splitmix(&state);
		n >>= ct_splitmix(&state) % 32;
		n += !n;
		p = ((double)(ct_splitmix(&state) >> 11) * 0x1p-53 - 0.5) * 60;
		got = ct_power(n, p);
		want = pow(n, p);
		if (!(fabs(got - want) <= want * 0x1p-52))
			ck_abort_msg("%u^%.17g", n, p);
	}
}
END_TEST

START_TEST(test_exact)
{
	uint64_t bits;
	double got;
	uint32_t n;

	for (n = 1; n <= 2000; n++) {
		ck_assert(ct_power(n, 0) == 1 && ct_power(n, 1) == n &&
			  ct_power(n, 2) == (double)n * n &&
			  ct_power(n, 4) == (double)n * n * n * n &&
			  ct_power(n, -1) == 1.0 / n &&
			  ct_power(n, 0.5) == sqrt(n));
	}
	ck_assert(isfinite(ct_power(UINT32_MAX, CT_POWER_MAX)));
	ck_assert(ct_power(UINT32_MAX, -CT_POWER_MAX) > 0);

	/* The bits, wherever this is run. */
	got = ct_power(17, 0.6);
	memcpy(&bits, &got, sizeof(bits));
	ck_assert_uint_eq(bits, 0x4015e4eb29244f16u);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power");
	TCase *tc = tcase_create("power");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_nearest);
	tcase_add_test(tc, test_exact);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
