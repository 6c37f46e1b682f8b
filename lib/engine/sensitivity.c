// SPDX-License-Identifier: MIT
/*
 * What noise in a layer does to the prediction. All layers run with fine thresholds
 * once; then one after the other has a coarse one, whose noise at its output is
 * known. The divergence of the predictions is, to second order, half the variance
 * under p of what the logits differ by; per unit of noise it is the layer's weight.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "base/parallel.h"
#include "convert/threshold.h"
#include "engine/calibrate.h"
#include "engine/load.h"

/* Of the grid: 48 levels. */
#define FINE		(CT_THRESHOLD_GRID - 1)
/* Tokens times layers, so that large models do not take minutes; and least tokens. */
#define RUNS		6400u
#define TOKENS_LEAST	16u
/* A measurement on few tokens may be wrong by so much. */
#define RATIO_MAX	16.0

struct probing {
	struct ct_core *core;
	const struct ct_calibration *c;
	uint32_t n, vocab;
	/* the texts, and of the last as many tokens as make n */
	struct ct_seq *seq[CT_CALIBRATION_TEXTS];
	uint32_t tokens[CT_CALIBRATION_TEXTS];
	uint32_t texts;
	float *theta;		/* by linear */
	float *p;		/* [n][vocab]: probabilities */
	float *base, *logits;	/* [n][vocab] */
	double *divergence;	/* by row */
};

/* Sources are read anew, as the encoder's thresholds may be others. */
static int read_source(struct probing *s, struct ct_seq *seq, const uint32_t *tokens,
		       uint32_t n, struct ct_err *err)
{
	struct ct_source *source;
	int ret = ct_core_encode(s->core, tokens, n, NULL, NULL, &source, err);

	if (ret)
		return ret;
	ct_seq_attend(seq, source);
	ct_source_drop(source);
	return 0;
}

/* All texts, with the thresholds that there are now. */
static int run(struct probing *s, float *logits, struct ct_err *err)
{
	struct ct_step_row rows[CT_STEP_LOGITS] = { 0 };
	const uint32_t *at = s->c->first;
	uint32_t n = 0;
	int ret = 0;

	s->core->at.theta = s->theta;
	ct_core_build(s->core);
	for (uint32_t t = 0; t < s->texts && !ret; t++) {
		const struct ct_calibration_text *text = &s->c->text[t];

		ct_seq_truncate(s->seq[t], 0);
		if (text->n_source)
			ret = read_source(s, s->seq[t], at, text->n_source, err);
		at += text->n_source;
		for (uint32_t i = 0; i < s->tokens[t]; i++, n++)
			rows[n] = (struct ct_step_row){
				.seq = s->seq[t], .token = at[i],
				.logits = logits + (size_t)n * s->vocab,
			};
		at += text->n;
	}
	return ret ? ret : ct_core_step(s->core, rows, n, NULL, err);
}

static void probabilities(void *ctx, size_t r)
{
	const struct probing *s = ctx;
	const float *x = s->base + r * s->vocab;
	float *p = s->p + r * s->vocab, most = x[0];
	double sum = 0;

	for (uint32_t i = 1; i < s->vocab; i++)
		most = x[i] > most ? x[i] : most;
	for (uint32_t i = 0; i < s->vocab; i++) {
		p[i] = (float)ct_exp((double)(x[i] - most));
		sum += (double)p[i];
	}
	for (uint32_t i = 0; i < s->vocab; i++)
		p[i] = (float)((double)p[i] / sum);
}

static void diverge(void *ctx, size_t r)
{
	const struct probing *s = ctx;
	const float *x = s->base + r * s->vocab, *y = s->logits + r * s->vocab;
	const float *p = s->p + r * s->vocab;
	double mean = 0, square = 0;

	for (uint32_t i = 0; i < s->vocab; i++) {
		double d = (double)y[i] - (double)x[i];

		mean += (double)p[i] * d;
		square += (double)p[i] * d * d;
	}
	s->divergence[r] = (square - mean * mean) / 2;
}

static float threshold(const struct probing *s, size_t linear, unsigned int g)
{
	return ct_threshold_at(ct_calibration_rms(s->c, linear, false), g);
}

