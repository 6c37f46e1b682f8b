// SPDX-License-Identifier: MIT
/*
 * The spiking network is the quantised one: trains, neurons and synapses on random
 * values in random order, and whole models beside the chip.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/spiking.h"
#include "convert/values.h"
#include "converted_help.h"
#include "engine/calibrate.h"
#include "engine/model.h"
#include "small_model.h"

static int below(int n)
{
	return (int)(random() % n);
}

/* Each train stands for its value, in as many spikes as the policies count. */
START_TEST(trains)
{
	for (uint32_t code = 0; code < 3; code++)
		for (int a = -127; a <= 127; a++) {
			unsigned int spikes = 0;
			int sum = 0;

			for (unsigned int t = 0; t < ct_train_steps(code); t++) {
				int s = ct_train_spike(code, a, t);

				ck_assert(s >= -1 && s <= 1);
				if (code != CTRANS_SPIKES_NAF)
					ck_assert(s * a >= 0);
				sum += s * (1 << ct_train_shift(code, t));
				spikes += s != 0;
			}
			ck_assert_int_eq(sum, a);
			ck_assert_uint_eq(spikes, a ? ctrans_spikes(code, 0, (unsigned)abs(a)) : 0);
		}
}
END_TEST

/* Values around every kind of rung. */
static float some_value(void)
{
	static const float ends[] = { 32766.5f, 32767.5f, 32768.0f, 1e30f, 127.5f, 126.5f };
	float v;

	switch (below(6)) {
	case 0:		/* a tie, or just beside one */
		v = (float)below(300) + 0.5f;
		v = below(3) ? nextafterf(v, below(2) ? 0.0f : 1e9f) : v;
		break;
	case 1:
		v = ends[below(6)];
		break;
	case 2:
		v = ldexpf((float)random() / 2147483648.0f, -below(160));
		break;
	case 3:
		v = (float)random() / 65536.0f;
		break;
	default:
		v = (float)random() / 2147483648.0f * 140.0f;
		break;
	}
	return below(2) ? v : -v;
}

START_TEST(encoder)
{
	for (int i = 0; i < 20000; i++) {
		float v = some_value();
		struct ct_neuron n = { .membrane = ct_encoder_membrane(v) };
		int64_t whole = n.membrane;
		int16_t want;

		ct_values_quantise(&v, 1, 1.0f, &want);
		if (abs(want) > 2000 && i % 50)	/* as many timesteps */
			continue;
		ck_assert_uint_eq(ct_neuron_settle(&n, &ct_encoder_ladder),
				  (unsigned)abs(want));
		ck_assert_int_eq(n.count, want);
		ck_assert_uint_eq(n.taken_back, 0);
		/* soft reset: what is left is what the count does not stand for */
		ck_assert_int_eq(n.membrane, want ? whole - ct_encoder_ladder.rung(
				 &ct_encoder_ladder, want) : whole);
	}
}
END_TEST

/* The same charge in pieces of either sign: fired too early, taken back, exact. */
START_TEST(encoder_pieces)
{
	uint64_t taken_back = 0;

	for (int i = 0; i < 3000; i++) {
		float v = some_value();
		struct ct_neuron n = { 0 };
		int64_t left = ct_encoder_membrane(v);
		int16_t want;

		ct_values_quantise(&v, 1, 1.0f, &want);
		if (abs(want) > 300)
			continue;
		for (int t = 0; t < 40; t++) {
			int64_t piece = (random() % 200 - 100) * (CT_MEMBRANE_ONE / 9);

			ct_neuron_step(&n, &ct_encoder_ladder, piece);
			left -= piece;
		}
		ct_neuron_step(&n, &ct_encoder_ladder, left);
		ct_neuron_settle(&n, &ct_encoder_ladder);
		ck_assert_int_eq(n.count, want);
		taken_back += n.taken_back;
	}
	ck_assert_uint_gt(taken_back, 1000);
}
END_TEST

/* From sums straight to the next layer's values, through scale, bias and ReLU. */
START_TEST(sums_fire)
{
	for (int i = 0; i < 400; i++) {
		struct ct_sum_ladder l = {
			.ladder = { ct_sum_rung },
			.scale = below(20) ? ldexpf(1 + (float)random() / 2147483648.0f,
						    -12 - below(4)) : 0.0f,
			.bias = (float)(below(2001) - 1000) * 1e-3f,
			.relu = below(2),
			.theta = 0.01f + (float)below(100) * 1e-3f,
		};
		int64_t sum = 0;
		struct ct_neuron n = { 0 };
		int16_t want;
		float y;

		for (int t = 0; t < 20; t++) {
			int64_t piece = random() % 8001 - 4000;

			sum += piece;
			ct_neuron_step(&n, &l.ladder, piece);
		}
		ct_neuron_settle(&n, &l.ladder);
		y = fmaf((float)sum, l.scale, l.bias);
		if (l.relu && !(y > 0))
			y = 0;
		ct_values_quantise(&y, 1, l.theta, &want);
		ck_assert_int_eq(n.count, want);
	}
}
END_TEST

