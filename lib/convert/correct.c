// SPDX-License-Identifier: MIT
#include "convert/correct.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

#define TILE	CTRANS_TILE_OUT
#define BLOCK	CTRANS_ESC_INPUTS
/* Added to the diagonal, of its mean: what the text has not shown. */
#define DAMPING	0.01

/* One block: unit lower triangular rows, and where its inputs are taken from. */
struct factor {
	uint32_t m;
	float *row;		/* [m][m]: R[j][i] / R[i][i] for j < i */
	float *pivot;		/* R[i][i]^2, of their mean */
	uint16_t *order;
};

struct ct_factors {
	uint32_t n;
	struct factor *block;
	ct_gram_fn *gram;
	const void *arg;
	const float *smoothing;
	_Atomic int failed;
};

/* ---- Factors ---------------------------------------------------------- */

static void sort_by_power(const double *g, uint32_t m, uint16_t *order)
{
	for (uint32_t i = 0; i < m; i++)
		order[i] = (uint16_t)i;
	for (uint32_t i = 1; i < m; i++) {
		uint16_t at = order[i];
		uint32_t k = i;

		for (; k && g[(size_t)order[k - 1] * m + order[k - 1]] <
			    g[(size_t)at * m + at]; k--)
			order[k] = order[k - 1];
		order[k] = at;
	}
}

/*
 * G in double, of inputs as they will be, the diagonal damped. Squares that overflow
 * say nothing: such a block's inputs are taken for unrelated, and nothing is fed back.
 */
static void take_gram(const struct ct_factors *f, uint32_t first, const float *gram,
		      uint32_t m, double *g)
{
	double mean = 0;

	for (uint32_t i = 0; i < m; i++)
		for (uint32_t j = 0; j < m; j++) {
			double v = (double)gram[(size_t)i * m + j];

			if (f->smoothing)
				v /= (double)f->smoothing[first + i] *
				     (double)f->smoothing[first + j];
			g[(size_t)i * m + j] = v;
		}
	for (uint32_t i = 0; i < m; i++)
		mean += g[(size_t)i * m + i] / m;
	if (!isfinite(mean)) {
		memset(g, 0, (size_t)m * m * sizeof(*g));
		mean = 1;
	}
	for (uint32_t i = 0; i < m; i++)
		g[(size_t)i * m + i] += DAMPING * mean + 1e-30;
}

/*
 * In the order's terms G = R R^T, from the last column on; r[i][j], j <= i, becomes
 * R[j][i], a row of the lower triangular R^T. Columns i > k first, each taken away.
 */
static void factorise(const double *g, const uint16_t *order, uint32_t m, double *r)
{
	for (uint32_t i = 0; i < m; i++)
		for (uint32_t j = 0; j <= i; j++)
			r[(size_t)i * m + j] = g[(size_t)order[i] * m + order[j]];
	for (uint32_t i = m; i-- > 0;) {
		double *row = r + (size_t)i * m;
		double pivot = sqrt(row[i] > 1e-300 ? row[i] : 1e-300);

		for (uint32_t j = 0; j < i; j++)
			row[j] /= pivot;
		row[i] = pivot;
		for (uint32_t k = 0; k < i; k++)
			for (uint32_t j = 0; j <= k; j++)
				r[(size_t)k * m + j] -= row[k] * row[j];
	}
}

static void make_factor(void *ctx, size_t index)
{
	struct ct_factors *f = ctx;
	struct factor *b = &f->block[index];
	uint32_t first = (uint32_t)index * BLOCK, m;
	const float *gram = f->gram(f->arg, first, &m);
	double *g = malloc((size_t)m * m * sizeof(*g));
	double *r = malloc((size_t)m * m * sizeof(*r)), mean = 0;

	b->m = m;
	b->row = calloc((size_t)m * m, sizeof(*b->row));
	b->pivot = calloc(m, sizeof(*b->pivot));
	b->order = calloc(m, sizeof(*b->order));
	if (!g || !r || !b->row || !b->pivot || !b->order) {
		f->failed = 1;
		goto out;
	}
	take_gram(f, first, gram, m, g);
	sort_by_power(g, m, b->order);
	factorise(g, b->order, m, r);
	for (uint32_t i = 0; i < m; i++)
		mean += r[(size_t)i * m + i] * r[(size_t)i * m + i] / m;
	for (uint32_t i = 0; i < m; i++) {
		double pivot = r[(size_t)i * m + i];

		for (uint32_t j = 0; j < i; j++)
			b->row[(size_t)i * m + j] =
				(float)(r[(size_t)i * m + j] / pivot);
		b->pivot[i] = (float)(pivot * pivot / mean);
	}
out:
	free(g);
	free(r);
}

