// SPDX-License-Identifier: MIT
/* Fields of a linear that are right each for itself, but not together. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "chip_bad.h"

#define BAD CTRANS_ST_BAD_INSN
#define FAULT CTRANS_ST_FAULT
#define NAN_F32 0x7fc00000
#define INF_F32 0x7f800000
#define ONE_F32 0x3f800000

/* Two fields that do not go together. */
START_TEST(dispatch)
{
	static const struct {
		uint8_t code, flags, by, low, high;
		uint64_t mask[2];
		bool bad;
	} cases[] = {
		{ CTRANS_CODE_NAF, 0, 0, 0, 0, { ~0ull, 0 }, false },
		{ CTRANS_CODE_NAF, CTRANS_LINEAR_FLIP, 0, 0, 0, { 0, 0 }, true },
		{ CTRANS_CODE_RADIX, CTRANS_LINEAR_FLIP, 0, 0, 0, { 0, 0 }, false },
		{ CTRANS_CODE_RATE, CTRANS_LINEAR_FLIP, 1, 3, 3, { 0, 0 }, false },
		{ CTRANS_CODE_RATE, 0, 1, 0, 255, { 0, 0 }, false },
		{ CTRANS_CODE_RATE, 0, 1, 4, 3, { 0, 0 }, true },
		{ CTRANS_CODE_RATE, 0, 1, 3, 4, { 2, 0 }, true },
		{ CTRANS_CODE_RATE, 0, 1, 3, 4, { 0, 1 }, true },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		static const uint32_t linears[] = { TINY_QKV, TINY_LOGITS };
		struct ctrans_sqe sqe = tiny_sqe(&t, true);
		struct ctrans_insn was, i;

		tiny_args(&b, &t, some_rows, SOME);
		now = "dispatch";
		for (int l = 0; l < 2; l++) {
			tiny_get(&b, &t, linears[l], &was);
			i = was;
			i.linear.code = cases[c].code;
			i.linear.flags = cases[c].flags;
			i.linear.by = cases[c].by;
			i.linear.unit_low = cases[c].low;
			i.linear.unit_high = cases[c].high;
			i.linear.spike_mask[0] = cases[c].mask[0];
			i.linear.spike_mask[1] = cases[c].mask[1];
			tiny_set(&b, &t, linears[l], &i);
			if (cases[c].bad)
				ends(&sqe, BAD, linears[l]);
			else
				still_good();
			tiny_set(&b, &t, linears[l], &was);
		}
	}
}
END_TEST

/* All of what a speculation wants, but for one thing. */
START_TEST(speculation)
{
	const struct ctrans_insn_linear bound = {
		.act = CTRANS_ACT_RELU, .code = CTRANS_CODE_RADIX, .norm_va = BENCH_VA,
		.speculation = CTRANS_SPEC_BOUND,
	}, sample = {
		.code = CTRANS_CODE_RATE, .spec_theta_f32 = ONE_F32, .spec_steps = 127,
		.speculation = CTRANS_SPEC_SAMPLE,
	};
	const struct {
		const struct ctrans_insn_linear *of;
		size_t offset, size;
		uint64_t value;
		int status;
	} cases[] = {
#define CASE(of, field, value, status)						\
		{ &(of), offsetof(struct ctrans_insn_linear, field),		\
		  sizeof((of).field), value, status }
		CASE(bound, rsvd, 0, CTRANS_ST_OK),
		CASE(bound, act, CTRANS_ACT_NONE, BAD),
		CASE(bound, act, CTRANS_ACT_GELU_TANH, BAD),
		CASE(bound, code, CTRANS_CODE_RATE, BAD),
		CASE(bound, code, CTRANS_CODE_NAF, BAD),
		CASE(bound, flags, CTRANS_LINEAR_FLIP, BAD),
		CASE(bound, flags, CTRANS_LINEAR_ADD, BAD),
		CASE(bound, flags, CTRANS_LINEAR_MUL, BAD),
		CASE(bound, norm_va, 0, BAD),
		CASE(bound, norm_va, BENCH_VA + 4, BAD),
		CASE(bound, norm_va, 1ull << 38, FAULT),
		CASE(bound, spec_theta_f32, ONE_F32, BAD),
		CASE(bound, spec_steps, 1, BAD),
		CASE(sample, rsvd, 0, CTRANS_ST_OK),
		CASE(sample, act, CTRANS_ACT_GELU_ERF, CTRANS_ST_OK),
		CASE(sample, code, CTRANS_CODE_RADIX, BAD),
		CASE(sample, code, CTRANS_CODE_NAF, BAD),
		CASE(sample, flags, CTRANS_LINEAR_FLIP, BAD),
		CASE(sample, flags, CTRANS_LINEAR_ADD, BAD),
		CASE(sample, flags, CTRANS_LINEAR_MUL, BAD),
		CASE(sample, norm_va, BENCH_VA, BAD),
		CASE(sample, spec_theta_f32, 0, BAD),
		CASE(sample, spec_theta_f32, NAN_F32, BAD),
		CASE(sample, spec_theta_f32, INF_F32, BAD),
		CASE(sample, spec_theta_f32, 0xbf800000, BAD),
		CASE(sample, spec_steps, 0, BAD),
		CASE(sample, spec_steps, 128, BAD),
#undef CASE
	};
	struct ctrans_sqe sqe = tiny_sqe(&t, true);
	struct ctrans_insn was, i;

	tiny_args(&b, &t, some_rows, SOME);
	tiny_get(&b, &t, TINY_UP, &was);
	now = "speculation";
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		i = was;
		i.linear.act = cases[c].of->act;
		i.linear.code = cases[c].of->code;
		i.linear.norm_va = cases[c].of->norm_va;
		i.linear.spec_theta_f32 = cases[c].of->spec_theta_f32;
		i.linear.speculation = cases[c].of->speculation;
		i.linear.spec_steps = cases[c].of->spec_steps;
		memcpy((uint8_t *)&i.linear + cases[c].offset, &cases[c].value,
		       cases[c].size);
		tiny_set(&b, &t, TINY_UP, &i);
		if (cases[c].status == CTRANS_ST_OK)
			still_good();
		else
			ends(&sqe, cases[c].status, TINY_UP);
		tiny_set(&b, &t, TINY_UP, &was);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_bad_linear");
	TCase *c = tcase_create("linear");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, dispatch);
	tcase_add_test(c, speculation);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
