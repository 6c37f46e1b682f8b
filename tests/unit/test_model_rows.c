// SPDX-License-Identifier: MIT
/* Every half, and blocks of every kind, against arithmetic in double. */
#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/rows.h"

static uint32_t bits(float f)
{
	uint32_t b;

	memcpy(&b, &f, sizeof(b));
	return b;
}

/* IEEE 754's definition of binary16. */
static float half_value(uint16_t h)
{
	int exp = h >> 10 & 31, man = h & 1023;
	double v = exp ? ldexp(1024 + man, exp - 25) : ldexp(man, -24);

	if (exp == 31)
		v = man ? NAN : INFINITY;
	return (float)(h & 0x8000 ? -v : v);
}

START_TEST(all_halves)
{
	uint16_t *src = malloc(65536 * 2 + 1);
	uint8_t *odd = (uint8_t *)src + 1;	/* of no alignment */
	float *fast = malloc(65536 * sizeof(*fast));
	float *plain = malloc(65536 * sizeof(*plain));

	for (uint32_t i = 0; i < 65536; i++) {
		odd[2 * i] = (uint8_t)i;
		odd[2 * i + 1] = (uint8_t)(i >> 8);
	}
	ck_assert_int_eq(ct_rows_to_f32(CT_F16, odd, 65536, fast), 0);
	ck_assert_int_eq(ct_rows_to_f32_portable(CT_F16, odd, 65536, plain), 0);
	for (uint32_t i = 0; i < 65536; i++) {
		float want = half_value((uint16_t)i);

		ck_assert_uint_eq(bits(fast[i]), bits(plain[i]));
		if (want != want)
			ck_assert_uint_eq(bits(fast[i]),
					  (i & 0x8000) << 16 | 0x7fc00000 |
					  (i & 0x3ff) << 13);
		else
			ck_assert_uint_eq(bits(fast[i]), bits(want));
	}

	ck_assert_int_eq(ct_rows_to_f32(CT_BF16, odd, 65536, fast), 0);
	ck_assert_int_eq(ct_rows_to_f32_portable(CT_BF16, odd, 65536, plain),
			 0);
	for (uint32_t i = 0; i < 65536; i++) {
		ck_assert_uint_eq(bits(fast[i]), i << 16);
		ck_assert_uint_eq(bits(plain[i]), i << 16);
	}
	free(src);
	free(fast);
	free(plain);
}
END_TEST

START_TEST(all_lengths)
{
	uint16_t src[40];
	float dst[41];

	for (int i = 0; i < 40; i++)
		src[i] = (uint16_t)(0x3c00 + i);
	for (uint64_t n = 0; n <= 40; n++) {
		for (int i = 0; i <= 40; i++)
			dst[i] = -7;
		ck_assert_int_eq(ct_rows_to_f32(CT_F16, src, n, dst), 0);
		for (uint64_t i = 0; i <= 40; i++)
			ck_assert_float_eq(dst[i], i < n ?
					   half_value(src[i]) : -7.0f);
		ck_assert_int_eq(ct_rows_to_f32(CT_BF16, src, n, dst), 0);
		ck_assert_float_eq(dst[n], -7);
	}
}
END_TEST

#define BLOCKS	1000

START_TEST(random_blocks)
{
	uint8_t *src = malloc(BLOCKS * 34 + 1);
	float *fast = malloc(BLOCKS * 32 * sizeof(*fast));
	float *plain = malloc(BLOCKS * 32 * sizeof(*plain));
	int rounding[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
			   FE_TOWARDZERO };

	srandom(1);
	for (int i = 0; i < BLOCKS * 34 + 1; i++)
		src[i] = (uint8_t)random();
	for (int b = 0; b < BLOCKS; b++) {	/* no infinite scales */
		src[1 + b * 34 + 1] &= 0xbf;
		src[1 + b * 18 + 1] &= 0xbf;
	}
	for (int r = 0; r < 4; r++) {
		fesetround(rounding[r]);
		ct_rows_to_f32(CT_Q8_0, src + 1, BLOCKS * 32, fast);
		ct_rows_to_f32_portable(CT_Q8_0, src + 1, BLOCKS * 32, plain);
		fesetround(FE_TONEAREST);
		ck_assert_mem_eq(fast, plain, BLOCKS * 32 * sizeof(*fast));
		for (int i = 0; i < BLOCKS * 32; i++) {
			const uint8_t *p = src + 1 + i / 32 * 34;
			uint16_t d = (uint16_t)(p[0] | p[1] << 8);

			ck_assert_float_eq(fast[i], half_value(d) *
					   (float)(int8_t)p[2 + i % 32]);
		}

		fesetround(rounding[r]);
		ct_rows_to_f32(CT_Q4_0, src + 1, BLOCKS * 32, fast);
		ct_rows_to_f32_portable(CT_Q4_0, src + 1, BLOCKS * 32, plain);
		fesetround(FE_TONEAREST);
		ck_assert_mem_eq(fast, plain, BLOCKS * 32 * sizeof(*fast));
		for (int i = 0; i < BLOCKS * 32; i++) {
			const uint8_t *p = src + 1 + i / 32 * 18;
			uint16_t d = (uint16_t)(p[0] | p[1] << 8);
			int k = i % 32, q = p[2 + k % 16];

			q = k < 16 ? q & 15 : q >> 4;
			ck_assert_float_eq(fast[i],
					   half_value(d) * (float)(q - 8));
		}
	}
	free(src);
	free(fast);
	free(plain);
}
END_TEST

START_TEST(refusals)
{
	uint8_t src[34] = { 0 };
	float dst[32];

	ck_assert_int_eq(ct_rows_to_f32(CT_Q8_0, src, 31, dst), -EINVAL);
	ck_assert_int_eq(ct_rows_to_f32(CT_Q4_0, src, 16, dst), -EINVAL);
	ck_assert_int_eq(ct_rows_to_f32(CT_I8, src, 32, dst), -ENOTSUP);
	ck_assert_int_eq(ct_rows_to_f32(CT_OPAQUE, src, 32, dst), -ENOTSUP);
	ck_assert_int_eq(ct_rows_to_f32(CT_F32, src, 8, dst), 0);
	ck_assert_float_eq(dst[7], 0);
	ck_assert_str_eq(ct_dtype_name(CT_OPAQUE), "unsupported");
	ck_assert_uint_eq(ct_dtype_block(CT_OPAQUE), 0);
	ck_assert_uint_eq(ct_dtype_block(CT_Q8_0), 32);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model_rows");
	TCase *t = tcase_create("rows");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, all_halves);
	tcase_add_test(t, all_lengths);
	tcase_add_test(t, random_blocks);
	tcase_add_test(t, refusals);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
