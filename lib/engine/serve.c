// SPDX-License-Identifier: MIT
/*
 * The thread of a queue: one more caller of gather, with many texts at once.
 * Between steps texts end and others begin.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

#include "engine/request.h"

/* ---- Which are active ----------------------------------------------------- */

/* As memory allows: one fewer after each that had to be put back. */
static void admit(struct ctrans_queue *q)
{
	struct ctrans_request *r;

	if (!q->n_active)
		q->most = q->p.active;
	while (q->waiting && q->n_active < q->most) {
		r = q->waiting;
		q->waiting = r->next;
		r->next = NULL;
		r->slot = q->n_active;
		q->active[q->n_active++] = r;
	}
}

static void remove_active(struct ctrans_queue *q, struct ctrans_request *r)
{
	size_t i;

	q->n_active--;
	for (i = r->slot; i < q->n_active; i++) {
		q->active[i] = q->active[i + 1];
		q->active[i]->slot = i;
	}
}

static void hand_over(struct ctrans_queue *q, struct ctrans_request *r)
{
	pthread_mutex_lock(&q->lock);
	r->finished = true;
	if (q->p.done && !r->orphan) {
		/* So that the callback can submit another. */
		q->held--;
		r->passing = true;
		pthread_mutex_unlock(&q->lock);
		q->p.done(q->p.arg, r);
		pthread_mutex_lock(&q->lock);
		r->passing = false;
	} else if (!r->orphan) {
		r->listed = true;
		*q->done_end = r;
		q->done_end = &r->next;
		eventfd_write(q->fd, 1);
	} else {
		q->held--;
	}
	if (r->orphan)
		ct_request_destroy(r);
	pthread_cond_broadcast(&q->finished);
	pthread_mutex_unlock(&q->lock);
}

static void finish(struct ctrans_queue *q, struct ctrans_request *r, int ret)
{
	remove_active(q, r);
	if (q->most < q->p.active)
		q->most++;
	ct_request_end(r, ret);
	hand_over(q, r);
}

/* ---- Short of memory ------------------------------------------------------ */

static bool goes_before(const struct ctrans_request *a,
			const struct ctrans_request *b)
{
	if (a->gen.p.priority != b->gen.p.priority)
		return a->gen.p.priority > b->gen.p.priority;
	return a->number < b->number;
}

void ct_queue_wait_in(struct ctrans_queue *q, struct ctrans_request *r)
{
	struct ctrans_request **at = &q->waiting;

	while (*at && goes_before(*at, r))
		at = &(*at)->next;
	r->next = *at;
	*at = r;
}

static void withdraw(struct ctrans_request *r)
{
	if (r->in_line)
		ct_gather_withdraw(ct_generation_gather(&r->gen),
				   &r->gen.turn.call);
	r->in_line = false;
}

/*
 * Its keys and values go, its text stays: it is run again from the beginning,
 * to the same end, as a result does not depend on how its position was reached.
 */
static void put_back(struct ctrans_queue *q, struct ctrans_request *r)
{
	withdraw(r);
	r->ran = false;
	ct_generation_forget(&r->gen);
	remove_active(q, r);
	pthread_mutex_lock(&q->lock);
	ct_queue_wait_in(q, r);
	pthread_mutex_unlock(&q->lock);
	q->most = q->n_active;
}

/* No room for what @r needs next: the last in order makes room for the others. */
static void lack_memory(struct ctrans_queue *q, struct ctrans_request *r)
{
	struct ctrans_request *last = r;
	size_t i;

	/* one that was not alone may have room now that the others have finished */
	if (q->n_active == 1) {
		if (q->n_stepped == 1)
			finish(q, r, -ENOMEM);
		return;
	}
	for (i = 0; i < q->n_active; i++) {
		if (goes_before(last, q->active[i]))
			last = q->active[i];
	}
	put_back(q, last);
}

/* ---- Steps ---------------------------------------------------------------- */

static bool to_stop(struct ctrans_request *r, bool closing)
{
	return closing || atomic_load(&r->canceled) ||
	       ct_generation_canceled(&r->gen);
}

static void cancel(struct ctrans_queue *q, struct ctrans_request *r)
{
	withdraw(r);
	ct_generation_cancel(&r->gen);
	finish(q, r, 0);
}

/*
 * Prepare those that have no call in line. As long as some of them draft it is
 * the little model's turn, so that a step verifies what all have drafted.
 */
static struct ct_gather *prepare(struct ctrans_queue *q)
{
	struct ct_gather *gather = &q->model->gather;
	struct ctrans_request *r;
	size_t i;
	int ret;

