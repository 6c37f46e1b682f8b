// SPDX-License-Identifier: MIT
/*
 * The vector unit's scalar functions against the C library's in double: the
 * errors that fp.h states hold over the whole range of floats. Conversions and
 * the fused multiply-add are held to every bit.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "uapi/ctrans_job.h"
#include "kernel_help.h"

/* Every 4099th float, which is prime: all exponents, ever other fractions. */
#define EACH_FLOAT(x)                                                         \
	for (uint64_t u_ = 0; u_ < 1ull << 32; u_ += 4099)                     \
		for (float x = chip_f32((uint32_t)u_), once_ = 1;              \
		     once_ != 0.0f && x == x; once_ = 0)

/* The error in units of the last place of want, as a float. */
static double ulps(float got, double want)
{
	int e;

	if (fabs(want) < 0x1p-126)
		return fabs((double)got - want) / 0x1p-149;
	if (isinf(got) && want > 0x1.fffffep127)
		return 0.0;
	frexp(want, &e);
	return fabs((double)got - want) / ldexp(1.0, e - 24);
}

START_TEST(exponential)
{
	EACH_FLOAT(x) {
		if (x >= -103.9f && x <= 89.0f)
			CHECK(ulps(chip_exp(x), exp((double)x)) < 1.0,
			      "exp(%a) = %a", (double)x, (double)chip_exp(x));
	}
	ck_assert(chip_bits(chip_exp(0.0f)) == chip_bits(1.0f));
	ck_assert(chip_bits(chip_exp(-0.0f)) == chip_bits(1.0f));
	ck_assert(chip_bits(chip_exp(-104.0f)) == 0);
	ck_assert(chip_bits(chip_exp(-INFINITY)) == 0);
	ck_assert(chip_bits(chip_exp(NAN)) == 0);
	ck_assert(chip_exp(89.0f) == INFINITY);
	ck_assert(chip_exp(INFINITY) == INFINITY);
}
END_TEST

START_TEST(tanh_erf)
{
	EACH_FLOAT(x) {
		CHECK(fabs((double)chip_tanh(x) - tanh((double)x)) < 1.8e-7,
		      "tanh(%a)", (double)x);
		CHECK(fabs((double)chip_erf(x) - erf((double)x)) < 5.5e-7,
		      "erf(%a)", (double)x);
	}
	ck_assert(chip_tanh(INFINITY) == 1.0f);
	ck_assert(chip_tanh(-INFINITY) == -1.0f);
	ck_assert(chip_erf(INFINITY) == 1.0f);
	ck_assert(chip_erf(-INFINITY) == -1.0f);
}
END_TEST

START_TEST(logarithm)
{
	EACH_FLOAT(x) {
		if (x >= 0x1p-126f && !isinf(x))
			CHECK(ulps(chip_log(x), log((double)x)) < 0.9,
			      "log(%a)", (double)x);
	}
	ck_assert(chip_bits(chip_log(1.0f)) == 0);
}
END_TEST

static double activation(uint8_t act, double x)
{
	switch (act) {
	case CTRANS_ACT_GELU_TANH:
		return 0.5 * x * (1.0 + tanh(0.79788456080286535588 *
					     (x + 0.044715 * x * x * x)));
	case CTRANS_ACT_GELU_ERF:
		return 0.5 * x * (1.0 + erf(x * 0.70710678118654752440));
	case CTRANS_ACT_RELU:
		return x > 0.0 ? x : 0.0;
	case CTRANS_ACT_SILU:
		return x / (1.0 + exp(-x));
	default:
		return x;
	}
}

START_TEST(activations)
{
	EACH_FLOAT(x) {
		double limit = fmax(1.0, fabs((double)x));

		if (fabsf(x) > 1e6f)
			continue;
		for (uint8_t act = 0; act <= 4; act++)
			CHECK(fabs((double)chip_act(act, x) -
				   activation(act, (double)x)) < 1.8e-7 * limit,
			      "act %u of %a", act, (double)x);
	}
}
END_TEST

/* What chip_fma() stands on, and where it is not the CPU's own. */
static void same_fma(float x, float y, float z)
{
	float want = fmaf(x, y, z), got = chip_fma(x, y, z);

	CHECK(chip_bits(want) == chip_bits(got) || (want != want && got != got),
	      "fma(%a, %a, %a) = %a, not %a", (double)x, (double)y, (double)z,
	      (double)got, (double)want);
}

