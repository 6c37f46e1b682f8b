// SPDX-License-Identifier: MIT
/*
 * Compressed weights of an instruction: the table that says where they are, and
 * blocks of tiles unpacked into a worker's memory. Both lie in memory that may
 * change at any time, so each entry is fetched once, checked, and used as fetched.
 */
#include "chip/internal.h"

#include <string.h>

/* In granules; a matrix has 2^41 weights at most. */
uint64_t chip_esc_table(uint32_t n_in, uint32_t n_out)
{
	uint64_t blocks = (uint64_t)chip_esc_blocks(n_in) *
			  (chip_round_up(n_out, CTRANS_TILE_OUT) / CTRANS_TILE_OUT);

	return ((blocks + 1) * sizeof(uint32_t) + CTRANS_GRANULE - 1) / CTRANS_GRANULE;
}

uint64_t chip_esc_least(uint32_t n_in, uint32_t n_out)
{
	return chip_esc_table(n_in, n_out) +
	       (uint64_t)(chip_round_up(n_out, CTRANS_TILE_OUT) / CTRANS_TILE_OUT) *
	       CTRANS_ESC_BASE(chip_round_up(n_in, 64));
}

/* Any worker, in any phase; the job ends with it when all have left. */
void chip_bad_weight(struct chip_worker *w, const struct chip_op *op)
{
	struct chip_job *job = chip_worker_job(w);

	atomic_store_explicit(&job->bad_weight, (uint32_t)(op - job->ops) + 1,
			      memory_order_relaxed);
	atomic_store(&job->stop, true);
}

/* Inputs of block @b of a tile. */
static uint32_t inputs_of(uint32_t n_in, uint32_t b)
{
	uint32_t left = chip_round_up(n_in, 64) - b * CTRANS_ESC_INPUTS;

	return left < CTRANS_ESC_INPUTS ? left : CTRANS_ESC_INPUTS;
}

bool chip_esc_fetch(const struct chip_job *job, const struct chip_operand *o,
		    const struct chip_esc_shape *s, uint32_t t, uint32_t n_tiles,
		    uint32_t *at)
{
	uint32_t per_tile = chip_esc_blocks(s->n_in), n = per_tile * n_tiles;
	uint64_t off = (uint64_t)t * per_tile * sizeof(*at), len = (n + 1) * sizeof(*at);
	const void *p = chip_gather(job, o, off, len, at);

	if (p != at)
		memcpy(at, p, len);
	if (at[0] < s->table || at[n] > s->granules)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t base = CTRANS_ESC_BASE(inputs_of(s->n_in, i % per_tile));

		if (at[i + 1] < at[i] || at[i + 1] - at[i] < base ||
		    at[i + 1] - at[i] > base + CTRANS_ESC_LIST_MAX)
			return false;
	}
	return true;
}

bool chip_esc_unpack(const struct chip_worker *w, const struct chip_operand *o,
		     uint32_t n_in, uint32_t n_tiles, const uint32_t *at, int8_t *to)
{
	const struct chip_job *job = &w->chip->job;
	uint8_t room[CHIP_ESC_BLOCK] __attribute__((aligned(64)));
	uint32_t per_tile = chip_esc_blocks(n_in);
	bool good = true;

	for (uint32_t i = 0; i < per_tile * n_tiles; i++, to += CHIP_ESC_BLOCK) {
		uint32_t granules = at[i + 1] - at[i];
		const uint8_t *block = chip_gather(job, o,
						   (uint64_t)at[i] * CTRANS_GRANULE,
						   (uint64_t)granules * CTRANS_GRANULE,
						   room);

		good &= w->chip->kernel->unpack(block, inputs_of(n_in, i % per_tile),
						granules, to);
	}
	return good;
}