static int probe(struct probing *s, struct ct_threshold_points *points,
		 const struct ct_calibrate *how, struct ct_err *err)
{
	unsigned int threads = ct_load_threads(s->core);
	size_t n = s->c->n;
	int ret;

	for (size_t i = 0; i < n; i++)
		s->theta[i] = threshold(s, i, FINE);
	ret = run(s, s->base, err);
	ct_parallel(ret ? 0 : threads, ret ? 0 : s->n, probabilities, s);
	for (size_t i = 0; i < n && !ret; i++) {
		double sum = 0;

		s->theta[i] = threshold(s, i, CT_THRESHOLD_PROBE);
		ret = run(s, s->logits, err);
		s->theta[i] = threshold(s, i, FINE);
		if (ret)
			break;
		ct_parallel(threads, s->n, diverge, s);
		for (uint32_t r = 0; r < s->n; r++)
			sum += s->divergence[r];
		points[i].weight = points[i].probe > 0 ?
				   sum / s->n / points[i].probe : 0;
		if (how->progress && how->progress(how->arg, n + i + 1, 2 * n))
			ret = ct_fail(err, -ECANCELED,
				      "the search for thresholds was cancelled");
	}
	return ret;
}

/* None far from the geometric mean of all. */
static void limit(struct ct_threshold_points *points, size_t n)
{
	double sum = 0, mean;
	size_t some = 0;

	for (size_t i = 0; i < n; i++)
		if (points[i].weight > 0) {
			sum += log(points[i].weight);
			some++;
		}
	mean = some ? exp(sum / (double)some) : 1;
	for (size_t i = 0; i < n; i++) {
		double w = points[i].weight > 0 ? points[i].weight : 0;

		w = w < mean / RATIO_MAX ? mean / RATIO_MAX : w;
		points[i].weight = w > mean * RATIO_MAX ? mean * RATIO_MAX : w;
	}
}

/* As many of the texts as make @most tokens. */
static int open_texts(struct probing *s, uint32_t most, struct ct_err *err)
{
	int ret = 0;

	for (uint32_t t = 0; t < s->c->n_texts && s->n < most && !ret; t++) {
		uint32_t n = s->c->text[t].n;

		n = n < most - s->n ? n : most - s->n;
		n = n < s->core->context ? n : s->core->context;
		ret = ct_seq_open(s->core, &s->seq[t], err);
		if (ret)
			return ret;
		ct_seq_unshared(s->seq[t]);
		s->tokens[t] = n;
		s->n += n;
		s->texts++;
	}
	return ret;
}

static void close_probing(struct probing *s)
{
	for (uint32_t t = 0; t < s->texts; t++)
		ct_seq_close(s->seq[t]);
	free(s->theta);
	free(s->p);
	free(s->base);
	free(s->logits);
	free(s->divergence);
}

int ct_core_sensitivities(struct ct_core *core, const struct ct_calibration *c,
			  struct ct_threshold_points *points,
			  const struct ct_calibrate *how, struct ct_err *err)
{
	struct probing s = { .core = core, .c = c, .vocab = core->cfg.n_vocab };
	uint32_t most = (uint32_t)(RUNS / c->n);
	const float *theta = core->at.theta;
	size_t cells;
	int ret;

	most = most < TOKENS_LEAST ? TOKENS_LEAST : most;
	most = most < CT_CALIBRATION_FIRST ? most : CT_CALIBRATION_FIRST;
	ret = open_texts(&s, most, err);
	cells = (size_t)s.n * s.vocab;
	s.theta = calloc(c->n, sizeof(*s.theta));
	s.p = malloc(cells * sizeof(*s.p));
	s.base = malloc(cells * sizeof(*s.base));
	s.logits = malloc(cells * sizeof(*s.logits));
	s.divergence = malloc(s.n * sizeof(*s.divergence));
	if (!ret && !(s.theta && s.p && s.base && s.logits && s.divergence))
		ret = ct_fail(err, -ENOMEM, "out of memory");
	if (!ret) {
		ret = probe(&s, points, how, err);
		core->at.theta = theta;
		ct_core_build(core);
	}
	if (!ret)
		limit(points, c->n);
	close_probing(&s);
	return ret;
}
