// SPDX-License-Identifier: MIT
/*
 * Dispatch policies: spike trains by definition, the policies' choices against all
 * choices there are, and what is refused of a policy that is not ours.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "dispatch/cost.h"
#include "dispatch/oracle.h"
#include "dispatch/policy.h"
#include "dispatch/prior.h"
#include "dispatch/spikes.h"
#include "uapi/ctrans_regs.h"

static uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

static struct ctrans_chip_costs costs_at(unsigned int opp)
{
	struct ctrans_chip_costs c;

	ck_assert_int_eq(ct_device_costs(NULL, opp, &c, NULL), 0);
	return c;
}

/* ---- Trains ------------------------------------------------------------ */

/* Digits of the non-adjacent form, by the book. */
static unsigned int naf_digits(unsigned int m)
{
	unsigned int n = 0;

	while (m) {
		if (m & 1) {
			m = m % 4 == 1 ? m - 1 : m + 1;
			n++;
		}
		m /= 2;
	}
	return n;
}

static unsigned int ones(unsigned int m)
{
	unsigned int n = 0;

	for (; m; m /= 2)
		n += m % 2;
	return n;
}

static unsigned int radix_flipped(unsigned int m)
{
	unsigned int whole = 2;

	while (whole <= m)
		whole *= 2;
	return ones(whole - m) + 2 <= ones(m) ? ones(whole - m) + 1 : ones(m);
}

START_TEST(trains)
{
	for (unsigned int m = 1; m < 128; m++) {
		ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RATE, 0, m), m);
		ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RATE, 1, m),
				  m > 64 ? 128 - m + 1 : m);
		ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RADIX, 0, m), ones(m));
		ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RADIX, 1, m),
				  radix_flipped(m));
		ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_NAF, 0, m),
				  naf_digits(m));
		for (uint32_t code = 0; code < 3; code++)
			for (uint32_t flip = 0; flip < 2; flip++) {
				unsigned int n = 0;

				for (unsigned int t = 0; t < CT_TIMESTEPS; t++)
					n += ct_spike_at(code, flip, m, t);
				ck_assert_uint_eq(n, ctrans_spikes(code, flip, m));
			}
	}
	ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RADIX, 0, 0), 0);
	ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RADIX, 1, 128), 0);
	ck_assert_uint_eq(ctrans_spikes(CTRANS_SPIKES_RATE, 0, UINT32_MAX), 0);
	ck_assert_uint_eq(ctrans_spikes(3, 0, 5), 0);
}
END_TEST

/* ---- Names ------------------------------------------------------------- */

START_TEST(names)
{
	static const char *const known[] = { "dnn", "snn", "static", "tile", "fine" };
	const struct ctrans_policy *p;
	uint32_t value;
	struct ct_err err;

	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(ct_policy_find(known[i], &p, &err), 0);
		ck_assert_str_eq(p->name, known[i]);
		ck_assert_int_eq(ct_policy_check(p, &err), 0);
	}
	ck_assert_int_eq(ct_policy_find("cdnn", &p, &err), 0);
	ck_assert_ptr_eq(p, &ct_policy_fine);
	ck_assert_int_eq(ct_policy_find(NULL, &p, &err), 0);
	ck_assert_ptr_eq(p, &ct_policy_fine);
	ck_assert_int_eq(ct_policy_find("", &p, &err), 0);
	ck_assert_ptr_eq(p, &ct_policy_fine);
	ck_assert_int_eq(ct_policy_find("DNN", &p, &err), -EINVAL);
	ck_assert_int_eq(ct_policy_find("cdnn ", &p, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "snn"));

	ck_assert_int_eq(ct_code_parse(NULL, &value, &err), 0);
	ck_assert_uint_eq(value, CTRANS_SPIKES_RADIX);
	ck_assert_int_eq(ct_code_parse("rate", &value, &err), 0);
	ck_assert_uint_eq(value, CTRANS_SPIKES_RATE);
	ck_assert_int_eq(ct_code_parse("naf", &value, &err), 0);
	ck_assert_uint_eq(value, CTRANS_SPIKES_NAF);
	ck_assert_int_eq(ct_code_parse("radixes", &value, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "radix and naf"));
	ck_assert_int_eq(ct_objective_parse("", &value, &err), 0);
	ck_assert_uint_eq(value, CTRANS_LEAST_ENERGY);
	ck_assert_int_eq(ct_objective_parse("edp", &value, &err), 0);
	ck_assert_uint_eq(value, CTRANS_LEAST_ENERGY_DELAY);
	ck_assert_int_eq(ct_objective_parse("speed", &value, &err), -EINVAL);
}
END_TEST

/* ---- Choices ----------------------------------------------------------- */

#define SOME	9u	/* magnitudes that a layer has */

