// SPDX-License-Identifier: MIT
#include "convert/values.h"

#include <math.h>
#include <stdlib.h>

/* Sixteen partial sums and one tree: the vector unit's order. */
static float sum_of_squares(const float *x, uint32_t n)
{
	float p[16] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		p[i % 16] = fmaf(x[i], x[i], p[i % 16]);
	for (unsigned int step = 8; step; step /= 2)
		for (unsigned int j = 0; j < step; j++)
			p[j] += p[j + step];
	return p[0];
}

float ct_values_theta(const float *x, uint32_t n, float factor, bool dynamic)
{
	float theta = factor;

	if (dynamic)
		theta *= sqrtf(sum_of_squares(x, n) / (float)n);
	return theta >= 0x1p-100f && theta <= 0x1.fffffep127f ? theta : 1.0f;
}

uint32_t ct_values_quantise(const float *x, uint32_t n, float theta, int16_t *a)
{
	const float big = 12582912.0f;	/* 1.5 * 2^23: the adder rounds */
	float inv = 1.0f / theta;
	uint32_t clamped = 0;

	for (uint32_t k = 0; k < n; k++) {
		float v = x[k] * inv;
		int32_t r;

		v = v == v ? v : 0.0f;
		/* one beyond the limits, so that rounding still decides */
		v = v > -32768.0f ? v : -32768.0f;
		v = v < 32768.0f ? v : 32768.0f;
		r = (int32_t)((v + big) - big);
		clamped += r > CT_VALUE_MAX || r < -CT_VALUE_MAX;
		r = r > CT_VALUE_MAX ? CT_VALUE_MAX : r;
		a[k] = (int16_t)(r < -CT_VALUE_MAX ? -CT_VALUE_MAX : r);
	}
	return clamped;
}

void ct_values_count(const int16_t *a, uint32_t n, uint32_t clamped,
		     struct ctrans_layer_profile *p)
{
	for (uint32_t k = 0; k < n; k++) {
		unsigned int m = (unsigned int)abs(a[k]);

		if (m > CT_ARRAY_MAX)
			p->outliers++;
		else
			p->magnitude[m]++;
	}
	p->clamped += clamped;
	p->rows++;
}