START_TEST(fused)
{
	for (unsigned int i = 0; i < 300000; i++) {
		float x = chip_f32(rnd()), y = chip_f32(rnd()), z = chip_f32(rnd());
		float u = value(i % N_STYLES), v = value(i % 5);

		same_fma(x, y, z);
		same_fma(u, v, value(i % 7));
		/* cancelling, halfway and just beside it */
		same_fma(u, v, -(u * v));
		same_fma(u, 1.0f, u * 0x1p-24f);
		same_fma(u, 1.0f + 0x1p-23f, u * 0x1p-25f);
		same_fma(u, 0x1p-100f, v * 0x1p-126f);
		same_fma(u * 0x1p-70f, v * 0x1p-70f, value(3));
	}
	same_fma(0.0f, -1.0f, -0.0f);
	same_fma(-0.0f, 1.0f, 0.0f);
	same_fma(INFINITY, 0.0f, 1.0f);
	same_fma(0x1p127f, 2.0f, -INFINITY);
	same_fma(0x1.fffffep127f, 1.0f, 0x1p103f);
	same_fma(-1e-30f, 1e-30f, 0.0f);
}
END_TEST

START_TEST(rounding)
{
	for (int i = -80000; i < 80000; i++) {
		float x = (float)i * 0.25f;

		CHECK(chip_rint(x) == rintf(x), "rint(%a)", (double)x);
		x = (float)i * 43.17f;
		CHECK(chip_rint(x) == rintf(x), "rint(%a)", (double)x);
	}
	ck_assert(chip_clamp(NAN, -1.0f, 2.0f) == -1.0f);
	ck_assert(chip_clamp(-INFINITY, -1.0f, 2.0f) == -1.0f);
	ck_assert(chip_clamp(INFINITY, -1.0f, 2.0f) == 2.0f);
}
END_TEST

/* What a binary16 stands for, by its definition. */
static double half_value(uint16_t h)
{
	int e = h >> 10 & 31, f = h & 0x3ff;
	double v = e ? ldexp(1024 + f, e - 25) : ldexp(f, -24);

	return h & 0x8000 ? -v : v;
}

START_TEST(half)
{
	for (uint32_t i = 0; i < 0x10000; i++) {
		uint16_t h = (uint16_t)i;
		float f = chip_f32_from_f16(h);

		if ((h & 0x7fff) > 0x7c00) {
			CHECK(f != f && chip_bits(f) & 0x400000, "NaN %#x", i);
			CHECK((chip_f16_from_f32(f) & 0x7fff) > 0x7c00,
			      "NaN %#x and back", i);
			continue;
		}
		if ((h & 0x7fff) == 0x7c00)
			CHECK(f == (h & 0x8000 ? -INFINITY : INFINITY), "%#x", i);
		else
			CHECK((double)f == half_value(h), "half %#x", i);
		CHECK(!!signbit(f) == h >> 15, "sign of %#x", i);
		CHECK(chip_f16_from_f32(f) == h, "half %#x and back", i);
	}
}
END_TEST

/* Every place where rounding changes from one half to the next. */
START_TEST(half_rounding)
{
	for (uint32_t i = 0; i < 0x7c00; i++) {
		uint16_t h = (uint16_t)i, even = (uint16_t)(h & 1 ? h + 1 : h);
		/* beyond the largest as if there were one more */
		double next = h == 0x7bff ? 65536.0 : half_value((uint16_t)(h + 1));
		float middle = (float)((half_value(h) + next) / 2);

		for (int sign = 0; sign < 2; sign++) {
			float m = sign ? -middle : middle;
			uint16_t s = (uint16_t)(sign << 15);

			CHECK(chip_f16_from_f32(m) == (even | s), "%a", (double)m);
			CHECK(chip_f16_from_f32(nextafterf(m, 0.0f)) == (h | s),
			      "just below %a", (double)m);
			CHECK(chip_f16_from_f32(nextafterf(m, m * 2)) ==
			      ((uint16_t)(h + 1) | s),
			      "just beyond %a", (double)m);
		}
	}
	ck_assert_uint_eq(chip_f16_from_f32(1e30f), 0x7c00);
	ck_assert_uint_eq(chip_f16_from_f32(-INFINITY), 0xfc00);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fp");
	TCase *t = tcase_create("functions");
	SRunner *r;
	int failed;

	tcase_add_test(t, exponential);
	tcase_add_test(t, tanh_erf);
	tcase_add_test(t, logarithm);
	tcase_add_test(t, activations);
	tcase_add_test(t, fused);
	tcase_add_test(t, rounding);
	tcase_add_test(t, half);
	tcase_add_test(t, half_rounding);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
