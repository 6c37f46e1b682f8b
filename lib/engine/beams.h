/* SPDX-License-Identifier: MIT */
/*
 * A beam search as turns: a sequence for each beam, and a step's rows for all of them.
 * Beams that go on from one text share its keys and values, and all share the source.
 */
#ifndef CT_ENGINE_BEAMS_H
#define CT_ENGINE_BEAMS_H

#include "engine/beam.h"
#include "engine/turn.h"

struct ct_beams_params {
	struct ct_beam_params search;
	struct ct_constraint_params rules;
	/* On log-probabilities, before the rules; see ct_penalise(). */
	float penalty;			/* 1: none */
	uint32_t window;
};

struct ct_beams {
	struct ct_core *core;
	struct ct_beam search;
	struct ct_constraints rules;
	float penalty;
	uint32_t window;
	uint64_t *seen;			/* if there is a penalty */
	uint32_t n;			/* beams */
	bool begun;			/* the first step has been run */
	struct ct_seq *seq[CT_BEAMS_MAX];
	uint32_t token[CT_BEAMS_MAX];	/* that each is to run next */
	struct ct_bans bans[CT_BEAMS_MAX];
	uint32_t row_of[CT_BEAMS_MAX];	/* of the step; CT_BEAM_IDLE: it has none */
	struct ct_best *best;		/* [n] */
	struct ct_ranked *ranked;	/* [n][CT_STEP_TOPK] */
	float *logits;			/* [n][vocabulary], where the best do not do */
	struct ct_step_row *rows;	/* [the start's tokens, or n] */
	uint32_t n_start;
	uint32_t *text;			/* [max_length]: a beam's, to look back at */
};

#define CT_BEAM_IDLE	UINT32_MAX

/* @start: what the decoder begins with. -EINVAL, -E2BIG, -ENOMEM. */
int ct_beams_open(struct ct_core *core, const struct ct_beams_params *p,
		  const uint32_t *start, uint32_t n_start, struct ct_beams **beams,
		  struct ct_err *err);
void ct_beams_close(struct ct_beams *beams);

/*
 * Fill the call for the next step. Before the first @like is the sequence whose
 * source beams attend to.
 */
int ct_beams_prepare(struct ct_beams *b, const struct ct_seq *like,
		     struct ct_gather_call *call, struct ct_err *err);
/* It has been run: the next beams. search.done says that there is no other. */
int ct_beams_take(struct ct_beams *b, struct ct_err *err);

#endif