static void random_layer(struct ctrans_layer_profile *p, uint8_t some[SOME])
{
	static const uint32_t widths[] = { 64, 256, 768, 1280, 5120 };

	*p = (struct ctrans_layer_profile){
		.size = sizeof(*p), .n_in = widths[rnd() % 5],
		.n_out = widths[rnd() % 5], .rows = 1000,
	};
	for (unsigned int i = 0; i < SOME; i++) {
		some[i] = (uint8_t)(1 + rnd() % 127);
		p->magnitude[some[i]] = 100000000ull << rnd() % 8;
	}
	p->magnitude[0] = rnd();
	p->outliers = rnd() % 3 ? 0 : 1000000ull * (rnd() % 100);
}

static struct ctrans_dispatch_goal random_goal(void)
{
	static const uint32_t rows[] = { 1, 2, 4, 16, 128 };
	struct ctrans_dispatch_goal g = {
		.size = sizeof(g), .objective = rnd() % 3, .rows = rows[rnd() % 5],
		.code = rnd() % 3,
	};

	g.flip = g.code != CTRANS_SPIKES_NAF && rnd() % 2;
	return g;
}

static double figure(const struct ctrans_layer_cost *c, uint32_t objective)
{
	double e = ct_cost_energy(c);

	return objective == CTRANS_LEAST_ENERGY ? e :
	       objective == CTRANS_LEAST_LATENCY ? c->cycles : e * c->cycles;
}

static double chosen(const struct ctrans_policy *policy,
		     const struct ctrans_layer_profile *p,
		     const struct ctrans_chip_costs *c,
		     const struct ctrans_dispatch_goal *g, struct ctrans_dispatch *d)
{
	struct ctrans_layer_cost cost;
	struct ct_err err;

	ck_assert_msg(!ct_policy_ask(policy, "a layer", p, c, g, d, &err), "%s", err.msg);
	ck_assert_uint_eq(d->code, g->code);
	ck_assert_uint_eq(d->flip, g->flip);
	ct_layer_cost(c, p, d, g->rows, &cost);
	return figure(&cost, g->objective);
}

static bool spikes(const struct ctrans_dispatch *d, unsigned int m)
{
	return d->spike_mask[m / 64] >> m % 64 & 1;
}

/*
 * Against every set of magnitudes there is. What cycles that are not full cost the
 * search does not look for.
 */
START_TEST(best_of_all)
{
	struct ctrans_chip_costs c = costs_at(rnd() % 5);

	for (int round = 0; round < 120; round++) {
		struct ctrans_dispatch_goal g = random_goal();
		struct ctrans_dispatch d = { .size = sizeof(d), .code = g.code,
					     .flip = g.flip };
		double least = 1e300, most = 0, dense, spiking, fine;
		struct ctrans_layer_profile p;
		struct ctrans_layer_cost cost;
		uint8_t some[SOME];

		random_layer(&p, some);
		for (unsigned int set = 0; set < 1u << SOME; set++) {
			d.spike_mask[0] = d.spike_mask[1] = 0;
			for (unsigned int i = 0; i < SOME; i++)
				if (set >> i & 1)
					d.spike_mask[some[i] / 64] |= 1ull << some[i] % 64;
			ct_layer_cost(&c, &p, &d, g.rows, &cost);
			if (figure(&cost, g.objective) < least)
				least = figure(&cost, g.objective);
			if (figure(&cost, g.objective) > most)
				most = figure(&cost, g.objective);
		}
		fine = chosen(&ct_policy_fine, &p, &c, &g, &d);
		ck_assert_msg(fine <= least * 1.0001 && fine >= least * 0.9999,
			      "round %d: objective %u, code %u, %u rows: %g, and %g there is",
			      round, g.objective, g.code, g.rows, fine, least);
		dense = chosen(&ct_policy_dnn, &p, &c, &g, &d);
		spiking = chosen(&ct_policy_snn, &p, &c, &g, &d);
		ck_assert_double_le(dense, most * 1.001);
		ck_assert_double_eq(chosen(&ct_policy_static, &p, &c, &g, &d),
				    dense < spiking ? dense : spiking);
	}
}
END_TEST

/* With values as a trained model has them. */
START_TEST(usual)
{
	struct ctrans_dispatch_goal g = { .size = sizeof(g), .rows = 1 };
	struct ctrans_chip_costs c = costs_at(CTRANS_OPP_RESET);
	struct ctrans_layer_profile p = { .size = sizeof(p), .n_in = 768,
					  .n_out = 3072 };
	struct ctrans_dispatch d;

	ct_prior(&p, 24);
	for (g.code = 0; g.code < 3; g.code++)
		for (g.rows = 1; g.rows < 300; g.rows *= 16) {
			chosen(&ct_policy_fine, &p, &c, &g, &d);
			/* eight spikes cost what a product costs: not worth it */
			for (unsigned int m = 1; m < 128; m++)
				if (g.code != CTRANS_SPIKES_RATE || m != 8)
					ck_assert_msg(spikes(&d, m) ==
						(ctrans_spikes(g.code, 0, m) < 8),
						"code %u, %u rows: %u", g.code,
						g.rows, m);
		}
	g.code = CTRANS_SPIKES_RATE;
	chosen(&ct_policy_static, &p, &c, &g, &d);
	ck_assert(!spikes(&d, 1));
	g.code = CTRANS_SPIKES_RADIX;
	chosen(&ct_policy_static, &p, &c, &g, &d);
	ck_assert(spikes(&d, 1) && spikes(&d, 127));
}
END_TEST

