// SPDX-License-Identifier: MIT
#include "dispatch/prior.h"

#include <math.h>
#include <string.h>

#include "dispatch/gauss.h"
#include "dispatch/spikes.h"

#define DRAWS	1e9		/* values that the expectation is written down for */

void ct_prior(struct ctrans_layer_profile *profile, float levels)
{
	double below = 0.5;

	profile->rows = 0;
	profile->clamped = 0;
	for (unsigned int m = 0; m < CT_MAGNITUDES; m++) {
		/* what rounds to m lies between m - 0.5 and m + 0.5, of either sign */
		double next = ct_gauss_below((m + 0.5) / (double)levels);

		profile->magnitude[m] = (uint64_t)(2 * (next - below) * DRAWS + 0.5);
		below = next;
	}
	profile->outliers = (uint64_t)(2 * (1 - below) * DRAWS + 0.5);
}
