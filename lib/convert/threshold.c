// SPDX-License-Identifier: MIT
#include "convert/threshold.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "convert/values.h"

void ct_thresholds_rms(struct ct_calibration *c, float levels)
{
	for (size_t i = 0; i < c->n; i++) {
		double rms = ct_calibration_rms(c, i, true);

		/* a layer that is always zero has no scale; any will do */
		c->layers[i].threshold = rms > 1e-20 ? (float)(rms / levels) : 1.0f;
	}
}

struct profiling {
	struct ct_calibration *c;
	atomic_bool failed;
};

static void profile(void *ctx, size_t i)
{
	struct profiling *p = ctx;
	struct ct_calibration_layer *l = &p->c->layers[i];
	int16_t *a = malloc(l->n_in * sizeof(*a));
	float *x = malloc(l->n_in * sizeof(*x));

	l->profile = (struct ctrans_layer_profile){
		.size = sizeof(l->profile), .layer = l->layer, .kind = l->kind,
		.n_in = l->n_in, .n_out = l->n_out, .threshold = l->threshold,
	};
	if (!a || !x)
		p->failed = true;
	for (uint32_t r = 0; a && x && r < l->n_samples; r++) {
		float theta = ct_values_theta(x, l->n_in, l->threshold, false);
		uint32_t clamped;

		ct_calibration_sample(l, r, x);
		clamped = ct_values_quantise(x, l->n_in, theta, a);
		ct_values_count(a, l->n_in, clamped, &l->profile);
	}
	free(a);
	free(x);
}

int ct_thresholds_profile(struct ct_calibration *c, unsigned int threads,
			  struct ct_err *err)
{
	struct profiling p = { .c = c };

	ct_parallel(threads, c->n, profile, &p);
	return p.failed ? ct_fail(err, -ENOMEM, "out of memory") : 0;
}
