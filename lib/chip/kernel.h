/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of the chip model behind one interface.
 *
 * uapi/ctrans_insn.h defines what every instruction computes, to the bit. A
 * struct chip_kernel is one way of computing it: kernel_ref.c in plain loops,
 * spike by spike; the others with the vector instructions of one CPU. All
 * give the same bits; tests/unit/test_kernel*.c hold them to it.
 *
 * Functions here see only contiguous memory and may be called by several
 * threads at once on different output. No function allocates. Pointers are
 * aligned to 4 bytes, weight tiles to 64, the arrays of a chip_qrow to 64.
 */
#ifndef CHIP_KERNEL_H
#define CHIP_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_job.h"

struct chip_outlier {
	uint32_t k;
	int32_t a;
};

/*
 * One quantised row of activations. The caller owns the arrays; they have room
 * for n rounded up to 64, and quantise() fills them so far: zero (a), or 128
 * (u8), from n on.
 */
struct chip_qrow {
	float theta;
	uint32_t n;
	uint32_t n_outliers;	/* magnitude beyond 127 */
	uint32_t n_clamped;
	int16_t *a;		/* every value, -32767..32767 */
	uint8_t *u8;		/* 128 + a where |a| <= 127, else 128 */
	struct chip_outlier *outliers;	/* ascending k; room for n */
};

#define CHIP_PLANES	8u

/* What a code of binary weights makes of a row's bytes: see energy.h. */
struct chip_planes {
	uint32_t nonzero;
	uint32_t spiking;	/* of them */
	uint32_t switches;
	uint32_t plane[CHIP_PLANES];	/* spikes of weight 2^p */
};

/* How values go to the domains; only the reference computes by it. */
struct chip_dispatch {
	uint64_t spike_mask[2];
	uint8_t code;		/* enum ctrans_spike_code */
	uint8_t by;		/* enum ctrans_dispatch_by */
	uint8_t unit_low, unit_high;
	bool flip;
	uint8_t steps;		/* of 128 timesteps those integrated; 0: all */
};

/*
 * What the reference saw while executing, for comparing with the accounts: every
 * one of the n_tiles * 16 outputs counts, those of padding too.
 */
struct chip_domain_counts {
	uint64_t dense_ops;	/* products, for each output */
	uint64_t spike_ops;	/* spike accumulates, for each output */
	uint64_t outlier_ops;
	/* BOUND, in every kernel: outputs that were done before each plane */
	uint64_t done[CTRANS_BOUND_PLANES];
};

/* An output's norm as the unit that checks its bound has it. */
static inline uint32_t chip_norm(uint32_t norm)
{
	return norm < 65535 ? norm : 65535;
}

/*
 * One row and some tiles of a linear with BOUND: the sums, those of done outputs
 * whole or as far as they got. Sums of what is left of the row are bounded by the
 * product of @norm and the row's norm.
 */
struct chip_bounded {
	const struct chip_qrow *row;
	const struct chip_dispatch *dispatch;
	const int8_t *w;
	size_t tile_stride;
	uint32_t n_in;		/* rounded up to 4 */
	uint32_t n;		/* outputs; the arrays of 16 have room for whole tiles */
	const int32_t *colsum;
	const float *scale;
	const float *bias;	/* or NULL */
	const uint32_t *norm;
	int64_t *s;		/* as chip_sums' */
	struct chip_domain_counts *counts;	/* added to */
};

/*
 * acc[r][t * 16 + j] += sum over k in [k0, k1) of (a[r][k] + kernel->offset) * w,
 * outliers included; the caller takes offset * column sum off in the end. (In u8
 * an outlier stands as 128, so that its product is added apart from the array's.)
 * k0 and k1 are multiples of 4, k1 - k0 at most CHIP_K_SPAN, so that a 32-bit
 * accumulator cannot overflow: 255 * 127 * 65536 < 2^31. Outliers are added in
 * 64 bits. w points at the granule of tile 0 and input k0; tile t is at
 * w + t * tile_stride.
 */
#define CHIP_K_SPAN	65536u
#define CHIP_ROWS_AT_ONCE 8u	/* at most so many rows in one call */
#define CHIP_TILES_AT_ONCE 4u	/* and so many tiles */

