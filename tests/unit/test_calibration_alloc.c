// SPDX-License-Identifier: MIT
/*
 * Every allocation of calibrating a model, choosing its thresholds, profiling it and
 * running it as spikes fails once, and of the same with an encoder: a clean error and no
 * leak, and all of it works afterwards.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/threshold.h"
#include "converted_help.h"
#include "engine/calibrate.h"
#include "engine/model.h"
#include "engine/pairs.h"
#include "fail_alloc.h"
#include "small_model.h"
#include "small_stacks.h"
#include "spm_help.h"

#define TOKENS	20u

static struct ctrans_model *model;
static uint32_t ids[TOKENS];

static int calibrate(struct ct_err *err)
{
	const struct ct_calibrate how = { .tokens = TOKENS, .gram = true };
	struct ctrans_chip_costs chip;
	struct ct_value_costs costs;
	struct ct_calibration *c = NULL;
	int ret = ct_device_costs(model->core->dev, 2, &chip, err);

	if (!ret)
		ret = ct_core_observe_tokens(model->core, ids, TOKENS, &how, &c, err);
	if (!ret)
		ret = ct_core_smooth(model->core, c, 0.5f, err);
	if (!ret) {
		ct_value_costs_of(&chip, &costs);
		ret = ct_core_search_thresholds(model->core, c, 36, &costs, &how, err);
	}
	if (!ret)
		ret = ct_core_take_thresholds(model->core, c, err);
	ct_calibration_close(c);
	return ret;
}

static int profile(struct ct_err *err)
{
	struct ctrans_layer_profile p[9] = { { .size = sizeof(p[0]) } };
	size_t n;
	int ret = ctrans_profile_tokens(model, ids, TOKENS, p, 9, &n);

	strcpy(err->msg, ret ? ctrans_message() : "");
	return ret;
}

static int spikes(struct ct_err *err)
{
	struct ctrans_spike_check c;
	int ret = ctrans_check_spikes(model, ids, TOKENS, CTRANS_SPIKES_RADIX, NULL, NULL,
				      &c, sizeof(c));

	strcpy(err->msg, ret ? ctrans_message() : "");
	ck_assert(ret || !c.differ);
	return ret;
}

/* ---- With an encoder ---------------------------------------------------- */

static const struct ctrans_pair pairs[2] = {
	{ ids, 7, ids + 2, 9 }, { ids + 1, 12, ids, 4 },
};

static int search_pairs(struct ct_err *err)
{
	const struct ct_calibrate how = { .tokens = TOKENS, .gram = true };
	struct ct_value_costs costs = { .outlier = 1, .cycle = 1, .group = 1 };
	struct ct_calibration *c = NULL;
	int ret = ct_core_observe_pairs(model->core, pairs, 2, &how, &c, err);

	if (!ret)
		ret = ct_core_search_thresholds(model->core, c, 36, &costs, &how, err);
	if (!ret)
		ret = ct_core_take_thresholds(model->core, c, err);
	ct_calibration_close(c);
	return ret;
}

static int read_pairs(struct ct_err *err)
{
	static const char text[] = "c ab a\tab c c\nab a\n";
	struct ct_pairs p;
	int ret = ct_pairs_read(model->core, text, strlen(text), "translate_en_de", 100,
				&p, err);

	if (!ret)
		ct_pairs_free(&p);
	return ret;
}

static int profile_pairs(struct ct_err *err)
{
	struct ctrans_layer_profile p[32] = { { .size = sizeof(p[0]) } };
	size_t n;
	int ret = ctrans_profile_pairs(model, pairs, 2, p, 32, &n);

	strcpy(err->msg, ret ? ctrans_message() : "");
	return ret;
}

static int spike_pairs(struct ct_err *err)
{
	struct ctrans_spike_check c;
	int ret = ctrans_check_spikes_pairs(model, pairs, 2, CTRANS_SPIKES_RADIX, NULL,
					    NULL, &c, sizeof(c));

	strcpy(err->msg, ret ? ctrans_message() : "");
	ck_assert(ret || !c.differ);
	return ret;
}

static int (*const calls[])(struct ct_err *err) = {
	calibrate, profile, spikes,
	search_pairs, profile_pairs, spike_pairs, read_pairs,
};

#define FIRST_PAIRS	3
#define CALLS		7

static bool with_tokenizer(void)
{
	struct ct_spm_model m;
	struct ct_buf proto;

	if (!spm_supported())
		return false;
	spm_small(&m, CT_SPM_UNIGRAM);
	proto = spm_written(&m);
	small_spiece(small_stack(SMALL_T5), proto.data, proto.n);
	ct_buf_free(&proto);
	ct_spm_model_free(&m);
	return true;
}

START_TEST(each)
{
	struct ctrans_model_params p;
	unsigned long n;

	params_init(&p, "sim:threads=1");
	if (calls[_i] == read_pairs && !with_tokenizer())
		return;
	MUST(!ctrans_model_open(_i < FIRST_PAIRS ? small_model() : small_stack(SMALL_T5),
				&p, &model));
	for (uint32_t i = 0; i < TOKENS; i++)
		ids[i] = i * i % SMALL_SOURCES;
	for (n = 1;; n++) {
		struct ct_err err = { 0 };
		int ret;

		fail_alloc_at(n);
		ret = calls[_i](&err);
		if (!fail_alloc_stop())
			break;
		/* a chip without memory says so in its own way */
		ck_assert_msg(ret == -ENOMEM || ret == -EIO, "allocation %lu: %d, %s", n,
			      ret, err.msg);
		ck_assert(err.msg[0]);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert_int_eq(calls[_i](&(struct ct_err){ 0 }), 0);
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("calibration_alloc");
	TCase *t = tcase_create("alloc");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each, 0, CALLS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
