/* SPDX-License-Identifier: MIT */
/* Firing thresholds from what calibration has seen, and what they make of it. */
#ifndef CT_CONVERT_THRESHOLD_H
#define CT_CONVERT_THRESHOLD_H

#include "convert/calibration.h"

/* Each layer's root mean square over @levels. */
void ct_thresholds_rms(struct ct_calibration *c, float levels);

/* Fill each layer's profile: its samples at its threshold. */
int ct_thresholds_profile(struct ct_calibration *c, unsigned int threads,
			  struct ct_err *err);

#endif
