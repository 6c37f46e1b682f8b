// SPDX-License-Identifier: MIT
#include "convert/quantise.h"

#include <stddef.h>
#include <string.h>

#define TILE	CTRANS_TILE_OUT
#define QUAD	4u
/* Inputs of sixteen outputs at a time: 1 KiB of bytes, before they are mixed. */
#define SPAN	64u

#define BODY	static inline __attribute__((always_inline))

BODY uint32_t le32(uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

BODY uint32_t magnitude(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits & 0x7fffffffu;
}

/* The adder rounds to the nearest even integer; |w * inv| is at most 127.5. */
BODY int32_t quantise(float w, float inv)
{
	float v = w * inv;

	v = (v + 12582912.0f) - 12582912.0f;
	v = v > 127.0f ? 127.0f : v;
	v = v < -127.0f ? -127.0f : v;
	return (int32_t)v;
}

BODY uint32_t max_body(const float *x, uint32_t n)
{
	uint32_t lane[32] = { 0 }, max = 0, i = 0;

	for (; i + 32 <= n; i += 32)
		for (unsigned int j = 0; j < 32; j++) {
			uint32_t m = magnitude(x[i + j]);

			lane[j] = m > lane[j] ? m : lane[j];
		}
	for (; i < n; i++)
		max = magnitude(x[i]) > max ? magnitude(x[i]) : max;
	for (unsigned int j = 0; j < 32; j++)
		max = lane[j] > max ? lane[j] : max;
	return max;
}

BODY void max_each_body(const float *row, uint32_t n, uint32_t *max)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t m = magnitude(row[i]);

		max[i] = m > max[i] ? m : max[i];
	}
}

/* Up to SPAN inputs of one output, and zeros behind them. */
BODY int32_t span_body(const float *row, uint32_t n, float inv, int8_t *q)
{
	int32_t sum = 0;

	if (n == SPAN) {
		for (uint32_t k = 0; k < SPAN; k++) {
			int32_t v = quantise(row[k], inv);

			q[k] = (int8_t)v;
			sum += v;
		}
		return sum;
	}
	memset(q, 0, SPAN);
	for (uint32_t k = 0; k < n; k++) {
		q[k] = (int8_t)quantise(row[k], inv);
		sum += q[k];
	}
	return sum;
}

BODY void outputs_body(const float *rows, uint32_t n_in, uint32_t n_rows,
		       const float *inv, int8_t *tile, int32_t *sums)
{
	int8_t q[TILE][SPAN];

	for (uint32_t j = 0; j < n_rows; j++)
		sums[j] = 0;
	for (uint32_t k = 0; k < n_in; k += SPAN) {
		uint32_t n = n_in - k < SPAN ? n_in - k : SPAN;
		int8_t *line = tile + (uint64_t)k * TILE;

		for (uint32_t j = 0; j < n_rows; j++)
			sums[j] += span_body(rows + (uint64_t)j * n_in + k, n,
					     inv[j], q[j]);
		for (uint32_t i = 0; i < n; i += QUAD, line += TILE * QUAD)
			for (uint32_t j = 0; j < n_rows; j++)
				memcpy(line + QUAD * j, q[j] + i, QUAD);
	}
}

/* One line of a tile: @cols outputs, four inputs each. */
BODY void line_body(const float *row, size_t stride, uint32_t cols,
		    const float *inv, int8_t *to, int32_t *sums)
{
	uint32_t line[TILE];

	for (uint32_t j = 0; j < cols; j++) {
		int32_t a = quantise(row[j], inv[j]);
		int32_t b = quantise(row[stride + j], inv[j]);
		int32_t c = quantise(row[2 * stride + j], inv[j]);
		int32_t d = quantise(row[3 * stride + j], inv[j]);

		sums[j] += a + b + c + d;
		line[j] = le32((uint32_t)(a & 255) | (uint32_t)(b & 255) << 8 |
			       (uint32_t)(c & 255) << 16 | (uint32_t)d << 24);
	}
	memcpy(to, line, QUAD * cols);
}

BODY void inputs_body(const float *rows, uint32_t n_out, const float *inv,
		      int8_t *tile, uint64_t stride, int32_t *sums)
{
	for (uint32_t n = 0; n < n_out; n += TILE, tile += stride) {
		uint32_t cols = n_out - n < TILE ? n_out - n : TILE;

		if (cols == TILE)
			line_body(rows + n, n_out, TILE, inv + n, tile, sums + n);
		else
			line_body(rows + n, n_out, cols, inv + n, tile, sums + n);
	}
}

struct loops {
	uint32_t (*max)(const float *x, uint32_t n);
	void (*max_each)(const float *row, uint32_t n, uint32_t *max);
	void (*outputs)(const float *rows, uint32_t n_in, uint32_t n_rows,
			const float *inv, int8_t *tile, int32_t *sums);
	void (*inputs)(const float *rows, uint32_t n_out, const float *inv,
		       int8_t *tile, uint64_t stride, int32_t *sums);
};

#define VERSION(name, attributes)					\
attributes static uint32_t max_##name(const float *x, uint32_t n)	\
{									\
	return max_body(x, n);						\
}									\
attributes static void max_each_##name(const float *row, uint32_t n,	\
				       uint32_t *max)			\
{									\
	max_each_body(row, n, max);					\
}									\
attributes static void outputs_##name(const float *rows, uint32_t n_in,	\
				      uint32_t n_rows, const float *inv, \
				      int8_t *tile, int32_t *sums)	\
{									\
	outputs_body(rows, n_in, n_rows, inv, tile, sums);		\
}									\
attributes static void inputs_##name(const float *rows, uint32_t n_out,	\
				     const float *inv, int8_t *tile,	\
				     uint64_t stride, int32_t *sums)	\
{									\
	inputs_body(rows, n_out, inv, tile, stride, sums);		\
}									\
static const struct loops loops_##name = {				\
	max_##name, max_each_##name, outputs_##name, inputs_##name,	\
};

VERSION(portable, )

#if defined(__x86_64__)
VERSION(avx2, __attribute__((target("avx2"))))

/* Remembered, as CPUID leaves a virtual machine each time. */
static const struct loops *fastest(void)
{
	static _Atomic(const struct loops *) found;
	const struct loops *with = found;

	if (!with)
		found = with = __builtin_cpu_supports("avx2") ? &loops_avx2 :
								&loops_portable;
	return with;
}
#else
static const struct loops *fastest(void)
{
	return &loops_portable;
}
#endif

uint32_t ct_max_bits(const float *x, uint32_t n)
{
	return fastest()->max(x, n);
}

void ct_max_bits_each(const float *row, uint32_t n, uint32_t *max)
{
	fastest()->max_each(row, n, max);
}

void ct_quantise_outputs(const float *rows, uint32_t n_in, uint32_t n_rows,
			 const float *inv, int8_t *tile, int32_t *sums)
{
	fastest()->outputs(rows, n_in, n_rows, inv, tile, sums);
}

void ct_quantise_inputs(const float *rows, uint32_t n_out, const float *inv,
			int8_t *tile, uint64_t stride, int32_t *sums)
{
	fastest()->inputs(rows, n_out, inv, tile, stride, sums);
}

int8_t ct_quantise(float w, float inv)
{
	return (int8_t)quantise(w, inv);
}
