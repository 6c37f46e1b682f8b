// SPDX-License-Identifier: MIT
#include "probe.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "terminal.h"

#define HUGE_PAGE	((size_t)2 << 20)
/* Several times the caches of the machines that models run on. */
#define PROBE_BYTES	((size_t)256 << 20)
#define PASSES	4

/* One cache line; compiled to whatever vectors the build's CPU has. */
typedef uint64_t line_t __attribute__((vector_size(64)));

struct worker {
	pthread_t thread;
	const line_t *from, *to;
	uint64_t sum;		/* so that the reads are not left out */
	bool started;
};

struct probe {
	unsigned int threads;
	void *mapping;
	size_t mapped;
	struct worker *workers;	/* [0] is the calling thread */
};

static void *read_share(void *arg)
{
	struct worker *w = arg;
	line_t a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	for (const line_t *p = w->from; p < w->to; p += 4) {
		a += p[0];
		b += p[1];
		c += p[2];
		d += p[3];
	}
	a += b + c + d;
	for (unsigned int i = 0; i < 8; i++)
		w->sum += a[i];
	return NULL;
}

static line_t *make_buffer(struct probe *p)
{
	line_t *buffer;

	p->mapped = PROBE_BYTES + HUGE_PAGE;
	p->mapping = mmap(NULL, p->mapped, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->mapping == MAP_FAILED) {
		p->mapping = NULL;
		return NULL;
	}
	buffer = (line_t *)(((uintptr_t)p->mapping + HUGE_PAGE - 1) &
			    ~(uintptr_t)(HUGE_PAGE - 1));
	/* Without huge pages the figure is lower, and so is a model's speed. */
	madvise(buffer, PROBE_BYTES, MADV_HUGEPAGE);
	memset(buffer, 1, PROBE_BYTES);
	return buffer;
}

struct probe *probe_open(unsigned int threads)
{
	struct probe *p = calloc(1, sizeof(*p));
	size_t share;
	line_t *buffer;

	if (!p)
		return NULL;
	p->threads = threads ? threads : 1;
	p->workers = calloc(p->threads, sizeof(*p->workers));
	buffer = p->workers ? make_buffer(p) : NULL;
	if (!buffer) {
		probe_close(p);
		return NULL;
	}
	/* whole rounds of read_share()'s loop */
	share = PROBE_BYTES / sizeof(line_t) / p->threads & ~(size_t)3;
	for (unsigned int i = 0; i < p->threads; i++) {
		p->workers[i].from = buffer + i * share;
		p->workers[i].to = p->workers[i].from + share;
	}
	return p;
}

/* Making a thread takes far less than a share's milliseconds. */
static double pass(struct probe *p)
{
	size_t share = (size_t)(p->workers[0].to - p->workers[0].from);
	uint64_t start = now_ns();
	unsigned int running = 1;

	for (unsigned int i = 1; i < p->threads; i++) {
		struct worker *w = &p->workers[i];

		w->started = !pthread_create(&w->thread, NULL, read_share, w);
		running += w->started;
	}
	read_share(&p->workers[0]);
	for (unsigned int i = 1; i < p->threads; i++)
		if (p->workers[i].started)
			pthread_join(p->workers[i].thread, NULL);
	if (running < p->threads)
		return 0;
	return (double)(share * p->threads * sizeof(line_t)) /
	       ((double)(now_ns() - start) * 1e-9);
}

double probe_run(struct probe *p)
{
	double best = 0;

	for (int i = 0; i < PASSES; i++) {
		double rate = pass(p);

		best = rate > best ? rate : best;
	}
	return best;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	if (p->mapping)
		munmap(p->mapping, p->mapped);
	free(p->workers);
	free(p);
}
