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
#include "program/taps.h"

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
	struct ct_seq *seq;
	float *p;		/* [n][vocab]: probabilities */
	float *base, *logits;	/* [n][vocab] */
	double *divergence;	/* by row */
};

static int run(struct probing *s, float *logits, struct ct_err *err)
{
	struct ct_step_row rows[CT_STEP_LOGITS] = { 0 };

	for (uint32_t i = 0; i < s->n; i++)
		rows[i] = (struct ct_step_row){
			.seq = s->seq, .token = s->c->first[i],
			.logits = logits + (size_t)i * s->vocab,
		};
	ct_seq_truncate(s->seq, 0);
	return ct_core_step(s->core, rows, s->n, NULL, err);
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

static void set_threshold(struct ctrans_insn *i, double rms, unsigned int g)
{
	float theta = ct_threshold_at(rms, g);

	i->linear.theta_mode = CTRANS_THETA_STATIC;
	memcpy(&i->linear.theta_f32, &theta, sizeof(theta));
}

static int probe(struct probing *s, struct ct_threshold_points *points,
		 const struct ct_calibrate *how, struct ct_err *err)
{
	unsigned int threads = ct_load_threads(s->core);
	struct ctrans_insn *prog = s->core->prog;
	size_t n = s->core->n_insns, j = 0;
	int ret;

	for (size_t i = 0; i < n; i++)
		if (ct_insn_quantises(&prog[i]))
			set_threshold(&prog[i], ct_calibration_rms(s->c, j++, false),
				      FINE);
	ret = run(s, s->base, err);
	ct_parallel(ret ? 0 : threads, ret ? 0 : s->n, probabilities, s);
	j = 0;
	for (size_t i = 0; i < n && !ret; i++) {
		double rms, sum = 0;

		if (!ct_insn_quantises(&prog[i]))
			continue;
		rms = ct_calibration_rms(s->c, j, false);
		set_threshold(&prog[i], rms, CT_THRESHOLD_PROBE);
		ret = run(s, s->logits, err);
		set_threshold(&prog[i], rms, FINE);
		if (ret)
			break;
		ct_parallel(threads, s->n, diverge, s);
		for (uint32_t r = 0; r < s->n; r++)
			sum += s->divergence[r];
		points[j].weight = points[j].probe > 0 ?
				   sum / s->n / points[j].probe : 0;
		j++;
		if (how->progress && how->progress(how->arg, s->c->n + j, 2 * s->c->n))
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

int ct_core_sensitivities(struct ct_core *core, const struct ct_calibration *c,
			  struct ct_threshold_points *points,
			  const struct ct_calibrate *how, struct ct_err *err)
{
	struct probing s = { .core = core, .c = c, .vocab = core->cfg.n_vocab };
	uint32_t most = (uint32_t)(RUNS / c->n);
	size_t cells;
	int ret;

	most = most < TOKENS_LEAST ? TOKENS_LEAST : most;
	s.n = c->n_first < most ? c->n_first : most;
	s.n = s.n < core->context ? s.n : core->context;
	cells = (size_t)s.n * s.vocab;
	s.p = malloc(cells * sizeof(*s.p));
	s.base = malloc(cells * sizeof(*s.base));
	s.logits = malloc(cells * sizeof(*s.logits));
	s.divergence = malloc(s.n * sizeof(*s.divergence));
	ret = s.p && s.base && s.logits && s.divergence ?
	      ct_seq_open(core, &s.seq, err) : ct_fail(err, -ENOMEM, "out of memory");
	if (!ret) {
		ct_seq_unshared(s.seq);
		ret = probe(&s, points, how, err);
		ct_seq_close(s.seq);
		ct_core_build(core);
	}
	if (!ret)
		limit(points, c->n);
	free(s.p);
	free(s.base);
	free(s.logits);
	free(s.divergence);
	return ret;
}