/* Rungs are where values change, to one. */
START_TEST(rungs)
{
	struct ct_sum_ladder l = {
		.ladder = { ct_sum_rung }, .scale = 0.37f, .bias = -1.2f, .theta = 1,
	};

	for (int32_t c = -200; c <= 200; c++) {
		int64_t r;

		if (!c)
			continue;
		r = ct_sum_rung(&l.ladder, c);
		for (int d = -1; d <= 1; d++) {
			float y = fmaf((float)(r + d), l.scale, l.bias);
			int16_t a;

			ct_values_quantise(&y, 1, 1, &a);
			ck_assert_int_eq(c > 0 ? a >= c : a <= c, c > 0 ? d >= 0 : d <= 0);
		}
	}
	l.relu = true;
	ck_assert(ct_sum_rung(&l.ladder, -1) == INT64_MIN);
	l.scale = 0;
	ck_assert(ct_sum_rung(&l.ladder, 1) == INT64_MAX);
}
END_TEST

#define IN	77u
#define OUT	19u

START_TEST(synapses)
{
	int8_t w[IN * OUT];
	int16_t a[IN];
	int64_t sums[OUT], want[OUT], added[OUT];
	int32_t step[OUT];
	unsigned int order[127];

	for (int turn = 0; turn < 300; turn++) {
		struct ct_synapses s = {
			.w = w, .n_in = IN, .n_out = OUT, .code = (uint32_t)turn % 3,
			.order = turn % 2 ? order : NULL, .added = added, .step = step,
		};
		struct ct_spike_counts counts = { 0 };
		uint64_t spikes = 0, outliers = 0;
		unsigned int steps = ct_train_steps(s.code);

		for (unsigned int t = 0; t < steps; t++)
			order[t] = t;
		for (unsigned int t = steps; t > 1; t--) {
			unsigned int o = (unsigned int)below((int)t), x = order[o];

			order[o] = order[t - 1];
			order[t - 1] = x;
		}
		for (size_t i = 0; i < IN * OUT; i++)
			w[i] = (int8_t)(below(255) - 127);
		memset(want, 0, sizeof(want));
		for (uint32_t k = 0; k < IN; k++) {
			a[k] = (int16_t)(below(10) ? below(255) - 127 : below(65535) - 32767);
			if (abs(a[k]) > 127)
				outliers++;
			else if (a[k])
				spikes += ctrans_spikes(s.code, 0, (unsigned)abs(a[k]));
			for (uint32_t j = 0; j < OUT; j++)
				want[j] += (int64_t)a[k] * w[k * OUT + j];
		}
		ct_synapses_run(&s, a, sums, &counts);
		ck_assert(!memcmp(sums, want, sizeof(sums)));
		ck_assert_uint_eq(counts.spikes, spikes);
		ck_assert_uint_eq(counts.outliers, outliers);
		ck_assert_uint_eq(counts.events, spikes * OUT);
	}
}
END_TEST

/* ---- Whole models ----------------------------------------------------- */

static bool off_by_one;

void __real_ct_synapses_run(const struct ct_synapses *s, const int16_t *a, int64_t *sums,
			    struct ct_spike_counts *counts);
void __wrap_ct_synapses_run(const struct ct_synapses *s, const int16_t *a, int64_t *sums,
			    struct ct_spike_counts *counts);

void __wrap_ct_synapses_run(const struct ct_synapses *s, const int16_t *a, int64_t *sums,
			    struct ct_spike_counts *counts)
{
	__real_ct_synapses_run(s, a, sums, counts);
	sums[3] += off_by_one;
}

#define TOKENS	40u

static uint32_t ids[TOKENS];

static struct ctrans_model *open_small(float levels)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	for (uint32_t i = 0; i < TOKENS; i++)
		ids[i] = (i * i + 7 * i) % SMALL_VOCAB;
	params_init(&p, "sim:threads=2");
	p.levels = levels;
	if (ctrans_model_open(small_model(), &p, &m))
		ck_abort_msg("%s", ctrans_message());
	return m;
}

