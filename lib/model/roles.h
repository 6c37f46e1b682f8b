/* SPDX-License-Identifier: MIT */
/*
 * What a model's weights are for, whatever names a file gives them.
 *
 * A decoder's roles have the short names, as GPT-2 is nothing but a decoder; an
 * encoder's begin with ENC, those of a decoder's attention to its source with X.
 */
#ifndef CT_MODEL_ROLES_H
#define CT_MODEL_ROLES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"

enum ct_role {
	/* of the model */
	CT_WTE,			/* tokens; the encoder's too unless it has its own */
	CT_WPE,			/* positions; both stacks' */
	CT_LN_F_GAIN,
	CT_LN_F_BIAS,
	CT_LM_HEAD,
	CT_REL_BIAS,		/* of scores, by distance */
	CT_ENC_WTE,
	CT_ENC_REL_BIAS,
	CT_ENC_LN_F_GAIN,
	/* of a layer of the decoder */
	CT_LN_1_GAIN,
	CT_LN_1_BIAS,
	CT_QKV,			/* queries, keys, values in turn */
	CT_QKV_BIAS,
	CT_ATTN_OUT,
	CT_ATTN_OUT_BIAS,
	CT_LN_X_GAIN,
	CT_LN_X_BIAS,
	CT_XQ,
	CT_XQ_BIAS,
	CT_XKV,			/* keys and values of the source */
	CT_XKV_BIAS,
	CT_X_OUT,
	CT_X_OUT_BIAS,
	CT_LN_2_GAIN,
	CT_LN_2_BIAS,
	CT_FC,
	CT_FC_BIAS,
	CT_FC_GATE,
	CT_MLP_OUT,
	CT_MLP_OUT_BIAS,
	/* of a layer of the encoder */
	CT_ENC_LN_1_GAIN,
	CT_ENC_LN_1_BIAS,
	CT_ENC_QKV,
	CT_ENC_QKV_BIAS,
	CT_ENC_ATTN_OUT,
	CT_ENC_ATTN_OUT_BIAS,
	CT_ENC_LN_2_GAIN,
	CT_ENC_LN_2_BIAS,
	CT_ENC_FC,
	CT_ENC_FC_BIAS,
	CT_ENC_FC_GATE,
	CT_ENC_MLP_OUT,
	CT_ENC_MLP_OUT_BIAS,
	CT_N_ROLES
};

#define CT_FIRST_LAYER_ROLE	CT_LN_1_GAIN
#define CT_FIRST_ENC_ROLE	CT_ENC_LN_1_GAIN

/*
 * How many of it a model of this configuration has: 1 of the model's own, one a
 * layer, or 0. A tied head is none.
 */
uint32_t ct_role_layers(const struct ct_config *cfg, enum ct_role role);

/* One of them; @n_in is 1: a vector. Of CT_REL_BIAS: buckets by heads. */
void ct_role_shape(const struct ct_config *cfg, enum ct_role role,
		   uint32_t *n_out, uint32_t *n_in);

/* Has it one number for each of something? Else it is a matrix, however narrow. */
bool ct_role_vector(enum ct_role role);

/* Is it a matrix that a linear or an embedding has packed? */
bool ct_role_packed(enum ct_role role);

/* The vector that is added to what a matrix gives; CT_N_ROLES: none. */
enum ct_role ct_role_bias(const struct ct_config *cfg, enum ct_role role);

/* No file has it: it is computed. */
bool ct_role_made(const struct ct_config *cfg, enum ct_role role);

/* Its name in GGUF files: "blk.0.attn_qkv.weight". */
#define CT_ROLE_NAME_SIZE	96
void ct_role_name(enum ct_role role, uint32_t layer, char name[CT_ROLE_NAME_SIZE]);

/* ---- In Hugging Face files ---------------------------------------------- */

/*
 * A role's outputs may lie in several tensors, one after the other: queries, keys
 * and values. Of each there may be other names, in this order.
 */
#define CT_SLICES	3u
#define CT_NAMES	3u

/*
 * Name @name of slice @slice, without the prefix that a family's names may have.
 * false: there is no such slice, or no further name.
 */
bool ct_role_hf_name(const struct ct_config *cfg, enum ct_role role, uint32_t layer,
		     unsigned int slice, unsigned int name,
		     char text[CT_ROLE_NAME_SIZE]);

#endif