/* One unit less is spiking, one more dense, a tenth to either side of even. */
START_TEST(units)
{
	struct ctrans_chip_costs c = costs_at(CTRANS_OPP_RESET);

	for (int round = 0; round < 100; round++) {
		struct ctrans_dispatch_goal g = random_goal();
		struct ctrans_layer_profile p;
		struct ctrans_dispatch d;
		uint8_t some[SOME];
		double even;

		random_layer(&p, some);
		if (rnd() % 2)
			c.spike_aj = c.mac8_aj / (3 + rnd() % 8);
		chosen(&ct_policy_tile, &p, &c, &g, &d);
		ck_assert_uint_eq(d.by_unit, 1);
		ck_assert_uint_lt(d.unit_low, d.unit_high);
		ck_assert_uint_le(d.unit_high, UINT8_MAX);
		if (g.objective != CTRANS_LEAST_ENERGY || g.rows < 16)
			continue;
		/* no waiting: by the energies alone, and a little leakage */
		even = 8.0 * (double)c.mac8_aj / (double)c.spike_aj;
		ck_assert_double_eq_tol(d.unit_low, even * 0.9, 1.5);
		ck_assert_double_eq_tol(d.unit_high, even * 1.1, 1.5);
	}
}
END_TEST

/* No policy comes below the oracle, and without waiting fine comes close. */
START_TEST(bound)
{
	static const struct ctrans_policy *const all[] = {
		&ct_policy_dnn, &ct_policy_snn, &ct_policy_static, &ct_policy_tile,
		&ct_policy_fine,
	};
	struct ctrans_chip_costs c = costs_at(CTRANS_OPP_RESET);

	for (int round = 0; round < 200; round++) {
		struct ctrans_dispatch_goal g = random_goal();
		struct ctrans_layer_profile p;
		struct ctrans_layer_cost least, cost;
		struct ctrans_dispatch d;
		uint8_t some[SOME];

		random_layer(&p, some);
		if (round % 2)
			ct_prior(&p, 4 + (float)(rnd() % 60));
		ct_oracle_bound(&c, &p, g.rows, &least);
		for (int i = 0; i < 5; i++) {
			chosen(all[i], &p, &c, &g, &d);
			ct_layer_cost(&c, &p, &d, g.rows, &cost);
			ck_assert_double_ge((cost.dense_fj + cost.spiking_fj) * 1.0001,
					    least.dense_fj + least.spiking_fj);
			ck_assert_double_eq_tol(cost.outlier_fj, least.outlier_fj, 1);
		}
	}
	for (float sigma = 4; sigma < 40; sigma *= 2) {
		struct ctrans_layer_profile p = { .size = sizeof(p), .n_in = 768,
						  .n_out = 768 };
		struct ctrans_dispatch_goal g = { .size = sizeof(g), .rows = 256,
						  .code = CTRANS_SPIKES_NAF };
		struct ctrans_layer_cost least, cost;
		struct ctrans_dispatch d;

		ct_prior(&p, sigma);
		ct_oracle_bound(&c, &p, g.rows, &least);
		chosen(&ct_policy_fine, &p, &c, &g, &d);
		ct_layer_cost(&c, &p, &d, g.rows, &cost);
		ck_assert_double_le(cost.spiking_fj + cost.dense_fj,
				    1.05 * (least.spiking_fj + least.dense_fj));
	}
}
END_TEST

/* Mean spikes of normally distributed values, as chip models' authors simulate. */
START_TEST(prior)
{
	static const struct {
		float sigma;
		double radix, naf;
	} known[] = { { 4, 1.33, 1.29 }, { 8, 1.75, 1.63 }, { 16, 2.20, 1.96 },
		      { 32, 2.67, 2.29 } };
	struct ctrans_layer_profile p = { .size = sizeof(p) };

	for (int i = 0; i < 4; i++) {
		double n = 0, radix = 0, naf = 0;

		ct_prior(&p, known[i].sigma);
		for (unsigned int m = 0; m < 128; m++) {
			double v = (double)p.magnitude[m];

			n += v;
			radix += v * ctrans_spikes(CTRANS_SPIKES_RADIX, 0, m);
			naf += v * ctrans_spikes(CTRANS_SPIKES_NAF, 0, m);
		}
		n += (double)p.outliers;
		ck_assert_double_eq_tol(n, 1e9, 1e3);
		ck_assert_double_eq_tol(radix / n, known[i].radix, 0.02);
		ck_assert_double_eq_tol(naf / n, known[i].naf, 0.02);
		ck_assert_uint_eq(p.rows, 0);
	}
}
END_TEST

