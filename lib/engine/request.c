// SPDX-License-Identifier: MIT
/* Requests as programs see them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "engine/api.h"
#include "engine/request.h"

/* ---- Beginning and end ---------------------------------------------------- */

void ct_request_end(struct ctrans_request *r, int ret)
{
	struct ctrans_session *session = r->gen.session;

	r->ret = ct_generation_end(&r->gen, ret, &r->result, &r->err);
	if (r->own_session)
		ctrans_session_close(session);
	else
		ct_session_leave(session);
}

void ct_request_destroy(struct ctrans_request *r)
{
	*r->all_at = r->all_next;
	if (r->all_next)
		r->all_next->all_at = r->all_at;
	ctrans_result_free(r->result);
	free(r);
}

static int take_session(struct ctrans_request *r, struct ctrans_session *given,
			struct ctrans_session **session, struct ct_err *err)
{
	struct ctrans_model *model = r->queue->model;

	r->own_session = !given;
	if (!given)
		return ct_session_open(model, session, err);
	if (given->model != model)
		return ct_fail(err, -EINVAL,
			       "the session belongs to another model than the queue");
	*session = given;
	return ct_session_enter(given, err);
}

static int request_open(struct ctrans_queue *q, struct ctrans_session *given,
			const char *prompt,
			const struct ctrans_generate_params *params,
			struct ctrans_request **out, struct ct_err *err)
{
	struct ctrans_session *session = NULL;
	struct ctrans_request *r;
	int ret;

	r = calloc(1, sizeof(*r));
	if (!r)
		return ct_fail(err, -ENOMEM, "no memory for a request");
	r->queue = q;
	ret = take_session(r, given, &session, err);
	if (!ret) {
		ret = ct_generation_init(&r->gen, session, prompt, params, err);
		if (ret && given)
			ct_session_leave(given);
		else if (ret)
			ctrans_session_close(session);
	}
	if (ret)
		free(r);
	else
		*out = r;
	return ret;
}

/* ---- Submitting ----------------------------------------------------------- */

/* A place in the queue, before anything is done for the request. */
static int hold(struct ctrans_queue *q, struct ct_err *err)
{
	int ret = 0;

	pthread_mutex_lock(&q->lock);
	if (q->closing)
		ret = ct_fail(err, -ECANCELED, "the queue is being closed");
	else if (q->held == q->p.depth)
		ret = ct_fail(err, -EAGAIN,
			      "the queue holds %u requests, which is its depth: reap one first",
			      q->held);
	else
		q->held++;
	pthread_mutex_unlock(&q->lock);
	return ret;
}

static void enqueue(struct ctrans_queue *q, struct ctrans_request *r)
{
	r->number = q->number++;
	r->all_next = q->all;
	r->all_at = &q->all;
	if (q->all)
		q->all->all_at = &r->all_next;
	q->all = r;
	ct_queue_wait_in(q, r);
	pthread_cond_signal(&q->work);
}

static int submit(struct ctrans_queue *q, struct ctrans_session *session,
		  const char *prompt,
		  const struct ctrans_generate_params *params, void *data,
		  struct ctrans_request **out, struct ct_err *err)
{
	struct ctrans_request *r = NULL;
	int ret;

	ret = hold(q, err);
	if (ret)
		return ret;
	ret = request_open(q, session, prompt, params, &r, err);
	pthread_mutex_lock(&q->lock);
	if (ret) {
		q->held--;
	} else {
		/* It may have finished before this returns. */
		r->data = data;
		*out = r;
		enqueue(q, r);
	}
	pthread_mutex_unlock(&q->lock);
	return ret;
}

int ctrans_submit(struct ctrans_queue *queue, struct ctrans_session *session,
		  const char *prompt, const struct ctrans_generate_params *params,
		  void *user_data, struct ctrans_request **request)
{
	struct ct_err err = { 0 };
	int ret;

	if (request)
		*request = NULL;
	if (!queue || !request)
		ret = ct_fail(&err, -EINVAL,
			      "ctrans_submit() needs a queue and a place for the request: one is NULL");
	else
		ret = submit(queue, session, prompt, params, user_data,
			     request, &err);
	return ct_api_return(ret, &err);
}

/* ---- What became of it ---------------------------------------------------- */

