// SPDX-License-Identifier: MIT
/*
 * A researcher's policy, of a page, by the public API alone; and what the library
 * says of one that is wrong. That results never change with any policy is
 * test_whole.c's.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ctrans.h>

#define MODEL	TEST_DATA_DIR "/../../models/demo"

/*
 * ---- The policy: for each layer the number of spikes up to which values spike that
 * costs least, in every code the chip has, by the library's cost model; and what it
 * came to.
 */
struct search {
	unsigned int layers;
	double joules;		/* modelled, in the arrays, of one row */
};

static double energy(const struct ctrans_layer_cost *c)
{
	return (c->dense_fj + c->spiking_fj + c->outlier_fj) * 1e-15;
}

static int cheapest(void *arg, const struct ctrans_layer_profile *profile,
		    const struct ctrans_chip_costs *costs,
		    const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	struct search *search = arg;
	double least = INFINITY;

	for (uint32_t code = CTRANS_SPIKES_RATE; code <= CTRANS_SPIKES_NAF; code++) {
		struct ctrans_dispatch d = { .size = sizeof(d), .code = code };

		for (unsigned int spikes = 0; spikes < 16; spikes++) {
			struct ctrans_layer_cost cost;
			int ret;

			for (unsigned int m = 1; m < 128; m++)
				if (ctrans_spikes(code, 0, m) == spikes)
					d.spike_mask[m / 64] |= 1ull << m % 64;
			ret = ctrans_layer_cost(profile, costs, &d, goal->rows, &cost,
						sizeof(cost));
			if (ret)
				return ret;
			if (energy(&cost) >= least)
				continue;
			least = energy(&cost);
			*out = d;
		}
	}
	search->layers++;
	search->joules += least;
	return 0;
}
/* ---- */

static struct ctrans_model *open_with(const char *policy, const char *code,
				      const struct ctrans_policy *own)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.policy = policy;
	p.code = code;
	p.dispatch = own;
	ck_assert_msg(!ctrans_model_open(MODEL, &p, &model), "%s", ctrans_message());
	return model;
}

struct outcome {
	char *text;
	double joules;		/* in the arrays, as counted */
	uint64_t dense, spiking;
};

static struct outcome tell(struct ctrans_model *model)
{
	struct ctrans_generate_params g;
	struct ctrans_result *r;
	struct outcome o;

	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = 24;
	ck_assert_int_eq(ctrans_generate(model, "Once upon a time", &g, &r), 0);
	o = (struct outcome){
		.text = strdup(r->text),
		.joules = (double)(r->usage.decode.dense_fj + r->usage.decode.spiking_fj +
				   r->usage.decode.outlier_fj) * 1e-15,
		.dense = r->usage.decode.values_dense,
		.spiking = r->usage.decode.values_spiking,
	};
	ctrans_result_free(r);
	ctrans_model_close(model);
	return o;
}

START_TEST(research)
{
	struct search search = { 0 };
	const struct ctrans_policy mine = {
		.size = sizeof(mine), .name = "cheapest", .linear = cheapest,
		.arg = &search,
	};
	struct ctrans_model_info info;
	struct ctrans_model *model = open_with("dnn", NULL, &mine);
	struct outcome own, dnn, radix;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.policy, "cheapest");
	ck_assert_uint_eq(search.layers, 4 * info.layers + 1);
	own = tell(model);
	dnn = tell(open_with("dnn", NULL, NULL));
	radix = tell(open_with("fine", "radix", NULL));
	ck_assert_str_eq(own.text, dnn.text);
	ck_assert_str_eq(own.text, radix.text);
	/* having every code to choose from, it can only be better */
	ck_assert_double_lt(own.joules, radix.joules);
	ck_assert_double_lt(radix.joules, dnn.joules);
	ck_assert_uint_eq(dnn.spiking, 0);
	ck_assert_uint_eq(own.dense + own.spiking, dnn.dense);
	/* 23 steps of one row; the text is not as what was assumed of it */
	ck_assert_double_eq_tol(own.joules / 23 / search.joules, 1, 0.25);
	free(own.text);
	free(dnn.text);
	free(radix.text);
}
END_TEST

/* ---- What is refused ---------------------------------------------------- */

static struct ctrans_dispatch answer;
static int answer_ret;
static unsigned int asked, good;	/* the first so many answers are */

static int wrong(void *arg, const struct ctrans_layer_profile *profile,
		 const struct ctrans_chip_costs *costs,
		 const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	(void)arg;
	ck_assert_uint_eq(profile->size, sizeof(*profile));
	ck_assert_uint_eq(costs->size, sizeof(*costs));
	ck_assert_uint_eq(goal->size, sizeof(*goal));
	ck_assert_uint_eq(goal->rows, 1);
	ck_assert_uint_eq(goal->code, CTRANS_SPIKES_RATE);
	ck_assert_uint_eq(goal->objective, CTRANS_LEAST_ENERGY_DELAY);
	/* it comes all dense, and as was asked for */
	ck_assert_uint_eq(out->code, CTRANS_SPIKES_RATE);
	ck_assert_uint_eq(out->flip, 1);
	ck_assert(!out->spike_mask[0] && !out->spike_mask[1] && !out->by_unit);
	if (asked++ < good)
		return 0;
	answer.size = out->size;
	*out = answer;
	return answer_ret;
}

