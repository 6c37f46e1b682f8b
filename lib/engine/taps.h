/* SPDX-License-Identifier: MIT */
/* Steps whose linears leave what they take in (program/taps.h). */
#ifndef CT_ENGINE_TAPS_H
#define CT_ENGINE_TAPS_H

#include "engine/core_impl.h"
#include "program/taps.h"

struct ct_taps {
	struct ct_core *core;
	struct ct_tap *tap;		/* by linear */
	size_t n;
	uint32_t rows;			/* of a step, at most */
	bool outputs;
	struct ct_buf_dev buf;		/* taps, then the program */
	uint64_t prog_va;
	size_t n_insns;
};

/* @rows: at most CT_STEP_ROWS; fewer where they would take much memory. */
int ct_taps_open(struct ct_core *core, uint32_t rows, bool outputs,
		 struct ct_taps *taps, struct ct_err *err);
void ct_taps_close(struct ct_taps *taps);

/*
 * Run the next @n tokens of @seq. What is tapped is valid until the next run;
 * other threads may step the core meanwhile.
 */
int ct_taps_run(struct ct_taps *taps, struct ct_seq *seq, const uint32_t *tokens,
		size_t n, struct ct_err *err);

/*
 * Run @n tokens in windows of the model's context, one after the other, and call
 * @fn after each step with how many of them it was and how many are done. Not 0
 * ends it with that value.
 */
typedef int ct_taps_fn(void *arg, const struct ct_taps *taps, size_t rows, size_t done,
		       struct ct_err *err);

int ct_taps_text(struct ct_taps *taps, const uint32_t *tokens, size_t n, ct_taps_fn *fn,
		 void *arg, struct ct_err *err);

const float *ct_taps_in(const struct ct_taps *taps, size_t linear, size_t row);
/* Before activation, and not added to anything. */
const float *ct_taps_out(const struct ct_taps *taps, size_t linear, size_t row);

/* The @j-th linear of the core's own program. */
static inline const struct ctrans_insn *ct_taps_insn(const struct ct_taps *taps,
						     size_t linear)
{
	return &taps->core->prog[taps->tap[linear].insn];
}

#endif
