// SPDX-License-Identifier: MIT
/*
 * LINEAR and LOGITS: quantise the rows, then stream the weights once, a few
 * tiles at a time, each used for all rows while it is in the cache.
 */
#include "chip/internal.h"

#include "chip/kernel_ref.h"

#include <math.h>
#include <string.h>

#define TILES	CHIP_TILES_AT_ONCE
#define ROWS	CHIP_ROWS_AT_ONCE

/* A linear's operands and the rows it is for. */
struct linear {
	struct chip_worker *w;
	const struct chip_job *job;
	const struct chip_kernel *k;
	const struct chip_op *op;
	const struct ctrans_insn_linear *l;
	const uint32_t *which;	/* rows, or NULL: all */
	uint32_t n_rows;
	bool own;		/* the worker prepares all rows for itself */
	struct chip_esc_shape esc;
	struct chip_dispatch dispatch;
};

static uint32_t row_of(const struct linear *c, uint32_t i)
{
	return c->which ? c->which[i] : i;
}

static const float *input(const struct linear *c, uint32_t i)
{
	uint32_t r = row_of(c, i);

	if (c->own && c->op->from_norm)
		return c->w->norm + (size_t)r * c->w->room_width;
	return chip_gather(c->job, &c->op->o[CHIP_IN],
			   (uint64_t)r * c->l->in_stride, 4ull * c->l->n_in, c->w->x);
}

static struct chip_qrow *qrow(const struct linear *c, uint32_t i)
{
	return c->own ? &c->w->q[i] : &c->job->qrows[i];
}

static float threshold(const struct linear *c, const float *x)
{
	float theta;

	memcpy(&theta, &c->l->theta_f32, 4);
	if (c->l->theta_mode == CTRANS_THETA_DYNAMIC)
		theta *= sqrtf(c->k->sumsq(x, c->l->n_in) / (float)c->l->n_in);
	return theta >= 0x1p-100f && theta <= 0x1.fffffep127f ? theta : 1.0f;
}

static void prepare(const struct linear *c, uint32_t i)
{
	struct chip_qrow *q = qrow(c, i);
	const float *x = input(c, i);
	uint32_t n = c->l->n_in, pad = chip_round_up(n, 64);

	q->theta = threshold(c, x);
	q->n = n;
	memset(q->a + n, 0, (pad - n) * sizeof(*q->a));
	memset(q->u8 + n, 128, pad - n);
	c->k->quantise(x, n, q);
	/* with private rows the same counts would come from every worker */
	if (c->own && !c->w->first)
		return;
	if (c->w->chip->reference) {
		chip_count_row_reference(q->a, n, &c->dispatch,
					 &c->job->counts[i]);
		c->job->counts[i].clamped = q->n_clamped;
	} else {
		chip_count_row(c->k, q, &c->dispatch, &c->job->counts[i]);
	}
}

/* True: stop. */
static bool prepare_rows(const struct linear *c, uint32_t lo, uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++) {
		prepare(c, i);
		if (chip_unit_done(c->w))
			return true;
	}
	return false;
}

/* ---- Sums ------------------------------------------------------------- */

/* Weights of tiles [t, t + n) where they lie contiguously, else NULL. */
static const uint8_t *tiles_at(const struct linear *c, uint32_t t, uint32_t n,
			       uint64_t tile_bytes)
{
	uint64_t avail;
	const uint8_t *p = chip_at(c->job, &c->op->o[CHIP_WEIGHT], t * tile_bytes,
				   &avail);

	return avail >= n * tile_bytes ? p : NULL;
}

/* One tile from scattered pages, span by span. */
static void scattered_tile(const struct linear *c, struct chip_sums *s,
			   uint32_t t, uint32_t quads)
{
	uint64_t avail, base = (uint64_t)t * quads * CTRANS_GRANULE;

	s->n_tiles = 1;
	for (uint32_t k = 0; k < quads;) {
		uint64_t here;

		s->w = (const int8_t *)chip_at(c->job, &c->op->o[CHIP_WEIGHT],
					       base + (uint64_t)k * CTRANS_GRANULE,
					       &avail);
		here = avail / CTRANS_GRANULE;
		if (here > quads - k)
			here = quads - k;
		if (here > CHIP_K_SPAN / 4)
			here = CHIP_K_SPAN / 4;
		s->k0 = 4 * k;
		s->k1 = 4 * (k + (uint32_t)here);
		c->k->sums(s);
		k += (uint32_t)here;
	}
}

