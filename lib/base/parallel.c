// SPDX-License-Identifier: MIT
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX	64u

struct loop {
	void (*fn)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	atomic_size_t next;
};

static void *turns(void *arg)
{
	struct loop *l = arg;
	size_t i;

	while ((i = atomic_fetch_add(&l->next, 1)) < l->n)
		l->fn(l->ctx, i);
	return NULL;
}

void ct_parallel(unsigned int threads, size_t n, void (*fn)(void *ctx, size_t i),
		 void *ctx)
{
	struct loop l = { .fn = fn, .ctx = ctx, .n = n };
	pthread_t thread[THREADS_MAX];
	unsigned int more = 0;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	while (more + 1 < threads && more + 1 < n &&
	       !pthread_create(&thread[more], NULL, turns, &l))
		more++;
	turns(&l);
	while (more)
		pthread_join(thread[--more], NULL);
}
