/* SPDX-License-Identifier: MIT */
/*
 * Smoothing: channels in which activations are large are divided by a factor, and
 * the weights that they meet multiplied by it, which changes no product in real
 * arithmetic, but gives fewer outliers and a finer threshold for the rest. Only where
 * the division costs nothing: behind a norm, which takes it into gain and bias, and
 * behind attention, whose output is a mean of values, so that the weights and biases
 * which make those take it.
 */
#ifndef CT_CONVERT_SMOOTH_H
#define CT_CONVERT_SMOOTH_H

#include "convert/calibration.h"

/*
 * Choose a layer's factors: (largest |x|)^alpha / (largest |w|)^(1 - alpha) of each
 * input, over their geometric mean, within 1/32 to 32. @weight_max: [n_in]. Inputs
 * that are always zero, or have no weights, keep theirs.
 */
int ct_smooth_choose(struct ct_calibration_layer *l, float alpha,
		     const float *weight_max, struct ct_err *err);

#endif
