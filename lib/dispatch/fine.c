// SPDX-License-Identifier: MIT
/*
 * Value by value, as the second C-DNN chip and the C-Transformer: the magnitudes
 * for which spikes are the cheaper way. Of two magnitudes the one with fewer spikes
 * is the better one to have as spikes (but for cycles that are not full, which is
 * little), so in order of spikes some first part of them is best; by what the layer
 * as a whole then costs, because whether the array waits for weights depends on all
 * of them.
 */
#include "dispatch/cost.h"
#include "dispatch/policy.h"
#include "dispatch/spikes.h"

struct search {
	const struct ctrans_layer_profile *profile;
	const struct ctrans_chip_costs *costs;
	const struct ctrans_dispatch_goal *goal;
	struct ctrans_dispatch best;
	struct ctrans_layer_cost cost;	/* of it */
};

static void keep_better(struct search *s, const struct ctrans_dispatch *d)
{
	struct ctrans_layer_cost cost;

	ct_layer_cost(s->costs, s->profile, d, s->goal->rows, &cost);
	if (ct_cost_compare(&cost, &s->cost, s->goal->objective) >= 0)
		return;
	s->best = *d;
	s->cost = cost;
}

static void first_parts(struct search *s)
{
	struct ctrans_dispatch d = s->best;

	for (unsigned int spikes = 1; spikes < CT_MAGNITUDES; spikes++)
		for (unsigned int m = 1; m < CT_MAGNITUDES; m++) {
			if (ctrans_spikes(d.code, d.flip, m) != spikes)
				continue;
			d.spike_mask[m / 64] |= 1ull << m % 64;
			keep_better(s, &d);
		}
}

static int fine(void *arg, const struct ctrans_layer_profile *profile,
		const struct ctrans_chip_costs *costs,
		const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	struct ctrans_layer_profile any = *profile;
	struct search s = { .profile = &any, .costs = costs, .goal = goal,
			    .best = *out };

	(void)arg;
	/* what this text did not have another may */
	for (unsigned int m = 1; m < CT_MAGNITUDES; m++)
		any.magnitude[m] += !any.magnitude[m];
	any.rows += any.rows == 1;
	ct_dispatch_dense(&s.best);
	ct_layer_cost(costs, &any, &s.best, goal->rows, &s.cost);
	first_parts(&s);
	*out = s.best;
	return 0;
}

const struct ctrans_policy ct_policy_fine = {
	.size = sizeof(ct_policy_fine), .name = "fine", .linear = fine,
};
