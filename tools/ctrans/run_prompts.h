/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_RUN_PROMPTS_H
#define CTRANS_TOOL_RUN_PROMPTS_H

#include "ctrans.h"
#include "input.h"

/*
 * The texts that follow @prompts, one in each line, which are cut up for it:
 * written together, printed in order, a JSON object each. An exit status; what
 * fails for one prompt is said in its object.
 */
int run_prompts(struct ctrans_model *model, struct text *prompts,
		const struct ctrans_generate_params *params);

#endif
