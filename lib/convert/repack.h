/* SPDX-License-Identifier: MIT */
/*
 * One matrix from fp32 into S8 with scales that were chosen (scales.h) and errors
 * that make up for each other (correct.h). The bytes do not depend on the number of
 * threads.
 */
#ifndef CT_CONVERT_REPACK_H
#define CT_CONVERT_REPACK_H

#include <stdbool.h>

#include "convert/calibration.h"
#include "convert/correct.h"
#include "convert/scales.h"

struct ct_repack {
	uint32_t n_in, n_out;
	/* [n_in][n_out] where in_major, else [n_out][n_in]; all finite */
	const float *weights;
	bool in_major;
	/* smoothing: what each input's weights are multiplied by, each output's
	   divided by; or NULL */
	const float *by_input, *by_output;
	/* what enters it, unless NULL */
	const struct ct_calibration_layer *seen;
	bool correct;			/* with @seen, which has its Gram blocks */
	unsigned int threads;
	/* S8, zeroed; the bias is changed by the mean error, where there is one */
	int8_t *packed;
	float *scale;
	int32_t *colsum;
	float *bias;
};

/* Where scales come from. */
struct ct_repack_scales {
	const struct ct_scale_matrix *curves;	/* with it @multiplier counts */
	double multiplier;
	float sigma;			/* else steps to a standard deviation */
};				/* neither: the largest weight is 127 */

struct ct_repack_result {
	double signal, noise;		/* squares at the output */
};

/* For scale_matrix: curves[n_out] are filled, and squares. */
int ct_repack_curves(const struct ct_repack *r, struct ct_scale_matrix *m,
		     struct ct_err *err);

int ct_repack_round(const struct ct_repack *r, const struct ct_repack_scales *scales,
		    struct ct_repack_result *result, struct ct_err *err);

#endif
