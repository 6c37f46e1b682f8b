// SPDX-License-Identifier: MIT
/*
 * ATTENTION: a worker claims heads. It writes their keys and values for all rows,
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

/* Elements of one key, sixteen apart: their position's place in each granule. */
static void put_key(const struct attention *c, const struct chip_operand *block,
		    uint64_t at, const void *key)
{
	uint32_t d = c->a->head_dim, size = c->size;
	uint64_t avail;
	uint8_t *dst = chip_at(c->job, block, at, &avail);

	if (avail < 16ull * d * size) {
		for (uint32_t i = 0; i < d; i++)
			chip_scatter(c->job, block, at + 16ull * i * size, size,
				     (const uint8_t *)key + i * size);
	} else if (size == 2) {
		for (uint32_t i = 0; i < d; i++)
			memcpy(dst + 32 * i, (const uint16_t *)key + i, 2);
	} else if (size == 1) {
		for (uint32_t i = 0; i < d; i++)
			dst[16 * i] = ((const uint8_t *)key)[i];
	} else {
		for (uint32_t i = 0; i < d; i++)
			memcpy(dst + 64 * i, (const float *)key + i, 4);
	}
}

/* As the cache holds it, in @room; its scale goes where there is one. */
static const void *encode(const struct attention *c, const struct chip_operand *block,
			  uint64_t scale_at, const float *x, void *room)
{
	float scale;

	if (c->a->kv_type == CTRANS_KV_F32)
		return x;
	if (c->a->kv_type == CTRANS_KV_F16) {
		c->k->to_f16(x, c->a->head_dim, room);
		return room;
	}
	scale = c->k->to_s8(x, c->a->head_dim, room);
	chip_scatter(c->job, block, scale_at, sizeof(scale), &scale);
	return room;
}

