/* SPDX-License-Identifier: MIT */
/*
 * Steps whose linears leave what they take in (program/taps.h). Of a model with an
 * encoder both programs are tapped: a source is read by the one, and its text, which
 * attends to that source, is run by the other.
 */
#ifndef CT_ENGINE_TAPS_H
#define CT_ENGINE_TAPS_H

#include "engine/core_impl.h"
#include "engine/pairs.h"
#include "program/taps.h"

/* One of the programs with its taps. */
struct ct_taps_program {
	size_t first, n;		/* its linears */
	uint32_t rows;			/* of a step, at most */
	struct ct_buf_dev buf;		/* taps, then instructions */
	uint64_t insns_at;		/* bytes from its beginning */
	size_t n_insns;
};

struct ct_taps {
	struct ct_core *core;
	struct ct_tap *tap;		/* by linear */
	/* by linear: as it is without taps, but for where its rows are */
	struct ctrans_insn *insn;
	size_t n;
	bool outputs;
	/* encoder: none, n is 0, without sources */
	struct ct_taps_program encoder, decoder;
};

/*
 * @rows: of a text's step, at most CT_STEP_ROWS; fewer where they would take much
 * memory. @source: of the longest source, all of which is a step; 0: none is read.
 */
int ct_taps_open(struct ct_core *core, uint32_t rows, uint32_t source, bool outputs,
		 struct ct_taps *taps, struct ct_err *err);
void ct_taps_close(struct ct_taps *taps);

/*
 * Run the next @n tokens of @seq. What is tapped is valid until the next run;
 * other threads may step the core meanwhile.
 */
int ct_taps_run(struct ct_taps *taps, struct ct_seq *seq, const uint32_t *tokens,
		size_t n, struct ct_err *err);
/* Read a source, likewise; it is as one of ct_core_encode(). */
int ct_taps_encode(struct ct_taps *taps, const uint32_t *tokens, size_t n,
		   struct ct_source **source, struct ct_err *err);

/* What a step was: of the linears from first to before end, and so many rows. */
struct ct_taps_step {
	size_t first, end;
	size_t rows;
	uint64_t done;		/* tokens so far, of sources and texts */
};

/*
 * Run pairs one after the other: the source, and the text in windows of the model's
 * context. @fn is called after each step; not 0 ends it with that value.
 */
typedef int ct_taps_fn(void *arg, const struct ct_taps *taps,
		       const struct ct_taps_step *step, struct ct_err *err);

int ct_taps_pairs(struct ct_taps *taps, const struct ctrans_pair *pairs, size_t n,
		  ct_taps_fn *fn, void *arg, struct ct_err *err);

const float *ct_taps_in(const struct ct_taps *taps, size_t linear, size_t row);
/* Before activation, and not added to anything. */
const float *ct_taps_out(const struct ct_taps *taps, size_t linear, size_t row);

/* The @j-th linear of the core's own programs. */
static inline const struct ctrans_insn *ct_taps_insn(const struct ct_taps *taps,
						     size_t linear)
{
	return &taps->insn[linear];
}

/* All of them, [ct_program_linears()], as the core now builds its programs. */
int ct_core_linears(struct ct_core *core, struct ctrans_insn *insns, struct ct_err *err);

#endif
