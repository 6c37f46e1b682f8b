/* SPDX-License-Identifier: MIT */
/* Positions that no file has: T5's distance buckets, FSMT's sinusoids. */
#ifndef CT_MODEL_DISTANCE_H
#define CT_MODEL_DISTANCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The bucket of a key @distance positions behind the query (before it: negative), as
 * _relative_position_bucket of Hugging Face's modeling_t5.py has it: half of a
 * side's buckets are one distance each, the others grow as a logarithm up to @span.
 * @both: keys before and behind have half of the buckets each; else there are
 * none behind.
 */
uint32_t ct_distance_bucket(int32_t distance, bool both, uint32_t buckets,
			    uint32_t span);

/*
 * Position @p of SinusoidalPositionalEmbedding (modeling_fsmt.py): sines of the first
 * half, cosines of the other. The frequencies and angles are binary32, as there.
 */
void ct_sinusoid(uint32_t p, uint32_t n, float *out);

#endif
