// SPDX-License-Identifier: MIT
/*
 * Models with an encoder, calibrated by pairs: what is seen of both stacks, thresholds
 * of all linears, profiles as the chip counts, both stacks as spiking networks, and
 * what speculation skips of them.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/threshold.h"
#include "convert/values.h"
#include "engine/calibrate.h"
#include "engine/model.h"
#include "engine/taps.h"
#include "small_stacks.h"

#define PAIRS	4u
#define LINEARS	32u

/* Sources and texts of some lengths each. */
static const size_t sources[PAIRS] = { 9, 30, 1, 17 }, texts[PAIRS] = { 12, 5, 20, 1 };
#define SOURCES	57u
#define TEXTS	38u

static uint32_t ids[64];

static void make_pairs(struct ctrans_pair v[PAIRS])
{
	for (uint32_t i = 0; i < 64; i++)
		ids[i] = (i * i + 3 * i + 5) % SMALL_SOURCES;
	for (size_t i = 0; i < PAIRS; i++)
		v[i] = (struct ctrans_pair){ ids + 3 * i, sources[i], ids + i, texts[i] };
}

/* ---- What is seen ------------------------------------------------------- */

struct sums {
	double squares[LINEARS];
	size_t rows[LINEARS];
};

static int sum_up(void *arg, const struct ct_taps *taps, const struct ct_taps_step *step,
		  struct ct_err *err)
{
	struct sums *s = arg;

	(void)err;
	for (size_t i = step->first; i < step->end; i++)
		for (size_t r = 0; r < step->rows; r++) {
			const float *x = ct_taps_in(taps, i, r);

			for (uint32_t k = 0; k < ct_taps_insn(taps, i)->linear.n_in; k++)
				s->squares[i] += (double)x[k] * (double)x[k];
			s->rows[i]++;
		}
	return 0;
}

