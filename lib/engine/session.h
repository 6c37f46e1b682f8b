/* SPDX-License-Identifier: MIT */
/*
 * A sequence with its text: the tokens a caller has given or was given, of
 * which the chip has seen all or all but the latest. What it has not seen is
 * run when something is wanted after it, so that a token that ends a text costs
 * no step.
 */
#ifndef CT_ENGINE_SESSION_H
#define CT_ENGINE_SESSION_H

#include <stdatomic.h>

#include "engine/model.h"
#include "engine/usage.h"
#include "text/buf.h"

struct ctrans_session {
	struct ctrans_model *model;
	struct ct_seq *seq;	/* holds ids[0 .. its position) */
	/*
	 * So does this one, of the little model; NULL until it has drafted. What it
	 * lacks it runs before it drafts, so nobody else has to care for it.
	 */
	struct ct_seq *little;
	struct ct_ids ids;
	struct ct_ids source;	/* with an encoder: what the text attends to */
	struct ct_account account;
	atomic_uint in_use;	/* session.c */
};

int ct_session_open(struct ctrans_model *model, struct ctrans_session **session,
		    struct ct_err *err);

/* -EBUSY when another call on the session is under way. */
int ct_session_enter(struct ctrans_session *session, struct ct_err *err);
/* After it the session may be gone: it was closed meanwhile. */
void ct_session_leave(struct ctrans_session *session);

/*
 * Add tokens without running them. -E2BIG if they and @more would not fit,
 * -EINVAL for one out of range; nothing has changed then.
 */
int ct_session_add(struct ctrans_session *session, const uint32_t *tokens,
		   size_t n, size_t more, struct ct_err *err);
void ct_session_truncate(struct ctrans_session *session, size_t n);
/* Forget all, and take a source, which is read when it is needed; -ENOMEM. */
int ct_session_begin(struct ctrans_session *session, const struct ct_ids *source,
		     struct ct_err *err);
/*
 * Read the source, if there is one that has not been read, for the sequence of the
 * model or of its little one. What it cost is added to @spent, unless NULL.
 */
int ct_session_read(struct ctrans_session *session, struct ct_seq *seq,
		    struct ct_spent *spent, struct ct_err *err);

/* Of the text nothing, of its keys and values those from @n on. */
void ct_session_trim(struct ctrans_session *session, size_t n);

#endif
