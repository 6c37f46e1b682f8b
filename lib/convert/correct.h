/* SPDX-License-Identifier: MIT */
/*
 * Weights to integers such that an output is wrong by least, not each weight.
 *
 * With G = X^T X of the inputs that a text showed, weights wrong by e make an
 * output wrong by e^T G e in the square. G = R R^T with R upper triangular makes
 * that the sum of squares of the entries of R^T e, of which entry i knows e up to i:
 * so inputs are rounded one after the other, each to make its entry smallest given
 * the errors before it (optimal brain quantisation, GPTQ's; the same as Babai's
 * nearest plane). It is done within blocks of CTRANS_ESC_INPUTS inputs, in order of
 * falling power.
 *
 * Single operations in fixed order: the same bytes on every CPU and with any number
 * of threads.
 */
#ifndef CT_CONVERT_CORRECT_H
#define CT_CONVERT_CORRECT_H

#include <stdint.h>

#include "base/err.h"
#include "uapi/ctrans_job.h"

/* Of one linear's inputs. */
struct ct_factors;

/*
 * @gram: the block of inputs @first and on is at gram(arg, first), [m][m], m the
 * inputs it has; @smoothing, unless NULL: inputs will be divided by these. Factors
 * are made by as many threads.
 */
typedef const float *ct_gram_fn(const void *arg, uint32_t first, uint32_t *m);
int ct_factors_open(uint32_t n_in, ct_gram_fn *gram, const void *arg,
		    const float *smoothing, unsigned int threads,
		    struct ct_factors **factors, struct ct_err *err);
void ct_factors_close(struct ct_factors *factors);

/* Sixteen outputs, some of which may not be there: their scale is 0. */
struct ct_tile {
	uint32_t n_in;
	const float *weights;		/* [n_in][16] */
	float scale[CTRANS_TILE_OUT];
	/* what a weight that could be an exception and is none may cost, steps^2 */
	float worth[CTRANS_TILE_OUT];
	const struct ct_factors *factors;	/* NULL: each to the nearest */
	int8_t *packed;			/* S8: this tile's lines, of n_in padded to 4 */
	int32_t sums[CTRANS_TILE_OUT];	/* of each output's integers */
};

void ct_round_tile(struct ct_tile *tile);

#endif
