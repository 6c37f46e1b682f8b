/* SPDX-License-Identifier: MIT */
/*
 * What a text has shown of the activations that enter each linear layer. Plain
 * data: the engine runs the text and adds what it sees, thresholds and packing
 * read it. Whatever the number of threads, the figures are the same.
 */
#ifndef CT_CONVERT_CALIBRATION_H
#define CT_CONVERT_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ctrans_dispatch.h"

/* Rows of a layer that are kept whole. */
#define CT_CALIBRATION_SAMPLES	256u
/* Tokens of the text that are kept. */
#define CT_CALIBRATION_FIRST	128u

struct ct_calibration_layer {
	uint32_t layer, kind;	/* enum ctrans_kind */
	uint32_t n_in, n_out;
	float *max;		/* [n_in] largest magnitude */
	double *sum, *squares;	/* [n_in] over all rows */
	float *samples;		/* [n_samples][n_in], spread over the text */
	/*
	 * NULL where not asked for: X^T X over all rows, in blocks of
	 * CTRANS_ESC_INPUTS inputs along the diagonal, each whole (both halves) and
	 * [m][m] where m is the inputs it has; ct_calibration_gram() finds them.
	 */
	float *gram;
	/*
	 * [n_in] or NULL: inputs will be divided by these, and weights multiplied
	 * (smooth.h). All the rest is of inputs as they are without.
	 */
	float *smoothing;
	float threshold;	/* chosen; 0: not yet */
	float snr_db;		/* of the output, at the threshold; NaN: not known */
	/* of the samples at the threshold */
	struct ctrans_layer_profile profile;
};

struct ct_calibration {
	struct ct_calibration_layer *layers;	/* linears in program order */
	size_t n;
	uint64_t rows, rows_total;	/* seen, to come in all */
	uint32_t n_samples;		/* of each layer: min(SAMPLES, rows_total) */
	uint32_t first[CT_CALIBRATION_FIRST];	/* the text's first tokens */
	uint32_t n_first;
};

/* A linear's shape, of which open() makes all the rest. */
struct ct_calibration_shape {
	uint32_t layer, kind, n_in, n_out;
};

int ct_calibration_open(const struct ct_calibration_shape *shapes, size_t n,
			uint64_t rows_total, bool gram, struct ct_calibration **out,
			struct ct_err *err);
void ct_calibration_close(struct ct_calibration *c);

/* Inputs of one linear: row r at x + r * stride. */
struct ct_calibration_rows {
	const float *x;
	size_t stride;
};

/* The next @n_rows rows, of all linears. A value that is no number counts as 0. */
int ct_calibration_add(struct ct_calibration *c, const struct ct_calibration_rows *in,
		       uint32_t n_rows, unsigned int threads, struct ct_err *err);

/* The Gram block of inputs @first and on, [m][m]; @first a multiple of the block's. */
float *ct_calibration_gram(const struct ct_calibration_layer *l, uint32_t first,
			   uint32_t *m);

/* Root mean square of a layer's inputs, over everything; @smoothed: divided. */
double ct_calibration_rms(const struct ct_calibration *c, size_t linear, bool smoothed);

/* The @i-th sample of a layer, divided, to @x. */
void ct_calibration_sample(const struct ct_calibration_layer *l, uint32_t i, float *x);

#endif
