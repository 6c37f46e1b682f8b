// SPDX-License-Identifier: MIT
/*
 * The cost model against the chip's own accounts: steps of whole models, estimated
 * from the profile of the tokens that are then run. And the operating points that
 * are chosen by it.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dispatch/cost.h"
#include "dispatch/estimate.h"
#include "dispatch/point.h"
#include "engine/core_impl.h"
#include "engine/dispatch.h"
#include "engine/model.h"

#define MODEL		TEST_DATA_DIR "/../../models/demo"
#define LINEARS_MAX	64u
#define MANY		96u

static const struct {
	const char *policy, *code;
	uint32_t flip;
} ways[] = {
	{ "dnn", "radix", 0 }, { "snn", "radix", 0 }, { "snn", "naf", 0 },
	{ "fine", "radix", 0 }, { "fine", "radix", 1 }, { "fine", "naf", 0 },
	{ "fine", "rate", 0 }, { "fine", "rate", 1 }, { "snn", "rate", 1 },
	{ "tile", "rate", 0 }, { "tile", "radix", 1 }, { "static", "rate", 1 },
};
#define N_WAYS	(sizeof(ways) / sizeof(ways[0]))

static struct ctrans_model *open_way(size_t i, const char *path, const char *device)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	p.policy = ways[i].policy;
	p.code = ways[i].code;
	p.flip = ways[i].flip;
	p.flags = CTRANS_MODEL_NO_SHARING;
	ck_assert_msg(!ctrans_model_open(path, &p, &model), "%s", ctrans_message());
	return model;
}

/* What the chip says of @n tokens from position 0 in one step. */
static void run(struct ctrans_model *model, const uint32_t *tokens, uint32_t n,
		struct ctrans_cost kind[CTRANS_KINDS])
{
	struct ctrans_model_info info;
	struct ctrans_session *s;
	struct ctrans_usage usage;
	float *logits;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	logits = malloc(info.vocab * sizeof(*logits));
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_eval(s, tokens, n, logits), 0);
	ck_assert_int_eq(ctrans_session_usage(s, &usage, sizeof(usage)), 0);
	memcpy(kind, usage.kind, sizeof(usage.kind));
	ctrans_session_close(s);
	free(logits);
}

/* What the cost model says, from what the tokens are known to give. */
static void estimate(struct ctrans_model *model, const uint32_t *tokens, uint32_t n,
		     struct ctrans_layer_cost kind[CTRANS_KINDS])
{
	const struct ct_estimate_step step = { .rows = n, .logits = 1 };
	struct ctrans_layer_profile profiles[LINEARS_MAX] = { { .size =
						sizeof(profiles[0]) } };
	const struct ct_core *core = model->core;
	struct ctrans_layer_cost *cost = calloc(core->n_insns, sizeof(*cost));
	struct ctrans_chip_costs costs;
	struct ct_err err;
	size_t n_linears;

	ck_assert_msg(!ctrans_profile_tokens(model, tokens, n, profiles, LINEARS_MAX,
					     &n_linears), "%s", ctrans_message());
	ck_assert_int_eq(ctrans_model_costs(model, &costs, sizeof(costs)), 0);
	ck_assert_int_eq(ct_estimate(&costs, core->prog, core->n_insns, profiles, &step,
				     cost, &err), 0);
	memset(kind, 0, CTRANS_KINDS * sizeof(*kind));
	for (size_t i = 0; i < core->n_insns; i++)
		ct_estimate_add(&kind[ct_tag_kind(core->prog[i].tag)], &cost[i]);
	free(cost);
}

static size_t way;
static const char *where;

static void near(const char *what, double is, uint64_t want, double share, double few)
{
	ck_assert_msg(fabs(is - (double)want) <= (double)want * share + few,
		      "%s %s%s, %s, %s: estimated %.1f, counted %llu", ways[way].policy,
		      ways[way].code, ways[way].flip ? " flipped" : "", where, what, is,
		      (unsigned long long)want);
}

