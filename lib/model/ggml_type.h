/* SPDX-License-Identifier: MIT */
#ifndef CT_MODEL_GGML_TYPE_H
#define CT_MODEL_GGML_TYPE_H

#include <stdint.h>

#include "model/dtype.h"

/* One of the tensor types that a GGUF file may name by number. */
struct ct_ggml_type {
	const char *name;
	uint16_t block, block_bytes;
	enum ct_dtype dtype;
};

/* NULL for a number that is not (or no longer) a type. */
const struct ct_ggml_type *ct_ggml_type(uint32_t number);

#endif
