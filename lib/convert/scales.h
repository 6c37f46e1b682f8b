/* SPDX-License-Identifier: MIT */
/*
 * Scales for weights that will be compressed (uapi/ctrans_layout.h, ESC), where a
 * small scale costs memory and a large one precision.
 *
 * An output's weights, n of root mean square r, in steps of s are wrong by n s^2 /
 * 12 in the square; those beyond sixteen steps are exceptions and take 16 bits more
 * than the five that each has. One multiplier for the whole model says what a bit
 * is worth, in units of error relative to a matrix's own weights; each output then
 * takes the scale of least cost.
 */
#ifndef CT_CONVERT_SCALES_H
#define CT_CONVERT_SCALES_H

#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_job.h"

/* Scales looked at, from the coarsest: r is 2 to 30 steps, eight to an octave. */
#define CT_SCALE_CHOICES	32u

/* What is known of one output's weights. */
struct ct_scale_curve {
	float rms, max;
	uint32_t beyond[CT_SCALE_CHOICES];	/* exceptions */
};

/* @n_out up to 16 outputs, @tile [n_in][16]. Weights are finite. */
void ct_scale_curves(const float *tile, uint32_t n_in, uint32_t n_out,
		     struct ct_scale_curve *curves);

/* One matrix. */
struct ct_scale_matrix {
	uint32_t n_in, n_out;
	struct ct_scale_curve *curves;	/* [n_out] */
	double squares;			/* of all weights, summed */
};

/* The multiplier at which all take @bits a weight as stored, or just below. */
double ct_scales_balance(const struct ct_scale_matrix *matrices, size_t n,
			 double bits);

/* The scale of one output; 0: its weights are nothing. */
float ct_scale_choose(const struct ct_scale_matrix *m, uint32_t output,
		      double multiplier);

/*
 * What not being an exception is worth to a weight of that output, in steps
 * squared; with a scale that was not chosen, as were it chosen so.
 */
float ct_scale_worth(const struct ct_scale_matrix *m, float scale, double multiplier);
float ct_scale_worth_at(float sigma_steps);

#endif
