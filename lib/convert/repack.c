// SPDX-License-Identifier: MIT
#include "convert/repack.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

#define TILE		CTRANS_TILE_OUT
/* Of the samples, those that outputs are compared on. */
#define COMPARED	32u

typedef float lanes __attribute__((vector_size(4 * TILE), aligned(4)));

struct work {
	const struct ct_repack *r;
	const struct ct_repack_scales *scales;
	struct ct_scale_curve *curves;	/* first pass */
	double *squares;		/* by tile */
	const struct ct_factors *factors;
	const float *samples, *mean;	/* of inputs as they will be; NULL: none */
	uint32_t n_samples;
	struct ct_repack_result *results;	/* by tile */
	_Atomic int failed;
};

static uint32_t tiles(uint32_t n_out)
{
	return (n_out + TILE - 1) / TILE;
}

static uint32_t outputs(const struct ct_repack *r, uint32_t first)
{
	return r->n_out - first < TILE ? r->n_out - first : TILE;
}

/* [n_in][16], smoothed, zeros where there is no output. To be freed. */
static float *gather(const struct ct_repack *r, uint32_t first)
{
	float *t = calloc((size_t)r->n_in * TILE, sizeof(*t));
	uint32_t n = outputs(r, first);

	if (!t)
		return NULL;
	for (uint32_t k = 0; k < r->n_in && r->in_major; k++)
		memcpy(t + (size_t)k * TILE,
		       r->weights + (size_t)k * r->n_out + first, n * sizeof(*t));
	for (uint32_t j = 0; j < n && !r->in_major; j++) {
		const float *row = r->weights + (size_t)(first + j) * r->n_in;

		for (uint32_t k = 0; k < r->n_in; k++)
			t[(size_t)k * TILE + j] = row[k];
	}
	for (uint32_t k = 0; k < r->n_in && r->by_input; k++)
		for (uint32_t j = 0; j < n; j++)
			t[(size_t)k * TILE + j] *= r->by_input[k];
	for (uint32_t k = 0; k < r->n_in && r->by_output; k++)
		for (uint32_t j = 0; j < n; j++)
			t[(size_t)k * TILE + j] /= r->by_output[first + j];
	return t;
}

/* ---- Looking at weights ----------------------------------------------- */

static void look(void *ctx, size_t index)
{
	struct work *w = ctx;
	const struct ct_repack *r = w->r;
	uint32_t first = (uint32_t)index * TILE;
	float *t = gather(r, first);
	double squares = 0;

	if (!t) {
		w->failed = 1;
		return;
	}
	for (size_t i = 0; i < (size_t)r->n_in * TILE; i++)
		squares += (double)t[i] * (double)t[i];
	w->squares[index] = squares;
	ct_scale_curves(t, r->n_in, outputs(r, first), w->curves + first);
	free(t);
}

int ct_repack_curves(const struct ct_repack *r, struct ct_scale_matrix *m,
		     struct ct_err *err)
{
	uint32_t n = tiles(r->n_out);
	struct work w = { .r = r };

	m->n_in = r->n_in;
	m->n_out = r->n_out;
	m->squares = 0;
	m->curves = w.curves = calloc(r->n_out, sizeof(*w.curves));
	w.squares = calloc(n, sizeof(*w.squares));
	if (w.curves && w.squares)
		ct_parallel(r->threads, n, look, &w);
	else
		w.failed = 1;
	for (uint32_t i = 0; i < n && !w.failed; i++)
		m->squares += w.squares[i];
	free(w.squares);
	if (!w.failed)
		return 0;
	free(m->curves);
	m->curves = NULL;
	return ct_fail(err, -ENOMEM, "out of memory");
}

/* ---- Rounding --------------------------------------------------------- */

static float largest(const float *t, uint32_t n_in, uint32_t j)
{
	float max = 0;

	for (uint32_t k = 0; k < n_in; k++)
		max = fabsf(t[(size_t)k * TILE + j]) > max ?
		      fabsf(t[(size_t)k * TILE + j]) : max;
	return max;
}

static float rms(const float *t, uint32_t n_in, uint32_t j)
{
	double sum = 0;

	for (uint32_t k = 0; k < n_in; k++)
		sum += (double)t[(size_t)k * TILE + j] *
		       (double)t[(size_t)k * TILE + j];
	return (float)sqrt(sum / n_in);
}

static void find_scale(const struct work *w, const float *t, uint32_t first,
		       uint32_t j, struct ct_tile *tile)
{
	const struct ct_repack_scales *s = w->scales;
	uint32_t n_in = w->r->n_in;
	float scale = largest(t, n_in, j) / 127.0f, chosen = 0;

	/* one over the scale must be finite; less is nothing */
	if (scale < 1e-37f)
		return;
	if (s->curves) {
		chosen = ct_scale_choose(s->curves, first + j, s->multiplier);
		tile->worth[j] = ct_scale_worth(s->curves, chosen, s->multiplier);
	} else if (s->sigma > 0) {
		chosen = rms(t, n_in, j) / s->sigma;
		tile->worth[j] = ct_scale_worth_at(s->sigma);
	}
	tile->scale[j] = chosen > 1e-37f ? chosen : scale;
}

/* Weights become their errors. */
static void take_errors(const struct ct_tile *tile, float *t)
{
	for (uint32_t k = 0; k < tile->n_in; k++)
		for (uint32_t j = 0; j < TILE; j++) {
			int8_t q = tile->packed[(size_t)(k / 4) * 4 * TILE + 4 * j +
						k % 4];

			t[(size_t)k * TILE + j] -= tile->scale[j] * (float)q;
		}
}

