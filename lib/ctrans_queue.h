/* SPDX-License-Identifier: MIT */
/*
 * libctrans: queues, for texts written in the background. Part of ctrans.h,
 * which says what holds for all functions, and includes it.
 */
#ifndef CTRANS_QUEUE_H
#define CTRANS_QUEUE_H

#include "ctrans.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * Texts written in the background, many at once, by one thread of the library.
 * They share steps with each other and with all other calls on the model; each
 * is what ctrans_generate() would have given alone.
 *
 * A request lasts until ctrans_request_free() or the close of its queue. All may
 * be called from any thread, but not on what another is just freeing. What has
 * finished is handed to @done, once; without one it waits for ctrans_reap().
 *
 * @done and the callbacks of generate parameters run in the queue's thread. They
 * may call everything that does not wait for this queue (-EBUSY), and hold up
 * all that is being written.
 */
struct ctrans_queue;
struct ctrans_request;

typedef void ctrans_done_fn(void *arg, struct ctrans_request *request);

struct ctrans_queue_params {
	size_t size;
	uint32_t depth;		/* not yet reaped, at most; default 64, 1..4096 */
	uint32_t active;	/* of them written at once; default 32, 1..256 */
	ctrans_done_fn *done;
	void *arg;
};

void ctrans_queue_params_init(struct ctrans_queue_params *params, size_t size);

/* -ENOTSUP for a model without weights or without tokenizer. */
int ctrans_queue_open(struct ctrans_model *model,
		      const struct ctrans_queue_params *params,
		      struct ctrans_queue **queue);

/*
 * Cancels what has not finished, waits for it (a step), and frees the queue with
 * all its requests; @done has then had all of them. Before the model's close.
 * -EBUSY from a callback: nothing is closed.
 */
int ctrans_queue_close(struct ctrans_queue *queue);

/*
 * A descriptor for poll(), epoll or io_uring: readable while finished requests
 * wait to be reaped. The queue's: do not read or close it.
 */
int ctrans_queue_fd(const struct ctrans_queue *queue);

/*
 * Ask for a text that goes on from what @session holds, or NULL: from nothing.
 * Never waits for a text: -EAGAIN when @depth requests are there, until one is
 * reaped; -ECANCELED in a queue that is being closed. Errors as of
 * ctrans_generate() that can be known at once are returned at once, others are
 * the request's. @session is in use (-EBUSY) until the request has finished.
 * Strings are copied; what callbacks, @arg and @cancel of @params point to must
 * last until then. Waiting requests begin in order of priority, then of age.
 */
int ctrans_submit(struct ctrans_queue *queue, struct ctrans_session *session,
		  const char *prompt, const struct ctrans_generate_params *params,
		  void *user_data, struct ctrans_request **request);

/* The next that has finished, in that order; -EAGAIN: none now. */
int ctrans_reap(struct ctrans_queue *queue, struct ctrans_request **request);

/*
 * Ends it soon: CTRANS_FINISH_CANCELED, with the text so far, unless something
 * else has ended it before. From any thread, any number of times.
 */
void ctrans_cancel(struct ctrans_request *request);

/* Wait until it has finished; -ETIMEDOUT. Negative @timeout_ms: for ever. */
int ctrans_request_wait(struct ctrans_request *request, int timeout_ms);

/*
 * -EINPROGRESS; then, once, 0 and the result, now the caller's (again: -EINVAL);
 * or the error that ended it, with its ctrans_message().
 */
int ctrans_request_result(struct ctrans_request *request,
			  struct ctrans_result **result);

/* What ctrans_submit() was given. */
void *ctrans_request_data(const struct ctrans_request *request);

/* Also what has not finished: it is canceled, and not handed to anybody. */
void ctrans_request_free(struct ctrans_request *request);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