/* What some tiles need beside weights, in place or gathered. */
struct tile_consts {
	const float *scale, *bias;	/* bias: or NULL */
	const int32_t *colsum;
	const uint32_t *norm;		/* for BOUND */
	float room[4][TILES * 16];
};

static void load_consts(const struct linear *c, uint32_t t, uint32_t n_tiles,
			struct tile_consts *tc)
{
	uint64_t off = 64ull * t, len = 64ull * n_tiles;
	const struct chip_operand *o = c->op->o;

	tc->scale = chip_gather(c->job, &o[CHIP_SCALE], off, len, tc->room[0]);
	tc->colsum = chip_gather(c->job, &o[CHIP_COLSUM], off, len, tc->room[1]);
	tc->bias = c->l->bias_va ?
		chip_gather(c->job, &o[CHIP_BIAS], off, len, tc->room[2]) : NULL;
	tc->norm = c->l->speculation == CTRANS_SPEC_BOUND ?
		chip_gather(c->job, &o[CHIP_TOPK], off, len, tc->room[3]) : NULL;
}

/* Ask for those of tile t: a few lines here and there, which no CPU foresees. */
static void fetch_consts(const struct linear *c, uint32_t t)
{
	static const uint8_t slots[] = { CHIP_SCALE, CHIP_COLSUM, CHIP_BIAS };

	for (uint32_t i = 0; i < (c->l->bias_va ? 3u : 2u); i++) {
		uint64_t avail;
		const uint8_t *p = chip_at(c->job, &c->op->o[slots[i]], 64ull * t,
					   &avail);

		for (uint32_t j = 0; j < TILES && 64 * j < avail; j++)
			__builtin_prefetch(p + 64 * j);
	}
}

/* Some rows and tiles, their outputs counted from 16 * t. */
struct block {
	uint32_t row0, n_rows, t, n_tiles;
	const uint8_t *w;	/* NULL: scattered, or compressed: */
	const struct chip_esc *esc;
	uint64_t tile_stride;
	const struct tile_consts *tc;
	const char *ahead;	/* as in struct chip_tiles */
	size_t ahead_step;
};

static enum chip_put put_of(const struct linear *c)
{
	return c->l->flags & CTRANS_LINEAR_ADD ? CHIP_PUT_ADD :
	       c->l->flags & CTRANS_LINEAR_MUL ? CHIP_PUT_MUL : CHIP_PUT_SET;
}

static uint32_t outputs(const struct linear *c, uint32_t t, uint32_t n_tiles)
{
	uint32_t left = c->l->n_out - 16 * t;

	return left < 16 * n_tiles ? left : 16 * n_tiles;
}

static float *output(const struct linear *c, uint32_t row, uint32_t t,
		     uint64_t *avail)
{
	/* LOGITS rows are packed; others keep their place */
	return (float *)chip_at(c->job, &c->op->o[CHIP_OUT],
				(uint64_t)row * c->l->out_stride + 64ull * t, avail);
}

/* Rows whose sums are small, and outputs that are contiguous? */
static bool all_small(const struct linear *c, const struct block *b,
		      const struct chip_qrow **rows, float **out)
{
	uint32_t n = outputs(c, b->t, b->n_tiles);

	for (uint32_t i = 0; i < b->n_rows; i++) {
		uint64_t avail;

		rows[i] = qrow(c, b->row0 + i);
		out[i] = output(c, b->row0 + i, b->t, &avail);
		if (!chip_fits32(rows[i]) || avail < 4ull * n)
			return false;
	}
	return true;
}

/* Sums and epilogue at once, if everything is small and contiguous. */
static bool run_together(const struct linear *c, const struct block *b)
{
	const struct chip_qrow *rows[ROWS];
	float *out[ROWS];
	struct chip_tiles tiles = {
		.rows = rows, .n_rows = b->n_rows,
		.n_in = chip_round_up(c->l->n_in, 4),
		.n = outputs(c, b->t, b->n_tiles),
		.w = (const int8_t *)b->w,
		.tile_stride = b->tile_stride,
		.colsum = b->tc->colsum, .scale = b->tc->scale,
		.bias = b->tc->bias, .act = c->l->act,
		.put = put_of(c), .out = out,
		.ahead = b->ahead, .ahead_step = b->ahead_step,
	};

	if (!c->k->linear || !(b->w || b->esc) || !all_small(c, b, rows, out))
		return false;
	if (b->esc) {
		tiles.n_in = chip_round_up(c->l->n_in, 64);
		if (!c->k->linear_esc(&tiles, b->esc))
			chip_bad_weight(c->w, c->op);
	} else {
		c->k->linear(&tiles);
	}
	return true;
}

