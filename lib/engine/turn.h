/* SPDX-License-Identifier: MIT */
/*
 * A session's turn: the tokens that it holds and the chip has not seen, as a
 * call for the steps that callers share.
 */
#ifndef CT_ENGINE_TURN_H
#define CT_ENGINE_TURN_H

#include "engine/gather.h"
#include "engine/session.h"

/*
 * What is wanted after the last token; any may be NULL. With @earlier it is also
 * wanted after as many tokens before the last, one after the other in order, and
 * rows have the logit of the token that follows.
 */
struct ct_wanted {
	float *logits;		/* [1 + earlier][vocabulary] */
	struct ct_best *best;	/* [1 + earlier] */
	uint32_t earlier;
};

/*
 * Used again and again. The caller sets the first four and call.spent. @seq is
 * the session's, or that of its little model.
 */
struct ct_turn {
	struct ctrans_session *session;
	struct ct_seq *seq;
	/* Tokens behind the session's end, in its array, that are run as well. */
	uint32_t ahead;
	struct ct_wanted want;
	struct ct_gather_call call;
	/* Tokens that others had run; those once put in line here are not. */
	uint32_t reused;
	size_t lined_up;
	/* Decoding is one row at a time, and allocates nothing. */
	struct ct_step_row one;
	struct ct_step_row *rows;
	size_t room;
};

/*
 * Fill the call; call.n is 0 if there is nothing to run. Where something is
 * wanted after tokens that the chip has seen they are run again.
 */
int ct_turn_prepare(struct ct_turn *turn, struct ct_err *err);
/* Row of the call after which something is wanted, @at of want.earlier + 1. */
struct ct_step_row *ct_turn_row(const struct ct_turn *turn, uint32_t at);
void ct_turn_free(struct ct_turn *turn);

/*
 * Run turns of sessions of one model in shared steps, and free them. A failure
 * leaves the sessions' tokens as they are.
 */
int ct_turns_run(struct ct_turn *turns, size_t n, struct ct_err *err);

#endif
