// SPDX-License-Identifier: MIT
/*
 * Profiles are what the chip counts: by the public call, against the accounts of a
 * step; and from a converted file what calibration saw.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/values.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "engine/model.h"
#include "model_help.h"
#include "small_model.h"

#define TOKENS	100u	/* of which a step gives logits */
#define LINEARS	9u

static uint32_t ids[TOKENS];

static void make_ids(uint32_t vocab)
{
	for (uint32_t i = 0; i < TOKENS; i++)
		ids[i] = (i * i + 7 * i) % vocab;
}

static struct ctrans_model *open_small(float levels, const char *policy)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	params_init(&p, "sim:threads=2");
	p.levels = levels;
	p.policy = policy;
	if (ctrans_model_open(small_model(), &p, &m))
		ck_abort_msg("%s", ctrans_message());
	return m;
}

/* What one step over all tokens costs, logits of every row. */
static void account(struct ct_core *core, struct ctrans_cost sum[CTRANS_KINDS])
{
	struct ctrans_cost (*cost)[CTRANS_KINDS] = calloc(TOKENS, sizeof(*cost));
	struct ct_step_row rows[TOKENS];
	struct ct_best best;
	struct ct_seq *seq;

	MUST(cost && !ct_seq_open(core, &seq, NULL));
	for (uint32_t i = 0; i < TOKENS; i++)
		rows[i] = (struct ct_step_row){ .seq = seq, .token = ids[i], .best = &best };
	MUST(!ct_core_step(core, rows, TOKENS, cost, NULL));
	memset(sum, 0, CTRANS_KINDS * sizeof(*sum));
	for (uint32_t i = 0; i < TOKENS; i++)
		for (int k = 0; k < CTRANS_KINDS; k++)
			ct_cost_add(&sum[k], &cost[i][k]);
	ct_seq_close(seq);
	free(cost);
}

static void same_as_account(const struct ctrans_layer_profile *p,
			    const struct ctrans_cost *cost)
{
	struct ctrans_cost sum[CTRANS_KINDS] = { 0 };

	for (size_t i = 0; i < LINEARS; i++) {
		struct ctrans_cost *s = &sum[p[i].kind];
		uint64_t values = p[i].outliers;

		ck_assert_uint_eq(p[i].rows, TOKENS);
		for (int m = 0; m < 128; m++) {
			values += p[i].magnitude[m];
			s->values_spiking += m ? p[i].magnitude[m] : 0;
			s->spikes += p[i].magnitude[m] * (uint64_t)__builtin_popcount((unsigned)m);
		}
		ck_assert_uint_eq(values, p[i].rows * p[i].n_in);
		s->values_zero += p[i].magnitude[0];
		s->values_outlier += p[i].outliers;
		s->values_clamped += p[i].clamped;
	}
	for (int k = 0; k < CTRANS_KINDS; k++) {
		ck_assert_uint_eq(sum[k].values_zero, cost[k].values_zero);
		ck_assert_uint_eq(sum[k].values_spiking, cost[k].values_spiking);
		ck_assert_uint_eq(sum[k].values_outlier, cost[k].values_outlier);
		ck_assert_uint_eq(sum[k].values_clamped, cost[k].values_clamped);
		ck_assert_uint_eq(sum[k].spikes, cost[k].spikes);
	}
}

/* Few levels, as many as make outliers, and so many that some are clamped. */
START_TEST(dynamic)
{
	static const float levels[] = { 1.5f, 24, 80, 20000 };
	struct ctrans_layer_profile p[LINEARS] = { { .size = sizeof(p[0]) } };
	struct ctrans_model *m = open_small(levels[_i], "snn");
	struct ctrans_cost cost[CTRANS_KINDS];
	uint64_t outliers = 0, clamped = 0;
	size_t n = 0;

	make_ids(SMALL_VOCAB);
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, TOKENS, p, LINEARS, &n), 0);
	ck_assert_uint_eq(n, LINEARS);
	account(m->core, cost);
	same_as_account(p, cost);
	for (size_t i = 0; i < LINEARS; i++) {
		ck_assert(p[i].threshold == 0);
		outliers += p[i].outliers;
		clamped += p[i].clamped;
	}
	ck_assert_int_eq(!!outliers, levels[_i] > 50);
	ck_assert_int_eq(!!clamped, levels[_i] > 1000);
	ctrans_model_close(m);
}
END_TEST

