/* SPDX-License-Identifier: MIT */
/*
 * Beam search over one text, as Hugging Face's transformers 4.25 has it.
 *
 * K beams are K texts of the same length. A step takes what the model says of
 * each, ranks all continuations by the sum of their log-probabilities, and makes
 * the K best that do not end the new beams; one that ends and is among the K
 * best is a hypothesis, and the K best of those, by sum / length ^ penalty, are
 * kept. It is over when there are K (early_stopping), or none of the beams looks
 * better than the worst of K, or the texts are max_length long; then the beams
 * are hypotheses, too, unless it was over before.
 *
 * What is exact: log-probabilities are logit - lse and sums are in binary32,
 * scores in binary64; among equals the lower beam and then the lower token is
 * first, as if all scores of all beams were one row. What has no probability
 * (-INFINITY: banned tokens) follows in the same order where nothing else is
 * left, as it does there. One beam is greedy search, to the token.
 *
 * Lengths count what the text started from, hypotheses not what ends them.
 */
#ifndef CT_ENGINE_BEAM_H
#define CT_ENGINE_BEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/constrain.h"

struct ct_ranked;

#define CT_BEAMS_MAX		32u
#define CT_BEAM_LENGTH_MAX	(1u << 24)

struct ct_beam_params {
	uint32_t beams;			/* 1..CT_BEAMS_MAX */
	uint32_t n_best;		/* hypotheses wanted, 1..beams */
	uint32_t max_length;
	uint32_t vocab;
	double length_penalty;		/* above 0 prefers long texts */
	bool early_stopping;
	const uint32_t *eos;		/* any of these ends a text */
	uint32_t n_eos;
};

/* What may follow a beam. */
struct ct_beam_row {
	const struct ct_ranked *top;	/* without what is banned, highest first */
	uint32_t n;
	float lse;			/* of the whole row, banned ones too */
	bool forced;			/* @only follows, whatever the model says */
	uint32_t only;
};

/* A new beam: the text of @parent and one token. */
struct ct_beam_next {
	uint32_t parent, token;
	float score;
};

struct ct_beam_hyp {
	uint32_t *tokens;	/* from the start on, with eos at its end if it ended */
	uint32_t n;
	bool ended;
	float sum;		/* of log-probabilities, that of eos too */
	double score;
};

struct ct_beam_node {
	uint32_t parent, token;
};

struct ct_beam_found {
	double score;
	float sum;
	uint32_t node, length;
	bool ended;
};

struct ct_beam {
	struct ct_beam_params p;	/* p.eos is not used */
	uint32_t eos[CT_ENDS_MAX];
	uint32_t length;		/* of the beams' texts */
	bool done;			/* no step is to follow */
	bool settled;			/* open beams are no hypotheses */
	float scores[CT_BEAMS_MAX];
	uint32_t at[CT_BEAMS_MAX];	/* their last nodes */

	uint32_t *start, n_start;
	struct ct_beam_node *nodes;	/* a tree of all beams' texts */
	size_t n_nodes, room;
	struct ct_beam_ranked *ranked;

	struct ct_beam_found found[CT_BEAMS_MAX + 1];	/* in the order they came */
	uint32_t n_found;
	double worst;
};

/*
 * @start: what the decoder starts from, at least one token and fewer than
 * max_length. Nothing of @p and @start is kept. -EINVAL, -E2BIG, -ENOMEM.
 */
int ct_beam_init(struct ct_beam *b, const struct ct_beam_params *p,
		 const uint32_t *start, uint32_t n_start, struct ct_err *err);
void ct_beam_free(struct ct_beam *b);

/* So many candidates of each beam decide a step; all, if there are fewer. */
uint32_t ct_beam_wanted(const struct ct_beam *b);

/* The b->length tokens of a beam. */
void ct_beam_text(const struct ct_beam *b, uint32_t beam, uint32_t *tokens);

/*
 * One step. @rows and @next: one of each beam. Before the first, all beams are
 * the same text, and one row may serve for all. One of several beams whose score
 * is -INFINITY leads nowhere: its row is not looked at, no model need be asked.
 *
 * After the step that sets b->done @next may be of no use. -EBADMSG when a row
 * is not of numbers, -ENOMEM: nothing has changed.
 */
int ct_beam_step(struct ct_beam *b, const struct ct_beam_row *rows,
		 struct ct_beam_next *next, struct ct_err *err);

/*
 * The best hypotheses, best first; n_best of them. Changes nothing, and may be
 * called before the end, where open beams count as they stand. Free each with
 * ct_beam_hyps_free(). -ENOMEM
 */
int ct_beam_best(const struct ct_beam *b, struct ct_beam_hyp *hyps,
		 struct ct_err *err);
void ct_beam_hyps_free(struct ct_beam_hyp *hyps, uint32_t n);

#endif
