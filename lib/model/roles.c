// SPDX-License-Identifier: MIT
#include "model/roles.h"

#include <stdio.h>
#include <string.h>

/* Lengths that shapes are made of. */
enum dim {
	ONE, VOCAB, CTX, EMBD, ATTN, ATTN2, ATTN3, INNER, HEADS, BUCKETS,
	ENC_VOCAB, ENC_ATTN, ENC_ATTN3, ENC_INNER, ENC_HEADS,
};

/* Which models have it. */
enum when {
	ALWAYS,
	OWN_HEAD,
	OWN_TABLE,		/* the encoder's tokens */
	POSITIONS,		/* a table of them */
	RELATIVE,		/* or biases by distance */
	FINAL_NORM,		/* normalises before linears, so also at the end */
	FINAL_NORM_BIAS,
	NORM_BIAS,
	BIAS,
	GATED,
	CROSS,			/* has an encoder */
	CROSS_NORM_BIAS,
	CROSS_BIAS,
	ENC_RELATIVE,
	ENC_FINAL_NORM,
};

/* GGUF's names are those of llama.cpp, where it has the same matrix. */
static const struct {
	const char *gguf;
	enum dim out, in;
	enum when when;
} roles[CT_N_ROLES] = {
	[CT_WTE] = { "token_embd.weight", VOCAB, EMBD, ALWAYS },
	[CT_WPE] = { "position_embd.weight", CTX, EMBD, POSITIONS },
	[CT_LN_F_GAIN] = { "output_norm.weight", EMBD, ONE, FINAL_NORM },
	[CT_LN_F_BIAS] = { "output_norm.bias", EMBD, ONE, FINAL_NORM_BIAS },
	[CT_LM_HEAD] = { "output.weight", VOCAB, EMBD, OWN_HEAD },
	[CT_REL_BIAS] = { "attn_rel_b.weight", BUCKETS, HEADS, RELATIVE },
	[CT_ENC_WTE] = { "enc.token_embd.weight", ENC_VOCAB, EMBD, OWN_TABLE },
	[CT_ENC_REL_BIAS] = { "enc.attn_rel_b.weight", BUCKETS, ENC_HEADS, ENC_RELATIVE },
	[CT_ENC_LN_F_GAIN] = { "enc.output_norm.weight", EMBD, ONE, ENC_FINAL_NORM },

	[CT_LN_1_GAIN] = { "blk.#.attn_norm.weight", EMBD, ONE, ALWAYS },
	[CT_LN_1_BIAS] = { "blk.#.attn_norm.bias", EMBD, ONE, NORM_BIAS },
	[CT_QKV] = { "blk.#.attn_qkv.weight", ATTN3, EMBD, ALWAYS },
	[CT_QKV_BIAS] = { "blk.#.attn_qkv.bias", ATTN3, ONE, BIAS },
	[CT_ATTN_OUT] = { "blk.#.attn_output.weight", EMBD, ATTN, ALWAYS },
	[CT_ATTN_OUT_BIAS] = { "blk.#.attn_output.bias", EMBD, ONE, BIAS },
	[CT_LN_X_GAIN] = { "blk.#.cross_attn_norm.weight", EMBD, ONE, CROSS },
	[CT_LN_X_BIAS] = { "blk.#.cross_attn_norm.bias", EMBD, ONE, CROSS_NORM_BIAS },
	[CT_XQ] = { "blk.#.cross_attn_q.weight", ATTN, EMBD, CROSS },
	[CT_XQ_BIAS] = { "blk.#.cross_attn_q.bias", ATTN, ONE, CROSS_BIAS },
	[CT_XKV] = { "blk.#.cross_attn_kv.weight", ATTN2, EMBD, CROSS },
	[CT_XKV_BIAS] = { "blk.#.cross_attn_kv.bias", ATTN2, ONE, CROSS_BIAS },
	[CT_X_OUT] = { "blk.#.cross_attn_output.weight", EMBD, ATTN, CROSS },
	[CT_X_OUT_BIAS] = { "blk.#.cross_attn_output.bias", EMBD, ONE, CROSS_BIAS },
	[CT_LN_2_GAIN] = { "blk.#.ffn_norm.weight", EMBD, ONE, ALWAYS },
	[CT_LN_2_BIAS] = { "blk.#.ffn_norm.bias", EMBD, ONE, NORM_BIAS },
	[CT_FC] = { "blk.#.ffn_up.weight", INNER, EMBD, ALWAYS },
	[CT_FC_BIAS] = { "blk.#.ffn_up.bias", INNER, ONE, BIAS },
	[CT_FC_GATE] = { "blk.#.ffn_gate.weight", INNER, EMBD, GATED },
	[CT_MLP_OUT] = { "blk.#.ffn_down.weight", EMBD, INNER, ALWAYS },
	[CT_MLP_OUT_BIAS] = { "blk.#.ffn_down.bias", EMBD, ONE, BIAS },

	[CT_ENC_LN_1_GAIN] = { "enc.blk.#.attn_norm.weight", EMBD, ONE, ALWAYS },
	[CT_ENC_LN_1_BIAS] = { "enc.blk.#.attn_norm.bias", EMBD, ONE, NORM_BIAS },
	[CT_ENC_QKV] = { "enc.blk.#.attn_qkv.weight", ENC_ATTN3, EMBD, ALWAYS },
	[CT_ENC_QKV_BIAS] = { "enc.blk.#.attn_qkv.bias", ENC_ATTN3, ONE, BIAS },
	[CT_ENC_ATTN_OUT] = { "enc.blk.#.attn_output.weight", EMBD, ENC_ATTN, ALWAYS },
	[CT_ENC_ATTN_OUT_BIAS] = { "enc.blk.#.attn_output.bias", EMBD, ONE, BIAS },
	[CT_ENC_LN_2_GAIN] = { "enc.blk.#.ffn_norm.weight", EMBD, ONE, ALWAYS },
	[CT_ENC_LN_2_BIAS] = { "enc.blk.#.ffn_norm.bias", EMBD, ONE, NORM_BIAS },
	[CT_ENC_FC] = { "enc.blk.#.ffn_up.weight", ENC_INNER, EMBD, ALWAYS },
	[CT_ENC_FC_BIAS] = { "enc.blk.#.ffn_up.bias", ENC_INNER, ONE, BIAS },
	[CT_ENC_FC_GATE] = { "enc.blk.#.ffn_gate.weight", ENC_INNER, EMBD, GATED },
	[CT_ENC_MLP_OUT] = { "enc.blk.#.ffn_down.weight", EMBD, ENC_INNER, ALWAYS },
	[CT_ENC_MLP_OUT_BIAS] = { "enc.blk.#.ffn_down.bias", EMBD, ONE, BIAS },
};

