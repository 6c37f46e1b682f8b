/* SPDX-License-Identifier: MIT */
/* Which model can draft for which, and how it is opened. */
#ifndef CT_ENGINE_LITTLE_H
#define CT_ENGINE_LITTLE_H

#include "base/err.h"
#include "engine/core.h"

/* The context that a little model of @big is to be opened with; 0: its own. */
uint32_t ct_little_context(const struct ct_core *big);

/* From @big's parameters to those of its little model. */
void ct_little_params(const struct ct_core *big, struct ctrans_model_params *params);

/* -EINVAL unless it takes all texts of the other, and takes them the same. */
int ct_little_check(const struct ct_core *big, const struct ct_core *little,
		    struct ct_err *err);

#endif
