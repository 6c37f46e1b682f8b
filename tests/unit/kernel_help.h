/* SPDX-License-Identifier: MIT */
/* Values, buffers and comparisons for the tests of the kernels. */
#ifndef KERNEL_HELP_H
#define KERNEL_HELP_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chip/fp.h"
#include "chip/kernel.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ck_assert_msg() tells the runner of every check, too slow for millions. */
#define CHECK(condition, ...)                                                  \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg(__VA_ARGS__);                             \
	} while (0)

/* xorshift64: the same values in every run */
static inline uint64_t rnd64(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static inline uint32_t rnd(void)
{
	return (uint32_t)(rnd64() >> 32);
}

/*
 * Each code, flipped where it may be, by value and by unit, in turn; masks and limits
 * at random, but everything to one domain in some.
 */
#define N_DISPATCHES 10u

static inline struct chip_dispatch any_dispatch(uint32_t n)
{
	static const struct {
		uint8_t code;
		bool flip;
	} trains[] = {
		{ CTRANS_CODE_RATE, false }, { CTRANS_CODE_RATE, true },
		{ CTRANS_CODE_RADIX, false }, { CTRANS_CODE_RADIX, true },
		{ CTRANS_CODE_NAF, false },
	};
	struct chip_dispatch d = { .code = trains[n % 5].code,
				   .flip = trains[n % 5].flip };
	uint32_t style = n / N_DISPATCHES % 5;

	if (n / 5 % 2) {
		/* about the spikes that values have, so that units differ */
		uint32_t most = d.code == CTRANS_CODE_RATE ? 256 : 40;

		d.by = CTRANS_BY_UNIT;
		d.unit_low = (uint8_t)(rnd() % most);
		d.unit_high = (uint8_t)(d.unit_low + rnd() % (256 - d.unit_low));
		if (style < 2)
			d.unit_low = d.unit_high = style ? 255 : 0;
		return d;
	}
	for (int i = 0; i < 2; i++)
		d.spike_mask[i] = style == 0 ? 0 : style == 1 ? UINT64_MAX : rnd64();
	return d;
}

static inline void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	ck_assert_ptr_nonnull(p);
	return p;
}

/* The kernels promise alignment to 64 for these. */
static inline void *xmalloc64(size_t n)
{
	void *p = NULL;

	ck_assert_int_eq(posix_memalign(&p, 64, n ? n : 1), 0);
	return p;
}

/*
 * Styles of values: 0 around one, 1 small and large, 2 with zeros of both
 * signs, 3 subnormal and tiny, 4 near overflow with infinities, 5 any bits
 * (NaN too), 6 all zero, 7 about a constant.
 */
#define N_STYLES 8

static inline float value(unsigned int style)
{
	float u = (float)(int32_t)rnd() * 0x1p-31f;
	uint32_t pick = rnd();

	switch (style) {
	case 1:
		return u * chip_f32((127u + pick % 40u - 20u) << 23);
	case 2:
		return pick % 3 == 0 ? 0.0f : pick % 3 == 1 ? -0.0f : u * 4.0f;
	case 3:
		return pick % 2 ? u * 1e-38f : chip_f32(rnd() & 0x807fffffu);
	case 4:
		if (pick % 32 == 0)
			return pick & 64 ? __builtin_inff() : -__builtin_inff();
		return u * 3e38f;
	case 5:
		return chip_f32(rnd());
	case 6:
		return 0.0f;
	case 7:
		return 100.0f + u * 0.001f;
	default:
		return u * 2.0f;
	}
}

static inline float *floats(size_t n, unsigned int style)
{
	float *x = xmalloc(n * sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = value(style);
	return x;
}

static inline float *copy_of(const float *x, size_t n)
{
	return memcpy(xmalloc(n * sizeof(*x)), x, n * sizeof(*x));
}

/* Weights: 0 all values, 1 all -127, 2 all 127, 3 sparse */
static inline int8_t *weights(size_t n, unsigned int style)
{
	int8_t *w = xmalloc64(n);

	for (size_t i = 0; i < n; i++) {
		int v = (int)(rnd() % 255) - 127;

		w[i] = (int8_t)(style == 1 ? -127 : style == 2 ? 127 :
				style == 3 && rnd() % 8 ? 0 : v);
	}
	return w;
}

static inline void new_row(struct chip_qrow *row, uint32_t n)
{
	size_t padded = ((size_t)n + 63) / 64 * 64;

	memset(row, 0, sizeof(*row));
	row->theta = 1.0f;
	row->n = n;
	row->a = xmalloc64(padded * 2);
	row->u8 = xmalloc64(padded);
	row->outliers = xmalloc64(n * sizeof(*row->outliers));
	memset(row->a, 0, padded * 2);
	memset(row->u8, 128, padded);
}

static inline void free_row(struct chip_qrow *row)
{
	free(row->a);
	free(row->u8);
	free(row->outliers);
}

/* Equal bits; a NaN equals any NaN. */
static inline void same_f(const char *what, const struct chip_kernel *k,
			  const float *want, const float *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(chip_bits(want[i]) == chip_bits(got[i]) ||
		      (want[i] != want[i] && got[i] != got[i]),
		      "%s of %s: element %zu of %zu is %a, not %a", what, k->name,
		      i, n, (double)got[i], (double)want[i]);
}

static inline void same_row(const struct chip_kernel *k,
			    const struct chip_qrow *want,
			    const struct chip_qrow *got)
{
	size_t padded = ((size_t)want->n + 63) / 64 * 64;

	ck_assert_msg(want->n == got->n && want->n_clamped == got->n_clamped &&
		      want->n_outliers == got->n_outliers,
		      "quantise of %s: counts differ", k->name);
	ck_assert_msg(!memcmp(want->a, got->a, padded * 2) &&
		      !memcmp(want->u8, got->u8, padded),
		      "quantise of %s: values differ", k->name);
	ck_assert_msg(!memcmp(want->outliers, got->outliers,
			      want->n_outliers * sizeof(*want->outliers)),
		      "quantise of %s: outliers differ", k->name);
}

#endif
