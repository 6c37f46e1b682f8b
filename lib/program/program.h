/* SPDX-License-Identifier: MIT */
/*
 * A model as chip programs: one that decodes, and of a model with an encoder another
 * that reads a source. Built once for a model and a policy; what changes in a step is
 * in its argument block.
 *
 * A source's step leaves keys and values for each of the decoder's layers in the
 * blocks of its rows, and in front of them, overwritten layer by layer, those of the
 * encoder itself.
 */
#ifndef CT_PROGRAM_PROGRAM_H
#define CT_PROGRAM_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "ctrans_dispatch.h"
#include "model/roles.h"
#include "uapi/ctrans_job.h"

/*
 * What an instruction is for; with the layer it makes the tag. The encoder's layers
 * are numbered first. Queries of a source and its keys and values are QKV, gates
 * FFN_UP.
 */
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

struct ct_norm_va {
	uint64_t gain, bias;
};

struct ct_layer_va {
	struct ct_norm_va ln_1, ln_x, ln_2;
	struct ct_weight_va qkv, proj, xq, xkv, xout, up, gate, down;
};

/* Where a stack's rows are while they go through it. */
struct ct_activations {
	uint64_t x, xn, qkv, att, ffn;
	uint32_t x_stride, qkv_stride, att_stride, ffn_stride;
};

struct ct_program_layout {
	enum ctrans_encoding enc;	/* S8 or F32: what is computed with */
	enum ctrans_kv_type kv;
	struct ct_weight_va wte, head;	/* the same where tied */
	struct ct_weight_va enc_wte;	/* wte again where shared */
	uint64_t wpe, distances, enc_distances;
	struct ct_norm_va ln_f, enc_ln_f;
	const struct ct_layer_va *layer, *enc_layer;
	struct ct_activations act, enc_act;
	uint64_t logits, topk;
	uint32_t logits_stride, topk_stride, logits_rows, top_k;
	uint32_t n_ctx, n_source;	/* positions of a text, and of its source */
	/* thresholds: a factor of each row's rms, or one for each linear */
	float theta_factor;
	const float *theta;	/* [ct_program_linears], or NULL: dynamic */
	/* [ct_program_linears], or NULL: all dense */
	const struct ctrans_dispatch *dispatch;
	/*
	 * Of FFN-up without gate. BOUND: its outputs' norms are at norms + layer *
	 * norms_stride. SAMPLE: thresholds are not dynamic.
	 */
	enum ctrans_speculation speculation;
	uint32_t spec_steps;
	uint64_t norms;
	uint32_t norms_stride;
};

/* Instructions of the one program and of the other, which may be none. */
size_t ct_program_length(const struct ct_config *cfg);
size_t ct_encoder_length(const struct ct_config *cfg);

void ct_program_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn);
void ct_encoder_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn);

/* ---- Linears: the instructions that quantise ---------------------------- */

/* The encoder's, then the decoder's, each in the order of its program. */
size_t ct_program_linears(const struct ct_config *cfg);
/* How many of them are the encoder's. */
size_t ct_encoder_linears(const struct ct_config *cfg);

struct ct_linear_id {
	enum ct_role role;		/* CT_WTE: as the head */
	uint32_t layer;			/* of its stack */
	uint32_t tag_layer;		/* as the tag counts; 0 for the head */
	enum ct_insn_kind kind;
};

/* [ct_program_linears()] */
void ct_program_list(const struct ct_config *cfg, struct ct_linear_id *linears);

/* ---- Keys and values (blocks.c) ------------------------------------------ */

/* Bytes of a block of a text, and of a source. */
uint64_t ct_program_block_bytes(const struct ct_config *cfg,
				enum ctrans_kv_type kv);
uint64_t ct_program_source_bytes(const struct ct_config *cfg,
				 enum ctrans_kv_type kv);
/* In them, where a layer's begin; of the encoder's own at 0. */
uint64_t ct_program_layer_offset(const struct ct_config *cfg, enum ctrans_kv_type kv,
				 uint32_t layer);
uint64_t ct_program_source_offset(const struct ct_config *cfg, enum ctrans_kv_type kv,
				  uint32_t layer);

/*
 * Make all zero what a text's block in host memory holds of positions from @n on, in
 * every layer; nothing else of it changes.
 */
void ct_program_block_clear(const struct ct_config *cfg, enum ctrans_kv_type kv,
			    void *block, uint32_t n);

/* Positions below @n of a text's block; of others what @to holds is undefined. */
void ct_program_block_copy(const struct ct_config *cfg, enum ctrans_kv_type kv,
			   void *to, const void *from, uint32_t n);

#endif
