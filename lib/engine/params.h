/* SPDX-License-Identifier: MIT */
#ifndef CT_ENGINE_PARAMS_H
#define CT_ENGINE_PARAMS_H

#include <stdbool.h>

#include "base/err.h"
#include "ctrans.h"

/* Tokens of a draft at most: verified in one step, with room for others'. */
#define CT_DRAFT_MOST	64u

struct ct_sample_params;
struct ct_search;

/*
 * A caller's parameters over the defaults, each within its range or -EINVAL
 * with its name, value and range. Stop strings are left to ct_stops_init().
 */
int ct_generate_params_take(struct ctrans_generate_params *p,
			    const struct ctrans_generate_params *from,
			    struct ct_err *err);

/* What they leave open, by what the model's files say of the task. */
void ct_generate_params_search(struct ctrans_generate_params *p,
			       const struct ct_search *own, bool encoder);

/* What the sampler needs of them. */
void ct_generate_params_sample(const struct ctrans_generate_params *p,
			       struct ct_sample_params *sample);

#endif
