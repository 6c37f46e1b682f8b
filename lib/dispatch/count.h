/* SPDX-License-Identifier: MIT */
/* How a layer's inputs fall into the domains, in the mean over rows. */
#ifndef CT_DISPATCH_COUNT_H
#define CT_DISPATCH_COUNT_H

#include "ctrans_dispatch.h"

struct ct_counts {
	double zero, dense, spiking, outlier;	/* values of a row */
	double spikes;
	double cycles;		/* spiking, of a column of HMAUs */
	double switches;	/* of the array's mode */
};

void ct_count(const struct ctrans_chip_costs *costs,
	      const struct ctrans_layer_profile *profile,
	      const struct ctrans_dispatch *dispatch, struct ct_counts *counts);

/* Mean of ceil(n / @d) over rows whose n is @mean in the mean. */
double ct_mean_ceil(const struct ctrans_layer_profile *profile, double mean, double d);

#endif
