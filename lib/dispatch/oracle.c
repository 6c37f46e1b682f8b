// SPDX-License-Identifier: MIT
/* The least that any policy could come to: nothing waits, every code at once. */
#include "dispatch/oracle.h"

#include <string.h>

#include "dispatch/cost.h"
#include "dispatch/policy.h"
#include "dispatch/spikes.h"

static unsigned int fewest_spikes(unsigned int m)
{
	unsigned int least = m;

	for (uint32_t code = CTRANS_SPIKES_RATE; code <= CTRANS_SPIKES_NAF; code++)
		for (uint32_t flip = 0; flip < (code == CTRANS_SPIKES_NAF ? 1 : 2); flip++) {
			unsigned int s = ctrans_spikes(code, flip, m);

			least = s < least ? s : least;
		}
	return least;
}

void ct_oracle_bound(const struct ctrans_chip_costs *c,
		     const struct ctrans_layer_profile *p, uint32_t rows,
		     struct ctrans_layer_cost *cost)
{
	struct ctrans_dispatch dense = { .size = sizeof(dense) };
	struct ctrans_layer_cost all;
	double total = 0, share;

	ct_layer_cost(c, p, &dense, rows, &all);
	memset(cost, 0, sizeof(*cost));
	cost->size = sizeof(*cost);
	cost->values_zero = all.values_zero;
	cost->values_outlier = all.values_outlier;
	cost->outlier_fj = all.outlier_fj;
	for (unsigned int m = 1; m < CT_MAGNITUDES; m++)
		total += (double)p->magnitude[m];
	if (total <= 0)
		return;
	for (unsigned int m = 1; m < CT_MAGNITUDES; m++) {
		unsigned int s = fewest_spikes(m);

		share = (double)p->magnitude[m] / total;
		if (s * c->spike_aj < c->mac8_aj) {
			cost->values_spiking += all.values_dense * share;
			cost->spikes += all.values_dense * share * s;
			cost->spiking_fj += all.dense_fj * share * s *
				(double)c->spike_aj / (double)c->mac8_aj;
		} else {
			cost->values_dense += all.values_dense * share;
			cost->dense_fj += all.dense_fj * share;
		}
	}
}