START_TEST(bad)
{
	struct ctrans_layer_profile p[LINEARS] = { { .size = sizeof(p[0]) } };
	struct ctrans_model *m = open_small(24, "cdnn");
	uint32_t wrong = SMALL_VOCAB;
	size_t n = 0;

	make_ids(SMALL_VOCAB);
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 5, NULL, 0, &n), -E2BIG);
	ck_assert_uint_eq(n, LINEARS);
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 5, p, 3, &n), -E2BIG);
	ck_assert_uint_eq(p[2].rows, 5);
	ck_assert_uint_eq(p[3].rows, 0);
	ck_assert_int_eq(ctrans_profile_tokens(m, &wrong, 1, p, LINEARS, &n), -EINVAL);
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 0, p, LINEARS, &n), -EINVAL);
	ck_assert_int_eq(ctrans_profile_tokens(NULL, ids, 5, p, LINEARS, &n), -EINVAL);
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 5, NULL, 1, &n), -EINVAL);
	p[0].size = 8;
	ck_assert_int_eq(ctrans_profile_tokens(m, ids, 5, p, LINEARS, &n), -EINVAL);
	ctrans_model_close(m);
}
END_TEST

/* What the policy has answered, layer by layer as profiles come. */
START_TEST(dispatch)
{
	static const struct {
		const char *policy;
		uint64_t small, large;	/* do 1 and 127 spike? */
	} cases[] = { { "dnn", 0, 0 }, { "snn", 1, 1 } };
	struct ctrans_model *m = open_small(24, cases[_i].policy);
	struct ctrans_dispatch d;

	for (unsigned int i = 0; i < LINEARS; i++) {
		MUST(!ctrans_model_dispatch(m, i, &d, sizeof(d)));
		ck_assert_uint_eq(d.size, sizeof(d));
		ck_assert_uint_eq(d.spike_mask[0] >> 1 & 1, cases[_i].small);
		ck_assert_uint_eq(d.spike_mask[1] >> 63, cases[_i].large);
		ck_assert_uint_eq(d.by_unit, 0);
	}
	ck_assert_int_eq(ctrans_model_dispatch(m, LINEARS, &d, sizeof(d)), -ENOENT);
	ck_assert_int_eq(ctrans_model_dispatch(m, 0, NULL, sizeof(d)), -EINVAL);
	ck_assert_int_eq(ctrans_model_dispatch(NULL, 0, &d, sizeof(d)), -EINVAL);
	ctrans_model_close(m);
}
END_TEST

/* Elements as a program of today has them, and of a day with more in them. */
START_TEST(larger_elements)
{
	struct {
		struct ctrans_layer_profile p;
		uint64_t more;
	} wide[LINEARS];
	struct ctrans_layer_profile p[LINEARS] = { { .size = sizeof(p[0]) } };
	struct ctrans_model *m = open_small(24, "cdnn");
	size_t n;

	memset(wide, 0xee, sizeof(wide));
	wide[0].p.size = sizeof(wide[0]);
	make_ids(SMALL_VOCAB);
	MUST(!ctrans_profile_tokens(m, ids, TOKENS, &wide[0].p, LINEARS, &n));
	MUST(!ctrans_profile_tokens(m, ids, TOKENS, p, LINEARS, &n));
	for (size_t i = 0; i < LINEARS; i++) {
		ck_assert(!memcmp(&wide[i].p, &p[i], sizeof(p[0])));
		ck_assert_uint_eq(wide[i].more, 0xeeeeeeeeeeeeeeee);
	}
	ctrans_model_close(m);
}
END_TEST

static const char text[] = "abcabcabcabcabcaabbccaabbccabcabcabc";

static void convert_calibrated(const char *to)
{
	struct ctrans_convert_params c;

	convert_params_init(&c);
	c.thresholds = "rms";
	c.calibration = text;
	c.calibration_len = strlen(text);
	/* as many as opening takes: the context */
	c.calibration_tokens = 16;
	if (ctrans_convert(data_path("hf_f16"), &c, to))
		ck_abort_msg("%s", ctrans_message());
}