static bool has(const struct ct_config *c, enum when when)
{
	bool cross = c->enc.n_layer > 0;

	switch (when) {
	case OWN_HEAD:		return !c->tied_head;
	case OWN_TABLE:		return cross && !c->shared_table;
	case POSITIONS:		return c->positions != CT_POSITIONS_RELATIVE;
	case RELATIVE:		return c->positions == CT_POSITIONS_RELATIVE;
	case FINAL_NORM:	return !c->post_norm;
	case FINAL_NORM_BIAS:	return !c->post_norm && !c->rms_norm;
	case NORM_BIAS:		return !c->rms_norm;
	case BIAS:		return c->biases;
	case GATED:		return c->gated;
	case CROSS:		return cross;
	case CROSS_NORM_BIAS:	return cross && !c->rms_norm;
	case CROSS_BIAS:	return cross && c->biases;
	case ENC_RELATIVE:	return cross && c->positions == CT_POSITIONS_RELATIVE;
	case ENC_FINAL_NORM:	return cross && !c->post_norm;
	default:		return true;
	}
}

uint32_t ct_role_layers(const struct ct_config *c, enum ct_role role)
{
	if (!has(c, roles[role].when))
		return 0;
	if (role < CT_FIRST_LAYER_ROLE)
		return 1;
	return role < CT_FIRST_ENC_ROLE ? c->n_layer : c->enc.n_layer;
}

static uint32_t dim_of(const struct ct_config *c, enum dim dim)
{
	uint32_t attn = c->n_head * c->head_dim;
	uint32_t enc_attn = c->enc.n_head * c->enc.head_dim;

	switch (dim) {
	case VOCAB:	return c->n_vocab;
	case CTX:	return c->n_ctx;
	case EMBD:	return c->n_embd;
	case ATTN:	return attn;
	case ATTN2:	return 2 * attn;
	case ATTN3:	return 3 * attn;
	case INNER:	return c->n_inner;
	case HEADS:	return c->n_head;
	case BUCKETS:	return c->rel_buckets;
	case ENC_VOCAB:	return c->enc.n_vocab;
	case ENC_ATTN:	return enc_attn;
	case ENC_ATTN3:	return 3 * enc_attn;
	case ENC_INNER:	return c->enc.n_inner;
	case ENC_HEADS:	return c->enc.n_head;
	default:	return 1;
	}
}

void ct_role_shape(const struct ct_config *c, enum ct_role role,
		   uint32_t *n_out, uint32_t *n_in)
{
	*n_out = dim_of(c, roles[role].out);
	*n_in = dim_of(c, roles[role].in);
}

bool ct_role_vector(enum ct_role role)
{
	return roles[role].in == ONE;
}

bool ct_role_packed(enum ct_role role)
{
	return !ct_role_vector(role) && role != CT_WPE && role != CT_REL_BIAS &&
	       role != CT_ENC_REL_BIAS;
}

enum ct_role ct_role_bias(const struct ct_config *c, enum ct_role role)
{
	enum ct_role bias;

	/* the bias follows its matrix in the list; tables and gates have none */
	if (!ct_role_packed(role) || role < CT_FIRST_LAYER_ROLE || role == CT_FC_GATE ||
	    role == CT_ENC_FC_GATE)
		return CT_N_ROLES;
	bias = (enum ct_role)(role + 1);
	return ct_role_layers(c, bias) ? bias : CT_N_ROLES;
}

bool ct_role_made(const struct ct_config *c, enum ct_role role)
{
	return role == CT_WPE && c->positions == CT_POSITIONS_SINUSOID;
}

void ct_role_name(enum ct_role role, uint32_t layer, char name[CT_ROLE_NAME_SIZE])
{
	const char *own = roles[role].gguf, *mark = strchr(own, '#');

	if (mark)
		snprintf(name, CT_ROLE_NAME_SIZE, "%.*s%u%s", (int)(mark - own), own,
			 layer, mark + 1);
	else
		snprintf(name, CT_ROLE_NAME_SIZE, "%s", own);
}