static void store(const struct attention *c, uint32_t r, uint32_t head)
{
	const struct ctrans_row *row = &c->job->rows[r];
	const struct chip_seq *seq = &c->job->seqs[c->job->row_seq[r]];
	const struct chip_operand *block = &seq->blocks[row->position / BLOCK];
	uint32_t d = c->a->head_dim, p = row->position % BLOCK, size = c->size;
	const float *k = head_row(c, CHIP_WEIGHT, r, c->a->kv_stride, head, c->w->x);
	const float *v = head_row(c, CHIP_SCALE, r, c->a->kv_stride, head, c->w->y);
	uint64_t keys = head_offset(c, head), values = keys + c->tile;
	uint32_t scales = CTRANS_KV_SCALES(c->a->kv_type);
	uint16_t room[CTRANS_HEAD_DIM_MAX];

	put_key(c, block, keys + scales + ((uint64_t)(p / 16) * d * 16 + p % 16) * size,
		encode(c, block, keys + 4 * p, k, room));
	chip_scatter(c->job, block, values + scales + (uint64_t)p * d * size,
		     (uint64_t)d * size, encode(c, block, values + 4 * p, v, room));
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

/*
 * Rows of one sequence, in ascending positions, against each block while it is in
 * the cache. What a row computes is what attend() computes, in the same order;
 * scores of positions beyond a row's own are made and never looked at.
 */
static void attend_rows(const struct attention *c, uint32_t first, uint32_t n_rows,
			uint32_t head)
{
	const struct ctrans_row *row = &c->job->rows[first];
	const struct chip_seq *seq = &c->job->seqs[c->job->row_seq[first]];
	uint32_t d = c->a->head_dim, end = row[n_rows - 1].position + 1, begun = 0;
	struct chip_attention_scratch *t = &c->w->attention;
	size_t width = chip_round_up(d, 16), stride = chip_round_up(end, BLOCK);
	uint64_t base = head_offset(c, head);
	struct chip_attend a = {
		.head_dim = d, .kv_type = c->a->kv_type, .expanded = t->expanded,
	};
	float m[CHIP_ATTENTION_ROWS], z[CHIP_ATTENTION_ROWS] = { 0 };

	for (uint32_t r = 0; r < n_rows; r++) {
		const float *q = head_row(c, CHIP_IN, first + r, c->a->q_stride, head,
					  c->w->x);

		memcpy(t->q + r * width, q, d * sizeof(*q));
	}
	for (uint32_t b = 0; b * BLOCK < end; b++) {
		/* rows before the block have no business in it */
		while (row[begun].position < b * BLOCK)
			begun++;
		a.tile = chip_gather(c->job, &seq->blocks[b], base, c->tile, c->w->kv);
		a.n = end - b * BLOCK < BLOCK ? end - b * BLOCK : BLOCK;
		a.n_rows = n_rows - begun;
		a.in = t->q + begun * width;
		a.in_stride = width;
		a.out = t->scores + begun * stride + b * BLOCK;
		a.out_stride = stride;
		c->k->scores_rows(&a, c->scale);
	}
	for (uint32_t r = 0; r < n_rows; r++)
		m[r] = c->k->max(t->scores + r * stride, row[r].position + 1);
	memset(t->o, 0, n_rows * width * sizeof(*t->o));
	begun = 0;
	for (uint32_t b = 0; b * BLOCK < end; b++) {
		const uint32_t at = b * BLOCK;
		uint32_t full;

		a.tile = chip_gather(c->job, &seq->blocks[b], base + c->tile, c->tile,
				     c->w->kv);
		while (row[begun].position < at)
			begun++;
		/* those that end in it, each elsewhere */
		for (full = begun; full < n_rows && row[full].position < at + BLOCK - 1;
		     full++) {
			uint32_t here = row[full].position - at + 1;
			float *e = t->scores + full * stride + at;

			z[full] += c->k->exp_block(e, here, m[full]);
			c->k->weigh(e, a.tile, d, here, a.kv_type, t->o + full * width);
		}
		for (uint32_t r = full; r < n_rows; r++)
			z[r] += c->k->exp_block(t->scores + r * stride + at, BLOCK, m[r]);
		if (full == n_rows)
			continue;
		a.n = BLOCK;
		a.n_rows = n_rows - full;
		a.in = t->scores + full * stride + at;
		a.in_stride = stride;
		a.out = t->o + full * width;
		a.out_stride = width;
		c->k->weigh_rows(&a);
	}
	for (uint32_t r = 0; r < n_rows; r++) {
		c->k->divide(t->o + r * width, d, z[r]);
		chip_scatter(c->job, &c->op->o[CHIP_OUT],
			     (uint64_t)(first + r) * c->a->out_stride +
			     4ull * head * d, 4ull * d, t->o + r * width);
	}
}

/* Rows from @r on that attend together: a sequence's, ascending, as room is for. */
static uint32_t together(const struct attention *c, uint32_t r)
{
	const struct chip_job *job = c->job;
	uint32_t n = 1;

	while (r + n < job->n_rows && n < c->w->attention.rows &&
	       job->row_seq[r + n] == job->row_seq[r] &&
	       job->rows[r + n].position > job->rows[r + n - 1].position)
		n++;
	return n;
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
	/* keys and values of a position; scales are a vector operation each */
	uint64_t bytes = 2 * c->tile / BLOCK * c->a->n_head;
	bool s8 = c->a->kv_type == CTRANS_KV_S8;
	uint32_t group = 0, left = 0;
	uint64_t fetched = 0;

	memset(job->stat, 0, job->n_rows * sizeof(*job->stat));
	for (uint32_t r = 0; r < job->n_rows; r++) {
		struct ctrans_stat *st = &job->stat[r];
		uint64_t n = job->rows[r].position + 1ull;

		if (!left) {
			left = group = sharing(c, r);
			fetched = bytes * (job->rows[r + group - 1].position + 1ull);
		}
		left--;
		/* scores and weights: a fused operation each; softmax: twelve */
		st->ops_vector = 2 * n * width +
				 (s8 ? 14 : 12) * n * c->a->n_head;
		/* to S8: largest, scale, round and clamp */
		if (s8)
			st->ops_vector += 8 * width;
		/* a share of the past in, its own keys and values out */
		st->bytes_external = chip_part(fetched, group, group - 1 - left) +
				     bytes;
		st->bytes_sram = n * bytes;
	}
	chip_charge_op(c->w, c->op, job->n_rows, &(struct chip_shared){ 0 });
}

/* True: stop. */
static bool run_head(const struct attention *c, uint32_t head)
{
	for (uint32_t r = 0; r < c->job->n_rows; r++)
		store(c, r, head);
	for (uint32_t r = 0, n; r < c->job->n_rows; r += n) {
		n = together(c, r);
		if (n == 1)
			attend(c, r, head);
		else
			attend_rows(c, r, n, head);
		if (chip_unit_done(c->w))
			return true;
	}
	return false;
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
	if (w->first)
		charge(&c);
	while (chip_claim(w, a->n_head, 1, &lo, &hi)) {
		for (uint32_t h = lo; h < hi; h++)
			if (run_head(&c, h))
				return;
	}
}
