// SPDX-License-Identifier: MIT
#include "model/rows.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define QK	32	/* elements in a Q8_0 or Q4_0 block */

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static uint32_t as_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/*
 * A subnormal m * 2^-24 is (2^-14 + m * 2^-24) - 2^-14: normal operands, so
 * that a thread which flushes denormals gets the same answer.
 */
static float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exp = h & 0x7c00, man = (uint32_t)(h & 0x3ff) << 13;

	if (exp == 0x7c00)
		return as_float(sign | 0x7f800000 | man |
				(man ? 0x00400000 : 0));
	if (exp == 0) {
		float f = as_float(0x38800000 | man) - as_float(0x38800000);

		return as_float(sign | (as_bits(f) & 0x7fffffff));
	}
	return as_float(sign | (((uint32_t)exp << 13) + (112u << 23)) | man);
}

static void f16_portable(const uint8_t *src, uint64_t n, float *dst)
{
	for (uint64_t i = 0; i < n; i++)
		dst[i] = half_to_float(load16(src + 2 * i));
}

static void bf16_portable(const uint8_t *src, uint64_t n, float *dst)
{
	for (uint64_t i = 0; i < n; i++)
		dst[i] = as_float((uint32_t)load16(src + 2 * i) << 16);
}

/* 11 bits of scale times 8 of value: the product is exact. */
static void q8_0_portable(const uint8_t *src, uint64_t n, float *dst)
{
	for (; n; n -= QK, src += 2 + QK, dst += QK) {
		float d = half_to_float(load16(src));

		for (int i = 0; i < QK; i++)
			dst[i] = d * (float)(int8_t)src[2 + i];
	}
}

/* Byte i holds element i in its low half and element i + 16 in its high. */
static void q4_0_portable(const uint8_t *src, uint64_t n, float *dst)
{
	for (; n; n -= QK, src += 2 + QK / 2, dst += QK) {
		float d = half_to_float(load16(src));

		for (int i = 0; i < QK / 2; i++) {
			dst[i] = d * (float)((src[2 + i] & 15) - 8);
			dst[i + QK / 2] = d * (float)((src[2 + i] >> 4) - 8);
		}
	}
}

typedef void convert_fn(const uint8_t *src, uint64_t n, float *dst);

struct converters {
	convert_fn *f16, *bf16, *q8_0, *q4_0;
};

static const struct converters portable = {
	f16_portable, bf16_portable, q8_0_portable, q4_0_portable,
};

#if defined(__x86_64__)
#define FAST	__attribute__((target("avx2,f16c")))

FAST static void f16_avx2(const uint8_t *src, uint64_t n, float *dst)
{
	uint64_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m128i h = _mm_loadu_si128((const void *)(src + 2 * i));

		_mm256_storeu_ps(dst + i, _mm256_cvtph_ps(h));
	}
	f16_portable(src + 2 * i, n - i, dst + i);
}

FAST static void bf16_avx2(const uint8_t *src, uint64_t n, float *dst)
{
	uint64_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m128i h = _mm_loadu_si128((const void *)(src + 2 * i));
		__m256i w = _mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16);

		_mm256_storeu_si256((void *)(dst + i), w);
	}
	bf16_portable(src + 2 * i, n - i, dst + i);
}

/* Eight signed bytes, at the low end of @b, times @d. */
FAST static void scale8(__m128i b, __m256 d, float *dst)
{
	__m256 v = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(b));

	_mm256_storeu_ps(dst, _mm256_mul_ps(d, v));
}

FAST static void scale16(__m128i b, __m256 d, float *dst)
{
	scale8(b, d, dst);
	scale8(_mm_srli_si128(b, 8), d, dst + 8);
}

FAST static void q8_0_avx2(const uint8_t *src, uint64_t n, float *dst)
{
	for (; n; n -= QK, src += 2 + QK, dst += QK) {
		__m256 d = _mm256_set1_ps(half_to_float(load16(src)));

		scale16(_mm_loadu_si128((const void *)(src + 2)), d, dst);
		scale16(_mm_loadu_si128((const void *)(src + 18)), d, dst + 16);
	}
}

FAST static void q4_0_avx2(const uint8_t *src, uint64_t n, float *dst)
{
	const __m128i low = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);

	for (; n; n -= QK, src += 2 + QK / 2, dst += QK) {
		__m256 d = _mm256_set1_ps(half_to_float(load16(src)));
		__m128i b = _mm_loadu_si128((const void *)(src + 2));
		__m128i hi = _mm_and_si128(_mm_srli_epi16(b, 4), low);

		scale16(_mm_sub_epi8(_mm_and_si128(b, low), eight), d, dst);
		scale16(_mm_sub_epi8(hi, eight), d, dst + 16);
	}
}

static const struct converters avx2 = {
	f16_avx2, bf16_avx2, q8_0_avx2, q4_0_avx2,
};

static const struct converters *probe(void)
{
	unsigned int a, b, c = 0, d;

	/* The compiler's check covers AVX state in the kernel as well. */
	if (__builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) &&
	    (c & bit_F16C))
		return &avx2;
	return &portable;
}

/* Remembered, as CPUID leaves a virtual machine each time. */
static const struct converters *fastest(void)
{
	static _Atomic(const struct converters *) found;
	const struct converters *with = found;

	if (!with)
		found = with = probe();
	return with;
}
#else
static const struct converters *fastest(void)
{
	return &portable;
}
#endif

static int convert(const struct converters *with, enum ct_dtype dtype,
		   const void *src, uint64_t n, float *dst)
{
	if (!ct_dtype_is_float(dtype))
		return -ENOTSUP;
	if (n % ct_dtype_block(dtype))
		return -EINVAL;

	switch (dtype) {
	case CT_F32:
		memcpy(dst, src, n * sizeof(*dst));
		break;
	case CT_F16:
		with->f16(src, n, dst);
		break;
	case CT_BF16:
		with->bf16(src, n, dst);
		break;
	case CT_Q8_0:
		with->q8_0(src, n, dst);
		break;
	default:
		with->q4_0(src, n, dst);
		break;
	}
	return 0;
}

int ct_rows_to_f32(enum ct_dtype dtype, const void *src, uint64_t n_elems,
		   float *dst)
{
	return convert(fastest(), dtype, src, n_elems, dst);
}

int ct_rows_to_f32_portable(enum ct_dtype dtype, const void *src,
			    uint64_t n_elems, float *dst)
{
	return convert(&portable, dtype, src, n_elems, dst);
}
