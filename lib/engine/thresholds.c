// SPDX-License-Identifier: MIT
/*
 * Firing thresholds by search: each layer's samples at each threshold of a grid,
 * through its own weights on the chip.
 *
 * What quantisation does to an output is the product of what it does to the
 * inputs: y(x) - y(a * theta) = W (x - a * theta). So the error itself goes through
 * the layer, as finely quantised as the array can, and its power is the noise.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "convert/threshold.h"
#include "convert/values.h"
#include "engine/calibrate.h"
#include "engine/load.h"
#include "engine/taps.h"

/* Samples that are tried; a step of them for each threshold. */
#define ROWS		64u
/* Outputs of the widest layer that are kept at a time. */
#define STRIDE(n)	(((n) + 15u) / 16u * 16u)

struct search {
	struct ct_core *core;
	struct ct_calibration *c;
	const struct ct_value_costs *costs;
	uint32_t most;			/* rows of any layer */
	struct ct_seq *seq;
	struct ctrans_insn *linears;	/* as they are in the model's programs */
	struct ct_buf_dev buf;		/* inputs, outputs, one instruction */
	float *in, *out;
	uint64_t in_va, out_va, insn_va;
	struct ctrans_insn *insn;

	/* the layer at hand */
	const struct ct_calibration_layer *l;
	uint32_t rows;
	float theta;
	bool smoothed;
	int16_t *a;
	double *power;			/* by row */
};

/* Spread over the text as all of them are. */
static uint32_t sample(const struct search *s, uint32_t r)
{
	return (uint32_t)((uint64_t)r * s->l->n_samples / s->rows);
}

static uint32_t rows_of(const struct ct_calibration_layer *l)
{
	return l->n_samples < ROWS ? l->n_samples : ROWS;
}

static int open_search(struct search *s, struct ct_err *err)
{
	uint32_t n_in = 0, n_out = 0;
	uint64_t in, out;
	int ret;

	for (size_t i = 0; i < s->c->n; i++) {
		const struct ct_calibration_layer *l = &s->c->layers[i];

		s->most = rows_of(l) > s->most ? rows_of(l) : s->most;
		n_in = l->n_in > n_in ? l->n_in : n_in;
		n_out = l->n_out > n_out ? l->n_out : n_out;
	}
	in = 4ull * s->most * STRIDE(n_in);
	out = 4ull * s->most * STRIDE(n_out);
	s->a = malloc((size_t)s->most * n_in * sizeof(*s->a));
	s->power = malloc(s->most * sizeof(*s->power));
	s->linears = calloc(s->c->n, sizeof(*s->linears));
	if (!s->a || !s->power || !s->linears)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_core_linears(s->core, s->linears, err);
	if (!ret)
		ret = ct_device_alloc(s->core->dev, in + out + sizeof(*s->insn), &s->buf,
				      err);
	if (!ret)
		ret = ct_seq_open(s->core, &s->seq, err);
	if (ret)
		return ret;
	s->in = s->buf.cpu;
	s->out = (float *)((uint8_t *)s->buf.cpu + in);
	s->insn = (struct ctrans_insn *)((uint8_t *)s->out + out);
	s->in_va = s->buf.va;
	s->out_va = s->in_va + in;
	s->insn_va = s->out_va + out;
	return 0;
}

static void close_search(struct search *s)
{
	if (s->seq)
		ct_seq_close(s->seq);
	ct_device_free(s->core->dev, &s->buf);
	free(s->linears);
	free(s->a);
	free(s->power);
}

static void row_power(void *ctx, size_t r)
{
	const struct search *s = ctx;
	const float *y = s->out + r * STRIDE(s->l->n_out);
	double part[8] = { 0 };

	for (uint32_t j = 0; j < s->l->n_out; j++)
		part[j % 8] += (double)y[j] * (double)y[j];
	s->power[r] = ((part[0] + part[1]) + (part[2] + part[3])) +
		      ((part[4] + part[5]) + (part[6] + part[7]));
}

/* The power of W in, a bias and an activation left out. */
static int through(struct search *s, const struct ctrans_insn *linear, float theta,
		   double *power, struct ct_err *err)
{
	struct ct_step_row rows[ROWS] = { 0 };
	struct ctrans_insn_linear *l = &s->insn->linear;
	int ret;

	*s->insn = ct_tap_sum(linear, s->out_va, 4 * STRIDE(s->l->n_out));
	l->in_va = s->in_va;
	l->in_stride = 4 * STRIDE(s->l->n_in);
	l->bias_va = 0;
	l->theta_mode = CTRANS_THETA_STATIC;
	memcpy(&l->theta_f32, &theta, sizeof(theta));
	for (uint32_t r = 0; r < s->rows; r++)
		rows[r].seq = s->seq;
	pthread_mutex_lock(&s->core->lock);
	ret = ct_core_run(s->core, s->insn_va, 1, rows, s->rows, false, err);
	pthread_mutex_unlock(&s->core->lock);
	if (ret)
		return ret;
	ct_parallel(ct_load_threads(s->core), s->rows, row_power, s);
	*power = 0;
	for (uint32_t r = 0; r < s->rows; r++)
		*power += s->power[r];
	return 0;
}

/*
 * What is lost of a sample at the threshold, by weights as they are: smoothing would
 * multiply them by what it divides inputs by.
 */
