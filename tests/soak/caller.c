// SPDX-License-Identifier: MIT
#include "caller.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int complain(struct caller *caller, const struct request *request,
	     const char *fmt, ...)
{
	va_list ap;

	/* The first is what counts; others may only follow from it. */
	if (atomic_exchange(caller->failed, true))
		return -1;
	flockfile(stderr);
	fprintf(stderr, "soak: caller %u, %s, request %zu: ", caller->id,
		atomic_load(&caller->way),
		(size_t)(request - caller->set->requests));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
	return -1;
}

static unsigned int choose(struct caller *c)
{
	uint64_t all = 0, at;
	unsigned int i;

	for (i = 0; ways[i].name; i++)
		all += ways[i].weight;
	at = draw_below(&c->random, all);
	for (i = 0; at >= ways[i].weight; i++)
		at -= ways[i].weight;
	return i;
}

void *caller_run(void *arg)
{
	struct caller *c = arg;

	while (!atomic_load(c->stop) && !atomic_load(c->failed)) {
		const struct request *q =
			&c->set->requests[draw_below(&c->random, c->set->n)];
		unsigned int way = choose(c);
		uint64_t start = now_ns();

		atomic_store(&c->way, ways[way].name);
		atomic_store(&c->since, start);
		if (ways[way].ask(c, q))
			break;
		tally_add(&c->latency[way], now_ns() - start);
		atomic_fetch_add(&c->requests, 1);
		atomic_store(&c->since, 0);
	}
	return NULL;
}
