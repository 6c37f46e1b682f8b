// SPDX-License-Identifier: MIT
/*
 * ATTENTION: a worker owns heads. It writes their keys and values for all rows,
 * then attends for all rows, so no worker waits for another inside.
 */
#include "chip/internal.h"

#include <string.h>

#define BLOCK	CTRANS_KV_POSITIONS

struct attention {
	struct chip_worker *w;
	const struct chip_job *job;
	const struct chip_kernel *k;
	const struct chip_op *op;
	const struct ctrans_insn_attention *a;
	uint32_t size;		/* bytes of a cached element */
	uint64_t tile;		/* bytes of a head's keys, or values, in a block */
	float scale;
};

static uint64_t head_offset(const struct attention *c, uint32_t head)
{
	return c->a->layer_offset + 2 * c->tile * head;
}

static const float *head_row(const struct attention *c, enum chip_operand_slot slot,
			     uint32_t r, uint32_t stride, uint32_t head, float *scratch)
{
	uint32_t d = c->a->head_dim;

	return chip_gather(c->job, &c->op->o[slot],
			   (uint64_t)r * stride + 4ull * head * d, 4ull * d, scratch);
}

static void store(const struct attention *c, uint32_t r, uint32_t head)
{
	const struct ctrans_row *row = &c->job->rows[r];
	const struct chip_seq *seq = &c->job->seqs[c->job->row_seq[r]];
	const struct chip_operand *block = &seq->blocks[row->position / BLOCK];
	uint32_t d = c->a->head_dim, p = row->position % BLOCK, size = c->size;
	const float *k = head_row(c, CHIP_WEIGHT, r, c->a->kv_stride, head, c->w->x);
	const float *v = head_row(c, CHIP_SCALE, r, c->a->kv_stride, head, c->w->y);
	uint64_t base = head_offset(c, head), avail;
	uint64_t key = base + ((uint64_t)(p / 16) * d * 16 + p % 16) * size;
	uint64_t value = base + c->tile + (uint64_t)p * d * size;
	uint16_t half[2][CTRANS_HEAD_DIM_MAX];
	const void *ks = k, *vs = v;
	uint8_t *dst;

	if (size == 2) {
		c->k->to_f16(k, d, half[0]);
		c->k->to_f16(v, d, half[1]);
		ks = half[0];
		vs = half[1];
	}
	chip_scatter(c->job, block, value, (uint64_t)d * size, vs);

	dst = chip_at(c->job, block, key, &avail);
	if (avail >= c->tile / 4 && size == 2) {
		for (uint32_t i = 0; i < d; i++)
			memcpy(dst + 32 * i, (const uint16_t *)ks + i, 2);
		return;
	}
	for (uint32_t i = 0; i < d; i++)
		chip_scatter(c->job, block, key + 16ull * i * size, size,
			     (const uint8_t *)ks + i * size);
}

static void attend(const struct attention *c, uint32_t r, uint32_t head)
{
	const struct ctrans_row *row = &c->job->rows[r];
	const struct chip_seq *seq = &c->job->seqs[c->job->row_seq[r]];
	uint32_t d = c->a->head_dim, n = row->position + 1;
	const float *q = head_row(c, CHIP_IN, r, c->a->q_stride, head, c->w->x);
	uint64_t base = head_offset(c, head);
	float *s = c->w->scores, *o = c->w->y, m, z = 0.0f;

	for (uint32_t b = 0; b * BLOCK < n; b++) {
		uint32_t here = n - b * BLOCK < BLOCK ? n - b * BLOCK : BLOCK;
		const void *keys = chip_gather(c->job, &seq->blocks[b], base, c->tile,
					       c->w->kv);

		c->k->scores(q, keys, d, here, c->scale, c->a->kv_type, s + b * BLOCK);
	}
	m = c->k->max(s, n);
	memset(o, 0, d * sizeof(*o));
	for (uint32_t b = 0; b * BLOCK < n; b++) {
		uint32_t here = n - b * BLOCK < BLOCK ? n - b * BLOCK : BLOCK;
		const void *values = chip_gather(c->job, &seq->blocks[b],
						 base + c->tile, c->tile, c->w->kv);

		z += c->k->exp_block(s + b * BLOCK, here, m);
		c->k->weigh(s + b * BLOCK, values, d, here, c->a->kv_type, o);
	}
	c->k->divide(o, d, z);
	chip_scatter(c->job, &c->op->o[CHIP_OUT],
		     (uint64_t)r * c->a->out_stride + 4ull * head * d, 4ull * d, o);
}

/* Rows from @r on that share a fetch of keys and values: one sequence's. */
static uint32_t sharing(const struct attention *c, uint32_t r)
{
	const struct chip_job *job = c->job;
	uint32_t n = 1;

	while (r + n < job->n_rows && n < c->w->chip->costs.reuse &&
	       job->row_seq[r + n] == job->row_seq[r])
		n++;
	return n;
}

static void charge(const struct attention *c)
{
	struct chip_job *job = chip_worker_job(c->w);
	uint64_t width = (uint64_t)c->a->n_head * c->a->head_dim;
	uint32_t group = 0, left = 0;
	uint64_t fetched = 0;

	memset(job->stat, 0, job->n_rows * sizeof(*job->stat));
	for (uint32_t r = 0; r < job->n_rows; r++) {
		struct ctrans_stat *st = &job->stat[r];
		uint64_t n = job->rows[r].position + 1ull;

		if (!left) {
			left = group = sharing(c, r);
			fetched = 2 * width * c->size *
				  (job->rows[r + group - 1].position + 1ull);
		}
		left--;
		/* scores and weights: a fused operation each; softmax: twelve */
		st->ops_vector = 2 * n * width + 12 * n * c->a->n_head;
		/* a share of the past in, its own keys and values out */
		st->bytes_external = chip_part(fetched, group, group - 1 - left) +
				     2 * width * c->size;
		st->bytes_sram = 2 * n * width * c->size;
	}
	chip_charge_op(c->w, c->op, job->n_rows, &(struct chip_shared){ 0 });
}

void chip_exec_attention(struct chip_worker *w, const struct chip_op *op)
{
	const struct ctrans_insn_attention *a = &op->insn.attention;
	struct chip_job *job = chip_worker_job(w);
	struct attention c = {
		.w = w, .job = job, .k = w->chip->kernel, .op = op, .a = a,
		.size = CTRANS_KV_ELEMENT(a->kv_type),
	};
	uint32_t lo, hi;

	memcpy(&c.scale, &a->scale_f32, 4);
	c.tile = CTRANS_KV_TILE(a->kv_type, a->head_dim);
	chip_share(w, a->n_head, &lo, &hi);
	for (uint32_t h = lo; h < hi; h++) {
		for (uint32_t r = 0; r < job->n_rows; r++)
			store(&c, r, h);
		for (uint32_t r = 0; r < job->n_rows; r++) {
			attend(&c, r, h);
			if (chip_unit_done(w))
				return;
		}
	}
	if (!w->index)
		charge(&c);
}