static void lose(void *ctx, size_t r)
{
	const struct search *s = ctx;
	const struct ct_calibration_layer *l = s->l;
	const float *by = s->smoothed ? l->smoothing : NULL;
	const float *x = l->samples + (size_t)sample(s, (uint32_t)r) * l->n_in;
	float *in = s->in + r * STRIDE(l->n_in);
	int16_t *a = s->a + r * l->n_in;

	if (by)
		ct_calibration_sample(l, sample(s, (uint32_t)r), in);
	else
		memcpy(in, x, l->n_in * sizeof(*in));
	ct_values_quantise(in, l->n_in, s->theta, a);
	for (uint32_t k = 0; k < l->n_in; k++) {
		in[k] -= s->theta * (float)a[k];
		in[k] *= by ? by[k] : 1.0f;
	}
}

/* The threshold of an error that is at most half of @theta, times smoothing. */
static float error_theta(const struct search *s)
{
	float most = 0;

	for (uint32_t k = 0; k < s->l->n_in && s->smoothed; k++)
		most = s->l->smoothing[k] > most ? s->l->smoothing[k] : most;
	return s->theta / (2 * CT_ARRAY_MAX) * (s->smoothed ? most : 1.0f);
}

/* The power of what is lost at a threshold. */
static int lost(struct search *s, const struct ctrans_insn *linear, float theta,
		double *power, struct ct_err *err)
{
	s->theta = ct_values_theta(NULL, 0, theta, false);
	ct_parallel(ct_load_threads(s->core), s->rows, lose, s);
	return through(s, linear, error_theta(s), power, err);
}

static double energy_of(struct search *s)
{
	struct ctrans_layer_profile p = { .n_in = s->l->n_in, .n_out = s->l->n_out };

	for (uint32_t r = 0; r < s->rows; r++)
		ct_values_count(s->a + (size_t)r * s->l->n_in, s->l->n_in, 0, &p);
	return ct_threshold_energy(&p, s->costs);
}

static int try_layer(struct search *s, const struct ctrans_insn *linear, size_t i,
		     struct ct_threshold_points *p, struct ct_err *err)
{
	double plain = ct_calibration_rms(s->c, i, false), signal = 0;
	double rms = ct_calibration_rms(s->c, i, true);
	int ret;

	s->l = &s->c->layers[i];
	s->rows = rows_of(s->l);
	s->smoothed = false;
	for (uint32_t r = 0; r < s->rows; r++)
		memcpy(s->in + (size_t)r * STRIDE(s->l->n_in),
		       s->l->samples + (size_t)sample(s, r) * s->l->n_in,
		       s->l->n_in * sizeof(float));
	ret = through(s, linear, ct_threshold_at(plain, CT_THRESHOLD_GRID / 2), &signal,
		      err);
	if (!ret)
		ret = lost(s, linear, ct_threshold_at(plain, CT_THRESHOLD_PROBE),
			   &p->probe, err);
	s->smoothed = s->l->smoothing;
	for (unsigned int g = 0; g < CT_THRESHOLD_GRID && !ret; g++) {
		ret = lost(s, linear, ct_threshold_at(rms, g), &p->noise[g], err);
		p->energy[g] = energy_of(s);
		/* of nothing there is no noise */
		p->noise[g] = signal > 0 ? p->noise[g] / signal : 0;
	}
	p->probe = signal > 0 ? p->probe / signal : 0;
	return ret;
}

static int try_all(struct search *s, struct ct_threshold_points *p,
		   const struct ct_calibrate *how, struct ct_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < s->c->n && !ret; i++) {
		ret = try_layer(s, &s->linears[i], i, &p[i], err);
		if (!ret && how->progress && how->progress(how->arg, i + 1, 2 * s->c->n))
			ret = ct_fail(err, -ECANCELED,
				      "the search for thresholds was cancelled");
	}
	return ret;
}

int ct_core_search_thresholds(struct ct_core *core, struct ct_calibration *c,
			      double noise_db, const struct ct_value_costs *costs,
			      const struct ct_calibrate *how, struct ct_err *err)
{
	struct search s = { .core = core, .c = c, .costs = costs };
	struct ct_threshold_points *p = calloc(c->n, sizeof(*p));
	unsigned int *choice = calloc(c->n, sizeof(*choice));
	int ret = p && choice ? open_search(&s, err) :
				ct_fail(err, -ENOMEM, "out of memory");

	if (!ret)
		ret = try_all(&s, p, how, err);
	if (!ret)
		ret = ct_core_sensitivities(core, c, p, how, err);
	if (!ret)
		ct_thresholds_choose(p, c->n, noise_db, choice);
	for (size_t i = 0; i < c->n && !ret; i++) {
		double noise = p[i].noise[choice[i]];

		c->layers[i].threshold = ct_threshold_at(ct_calibration_rms(c, i, true),
							 choice[i]);
		c->layers[i].snr_db = noise > 0 ? (float)(-10 * log10(noise)) : NAN;
	}
	close_search(&s);
	free(choice);
	free(p);
	return ret;
}

void ct_value_costs_of(const struct ctrans_chip_costs *chip,
		       struct ct_value_costs *costs)
{
	/* a spike's share of a cycle, and a product's */
	double row = 1.0 / chip->rows, spike = row / chip->spikes_per_cycle;

	*costs = (struct ct_value_costs){
		.outlier = (double)chip->mac16_aj,
		/* uW over kHz are nJ */
		.cycle = 1e9 * (double)chip->leak_uw / chip->khz,
		.group = chip->cores * chip->cols,
	};
	for (unsigned int m = 1; m < 128; m++) {
		unsigned int spikes = (unsigned int)__builtin_popcount(m);

		costs->energy[m] = (double)chip->mac8_aj;
		costs->cycles[m] = row;
		if (spikes * chip->spike_aj < chip->mac8_aj) {
			costs->energy[m] = (double)(spikes * chip->spike_aj);
			costs->cycles[m] = spikes * spike;
		}
	}
}
