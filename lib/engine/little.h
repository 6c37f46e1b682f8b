/* SPDX-License-Identifier: MIT */
/* Which model can draft for which, and how it is opened. */
#ifndef CT_ENGINE_LITTLE_H
#define CT_ENGINE_LITTLE_H

#include "base/err.h"
#include "engine/core.h"

/* From a model's parameters to those of its little one. */
void ct_little_params(struct ctrans_model_params *params);

/* -EINVAL unless it takes all texts of the other, and takes them the same. */
int ct_little_check(const struct ct_core *big, const struct ct_core *little,
		    struct ct_err *err);

#endif