/* Fixed thresholds, and an activation that neurons can do without the vector unit. */
static void make_static(struct ctrans_model *m, enum ct_act act)
{
	const struct ct_calibrate how = { .tokens = TOKENS };
	struct ct_core *core = m->core;
	struct ct_calibration *c;

	core->cfg.act = act;
	ct_core_build(core);
	MUST(!ct_core_observe_tokens(core, ids, TOKENS, &how, &c, NULL));
	for (size_t i = 0; i < c->n; i++)
		c->layers[i].threshold = (float)ct_calibration_rms(c, i, true) / 20;
	MUST(!ct_core_take_thresholds(core, c, NULL));
	ct_calibration_close(c);
}

static struct ctrans_spike_check check(struct ctrans_model *m, uint32_t code)
{
	struct ctrans_spike_check c;

	if (ctrans_check_spikes(m, ids, TOKENS, code, NULL, NULL, &c, sizeof(c)))
		ck_abort_msg("%s", ctrans_message());
	ck_assert_uint_eq(c.tokens, TOKENS);
	ck_assert_uint_eq(c.layers, 9);
	/* two layers 32 wide and the head */
	ck_assert_uint_eq(c.values, TOKENS * (2 * 32 * (3 + 1 + 4 + 1) + SMALL_VOCAB));
	ck_assert_uint_gt(c.spikes, 0);
	return c;
}

START_TEST(dynamic)
{
	struct ctrans_model *m = open_small(_i / 3 ? 90 : 24);
	struct ctrans_spike_check c = check(m, (uint32_t)_i % 3);

	ck_assert_uint_eq(c.differ, 0);
	ck_assert_uint_eq(c.direct, 0);
	ck_assert_int_eq(c.outliers > 0, _i / 3);
	ctrans_model_close(m);
}
END_TEST

START_TEST(direct)
{
	static const enum ct_act acts[] = { CT_ACT_RELU, CT_ACT_GELU_TANH };
	struct ctrans_model *m = open_small(24);
	struct ctrans_spike_check c;

	make_static(m, acts[_i / 3]);
	c = check(m, (uint32_t)_i % 3);
	ck_assert_uint_eq(c.differ, 0);
	ck_assert_uint_eq(c.direct, _i / 3 ? 0 : TOKENS * 2 * 128);
	ck_assert_int_eq(c.taken_back > 0, !(_i / 3));
	ctrans_model_close(m);
}
END_TEST

/* A synapse too many is seen, in every layer. */
START_TEST(broken)
{
	struct ctrans_model *m = open_small(24);
	struct ctrans_spike_check c;

	off_by_one = true;
	c = check(m, CTRANS_SPIKES_RADIX);
	off_by_one = false;
	ck_assert_uint_gt(c.differ, 8 * TOKENS);
	ck_assert_uint_le(c.differ, 9 * TOKENS);
	ctrans_model_close(m);
}
END_TEST

static int stop(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	ck_assert_uint_le(done, total);
	return done > 60;
}

START_TEST(bad)
{
	struct ctrans_model *m = open_small(24);
	struct ctrans_spike_check c;
	uint32_t wrong = SMALL_VOCAB;

	ck_assert_int_eq(ctrans_check_spikes(NULL, ids, 1, 1, NULL, NULL, &c, sizeof(c)), -EINVAL);
	ck_assert_int_eq(ctrans_check_spikes(m, ids, 0, 1, NULL, NULL, &c, sizeof(c)), -EINVAL);
	ck_assert_int_eq(ctrans_check_spikes(m, ids, 1, 3, NULL, NULL, &c, sizeof(c)), -EINVAL);
	ck_assert_int_eq(ctrans_check_spikes(m, &wrong, 1, 1, NULL, NULL, &c, sizeof(c)), -EINVAL);
	ck_assert_int_eq(ctrans_check_spikes(m, ids, 1, 1, NULL, NULL, NULL, 0), -EINVAL);
	ck_assert_int_eq(ctrans_check_spikes(m, ids, TOKENS, 1, stop, NULL, &c, sizeof(c)), -ECANCELED);
	ctrans_model_close(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spiking");
	TCase *t = tcase_create("spiking");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, trains);
	tcase_add_test(t, encoder);
	tcase_add_test(t, encoder_pieces);
	tcase_add_test(t, sums_fire);
	tcase_add_test(t, rungs);
	tcase_add_test(t, synapses);
	tcase_add_loop_test(t, dynamic, 0, 6);
	tcase_add_loop_test(t, direct, 0, 6);
	tcase_add_test(t, broken);
	tcase_add_test(t, bad);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