struct chip_sums {
	const struct chip_qrow *const *rows;	/* n_rows pointers */
	uint32_t n_rows;
	uint32_t n_tiles;
	const int8_t *w;
	size_t tile_stride;
	uint32_t k0, k1;
	int64_t (*acc)[CHIP_TILES_AT_ONCE * CTRANS_TILE_OUT];	/* [n_rows] */
	const struct chip_dispatch *dispatch;
	struct chip_domain_counts *counts;	/* [n_rows], or NULL; the reference adds */
};

/* What becomes of a linear's output: enough for the flags of one. */
enum chip_put { CHIP_PUT_SET, CHIP_PUT_ADD, CHIP_PUT_MUL };

/*
 * y[j] for 16 outputs of one row: f = act(fma((float)(S[j] - offset * colsum[j]),
 * theta * scale[j], bias[j])); out[j] = f, out[j] + f or out[j] * f, for j < n.
 * bias may be NULL (0 is then +0). Reads and writes only n (1..16) elements of
 * out; scale, colsum and bias have 16.
 */
struct chip_epilogue {
	const int64_t *s;
	const int32_t *colsum;
	const float *scale;
	const float *bias;
	float theta;
	uint8_t act;
	enum chip_put put;
	uint32_t n;
	float *out;
};

/*
 * Up to CHIP_ROWS_AT_ONCE rows and CHIP_TILES_AT_ONCE tiles of a linear whose
 * sums fit 32 bits (chip_fits32() of each row) and whose operands lie
 * contiguously: sums and epilogue at once.
 *
 * While several rows go by, granules to be used next are fetched into the cache:
 * one step of @ahead for each granule of weights. With several calls for the same
 * weights each fetches its part, in steps shorter than a granule.
 */
struct chip_tiles {
	const struct chip_qrow *const *rows;	/* n_rows pointers */
	uint32_t n_rows;
	uint32_t n_in;		/* rounded up to 4 */
	uint32_t n;		/* outputs; the arrays of 16 have room for whole tiles */
	const int8_t *w;
	size_t tile_stride;
	const int32_t *colsum;
	const float *scale;
	const float *bias;	/* or NULL */
	uint8_t act;
	enum chip_put put;
	float *const *out;	/* [n_rows] */
	const char *ahead;
	size_t ahead_step;
};

/*
 * Extended sign compression: what a linear has in place of w and tile_stride. Block
 * i of the tiles in turn is granules at[i] up to at[i + 1] from @base; all lie in
 * memory, and no list is too long.
 */
struct chip_esc {
	const uint8_t *base;
	const uint32_t *at;
};

/* Bytes that unpacking a block may write, whatever its list says. */
#define CHIP_ESC_BLOCK	(CTRANS_ESC_INPUTS * CTRANS_TILE_OUT)
/* Bytes of memory to ask for ahead of unpacking. */
#define CHIP_ESC_AHEAD	10240u

/* SAMPLE of uapi/ctrans_insn.h for outputs of one row, @first and those after it. */
struct chip_sample {
	uint32_t key;		/* mix(mix(tag) + position) */
	uint32_t first;
	uint32_t steps;		/* 1..127 */
	float theta;
};

static inline uint32_t chip_mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return x ^ x >> 16;
}

/* 128 * (sum of |a|) is below 2^31, judged by the number of outliers. */
static inline bool chip_fits32(const struct chip_qrow *row)
{
	return 127ull * row->n + 32767ull * row->n_outliers < (1u << 31) / 128;
}

/*
 * Several rows and one tile of keys or of values, which is then read and made
 * floats of but once. scores_rows(): in[r] is a query [head_dim], out[r] gets
 * scores [n]. weigh_rows(): in[r] is weights [n], out[r] has [head_dim] to be
 * added to. Row r is at r * stride. Up to the next multiple of 16 elements of
 * out rows may be overwritten with anything.
 */
#define CHIP_EXPANDED(head_dim) \
	((size_t)CTRANS_KV_POSITIONS * (((head_dim) + 15) / 16 * 16))

struct chip_attend {
	const float *in;
	size_t in_stride;
	float *out;
	size_t out_stride;
	uint32_t n_rows;
	const void *tile;
	uint32_t head_dim;
	uint32_t n;		/* positions, 1..64 */
	uint8_t kv_type;
	float *expanded;	/* scratch of CHIP_EXPANDED(head_dim), aligned to 64 */
};