	for (i = 0; i < q->n_active; i++) {
		r = q->active[i];
		if (!r->in_line) {
			ret = ct_generation_prepare(&r->gen, &r->err);
			if (ret) {
				/* It comes to light as if the step had failed. */
				r->gen.turn.call.ret = ret;
				r->ran = true;
				continue;
			}
		}
		if (r->gen.draft.its_turn)
			gather = ct_generation_gather(&r->gen);
	}
	return gather;
}

/* Calls for it of those that have none in line; any may leave after each step. */
static struct ct_gather_call *next_calls(struct ctrans_queue *q,
					 const struct ct_gather *gather)
{
	struct ct_gather_call *first = NULL, **end = &first;
	struct ctrans_request *r;
	size_t i;

	for (i = 0; i < q->n_active; i++) {
		r = q->active[i];
		if (r->in_line || r->ran ||
		    ct_generation_gather(&r->gen) != gather)
			continue;
		r->in_line = true;
		*end = &r->gen.turn.call;
		end = &r->gen.turn.call.next;
	}
	*end = NULL;
	return first;
}

static void run_calls(struct ctrans_queue *q)
{
	struct ct_gather *gather = prepare(q);
	struct ct_gather_call *call = next_calls(q, gather);
	bool draft = gather != &q->model->gather;
	struct ctrans_request *r;
	size_t i;

	q->n_stepped = q->n_active;
	for (i = 0; i < q->n_active && (!q->active[i]->in_line ||
		    ct_generation_gather(&q->active[i]->gen) != gather); i++)
		;
	if (i == q->n_active)
		return;
	call = ct_gather_run(gather, draft ? &q->little_party : &q->party, call);
	for (; call; call = call->next) {
		r = (struct ctrans_request *)((char *)call -
			offsetof(struct ctrans_request, gen.turn.call));
		r->in_line = false;
		r->ran = true;
	}
}

static void take(struct ctrans_queue *q, struct ctrans_request *r)
{
	int ret = r->gen.turn.call.ret;

	r->ran = false;
	if (ret == -ENOMEM && ct_generation_alone(&r->gen))
		return;
	if (ret == -ENOMEM) {
		lack_memory(q, r);
		return;
	}
	if (!ret)
		ret = ct_generation_take(&r->gen, &r->err);
	if (ret || r->gen.finished)
		finish(q, r, ret);
}

static void step(struct ctrans_queue *q, bool closing)
{
	size_t i, n;

	for (i = 0; i < q->n_active; ) {
		if (to_stop(q->active[i], closing))
			cancel(q, q->active[i]);
		else
			i++;
	}
	if (!q->n_active)
		return;
	run_calls(q);
	for (i = 0; i < q->n_active; ) {
		if (!q->active[i]->ran) {
			i++;
			continue;
		}
		n = q->n_active;
		take(q, q->active[i]);
		/* The places of others have changed. */
		if (q->n_active < n)
			i = 0;
	}
}

/* ---- The thread ----------------------------------------------------------- */

/* Those that are canceled before they began; lock held. */
static struct ctrans_request *unlink_canceled(struct ctrans_queue *q)
{
	struct ctrans_request *first = NULL, **end = &first;
	struct ctrans_request **at = &q->waiting, *r;

	if (!q->canceling)
		return NULL;
	q->canceling = false;
	while (*at) {
		r = *at;
		if (!q->closing && !atomic_load(&r->canceled)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->next = NULL;
		*end = r;
		end = &r->next;
	}
	return first;
}

static bool finish_canceled(struct ctrans_queue *q, struct ctrans_request *r)
{
	struct ctrans_request *next;
	bool any = r;

	for (; r; r = next) {
		next = r->next;
		r->next = NULL;
		ct_generation_cancel(&r->gen);
		ct_request_end(r, 0);
		hand_over(q, r);
	}
	return any;
}

void *ct_queue_serve(void *arg)
{
	struct ctrans_queue *q = arg;
	struct ctrans_request *canceled;
	bool closing, any;

	for (;;) {
		pthread_mutex_lock(&q->lock);
		while (!q->n_active && !q->waiting && !q->closing)
			pthread_cond_wait(&q->work, &q->lock);
		closing = q->closing;
		canceled = unlink_canceled(q);
		admit(q);
		pthread_mutex_unlock(&q->lock);
		any = finish_canceled(q, canceled);
		if (q->n_active)
			step(q, closing);
		else if (closing && !any)
			return NULL;
	}
}
