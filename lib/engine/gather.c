// SPDX-License-Identifier: MIT
#include "engine/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* On its thread's stack for as long as the thread waits. */
struct ct_gather_call {
	struct ct_gather_call *next;
	struct ct_step_row *rows;
	struct ctrans_cost (*cost)[CTRANS_KINDS];
	struct ct_err *err;
	size_t n, wants;
	int ret;
	bool done;
};

int ct_gather_init(struct ct_gather *g, struct ct_core *core,
		   struct ct_err *err)
{
	*g = (struct ct_gather){ .core = core };
	g->last = &g->first;
	g->rows = calloc(CT_STEP_ROWS, sizeof(*g->rows));
	g->cost = calloc(CT_STEP_ROWS, sizeof(*g->cost));
	if (!g->rows || !g->cost) {
		free(g->rows);
		free(g->cost);
		return ct_fail(err, -ENOMEM,
			       "no memory for the rows of a step");
	}
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->done, NULL);
	return 0;
}

void ct_gather_free(struct ct_gather *g)
{
	if (!g->rows)
		return;
	pthread_cond_destroy(&g->done);
	pthread_mutex_destroy(&g->lock);
	free(g->rows);
	free(g->cost);
}

static void run_alone(struct ct_gather *g, struct ct_gather_call *call)
{
	call->ret = ct_core_step(g->core, call->rows, call->n, call->cost,
				 call->err);
}

static void add_cost(struct ctrans_cost (*sum)[CTRANS_KINDS],
		     struct ctrans_cost (*part)[CTRANS_KINDS], size_t n)
{
	size_t i, kind;

	for (i = 0; i < n; i++) {
		for (kind = 0; kind < CTRANS_KINDS; kind++)
			ct_cost_add(&sum[i][kind], &part[i][kind]);
	}
}

static void run_together(struct ct_gather *g, struct ct_gather_call *calls,
			 size_t n)
{
	struct ct_gather_call *call;
	size_t at = 0;
	int ret;

	for (call = calls; call; call = call->next) {
		memcpy(g->rows + at, call->rows, call->n * sizeof(*g->rows));
		at += call->n;
	}
	memset(g->cost, 0, n * sizeof(*g->cost));
	ret = ct_core_step(g->core, g->rows, n, g->cost, NULL);

	at = 0;
	for (call = calls; call; call = call->next) {
		if (ret) {
			/* None has advanced. Whose fault it was shows now. */
			run_alone(g, call);
			continue;
		}
		memcpy(call->rows, g->rows + at, call->n * sizeof(*g->rows));
		if (call->cost)
			add_cost(call->cost, g->cost + at, call->n);
		call->ret = 0;
		at += call->n;
	}
}

/* Unlink from the queue's head as many calls as one step holds. */
static struct ct_gather_call *take(struct ct_gather *g, size_t *n)
{
	struct ct_gather_call *calls = g->first, *call, *end = NULL;
	size_t wants = 0;

	*n = 0;
	for (call = calls; call; call = call->next) {
		if (*n + call->n > CT_STEP_ROWS ||
		    wants + call->wants > CT_STEP_LOGITS)
			break;
		*n += call->n;
		wants += call->wants;
		end = call;
	}
	/* One that is too large on its own is the core's to refuse. */
	if (!end) {
		end = calls;
		*n = calls->n;
	}
	g->first = end->next;
	if (!g->first)
		g->last = &g->first;
	end->next = NULL;
	return calls;
}

static void run_next(struct ct_gather *g)
{
	struct ct_gather_call *calls, *next;
	size_t n;

	calls = take(g, &n);
	g->running = true;
	pthread_mutex_unlock(&g->lock);
	if (calls->next)
		run_together(g, calls, n);
	else
		run_alone(g, calls);
	pthread_mutex_lock(&g->lock);
	g->running = false;
	for (; calls; calls = next) {
		/* A call is its thread's again as soon as it is done. */
		next = calls->next;
		calls->done = true;
	}
	pthread_cond_broadcast(&g->done);
}

int ct_gather_step(struct ct_gather *g, struct ct_step_row *rows, size_t n,
		   struct ctrans_cost (*cost)[CTRANS_KINDS],
		   struct ct_err *err)
{
	struct ct_gather_call call = {
		.rows = rows, .n = n, .cost = cost, .err = err,
	};
	size_t i;

	for (i = 0; i < n; i++)
		call.wants += ct_row_wants(&rows[i]);

	pthread_mutex_lock(&g->lock);
	*g->last = &call;
	g->last = &call.next;
	while (!call.done) {
		if (g->running)
			pthread_cond_wait(&g->done, &g->lock);
		else
			run_next(g);
	}
	pthread_mutex_unlock(&g->lock);
	return call.ret;
}
