// SPDX-License-Identifier: MIT
/*
 * The names that Hugging Face's classes give to weights: modeling_gpt2.py,
 * modeling_t5.py (mT5's are the same) and modeling_fsmt.py of transformers. The
 * layer stands at "#".
 */
#include <stdio.h>
#include <string.h>

#include "model/roles.h"

struct slice_names {
	const char *name[CT_NAMES];
};

struct role_names {
	struct slice_names slice[CT_SLICES];
};

#define ONE(n)		{ { { { n } } } }
#define TWO(a, b)	{ { { { a } }, { { b } } } }
#define THREE(a, b, c)	{ { { { a } }, { { b } }, { { c } } } }
#define EITHER(...)	{ { { { __VA_ARGS__ } } } }

static const struct role_names gpt2[CT_N_ROLES] = {
	[CT_WTE] = ONE("wte.weight"),
	[CT_WPE] = ONE("wpe.weight"),
	[CT_LN_F_GAIN] = ONE("ln_f.weight"),
	[CT_LN_F_BIAS] = ONE("ln_f.bias"),
	[CT_LM_HEAD] = ONE("lm_head.weight"),
	[CT_LN_1_GAIN] = ONE("h.#.ln_1.weight"),
	[CT_LN_1_BIAS] = ONE("h.#.ln_1.bias"),
	[CT_QKV] = ONE("h.#.attn.c_attn.weight"),
	[CT_QKV_BIAS] = ONE("h.#.attn.c_attn.bias"),
	[CT_ATTN_OUT] = ONE("h.#.attn.c_proj.weight"),
	[CT_ATTN_OUT_BIAS] = ONE("h.#.attn.c_proj.bias"),
	[CT_LN_2_GAIN] = ONE("h.#.ln_2.weight"),
	[CT_LN_2_BIAS] = ONE("h.#.ln_2.bias"),
	[CT_FC] = ONE("h.#.mlp.c_fc.weight"),
	[CT_FC_BIAS] = ONE("h.#.mlp.c_fc.bias"),
	[CT_MLP_OUT] = ONE("h.#.mlp.c_proj.weight"),
	[CT_MLP_OUT_BIAS] = ONE("h.#.mlp.c_proj.bias"),
};

#define T5_SELF(stack, what) \
	stack ".block.#.layer.0.SelfAttention." what ".weight"
#define T5_CROSS(what)	"decoder.block.#.layer.1.EncDecAttention." what ".weight"
#define T5_BIAS(stack) \
	stack ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"

/* A file that holds what is shared once may have it under any of its names. */
static const struct role_names t5[CT_N_ROLES] = {
	[CT_WTE] = EITHER("shared.weight", "decoder.embed_tokens.weight",
			  "encoder.embed_tokens.weight"),
	[CT_LN_F_GAIN] = ONE("decoder.final_layer_norm.weight"),
	[CT_LM_HEAD] = ONE("lm_head.weight"),
	[CT_REL_BIAS] = ONE(T5_BIAS("decoder")),
	[CT_ENC_REL_BIAS] = ONE(T5_BIAS("encoder")),
	[CT_ENC_LN_F_GAIN] = ONE("encoder.final_layer_norm.weight"),
	[CT_LN_1_GAIN] = ONE("decoder.block.#.layer.0.layer_norm.weight"),
	[CT_QKV] = THREE(T5_SELF("decoder", "q"), T5_SELF("decoder", "k"),
			 T5_SELF("decoder", "v")),
	[CT_ATTN_OUT] = ONE(T5_SELF("decoder", "o")),
	[CT_LN_X_GAIN] = ONE("decoder.block.#.layer.1.layer_norm.weight"),
	[CT_XQ] = ONE(T5_CROSS("q")),
	[CT_XKV] = TWO(T5_CROSS("k"), T5_CROSS("v")),
	[CT_X_OUT] = ONE(T5_CROSS("o")),
	[CT_LN_2_GAIN] = ONE("decoder.block.#.layer.2.layer_norm.weight"),
	/* of those without and with a gate */
	[CT_FC] = EITHER("decoder.block.#.layer.2.DenseReluDense.wi.weight",
			 "decoder.block.#.layer.2.DenseReluDense.wi_1.weight"),
	[CT_FC_GATE] = ONE("decoder.block.#.layer.2.DenseReluDense.wi_0.weight"),
	[CT_MLP_OUT] = ONE("decoder.block.#.layer.2.DenseReluDense.wo.weight"),
	[CT_ENC_LN_1_GAIN] = ONE("encoder.block.#.layer.0.layer_norm.weight"),
	[CT_ENC_QKV] = THREE(T5_SELF("encoder", "q"), T5_SELF("encoder", "k"),
			     T5_SELF("encoder", "v")),
	[CT_ENC_ATTN_OUT] = ONE(T5_SELF("encoder", "o")),
	[CT_ENC_LN_2_GAIN] = ONE("encoder.block.#.layer.1.layer_norm.weight"),
	[CT_ENC_FC] = EITHER("encoder.block.#.layer.1.DenseReluDense.wi.weight",
			     "encoder.block.#.layer.1.DenseReluDense.wi_1.weight"),
	[CT_ENC_FC_GATE] = ONE("encoder.block.#.layer.1.DenseReluDense.wi_0.weight"),
	[CT_ENC_MLP_OUT] = ONE("encoder.block.#.layer.1.DenseReluDense.wo.weight"),
};