static void compare(const struct ctrans_layer_cost *is, const struct ctrans_cost *want,
		    double share, double few)
{
	near("zero", is->values_zero, want->values_zero, share, few);
	near("dense", is->values_dense, want->values_dense, share, few);
	near("spiking", is->values_spiking, want->values_spiking, share, few);
	near("outlier", is->values_outlier, want->values_outlier, share, few);
	near("spikes", is->spikes, want->spikes, share, few);
	near("cycles", is->cycles, want->cycles, share, few);
	near("computing", is->cycles_compute, want->cycles_compute, share, few);
	near("external", is->cycles_external, want->cycles_external, share, few);
	near("waiting", is->cycles_stall, want->cycles_stall, share, few);
	near("dense fJ", is->dense_fj, want->dense_fj, share, few);
	near("spiking fJ", is->spiking_fj, want->spiking_fj, share, few);
	near("outlier fJ", is->outlier_fj, want->outlier_fj, share, few);
	near("vector fJ", is->vector_fj, want->vector_fj, share, few);
	near("SRAM fJ", is->sram_fj, want->sram_fj, share, few);
	near("external fJ", is->external_fj, want->external_fj, share, few);
	near("static fJ", is->static_fj, want->static_fj, share, few);
}

/* @beside: what the embedding's energy may be beside the mean of a token's. */
static void same(struct ctrans_model *model, uint32_t token, double beside)
{
	struct ctrans_layer_cost is[CTRANS_KINDS];
	struct ctrans_cost want[CTRANS_KINDS];

	run(model, &token, 1, want);
	estimate(model, &token, 1, is);
	for (int k = 0; k < CTRANS_KINDS; k++) {
		where = ctrans_kind_name((enum ctrans_kind)k);
		/* a femtojoule each for a few domains and layers */
		compare(&is[k], &want[k], 1e-9, k == CTRANS_KIND_EMBED && beside > 0 ?
						beside : 30);
	}
}

/* Of one row all is known: the same figures, but for what rounding leaves. */
START_TEST(one_row)
{
	struct ctrans_model *model = open_way((size_t)_i, MODEL, "sim:threads=1");

	way = (size_t)_i;
	/* where in a row its values lie is not in a profile */
	if (strcmp(ways[way].policy, "tile"))
		for (uint32_t token = 5; token < 2000; token += 700)
			same(model, token, 0);
	ctrans_model_close(model);
}
END_TEST

/*
 * A text to convert with, short: conversion itself is tested elsewhere. What is
 * known of it the policy is told; its compressed weights are what a step reads.
 */
static const char text[] =
	"Once upon a time there was a little fox who lived in the forest. The fox "
	"wanted to see the sea, and one day he went to find it. On the way he met a "
	"bird. \"Where are you going?\" asked the bird. \"To the sea,\" said the fox.";

static int knows(void *arg, const struct ctrans_layer_profile *profile,
		 const struct ctrans_chip_costs *costs,
		 const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	unsigned int *known = arg;
	uint64_t values = profile->outliers;

	(void)costs;
	(void)goal;
	for (int m = 0; m < 128; m++)
		values += profile->magnitude[m];
	ck_assert_uint_gt(profile->rows, 0);
	ck_assert_uint_eq(values, profile->rows * profile->n_in);
	ck_assert_float_gt(profile->threshold, 0);
	out->spike_mask[0] = ~1ull;
	++*known;
	return 0;
}

START_TEST(converted)
{
	char path[] = "/tmp/ctrans_estimate_XXXXXX";
	unsigned int known = 0;
	const struct ctrans_policy own = { .size = sizeof(own), .name = "knows",
					   .linear = knows, .arg = &known };
	struct ctrans_convert_params c;
	struct ctrans_model_params p;
	struct ctrans_model_info info;
	struct ctrans_model *model;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ctrans_convert_params_init(&c, sizeof(c));
	c.calibration = text;
	c.calibration_len = strlen(text);
	c.correct = 0;
	ck_assert_msg(!ctrans_convert(MODEL, &c, path), "%s", ctrans_message());
	ctrans_model_params_init(&p, sizeof(p));
	p.dispatch = &own;
	ck_assert_msg(!ctrans_model_open(path, &p, &model), "%s", ctrans_message());
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_uint_eq(known, 4 * info.layers + 1);
	ctrans_model_close(model);

	way = (size_t)_i;
	model = open_way(way, path, "sim:threads=1");
	/* a column of the embedding has its own length, and the mean is not it */
	same(model, 30, 1e6);
	ctrans_model_close(model);
	unlink(path);
}
END_TEST

