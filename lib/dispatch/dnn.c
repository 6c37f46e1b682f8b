// SPDX-License-Identifier: MIT
/* Everything dense: what the others are measured against. */
#include "dispatch/policy.h"

static int dnn(void *arg, const struct ctrans_layer_profile *profile,
	       const struct ctrans_chip_costs *costs,
	       const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	(void)arg;
	(void)profile;
	(void)costs;
	(void)goal;
	ct_dispatch_dense(out);
	return 0;
}

const struct ctrans_policy ct_policy_dnn = {
	.size = sizeof(ct_policy_dnn), .name = "dnn", .linear = dnn,
};
