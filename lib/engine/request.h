/* SPDX-License-Identifier: MIT */
/*
 * Queues and their requests. queue.c and request.c are what programs call,
 * serve.c is the thread that does the work.
 *
 * Who owns what. From submission to its end a request's generation, and the
 * session that it is in, are the service thread's, which alone has the list of
 * active ones; all else is under the queue's lock. A request that its owner has
 * freed too early goes when it has finished.
 */
#ifndef CT_ENGINE_REQUEST_H
#define CT_ENGINE_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/generation.h"

struct ctrans_request {
	struct ctrans_queue *queue;
	struct ctrans_request *all_next, **all_at;	/* of the queue */
	struct ctrans_request *next;	/* in the list of its state */
	void *data;
	uint64_t number;	/* in order of submission */

	bool finished;
	bool listed;		/* finished, and not reaped */
	bool passing;		/* finished, and in the hands of the callback */
	bool orphan;		/* freed before it could be */
	atomic_bool canceled;

	/* When it has finished. */
	int ret;
	struct ct_err err;
	struct ctrans_result *result;	/* NULL: taken */

	/* The service thread's. */
	struct ct_generation gen;
	bool own_session;
	size_t slot;		/* among the active */
	bool in_line;		/* gather has its call */
	bool ran;		/* gather has given it back */
};

struct ctrans_queue {
	struct ctrans_model *model;
	struct ctrans_queue_params p;
	pthread_t thread;
	int fd;

	pthread_mutex_t lock;
	pthread_cond_t work;		/* for the service thread */
	pthread_cond_t finished;	/* for those who wait for a request */
	struct ctrans_request *all;
	struct ctrans_request *waiting;	/* by priority, then age */
	struct ctrans_request *done, **done_end;	/* to be reaped */
	uint32_t held;		/* against the depth */
	uint64_t number;
	bool canceling;		/* some that wait may be canceled */
	bool closing;

	/* The service thread's. */
	struct ctrans_request **active;
	size_t n_active;
	size_t n_stepped;	/* active when the last step began */
	size_t most;	/* to be active: fewer than p.active if memory is short */
	struct ct_gather_party party, little_party;
};

/* The service thread; returns when the queue is closing and empty. */
void *ct_queue_serve(void *queue);

/* Put it into the waiting list; lock held. */
void ct_queue_wait_in(struct ctrans_queue *queue,
		      struct ctrans_request *request);

/*
 * Ends a generation, well or not, and gives its session back. Not under the
 * lock, which closing a session would hold for as long as a step takes.
 */
void ct_request_end(struct ctrans_request *request, int ret);

/* Out of the queue and of memory; it is in no list; lock held. */
void ct_request_destroy(struct ctrans_request *request);

#endif
