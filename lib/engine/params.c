// SPDX-License-Identifier: MIT
#include "engine/params.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/api.h"
#include "engine/beam.h"
#include "engine/sample.h"
#include "model/tasks.h"

/* Of lengths beyond it not even the logarithm of a power is a binary64. */
#define LENGTH_PENALTY_MOST	30.0f

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
	.length_penalty = NAN,
	.no_repeat_ngram = CTRANS_OF_TASK,
	.min_tokens = CTRANS_OF_TASK,
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

static int check_search(const struct ctrans_generate_params *p, struct ct_err *err)
{
	int ret = check_switch("sample", p->sample, err);

	if (!ret && p->beams > CT_BEAMS_MAX)
		ret = ct_fail(err, -EINVAL, "beams is %u: it must be at most %u",
			      p->beams, CT_BEAMS_MAX);
	if (!ret && p->early_stopping > CTRANS_EARLY_OFF)
		ret = ct_fail(err, -EINVAL,
			      "early_stopping is %u: it must be 0, 1 (on) or 2 (off)",
			      p->early_stopping);
	if (!ret && p->beams > 1 && p->sample)
		ret = ct_fail(err, -EINVAL,
			      "%u beams and sample: a beam search draws no numbers, take one of them",
			      p->beams);
	if (!ret && p->beams > 1 && p->rollback > 0)
		ret = ct_fail(err, -EINVAL,
			      "%u beams and rollback: drafts are for one text at a time, take one of them",
			      p->beams);
	if (!ret && !isnan(p->length_penalty))
		ret = check_range("length_penalty", p->length_penalty,
				  -LENGTH_PENALTY_MOST, LENGTH_PENALTY_MOST,
				  "from -30 to 30, or NAN for the task's", err);
	return ret;
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
	return ret ? ret : check_search(p, err);
}

void ct_generate_params_search(struct ctrans_generate_params *p,
			       const struct ct_search *own, bool encoder)
{
	if (encoder && !p->sample)
		p->temperature = 0;
	if (!p->beams)
		p->beams = p->temperature > 0 || p->rollback > 0 ? 1 : own->beams;
	if (isnan(p->length_penalty))
		p->length_penalty = own->length_penalty;
	if (p->early_stopping == CTRANS_EARLY_OF_TASK)
		p->early_stopping = own->early_stopping ? CTRANS_EARLY_ON :
							  CTRANS_EARLY_OFF;
	if (p->no_repeat_ngram == CTRANS_OF_TASK)
		p->no_repeat_ngram = own->no_repeat_ngram;
	/* as files count the first token, too */
	if (!p->max_tokens && own->max_length > 1)
		p->max_tokens = own->max_length - 1;
	if (p->min_tokens == CTRANS_OF_TASK) {
		p->min_tokens = own->min_length ? own->min_length - 1 : 0;
		if (p->max_tokens && p->min_tokens > p->max_tokens)
			p->min_tokens = p->max_tokens;
	}
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
