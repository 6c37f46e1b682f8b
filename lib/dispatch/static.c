// SPDX-License-Identifier: MIT
/* A whole layer to the domain that is cheaper for what usually enters it. */
#include "dispatch/cost.h"
#include "dispatch/policy.h"

static int by_layer(void *arg, const struct ctrans_layer_profile *profile,
		    const struct ctrans_chip_costs *costs,
		    const struct ctrans_dispatch_goal *goal,
		    struct ctrans_dispatch *out)
{
	struct ctrans_layer_cost dense, spiking;

	(void)arg;
	ct_dispatch_spiking(out);
	ct_layer_cost(costs, profile, out, goal->rows, &spiking);
	ct_dispatch_dense(out);
	ct_layer_cost(costs, profile, out, goal->rows, &dense);
	if (ct_cost_compare(&spiking, &dense, goal->objective) < 0)
		ct_dispatch_spiking(out);
	return 0;
}

const struct ctrans_policy ct_policy_static = {
	.size = sizeof(ct_policy_static), .name = "static", .linear = by_layer,
};