/* Of many, their mean: energies are linear in it, and cycles nearly so. */
START_TEST(many_rows)
{
	struct ctrans_model *model = open_way((size_t)_i, MODEL,
					      _i & 1 ? "sim:opp=4" : "sim:opp=0");
	bool units = !strcmp(ways[_i].policy, "tile");
	struct ctrans_layer_cost is[CTRANS_KINDS], sum = { 0 };
	struct ctrans_cost want[CTRANS_KINDS], all = { 0 };
	uint32_t tokens[MANY];
	double share;

	way = (size_t)_i;
	for (uint32_t i = 0; i < MANY; i++)
		tokens[i] = i * i * 7 % 2000;
	run(model, tokens, MANY, want);
	/* the head's profile is of every token, its cost of the last */
	memset(&want[CTRANS_KIND_HEAD], 0, sizeof(want[0]));
	estimate(model, tokens, MANY, is);
	for (int k = 0; k < CTRANS_KIND_HEAD; k++) {
		ct_cost_add(&all, &want[k]);
		ct_estimate_add(&sum, &is[k]);
	}
	where = "all";
	if (units) {
		/* values lie anywhere only as far as is known here */
		near("spiking", sum.values_spiking, all.values_spiking, 0.1,
		     0.02 * (double)(all.values_spiking + all.values_dense));
		near("energy", ct_cost_energy(&sum), ctrans_cost_energy_fj(&all), 0.03, 0);
	} else {
		near("energy", ct_cost_energy(&sum), ctrans_cost_energy_fj(&all), 1e-3, 0);
		near("dense fJ", sum.dense_fj, all.dense_fj, 1e-6, 1e3);
		near("outlier fJ", sum.outlier_fj, all.outlier_fj, 1e-6, 1e3);
		near("spiking fJ", sum.spiking_fj, all.spiking_fj, 0.02, 1e3);
		near("SRAM fJ", sum.sram_fj, all.sram_fj, 1e-4, 1e3);
		near("spikes", sum.spikes, all.spikes, 1e-9, 1);
		/* timesteps that are all but empty, in some rows: the rate code's */
		share = strcmp(ways[way].code, "rate") ? 0.02 : 0.05;
		near("computing", sum.cycles_compute, all.cycles_compute, share, 0);
		near("cycles", sum.cycles, all.cycles, share, 0);
	}
	near("external fJ", sum.external_fj, all.external_fj, 1e-6, 1e3);
	near("zero", sum.values_zero, all.values_zero, 1e-9, 1);
	ctrans_model_close(model);
}
END_TEST

/* ---- Operating points -------------------------------------------------- */

static const struct ct_point points[] = {
	{ 0.7, 50, 4e-3, 4e-4 }, { 0.8, 100, 2e-3, 5e-4 }, { 0.9, 150, 1.5e-3, 6e-4 },
	{ 1.0, 200, 1.4e-3, 8e-4 }, { 1.1, 250, 1.4e-3, 9e-4 },
};

START_TEST(choices)
{
	static const struct {
		double watts, deadline;
		int want;		/* -1: none */
		const char *words;
	} t[] = {
		/* 0.1, 0.25, 0.4, 0.57 and 0.64 W */
		{ 0.4, 0, 2, "" }, { 0.3, 0, 1, "" }, { 0.1, 0, 0, "" },
		/* the last two are as fast as each other */
		{ 10, 0, 3, "" },
		{ 0, 1, 0, "" }, { 0, 3e-3, 1, "" }, { 0, 1.4e-3, 3, "" },
		{ 0.6, 1.45e-3, 3, "" },
		{ 0.09, 0, -1, "below 0.09 W: the nearest is 0 (0.7 V, 50.0 MHz) with 0.1 W" },
		{ 0, 1e-3, -1, "in 1 ms: the nearest is 3" },
		{ 0.3, 1.4e-3, -1, "in 1.4 ms below 0.3 W: the nearest is 2" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ct_err err = { 0 };
		unsigned int best = 99;
		int ret = ct_point_choose(points, 5, t[i].watts, t[i].deadline, &best,
					  &err);

		if (t[i].want >= 0) {
			ck_assert_msg(!ret && best == (unsigned int)t[i].want,
				      "case %zu: point %u", i, best);
			continue;
		}
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_msg(strstr(err.msg, t[i].words), "%s", err.msg);
	}
}
END_TEST

static int open_limits(const char *device, float watts, float deadline, uint32_t flags,
		       struct ctrans_model **model)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	p.power_cap = watts;
	p.deadline = deadline;
	p.flags = flags;
	return ctrans_model_open(MODEL, &p, model);
}

