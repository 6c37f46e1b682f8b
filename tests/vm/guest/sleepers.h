/* SPDX-License-Identifier: MIT */
/* Threads that sleep until a queue has something for them, each in its own way. */
#ifndef SLEEPERS_H
#define SLEEPERS_H

#include <pthread.h>

#include "jobs.h"

enum sleeper_way { BY_WAIT, BY_POLL, BY_EPOLL, BY_EVENTFD, BY_URING, WAYS };

/* "QUEUE_WAIT", "poll()", ... */
extern const char *const sleeper_ways[WAYS];

/* How long they sleep at most. */
#define SLEEPER_MS	20000

struct sleeper {
	pthread_t thread;
	struct rig *rig;
	int event;		/* the queue's eventfd, with no signal in it */
	uint64_t seq;		/* completions that QUEUE_WAIT waits for */
	enum sleeper_way way;
	uint32_t seen;		/* completions before */
	/* 0 or -errno of QUEUE_WAIT; of the others events or -errno, -ETIME: none */
	int got;
	int64_t at;		/* when it woke */
};

/* One for each way; asleep when this returns. */
void sleepers_start(struct sleeper s[WAYS], struct rig *rig, int event, uint64_t seq);
/* Until this one has woken. */
void sleeper_join(struct sleeper *s);
/* By completions, and nothing else; or there is no such way in this kernel. */
bool sleeper_woken(const struct sleeper *s);
/* Take the signals out of it. */
void event_drain(int event);

#endif
