// SPDX-License-Identifier: MIT
/* Which magnitudes spike, by policy and code. */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/policy.h"

static bool spikes(const uint64_t mask[2], unsigned int m)
{
	return mask[m / 64] >> m % 64 & 1;
}

START_TEST(masks)
{
	for (int code = 0; code < 2; code++)
		for (unsigned int m = 1; m < 128; m++) {
			uint64_t dnn[2], snn[2], cdnn[2];
			unsigned int n = 0;

			for (unsigned int v = m; v; v >>= 1)
				n += v & 1;
			if (code == CTRANS_CODE_RATE)
				n = m;
			ck_assert_uint_eq(ct_spikes(code, m), n);
			ct_policy_mask(CT_POLICY_DNN, code, dnn);
			ct_policy_mask(CT_POLICY_SNN, code, snn);
			ct_policy_mask(CT_POLICY_CDNN, code, cdnn);
			ck_assert(!spikes(dnn, m));
			ck_assert(spikes(snn, m));
			/* eight spikes cost what a product costs: not worth it */
			ck_assert(spikes(cdnn, m) == (n < 8));
			ck_assert(!(dnn[0] & 1) && !(snn[0] & 1) && !(cdnn[0] & 1));
		}
}
END_TEST

START_TEST(names)
{
	enum ctrans_spike_code code;
	enum ct_policy policy;
	struct ct_err err;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ct_policy_parse(ct_policy_name(i), &policy, &err), 0);
		ck_assert_int_eq((int)policy, i);
	}
	ck_assert_int_eq(ct_policy_parse(NULL, &policy, &err), 0);
	ck_assert_int_eq(policy, CT_POLICY_CDNN);
	ck_assert_int_eq(ct_policy_parse("", &policy, &err), 0);
	ck_assert_int_eq(policy, CT_POLICY_CDNN);
	ck_assert_int_eq(ct_policy_parse("DNN", &policy, &err), -EINVAL);
	ck_assert_int_eq(ct_policy_parse("cdnn ", &policy, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "snn"));
	ck_assert_int_eq(ct_code_parse(NULL, &code, &err), 0);
	ck_assert_int_eq(code, CTRANS_CODE_RADIX);
	ck_assert_int_eq(ct_code_parse("rate", &code, &err), 0);
	ck_assert_int_eq(code, CTRANS_CODE_RATE);
	ck_assert_int_eq(ct_code_parse("radix", &code, &err), 0);
	ck_assert_int_eq(code, CTRANS_CODE_RADIX);
	ck_assert_int_eq(ct_code_parse("radixes", &code, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dispatch");
	TCase *t = tcase_create("policy");
	SRunner *r;
	int failed;

	tcase_add_test(t, masks);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
