// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/request.h"

static const struct ctrans_queue_params defaults = {
	.size = sizeof(defaults), .depth = 64, .active = 32,
};

void ctrans_queue_params_init(struct ctrans_queue_params *params, size_t size)
{
	if (!params || size < sizeof(params->size))
		return;
	memset(params, 0, size);
	memcpy(params, &defaults, size < sizeof(defaults) ? size :
							    sizeof(defaults));
	params->size = size;
}

static int check(const struct ctrans_model *model,
		 const struct ctrans_queue_params *p, struct ct_err *err)
{
	int ret = ct_model_needs_weights(model, err);

	if (ret)
		return ret;
	if (p->depth < 1 || p->depth > 4096)
		return ct_fail(err, -EINVAL,
			       "depth is %u: it must be from 1 to 4096",
			       p->depth);
	if (p->active < 1 || p->active > 256)
		return ct_fail(err, -EINVAL,
			       "active is %u: it must be from 1 to 256",
			       p->active);
	return 0;
}

static void init_locks(struct ctrans_queue *q)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->finished, &attr);
	pthread_condattr_destroy(&attr);
}

static void queue_free(struct ctrans_queue *q)
{
	while (q->all)
		ct_request_destroy(q->all);
	pthread_cond_destroy(&q->finished);
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	if (q->fd >= 0)
		close(q->fd);
	free(q->active);
	free(q);
}

/* The program's signals are not for a thread it does not know of. */
static int start(struct ctrans_queue *q, struct ct_err *err)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&q->thread, NULL, ct_queue_serve, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return ct_fail(err, -ret, "no thread for the queue: %s",
			       strerror(ret));
	return 0;
}

static int queue_open(struct ctrans_model *model,
		      const struct ctrans_queue_params *params,
		      struct ctrans_queue **out, struct ct_err *err)
{
	struct ctrans_queue_params p = defaults;
	struct ctrans_queue *q;
	int ret;

	ret = ct_struct_take(&p, sizeof(p), sizeof(p), params,
			     "ctrans_queue_params", err);
	if (!ret)
		ret = check(model, &p, err);
	if (ret)
		return ret;
	q = calloc(1, sizeof(*q));
	if (!q)
		return ct_fail(err, -ENOMEM, "no memory for a queue");
	q->model = model;
	q->p = p;
	q->done_end = &q->done;
	init_locks(q);
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->active = calloc(p.active, sizeof(struct ctrans_request *));
	if (!q->active)
		ret = ct_fail(err, -ENOMEM, "no memory for a queue");
	else if (q->fd < 0)
		ret = ct_fail(err, -errno, "no event descriptor: %s",
			      strerror(errno));
	else
		ret = start(q, err);
	if (ret)
		queue_free(q);
	else
		*out = q;
	return ret;
}

int ctrans_queue_open(struct ctrans_model *model,
		      const struct ctrans_queue_params *params,
		      struct ctrans_queue **queue)
{
	struct ct_err err = { 0 };
	int ret;

	if (queue)
		*queue = NULL;
	if (!model || !queue)
		ret = ct_fail(&err, -EINVAL,
			      "ctrans_queue_open() needs a model and a place for the queue: one is NULL");
	else
		ret = queue_open(model, params, queue, &err);
	return ct_api_return(ret, &err);
}

int ctrans_queue_close(struct ctrans_queue *queue)
{
	struct ct_err err = { 0 };

	if (!queue)
		return 0;
	if (pthread_equal(pthread_self(), queue->thread))
		return ct_api_return(ct_fail(&err, -EBUSY,
					     "a callback of the queue cannot close it"),
				     &err);
	pthread_mutex_lock(&queue->lock);
	queue->closing = true;
	queue->canceling = true;
	pthread_cond_signal(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	queue_free(queue);
	return 0;
}

int ctrans_queue_fd(const struct ctrans_queue *queue)
{
	struct ct_err err = { 0 };

	if (!queue)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no queue: NULL"), &err);
	return queue->fd;
}