START_TEST(observed)
{
	enum small_family family = (enum small_family)_i;
	struct ctrans_model *m = small_stack_open(family, "dnn", NULL, NULL);
	const struct ct_calibrate how = { .tokens = 1000, .gram = true };
	struct ct_core *core = m->core;
	size_t enc = ct_encoder_linears(&core->cfg);
	struct ctrans_pair v[PAIRS];
	struct ct_calibration *c;
	struct sums s = { 0 };
	struct ct_taps taps;
	struct ct_err err;

	make_pairs(v);
	if (ct_core_observe_pairs(core, v, PAIRS, &how, &c, &err) ||
	    ct_taps_open(core, CT_STEP_ROWS, 30, false, &taps, &err) ||
	    ct_taps_pairs(&taps, v, PAIRS, sum_up, &s, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(c->n, ct_program_linears(&core->cfg));
	for (size_t i = 0; i < c->n; i++) {
		const struct ct_calibration_layer *l = &c->layers[i];
		size_t n = i < enc ? SOURCES : TEXTS;
		uint32_t block;
		double trace = 0;

		ck_assert_uint_eq(l->rows, n);
		ck_assert_uint_eq(l->n_samples, n);
		ck_assert_uint_eq(s.rows[i], n);
		ck_assert_uint_eq(l->layer, core->linears[i].tag_layer);
		ck_assert_double_eq_tol(ct_calibration_rms(c, i, false),
					sqrt(s.squares[i] / (double)(n * l->n_in)), 1e-9);
		/* one block: all of it is there */
		ck_assert_uint_le(l->n_in, 256);
		for (uint32_t k = 0; k < l->n_in; k++)
			trace += (double)ct_calibration_gram(l, 0, &block)[k * l->n_in + k];
		ck_assert_double_eq_tol(trace / s.squares[i], 1, 1e-4);
	}
	ck_assert_uint_eq(c->n_texts, PAIRS);
	ck_assert_uint_eq(c->text[1].n_source, sources[1]);
	ck_assert(!memcmp(c->first + sources[0], v[0].target, 4 * texts[0]));
	ct_taps_close(&taps);
	ct_calibration_close(c);
	ctrans_model_close(m);
}
END_TEST

/* As many tokens of texts as there is room for, and the very first at any length. */
START_TEST(kept)
{
	const struct ct_calibration_shape shape = { 0, 0, 4, 4, 10 };
	uint32_t many[2 * CT_CALIBRATION_FIRST] = { 0 };
	struct ct_calibration *c;

	MUST(!ct_calibration_open(&shape, 1, false, &c, NULL));
	ck_assert_int_eq(ct_calibration_keep(c, NULL, 0, many, 2 * CT_CALIBRATION_FIRST,
					     NULL), 0);
	ck_assert_uint_eq(c->text[0].n, CT_CALIBRATION_FIRST);
	ck_assert_int_eq(ct_calibration_keep(c, many, 3, many, 1, NULL), -ENOSPC);
	ct_calibration_close(c);
	MUST(!ct_calibration_open(&shape, 1, false, &c, NULL));
	for (uint32_t i = 0; i < CT_CALIBRATION_TEXTS; i++)
		ck_assert_int_eq(ct_calibration_keep(c, many, 200, many, 2, NULL), 0);
	ck_assert_int_eq(ct_calibration_keep(c, many, 3, many, 1, NULL), -ENOSPC);
	ck_assert_uint_eq(c->n_texts, CT_CALIBRATION_TEXTS);
	ct_calibration_close(c);
}
END_TEST

/* ---- Thresholds --------------------------------------------------------- */

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

static int count_up(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *last = arg;

	ck_assert_uint_gt(done, *last);
	ck_assert_uint_le(done, total);
	*last = done;
	return 0;
}

/* The noise that a threshold makes is what it says, in linears of both stacks. */
START_TEST(searched)
{
	enum small_family family = (enum small_family)_i;
	struct ctrans_model *m = small_stack_open(family, "dnn", NULL, NULL);
	struct ct_core *core = m->core;
	uint64_t last = 0;
	struct ct_calibrate how = { .tokens = 1000 };
	struct ctrans_insn insns[LINEARS];
	struct ctrans_chip_costs chip;
	struct ct_value_costs costs;
	struct ctrans_pair v[PAIRS];
	struct ct_calibration *c;
	struct ct_err err;

	make_pairs(v);
	MUST(!ct_device_costs(core->dev, 2, &chip, NULL));
	ct_value_costs_of(&chip, &costs);
	MUST(!ct_core_observe_pairs(core, v, PAIRS, &how, &c, &err));
	how.progress = count_up;
	how.arg = &last;
	if (ct_core_search_thresholds(core, c, 30, &costs, &how, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(last, 2 * c->n);
	MUST(!ct_core_linears(core, insns, NULL));
	for (size_t i = 0; i < c->n; i++) {
		const struct ctrans_insn_linear *l = &insns[i].linear;
		const struct ct_calibration_layer *y = &c->layers[i];
		double lost = 0, all = 0;

		/* the search has left no threshold behind */
		ck_assert_int_eq(l->theta_mode, CTRANS_THETA_DYNAMIC);
		ck_assert_uint_eq(l->n_in, y->n_in);
		for (uint32_t r = 0; r < y->n_samples; r++) {
			const float *x = y->samples + (size_t)r * l->n_in;
			float e[128];
			int16_t a[128];

			ct_values_quantise(x, l->n_in, y->threshold, a);
			for (uint32_t k = 0; k < l->n_in; k++)
				e[k] = x[k] - y->threshold * (float)a[k];
			lost += power(core, l, e);
			all += power(core, l, x);
		}
		ck_assert_double_eq_tol((double)y->snr_db, 10 * log10(all / lost), 0.1);
	}
	ck_assert_int_eq(ct_core_smooth(core, c, 0.5f, &err), -ENOTSUP);
	MUST(!ct_core_take_thresholds(core, c, NULL));
	MUST(!ct_core_linears(core, insns, NULL));
	for (size_t i = 0; i < c->n; i++)
		ck_assert(!memcmp(&insns[i].linear.theta_f32, &c->layers[i].threshold, 4));
	ct_calibration_close(c);
	ctrans_model_close(m);
}
END_TEST

/* ---- Profiles ----------------------------------------------------------- */

static void run_pairs(struct ct_core *core, const struct ctrans_pair *v,
		      struct ctrans_cost sum[CTRANS_KINDS])
{
	memset(sum, 0, CTRANS_KINDS * sizeof(*sum));
	for (size_t p = 0; p < PAIRS; p++) {
		struct ctrans_cost cost[64][CTRANS_KINDS] = { 0 };
		struct ct_step_row rows[64];
		struct ct_source *source;
		struct ct_best best;
		struct ct_seq *seq;

		MUST(!ct_core_encode(core, v[p].source, v[p].n_source, sum, NULL, &source,
				     NULL));
		MUST(!ct_seq_open(core, &seq, NULL));
		ct_seq_attend(seq, source);
		ct_source_drop(source);
		for (size_t i = 0; i < v[p].n_target; i++)
			rows[i] = (struct ct_step_row){
				.seq = seq, .token = v[p].target[i], .best = &best,
			};
		MUST(!ct_core_step(core, rows, v[p].n_target, cost, NULL));
		for (size_t i = 0; i < v[p].n_target; i++)
			for (int k = 0; k < CTRANS_KINDS; k++)
				ct_cost_add(&sum[k], &cost[i][k]);
		ct_seq_close(seq);
	}
}

START_TEST(profiled)
{
	enum small_family family = (enum small_family)_i;
	struct ctrans_model *m = small_stack_open(family, "snn", NULL, NULL);
	struct ctrans_layer_profile p[LINEARS] = { { .size = sizeof(p[0]) } };
	struct ctrans_cost have[CTRANS_KINDS] = { 0 }, want[CTRANS_KINDS];
	size_t n, enc = ct_encoder_linears(&m->core->cfg);
	struct ctrans_pair v[PAIRS], none;

	make_pairs(v);
	if (ctrans_profile_pairs(m, v, PAIRS, p, LINEARS, &n))
		ck_abort_msg("%s", ctrans_message());
	ck_assert_uint_eq(n, ct_program_linears(&m->core->cfg));
	run_pairs(m->core, v, want);
	for (size_t i = 0; i < n; i++) {
		struct ctrans_cost *c = &have[p[i].kind];

		ck_assert_uint_eq(p[i].rows, i < enc ? SOURCES : TEXTS);
		for (unsigned int a = 1; a < 128; a++) {
			c->values_spiking += p[i].magnitude[a];
			c->spikes += p[i].magnitude[a] *
				     (uint64_t)__builtin_popcount(a);
		}
		c->values_zero += p[i].magnitude[0];
		c->values_outlier += p[i].outliers;
	}
	for (int k = 0; k < CTRANS_KINDS; k++) {
		ck_assert_uint_eq(have[k].values_zero, want[k].values_zero);
		ck_assert_uint_eq(have[k].values_spiking, want[k].values_spiking);
		ck_assert_uint_eq(have[k].values_outlier, want[k].values_outlier);
		ck_assert_uint_eq(have[k].spikes, want[k].spikes);
	}
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 5, p, LINEARS, &n), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "sources"));
	none = v[0];
	none.n_target = 0;
	ck_assert_int_eq(ctrans_profile_pairs(m, &none, 1, p, LINEARS, &n), -EINVAL);
	ck_assert_int_eq(ctrans_profile_pairs(m, NULL, 1, p, LINEARS, &n), -EINVAL);
	none = v[0];
	none.source = (const uint32_t[]){ 999 };
	none.n_source = 1;
	ck_assert_int_eq(ctrans_profile_pairs(m, &none, 1, p, LINEARS, &n), -EINVAL);
	none.n_source = SMALL_POSITIONS + 1;
	ck_assert_int_eq(ctrans_profile_pairs(m, &none, 1, p, LINEARS, &n), -E2BIG);
	ctrans_model_close(m);
}
END_TEST

/* What has no encoder takes no source, and what has a text takes it either way. */
START_TEST(without)
{
	struct ctrans_model *m = small_stack_open(SMALL_GPT2, "dnn", NULL, NULL);
	struct ctrans_layer_profile a[LINEARS] = { { .size = sizeof(a[0]) } };
	struct ctrans_layer_profile b[LINEARS] = { { .size = sizeof(b[0]) } };
	struct ctrans_pair v[PAIRS];
	size_t n;

	make_pairs(v);
	ck_assert_int_eq(ctrans_profile_pairs(m, v, 1, a, LINEARS, &n), -ENOTSUP);
	v[0].source = NULL;
	v[0].n_source = 0;
	ck_assert_int_eq(ctrans_profile_pairs(m, v, 1, a, LINEARS, &n), 0);
	MUST(!ctrans_profile_tokens(m, v[0].target, v[0].n_target, b, LINEARS, &n));
	ck_assert(!memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
}
END_TEST

/* ---- Spikes ------------------------------------------------------------- */

static void fix_thresholds(struct ctrans_model *m, const struct ctrans_pair *v)
{
	const struct ct_calibrate how = { .tokens = 1000 };
	struct ct_calibration *c;

	MUST(!ct_core_observe_pairs(m->core, v, PAIRS, &how, &c, NULL));
	ct_thresholds_rms(c, 20);
	MUST(!ct_core_take_thresholds(m->core, c, NULL));
	ct_calibration_close(c);
}

/* Neurons end at the chip's sums, and where there is a ReLU alone fire from them. */
START_TEST(spiking)
{
	enum small_family family = (enum small_family)(_i / 3);
	struct ctrans_model *m = small_stack_open(family, "dnn", NULL, NULL);
	uint32_t code = (uint32_t)(_i % 3);
	const struct ct_config *cfg = &m->core->cfg;
	struct ctrans_pair v[PAIRS];
	struct ctrans_spike_check c;

	make_pairs(v);
	fix_thresholds(m, v);
	if (ctrans_check_spikes_pairs(m, v, PAIRS, code, NULL, NULL, &c, sizeof(c)))
		ck_abort_msg("%s", ctrans_message());
	ck_assert_uint_eq(c.differ, 0);
	ck_assert_uint_eq(c.tokens, SOURCES + TEXTS);
	ck_assert_uint_eq(c.layers, ct_program_linears(cfg));
	ck_assert_uint_gt(c.spikes, 0);
	ck_assert_uint_eq(c.direct, cfg->gated ? 0 :
			  (uint64_t)SOURCES * cfg->enc.n_layer * cfg->enc.n_inner +
			  (uint64_t)TEXTS * cfg->n_layer * cfg->n_inner);
	ck_assert_int_eq(ctrans_check_spikes(m, ids, 3, code, NULL, NULL, &c, sizeof(c)),
			 -EINVAL);
	ctrans_model_close(m);
}
END_TEST

/* ---- Speculation -------------------------------------------------------- */

/* T5's first linear of each feed-forward block, in both stacks. */
START_TEST(speculated)
{
	enum small_family family = (enum small_family)_i;
	struct ctrans_model *off = small_stack_open(family, "snn", "off", NULL);
	struct ctrans_model *on = small_stack_open(family, "snn", "exact", NULL);
	struct ctrans_cost a[CTRANS_KINDS], b[CTRANS_KINDS];
	struct ctrans_pair v[PAIRS];

	make_pairs(v);
	for (size_t i = 0; i < PAIRS; i++) {
		float x[SMALL_TOKENS], y[SMALL_TOKENS];
		struct ctrans_session *s, *t;

		MUST(!ctrans_session_open(off, &s) && !ctrans_session_open(on, &t));
		MUST(!ctrans_session_read(s, v[i].source, v[i].n_source));
		MUST(!ctrans_session_read(t, v[i].source, v[i].n_source));
		MUST(!ctrans_session_eval(s, v[i].target, v[i].n_target, x));
		MUST(!ctrans_session_eval(t, v[i].target, v[i].n_target, y));
		ck_assert(!memcmp(x, y, sizeof(x)));
		ctrans_session_close(s);
		ctrans_session_close(t);
	}
	run_pairs(off->core, v, a);
	run_pairs(on->core, v, b);
	for (int k = 0; k < CTRANS_KINDS; k++) {
		ck_assert_uint_eq(a[k].ops_skipped, 0);
		ck_assert_int_eq(b[k].ops_skipped > 0, k == CTRANS_KIND_FFN_UP);
		ck_assert_uint_eq(b[k].ops_spiking + b[k].ops_skipped, a[k].ops_spiking);
	}
	ctrans_model_close(off);
	ctrans_model_close(on);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pairs_calibrated");
	TCase *t = tcase_create("calibrated");
	SRunner *r;
	int failed;

	for (int f = 0; f < SMALL_FAMILIES; f++)
		small_stack((enum small_family)f);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, observed, SMALL_T5, SMALL_FAMILIES);
	tcase_add_test(t, kept);
	tcase_add_loop_test(t, searched, SMALL_T5, SMALL_FAMILIES);
	tcase_add_loop_test(t, profiled, SMALL_T5, SMALL_FAMILIES);
	tcase_add_test(t, without);
	tcase_add_loop_test(t, spiking, 3 * SMALL_T5, 3 * SMALL_FAMILIES);
	/* whose activation is a ReLU, and without a gate */
	tcase_add_loop_test(t, speculated, SMALL_T5, SMALL_T5 + 1);
	tcase_add_loop_test(t, speculated, SMALL_FSMT, SMALL_FSMT + 1);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
