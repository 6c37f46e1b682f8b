/* SPDX-License-Identifier: MIT */
/* Which model can draft for which, and how it is opened. */
#ifndef CT_ENGINE_LITTLE_H
#define CT_ENGINE_LITTLE_H

#include "base/err.h"
#include "engine/core.h"

/* From the parameters of the model @big was opened with to its little one's. */
void ct_little_params(struct ctrans_model_params *params, const struct ct_core *big);

/* -EINVAL unless tokens of one mean the same to the other. */
int ct_little_check(const struct ct_core *big, const struct ct_core *little,
		    struct ct_err *err);

#endif
