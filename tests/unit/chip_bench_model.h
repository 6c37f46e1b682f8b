/* SPDX-License-Identifier: MIT */
/*
 * One layer of a small GPT-2 in a bench's context, with random weights: a valid
 * program in which every instruction and every operand occurs.
 */
#ifndef CHIP_BENCH_MODEL_H
#define CHIP_BENCH_MODEL_H

#include "chip_bench.h"

enum tiny_insn {
	TINY_EMBED, TINY_NORM_1, TINY_QKV, TINY_ATTENTION, TINY_PROJ, TINY_NORM_2,
	TINY_UP, TINY_DOWN, TINY_NORM_F, TINY_LOGITS, TINY_INSNS
};

#define TINY_ROWS	24u
#define TINY_SEQS	4u
#define TINY_BLOCKS	3u	/* of a sequence: 192 positions */

struct tiny {
	/* chosen by the test */
	uint32_t heads, head_dim, inner, vocab;
	uint8_t enc, kv, code, act, theta_mode;
	bool small;	/* nine weights of ten in five bits: ESC always, S8 on request */
	uint64_t spike_mask[2];
	uint16_t top_k;

	/* set by tiny_build() */
	unsigned int ctx;
	uint32_t width, logits_stride, topk_stride;
	uint64_t prog, args, stats, logits, topk, x;
	uint64_t table[TINY_SEQS], block_bytes;
};

struct tiny_row {
	uint32_t token, position, seq;
	bool logits;
};

/* Everything in context memory; the same weights for the same shape. */
void tiny_build(struct bench *b, unsigned int ctx, struct tiny *t);
/* Arguments for @n rows; an entry that runs them. */
void tiny_args(struct bench *b, const struct tiny *t, const struct tiny_row *rows,
	       uint32_t n);
struct ctrans_sqe tiny_sqe(const struct tiny *t, bool stats);
/* Both, and the completion. */
struct ctrans_cqe tiny_step(struct bench *b, unsigned int slot, const struct tiny *t,
			    const struct tiny_row *rows, uint32_t n);

void tiny_get(struct bench *b, const struct tiny *t, uint32_t insn,
	      struct ctrans_insn *i);
void tiny_set(struct bench *b, const struct tiny *t, uint32_t insn,
	      const struct ctrans_insn *i);

#endif