static void finish(const struct linear *c, const struct block *b,
		   const int64_t (*acc)[TILES * 16])
{
	for (uint32_t i = 0; i < b->n_rows; i++) {
		for (uint32_t j = 0; j < b->n_tiles; j++) {
			uint64_t avail;
			struct chip_epilogue e = {
				.s = acc[i] + 16 * j,
				.colsum = b->tc->colsum + 16 * j,
				.scale = b->tc->scale + 16 * j,
				.bias = b->tc->bias ? b->tc->bias + 16 * j : NULL,
				.theta = qrow(c, b->row0 + i)->theta,
				.act = c->l->act,
				.put = put_of(c),
				.n = outputs(c, b->t + j, 1),
				.out = output(c, b->row0 + i, b->t + j, &avail),
			};

			c->k->epilogue(&e);
		}
	}
}

/* Sums of any size from weights anywhere, then the epilogue. */
static void run_apart(const struct linear *c, const struct block *b)
{
	uint32_t quads = chip_round_up(c->l->n_in, 4) / 4;
	int64_t acc[ROWS][TILES * 16];
	const struct chip_qrow *rows[ROWS];
	struct chip_sums s = {
		.rows = rows, .n_rows = b->n_rows, .n_tiles = b->n_tiles,
		.tile_stride = b->tile_stride, .acc = acc,
		.dispatch = &c->dispatch,
		.counts = c->w->chip->reference ? c->w->executed + b->row0 : NULL,
	};

	for (uint32_t i = 0; i < b->n_rows; i++)
		rows[i] = qrow(c, b->row0 + i);
	memset(acc, 0, b->n_rows * sizeof(acc[0]));
	for (s.k0 = 0; b->w && s.k0 < 4 * quads; s.k0 = s.k1) {
		s.k1 = 4 * quads - s.k0 > CHIP_K_SPAN ?
		       s.k0 + CHIP_K_SPAN : 4 * quads;
		s.w = (const int8_t *)b->w + 16ull * s.k0;
		c->k->sums(&s);
	}
	for (uint32_t j = 0; !b->w && j < b->n_tiles; j++) {
		s.acc = (void *)&acc[0][16 * j];
		scattered_tile(c, &s, b->t + j, quads);
	}
	finish(c, b, acc);
}

/* ---- Speculation -------------------------------------------------------- */

static const struct chip_parts *parts_of(const struct linear *c, uint32_t i)
{
	struct chip_worker *w = c->w;

	if (w->parts_row != i + 1 || w->parts_phase != w->phase) {
		chip_parts_make(qrow(c, i), &c->dispatch, w->parts_room, &w->parts);
		w->parts_row = i + 1;
		w->parts_phase = w->phase;
	}
	return &w->parts;
}

static void run_bound(const struct linear *c, const struct block *b)
{
	int64_t acc[1][TILES * 16];
	struct block one = *b;
	struct chip_bounded work = {
		.dispatch = &c->dispatch, .w = (const int8_t *)b->w,
		.tile_stride = b->tile_stride,
		.n_in = chip_round_up(c->l->n_in, 4), .n = outputs(c, b->t, b->n_tiles),
		.colsum = b->tc->colsum, .scale = b->tc->scale, .bias = b->tc->bias,
		.norm = b->tc->norm, .s = acc[0],
	};

	if (!b->w)
		work.w = chip_gather(c->job, &c->op->o[CHIP_WEIGHT], b->t * b->tile_stride,
				     b->n_tiles * b->tile_stride, c->w->w);
	for (uint32_t i = b->row0; i < b->row0 + b->n_rows; i++) {
		work.row = qrow(c, i);
		work.counts = c->w->executed + i;
		if (c->w->chip->reference)
			chip_ref_bound(&work);
		else
			chip_bound(c->k, &work, parts_of(c, i));
		one.row0 = i;
		one.n_rows = 1;
		finish(c, &one, acc);
	}
}

