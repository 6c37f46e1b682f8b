// SPDX-License-Identifier: MIT
#include "convert/calibration.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "uapi/ctrans_job.h"

#define BLOCK	CTRANS_ESC_INPUTS
/* Rows whose products are added to a Gram block at once. */
#define ROWS	8u

static uint32_t blocks(uint32_t n_in)
{
	return (n_in + BLOCK - 1) / BLOCK;
}

static uint32_t inputs(uint32_t n_in, uint32_t first)
{
	return n_in - first < BLOCK ? n_in - first : BLOCK;
}

static int open_layer(struct ct_calibration_layer *l,
		      const struct ct_calibration_shape *s, bool gram)
{
	/* all blocks but the last are full */
	uint32_t last = inputs(s->n_in, (blocks(s->n_in) - 1) * BLOCK);
	size_t cells = (size_t)(blocks(s->n_in) - 1) * BLOCK * BLOCK +
		       (size_t)last * last;

	*l = (struct ct_calibration_layer){
		.layer = s->layer, .kind = s->kind,
		.n_in = s->n_in, .n_out = s->n_out, .snr_db = NAN,
		.rows_total = s->rows,
		.n_samples = s->rows < CT_CALIBRATION_SAMPLES ? (uint32_t)s->rows :
							      CT_CALIBRATION_SAMPLES,
	};
	l->max = calloc(s->n_in, sizeof(*l->max));
	l->sum = calloc(s->n_in, sizeof(*l->sum));
	l->squares = calloc(s->n_in, sizeof(*l->squares));
	l->samples = calloc((size_t)l->n_samples * s->n_in, sizeof(*l->samples));
	if (gram)
		l->gram = calloc(cells, sizeof(*l->gram));
	return l->max && l->sum && l->squares && l->samples && (l->gram || !gram) ?
	       0 : -ENOMEM;
}

int ct_calibration_open(const struct ct_calibration_shape *shapes, size_t n,
			bool gram, struct ct_calibration **out, struct ct_err *err)
{
	struct ct_calibration *c = calloc(1, sizeof(*c));

	if (c)
		c->layers = calloc(n, sizeof(*c->layers));
	if (!c || !c->layers) {
		free(c);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	c->n = n;
	for (size_t i = 0; i < n; i++)
		if (open_layer(&c->layers[i], &shapes[i], gram)) {
			ct_calibration_close(c);
			return ct_fail(err, -ENOMEM,
				       "no memory for the activations of %zu layers",
				       n);
		}
	*out = c;
	return 0;
}

void ct_calibration_close(struct ct_calibration *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->layers[i].max);
		free(c->layers[i].sum);
		free(c->layers[i].squares);
		free(c->layers[i].samples);
		free(c->layers[i].gram);
		free(c->layers[i].smoothing);
	}
	free(c->layers);
	free(c->first);
	free(c);
}

int ct_calibration_keep(struct ct_calibration *c, const uint32_t *source,
			size_t n_source, const uint32_t *tokens, size_t n,
			struct ct_err *err)
{
	size_t used = 0, texts = 0;
	uint32_t *more;

	for (uint32_t i = 0; i < c->n_texts; i++) {
		used += (size_t)c->text[i].n_source + c->text[i].n;
		texts += c->text[i].n;
	}
	if (!texts && n > CT_CALIBRATION_FIRST)
		n = CT_CALIBRATION_FIRST;
	if (c->n_texts == CT_CALIBRATION_TEXTS || texts + n > CT_CALIBRATION_FIRST)
		return ct_fail(err, -ENOSPC, "enough of texts");
	more = reallocarray(c->first, used + n_source + n, sizeof(*more));
	if (!more)
		return ct_fail(err, -ENOMEM, "out of memory");
	if (n_source)
		memcpy(more + used, source, n_source * sizeof(*more));
	if (n)
		memcpy(more + used + n_source, tokens, n * sizeof(*more));
	c->first = more;
	c->text[c->n_texts++] = (struct ct_calibration_text){ (uint32_t)n_source,
							      (uint32_t)n };
	return 0;
}

/* ---- Adding rows ------------------------------------------------------ */

/* Some rows of one block of one linear's inputs. */
struct part {
	struct ct_calibration_layer *l;
	const struct ct_calibration_rows *in;
	uint32_t first, m;
};

struct adding {
	uint32_t n_rows;
	struct part *parts;
};

/* Samples taken of the first @rows rows: evenly spread. */
static uint32_t samples_of(const struct ct_calibration_layer *l, uint64_t rows)
{
	return (uint32_t)(rows * l->n_samples / l->rows_total);
}

static void copy_row(float *to, const float *x, uint32_t m)
{
	for (uint32_t k = 0; k < m; k++)
		to[k] = isfinite(x[k]) ? x[k] : 0.0f;
}

static void add_sums(const struct part *p, const float *x)
{
	float *max = p->l->max + p->first;
	double *sum = p->l->sum + p->first, *squares = p->l->squares + p->first;

	for (uint32_t k = 0; k < p->m; k++) {
		float a = fabsf(x[k]);

		max[k] = a > max[k] ? a : max[k];
		sum[k] += (double)x[k];
		squares[k] += (double)x[k] * (double)x[k];
	}
}

