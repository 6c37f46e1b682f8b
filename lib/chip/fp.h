/* SPDX-License-Identifier: MIT */
/*
 * The vector unit's scalar functions, to the bit.
 *
 * Every kernel uses these formulas lane by lane, so they hold only operations
 * that are correctly rounded everywhere: +, -, *, /, sqrt, fma, rint and integer
 * arithmetic. No libm: its last bit differs between versions. Written without
 * branches on values, so that compilers turn loops over them into vector code.
 */
#ifndef CHIP_FP_H
#define CHIP_FP_H

#include <stdint.h>
#include <string.h>

#include "uapi/ctrans_job.h"

static inline float chip_f32(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t chip_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

/*
 * Fused multiply-add, rounded once. Where the CPU has none: the product of two
 * floats is exact in double; its sum with z is rounded to odd there (an inexact
 * result gets an odd last bit, on the exact value's side), and from that the
 * conversion to float rounds as from the exact value, double having more than
 * two bits in reserve even for subnormal floats.
 */
static inline float chip_fma(float x, float y, float z)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
	return __builtin_fmaf(x, y, z);
#else
	double p = (double)x * (double)y, c = (double)z;
	double s = p + c;
	double b = s - p;
	double err = (p - (s - b)) + (c - b);	/* s + err is exact; NaN if s is not finite */
	uint64_t u, odd;

	memcpy(&u, &s, sizeof(u));
	/* towards err: away from zero where the signs agree, else towards it */
	odd = (err > 0.0) == (s > 0.0) ? 1u : (uint64_t)-1;
	u += ((err > 0.0) | (err < 0.0)) & ~u & 1u ? odd : 0;
	memcpy(&s, &u, sizeof(s));
	return (float)s;
#endif
}

/* (x > lo ? x : lo) and so on: NaN gives the bound, as maxps and minps do. */
static inline float chip_clamp(float x, float lo, float hi)
{
	x = x > lo ? x : lo;
	return x < hi ? x : hi;
}

/* Nearest even integer of |x| < 2^22, by the adder's own rounding. */
static inline float chip_rint(float x)
{
	const float big = 12582912.0f;	/* 1.5 * 2^23 */

	return (x + big) - big;
}

/*
 * e^x, error below 1 ulp, subnormal results too. x is clamped to [-104, 89]:
 * results run from 0 to infinity. NaN gives exp(-104), which is 0. Reduction
 * with a two-part ln 2 (Cody and Waite); 1 + r + r^2 q(r) on [-ln2/2, ln2/2], q
 * fitted to the least maximal relative error, 2^-29.7; the scaling by 2^n is in
 * two steps, the first exact, so that subnormal results round once.
 */
static inline float chip_exp(float x)
{
	float n, r, p;
	int32_t i, h;

	x = chip_clamp(x, -104.0f, 89.0f);
	n = chip_rint(x * 1.44269504f);
	r = chip_fma(n, -0.693359375f, x);
	r = chip_fma(n, 2.12194440e-4f, r);
	p = 1.97900925e-4f;
	p = chip_fma(p, r, 1.39448536e-3f);
	p = chip_fma(p, r, 8.33349861e-3f);
	p = chip_fma(p, r, 4.16662917e-2f);
	p = chip_fma(p, r, 1.66666657e-1f);
	p = chip_fma(p, r, 0.5f);
	p = chip_fma(p, r * r, r);
	p = p + 1.0f;
	i = (int32_t)n;
	h = i >> 1;
	p = p * chip_f32((uint32_t)(h + 127) << 23);
	return p * chip_f32((uint32_t)(i - h + 127) << 23);
}

/* tanh x = 1 - 2 / (e^2x + 1); absolute error below 1.8e-7. */
static inline float chip_tanh(float x)
{
	return 1.0f - 2.0f / (chip_exp(x + x) + 1.0f);
}

/*
 * erf by Abramowitz and Stegun 7.1.26; with roundings the absolute error is
 * below 5.5e-7, and that of GELU below 1.8e-7 * max(1, |x|).
 */
static inline float chip_erf(float x)
{
	float a = chip_f32(chip_bits(x) & 0x7fffffffu);
	float t = 1.0f / chip_fma(0.3275911f, a, 1.0f);
	float p = 1.061405429f;
	float y;

	p = chip_fma(p, t, -1.453152027f);
	p = chip_fma(p, t, 1.421413741f);
	p = chip_fma(p, t, -0.284496736f);
	p = chip_fma(p, t, 0.254829592f);
	y = 1.0f - (p * t) * chip_exp(-(a * a));
	return chip_f32(chip_bits(y) | (chip_bits(x) & 0x80000000u));
}

static inline float chip_act(uint8_t act, float x)
{
	switch (act) {
	case CTRANS_ACT_GELU_TANH:	/* sqrt(2/pi) (x + 0.044715 x^3) */
		return (0.5f * x) * (1.0f + chip_tanh(0.797884561f *
			chip_fma(0.044715f * x, x * x, x)));
	case CTRANS_ACT_GELU_ERF:
		return (0.5f * x) * (1.0f + chip_erf(x * 0.707106781f));
	case CTRANS_ACT_RELU:
		return x > 0.0f ? x : 0.0f;
	case CTRANS_ACT_SILU:
		return x / (1.0f + chip_exp(-x));
	default:
		return x;
	}
}

/*
 * The natural logarithm of a positive normal number, error below 0.9 ulp. The
 * polynomial is fitted to the least maximal error.
 */
static inline float chip_log(float x)
{
	uint32_t u = chip_bits(x);
	/* m in [sqrt(1/2), sqrt(2)) */
	int32_t e = (int32_t)(u - 0x3f3504f3u) >> 23;
	float m = chip_f32(u - ((uint32_t)e << 23));
	float f = m - 1.0f;
	float s = f / (2.0f + f);
	float z = s * s;
	float p = 0.235822991f;

	/* log(1+f) = 2 s + 2/3 s^3 ..., as f - s (f - R(z)) */
	p = chip_fma(p, z, 0.285373002f);
	p = chip_fma(p, z, 0.400003344f);
	p = chip_fma(p, z, 0.666666627f);
	p = s * (f - z * p);
	p = f - p;
	return chip_fma((float)e, 0.693147182f, p);
}

/* binary16 from binary32, nearest even; overflow gives infinity, NaN a quiet NaN */
static inline uint16_t chip_f16_from_f32(float x)
{
	uint32_t u = chip_bits(x), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
	uint32_t r;

	if (a > 0x7f800000u)
		return (uint16_t)(sign | 0x7e00u | ((a >> 13) & 0x3ffu));
	if (a >= 0x477ff000u)		/* 65520 and up round to infinity */
		return (uint16_t)(sign | 0x7c00u);
	if (a < 0x38800000u) {		/* below 2^-14: subnormal, let the adder round */
		r = chip_bits(chip_f32(a) + 0.5f) - 0x3f000000u;
		return (uint16_t)(sign | r);
	}
	r = a - 0x38000000u;
	r += 0xfffu + ((r >> 13) & 1u);
	return (uint16_t)(sign | (r >> 13));
}

static inline float chip_f32_from_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000u) << 16, a = h & 0x7fffu;
	/* exact: a subnormal half is a normal float */
	uint32_t u = chip_bits(chip_f32(a << 13) * 0x1p112f);

	/* infinity and NaN keep their fraction, a NaN becomes quiet */
	u |= a >= 0x7c00u ? 0x7f800000u : 0;
	u |= a > 0x7c00u ? 0x400000u : 0;
	return chip_f32(u | sign);
}

#endif