void ctrans_cancel(struct ctrans_request *request)
{
	struct ctrans_queue *q;

	if (!request || atomic_exchange(&request->canceled, true))
		return;
	q = request->queue;
	pthread_mutex_lock(&q->lock);
	q->canceling = true;
	pthread_mutex_unlock(&q->lock);
}

/* The callback's own thread sees it as finished already. */
static bool is_over(const struct ctrans_request *r)
{
	return r->finished && (!r->passing ||
			       pthread_equal(pthread_self(), r->queue->thread));
}

static int wait_over(struct ctrans_request *r, int timeout_ms,
		     struct ct_err *err)
{
	struct ctrans_queue *q = r->queue;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	if (timeout_ms > 0) {
		until.tv_sec += timeout_ms / 1000;
		until.tv_nsec += timeout_ms % 1000 * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
	}
	while (!is_over(r) && ret != ETIMEDOUT) {
		if (pthread_equal(pthread_self(), q->thread))
			return ct_fail(err, -EBUSY,
				       "a callback of the queue would wait for itself");
		if (timeout_ms < 0)
			pthread_cond_wait(&q->finished, &q->lock);
		else
			ret = pthread_cond_timedwait(&q->finished, &q->lock,
						     &until);
	}
	if (is_over(r))
		return 0;
	return ct_fail(err, -ETIMEDOUT, "not finished after %d ms", timeout_ms);
}

int ctrans_request_wait(struct ctrans_request *request, int timeout_ms)
{
	struct ct_err err = { 0 };
	int ret;

	if (!request)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no request: NULL"), &err);
	pthread_mutex_lock(&request->queue->lock);
	ret = wait_over(request, timeout_ms, &err);
	pthread_mutex_unlock(&request->queue->lock);
	return ct_api_return(ret, &err);
}

static int take_result(struct ctrans_request *r, struct ctrans_result **result,
		       struct ct_err *err)
{
	if (!r->finished)
		return ct_fail(err, -EINPROGRESS,
			       "the request has not finished: wait for it, or reap it");
	if (r->ret) {
		*err = r->err;
		return r->ret;
	}
	if (!r->result)
		return ct_fail(err, -EINVAL,
			       "the request's result has been taken: it is given once");
	*result = r->result;
	r->result = NULL;
	return 0;
}

int ctrans_request_result(struct ctrans_request *request,
			  struct ctrans_result **result)
{
	struct ct_err err = { 0 };
	int ret;

	if (result)
		*result = NULL;
	if (!request || !result)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_request_result() needs a request and a place for the result: one is NULL"),
				     &err);
	pthread_mutex_lock(&request->queue->lock);
	ret = take_result(request, result, &err);
	pthread_mutex_unlock(&request->queue->lock);
	return ct_api_return(ret, &err);
}

void *ctrans_request_data(const struct ctrans_request *request)
{
	return request ? request->data : NULL;
}

/* Take the first or another one out of the list of those to be reaped. */
static void unlist(struct ctrans_queue *q, struct ctrans_request *r)
{
	struct ctrans_request **at = &q->done;
	eventfd_t count;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (q->done_end == &r->next)
		q->done_end = at;
	r->next = NULL;
	r->listed = false;
	q->held--;
	if (!q->done)
		eventfd_read(q->fd, &count);
}

int ctrans_reap(struct ctrans_queue *queue, struct ctrans_request **request)
{
	struct ct_err err = { 0 };
	int ret = 0;

	if (request)
		*request = NULL;
	if (!queue || !request)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_reap() needs a queue and a place for the request: one is NULL"),
				     &err);
	pthread_mutex_lock(&queue->lock);
	if (queue->p.done) {
		ret = ct_fail(&err, -EINVAL,
			      "the queue hands finished requests to its callback: there is nothing to reap");
	} else if (!queue->done) {
		ret = ct_fail(&err, -EAGAIN, "no request has finished");
	} else {
		*request = queue->done;
		unlist(queue, queue->done);
	}
	pthread_mutex_unlock(&queue->lock);
	return ct_api_return(ret, &err);
}

void ctrans_request_free(struct ctrans_request *request)
{
	struct ctrans_queue *q;

	if (!request)
		return;
	q = request->queue;
	pthread_mutex_lock(&q->lock);
	if (!request->finished || request->passing) {
		request->orphan = true;
		atomic_store(&request->canceled, true);
		q->canceling = true;
	} else {
		if (request->listed)
			unlist(q, request);
		ct_request_destroy(request);
	}
	pthread_mutex_unlock(&q->lock);
}