/* What is chosen is what the device then runs at, and it keeps the limit. */
START_TEST(limits)
{
	struct ctrans_model_info info;
	struct ctrans_usage usage;
	struct ctrans_generate_params g;
	struct ctrans_model *model;
	struct ctrans_result *r;
	double watts;

	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = 4;
	/* between the first point and the last; 0.109 W is the least */
	ck_assert_int_eq(open_limits("sim:threads=1", 0.12f, 0, 0, &model), 0);
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_int_eq(ctrans_generate(model, "Once", &g, &r), 0);
	usage = r->usage;
	watts = (double)(ctrans_cost_energy_fj(&usage.decode)) * 1e-15 /
		((double)usage.decode.cycles / (info.device.khz * 1e3));
	ck_assert_double_le(watts, 0.12);
	ctrans_result_free(r);
	ctrans_model_close(model);

	ck_assert_int_eq(open_limits("sim", 0, 1, 0, &model), 0);
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.device.mv, 700);
	ck_assert_ptr_nonnull(strstr(info.device.name, "opp=0"));
	ctrans_model_close(model);

	ck_assert_int_eq(open_limits("sim", 0, 1e-6f, 0, &model), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "nearest is 4"));
	ck_assert_int_eq(open_limits("sim:opp=2", 1, 0, 0, &model), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "leave out one"));
	ck_assert_int_eq(open_limits("sim", 1, 0, CTRANS_MODEL_F32, &model), -EINVAL);
	ck_assert_int_eq(open_limits("sim", -1, 0, 0, &model), -EINVAL);
	ck_assert_int_eq(open_limits("sim", 0, NAN, 0, &model), -EINVAL);
	ck_assert_int_eq(open_limits("sim", 0, INFINITY, 0, &model), -EINVAL);
}
END_TEST

/* ---- What a device has -------------------------------------------------- */

/* The linker's names for the function it wraps. */
void __real_ct_device_info(const struct ct_device *dev, struct ct_device_info *info);
void __wrap_ct_device_info(const struct ct_device *dev, struct ct_device_info *info);

static uint32_t missing;	/* CTRANS_CAP_* that devices do not have */

void __wrap_ct_device_info(const struct ct_device *dev, struct ct_device_info *info)
{
	__real_ct_device_info(dev, info);
	info->caps &= ~missing;
}

START_TEST(capabilities)
{
	static const struct {
		const char *policy, *code;
		uint32_t flip, cap;
		const char *words;
	} t[] = {
		{ "snn", "rate", 0, CTRANS_CAP_RATE, "\"rate\": device sim" },
		{ "fine", "naf", 0, CTRANS_CAP_NAF, "\"naf\": device sim" },
		{ "fine", "radix", 1, CTRANS_CAP_FLIP, "flipping" },
		{ "tile", "radix", 0, CTRANS_CAP_UNIT, "work unit" },
	};
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.policy = t[_i].policy;
	p.code = t[_i].code;
	p.flip = t[_i].flip;
	missing = t[_i].cap;
	ck_assert_int_eq(ctrans_model_open(MODEL, &p, &model), -ENOTSUP);
	ck_assert_msg(strstr(ctrans_message(), t[_i].words), "%s", ctrans_message());
	missing = 0;
	ck_assert_int_eq(ctrans_model_open(MODEL, &p, &model), 0);
	ctrans_model_close(model);
}
END_TEST

/* Found out before anything is put into device memory. */
START_TEST(compressed_weights)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.weights = "esc";
	missing = CTRANS_CAP_ESC;
	ck_assert_int_eq(ctrans_model_open("shape:gpt2", &p, &model), -ENOTSUP);
	missing = 0;
	ck_assert_msg(strstr(ctrans_message(), "--weights s8"), "%s", ctrans_message());
	/* of a model's files conversion has decided */
	ck_assert_int_eq(ctrans_model_open(MODEL, &p, &model), -EINVAL);
	p.weights = "s9";
	ck_assert_int_eq(ctrans_model_open("shape:gpt2", &p, &model), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("estimate");
	TCase *t = tcase_create("estimate");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, one_row, 0, (int)N_WAYS);
	tcase_add_loop_test(t, many_rows, 0, (int)N_WAYS);
	tcase_add_loop_test(t, converted, 3, 6);
	tcase_add_test(t, choices);
	tcase_add_test(t, limits);
	tcase_add_loop_test(t, capabilities, 0, 4);
	tcase_add_test(t, compressed_weights);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
