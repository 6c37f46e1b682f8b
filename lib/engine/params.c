// SPDX-License-Identifier: MIT
#include "engine/params.h"

#include <errno.h>
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "engine/api.h"
#include "engine/sample.h"

static const struct ctrans_generate_params defaults = {
	.size = sizeof(defaults),
	.max_tokens = 128,
	.temperature = 0.8f,
	.top_k = 40,
	.top_p = 0.95f,
	.min_p = 0.05f,
	.repetition_penalty = 1,
	.repetition_window = 64,
	.draft = 8,
	.fallback = 0.6f,
};

void ctrans_generate_params_init(struct ctrans_generate_params *params,
				 size_t size)
{
	if (!params || size < sizeof(params->size))
		return;
	memset(params, 0, size);
	memcpy(params, &defaults, size < sizeof(defaults) ? size :
							    sizeof(defaults));
	params->size = size;
}

/* NaN is in no range. */
static int check_range(const char *name, float value, float least, float most,
		       const char *range, struct ct_err *err)
{
	if (value >= least && value <= most)
		return 0;
	return ct_fail(err, -EINVAL, "%s is %g: it must be %s", name,
		       (double)value, range);
}

static int check_switch(const char *name, uint32_t value, struct ct_err *err)
{
	if (value <= 1)
		return 0;
	return ct_fail(err, -EINVAL, "%s is %u: it must be 0 or 1", name, value);
}

int ct_generate_params_take(struct ctrans_generate_params *p,
			    const struct ctrans_generate_params *from,
			    struct ct_err *err)
{
	int ret;

	*p = defaults;
	ret = ct_struct_take(p, sizeof(*p),
			     offsetof(struct ctrans_generate_params, priority),
			     from, "ctrans_generate_params", err);
	if (!ret)
		ret = check_range("temperature", p->temperature, 0, FLT_MAX,
				  "0 (always the likeliest token) or a positive number",
				  err);
	if (!ret)
		ret = check_range("top_p", p->top_p, 0, 1,
				  "from 0 to 1 (no limit)", err);
	if (!ret)
		ret = check_range("min_p", p->min_p, 0, 1,
				  "from 0 (no limit) to 1", err);
	if (!ret)
		ret = check_range("repetition_penalty", p->repetition_penalty,
				  FLT_MIN, FLT_MAX,
				  "a positive number, 1 for none", err);
	if (!ret)
		ret = check_switch("ignore_eos", p->ignore_eos, err);
	if (!ret)
		ret = check_switch("special", p->special, err);
	if (!ret && p->draft > CT_DRAFT_MOST)
		ret = ct_fail(err, -EINVAL, "draft is %u: it must be at most %u",
			      p->draft, CT_DRAFT_MOST);
	if (!ret)
		ret = check_range("fallback", p->fallback, 0, 1,
				  "from 0 to 1, a probability", err);
	if (!ret)
		ret = check_range("rollback", p->rollback, 0, FLT_MAX,
				  "0 (off) or a positive number, in nats", err);
	return ret;
}

void ct_generate_params_sample(const struct ctrans_generate_params *p,
			       struct ct_sample_params *sample)
{
	*sample = (struct ct_sample_params){
		.temperature = p->temperature,
		.top_k = p->top_k,
		.top_p = p->top_p,
		.min_p = p->min_p,
		.penalty = p->repetition_penalty,
		.window = p->repetition_window,
		.seed = p->seed,
	};
}
