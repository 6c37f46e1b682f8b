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
/* Tokens of the texts that are kept, and texts. */
#define CT_CALIBRATION_FIRST	128u
#define CT_CALIBRATION_TEXTS	32u

struct ct_calibration_layer {
	uint32_t layer, kind;	/* enum ctrans_kind */
	uint32_t n_in, n_out;
	uint64_t rows, rows_total;	/* seen, to come in all */
	uint32_t n_samples;	/* min(SAMPLES, rows_total) */
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

/* One of the first texts: tokens of its source, if it has one, then its own. */
struct ct_calibration_text {
	uint32_t n_source, n;
};

struct ct_calibration {
	/* linears in program order: an encoder's have other rows than a decoder's */
	struct ct_calibration_layer *layers;
	size_t n;
	uint32_t *first;	/* tokens of the first texts */
	struct ct_calibration_text text[CT_CALIBRATION_TEXTS];
	uint32_t n_texts;
};

/* A linear's shape and rows to come, of which open() makes all the rest. */
struct ct_calibration_shape {
	uint32_t layer, kind, n_in, n_out;
	uint64_t rows;
};

int ct_calibration_open(const struct ct_calibration_shape *shapes, size_t n,
			bool gram, struct ct_calibration **out, struct ct_err *err);
void ct_calibration_close(struct ct_calibration *c);

/*
 * Keep a text and its source if there is room: at most FIRST tokens of texts, the
 * very first cut to it. -ENOSPC: there is not, and nothing has changed.
 */
int ct_calibration_keep(struct ct_calibration *c, const uint32_t *source,
			size_t n_source, const uint32_t *tokens, size_t n,
			struct ct_err *err);

/* Inputs of one linear: row r at x + r * stride. */
struct ct_calibration_rows {
	const float *x;
	size_t stride;
};

/*
 * The next @n_rows rows, of linears from @first to before @end; @in has them all.
 * A value that is no number counts as 0.
 */
int ct_calibration_add(struct ct_calibration *c, size_t first, size_t end,
		       const struct ct_calibration_rows *in, uint32_t n_rows,
		       unsigned int threads, struct ct_err *err);

/* The Gram block of inputs @first and on, [m][m]; @first a multiple of the block's. */
float *ct_calibration_gram(const struct ct_calibration_layer *l, uint32_t first,
			   uint32_t *m);

/* Root mean square of a layer's inputs, over everything; @smoothed: divided. */
double ct_calibration_rms(const struct ct_calibration *c, size_t linear, bool smoothed);

/* The @i-th sample of a layer, divided, to @x. */
void ct_calibration_sample(const struct ct_calibration_layer *l, uint32_t i, float *x);

#endif
