// SPDX-License-Identifier: MIT
/*
 * LINEAR and LOGITS: quantise the rows, then stream the weights once, a few
 * tiles at a time, each used for all rows while it is in the cache.
 */
#include "chip/internal.h"

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
	if (c->own && c->w->index)
		return;
	if (c->w->chip->reference) {
		chip_count_row_reference(q->a, n, c->dispatch.spike_mask,
					 c->dispatch.code, &c->job->counts[i]);
		c->job->counts[i].clamped = q->n_clamped;
	} else {
		chip_count_row(c->k, q, c->dispatch.spike_mask, c->dispatch.code,
			       &c->job->counts[i]);
	}
}

/* Quantised rows for all workers. True: the job has been stopped. */
static bool prepare_rows(const struct linear *c)
{
	uint32_t lo = 0, hi = c->n_rows;

	if (!c->own)
		chip_share(c->w, c->n_rows, &lo, &hi);
	for (uint32_t i = lo; i < hi; i++) {
		prepare(c, i);
		if (chip_unit_done(c->w))
			break;
	}
	return !c->own && chip_barrier_wait(c->w);
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

/* Per-tile constants, in place or gathered. */
struct tile_consts {
	float scale[TILES * 16], bias[TILES * 16];
	int32_t colsum[TILES * 16];
};

static void finish(const struct linear *c, uint32_t t, uint32_t n_tiles,
		   uint32_t row0, uint32_t n_rows, const struct tile_consts *tc,
		   const int64_t (*acc)[TILES * 16])
{
	for (uint32_t i = 0; i < n_rows; i++) {
		/* LOGITS rows are packed; others keep their place */
		uint64_t out = (uint64_t)(row0 + i) * c->l->out_stride;

		for (uint32_t j = 0; j < n_tiles; j++) {
			uint32_t n0 = (t + j) * 16;
			uint64_t avail;
			struct chip_epilogue e = {
				.s = acc[i] + 16 * j,
				.colsum = tc->colsum + 16 * j,
				.scale = tc->scale + 16 * j,
				.bias = c->l->bias_va ? tc->bias + 16 * j : NULL,
				.theta = qrow(c, row0 + i)->theta,
				.act = c->l->act,
				.add = c->l->flags & CTRANS_LINEAR_ADD,
				.n = c->l->n_out - n0 < 16 ? c->l->n_out - n0 : 16,
			};

			e.out = (float *)chip_at(c->job, &c->op->o[CHIP_OUT],
						 out + 4ull * n0, &avail);
			c->k->epilogue(&e);
		}
	}
}

static void load_consts(const struct linear *c, uint32_t t, uint32_t n_tiles,
			struct tile_consts *tc)
{
	uint64_t off = 64ull * t, len = 64ull * n_tiles;
	const struct chip_operand *o = c->op->o;

	memcpy(tc->scale, chip_gather(c->job, &o[CHIP_SCALE], off, len, tc->scale),
	       len);
	memcpy(tc->colsum, chip_gather(c->job, &o[CHIP_COLSUM], off, len, tc->colsum),
	       len);
	if (c->l->bias_va)
		memcpy(tc->bias, chip_gather(c->job, &o[CHIP_BIAS], off, len,
					     tc->bias), len);
}

static void run_tiles(const struct linear *c, uint32_t t, uint32_t n_tiles)
{
	uint32_t quads = chip_round_up(c->l->n_in, 4) / 4;
	uint64_t tile_bytes = (uint64_t)quads * CTRANS_GRANULE;
	const uint8_t *w = tiles_at(c, t, n_tiles, tile_bytes);
	int64_t acc[ROWS][TILES * 16];
	const struct chip_qrow *rows[ROWS];
	struct tile_consts tc;

	load_consts(c, t, n_tiles, &tc);
	for (uint32_t r = 0; r < c->n_rows; r += ROWS) {
		uint32_t n = c->n_rows - r < ROWS ? c->n_rows - r : ROWS;
		struct chip_sums s = {
			.rows = rows, .n_rows = n, .n_tiles = n_tiles,
			.tile_stride = tile_bytes, .acc = acc,
			.dispatch = &c->dispatch,
			.counts = c->w->chip->reference ? c->w->executed + r : NULL,
		};

		for (uint32_t i = 0; i < n; i++)
			rows[i] = qrow(c, r + i);
		memset(acc, 0, n * sizeof(acc[0]));
		if (w) {
			for (s.k0 = 0; s.k0 < 4 * quads; s.k0 = s.k1) {
				s.k1 = 4 * quads - s.k0 > CHIP_K_SPAN ?
				       s.k0 + CHIP_K_SPAN : 4 * quads;
				s.w = (const int8_t *)w + 16ull * s.k0;
				c->k->sums(&s);
			}
		} else {
			for (uint32_t j = 0; j < n_tiles; j++) {
				s.acc = (void *)&acc[0][16 * j];
				scattered_tile(c, &s, t + j, quads);
			}
		}
		finish(c, t, n_tiles, r, n, &tc, acc);
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
		c->k->epilogue_f32(s, b, c->l->act, c->l->flags & CTRANS_LINEAR_ADD,
				   n, out);
		if (chip_unit_done(c->w))
			return;
	}
}

/* ---- Records ---------------------------------------------------------- */

/*
 * The reference reports what it executed. Every worker has counted the tiles
 * of its own share, so the sum over workers is the whole.
 */
static void executed(const struct linear *c, uint32_t i, struct ctrans_stat *st)
{
	uint64_t pad = chip_round_up(c->l->n_out, 16), spikes = 0;

	st->ops_dense = 0;
	st->ops_outlier = 0;
	for (unsigned int t = 0; t < c->w->chip->n_workers; t++) {
		const struct chip_domain_counts *x =
			&c->w->chip->workers[t].executed[i];

		st->ops_dense += x->dense_ops;
		st->ops_outlier += x->outlier_ops;
		spikes += x->spike_ops;
	}
	st->ops_spiking = spikes;
	st->spikes = spikes / pad;
}

static void charge(const struct linear *c)
{
	const struct ctrans_insn_linear *l = c->l;
	uint64_t pad = chip_round_up(l->n_out, 16);
	struct chip_shared shared = { 0 };

	memset(c->job->stat, 0, c->n_rows * sizeof(*c->job->stat));
	for (uint32_t i = 0; i < c->n_rows; i++) {
		struct ctrans_stat *st = &c->job->stat[i];

		if (l->encoding == CTRANS_ENC_F32) {
			/* not a thing the chip can do; counted as vector work */
			st->ops_vector = (uint64_t)l->n_in * l->n_out;
			continue;
		}
		chip_charge_linear_row(&c->w->chip->costs, &c->job->counts[i],
				       l->n_in, l->n_out, c->n_rows, st);
		if (c->w->chip->reference)
			executed(c, i, st);
	}
	if (l->encoding == CTRANS_ENC_S8) {
		shared.bytes_sram_written = chip_round_up(l->n_in, 4) * pad;
		/* weights, scales, biases, and the sums that spike flipping uses */
		shared.bytes_external = shared.bytes_sram_written +
					(l->bias_va ? 12 : 8) * pad;
	} else {
		shared.bytes_external = 4ull * chip_round_up(l->n_in, 16) * pad +
					(l->bias_va ? 4 * pad : 0);
	}
	chip_charge_op(c->w, c->op, c->n_rows, &shared);
}

void chip_exec_linear(struct chip_worker *w, const struct chip_op *op)
{
	struct chip_job *job = chip_worker_job(w);
	const struct ctrans_insn_linear *l = &op->insn.linear;
	bool logits = op->insn.op == CTRANS_INSN_LOGITS;
	bool s8 = l->encoding == CTRANS_ENC_S8, reference = w->chip->reference;
	uint32_t lo, hi;
	struct linear c = {
		.w = w, .job = job, .k = w->chip->kernel, .op = op, .l = l,
		.which = logits ? job->logit_rows : NULL,
		.n_rows = logits ? job->n_logits : job->n_rows,
		.own = job->n_rows <= CHIP_FEW_ROWS,
		.dispatch = { .spike_mask = { l->spike_mask[0], l->spike_mask[1] },
			      .code = l->code },
	};

	if (!c.n_rows) {	/* nothing to do, but its records are to be written */
		if (!w->index)
			chip_charge_op(w, op, 0, &(struct chip_shared){ 0 });
		return;
	}
	if (s8) {
		if (reference)
			memset(w->executed, 0, c.n_rows * sizeof(*w->executed));
		if (prepare_rows(&c))
			return;
	}
	/* before the sums, where it overlaps the others' work */
	if (!w->index && !(s8 && reference))
		charge(&c);

	chip_share(w, chip_round_up(l->n_out, 16) / 16, &lo, &hi);
	if (s8) {
		for (uint32_t t = lo; t < hi; t += TILES) {
			run_tiles(&c, t, hi - t < TILES ? hi - t : TILES);
			if (atomic_load_explicit(&job->stop, memory_order_relaxed))
				break;
		}
	} else {
		for (uint32_t t = lo; t < hi; t++)
			run_tile_f32(&c, t);
	}

	/* the reference's records need every worker's counts */
	if (s8 && reference && !chip_barrier_wait(w) && !w->index)
		charge(&c);
}
