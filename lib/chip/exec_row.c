// SPDX-License-Identifier: MIT
/* The instructions that work on whole rows: embed, norm; and their records. */
#include "chip/fp.h"
#include "chip/internal.h"

#include <string.h>

/*
 * Cost of the instruction whose rows' own parts are in job->stat; for LOGITS
 * they are the rows that asked. One worker in a phase.
 */
void chip_charge_op(struct chip_worker *w, const struct chip_op *op,
		    uint32_t n_rows, const struct chip_shared *shared)
{
	struct chip_job *job = chip_worker_job(w);
	uint32_t i = (uint32_t)(op - job->ops);
	bool some = op->insn.op == CTRANS_INSN_LOGITS;

	if (n_rows)
		chip_charge(&w->chip->costs, job->stat, n_rows, shared, &job->total);
	if (!job->sqe.stats_va)
		return;
	for (uint32_t r = 0, j = 0; r < job->n_rows; r++) {
		static const struct ctrans_stat none;
		const struct ctrans_stat *st = &none;

		if (!some)
			st = &job->stat[r];
		else if (j < n_rows && job->logit_rows[j] == r)
			st = &job->stat[j++];
		chip_scatter(job, &job->stats,
			     ((uint64_t)r * job->n_ops + i) * sizeof(*st),
			     sizeof(*st), st);
	}
}

/* Token @token's column of packed S8 weights, granule by granule. */
static void unpack_s8(const struct chip_job *job, const struct chip_operand *o,
		      uint32_t token, uint32_t n, int8_t *dst)
{
	uint32_t quads = chip_round_up(n, 4) / 4;
	uint64_t base = (uint64_t)(token / CTRANS_TILE_OUT) * quads * CTRANS_GRANULE +
			token % CTRANS_TILE_OUT * 4;

	for (uint32_t k = 0; k < quads;) {
		uint64_t avail;
		const uint8_t *p = chip_at(job, o, base + (uint64_t)k * CTRANS_GRANULE,
					   &avail);

		/* a granule does not straddle spans, so its four bytes are there */
		for (;;) {
			memcpy(dst + 4 * k, p, 4);
			k++;
			if (k == quads || avail < CTRANS_GRANULE + 4)
				break;
			p += CTRANS_GRANULE;
			avail -= CTRANS_GRANULE;
		}
	}
}

/* Where the blocks of a token's tile are. */
static bool esc_tile(const struct chip_job *job, const struct chip_op *op,
		     uint32_t token, uint32_t *at)
{
	const struct ctrans_insn_embed *e = &op->insn.embed;
	const struct chip_esc_shape s = {
		e->n, e->weight_granules, chip_esc_table(e->n, e->n_vocab),
	};

	return chip_esc_fetch(job, &op->o[CHIP_WEIGHT], &s, token / CTRANS_TILE_OUT, 1,
			      at);
}

/* The same of compressed weights, which are unpacked to @tile. False: malformed. */
static bool unpack_esc(const struct chip_worker *w, const struct chip_op *op,
		       uint32_t token, int8_t *tile, int8_t *dst)
{
	uint32_t at[CHIP_ESC_ENTRIES], n = op->insn.embed.n;

	if (!esc_tile(&w->chip->job, op, token, at) ||
	    !chip_esc_unpack(w, &op->o[CHIP_WEIGHT], n, 1, at, tile))
		return false;
	tile += token % CTRANS_TILE_OUT * 4;
	for (uint32_t k = 0; k < n; k++)
		dst[k] = tile[k / 4 * CTRANS_GRANULE + k % 4];
	return true;
}

/* What the chip reads of a token's column: of compressed ones, its part of the tile. */
static uint64_t column_bytes(const struct chip_job *job, const struct chip_op *op,
			     uint32_t token)
{
	const struct ctrans_insn_embed *e = &op->insn.embed;
	uint32_t at[CHIP_ESC_ENTRIES];

	if (e->encoding != CTRANS_ENC_ESC)
		return (e->encoding == CTRANS_ENC_S8 ? 1ull : 4ull) * e->n;
	if (!esc_tile(job, op, token, at))
		return 0;
	return (uint64_t)(at[chip_esc_blocks(e->n)] - at[0]) * CTRANS_GRANULE /
	       CTRANS_TILE_OUT;
}

static void unpack_f32(const struct chip_job *job, const struct chip_operand *o,
		       uint32_t token, uint32_t n, float *dst)
{
	uint64_t base = (uint64_t)(token / CTRANS_TILE_OUT) * chip_round_up(n, 16) *
			CTRANS_GRANULE + token % CTRANS_TILE_OUT * 4;

	for (uint32_t k = 0; k < n; k++) {
		uint64_t avail;

		memcpy(dst + k, chip_at(job, o, base + (uint64_t)k * CTRANS_GRANULE,
					&avail), 4);
	}
}

