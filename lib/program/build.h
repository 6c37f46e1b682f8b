/* SPDX-License-Identifier: MIT */
/* One instruction after the other; shared by the files that build programs. */
#ifndef CT_PROGRAM_BUILD_H
#define CT_PROGRAM_BUILD_H

#include "program/program.h"

/* A stack of layers, and how far its program is. */
struct ct_builder {
	const struct ct_config *cfg;
	const struct ct_program_layout *at;
	const struct ct_activations *act;
	const struct ct_layer_va *layer_va;
	uint32_t n_layer, n_head, head_dim, n_inner;
	uint64_t distances;		/* biases of scores; 0: none */
	uint32_t tag_base;		/* its first layer's number in tags */
	struct ctrans_insn *next;
	size_t linears;			/* as ct_program_list() counts */
	uint32_t layer;
};

struct ctrans_insn *ct_build(struct ct_builder *b, enum ctrans_insn_op op,
			     enum ct_insn_kind kind);
void ct_build_embed(struct ct_builder *b, const struct ct_weight_va *table,
		    uint32_t n_vocab);
/* x to xn; of a model that normalises sums, x to itself. */
void ct_build_norm(struct ct_builder *b, const struct ct_norm_va *norm);
/* What linears read that follow a norm. */
uint64_t ct_build_normed(const struct ct_builder *b);

struct ctrans_insn_linear *ct_build_linear(struct ct_builder *b, enum ctrans_insn_op op,
					   enum ct_insn_kind kind,
					   const struct ct_weight_va *w,
					   uint32_t n_in, uint32_t n_out);
void ct_build_rows(struct ctrans_insn_linear *l, uint64_t in, uint32_t in_stride,
		   uint64_t out, uint32_t out_stride);
/* Onto x. */
void ct_build_sum(struct ct_builder *b, enum ct_insn_kind kind,
		  const struct ct_weight_va *w, uint64_t in, uint32_t in_stride,
		  uint32_t n_in);

/* The parts that layers of both stacks have, each with its norm. */
void ct_build_self(struct ct_builder *b, enum ctrans_attend attend, uint64_t offset);
void ct_build_ffn(struct ct_builder *b);
struct ctrans_insn_attention *ct_build_attention(struct ct_builder *b,
						 enum ctrans_attend attend,
						 uint64_t offset);

uint32_t ct_build_bits(float f);

#endif
