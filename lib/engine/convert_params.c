// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "convert/threshold.h"
#include "engine/api.h"
#include "engine/calibrate.h"
#include "engine/convert.h"

static const struct ctrans_convert_params defaults = {
	.size = sizeof(defaults),
	.calibration_tokens = 10240,
	.thresholds = "search",
	.noise_db = CT_THRESHOLD_NOISE_DB,
	.levels = 24,
	.weights = "esc",
	.correct = 1,
};

void ctrans_convert_params_init(struct ctrans_convert_params *params, size_t size)
{
	struct ct_err err;

	if (!params || size < sizeof(params->size))
		return;
	memset(params, 0, size);
	ct_struct_give(params, size, sizeof(params->size), &defaults,
		       sizeof(defaults), "ctrans_convert_params", &err);
	params->size = size;
}

static int check_word(const char *name, const char *given, const char *a,
		      const char *b, struct ct_err *err)
{
	if (given && (!strcmp(given, a) || !strcmp(given, b)))
		return 0;
	return ct_fail(err, -EINVAL, "%s \"%.32s\": there are %s and %s", name,
		       given ? given : "", a, b);
}

/* NaN is in no range. */
static int check_range(const char *name, float v, float least, float most,
		       struct ct_err *err)
{
	if (v >= least && v <= most)
		return 0;
	return ct_fail(err, -EINVAL, "%s is %g: it must be between %g and %g", name,
		       (double)v, (double)least, (double)most);
}

static int check(const struct ctrans_convert_params *p, struct ct_err *err)
{
	int ret = check_word("thresholds", p->thresholds, "search", "rms", err);

	if (!ret)
		ret = check_word("weights", p->weights, "esc", "s8", err);
	if (!ret)
		ret = check_range("levels", p->levels, 1, 32767, err);
	if (!ret)
		ret = check_range("noise_db", p->noise_db, 0, 90, err);
	if (!ret)
		ret = check_range("smooth", p->smooth, 0, 1, err);
	if (!ret && p->weight_sigma != 0)
		ret = check_range("weight_sigma", p->weight_sigma, 1, 64, err);
	if (!ret && p->correct > 1)
		ret = ct_fail(err, -EINVAL, "correct is %u: it must be 0 or 1",
			      p->correct);
	if (!ret && !p->calibration != !p->calibration_len)
		ret = ct_fail(err, -EINVAL,
			      "calibration needs both a text and its length");
	if (!ret && p->calibration && p->calibration_tokens < CT_CALIBRATION_LEAST)
		ret = ct_fail(err, -EINVAL,
			      "calibration_tokens is %u: it must be at least %u",
			      p->calibration_tokens, CT_CALIBRATION_LEAST);
	if (!ret && p->task && *p->task && !p->calibration)
		ret = ct_fail(err, -EINVAL,
			      "a task needs a calibration text: its sources begin with the task's words");
	if (!ret && p->smooth > 0 && !p->calibration)
		ret = ct_fail(err, -EINVAL,
			      "smoothing needs a calibration text: it moves the outliers that are seen there");
	return ret;
}

int ct_convert_params_take(struct ctrans_convert_params *p,
			   const struct ctrans_convert_params *from,
			   struct ct_err *err)
{
	int ret;

	*p = defaults;
	ret = ct_struct_take(p, sizeof(*p), sizeof(*p), from,
			     "ctrans_convert_params", err);
	return ret ? ret : check(p, err);
}
