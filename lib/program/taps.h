/* SPDX-License-Identifier: MIT */
/*
 * A program with taps: the same instructions, but what enters each linear, and
 * on request what its sum comes to, stays in memory when the step is over.
 *
 * The instructions that make a linear's input are pointed at a place of its own, and
 * so is the linear. Linears of one input share its place. What is also summed onto
 * later, a token's embedding or a sum normalised in place, is made twice, once for
 * the tap. A linear may add to what is there and apply an activation; its sum is had
 * from a copy of it that does neither.
 */
#ifndef CT_PROGRAM_TAPS_H
#define CT_PROGRAM_TAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_job.h"

/* One linear's, in program order; bytes from the taps' beginning, and by row. */
struct ct_tap {
	uint64_t in, out;		/* out: only with outputs */
	uint32_t in_stride, out_stride;
	size_t insn;			/* which of the program it is */
};

static inline bool ct_insn_quantises(const struct ctrans_insn *i)
{
	return i->op == CTRANS_INSN_LINEAR || i->op == CTRANS_INSN_LOGITS;
}

#define CT_TAPS_LENGTH(n)	(3 * (n))

/*
 * Places of @rows rows for all linears of a program that ct_program_build() has
 * made; returns the bytes they take.
 */
uint64_t ct_taps_plan(const struct ctrans_insn *prog, size_t n, uint32_t rows,
		      bool outputs, struct ct_tap *taps);

/*
 * The program with its taps from @base on; at most CT_TAPS_LENGTH(@n) instructions,
 * whose number is returned. It ends before the logits: what enters them is tapped, too,
 * for every row.
 */
size_t ct_taps_build(const struct ctrans_insn *prog, size_t n,
		     const struct ct_tap *taps, uint64_t base, bool outputs,
		     struct ctrans_insn *to);

/* The sum of a linear alone, to @va: no activation, nothing added to. */
struct ctrans_insn ct_tap_sum(const struct ctrans_insn *linear, uint64_t va,
			      uint32_t stride);

#endif
