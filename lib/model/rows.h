/* SPDX-License-Identifier: MIT */
#ifndef CT_MODEL_ROWS_H
#define CT_MODEL_ROWS_H

#include <stdint.h>

#include "model/dtype.h"

/*
 * Convert @n_elems elements at @src, of any alignment, to fp32. Every value
 * of every type is exactly an fp32 value, so there is one right answer on
 * every CPU: subnormals and infinities included, whatever the rounding and
 * flush modes. A signalling fp16 NaN becomes quiet with its payload kept.
 *
 * @n_elems must be whole blocks (-EINVAL); a type without fp32 values is
 * -ENOTSUP.
 */
int ct_rows_to_f32(enum ct_dtype dtype, const void *src, uint64_t n_elems,
		   float *dst);

/* The same in plain C only: what the fast paths are tested against. */
int ct_rows_to_f32_portable(enum ct_dtype dtype, const void *src,
			    uint64_t n_elems, float *dst);

#endif