static void run_sample(const struct linear *c, const struct block *b)
{
	float theta;

	memcpy(&theta, &c->l->spec_theta_f32, 4);
	for (uint32_t i = b->row0; i < b->row0 + b->n_rows; i++) {
		const struct ctrans_row *row = &c->job->rows[row_of(c, i)];
		struct chip_sample s = {
			.key = chip_mix(chip_mix(c->op->insn.tag) + row->position),
			.steps = c->l->spec_steps, .theta = theta,
		};

		for (uint32_t j = 0; j < b->n_tiles; j++) {
			uint64_t avail;

			s.first = 16 * (b->t + j);
			c->k->sample(&s, outputs(c, b->t + j, 1),
				     output(c, i, b->t + j, &avail));
		}
	}
}

/*
 * Compressed: the kernel unpacks what a single block of rows uses; for several, or
 * where sums are large or pages scattered, all is unpacked first. False: malformed.
 */
static bool open_tiles(const struct linear *c, uint32_t t, uint32_t n_tiles, uint32_t *at,
		       struct chip_esc *esc, struct block *b)
{
	const struct chip_operand *o = &c->op->o[CHIP_WEIGHT];
	const struct chip_qrow *rows[ROWS];
	float *out[ROWS];
	uint64_t avail;

	if (!chip_esc_fetch(c->job, o, &c->esc, t, n_tiles, at))
		return false;
	esc->at = at;
	esc->base = chip_at(c->job, o, 0, &avail);
	b->tile_stride = (uint64_t)chip_esc_blocks(c->l->n_in) * CHIP_ESC_BLOCK;
	b->n_rows = c->n_rows;
	b->esc = esc;
	if (c->n_rows <= ROWS && c->k->linear_esc && o->n_spans == 1 &&
	    c->l->speculation != CTRANS_SPEC_BOUND &&
	    all_small(c, b, rows, out))
		return true;
	b->esc = NULL;
	b->w = c->w->w;
	return chip_esc_unpack(c->w, o, c->l->n_in, n_tiles, at, (int8_t *)c->w->w);
}

/*
 * Tiles t.. for all rows; the tiles after them, up to @end, come next. Rows go by
 * in blocks of about the same size, and each fetches its part of the next tiles'
 * weights, so that memory is as busy in the last block as in the first.
 */
static void run_tiles(const struct linear *c, uint32_t t, uint32_t n_tiles,
		      uint32_t end)
{
	const struct chip_operand *o = &c->op->o[CHIP_WEIGHT];
	uint64_t tile_bytes = 16ull * chip_round_up(c->l->n_in, 4), avail;
	uint64_t granules = n_tiles * tile_bytes / CTRANS_GRANULE, from;
	uint64_t next_bytes = n_tiles * tile_bytes, next_at = (t + n_tiles) * tile_bytes;
	uint32_t n_blocks = (c->n_rows + ROWS - 1) / ROWS;
	uint32_t at[CHIP_ESC_ENTRIES];
	const char *next = NULL;
	struct tile_consts tc;
	struct block all = {
		.t = t, .n_tiles = n_tiles, .tc = &tc, .ahead = (const char *)&tc,
		.tile_stride = tile_bytes,
	};
	struct chip_esc esc;

	if (c->l->encoding == CTRANS_ENC_S8) {
		all.w = tiles_at(c, t, n_tiles, tile_bytes);
	} else if (open_tiles(c, t, n_tiles, at, &esc, &all)) {
		/* about as much as these, and right behind them */
		uint32_t last = at[n_tiles * chip_esc_blocks(c->l->n_in)];

		next_at = (uint64_t)last * CTRANS_GRANULE;
		next_bytes = (uint64_t)(last - at[0]) * CTRANS_GRANULE;
	} else {
		chip_bad_weight(c->w, c->op);
		return;
	}
	if (t + n_tiles < end) {
		next = (const char *)chip_at(c->job, o, next_at, &avail);
		fetch_consts(c, t + n_tiles);
	}
	load_consts(c, t, n_tiles, &tc);
	for (uint32_t i = 0; i < n_blocks; i++) {
		struct block b = all;

		b.row0 = (uint32_t)((uint64_t)c->n_rows * i / n_blocks);
		b.n_rows = (uint32_t)((uint64_t)c->n_rows * (i + 1) / n_blocks) -
			   b.row0;
		b.ahead_step = (next_bytes / granules + n_blocks - 1) / n_blocks;
		from = granules * b.ahead_step * i;
		if (next && from < next_bytes)
			b.ahead = next + from;
		else
			b.ahead_step = 0;
		if (c->l->speculation == CTRANS_SPEC_BOUND)
			run_bound(c, &b);
		else if (!run_together(c, &b))
			run_apart(c, &b);
		if (c->l->speculation == CTRANS_SPEC_SAMPLE)
			run_sample(c, &b);
		if (chip_unit_done(c->w))
			return;
	}
}

