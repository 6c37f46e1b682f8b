// SPDX-License-Identifier: MIT
/*
 * Every allocation of calibrating a model, choosing its thresholds, profiling it and
 * running it as spikes fails once: a clean error and no leak, and all of it works
 * afterwards.
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
#include "fail_alloc.h"
#include "small_model.h"

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

static int (*const calls[])(struct ct_err *err) = { calibrate, profile, spikes };

START_TEST(each)
{
	struct ctrans_model_params p;
	unsigned long n;

	params_init(&p, "sim:threads=1");
	MUST(!ctrans_model_open(small_model(), &p, &model));
	for (uint32_t i = 0; i < TOKENS; i++)
		ids[i] = i * i % SMALL_VOCAB;
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
	tcase_add_loop_test(t, each, 0, 3);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