/* ---- Policies that are not ours ---------------------------------------- */

static struct ctrans_dispatch answer;
static int answer_ret;

static int answers(void *arg, const struct ctrans_layer_profile *profile,
		   const struct ctrans_chip_costs *costs,
		   const struct ctrans_dispatch_goal *goal,
		   struct ctrans_dispatch *out)
{
	ck_assert_ptr_eq(arg, &answer);
	ck_assert(profile && costs && goal->rows);
	ck_assert_uint_eq(out->size, sizeof(*out));
	*out = answer;
	return answer_ret;
}

#define SIZE .size = sizeof(struct ctrans_dispatch)

static const struct {
	struct ctrans_dispatch d;
	int ret, want;
	const char *words;
} bad[] = {
	{ { SIZE, .code = 3 }, 0, -EINVAL, "spike code 3" },
	{ { SIZE, .flip = 2 }, 0, -EINVAL, "0 or 1" },
	{ { SIZE, .by_unit = 2 }, 0, -EINVAL, "0 or 1" },
	{ { SIZE, .code = 2, .flip = 1 }, 0, -EINVAL, "signs already" },
	{ { SIZE, .spike_mask = { 1, 0 } }, 0, -EINVAL, "zeros have no spikes" },
	{ { SIZE, .unit_high = 4 }, 0, -EINVAL, "by_unit is 0" },
	{ { SIZE, .by_unit = 1, .spike_mask = { 2, 0 } }, 0, -EINVAL, "leave it 0" },
	{ { SIZE, .by_unit = 1, .unit_low = 5, .unit_high = 4 }, 0, -EINVAL,
	  "not below the low one" },
	{ { SIZE, .by_unit = 1, .unit_high = 256 }, 0, -EINVAL, "0 to 255" },
	{ { .size = 8 }, 0, -EINVAL, "size 8" },
	{ { SIZE }, 5, -EINVAL, "returned 5" },
	{ { SIZE }, -ENOMEM, -ENOMEM, "gave up" },
	{ { SIZE, .by_unit = 1, .unit_low = 4, .unit_high = 4 }, 0, 0, "" },
	{ { SIZE, .spike_mask = { ~1ull, ~0ull }, .flip = 1 }, 0, 0, "" },
};

START_TEST(refused)
{
	const struct ctrans_policy mine = { .size = sizeof(mine), .name = "mine",
					    .linear = answers, .arg = &answer };
	struct ctrans_layer_profile p = { .size = sizeof(p), .n_in = 1, .n_out = 1 };
	struct ctrans_dispatch_goal g = { .size = sizeof(g), .rows = 1 };
	struct ctrans_chip_costs c = costs_at(0);
	struct ctrans_dispatch d;
	struct ct_err err = { 0 };
	int ret;

	answer = bad[_i].d;
	answer_ret = bad[_i].ret;
	ret = ct_policy_ask(&mine, "layer 7's qkv", &p, &c, &g, &d, &err);
	ck_assert_int_eq(ret, bad[_i].want);
	if (!ret)
		return;
	ck_assert_msg(strstr(err.msg, bad[_i].words) && strstr(err.msg, "\"mine\"") &&
		      strstr(err.msg, "layer 7's qkv"), "%s", err.msg);
}
END_TEST

START_TEST(no_policy)
{
	struct ctrans_policy p = { .size = sizeof(p), .name = "mine",
				   .linear = answers };
	struct ct_err err;

	ck_assert_int_eq(ct_policy_check(&p, &err), 0);
	p.name = "sixteen bytes it";
	ck_assert_int_eq(ct_policy_check(&p, &err), -EINVAL);
	p.name = NULL;
	ck_assert_int_eq(ct_policy_check(&p, &err), -EINVAL);
	p.name = "mine";
	p.linear = NULL;
	ck_assert_int_eq(ct_policy_check(&p, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "set linear"));
	p.linear = answers;
	p.size = 8;
	ck_assert_int_eq(ct_policy_check(&p, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dispatch");
	TCase *t = tcase_create("policy");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, trains);
	tcase_add_test(t, names);
	tcase_add_test(t, best_of_all);
	tcase_add_test(t, usual);
	tcase_add_test(t, units);
	tcase_add_test(t, bound);
	tcase_add_test(t, prior);
	tcase_add_loop_test(t, refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, no_policy);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
