/* SPDX-License-Identifier: MIT */
/* A model's C-DNN dispatch: what parameters ask for, and the policy's answers. */
#ifndef CT_ENGINE_DISPATCH_H
#define CT_ENGINE_DISPATCH_H

#include "base/err.h"
#include "ctrans.h"

struct ct_core;

struct ct_dispatch_want {
	const struct ctrans_policy *policy;
	struct ctrans_dispatch_goal goal;
	float levels;		/* what values are taken to be where none were seen */
	float power_cap;	/* watts; 0: none */
	float deadline;		/* seconds a token; 0: none */
};

/* -EINVAL: unknown names, or what does not go together. */
int ct_dispatch_want(const struct ctrans_model_params *params,
		     struct ct_dispatch_want *want, struct ct_err *err);

/*
 * Once, when the core's program is there: ask the policy about each linear, for the
 * operating point that the device is at or the one that is wanted, and build the
 * program with the answers. -ENOTSUP for what the device does not have.
 */
int ct_core_dispatch(struct ct_core *core, const struct ct_dispatch_want *want,
		     struct ct_err *err);

/* What operations cost at the operating point that the device is at. */
int ct_core_costs(const struct ct_core *core, struct ctrans_chip_costs *costs,
		  struct ct_err *err);

#endif