#define FSMT(stack, what)	stack ".layers.#." what
#define FSMT_QKV(stack, p)	\
	THREE(FSMT(stack, "self_attn.q_proj." p), FSMT(stack, "self_attn.k_proj." p), \
	      FSMT(stack, "self_attn.v_proj." p))

static const struct role_names fsmt[CT_N_ROLES] = {
	/* the head is tied inside of the class */
	[CT_WTE] = EITHER("decoder.embed_tokens.weight",
			  "decoder.output_projection.weight"),
	[CT_ENC_WTE] = ONE("encoder.embed_tokens.weight"),
	[CT_LN_1_GAIN] = ONE(FSMT("decoder", "self_attn_layer_norm.weight")),
	[CT_LN_1_BIAS] = ONE(FSMT("decoder", "self_attn_layer_norm.bias")),
	[CT_QKV] = FSMT_QKV("decoder", "weight"),
	[CT_QKV_BIAS] = FSMT_QKV("decoder", "bias"),
	[CT_ATTN_OUT] = ONE(FSMT("decoder", "self_attn.out_proj.weight")),
	[CT_ATTN_OUT_BIAS] = ONE(FSMT("decoder", "self_attn.out_proj.bias")),
	[CT_LN_X_GAIN] = ONE(FSMT("decoder", "encoder_attn_layer_norm.weight")),
	[CT_LN_X_BIAS] = ONE(FSMT("decoder", "encoder_attn_layer_norm.bias")),
	[CT_XQ] = ONE(FSMT("decoder", "encoder_attn.q_proj.weight")),
	[CT_XQ_BIAS] = ONE(FSMT("decoder", "encoder_attn.q_proj.bias")),
	[CT_XKV] = TWO(FSMT("decoder", "encoder_attn.k_proj.weight"),
		       FSMT("decoder", "encoder_attn.v_proj.weight")),
	[CT_XKV_BIAS] = TWO(FSMT("decoder", "encoder_attn.k_proj.bias"),
			    FSMT("decoder", "encoder_attn.v_proj.bias")),
	[CT_X_OUT] = ONE(FSMT("decoder", "encoder_attn.out_proj.weight")),
	[CT_X_OUT_BIAS] = ONE(FSMT("decoder", "encoder_attn.out_proj.bias")),
	[CT_LN_2_GAIN] = ONE(FSMT("decoder", "final_layer_norm.weight")),
	[CT_LN_2_BIAS] = ONE(FSMT("decoder", "final_layer_norm.bias")),
	[CT_FC] = ONE(FSMT("decoder", "fc1.weight")),
	[CT_FC_BIAS] = ONE(FSMT("decoder", "fc1.bias")),
	[CT_MLP_OUT] = ONE(FSMT("decoder", "fc2.weight")),
	[CT_MLP_OUT_BIAS] = ONE(FSMT("decoder", "fc2.bias")),
	[CT_ENC_LN_1_GAIN] = ONE(FSMT("encoder", "self_attn_layer_norm.weight")),
	[CT_ENC_LN_1_BIAS] = ONE(FSMT("encoder", "self_attn_layer_norm.bias")),
	[CT_ENC_QKV] = FSMT_QKV("encoder", "weight"),
	[CT_ENC_QKV_BIAS] = FSMT_QKV("encoder", "bias"),
	[CT_ENC_ATTN_OUT] = ONE(FSMT("encoder", "self_attn.out_proj.weight")),
	[CT_ENC_ATTN_OUT_BIAS] = ONE(FSMT("encoder", "self_attn.out_proj.bias")),
	[CT_ENC_LN_2_GAIN] = ONE(FSMT("encoder", "final_layer_norm.weight")),
	[CT_ENC_LN_2_BIAS] = ONE(FSMT("encoder", "final_layer_norm.bias")),
	[CT_ENC_FC] = ONE(FSMT("encoder", "fc1.weight")),
	[CT_ENC_FC_BIAS] = ONE(FSMT("encoder", "fc1.bias")),
	[CT_ENC_MLP_OUT] = ONE(FSMT("encoder", "fc2.weight")),
	[CT_ENC_MLP_OUT_BIAS] = ONE(FSMT("encoder", "fc2.bias")),
};

bool ct_role_hf_name(const struct ct_config *c, enum ct_role role, uint32_t layer,
		     unsigned int slice, unsigned int name,
		     char text[CT_ROLE_NAME_SIZE])
{
	const struct role_names *names = c->arch == CT_ARCH_T5 ? t5 :
					 c->arch == CT_ARCH_FSMT ? fsmt : gpt2;
	const char *own, *mark;

	if (c->arch == CT_ARCH_T5 && (role == CT_FC || role == CT_ENC_FC)) {
		if (name)
			return false;
		name = c->gated;
	}
	if (slice >= CT_SLICES || name >= CT_NAMES)
		return false;
	own = names[role].slice[slice].name[name];
	if (!own)
		return false;
	mark = strchr(own, '#');
	if (mark)
		snprintf(text, CT_ROLE_NAME_SIZE, "%.*s%u%s", (int)(mark - own), own,
			 layer, mark + 1);
	else
		snprintf(text, CT_ROLE_NAME_SIZE, "%s", own);
	return true;
}
