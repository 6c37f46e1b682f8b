// SPDX-License-Identifier: MIT
/*
 * The search for thresholds: what it chooses is not to be had cheaper, the noise it
 * goes by is what plain loops find, and threads do not matter.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/smooth.h"
#include "convert/threshold.h"
#include "convert/values.h"
#include "converted_help.h"
#include "engine/calibrate.h"
#include "model_help.h"
#include "program/taps.h"
#include "small_model.h"

#define LAYERS	3

static double frand(void)
{
	return (double)random() / 2147483648.0;
}

/* Energies go up, noise goes down; both with bumps. */
static void make_points(struct ct_threshold_points *p)
{
	double energy = frand(), noise = 1e-1;

	p->weight = 0.1 + frand();
	for (int g = 0; g < CT_THRESHOLD_GRID; g++) {
		energy *= 1.02 + 0.1 * frand();
		noise *= 0.7 + 0.2 * frand();
		p->energy[g] = energy * 1e12;
		p->noise[g] = noise;
	}
}

static double noise_of(const struct ct_threshold_points *p, const unsigned int *choice)
{
	double sum = 0, weights = 0;

	for (int i = 0; i < LAYERS; i++) {
		sum += p[i].weight * p[i].noise[choice[i]];
		weights += p[i].weight;
	}
	return sum / weights;
}

static double energy_of(const struct ct_threshold_points *p, const unsigned int *choice)
{
	double sum = 0;

	for (int i = 0; i < LAYERS; i++)
		sum += p[i].energy[choice[i]];
	return sum;
}

START_TEST(choice)
{
	for (int turn = 0; turn < 12; turn++) {
		struct ct_threshold_points p[LAYERS];
		unsigned int c[LAYERS], o[LAYERS];
		double db = 12 + 4 * turn % 24, noise, energy;

		for (int i = 0; i < LAYERS; i++)
			make_points(&p[i]);
		ct_thresholds_choose(p, LAYERS, db, c);
		noise = noise_of(p, c);
		energy = energy_of(p, c);
		ck_assert(noise <= pow(10, -db / 10));
		for (o[0] = 0; o[0] < CT_THRESHOLD_GRID; o[0]++)
			for (o[1] = 0; o[1] < CT_THRESHOLD_GRID; o[1]++)
				for (o[2] = 0; o[2] < CT_THRESHOLD_GRID; o[2]++)
					ck_assert(noise_of(p, o) > noise ||
						  energy_of(p, o) >= energy * (1 - 1e-9));
	}
}
END_TEST

/* Beyond what the grid has: its ends. */
START_TEST(ends)
{
	struct ct_threshold_points p[LAYERS];
	unsigned int c[LAYERS];

	for (int i = 0; i < LAYERS; i++)
		make_points(&p[i]);
	ct_thresholds_choose(p, LAYERS, 0, c);
	ck_assert(!c[0] && !c[1] && !c[2]);
	ct_thresholds_choose(p, LAYERS, 200, c);
	for (int i = 0; i < LAYERS; i++)
		ck_assert_uint_eq(c[i], CT_THRESHOLD_GRID - 1);
}
END_TEST

/* Dense, spiking, and an outlier unit that takes longer than the array. */
START_TEST(energy)
{
	struct ct_value_costs v = { .outlier = 50, .cycle = 1000, .group = 16 };
	struct ctrans_layer_profile p = { .n_in = 10, .n_out = 20, .rows = 2 };

	v.energy[3] = 2;
	v.cycles[3] = 0.25;
	v.energy[100] = 8;
	v.cycles[100] = 0.125;
	p.magnitude[0] = 9;
	p.magnitude[3] = 8;
	p.magnitude[100] = 1;
	/* (8 * 2 + 8) * 20 outputs, 2.125 cycles for each of two groups, two rows */
	ck_assert_double_eq_tol(ct_threshold_energy(&p, &v), (24 * 20 + 4250) / 2, 1e-9);
	p.outliers = 5;
	ck_assert_double_eq_tol(ct_threshold_energy(&p, &v),
				((24 + 250) * 20 + 10000) / 2, 1e-9);
}
END_TEST

