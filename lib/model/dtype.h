/* SPDX-License-Identifier: MIT */
/*
 * Element types of tensors in files. A block type packs a fixed number of
 * elements with their scale; for the plain types a block is one element.
 */
#ifndef CT_MODEL_DTYPE_H
#define CT_MODEL_DTYPE_H

#include <stdbool.h>
#include <stdint.h>

enum ct_dtype {
	CT_F32,
	CT_F16,
	CT_BF16,
	CT_Q8_0,	/* 32 x int8 and an fp16 scale: 34 bytes */
	CT_Q4_0,	/* 32 x 4 bits and an fp16 scale: 18 bytes */
	CT_I8,
	/*
	 * Types whose layout is known, so that files which hold them can be
	 * checked, but whose values nothing here converts (ct_tensor.type_name
	 * says which one it is).
	 */
	CT_OPAQUE,
	CT_N_DTYPES = CT_OPAQUE
};

/* Name as written in reports: "F32", "Q8_0". */
const char *ct_dtype_name(enum ct_dtype dtype);

/* Elements in a block; 0 for CT_OPAQUE. */
uint32_t ct_dtype_block(enum ct_dtype dtype);

/* Can ct_rows_to_f32() convert it? */
bool ct_dtype_is_float(enum ct_dtype dtype);

#endif