/* Unquantised: the same instruction with binary32 weights. */
static void run_tile_f32(const struct linear *c, uint32_t t)
{
	uint64_t tile_bytes = (uint64_t)chip_round_up(c->l->n_in, 16) * CTRANS_GRANULE;
	const float *w = chip_gather(c->job, &c->op->o[CHIP_WEIGHT], t * tile_bytes,
				     tile_bytes, c->w->w);
	uint32_t n = c->l->n_out - 16 * t < 16 ? c->l->n_out - 16 * t : 16;
	float bias[16], s[16];
	const float *b = NULL;

	if (c->l->bias_va)
		b = chip_gather(c->job, &c->op->o[CHIP_BIAS], 64ull * t, 64, bias);
	for (uint32_t i = 0; i < c->n_rows; i++) {
		uint64_t avail;
		float *out = (float *)chip_at(c->job, &c->op->o[CHIP_OUT],
					      (uint64_t)i * c->l->out_stride + 64ull * t,
					      &avail);

		c->k->sums_f32(input(c, i), w, c->l->n_in, s);
		c->k->epilogue_f32(s, b, c->l->act, put_of(c), n, out);
		if (chip_unit_done(c->w))
			return;
	}
}

static struct linear linear_of(struct chip_worker *w, const struct chip_op *op)
{
	struct chip_job *job = chip_worker_job(w);
	const struct ctrans_insn_linear *l = &op->insn.linear;
	bool logits = op->insn.op == CTRANS_INSN_LOGITS;

	return (struct linear){
		.w = w, .job = job, .k = w->chip->kernel, .op = op, .l = l,
		.which = logits ? job->logit_rows : NULL,
		.n_rows = logits ? job->n_logits : job->n_rows,
		.own = job->n_rows <= CHIP_FEW_ROWS,
		.esc = { l->n_in, l->weight_granules, chip_esc_table(l->n_in, l->n_out) },
		.dispatch = { .spike_mask = { l->spike_mask[0], l->spike_mask[1] },
			      .code = l->code, .by = l->by,
			      .unit_low = l->unit_low,
			      .unit_high = l->unit_high,
			      .flip = l->flags & CTRANS_LINEAR_FLIP,
			      .steps = l->spec_steps },
	};
}

/* Are its rows too many for every worker to prepare them for itself? */
bool chip_linear_prepares(const struct chip_job *job, const struct chip_op *op)
{
	bool logits = op->insn.op == CTRANS_INSN_LOGITS;

	return op->insn.linear.encoding != CTRANS_ENC_F32 &&
	       job->n_rows > CHIP_FEW_ROWS && (!logits || job->n_logits);
}

void chip_exec_prepare(struct chip_worker *w, const struct chip_op *op)
{
	struct linear c = linear_of(w, op);
	uint32_t lo, hi;

	while (chip_claim(w, c.n_rows, 1, &lo, &hi))
		if (prepare_rows(&c, lo, hi))
			return;
}

void chip_exec_linear(struct chip_worker *w, const struct chip_op *op)
{
	struct linear c = linear_of(w, op);
	bool quantised = c.l->encoding != CTRANS_ENC_F32;
	uint32_t n = chip_round_up(c.l->n_out, 16) / 16, lo, hi;

	if (!c.n_rows) {	/* nothing to do, but its records are to be written */
		if (w->first)
			chip_charge_op(w, op, 0, &(struct chip_shared){ 0 });
		return;
	}
	if (quantised && c.own && prepare_rows(&c, 0, c.n_rows))
		return;
	/* before the sums, where it overlaps the others' work */
	if (w->first && !chip_linear_counts_late(w, op))
		chip_linear_charge(w, op);

	while (chip_claim(w, n, quantised ? TILES : 1, &lo, &hi)) {
		for (uint32_t t = lo; t < hi; t += quantised ? TILES : 1) {
			if (quantised)
				run_tiles(&c, t, hi - t < TILES ? hi - t : TILES,
					  w->range_end);
			else
				run_tile_f32(&c, t);
			if (atomic_load_explicit(&c.job->stop, memory_order_relaxed))
				return;
		}
	}
}