/* False: malformed weights. */
static bool embed_row(struct chip_worker *w, const struct chip_op *op, uint32_t r)
{
	const struct ctrans_insn_embed *e = &op->insn.embed;
	const struct chip_job *job = chip_worker_job(w);
	const struct ctrans_row *row = &job->rows[r];
	uint32_t pos_stride = chip_round_up(4 * e->n, CTRANS_GRANULE);
	const float *pos = NULL;
	int8_t *column = (int8_t *)w->w;
	float factor = 1.0f;

	if (e->factor_f32)
		memcpy(&factor, &e->factor_f32, 4);

	if (e->n_positions)
		pos = chip_gather(job, &op->o[CHIP_BIAS],
				  (uint64_t)row->position * pos_stride,
				  4ull * e->n, w->x);
	if (e->encoding != CTRANS_ENC_F32) {
		float scale;

		memcpy(&scale, chip_gather(job, &op->o[CHIP_SCALE],
					   4ull * row->token, 4, &scale), 4);
		if (e->encoding == CTRANS_ENC_S8)
			unpack_s8(job, &op->o[CHIP_WEIGHT], row->token, e->n, column);
		else if (!unpack_esc(w, op, row->token, column + chip_round_up(e->n, CTRANS_GRANULE),
				     column))
			return false;
		w->chip->kernel->embed(column, scale * factor, pos, e->n, w->y);
	} else {
		unpack_f32(job, &op->o[CHIP_WEIGHT], row->token, e->n, w->y);
		/* the common case apart: without the instruction chip_fma() is slow */
		for (uint32_t i = 0; factor == 1.0f && i < e->n; i++)
			w->y[i] += pos ? pos[i] : 0.0f;
		for (uint32_t i = 0; factor != 1.0f && i < e->n; i++)
			w->y[i] = chip_fma(w->y[i], factor, pos ? pos[i] : 0.0f);
	}
	chip_scatter(job, &op->o[CHIP_OUT], (uint64_t)r * e->out_stride,
		     4ull * e->n, w->y);
	return true;
}

void chip_exec_embed(struct chip_worker *w, const struct chip_op *op)
{
	const struct ctrans_insn_embed *e = &op->insn.embed;
	struct chip_job *job = chip_worker_job(w);
	uint32_t lo, hi;

	while (chip_claim(w, job->n_rows, 1, &lo, &hi)) {
		for (uint32_t r = lo; r < hi; r++) {
			if (!embed_row(w, op, r))
				chip_bad_weight(w, op);
			if (chip_unit_done(w))
				return;
		}
	}
	if (!w->first)
		return;

	memset(job->stat, 0, job->n_rows * sizeof(*job->stat));
	for (uint32_t r = 0; r < job->n_rows; r++) {
		job->stat[r].ops_vector = e->n;
		job->stat[r].bytes_external =
			column_bytes(job, op, job->rows[r].token) +
			(e->n_positions ? 4ull * e->n : 0);
	}
	chip_charge_op(w, op, job->n_rows, &(struct chip_shared){ 0 });
}

static void norm_row(struct chip_worker *w, const struct chip_op *op, uint32_t r,
		     const float *gain, const float *bias, float *y)
{
	const struct ctrans_insn_norm *n = &op->insn.norm;
	const struct chip_job *job = chip_worker_job(w);
	const float *x = chip_gather(job, &op->o[CHIP_IN], (uint64_t)r * n->in_stride,
				     4ull * n->n, w->x);
	float eps;

	memcpy(&eps, &n->eps_f32, 4);
	if (n->kind == CTRANS_NORM_RMS)
		w->chip->kernel->rmsnorm(x, gain, bias, eps, n->n, y);
	else
		w->chip->kernel->layernorm(x, gain, bias, eps, n->n, y);
}

/*
 * @own: every worker computes all rows for itself, as the LINEAR of the same
 * phase would have to wait otherwise; one writes them to memory.
 */
void chip_exec_norm(struct chip_worker *w, const struct chip_op *op, bool own)
{
	const struct ctrans_insn_norm *n = &op->insn.norm;
	struct chip_job *job = chip_worker_job(w);
	const float *gain, *bias = NULL;
	uint32_t lo = 0, hi = job->n_rows;
	float *scratch = (float *)w->w;	/* 16 floats for each of width */

	gain = chip_gather(job, &op->o[CHIP_WEIGHT], 0, 4ull * n->n, scratch);
	if (n->bias_va)
		bias = chip_gather(job, &op->o[CHIP_BIAS], 0, 4ull * n->n,
				   scratch + n->n);
	while (own || chip_claim(w, job->n_rows, 1, &lo, &hi)) {
		for (uint32_t r = lo; r < hi; r++) {
			float *y = own ? w->norm + (size_t)r * w->room_width : w->y;

			norm_row(w, op, r, gain, bias, y);
			if (!own || w->first)
				chip_scatter(job, &op->o[CHIP_OUT],
					     (uint64_t)r * n->out_stride,
					     4ull * n->n, y);
			if (chip_unit_done(w))
				return;
		}
		if (own)
			break;
	}
	if (!w->first)
		return;

	memset(job->stat, 0, job->n_rows * sizeof(*job->stat));
	/* square, scale, gain and bias; the mean and what is off it */
	for (uint32_t r = 0; r < job->n_rows; r++)
		job->stat[r].ops_vector = (n->kind == CTRANS_NORM_RMS ? 5ull : 7ull) *
					  n->n;
	chip_charge_op(w, op, job->n_rows,
		       &(struct chip_shared){
			.bytes_external = (n->bias_va ? 8ull : 4ull) * n->n });
}
