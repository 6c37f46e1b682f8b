/* SPDX-License-Identifier: MIT */
/*
 * A text being written, as steps that somebody else runs: prepare, run the
 * turn, take what came of it, and again until it is finished. A blocking call
 * has one of them, a queue many. With a little model some turns are its own, and
 * several tokens may come of one of the model's.
 */
#ifndef CT_ENGINE_GENERATION_H
#define CT_ENGINE_GENERATION_H

#include "engine/beams.h"
#include "engine/draft.h"
#include "engine/sample.h"
#include "engine/turn.h"
#include "engine/writer.h"

struct ct_generation {
	struct ctrans_session *session;
	struct ctrans_generate_params p;
	struct ct_sampler sampler;
	struct ct_writer writer;
	/* For each token that may come of a step; see ct_wanted. */
	float *logits;		/* NULL: those that the chip names are enough */
	struct ct_best *best;	/* NULL: the one is enough */
	struct ct_best one;
	struct ct_draft draft;
	/* What may come next; see constrain.h. */
	struct ct_constraints rules;
	struct ct_bans bans;
	bool ruled;		/* some rule is set */
	struct ct_beams *beams;	/* of a beam search that has begun; or NULL */
	struct ct_turn turn;
	struct ct_account account;
	size_t held;		/* tokens of the session before the call */
	size_t first;		/* number of the first new token */
	uint64_t start_ns, first_ns;	/* first_ns: 0 until there is a token */
	enum ctrans_finish finish;
	bool finished;
};

/*
 * Checks all that can be, and adds the prompt's tokens to the session, which
 * is the generation's until it has ended. Nothing of @prompt and @params is
 * needed afterwards but what its callbacks, their argument and the cancel word
 * point to. After a failure there is nothing to end or to free.
 */
int ct_generation_init(struct ct_generation *g, struct ctrans_session *session,
		       const char *prompt,
		       const struct ctrans_generate_params *params,
		       struct ct_err *err);

/*
 * prompt.c: add the prompt to the session, without running it; with an encoder it is
 * the session's source, with @prefix before it. NULL: p.prompt_tokens.
 */
int ct_generation_prompt(struct ct_generation *g, const char *prompt, const char *prefix,
			 struct ct_err *err);

static inline const struct ct_config *ct_generation_config(const struct ct_generation *g)
{
	return ct_core_config(g->session->model->core);
}

/* Whether the caller's cancel word is set. */
bool ct_generation_canceled(const struct ct_generation *g);
/* It ends with the text so far. No call of it may be in line. */
void ct_generation_cancel(struct ct_generation *g);

/*
 * Set up turn.call for what the chip has not seen, from wherever the sequence
 * is: what was run and taken away is run again.
 */
int ct_generation_prepare(struct ct_generation *g, struct ct_err *err);
/* Whose steps the call is for: the model's or its little one's. */
struct ct_gather *ct_generation_gather(const struct ct_generation *g);
/* The call has been run: choose the next tokens and call the callbacks. */
int ct_generation_take(struct ct_generation *g, struct ct_err *err);

/*
 * The call could not be prepared or run for lack of memory. Whether it may be
 * drafting's: then it goes on without, from its next call on.
 */
bool ct_generation_alone(struct ct_generation *g);
/* Keys and values go, the text stays: they will be made again. */
void ct_generation_forget(struct ct_generation *g);

/*
 * Once, finished or, with @ret, failed, which leaves the session as it was.
 * Returns @ret, or 0 with the result. Frees everything but the session.
 */
int ct_generation_end(struct ct_generation *g, int ret,
		      struct ctrans_result **result, struct ct_err *err);

#endif
