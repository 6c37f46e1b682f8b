// SPDX-License-Identifier: MIT
/*
 * ATTENTION: a worker claims heads. It writes their keys and values for all rows,
 * then attends for all rows, so no worker waits for another inside. Rows of one
 * sequence attend together, and rows of any that have one source.
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
	const float *bias;	/* of the head, or NULL */
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

/* Keys and values that a row attends to, and how many of them. */
static const struct chip_seq *attended(const struct attention *c, uint32_t r)
{
	const struct chip_job *job = c->job;

	return c->a->attend == CTRANS_ATTEND_SOURCE ?
	       &job->sources[job->row_source[r]] : &job->seqs[job->row_seq[r]];
}

static uint32_t end_of(const struct attention *c, uint32_t r)
{
	return c->a->attend == CTRANS_ATTEND_CAUSAL ? c->job->rows[r].position + 1 :
						      attended(c, r)->end;
}

static void add_one(float *s, uint32_t n, float b)
{
	for (uint32_t i = 0; i < n; i++)
		s[i] += b;
}

static void add_each(float *restrict s, uint32_t n, const float *restrict b)
{
	for (uint32_t i = 0; i < n; i++)
		s[i] += b[i];
}

/*
 * To @n scores of a row at position @p: positions nearer than the span have a
 * value each, side by side; those beyond it, before and behind, the outermost.
 */
static void add_bias(const struct attention *c, float *s, uint32_t n, uint32_t p)
{
	uint32_t span = c->a->bias_span, lo, hi;

	if (!c->bias)
		return;
	lo = p > span ? p - span : 0;
	lo = lo < n ? lo : n;
	hi = p + span + 1 < n ? p + span + 1 : n;
	add_one(s, lo, c->bias[0]);
	if (lo < hi)
		add_each(s + lo, hi - lo, c->bias + (lo + span - p));
	add_one(s + hi, n - hi, c->bias[2 * span]);
}

