// SPDX-License-Identifier: MIT
#include "model/ggml_type.h"

#include <stddef.h>

/*
 * Numbers and block sizes: docs/gguf.md and ggml-common.h of ggml. The holes
 * are types that ggml has removed. The opaque ones are here so that a file
 * which holds them is checked like any other, and named in the message.
 */
static const struct ct_ggml_type types[] = {
	[0] = { "F32", 1, 4, CT_F32 },
	[1] = { "F16", 1, 2, CT_F16 },
	[2] = { "Q4_0", 32, 18, CT_Q4_0 },
	[3] = { "Q4_1", 32, 20, CT_OPAQUE },
	[6] = { "Q5_0", 32, 22, CT_OPAQUE },
	[7] = { "Q5_1", 32, 24, CT_OPAQUE },
	[8] = { "Q8_0", 32, 34, CT_Q8_0 },
	[9] = { "Q8_1", 32, 36, CT_OPAQUE },
	[10] = { "Q2_K", 256, 84, CT_OPAQUE },
	[11] = { "Q3_K", 256, 110, CT_OPAQUE },
	[12] = { "Q4_K", 256, 144, CT_OPAQUE },
	[13] = { "Q5_K", 256, 176, CT_OPAQUE },
	[14] = { "Q6_K", 256, 210, CT_OPAQUE },
	[15] = { "Q8_K", 256, 292, CT_OPAQUE },
	[16] = { "IQ2_XXS", 256, 66, CT_OPAQUE },
	[17] = { "IQ2_XS", 256, 74, CT_OPAQUE },
	[18] = { "IQ3_XXS", 256, 98, CT_OPAQUE },
	[19] = { "IQ1_S", 256, 50, CT_OPAQUE },
	[20] = { "IQ4_NL", 32, 18, CT_OPAQUE },
	[21] = { "IQ3_S", 256, 110, CT_OPAQUE },
	[22] = { "IQ2_S", 256, 82, CT_OPAQUE },
	[23] = { "IQ4_XS", 256, 136, CT_OPAQUE },
	[24] = { "I8", 1, 1, CT_I8 },
	[25] = { "I16", 1, 2, CT_OPAQUE },
	[26] = { "I32", 1, 4, CT_OPAQUE },
	[27] = { "I64", 1, 8, CT_OPAQUE },
	[28] = { "F64", 1, 8, CT_OPAQUE },
	[29] = { "IQ1_M", 256, 56, CT_OPAQUE },
	[30] = { "BF16", 1, 2, CT_BF16 },
	[34] = { "TQ1_0", 256, 54, CT_OPAQUE },
	[35] = { "TQ2_0", 256, 66, CT_OPAQUE },
	[39] = { "MXFP4", 32, 17, CT_OPAQUE },
};

const struct ct_ggml_type *ct_ggml_type(uint32_t number)
{
	if (number >= sizeof(types) / sizeof(types[0]) || !types[number].name)
		return NULL;
	return &types[number];
}