static struct ct_core *open_small(const char *device)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	if (ct_core_open(small_model(), &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

static struct ct_calibration *observe(struct ct_core *core)
{
	const struct ct_calibrate how = { .tokens = 200 };
	struct ct_calibration *c;
	uint32_t ids[200];

	for (uint32_t i = 0; i < 200; i++)
		ids[i] = (i * i + 3 * i) % SMALL_VOCAB;
	MUST(!ct_core_observe_tokens(core, ids, 200, &how, &c, NULL));
	return c;
}

static void costs_of(const struct ct_core *core, struct ct_value_costs *v)
{
	struct ctrans_chip_costs chip;

	MUST(!ct_device_costs(core->dev, 2, &chip, NULL));
	ct_value_costs_of(&chip, v);
	ck_assert(v->energy[1] < v->energy[127] && v->energy[127] < v->outlier);
}

/* Among the layers the first time, or the second. */
static int stop(void *arg, uint64_t done, uint64_t total)
{
	ck_assert_uint_eq(total, 2 * 9);
	return done == *(const uint64_t *)arg;
}

/* The power of W x, with the weights that are packed there. */
static double power(const struct ct_core *core, const struct ctrans_insn_linear *l,
		    const float *x)
{
	const uint8_t *base = core->weights.cpu;
	const int8_t *w = (const int8_t *)(base + (l->weight_va - core->weights.va));
	const float *scale = (const float *)(base + (l->scale_va - core->weights.va));
	uint32_t quads = (l->n_in + 3) / 4;
	double sum = 0;

	for (uint32_t n = 0; n < l->n_out; n++) {
		double y = 0;

		for (uint32_t k = 0; k < l->n_in; k++)
			y += (double)x[k] * w[((size_t)(n / 16) * quads + k / 4) * 64 +
					      n % 16 * 4 + k % 4];
		sum += (double)scale[n] * (double)scale[n] * y * y;
	}
	return sum;
}

START_TEST(noise)
{
	struct ct_core *core = open_small("sim:threads=2");
	struct ct_calibration *c = observe(core);
	const struct ct_calibrate how = { 0 };
	struct ct_value_costs v;
	size_t j = 0;

	costs_of(core, &v);
	if (_i)
		MUST(!ct_core_smooth(core, c, 0.5f, NULL));
	MUST(!ct_core_search_thresholds(core, c, 30, &v, &how, NULL));
	for (size_t i = 0; i < core->n_insns; i++) {
		const struct ctrans_insn_linear *l = &core->prog[i].linear;
		const struct ct_calibration_layer *y = &c->layers[j];
		double lost = 0, all = 0;

		if (!ct_insn_quantises(&core->prog[i]))
			continue;
		ck_assert_int_eq(l->theta_mode, CTRANS_THETA_DYNAMIC);
		/* the samples that the search has: every so many of all */
		for (uint32_t r = 0; r < 64; r++) {
			uint32_t at = r * c->layers[0].n_samples / 64;
			const float *x = y->samples + (size_t)at * l->n_in;
			float e[128];
			int16_t a[128];

			ct_calibration_sample(y, at, e);
			ct_values_quantise(e, l->n_in, y->threshold, a);
			/* weights are multiplied by what inputs are divided by */
			for (uint32_t k = 0; k < l->n_in; k++)
				e[k] = (e[k] - y->threshold * (float)a[k]) *
				       (y->smoothing ? y->smoothing[k] : 1);
			lost += power(core, l, e);
			all += power(core, l, x);
		}
		ck_assert_double_eq_tol((double)y->snr_db, 10 * log10(all / lost), 0.1);
		j++;
	}
	ct_calibration_close(c);
	ct_core_close(core);
}
END_TEST

/* Factors, their mean and limits; who has some; and a model that is converted so. */
START_TEST(smoothing)
{
	struct ct_core *core = open_small("sim:threads=1");
	struct ct_calibration *c = observe(core);
	float max[4] = { 1, 16, 1, 0 }, weight[4] = { 1, 1, 4, 5 };
	struct ct_calibration_layer l = { .n_in = 4, .max = max };

	MUST(!ct_core_smooth(core, c, 0.5f, NULL));
	for (size_t i = 0; i < c->n; i++) {
		const struct ct_calibration_layer *y = &c->layers[i];
		bool can = y->kind == CTRANS_KIND_QKV || y->kind == CTRANS_KIND_FFN_UP ||
			   y->kind == CTRANS_KIND_PROJECTION;
		double sum = 0;

		ck_assert_int_eq(y->smoothing != NULL, can);
		for (uint32_t k = 0; k < y->n_in && can; k++)
			sum += log((double)y->smoothing[k]);
		ck_assert_double_eq_tol(sum, 0, 1e-3);
	}
	ct_calibration_close(c);
	ct_core_close(core);
	/* 4, 1/2 and 1 over their geometric mean, 2^(1/3); what is never seen keeps 1 */
	MUST(!ct_smooth_choose(&l, 0.5f, weight, NULL));
	ck_assert_double_eq_tol((double)l.smoothing[0], exp2(-1.0 / 3), 1e-6);
	ck_assert_double_eq_tol((double)l.smoothing[1], exp2(5.0 / 3), 1e-6);
	ck_assert_double_eq_tol((double)l.smoothing[2], exp2(-4.0 / 3), 1e-6);
	ck_assert(l.smoothing[3] == 1);
	max[1] = 1e30f;
	MUST(!ct_smooth_choose(&l, 1, weight, NULL));
	ck_assert(l.smoothing[1] == 32 && l.smoothing[0] == 1.0f / 32);
	free(l.smoothing);
}
END_TEST

static double score(const char *path)
{
	struct ctrans_model_params p;
	struct ctrans_score s;
	struct ctrans_model *m;
	uint32_t ids[64];

	for (uint32_t i = 0; i < 64; i++)
		ids[i] = 97 + i * i % 3;
	params_init(&p, "sim:threads=1");
	p.levels = 1000;
	MUST(!ctrans_model_open(path, &p, &m));
	MUST(!ctrans_score_tokens(m, ids, 64, 0, 0, NULL, NULL, &s, sizeof(s)));
	ctrans_model_close(m);
	return s.perplexity;
}

/* Norms, values and weights change together: the model is the same. */
START_TEST(smoothed_model)
{
	static const char text[] = "abcabcabcaabbccbacbacbaaabacabcabcab";
	struct ctrans_convert_params c;
	double want, have;

	tmp_make();
	want = score(data_path("hf_f16"));
	convert_params_init(&c);
	c.thresholds = "rms";
	c.levels = 1000;
	c.calibration = text;
	c.calibration_len = strlen(text);
	c.smooth = 0.8f;
	if (ctrans_convert(data_path("hf_f16"), &c, tmp_path("smooth.gguf")))
		ck_abort_msg("%s", ctrans_message());
	have = score(tmp_path("smooth.gguf"));
	ck_assert(have != want);
	ck_assert_double_eq_tol(have / want, 1, 0.01);
	tmp_remove();
}
END_TEST

START_TEST(search)
{
	struct ct_calibration *c[2];
	uint64_t at;
	const struct ct_calibrate how = { 0 }, stopping = { .progress = stop, .arg = &at };
	struct ct_value_costs v;

	for (int t = 0; t < 2; t++) {
		struct ct_core *core = open_small(t ? "sim:threads=3" : "sim:threads=1");
		float quiet = 0, loud = 0;

		costs_of(core, &v);
		c[t] = observe(core);
		for (at = 2; at < 18; at += 10)
			ck_assert_int_eq(ct_core_search_thresholds(core, c[t], 25, &v,
								   &stopping, NULL),
					 -ECANCELED);
		MUST(!ct_core_search_thresholds(core, c[t], 25, &v, &how, NULL));
		for (size_t i = 0; i < c[t]->n; i++)
			loud += c[t]->layers[i].snr_db;
		MUST(!ct_core_search_thresholds(core, c[t], 40, &v, &how, NULL));
		for (size_t i = 0; i < c[t]->n; i++)
			quiet += c[t]->layers[i].snr_db;
		ck_assert(quiet > loud + 5 * (float)c[t]->n);
		MUST(!ct_core_take_thresholds(core, c[t], NULL));
		for (size_t i = 0; i < c[t]->n; i++) {
			ck_assert(core->theta[i] == c[t]->layers[i].threshold);
			ck_assert(core->profiles[i].threshold == core->theta[i]);
			ck_assert_uint_eq(core->profiles[i].rows, 200);
		}
		ct_core_close(core);
	}
	for (size_t i = 0; i < c[0]->n; i++)
		ck_assert(c[0]->layers[i].threshold == c[1]->layers[i].threshold);
	ct_calibration_close(c[0]);
	ct_calibration_close(c[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("thresholds");
	TCase *t = tcase_create("search");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, choice);
	tcase_add_test(t, ends);
	tcase_add_test(t, energy);
	tcase_add_loop_test(t, noise, 0, 2);
	tcase_add_test(t, smoothing);
	tcase_add_test(t, smoothed_model);
	tcase_add_test(t, search);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