struct chip_kernel {
	const char *name;
	int32_t offset;		/* 0 or 128, see chip_sums */
	bool (*supported)(void);	/* by the CPU we run on */

	/* sum16 of x * x */
	float (*sumsq)(const float *x, uint32_t n);
	/* fill row->a, u8, outliers, n_outliers, n_clamped from x; theta is set */
	void (*quantise)(const float *x, uint32_t n, struct chip_qrow *row);
	/* counts of |u8[i] - 128|, i < n, a multiple of 64; not for the rate code */
	void (*planes)(const uint8_t *u8, uint32_t n, const struct chip_dispatch *d,
		       struct chip_planes *c);
	void (*sums)(const struct chip_sums *s);
	void (*epilogue)(const struct chip_epilogue *e);
	/* the two at once; NULL: the kernel has them apart only */
	void (*linear)(const struct chip_tiles *t);
	/*
	 * A compressed block of m inputs and so many granules as the m / 4 granules
	 * of S8 at w, where there is room for CHIP_ESC_BLOCK bytes. False: an entry
	 * of its list is beyond the block.
	 */
	bool (*unpack)(const uint8_t *block, uint32_t m, uint32_t granules, int8_t *w);
	/*
	 * As linear, n_in a multiple of 64: unpacked block by block, which is for
	 * rows so few that nothing is gained by keeping it. NULL: it cannot.
	 */
	bool (*linear_esc)(const struct chip_tiles *t, const struct chip_esc *e);
	/* y[j], j < n, as they are speculated */
	void (*sample)(const struct chip_sample *s, uint32_t n, float *y);
	/* s[j] = sum16 over k < n of x[k] * w[k][j], one F32 tile of 16 outputs */
	void (*sums_f32)(const float *x, const float *w, uint32_t n, float s[16]);
	/* out[j] =, += or *= act(s[j] + bias[j]), j < n, bias may be NULL */
	void (*epilogue_f32)(const float s[16], const float *bias, uint8_t act,
			     enum chip_put put, uint32_t n, float *out);

	/* y may equal x; bias may be NULL (0) */
	void (*layernorm)(const float *x, const float *gain, const float *bias,
			  float eps, uint32_t n, float *y);
	void (*rmsnorm)(const float *x, const float *gain, const float *bias,
			float eps, uint32_t n, float *y);
	/* y[i] = fma((float)w[i], scale, p[i]); p NULL: +0 */
	/* one granule column of a packed S8 row is gathered by the caller */
	void (*embed)(const int8_t *w, float scale, const float *p, uint32_t n,
		      float *y);

	/*
	 * Attention within one block. Tiles are as the block holds them, with
	 * their scales where the type has some.
	 */
	/* scores of one row: s[i] = sum16(q * k[i]) * scale, i < n <= 64 */
	void (*scores)(const float *q, const void *key_tile, uint32_t head_dim,
		       uint32_t n, float scale, uint8_t kv_type, float *s);
	/* largest of n values, n >= 1; NaN if one is; a zero is +0 */
	float (*max)(const float *x, uint32_t n);
	/* e[i] = exp(e[i] - m) in place, i < n <= 64; returns sum16 of them */
	float (*exp_block)(float *e, uint32_t n, float m);
	/* o[d] += sum16 over i < n of e[i] * v[i][d] */
	void (*weigh)(const float *e, const void *value_tile, uint32_t head_dim,
		      uint32_t n, uint8_t kv_type, float *o);
	/* the same two for rows that share a tile, see chip_attend */
	void (*scores_rows)(const struct chip_attend *a, float scale);
	void (*weigh_rows)(const struct chip_attend *a);
	/* o[i] /= z */
	void (*divide)(float *o, uint32_t n, float z);
	/* sum16 of exp(x - m) over n <= 1024 logits, x unchanged */
	float (*sumexp)(const float *x, uint32_t n, float m);
	/* binary32 -> binary16, nearest even, overflow to infinity */
	void (*to_f16)(const float *x, uint32_t n, uint16_t *y);
	/* a cached key or value as S8; returns its scale */
	float (*to_s8)(const float *x, uint32_t n, int8_t *y);
};

/* name NULL or "auto": the fastest the CPU supports; else by name, or NULL. */
const struct chip_kernel *chip_kernel_get(const char *name);

/* i-th kernel built in, reference first; NULL past the end. */
const struct chip_kernel *chip_kernel_at(unsigned int i);

#endif