static void attend(const struct attention *c, uint32_t r, uint32_t head)
{
	const struct chip_seq *seq = attended(c, r);
	uint32_t d = c->a->head_dim, n = end_of(c, r);
	const float *q = head_row(c, CHIP_IN, r, c->a->q_stride, head, c->w->x);
	uint64_t base = head_offset(c, head);
	float *s = c->w->scores, *o = c->w->y, m, z = 0.0f;

	for (uint32_t b = 0; b * BLOCK < n; b++) {
		uint32_t here = n - b * BLOCK < BLOCK ? n - b * BLOCK : BLOCK;
		const void *keys = chip_gather(c->job, &seq->blocks[b], base, c->tile,
					       c->w->kv);

		c->k->scores(q, keys, d, here, c->scale, c->a->kv_type, s + b * BLOCK);
	}
	add_bias(c, s, n, c->job->rows[r].position);
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

/* Rows [first, first + n) that attend together; each but knows its @end. */
struct group {
	uint32_t first, n;
	const struct chip_seq *seq;
	uint32_t end[CHIP_ATTENTION_ROWS];
	float m[CHIP_ATTENTION_ROWS], z[CHIP_ATTENTION_ROWS];
	size_t width, stride;	/* of a row's query and output, of its scores */
};

static void score_rows(const struct attention *c, const struct group *g, uint32_t head,
		       struct chip_attend *a)
{
	struct chip_attention_scratch *t = &c->w->attention;
	uint32_t end = g->end[g->n - 1], begun = 0;

	for (uint32_t b = 0; b * BLOCK < end; b++) {
		/* rows before the block have no business in it */
		while (g->end[begun] <= b * BLOCK)
			begun++;
		a->tile = chip_gather(c->job, &g->seq->blocks[b], head_offset(c, head),
				      c->tile, c->w->kv);
		a->n = end - b * BLOCK < BLOCK ? end - b * BLOCK : BLOCK;
		a->n_rows = g->n - begun;
		a->in = t->q + begun * g->width;
		a->in_stride = g->width;
		a->out = t->scores + begun * g->stride + b * BLOCK;
		a->out_stride = g->stride;
		c->k->scores_rows(a, c->scale);
	}
}

/* Block @b's values for the rows from @r on that have as much of it as row @r. */
static uint32_t weigh_alike(const struct attention *c, struct group *g, uint32_t b,
			    uint32_t r, struct chip_attend *a)
{
	struct chip_attention_scratch *t = &c->w->attention;
	float *e = t->scores + r * g->stride + b * BLOCK, *o = t->o + r * g->width;
	uint32_t n = 0;

	a->n = g->end[r] - b * BLOCK < BLOCK ? g->end[r] - b * BLOCK : BLOCK;
	/* those after it end no earlier */
	for (; r + n < g->n && (a->n == BLOCK || g->end[r + n] == g->end[r]); n++)
		g->z[r + n] += c->k->exp_block(e + n * g->stride, a->n, g->m[r + n]);
	if (n == 1 && a->n < BLOCK) {
		c->k->weigh(e, a->tile, a->head_dim, a->n, a->kv_type, o);
		return n;
	}
	a->n_rows = n;
	a->in = e;
	a->in_stride = g->stride;
	a->out = o;
	a->out_stride = g->width;
	c->k->weigh_rows(a);
	return n;
}

/*
 * Rows with the same keys and values, none of which ends before one that precedes
 * it, against each block while it is in the cache. What a row computes is what
 * attend() computes, in the same order; scores of positions beyond a row's own are
 * made and never looked at.
 */
static void attend_rows(const struct attention *c, uint32_t first, uint32_t n_rows,
			uint32_t head)
{
	const struct ctrans_row *row = &c->job->rows[first];
	uint32_t d = c->a->head_dim, begun = 0;
	struct chip_attention_scratch *t = &c->w->attention;
	struct group g = {
		.first = first, .n = n_rows, .seq = attended(c, first),
		.width = chip_round_up(d, 16),
		.stride = chip_round_up(end_of(c, first + n_rows - 1), BLOCK),
	};
	struct chip_attend a = {
		.head_dim = d, .kv_type = c->a->kv_type, .expanded = t->expanded,
	};

	for (uint32_t r = 0; r < n_rows; r++) {
		const float *q = head_row(c, CHIP_IN, first + r, c->a->q_stride, head,
					  c->w->x);

		memcpy(t->q + r * g.width, q, d * sizeof(*q));
		g.end[r] = end_of(c, first + r);
	}
	score_rows(c, &g, head, &a);
	for (uint32_t r = 0; r < n_rows; r++) {
		float *s = t->scores + r * g.stride;

		add_bias(c, s, g.end[r], row[r].position);
		g.m[r] = c->k->max(s, g.end[r]);
	}
	memset(t->o, 0, n_rows * g.width * sizeof(*t->o));
	for (uint32_t b = 0; b * BLOCK < g.end[n_rows - 1]; b++) {
		a.tile = chip_gather(c->job, &g.seq->blocks[b],
				     head_offset(c, head) + c->tile, c->tile, c->w->kv);
		while (g.end[begun] <= b * BLOCK)
			begun++;
		for (uint32_t r = begun; r < n_rows;)
			r += weigh_alike(c, &g, b, r, &a);
	}
	for (uint32_t r = 0; r < n_rows; r++) {
		c->k->divide(t->o + r * g.width, d, g.z[r]);
		chip_scatter(c->job, &c->op->o[CHIP_OUT],
			     (uint64_t)(first + r) * c->a->out_stride +
			     4ull * head * d, 4ull * d, t->o + r * g.width);
	}
}

/* Rows from @r on that attend together: to the same, ascending, as room is for. */
static uint32_t together(const struct attention *c, uint32_t r)
{
	uint32_t n = 1;

	while (r + n < c->job->n_rows && n < c->w->attention.rows &&
	       attended(c, r + n) == attended(c, r) &&
	       end_of(c, r + n) >= end_of(c, r + n - 1))
		n++;
	return n;
}

/* Rows from @r on that share a fetch of keys and values: one sequence's or source's. */
static uint32_t sharing(const struct attention *c, uint32_t r)
{
	uint32_t n = 1;

	while (r + n < c->job->n_rows && n < c->w->chip->costs.reuse &&
	       attended(c, r + n) == attended(c, r))
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
	bool writes = c->a->attend != CTRANS_ATTEND_SOURCE;
	bool reads = c->a->attend != CTRANS_ATTEND_STORE;
	struct chip_shared shared = { 0 };
	uint32_t group = 0, left = 0;
	uint64_t fetched = 0;

	memset(job->stat, 0, job->n_rows * sizeof(*job->stat));
	for (uint32_t r = 0; r < job->n_rows; r++) {
		struct ctrans_stat *st = &job->stat[r];
		uint64_t n = reads ? end_of(c, r) : 0;

		if (!left) {
			left = group = sharing(c, r);
			fetched = reads ? bytes * end_of(c, r + group - 1) : 0;
		}
		left--;
		/* scores and weights: a fused operation each; softmax: twelve */
		st->ops_vector = 2 * n * width +
				 ((s8 ? 14 : 12) + (c->a->bias_va ? 1 : 0)) * n *
				 c->a->n_head;
		/* to S8: largest, scale, round and clamp */
		if (s8 && writes)
			st->ops_vector += 8 * width;
		/* a share of the past in, its own keys and values out */
		st->bytes_external = chip_part(fetched, group, group - 1 - left) +
				     (writes ? bytes : 0);
		st->bytes_sram = n * bytes;
	}
	if (c->a->bias_va)
		shared.bytes_external = 4ull * (2 * c->a->bias_span + 1) *
					c->a->n_head;
	chip_charge_op(c->w, c->op, job->n_rows, &shared);
}

#define STORES_AT_ONCE	512u	/* in a unit of work */

/* True: stop. */
static bool store_rows(const struct attention *c, uint32_t head)
{
	for (uint32_t r = 0; r < c->job->n_rows; r++) {
		store(c, r, head);
		if ((r + 1) % STORES_AT_ONCE == 0 && chip_unit_done(c->w))
			return true;
	}
	return false;
}

/* True: stop. */
static bool run_head(struct attention *c, uint32_t head)
{
	if (c->a->attend != CTRANS_ATTEND_SOURCE && store_rows(c, head))
		return true;
	if (c->a->attend == CTRANS_ATTEND_STORE)
		return chip_unit_done(c->w);
	if (c->a->bias_va)
		c->bias = chip_gather(c->job, &c->op->o[CHIP_BIAS],
				      head * chip_bias_stride(c->a),
				      4ull * (2 * c->a->bias_span + 1), c->w->bias);
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