#define BODY	static inline __attribute__((always_inline))

/* The upper half; products of the rows one after the other into each cell. */
BODY void gram_body(float (*x)[BLOCK], uint32_t m, float *g)
{
	for (uint32_t i = 0; i < m; i++) {
		float *line = g + (size_t)i * m;

		for (uint32_t j = i; j < m; j++) {
			float s = line[j];

			for (uint32_t r = 0; r < ROWS; r++)
				s += x[r][i] * x[r][j];
			line[j] = s;
		}
	}
}

static void gram_portable(float (*x)[BLOCK], uint32_t m, float *g)
{
	gram_body(x, m, g);
}

#if defined(__x86_64__)
/* Wider, with the same roundings: no target here makes one of two operations. */
__attribute__((target("avx2")))
static void gram_avx2(float (*x)[BLOCK], uint32_t m, float *g)
{
	gram_body(x, m, g);
}

static void add_gram(float (*x)[BLOCK], uint32_t m, float *g)
{
	static _Atomic int wide = -1;

	if (wide < 0)
		wide = !!__builtin_cpu_supports("avx2");
	if (wide)
		gram_avx2(x, m, g);
	else
		gram_portable(x, m, g);
}
#else
static void add_gram(float (*x)[BLOCK], uint32_t m, float *g)
{
	gram_portable(x, m, g);
}
#endif

static void add_part(void *ctx, size_t i)
{
	const struct adding *a = ctx;
	const struct part *p = &a->parts[i];
	const struct ct_calibration_layer *l = p->l;
	float *g = p->l->gram ? p->l->gram + (size_t)p->first * BLOCK : NULL;
	float x[ROWS][BLOCK];

	for (uint32_t r = 0; r < a->n_rows; r += ROWS) {
		uint32_t n = a->n_rows - r < ROWS ? a->n_rows - r : ROWS;

		if (n < ROWS)
			memset(x, 0, sizeof(x));
		for (uint32_t j = 0; j < n; j++) {
			uint64_t row = l->rows + r + j;
			uint32_t s = samples_of(l, row);

			copy_row(x[j], p->in->x + (r + j) * p->in->stride + p->first,
				 p->m);
			add_sums(p, x[j]);
			if (samples_of(l, row + 1) > s)
				memcpy(p->l->samples + (size_t)s * p->l->n_in +
				       p->first, x[j], p->m * sizeof(float));
		}
		if (g)
			add_gram(x, p->m, g);
	}
	/* after the last row the lower half, too */
	if (!g || l->rows + a->n_rows < l->rows_total)
		return;
	for (uint32_t k = 0; k < p->m; k++)
		for (uint32_t j = 0; j < k; j++)
			g[(size_t)k * p->m + j] = g[(size_t)j * p->m + k];
}

int ct_calibration_add(struct ct_calibration *c, size_t first, size_t end,
		       const struct ct_calibration_rows *in, uint32_t n_rows,
		       unsigned int threads, struct ct_err *err)
{
	struct adding a = { .n_rows = n_rows };
	size_t n = 0, most = 0;

	for (size_t i = first; i < end; i++) {
		if (n_rows > c->layers[i].rows_total - c->layers[i].rows)
			return ct_fail(err, -EINVAL, "more rows than were announced");
		most += blocks(c->layers[i].n_in);
	}
	a.parts = calloc(most, sizeof(*a.parts));
	if (!a.parts)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = first; i < end; i++)
		for (uint32_t k = 0; k < c->layers[i].n_in; k += BLOCK)
			a.parts[n++] = (struct part){
				.l = &c->layers[i], .in = &in[i], .first = k,
				.m = inputs(c->layers[i].n_in, k),
			};
	ct_parallel(threads, n, add_part, &a);
	for (size_t i = first; i < end; i++)
		c->layers[i].rows += n_rows;
	free(a.parts);
	return 0;
}

/* ---- Asking ----------------------------------------------------------- */

float *ct_calibration_gram(const struct ct_calibration_layer *l, uint32_t first,
			   uint32_t *m)
{
	*m = inputs(l->n_in, first);
	return l->gram ? l->gram + (size_t)first * BLOCK : NULL;
}

double ct_calibration_rms(const struct ct_calibration *c, size_t linear, bool smoothed)
{
	const struct ct_calibration_layer *l = &c->layers[linear];
	double sum = 0;

	for (uint32_t k = 0; k < l->n_in; k++) {
		double by = smoothed && l->smoothing ? (double)l->smoothing[k] : 1;

		sum += l->squares[k] / (by * by);
	}
	return l->rows ? sqrt(sum / ((double)l->rows * l->n_in)) : 0;
}

void ct_calibration_sample(const struct ct_calibration_layer *l, uint32_t i, float *x)
{
	const float *from = l->samples + (size_t)i * l->n_in;

	for (uint32_t k = 0; k < l->n_in; k++)
		x[k] = l->smoothing ? from[k] / l->smoothing[k] : from[k];
}
