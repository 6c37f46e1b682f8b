// SPDX-License-Identifier: MIT
#include "model/dtype.h"

static const struct {
	const char *name;
	uint32_t block;
} dtypes[CT_N_DTYPES] = {
	[CT_F32] = { "F32", 1 },
	[CT_F16] = { "F16", 1 },
	[CT_BF16] = { "BF16", 1 },
	[CT_Q8_0] = { "Q8_0", 32 },
	[CT_Q4_0] = { "Q4_0", 32 },
	[CT_I8] = { "I8", 1 },
};

const char *ct_dtype_name(enum ct_dtype dtype)
{
	return dtype < CT_N_DTYPES ? dtypes[dtype].name : "unsupported";
}

uint32_t ct_dtype_block(enum ct_dtype dtype)
{
	return dtype < CT_N_DTYPES ? dtypes[dtype].block : 0;
}

bool ct_dtype_is_float(enum ct_dtype dtype)
{
	return dtype < CT_N_DTYPES && dtype != CT_I8;
}
