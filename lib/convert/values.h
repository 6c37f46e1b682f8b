/* SPDX-License-Identifier: MIT */
/*
 * Activations as integers: what the chip makes of them before a linear, to the bit
 * (uapi/ctrans_insn.h). For whoever chooses thresholds or counts values.
 */
#ifndef CT_CONVERT_VALUES_H
#define CT_CONVERT_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans_dispatch.h"

#define CT_VALUE_MAX	32767	/* of the INT16 unit */
#define CT_ARRAY_MAX	127	/* of the array */

/* The threshold of a row; @dynamic: @factor times its root mean square. */
float ct_values_theta(const float *x, uint32_t n, float factor, bool dynamic);

/*
 * What is rounded: x * (1 / theta), which is a product of two binary32 and so not
 * x / theta. NaN gives 0.
 */
static inline float ct_values_scaled(float x, float theta)
{
	float v = x * (1.0f / theta);

	return v == v ? v : 0.0f;
}

/* Returns how many were clamped. */
uint32_t ct_values_quantise(const float *x, uint32_t n, float theta, int16_t *a);

/* Add a row to a profile: its magnitudes, outliers and clamped ones. */
void ct_values_count(const int16_t *a, uint32_t n, uint32_t clamped,
		     struct ctrans_layer_profile *p);

#endif
