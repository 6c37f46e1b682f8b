// SPDX-License-Identifier: MIT
/*
 * BOUND of uapi/ctrans_insn.h without executing spikes: the sums before each plane
 * are those of the row without its lower bits, so that one product of several rows
 * gives them all; and whether an output could still become positive is what the
 * epilogue makes of the largest sum that it could reach.
 */
#include "chip/bound.h"

#include <string.h>

#include "chip/train.h"

#define PLANES	CTRANS_BOUND_PLANES
#define UNIT	CTRANS_UNIT_INPUTS
#define MOST	(CHIP_TILES_AT_ONCE * CTRANS_TILE_OUT)

size_t chip_parts_bytes(uint32_t width)
{
	return 3ull * PLANES * ((width + UNIT - 1) / UNIT * UNIT);
}

static uint32_t root_up(uint64_t square)
{
	uint64_t lo = 0, hi = 1u << 20;	/* squares are below 2^17 * 2^8 */

	while (lo < hi) {
		uint64_t mid = (lo + hi) / 2;

		if (mid * mid < square)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

/* The magnitudes of a unit that spike; the others 0. */
static void spiking_of(const struct chip_qrow *row, uint32_t k, const uint8_t keep[256],
		       const uint64_t *units, bool by_unit, uint8_t m[UNIT])
{
	uint32_t u = k / UNIT;

	if (by_unit && !(units[u / 64] >> u % 64 & 1)) {
		memset(m, 0, UNIT);
		return;
	}
	for (uint32_t i = 0; i < UNIT; i++)
		m[i] = keep[row->u8[k + i]];
}

static uint32_t take_off(const struct chip_qrow *row, uint32_t k,
			 const uint8_t m[restrict UNIT], uint8_t low,
			 struct chip_qrow *part)
{
	const uint8_t *restrict from = row->u8 + k;
	const int16_t *restrict a = row->a + k;
	uint8_t *restrict u8 = part->u8 + k;
	int16_t *restrict b = part->a + k;
	uint32_t square = 0;

	for (uint32_t i = 0; i < UNIT; i++) {
		uint8_t x = m[i] & low;
		int16_t y = (int16_t)(from[i] < 128 ? -x : x);

		u8[i] = (uint8_t)(from[i] - y);
		b[i] = (int16_t)(a[i] - y);
		square += (uint32_t)x * x;
	}
	return square;
}

void chip_parts_make(const struct chip_qrow *row, const struct chip_dispatch *d,
		     uint8_t *room, struct chip_parts *parts)
{
	uint32_t n = (row->n + UNIT - 1) / UNIT * UNIT;
	bool by_unit = d->by == CTRANS_BY_UNIT;
	uint64_t square[PLANES] = { 0 };
	uint64_t units[CHIP_UNIT_WORDS];
	uint8_t keep[256] = { 0 };

	chip_train_units(d, row->a, row->n, units);
	for (uint32_t m = 1; m < 128; m++) {
		if (by_unit || d->spike_mask[m / 64] >> m % 64 & 1)
			keep[128 + m] = keep[128 - m] = (uint8_t)m;
	}
	for (uint32_t p = 0; p < PLANES; p++) {
		parts->row[p] = *row;
		parts->row[p].a = (int16_t *)(void *)(room + 3ull * n * p);
		parts->row[p].u8 = room + 3ull * n * p + 2ull * n;
	}
	for (uint32_t k = 0; k < n; k += UNIT) {
		uint8_t m[UNIT];

		spiking_of(row, k, keep, units, by_unit, m);
		for (uint32_t p = 0; p < PLANES; p++)
			square[p] += take_off(row, k, m, (uint8_t)((2u << p) - 1),
					      &parts->row[p]);
	}
	for (uint32_t p = 0; p < PLANES; p++)
		parts->left[p] = root_up(square[p]);
}

/* Sixteen outputs; zero for those that no bound is known of: what is no number. */
struct open {
	uint32_t first, n;
	uint32_t yes[16];
};

static void open_outputs(const struct chip_bounded *b, uint32_t first, struct open *o)
{
	o->first = first;
	o->n = b->n - first < 16 ? b->n - first : 16;
	for (uint32_t j = 0; j < 16; j++) {
		float scale = b->row->theta * b->scale[first + j];
		float bias = b->bias ? b->bias[first + j] : 0.0f;

		o->yes[j] = (j < o->n) & (scale > 0.0f) &
			    (scale < __builtin_inff()) & (bias == bias);
	}
}

/* Before plane @p: those that are done are open no more. */
static void check(const struct chip_kernel *k, const struct chip_bounded *b,
		  struct open *o, const int64_t *s, uint32_t left, uint32_t p)
{
	int64_t most[16];
	float y[16] = { 0 };
	struct chip_epilogue e = {
		.s = most, .colsum = b->colsum + o->first, .scale = b->scale + o->first,
		.bias = b->bias ? b->bias + o->first : NULL, .theta = b->row->theta,
		.act = CTRANS_ACT_RELU, .n = o->n, .out = y,
	};
	uint32_t done = 0;

	for (uint32_t j = 0; j < 16; j++)
		most[j] = s[j] + (int64_t)((uint64_t)left *
					   chip_norm(b->norm[o->first + j]));
	k->epilogue(&e);
	for (uint32_t j = 0; j < 16; j++) {
		uint32_t zero = o->yes[j] & (y[j] <= 0.0f);

		o->yes[j] ^= zero;
		done += zero;
	}
	b->counts->done[p] += done;
}

void chip_bound(const struct chip_kernel *k, const struct chip_bounded *b,
		const struct chip_parts *parts)
{
	const struct chip_qrow *rows[PLANES + 1];
	int64_t acc[PLANES + 1][MOST] = { { 0 } };
	uint32_t n_tiles = (b->n + CTRANS_TILE_OUT - 1) / CTRANS_TILE_OUT;
	struct chip_sums s = {
		.rows = rows, .n_rows = PLANES + 1, .n_tiles = n_tiles,
		.tile_stride = b->tile_stride, .acc = acc, .dispatch = b->dispatch,
	};

	for (uint32_t p = 0; p < PLANES; p++)
		rows[p] = &parts->row[p];
	rows[PLANES] = b->row;
	for (; s.k0 < b->n_in; s.k0 = s.k1) {
		s.k1 = b->n_in - s.k0 > CHIP_K_SPAN ? s.k0 + CHIP_K_SPAN : b->n_in;
		s.w = b->w + 16ull * s.k0;
		k->sums(&s);
	}
	memcpy(b->s, acc[PLANES], n_tiles * CTRANS_TILE_OUT * sizeof(*b->s));
	for (uint32_t j = 0; j < b->n; j += 16) {
		struct open o;

		open_outputs(b, j, &o);
		for (uint32_t p = PLANES; p-- > 0;)
			check(k, b, &o, acc[p] + j, parts->left[p], p);
	}
}
