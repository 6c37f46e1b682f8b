/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_SOAK_WAYS_H
#define CTRANS_SOAK_WAYS_H

#include "caller.h"

/* Both 0, or -1 after complain(). */
int open_session(struct caller *caller, const struct request *request,
		 struct ctrans_session **session);
/* @n first tokens of the prompt in pieces of any size; logits may be NULL. */
int eval_pieces(struct caller *caller, const struct request *request,
		struct ctrans_session *session, size_t n, float *logits);

int way_again(struct caller *caller, const struct request *request);
int way_pieces(struct caller *caller, const struct request *request);
int way_batch(struct caller *caller, const struct request *request);
int way_carried(struct caller *caller, const struct request *request);
int way_submit(struct caller *caller, const struct request *request);
int way_queue(struct caller *caller, const struct request *request);

#endif
