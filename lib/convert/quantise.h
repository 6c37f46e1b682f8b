/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of packing S8: largest magnitudes, and floats to the bytes of
 * a tile. Plain C, compiled once more for AVX2; integers and single operations
 * on floats, so that every version gives the same bytes.
 */
#ifndef CT_CONVERT_QUANTISE_H
#define CT_CONVERT_QUANTISE_H

#include <stdint.h>

#include "uapi/ctrans_job.h"

/*
 * Magnitudes are compared as the bits of their floats: the order is the same,
 * and infinities and NaN, from this on, are above all others.
 */
#define CT_BITS_INFINITE	0x7f800000u

/* The largest magnitude of @n values, as bits. */
uint32_t ct_max_bits(const float *x, uint32_t n);

/* max[i] becomes the larger of itself and the magnitude of row[i]. */
void ct_max_bits_each(const float *row, uint32_t n, uint32_t *max);

/*
 * Outputs in rows: output j, of @n_rows up to 16, is at rows + j * n_in, and
 * inv[j] is one over its scale. Fills lines of @tile from its line 0, and the
 * sums of what was written. What is there for other outputs stays.
 */
void ct_quantise_outputs(const float *rows, uint32_t n_in, uint32_t n_rows,
			 const float *inv, int8_t *tile, int32_t *sums);

/*
 * Inputs in rows: four that begin at a multiple of four, of @n_out outputs
 * each. @tile: the line of the first tile that has them, the others @stride
 * bytes apart. Adds to @sums.
 */
void ct_quantise_inputs(const float *rows, uint32_t n_out, const float *inv,
			int8_t *tile, uint64_t stride, int32_t *sums);

/* One weight. */
int8_t ct_quantise(float w, float inv);

#endif
