/* SPDX-License-Identifier: MIT */
/*
 * Sixteen float lanes on the vectors of the CPU this is compiled for: one of 64
 * bytes, two of 32 or four of 16, as GNU C vectors with the few operations that
 * have no operator. struct v16 is the sixteen partial sums of sum16().
 *
 * Every loop over the parts is unrolled by request: else compilers keep the
 * accumulators in memory. Not under sanitizers, whose checks in that much code
 * keep compilers busy for minutes.
 */
#ifndef CHIP_KERNEL_VEC_H
#define CHIP_KERNEL_VEC_H

#include <string.h>

#include "chip/fp.h"
#include "chip/kernel_variants.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#define NV (16 / VL)

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || \
	__has_feature(undefined_behavior_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

#if defined(SANITIZED)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(4 * VL)));
typedef int32_t vb __attribute__((vector_size(4 * VL)));

struct v16 {
	vf v[NV];
};

INLINE vf vf_load(const float *p)
{
	vf v;

	memcpy(&v, p, sizeof(v));
	return v;
}

INLINE void vf_store(float *p, vf v)
{
	memcpy(p, &v, sizeof(v));
}

INLINE vf vf_set(float x)
{
#if defined(__AVX512F__)
	return (vf)_mm512_set1_ps(x);
#elif defined(__AVX2__)
	return (vf)_mm256_set1_ps(x);
#else
	return (vf){ x, x, x, x };
#endif
}

#if defined(__x86_64__) && !defined(__FMA__)
/* chip_fma() in the two low lanes: the sum rounded to odd in double */
INLINE __m128 fma_low2(__m128 x, __m128 y, __m128 z)
{
	const __m128d zero = _mm_setzero_pd();
	__m128d p = _mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y));
	__m128d c = _mm_cvtps_pd(z);
	__m128d s = p + c;
	__m128d t = s - p;
	__m128d err = (p - (s - t)) + (c - t);
	__m128d more = _mm_cmpgt_pd(err, zero);
	__m128i inexact = (__m128i)_mm_or_pd(more, _mm_cmplt_pd(err, zero));
	__m128i one = _mm_set1_epi64x(1);
	__m128i up = (__m128i)_mm_xor_pd(more, _mm_cmpgt_pd(s, zero));
	__m128i even = _mm_sub_epi64(_mm_and_si128((__m128i)s, one), one);

	/* +1 or -1 in the last place, where inexact and even */
	up = _mm_and_si128(_mm_or_si128(up, one), _mm_and_si128(inexact, even));
	return _mm_cvtpd_ps((__m128d)_mm_add_epi64((__m128i)s, up));
}
#endif

/* a * b + c, rounded once */
INLINE vf vf_fma(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
	return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
	__m128 x = (__m128)a, y = (__m128)b, z = (__m128)c;

	return (vf)_mm_movelh_ps(
		fma_low2(x, y, z),
		fma_low2(_mm_movehl_ps(x, x), _mm_movehl_ps(y, y),
			 _mm_movehl_ps(z, z)));
#endif
}

/* VL whole numbers of a byte each */
INLINE vf vf_load_s8(const int8_t *p)
{
#if defined(__AVX512F__)
	return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
		_mm_loadu_si128((const __m128i *)p)));
#elif defined(__AVX2__)
	return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
		_mm_loadl_epi64((const __m128i *)p)));
#elif defined(__aarch64__)
	uint32_t four;

	memcpy(&four, p, 4);
	return (vf)vcvtq_f32_s32(vmovl_s16(vget_low_s16(
		vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four))))));
#else
	int four;
	__m128i x;

	memcpy(&four, p, 4);
	x = _mm_cvtsi32_si128(four);
	x = _mm_unpacklo_epi8(x, x);
	return (vf)_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpacklo_epi16(x, x), 24));
#endif
}

/* VL keys or values of @type from element @i on: S8 without their scale */
INLINE vf vf_load_kv(const void *p, size_t i, enum ctrans_kv_type type)
{
	const uint16_t *h = (const uint16_t *)p + i;

	if (type == CTRANS_KV_F32)
		return vf_load((const float *)p + i);
	if (type == CTRANS_KV_S8)
		return vf_load_s8((const int8_t *)p + i);
#if defined(__AVX512F__)
	return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)h));
#elif defined(__AVX2__)
	return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)h));
#elif defined(__aarch64__)
	return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h)));
#else
	/* chip_f32_from_f16() in four lanes; NaN need not become quiet here */
	__m128i x = _mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)h),
				       _mm_setzero_si128());
	__m128i a = _mm_and_si128(x, _mm_set1_epi32(0x7fff));
	__m128i special = _mm_cmpgt_epi32(a, _mm_set1_epi32(0x7bff));
	__m128 f = _mm_mul_ps((__m128)_mm_slli_epi32(a, 13), _mm_set1_ps(0x1p112f));

	special = _mm_and_si128(special, _mm_set1_epi32(0x7f800000));
	x = _mm_slli_epi32(_mm_xor_si128(x, a), 16);
	return (vf)_mm_or_si128((__m128i)f, _mm_or_si128(special, x));
#endif
}

INLINE struct v16 v16_zero(void)
{
	return (struct v16){ { { 0 } } };
}

INLINE struct v16 v16_load(const float *p)
{
	struct v16 a;

	UNROLL
	for (int i = 0; i < NV; i++)
		a.v[i] = vf_load(p + i * VL);
	return a;
}

INLINE void v16_store(float *p, struct v16 a)
{
	UNROLL
	for (int i = 0; i < NV; i++)
		vf_store(p + i * VL, a.v[i]);
}

INLINE struct v16 v16_set(float x)
{
	struct v16 a;

	UNROLL
	for (int i = 0; i < NV; i++)
		a.v[i] = vf_set(x);
	return a;
}

INLINE struct v16 v16_add(struct v16 a, struct v16 b)
{
	UNROLL
	for (int i = 0; i < NV; i++)
		a.v[i] += b.v[i];
	return a;
}

INLINE struct v16 v16_sub(struct v16 a, struct v16 b)
{
	UNROLL
	for (int i = 0; i < NV; i++)
		a.v[i] -= b.v[i];
	return a;
}

INLINE struct v16 v16_mul(struct v16 a, struct v16 b)
{
	UNROLL
	for (int i = 0; i < NV; i++)
		a.v[i] *= b.v[i];
	return a;
}

INLINE struct v16 v16_fma(struct v16 a, struct v16 b, struct v16 c)
{
	UNROLL
	for (int i = 0; i < NV; i++)
		c.v[i] = vf_fma(a.v[i], b.v[i], c.v[i]);
	return c;
}

/* The tree of sum16. */
INLINE float tree16(float p[16])
{
	UNROLL
	for (int j = 0; j < 8; j++)
		p[j] += p[j + 8];
	UNROLL
	for (int j = 0; j < 4; j++)
		p[j] += p[j + 4];
	UNROLL
	for (int j = 0; j < 2; j++)
		p[j] += p[j + 2];
	return p[0] + p[1];
}

#endif
