/* SPDX-License-Identifier: MIT */
#ifndef CT_DISPATCH_ORACLE_H
#define CT_DISPATCH_ORACLE_H

#include "ctrans_dispatch.h"

/* As ctrans_layer_bound(). */
void ct_oracle_bound(const struct ctrans_chip_costs *costs,
		     const struct ctrans_layer_profile *profile, uint32_t rows,
		     struct ctrans_layer_cost *cost);

#endif