#define BODY	static inline __attribute__((always_inline))

/* The square of outputs, or of their errors, on the samples. */
BODY double power_body(const struct work *w, const float *t)
{
	const lanes *v = (const lanes *)t;
	uint32_t n_in = w->r->n_in;
	double sum = 0;

	for (uint32_t s = 0; s < w->n_samples; s++) {
		const float *x = w->samples + (size_t)s * n_in;
		lanes a = { 0 }, b = { 0 };
		uint32_t k = 0;

		for (; k + 2 <= n_in; k += 2) {
			a += x[k] * v[k];
			b += x[k + 1] * v[k + 1];
		}
		if (k < n_in)
			a += x[k] * v[k];
		a += b;
		for (uint32_t j = 0; j < TILE; j++)
			sum += (double)a[j] * (double)a[j];
	}
	return sum;
}

static double power_portable(const struct work *w, const float *t)
{
	return power_body(w, t);
}

#if defined(__x86_64__)
__attribute__((target("avx2")))
static double power_avx2(const struct work *w, const float *t)
{
	return power_body(w, t);
}
#endif

static double power(const struct work *w, const float *t)
{
	double sum = 0;

	if (!w->samples) {
		for (size_t i = 0; i < (size_t)w->r->n_in * TILE; i++)
			sum += (double)t[i] * (double)t[i];
		return sum;
	}
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return power_avx2(w, t);
#endif
	return power_portable(w, t);
}

static void correct_bias(const struct work *w, const float *errors, uint32_t first)
{
	const struct ct_repack *r = w->r;
	double sum[TILE] = { 0 };

	for (uint32_t k = 0; k < r->n_in; k++)
		for (uint32_t j = 0; j < TILE; j++)
			sum[j] += (double)w->mean[k] *
				  (double)errors[(size_t)k * TILE + j];
	for (uint32_t j = 0; j < outputs(r, first); j++)
		r->bias[first + j] += (float)sum[j];
}

static void round_one(void *ctx, size_t index)
{
	struct work *w = ctx;
	const struct ct_repack *r = w->r;
	uint32_t first = (uint32_t)index * TILE, n = outputs(r, first);
	float *t = gather(r, first);
	struct ct_tile tile = {
		.n_in = r->n_in, .weights = t, .factors = w->factors,
		.packed = r->packed + (size_t)first * ((r->n_in + 3) / 4 * 4),
	};

	if (!t) {
		w->failed = 1;
		return;
	}
	for (uint32_t j = 0; j < n; j++)
		find_scale(w, t, first, j, &tile);
	ct_round_tile(&tile);
	for (uint32_t j = 0; j < n; j++) {
		r->scale[first + j] = tile.scale[j];
		r->colsum[first + j] = tile.sums[j];
	}
	w->results[index].signal = power(w, t);
	take_errors(&tile, t);
	w->results[index].noise = power(w, t);
	if (r->bias && w->mean)
		correct_bias(w, t, first);
	free(t);
}

/* ---- What enters ------------------------------------------------------ */

static const float *gram(const void *arg, uint32_t first, uint32_t *m)
{
	return ct_calibration_gram(arg, first, m);
}

/* Samples and means of inputs as smoothing leaves them. */
static int take_seen(const struct ct_repack *r, struct work *w, float **samples,
		     float **mean)
{
	const struct ct_calibration_layer *l = r->seen;
	uint32_t n;

	if (!l)
		return 0;
	n = l->n_samples < COMPARED ? l->n_samples : COMPARED;
	*samples = malloc((size_t)n * r->n_in * sizeof(**samples));
	*mean = malloc(r->n_in * sizeof(**mean));
	if (!*samples || !*mean)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		const float *x = l->samples + (size_t)s * l->n_samples / n * r->n_in;

		for (uint32_t k = 0; k < r->n_in; k++)
			(*samples)[(size_t)s * r->n_in + k] =
				r->by_input ? x[k] / r->by_input[k] : x[k];
	}
	for (uint32_t k = 0; k < r->n_in; k++) {
		(*mean)[k] = (float)(l->sum[k] / (double)l->rows);
		if (r->by_input)
			(*mean)[k] /= r->by_input[k];
	}
	w->samples = *samples;
	w->mean = r->correct ? *mean : NULL;
	w->n_samples = n;
	return 0;
}

int ct_repack_round(const struct ct_repack *r, const struct ct_repack_scales *scales,
		    struct ct_repack_result *result, struct ct_err *err)
{
	uint32_t n = tiles(r->n_out);
	struct work w = { .r = r, .scales = scales };
	float *samples = NULL, *mean = NULL;
	struct ct_factors *factors = NULL;
	int ret = take_seen(r, &w, &samples, &mean);

	w.results = calloc(n, sizeof(*w.results));
	if (ret || !w.results)
		ret = ct_fail(err, -ENOMEM, "out of memory");
	if (!ret && r->seen && r->correct)
		ret = ct_factors_open(r->n_in, gram, r->seen, r->by_input,
				      r->threads, &factors, err);
	w.factors = factors;
	if (!ret)
		ct_parallel(r->threads, n, round_one, &w);
	if (!ret && w.failed)
		ret = ct_fail(err, -ENOMEM, "out of memory");
	*result = (struct ct_repack_result){ 0 };
	for (uint32_t i = 0; i < n && !ret; i++) {
		result->signal += w.results[i].signal;
		result->noise += w.results[i].noise;
	}
	ct_factors_close(factors);
	free(w.results);
	free(samples);
	free(mean);
	return ret;
}