/* What a model calibrated now knows, and the same from its file. */
START_TEST(converted)
{
	struct ctrans_model_params p;
	struct ctrans_model *now, *then;
	struct ctrans_layer_profile again[64] = { { .size = sizeof(again[0]) } };
	uint32_t tokens[64];
	size_t n, layers;
	const char *to;

	tmp_make();
	to = tmp_path("out.gguf");
	convert_calibrated(to);
	params_init(&p, "sim:threads=1");
	MUST(!ctrans_model_open(to, &p, &then));
	p.calibration = text;
	p.calibration_len = strlen(text);
	MUST(!ctrans_model_open(data_path("hf_f16"), &p, &now));
	ck_assert(now->core->profiles && then->core->profiles);
	MUST(!ctrans_tokenize(then, text, strlen(text), 0, tokens, 64, &n));
	MUST(!ctrans_profile_tokens(then, tokens, n, again, 64, &layers));
	for (size_t i = 0; i < layers; i++) {
		const struct ctrans_layer_profile *a = &then->core->profiles[i];

		ck_assert(!memcmp(a, &now->core->profiles[i], sizeof(*a)));
		ck_assert(a->threshold > 0 && a->threshold == then->core->theta[i]);
		ck_assert_uint_gt(a->rows, 0);
		ck_assert_uint_eq(again[i].n_in, a->n_in);
		ck_assert(again[i].threshold == a->threshold);
	}
	ctrans_model_close(now);
	ctrans_model_close(then);
	tmp_remove();
}
END_TEST

/* Counts that do not add up, or not of so many layers. */
START_TEST(hostile)
{
	static const struct {
		size_t at;
		uint64_t value;
	} wrong[] = {
		{ 0, 0 }, { 0, UINT64_MAX }, { 0, 1ull << 40 }, { 0, 1 }, { 1, UINT64_MAX },
		{ 129, 1 }, { 130, 1 }, { 130, UINT64_MAX },
	};
	struct ctrans_model_params p;
	struct ctrans_model *m;
	struct image f;
	char path[256];
	size_t at;

	tmp_make();
	snprintf(path, sizeof(path), "%s", tmp_path("bad.gguf"));
	convert_calibrated(path);
	f = read_image(path);
	/* an array: its type and number come first */
	at = value_at(&f, "ctrans.profile") + 12;
	params_init(&p, "sim:threads=1");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t *to = f.v + at + 8 * wrong[i].at;
		uint64_t was;

		memcpy(&was, to, 8);
		memcpy(to, &wrong[i].value, 8);
		sign(&f);
		write_image(path, &f, f.n);
		ck_assert_int_eq(ctrans_model_open(path, &p, &m), -EBADMSG);
		ck_assert(strstr(ctrans_message(), "ctrans.profile"));
		memcpy(to, &was, 8);
	}
	sign(&f);
	write_image(path, &f, f.n);
	MUST(!ctrans_model_open(path, &p, &m));
	ctrans_model_close(m);
	free(f.v);
	tmp_remove();
}
END_TEST

/* Rounding to even, both signs, the ends, and what is no number. */
START_TEST(rounding)
{
	static const float x[] = { 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 127.5f, 126.5f, 32767.4f,
				   32767.5f, -40000, 0.0f / 0.0f, 1e38f };
	static const int16_t want[] = { 0, 2, 2, 0, -2, 128, 126, 32767, 32767, -32767, 0,
					32767 };
	int16_t a[12];

	ck_assert_uint_eq(ct_values_quantise(x, 12, 1.0f, a), 3);
	ck_assert(!memcmp(a, want, sizeof(a)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("profile");
	TCase *t = tcase_create("profile");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, dynamic, 0, 4);
	tcase_add_loop_test(t, dispatch, 0, 2);
	tcase_add_test(t, bad);
	tcase_add_test(t, larger_elements);
	tcase_add_test(t, converted);
	tcase_add_test(t, hostile);
	tcase_add_test(t, rounding);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
