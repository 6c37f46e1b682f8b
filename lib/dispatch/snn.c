// SPDX-License-Identifier: MIT
/* Everything spiking, as on a chip that has nothing else. */
#include "dispatch/policy.h"

static int snn(void *arg, const struct ctrans_layer_profile *profile,
	       const struct ctrans_chip_costs *costs,
	       const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	(void)arg;
	(void)profile;
	(void)costs;
	(void)goal;
	ct_dispatch_spiking(out);
	return 0;
}

const struct ctrans_policy ct_policy_snn = {
	.size = sizeof(ct_policy_snn), .name = "snn", .linear = snn,
};