int ct_factors_open(uint32_t n_in, ct_gram_fn *gram, const void *arg,
		    const float *smoothing, unsigned int threads,
		    struct ct_factors **out, struct ct_err *err)
{
	uint32_t n = (n_in + BLOCK - 1) / BLOCK;
	struct ct_factors *f = calloc(1, sizeof(*f));

	if (f)
		f->block = calloc(n, sizeof(*f->block));
	if (!f || !f->block) {
		free(f);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	f->n = n;
	f->gram = gram;
	f->arg = arg;
	f->smoothing = smoothing;
	ct_parallel(threads, n, make_factor, f);
	if (f->failed) {
		ct_factors_close(f);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	*out = f;
	return 0;
}

void ct_factors_close(struct ct_factors *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->n; i++) {
		free(f->block[i].row);
		free(f->block[i].pivot);
		free(f->block[i].order);
	}
	free(f->block);
	free(f);
}

/* ---- Rounding --------------------------------------------------------- */

#define BODY	static inline __attribute__((always_inline))

typedef float lanes __attribute__((vector_size(4 * TILE), aligned(4)));

/* The adder rounds to the nearest even integer where |v| is below 2^22. */
BODY float nearest(float v)
{
	v = v > 200.0f ? 200.0f : v;
	v = v < -200.0f ? -200.0f : v;
	return (v + 12582912.0f) - 12582912.0f;
}

/*
 * A weight at @v steps: the nearest integer, or the last that is no exception if
 * the square grows by less than @worth.
 */
BODY float round_one(float v, float worth)
{
	float q = nearest(v), edge = q > 0.0f ? 15.0f : -16.0f;
	float near = v - q, far = v - edge;
	int beyond = q > 15.0f || q < -16.0f;

	q = beyond && far * far - near * near < worth ? edge : q;
	q = q > 127.0f ? 127.0f : q;
	return q < -127.0f ? -127.0f : q;
}

BODY void round_lanes(const lanes *v, const float *worth, lanes *q)
{
	for (unsigned int j = 0; j < TILE; j++)
		(*q)[j] = round_one((*v)[j], worth[j]);
}

/* v += sum over j < i of row[j] * e[j], four partial sums */
BODY void feed_back(const float *row, const lanes *e, uint32_t i, lanes *v)
{
	lanes a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	uint32_t j = 0;

	for (; j + 4 <= i; j += 4) {
		a += row[j] * e[j];
		b += row[j + 1] * e[j + 1];
		c += row[j + 2] * e[j + 2];
		d += row[j + 3] * e[j + 3];
	}
	for (; j < i; j++)
		a += row[j] * e[j];
	*v += (a + b) + (c + d);
}

BODY void store(int8_t *packed, uint32_t k, const lanes *q, int32_t *sums)
{
	int8_t *to = packed + (size_t)(k / 4) * 4 * TILE + k % 4;

	for (unsigned int j = 0; j < TILE; j++) {
		int32_t v = (int32_t)(*q)[j];

		to[4 * j] = (int8_t)v;
		sums[j] += v;
	}
}

BODY void tile_body(struct ct_tile *t)
{
	const lanes *w = (const lanes *)t->weights;
	lanes e[BLOCK], inverse, v, q;

	for (unsigned int j = 0; j < TILE; j++) {
		inverse[j] = t->scale[j] > 0.0f ? 1.0f / t->scale[j] : 0.0f;
		t->sums[j] = 0;
	}
	if (!t->factors) {
		for (uint32_t k = 0; k < t->n_in; k++) {
			v = w[k] * inverse;
			round_lanes(&v, t->worth, &q);
			store(t->packed, k, &q, t->sums);
		}
		return;
	}
	for (uint32_t at = 0; at < t->n_in; at += BLOCK) {
		const struct factor *b = &t->factors->block[at / BLOCK];

		for (uint32_t i = 0; i < b->m; i++) {
			uint32_t k = at + b->order[i];
			lanes u = w[k] * inverse;
			float worth[TILE];

			v = u;
			feed_back(b->row + (size_t)i * b->m, e, i, &v);
			for (unsigned int j = 0; j < TILE; j++)
				worth[j] = t->worth[j] / b->pivot[i];
			round_lanes(&v, worth, &q);
			e[i] = u - q;
			store(t->packed, k, &q, t->sums);
		}
	}
}

static void tile_portable(struct ct_tile *t)
{
	tile_body(t);
}

#if defined(__x86_64__)
/* Wider, with the same roundings: no target here makes one of two operations. */
__attribute__((target("avx2")))
static void tile_avx2(struct ct_tile *t)
{
	tile_body(t);
}

void ct_round_tile(struct ct_tile *t)
{
	static _Atomic int wide = -1;

	if (wide < 0)
		wide = !!__builtin_cpu_supports("avx2");
	if (wide)
		tile_avx2(t);
	else
		tile_portable(t);
}
#else
void ct_round_tile(struct ct_tile *t)
{
	tile_portable(t);
}
#endif
