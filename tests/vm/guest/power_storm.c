// SPDX-License-Identifier: MIT
/*
 * No delay at all before the sleep, and threads that ring at any moment of it: a
 * word stored just before the chip goes is not lost. They look at status pages
 * only, so that no call of theirs repairs what was.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "power.h"
#include "test_power.h"

#define QUEUES	3
#define SOON_MS	20000

struct ringer {
	pthread_t thread;
	struct rig rig[QUEUES];
	uint64_t seed;
	int64_t until;
	unsigned int jobs, lost, wrong;
	bool calls;	/* waits by them, too */
};

static void pause_some(struct ringer *r)
{
	unsigned int us = (unsigned int)(guest_random(&r->seed) % 4000);

	/* also no time at all: the moment after a completion is the tight one */
	if (us & 1)
		usleep(us);
	else if (us & 2)
		for (volatile unsigned int i = 0; i < us * 20; i++)
			;
}

static bool wait_some(struct ringer *r, struct rig *rig)
{
	struct pollfd p = { .fd = rig->fd, .events = POLLIN };

	switch (r->calls ? guest_random(&r->seed) % 4 : 0) {
	case 1:
		return !queue_finish(&rig->q, SOON_MS * MS);
	case 2:
		while (queue_line(&rig->q)->cq_tail != rig->q.tail) {
			if (poll(&p, 1, SOON_MS) != 1)
				return false;
			sched_yield();
		}
		return true;
	default:
		return queue_watch(&rig->q, SOON_MS * MS);
	}
}

static void *ring_on(void *arg)
{
	struct ringer *r = arg;

	while (guest_now() < r->until && !r->lost) {
		struct rig *rig = &r->rig[guest_random(&r->seed) % QUEUES];
		uint32_t seed = (uint32_t)guest_random(&r->seed);
		bool copies = seed % 8 == 0;

		if (copies)
			rig_batch(rig, seed);
		else
			queue_nops(&rig->q, 1 + seed % 3);
		if (!wait_some(r, rig)) {
			r->lost++;
			break;
		}
		r->jobs += rig->q.tail - rig->q.head;
		if (copies)
			r->wrong += !rig_batch_right(rig, seed);
		queue_take_all(&rig->q);
		pause_some(r);
	}
	return NULL;
}

static void storm_for(unsigned int seconds, bool calls)
{
	static struct ringer ringers[2];
	int64_t began;
	int slept;

	power_auto(0);
	for (unsigned int i = 0; i < 2; i++) {
		struct ringer *r = &ringers[i];

		*r = (struct ringer){ .seed = 77 + i, .calls = calls };
		for (unsigned int q = 0; q < QUEUES; q++)
			rig_open(&r->rig[q]);
	}
	must(power_sleeps_within(SOON_MS));
	power_count_sleeps();
	began = guest_now();
	for (unsigned int i = 0; i < 2; i++) {
		ringers[i].until = began + seconds * SECOND;
		must(!pthread_create(&ringers[i].thread, NULL, ring_on,
				     &ringers[i]));
	}
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(ringers[i].thread, NULL);
	slept = power_sleeps_counted();
	for (unsigned int i = 0; i < 2; i++) {
		struct ringer *r = &ringers[i];

		is(r->lost, 0, "words lost, of %u jobs", r->jobs);
		is(r->wrong, 0, "and every result is right");
		for (unsigned int q = 0; q < QUEUES; q++)
			rig_close(&r->rig[q]);
	}
	if (slept < 0)
		guest_note("this kernel does not trace how often it sleeps");
	else
		ok(slept > (int)(5 * seconds), "it fell asleep %d times", slept);
	power_default();
}

void storm(void)
{
	storm_for(guest_loops(5), false);
}

void storm_of_calls(void)
{
	storm_for(guest_loops(3), true);
}
