// SPDX-License-Identifier: MIT
#include "bench_callers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "terminal.h"

/* All wait here, so that nobody's thread is still being made while it counts. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open, canceled;
};

struct caller {
	pthread_t thread;
	struct gate *gate;
	struct ctrans_session *session;
	float *logits;
	uint32_t *tokens;
	uint32_t calls, n;
	uint64_t end;
	int ret;
	char message[256];
};

static bool pass_gate(struct gate *gate)
{
	bool canceled;

	pthread_mutex_lock(&gate->lock);
	while (!gate->open)
		pthread_cond_wait(&gate->opened, &gate->lock);
	canceled = gate->canceled;
	pthread_mutex_unlock(&gate->lock);
	return !canceled;
}

static void open_gate(struct gate *gate, bool canceled)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	gate->canceled = canceled;
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

static void *serve(void *arg)
{
	struct caller *c = arg;

	if (!pass_gate(c->gate))
		return NULL;
	for (uint32_t i = 0; i < c->calls && !c->ret; i++) {
		/* Another token each time, as in a text. */
		c->ret = ctrans_session_eval(c->session, c->tokens + i, c->n,
					     c->logits);
		if (!c->ret && interrupted())
			c->ret = -ECANCELED;
	}
	/* The library's sentences are each thread's own. */
	if (c->ret)
		snprintf(c->message, sizeof(c->message), "%s", ctrans_message());
	c->end = now_ns();
	return NULL;
}

/* Returns how many threads there are. */
static uint32_t start_all(const struct callers *callers, struct caller *all,
			  struct gate *gate, uint32_t *tokens, uint32_t calls,
			  uint32_t n)
{
	uint32_t i;

	for (i = 0; i < callers->n; i++) {
		all[i] = (struct caller){
			.gate = gate, .session = callers->sessions[i],
			.logits = callers->logits[i],
			.tokens = tokens + i * ((size_t)calls + n),
			.calls = calls, .n = n,
		};
		if (pthread_create(&all[i].thread, NULL, serve, &all[i]))
			break;
	}
	return i;
}

static int sum_up(struct callers *callers, const struct caller *all,
		  uint64_t start, double *seconds, double *fairness)
{
	uint64_t first = UINT64_MAX, last = start + 1;

	for (uint32_t i = 0; i < callers->n; i++) {
		if (all[i].ret) {
			memcpy(callers->message, all[i].message,
			       sizeof(callers->message));
			return all[i].ret;
		}
		first = all[i].end < first ? all[i].end : first;
		last = all[i].end > last ? all[i].end : last;
	}
	*seconds = (double)(last - start) * 1e-9;
	*fairness = (double)(first - start) / (double)(last - start);
	return 0;
}

int callers_run(struct callers *callers, uint32_t calls, uint32_t tokens,
		double *seconds, double *fairness)
{
	struct gate gate = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.opened = PTHREAD_COND_INITIALIZER,
	};
	size_t n_tokens = ((size_t)calls + tokens) * callers->n;
	struct caller *all = calloc(callers->n, sizeof(*all));
	uint32_t *list = calloc(n_tokens, sizeof(*list));
	uint32_t started = 0;
	uint64_t start;
	int ret = -ENOMEM;

	callers->message[0] = '\0';
	if (!all || !list)
		goto out;
	/* No text twice: the library would find what it has run already. */
	for (size_t i = 0; i < n_tokens; i++) {
		callers->random = callers->random * 1664525u + 1013904223u;
		list[i] = (callers->random >> 8) % callers->vocab;
	}
	started = start_all(callers, all, &gate, list, calls, tokens);
	start = now_ns();
	open_gate(&gate, started < callers->n);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(all[i].thread, NULL);
	if (started == callers->n)
		ret = sum_up(callers, all, start, seconds, fairness);
	else
		snprintf(callers->message, sizeof(callers->message),
			 "only %u of %u threads could be made", started,
			 callers->n);
out:
	free(list);
	free(all);
	return ret;
}
