// SPDX-License-Identifier: MIT
/*
 * Work unit by work unit, as the first C-DNN chip did tile by tile: the chip looks
 * at the spikes that a unit would have and compares them with a limit. The limit
 * is where a unit costs the same in both domains. A unit just beside it gains next
 * to nothing, and the change of mode costs; so the mode changes only for a unit
 * that is a tenth away.
 */
#include <string.h>

#include "dispatch/cost.h"
#include "dispatch/policy.h"

#define HYSTERESIS	0.1

/* A row of @p whose values all spike, @spikes times each; or, at 0, are dense. */
static void cost_of(const struct ctrans_chip_costs *c,
		    const struct ctrans_layer_profile *p, uint32_t rows,
		    double spikes, struct ctrans_layer_cost *cost)
{
	struct ct_linear linear = {
		.profile = p, .rows = rows, .output_bytes = CT_S8_OUTPUT_BYTES,
		.weight_bytes = ct_s8_bytes(p->n_in, p->n_out),
	};
	struct ct_counts k = { 0 };
	struct ct_work work;
	double ahead = 0;

	if (spikes > 0) {
		k.spiking = p->n_in;
		k.spikes = spikes * p->n_in;
		k.cycles = k.spikes / ((double)c->rows * c->spikes_per_cycle);
	} else {
		k.dense = p->n_in;
	}
	ct_counted_work(c, &linear, &k, &work);
	ct_work_cost(c, &work, &ahead, cost);
}

/* Spikes a value at which a layer's domains cost the same; cost grows with them. */
static double crossing(const struct ctrans_chip_costs *costs,
		       const struct ctrans_layer_profile *profile,
		       const struct ctrans_dispatch_goal *goal)
{
	struct ctrans_layer_cost dense, spiking;
	double low = 0, high = 127;

	cost_of(costs, profile, goal->rows, 0, &dense);
	for (int i = 0; i < 40; i++) {
		double mid = (low + high) / 2;

		cost_of(costs, profile, goal->rows, mid, &spiking);
		if (ct_cost_compare(&spiking, &dense, goal->objective) < 0)
			low = mid;
		else
			high = mid;
	}
	return high;
}

static uint32_t eighths(double spikes)
{
	double n = 8 * spikes;

	return n < UINT8_MAX ? (uint32_t)n : UINT8_MAX;
}

static int tile(void *arg, const struct ctrans_layer_profile *profile,
		const struct ctrans_chip_costs *costs,
		const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	double even = crossing(costs, profile, goal);

	(void)arg;
	ct_dispatch_dense(out);
	out->by_unit = 1;
	out->unit_low = eighths(even * (1 - HYSTERESIS));
	out->unit_high = eighths(even * (1 + HYSTERESIS));
	return 0;
}

const struct ctrans_policy ct_policy_tile = {
	.size = sizeof(ct_policy_tile), .name = "tile", .linear = tile,
};
