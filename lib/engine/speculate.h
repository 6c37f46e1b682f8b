/* SPDX-License-Identifier: MIT */
/* Output spike speculation of a model: what parameters ask for, and what it takes. */
#ifndef CT_ENGINE_SPECULATE_H
#define CT_ENGINE_SPECULATE_H

#include "base/err.h"
#include "ctrans.h"
#include "uapi/ctrans_job.h"

struct ct_core;

/* Of the timesteps, where nothing is said; the published chip's mean. */
#define CT_SAMPLE_USUAL	0.407f

struct ct_speculation {
	enum ctrans_speculation how;
	uint32_t steps;		/* SAMPLE: of 128 */
};

/* -EINVAL: an unknown name, or a share that is none. */
int ct_speculation_want(const struct ctrans_model_params *params,
			struct ct_speculation *want, struct ct_err *err);

/*
 * Once, when weights and thresholds are there and before the policy is asked.
 * -EINVAL without fixed thresholds, -ENOTSUP for what the model or the device is not
 * made for.
 */
int ct_core_speculate(struct ct_core *core, const struct ct_speculation *want,
		      struct ct_err *err);

#endif
