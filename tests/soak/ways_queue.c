// SPDX-License-Identifier: MIT
/* Ways of asking without waiting: submitted requests. */
#include "ways.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "ears.h"

#define AT_ONCE		6
/* No request of the demo model takes so long, even under a sanitizer. */
#define WAIT_MS		100000

struct asked {
	const struct request *q;
	struct ctrans_request *handle;
	struct ears ears;
	bool finished;
};

/* Until there is room: a refusal is no failure, and how busy queues answer. */
static int submit(struct caller *c, struct ctrans_queue *queue,
		  struct ctrans_session *session, struct asked *a)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct ctrans_generate_params p = listen(c, a->q, &a->ears);
	/* A session has run the prompt. */
	const char *prompt = session ? "" : a->q->prompt;
	int ret;

	for (;;) {
		ret = ctrans_submit(queue, session, prompt, &p, a, &a->handle);
		if (ret != -EAGAIN)
			break;
		c->refused++;
		nanosleep(&pause, NULL);
	}
	if (ret != a->q->ret && ret)
		return complain(c, a->q, "submitted: %d instead of %d: %s", ret,
				a->q->ret, ctrans_message());
	/* Known at once or later, it is the same refusal. */
	a->finished = ret != 0;
	return 0;
}

static int finish(struct caller *c, struct asked *a)
{
	struct ctrans_result *r = NULL;
	int ret = ctrans_request_result(a->handle, &r);

	a->finished = true;
	if (ctrans_request_data(a->handle) != a)
		complain(c, a->q, "another request's data");
	ret = compare(c, a->q, ret, r, &a->ears);
	ctrans_request_free(a->handle);
	a->handle = NULL;
	return ret;
}

/* One in the queue that all callers share, perhaps told to stop. */
static int ask(struct caller *c, const struct request *q,
	       struct ctrans_session *session)
{
	struct asked a = { .q = q };
	int ret;

	if (submit(c, c->queue, session, &a))
		return -1;
	if (a.finished)
		return 0;
	if (!draw_below(&c->random, 4)) {
		const struct timespec pause = {
			.tv_nsec = (long)draw_below(&c->random, 200000000),
		};

		nanosleep(&pause, NULL);
		ctrans_cancel(a.handle);
	}
	ret = ctrans_request_wait(a.handle, WAIT_MS);
	if (ret)
		return complain(c, q, "not finished: %s", ctrans_message());
	return finish(c, &a);
}

int way_submit(struct caller *c, const struct request *q)
{
	struct ctrans_session *session;
	int ret;

	if (q->ret || q->eval_ret || draw(&c->random) & 1)
		return ask(c, q, NULL);
	if (open_session(c, q, &session))
		return -1;
	ret = eval_pieces(c, q, session, q->n_tokens, NULL);
	if (!ret)
		ret = ask(c, q, session);
	ctrans_session_close(session);
	return ret;
}

/* Wait for the descriptor, then take all that have finished. */
static int reap(struct caller *c, struct ctrans_queue *queue, struct asked *all,
		unsigned int *left)
{
	struct pollfd fd = { .fd = ctrans_queue_fd(queue), .events = POLLIN };
	struct ctrans_request *handle;
	int ret;

	if (poll(&fd, 1, WAIT_MS) <= 0)
		return complain(c, all->q, "no request of %u finished", *left);
	while (!(ret = ctrans_reap(queue, &handle))) {
		struct asked *a = ctrans_request_data(handle);

		if (a < all || a >= all + AT_ONCE || a->handle != handle)
			return complain(c, all->q, "reaped what nobody asked for");
		if (finish(c, a))
			return -1;
		--*left;
	}
	if (ret != -EAGAIN)
		return complain(c, all->q, "not reaped: %s", ctrans_message());
	return 0;
}

/*
 * Several in a queue of one's own, reaped as they finish, some canceled, and
 * now and then all of them left to the queue's close.
 */
int way_queue(struct caller *c, const struct request *q)
{
	struct ctrans_queue_params params;
	struct ctrans_queue *queue;
	struct asked all[AT_ONCE] = { 0 };
	unsigned int n = 0, left = 0;
	bool leave = !draw_below(&c->random, 4);
	int ret = 0;

	ctrans_queue_params_init(&params, sizeof(params));
	params.depth = AT_ONCE;
	params.active = 1 + (uint32_t)draw_below(&c->random, AT_ONCE);
	if (ctrans_queue_open(c->model, &params, &queue))
		return complain(c, q, "no queue: %s", ctrans_message());
	for (n = 0; n < AT_ONCE && !ret; n++) {
		all[n].q = n ? &c->set->requests[draw_below(&c->random,
							    c->set->n)] : q;
		ret = submit(c, queue, NULL, &all[n]);
		left += !all[n].finished;
	}
	while (!ret && !leave && left) {
		struct asked *a = &all[draw_below(&c->random, n)];

		if (a->handle && !draw_below(&c->random, 4))
			ctrans_cancel(a->handle);
		ret = reap(c, queue, all, &left);
	}
	/* Ears are this function's until the queue is gone. */
	if (ctrans_queue_close(queue))
		ret = complain(c, q, "not closed: %s", ctrans_message());
	return ret;
}
