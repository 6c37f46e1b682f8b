/* SPDX-License-Identifier: MIT */
/* One of the threads, and the ways in which it asks for what it wants. */
#ifndef CTRANS_SOAK_CALLER_H
#define CTRANS_SOAK_CALLER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "ctrans.h"
#include "request.h"
#include "tally.h"

struct caller;

/* 0, or -1 after complain(). */
struct way {
	const char *name;
	int (*ask)(struct caller *caller, const struct request *request);
	unsigned int weight;	/* of all weights together */
};

/* Ends with one without a name. */
extern const struct way ways[];
#define MAX_WAYS	16

struct caller {
	pthread_t thread;
	unsigned int id;
	struct ctrans_model *model;
	struct ctrans_queue *queue;	/* of all callers */
	const struct request_set *set;
	uint64_t random;
	/* the request in hand may be stopped by another thread through this */
	volatile int cancel;
	/* what others look at while the thread runs */
	_Atomic(uint64_t) since;	/* when the request in hand began, ns; 0: none */
	_Atomic(uint64_t) requests, tokens;
	_Atomic(const char *) way;
	atomic_bool *stop, *failed;
	/* read when the thread has ended */
	struct tally latency[MAX_WAYS], first;
	uint64_t canceled, refused;
};

/* Say once for all callers what was wrong, which ends the run; -1. */
int complain(struct caller *caller, const struct request *request,
	     const char *fmt, ...) __attribute__((format(printf, 3, 4)));

uint64_t now_ns(void);

/* Two threads may write the word at once. */
static inline void set_cancel(struct caller *caller, int value)
{
	__atomic_store_n(&caller->cancel, value, __ATOMIC_RELAXED);
}

/* A caller's thread: asks until *@stop. */
void *caller_run(void *caller);

#endif
