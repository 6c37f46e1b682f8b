// SPDX-License-Identifier: MIT
/* The line: who waits, who runs the next step, who is waited for. */
#include "engine/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/gather_step.h"

/* Shares of the last step's time that a step waits: from 1/4 to 1/64. */
#define PATIENCE_MOST	2u
#define PATIENCE_LEAST	6u
/* A thread takes this long to wake up, however short steps are. */
#define WAIT_LEAST_NS	60000u

int ct_gather_init(struct ct_gather *g, struct ct_core *core,
		   struct ct_err *err)
{
	pthread_condattr_t attr;

	*g = (struct ct_gather){ .core = core, .patience = PATIENCE_MOST };
	g->end = &g->first;
	g->rows = calloc(CT_STEP_ROWS, sizeof(*g->rows));
	g->cost = calloc(CT_STEP_ROWS, sizeof(*g->cost));
	g->parts = calloc(CT_STEP_ROWS, sizeof(*g->parts));
	if (!g->rows || !g->cost || !g->parts) {
		free(g->rows);
		free(g->cost);
		free(g->parts);
		return ct_fail(err, -ENOMEM,
			       "no memory for the rows of a step");
	}
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->done, &attr);
	pthread_condattr_destroy(&attr);
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
	free(g->parts);
}

/* ---- The line ----------------------------------------------------------- */

static void append(struct ct_gather *g, struct ct_gather_party *party,
		   struct ct_gather_call *call)
{
	call->party = party;
	call->next = NULL;
	call->at = 0;
	call->ret = 0;
	call->passed = 0;
	call->taken = false;
	call->shorter = ct_gather_is_short(call);
	*g->end = call;
	g->end = &call->next;
	party->in_line++;
}

/* Unlink what @at points to. */
static struct ct_gather_call *unlink_call(struct ct_gather *g,
					  struct ct_gather_call **at)
{
	struct ct_gather_call *call = *at;

	*at = call->next;
	if (g->end == &call->next)
		g->end = at;
	call->next = NULL;
	call->party->in_line--;
	return call;
}

static void hand_back(struct ct_gather_call *call)
{
	struct ct_gather_party *party = call->party;

	if (party->finished)
		party->last->next = call;
	else
		party->finished = call;
	party->last = call;
}

/* What the step that has just run leaves of the line. */
static void settle(struct ct_gather *g)
{
	struct ct_gather_call **at, *call;
	size_t i;

	for (i = 0; i < g->n_parts; i++) {
		call = g->parts[i].call;
		call->taken = false;
		call->ret = g->parts[i].ret;
		if (!call->ret)
			call->at += g->parts[i].n;
		call->party->stepped = true;
	}
	g->expected = 0;
	for (at = &g->first; *at; ) {
		call = *at;
		if (!call->ret && call->at < call->n) {
			at = &call->next;
			continue;
		}
		/* The first that it gets back is what a party comes for. */
		g->expected += !call->party->finished;
		hand_back(unlink_call(g, at));
	}
}

/* ---- Whose turn it is ----------------------------------------------------- */

static bool worth_waiting(const struct ct_gather *g)
{
	return g->expected && ct_now_ns() < g->until;
}

static void run_next(struct ct_gather *g)
{
	uint64_t start, end;

	if (g->expected)
		g->patience += g->patience < PATIENCE_LEAST;
	else
		g->patience -= g->patience > PATIENCE_MOST;
	ct_gather_compose(g);
	g->running = true;
	pthread_mutex_unlock(&g->lock);
	start = ct_now_ns();
	ct_gather_run_parts(g);
	end = ct_now_ns();
	pthread_mutex_lock(&g->lock);
	g->running = false;
	g->until = (end - start) >> g->patience;
	g->until = end + (g->until > WAIT_LEAST_NS ? g->until : WAIT_LEAST_NS);
	g->timer = NULL;
	settle(g);
	pthread_cond_broadcast(&g->done);
}

/* One of those who wait looks at the clock; a step's end wakes all. */
static void watch(struct ct_gather *g, struct ct_gather_party *party)
{
	struct timespec until = {
		.tv_sec = (time_t)(g->until / 1000000000u),
		.tv_nsec = (long)(g->until % 1000000000u),
	};

	g->timer = party;
	pthread_cond_timedwait(&g->done, &g->lock, &until);
	if (g->timer == party)
		g->timer = NULL;
}

struct ct_gather_call *ct_gather_run(struct ct_gather *g,
				     struct ct_gather_party *party,
				     struct ct_gather_call *calls)
{
	struct ct_gather_call *next, *finished;

	pthread_mutex_lock(&g->lock);
	if (calls && g->expected)
		g->expected--;
	for (; calls; calls = next) {
		next = calls->next;
		append(g, party, calls);
	}
	party->stepped = false;
	while (!party->stepped && !party->finished) {
		if (g->running || (g->timer && worth_waiting(g)))
			pthread_cond_wait(&g->done, &g->lock);
		else if (worth_waiting(g))
			watch(g, party);
		else
			run_next(g);
	}
	finished = party->finished;
	party->finished = NULL;
	pthread_mutex_unlock(&g->lock);
	return finished;
}

void ct_gather_withdraw(struct ct_gather *g, struct ct_gather_call *call)
{
	struct ct_gather_party *party = call->party;
	struct ct_gather_call **at, *before = NULL;

	pthread_mutex_lock(&g->lock);
	while (call->taken)
		pthread_cond_wait(&g->done, &g->lock);
	for (at = &g->first; *at && *at != call; at = &(*at)->next)
		;
	if (*at) {
		unlink_call(g, at);
	} else {
		/* That step was its last. */
		for (at = &party->finished; *at != call; at = &(*at)->next)
			before = *at;
		*at = call->next;
		if (party->last == call)
			party->last = before;
		call->next = NULL;
	}
	pthread_mutex_unlock(&g->lock);
}

int ct_gather_step(struct ct_gather *g, struct ct_gather_call *call)
{
	struct ct_gather_party party = { 0 };

	call->next = NULL;
	if (!ct_gather_run(g, &party, call)) {
		while (!ct_gather_run(g, &party, NULL))
			;
	}
	return call->ret;
}
