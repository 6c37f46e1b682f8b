/* SPDX-License-Identifier: MIT */
/* What to expect of a layer's inputs before any text has been run. */
#ifndef CT_DISPATCH_PRIOR_H
#define CT_DISPATCH_PRIOR_H

#include "ctrans_dispatch.h"

/*
 * Magnitudes of values that are normally distributed with a root mean square of
 * @levels firing thresholds, which is what thresholds by a row's or a layer's root
 * mean square come to. The fields that name the layer stay as they are; rows = 0
 * says that nothing was looked at.
 */
void ct_prior(struct ctrans_layer_profile *profile, float levels);

#endif
