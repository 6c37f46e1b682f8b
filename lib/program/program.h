/* SPDX-License-Identifier: MIT */
/*
 * A GPT-2 as a chip program: seven instructions a layer, and three around them.
 * Built once for a model and a policy; what changes in a step is in its
 * argument block.
 */
#ifndef CT_PROGRAM_PROGRAM_H
#define CT_PROGRAM_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "ctrans_dispatch.h"
#include "model/config.h"
#include "uapi/ctrans_job.h"

/* What an instruction is for; with the layer it makes the tag. */
enum ct_insn_kind {
	CT_INSN_EMBED,
	CT_INSN_NORM,
	CT_INSN_QKV,
	CT_INSN_ATTENTION,
	CT_INSN_PROJECTION,
	CT_INSN_FFN_UP,
	CT_INSN_FFN_DOWN,
	CT_INSN_HEAD,
	CT_INSN_KINDS
};

static inline enum ct_insn_kind ct_tag_kind(uint32_t tag)
{
	return (enum ct_insn_kind)(tag & 0xff);
}

/* Device addresses of one packed matrix and what goes with it; 0: none. */
struct ct_weight_va {
	uint64_t weights, scale, colsum, bias;
	uint64_t bytes;			/* of the weights */
	enum ctrans_encoding enc;
};

struct ct_layer_va {
	uint64_t ln_1_gain, ln_1_bias, ln_2_gain, ln_2_bias;
	struct ct_weight_va qkv, proj, up, down;
};

struct ct_program_layout {
	enum ctrans_encoding enc;	/* S8 or F32: what is computed with */
	enum ctrans_kv_type kv;
	struct ct_weight_va wte, head;	/* the same where tied */
	uint64_t wpe, ln_f_gain, ln_f_bias;
	const struct ct_layer_va *layer;
	/* activations, by row */
	uint64_t x, xn, qkv, att, ffn;
	uint32_t x_stride, qkv_stride, ffn_stride;
	uint64_t logits, topk;
	uint32_t logits_stride, topk_stride, logits_rows, top_k;
	uint32_t n_ctx;
	/* thresholds: a factor of each row's rms, or one for each linear */
	float theta_factor;
	const float *theta;	/* [ct_program_linears], or NULL: dynamic */
	/* [ct_program_linears], or NULL: all dense */
	const struct ctrans_dispatch *dispatch;
	/*
	 * Of FFN-up. BOUND: its outputs' norms are at norms + layer * norms_stride.
	 * SAMPLE: thresholds are not dynamic.
	 */
	enum ctrans_speculation speculation;
	uint32_t spec_steps;
	uint64_t norms;
	uint32_t norms_stride;
};

/* Instructions, and of those the ones that quantise, in program order. */
size_t ct_program_length(const struct ct_config *cfg);
size_t ct_program_linears(const struct ct_config *cfg);

/* Bytes of a key/value block. */
uint64_t ct_program_block_bytes(const struct ct_config *cfg,
				enum ctrans_kv_type kv);

/*
 * Make all zero what a block in host memory holds of positions from @n on, in
 * every layer; nothing else of it changes.
 */
void ct_program_block_clear(const struct ct_config *cfg, enum ctrans_kv_type kv,
			    void *block, uint32_t n);

void ct_program_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn);

#endif
