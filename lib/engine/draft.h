/* SPDX-License-Identifier: MIT */
/*
 * What a little model says that a text goes on with.
 *
 * Its tokens lie behind the session's end, in its array, and are no part of the
 * session: who verifies them adds those that stand. The little model's sequence
 * holds the text and the draft but for the latest token; what did not stand is
 * taken from it when the draft is dropped.
 *
 * It chooses as the text's own sampler would choose from its logits, with the
 * random numbers that will be used to verify: so it is right more often than
 * two draws would agree. It goes on while it is sure of its choice.
 */
#ifndef CT_ENGINE_DRAFT_H
#define CT_ENGINE_DRAFT_H

#include "engine/sample.h"
#include "engine/turn.h"

struct ct_draft {
	uint32_t most;		/* tokens at most; 0: no drafts */
	float fallback;		/* the least probability */
	uint32_t n;		/* tokens in hand */
	bool over;		/* no more will come */
	bool its_turn;		/* the turn prepared is the little model's */
	struct ct_sampler sampler;	/* the text's, from the draft's beginning on */
	float *logits;		/* as in ct_generation */
	struct ct_best best;
};

/*
 * For a text of the session's, if its model has a little one. Where there is no
 * memory for it nothing is drafted: a draft is a help and no more.
 */
void ct_draft_init(struct ct_draft *d, struct ctrans_session *session,
		   const struct ctrans_generate_params *p);
void ct_draft_free(struct ct_draft *d);

/*
 * Whether the little model is to be run next: to read a prompt, or to draft if
 * there is @room for that many tokens.
 */
bool ct_draft_is_next(const struct ct_draft *d, const struct ctrans_session *session,
		      bool prompt, uint32_t room);

/* Its next turn; @sampler stands where the text does. */
int ct_draft_prepare(struct ct_draft *d, struct ct_turn *turn, bool prompt,
		     const struct ct_sampler *sampler, struct ct_err *err);

/* The turn has been run: take its token, or leave it at what there is. */
void ct_draft_take(struct ct_draft *d, struct ct_turn *turn, bool ignore_eos);

/*
 * The draft is used up or of no use. What both models hold from the text's
 * last token on goes, as it may be of tokens that are not there.
 */
void ct_draft_drop(struct ct_draft *d, struct ctrans_session *session);

/* No more drafts of this text, and no memory for them. */
void ct_draft_stop(struct ct_draft *d, struct ctrans_session *session);

#endif
