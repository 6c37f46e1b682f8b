// SPDX-License-Identifier: MIT
#include "convert/smooth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define FACTOR_MAX	32.0

int ct_smooth_choose(struct ct_calibration_layer *l, float alpha,
		     const float *weight_max, struct ct_err *err)
{
	double *wish = calloc(l->n_in, sizeof(*wish)), sum = 0;
	float *s = calloc(l->n_in, sizeof(*s));
	uint32_t some = 0;

	if (!wish || !s) {
		free(wish);
		free(s);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	for (uint32_t k = 0; k < l->n_in; k++) {
		if (!(l->max[k] > 0) || !(weight_max[k] > 0))
			continue;
		wish[k] = (double)alpha * log((double)l->max[k]) -
			  (1 - (double)alpha) * log((double)weight_max[k]);
		sum += wish[k];
		some++;
	}
	for (uint32_t k = 0; k < l->n_in; k++) {
		double f = 1;

		if (l->max[k] > 0 && weight_max[k] > 0)
			f = exp(wish[k] - sum / some);
		f = f > FACTOR_MAX ? FACTOR_MAX : f;
		s[k] = (float)(f < 1 / FACTOR_MAX ? 1 / FACTOR_MAX : f);
	}
	free(wish);
	free(l->smoothing);
	l->smoothing = s;
	return 0;
}