START_TEST(refused)
{
	static const struct {
		struct ctrans_dispatch d;
		int ret, want;
		unsigned int good;
		const char *words;
	} t[] = {
		{ { .code = 9 }, 0, -EINVAL, 0,
		  "policy \"wrong\", layer 0's qkv: spike code 9" },
		{ { .spike_mask = { 1, 0 } }, 0, -EINVAL, 5, "layer 1's projection: bit 0" },
		{ { .by_unit = 1, .unit_low = 9, .unit_high = 8 }, 0, -EINVAL, 2,
		  "ffn-up: unit_low 9" },
		{ { 0 }, -ERANGE, -ERANGE, 3, "ffn-down: it gave up" },
		{ { 0 }, 1, -EINVAL, 1, "returned 1" },
		/* what no error number is, and cannot be negated */
		{ { 0 }, INT_MIN, -EINVAL, 1, "returned -2147483648" },
	};
	const struct ctrans_policy own = { .size = sizeof(own), .name = "wrong",
					   .linear = wrong };
	struct ctrans_model_params p;
	struct ctrans_model *model = (struct ctrans_model *)&p;

	ctrans_model_params_init(&p, sizeof(p));
	p.dispatch = &own;
	p.code = "rate";
	p.flip = 1;
	p.objective = "edp";
	answer = t[_i].d;
	answer_ret = t[_i].ret;
	good = t[_i].good;
	asked = 0;
	ck_assert_int_eq(ctrans_model_open(MODEL, &p, &model), t[_i].want);
	ck_assert_ptr_null(model);
	ck_assert_msg(strstr(ctrans_message(), t[_i].words), "%s", ctrans_message());
	ck_assert_uint_eq(asked, t[_i].good + 1);
}
END_TEST

static int try_params(const char *policy, const char *code, uint32_t flip,
		      const char *objective, const struct ctrans_policy *own)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;
	int ret;

	ctrans_model_params_init(&p, sizeof(p));
	p.policy = policy;
	p.code = code;
	p.flip = flip;
	p.objective = objective;
	p.dispatch = own;
	ret = ctrans_model_open(MODEL, &p, &model);
	if (!ret)
		ctrans_model_close(model);
	return ret;
}

START_TEST(parameters)
{
	const struct ctrans_policy unnamed = { .size = sizeof(unnamed), .linear = wrong };

	ck_assert_int_eq(try_params("best", NULL, 0, NULL, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "static, tile and fine"));
	ck_assert_int_eq(try_params(NULL, "morse", 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(try_params(NULL, "naf", 1, NULL, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "signs already"));
	ck_assert_int_eq(try_params(NULL, NULL, 2, NULL, NULL), -EINVAL);
	ck_assert_int_eq(try_params(NULL, NULL, 0, "speed", NULL), -EINVAL);
	ck_assert_int_eq(try_params(NULL, NULL, 0, NULL, &unnamed), -EINVAL);
	ck_assert_int_eq(try_params("cdnn", "naf", 0, "latency", NULL), 0);
	ck_assert_int_eq(try_params("", "", 0, "", NULL), 0);
}
END_TEST

START_TEST(costs)
{
	struct ctrans_layer_profile p = { .size = sizeof(p), .n_in = 64, .n_out = 64,
					  .magnitude = { 10, 20, 30 } };
	struct ctrans_dispatch d = { .size = sizeof(d) };
	struct ctrans_model *model = open_with(NULL, NULL, NULL);
	struct ctrans_layer_cost cost, bound;
	struct ctrans_chip_costs c, zero;

	ck_assert_int_eq(ctrans_model_costs(model, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.mv, 900);
	ck_assert_uint_eq(c.cores, 48);
	ck_assert_int_eq(ctrans_model_costs(NULL, &c, sizeof(c)), -EINVAL);
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 1, &cost, sizeof(cost)), 0);
	ck_assert_uint_eq(cost.size, sizeof(cost));
	ck_assert_double_eq_tol(cost.values_zero, 64 / 6.0, 1e-9);
	ck_assert_double_gt(cost.dense_fj, 0);
	ck_assert_int_eq(ctrans_layer_bound(&p, &c, 1, &bound, sizeof(bound)), 0);
	/* 20 ones and 30 twos have a spike each, an eighth of a product */
	ck_assert_double_eq_tol(bound.spiking_fj, cost.dense_fj / 8, 1);
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 0, &cost, sizeof(cost)), -EINVAL);
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, NULL, 1, &cost, sizeof(cost)), -EINVAL);
	ck_assert_int_eq(ctrans_layer_cost(NULL, &c, &d, 1, &cost, sizeof(cost)), -EINVAL);
	ck_assert_int_eq(ctrans_layer_cost(&p, NULL, &d, 1, &cost, sizeof(cost)), -EINVAL);
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 1, &cost, 4), -EINVAL);
	ck_assert_int_eq(ctrans_layer_bound(&p, &c, 1, NULL, sizeof(bound)), -EINVAL);
	zero = c;
	zero.khz = 0;
	ck_assert_int_eq(ctrans_layer_cost(&p, &zero, &d, 1, &cost, sizeof(cost)), -EINVAL);
	d.code = 4;
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 1, &cost, sizeof(cost)), -EINVAL);
	d.code = 0;
	p.n_in = 0;
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 1, &cost, sizeof(cost)), -EINVAL);
	/* a layer of which nothing is known is not one of zeros */
	p = (struct ctrans_layer_profile){ .size = sizeof(p), .n_in = 64, .n_out = 64 };
	ck_assert_int_eq(ctrans_layer_cost(&p, &c, &d, 1, &cost, sizeof(cost)), 0);
	ck_assert(isfinite(cost.cycles));
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, research);
	tcase_add_loop_test(t, refused, 0, 6);
	tcase_add_test(t, parameters);
	tcase_add_test(t, costs);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
