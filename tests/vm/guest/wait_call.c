// SPDX-License-Identifier: MIT
/* QUEUE_WAIT: sequences, deadlines, signals, company. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "jobs.h"
#include "test_wait.h"

void deadlines(void)
{
	static const int64_t past[] = { 0, 1, -1, INT64_MIN };
	int64_t began, took;
	uint64_t done;
	struct rig rig;
	int err;

	rig_open(&rig);
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		is(queue_wait_until(rig.fd, rig.q.id, 0, past[i], &done), 0,
		   "for nothing, deadline %lld", (long long)past[i]);
		is(done, 0, "nothing done");
		is(queue_wait_until(rig.fd, rig.q.id, 1, past[i], &done), -ETIME,
		   "for a job, deadline %lld", (long long)past[i]);
		is(done, 0, "nothing done");
	}
	began = guest_now();
	is(queue_wait_until(rig.fd, rig.q.id, 1, began + 300 * MS, &done), -ETIME,
	   "for a job, 300 ms");
	took = guest_now() - began;
	ok(took >= 300 * MS && took < 60 * SECOND, "took %lld ms",
	   (long long)(took / MS));
	is(done, 0, "nothing done");
	queue_nops(&rig.q, 5);
	is(queue_wait_until(rig.fd, rig.q.id, 5, INT64_MAX, &done), 0,
	   "for five, for ever");
	is(done, 5, "five done");
	for (uint64_t seq = 0; seq <= 5; seq++) {
		err = queue_wait_until(rig.fd, rig.q.id, seq, INT64_MIN, &done);
		ok(!err && done == 5, "for %llu in the past: %llu done",
		   (unsigned long long)seq, (unsigned long long)done);
	}
	is(queue_wait_until(rig.fd, rig.q.id, UINT64_MAX, guest_now() + 50 * MS,
			    &done), -ETIME, "for 2^64 - 1");
	is(done, 5, "five done");
	is(queue_wait_until(rig.fd, rig.q.id, (1ull << 32) + 5,
			    guest_now() + 50 * MS, NULL), -ETIME, "for 2^32 + 5");
	is(queue_wait_until(rig.fd, rig.q.id, 1ull << 63, 0, NULL), -ETIME,
	   "for 2^63");
	rig_close(&rig);
}

static volatile int signals;

static void on_signal(int signal)
{
	(void)signal;
	signals++;
}

static void alarms(bool restart, unsigned int first_ms)
{
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval timer = {
		.it_value = { .tv_usec = first_ms * 1000 },
		.it_interval = { .tv_usec = 50000 },
	};

	signals = 0;
	must(!sigaction(SIGALRM, &act, NULL));
	must(!setitimer(ITIMER_REAL, &timer, NULL));
}

static void no_alarms(void)
{
	struct itimerval timer = { 0 };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The deadline is absolute, and so a call that is restarted ends in time. */
void interrupted(void)
{
	int64_t began, took;
	struct rig rig;
	int err;

	rig_open(&rig);
	alarms(false, 100);
	is(queue_wait_until(rig.fd, rig.q.id, 1, guest_now() + 60 * SECOND, NULL),
	   -EINTR, "a signal ends the call");
	no_alarms();
	ok(signals > 0, "%d signals", signals);

	began = guest_now();
	alarms(true, 100);
	err = queue_wait_until(rig.fd, rig.q.id, 1, began + SECOND, NULL);
	no_alarms();
	took = guest_now() - began;
	is(err, -ETIME, "with SA_RESTART it goes on");
	ok(signals >= 2, "over %d signals", signals);
	ok(took >= SECOND && took < 60 * SECOND, "and ends in time: %lld ms",
	   (long long)(took / MS));
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
}

/* ---- Several at once ------------------------------------------------------ */

struct waiter {
	pthread_t thread;
	int fd;
	uint32_t id;
	uint64_t seq, done;
	int err;
};

static void *wait_for(void *arg)
{
	struct waiter *w = arg;

	do {
		w->err = queue_wait_until(w->fd, w->id, w->seq,
					  guest_now() + 60 * SECOND, &w->done);
	} while (w->err == -EINTR);
	return NULL;
}

void many_waiters(void)
{
	struct waiter w[24];
	unsigned int good = 0;
	struct rig rig;

	rig_open(&rig);
	for (unsigned int i = 0; i < 24; i++) {
		w[i] = (struct waiter){ .fd = rig.fd, .id = rig.q.id,
					.seq = 1 + i / 3 };
		must(!pthread_create(&w[i].thread, NULL, wait_for, &w[i]));
	}
	for (int i = 0; i < 8; i++) {
		usleep(30000);
		queue_nops(&rig.q, 1);
	}
	for (unsigned int i = 0; i < 24; i++) {
		pthread_join(w[i].thread, NULL);
		good += !w[i].err && w[i].done >= w[i].seq;
	}
	is(good, 24, "threads, three for each of eight jobs");

	/* all for something that does not come: the fault tells them */
	for (unsigned int i = 0; i < 24; i++) {
		w[i] = (struct waiter){ .fd = rig.fd, .id = rig.q.id, .seq = 100 };
		must(!pthread_create(&w[i].thread, NULL, wait_for, &w[i]));
	}
	usleep(100000);
	rig.q.sq[rig.q.tail & 63] = (struct ctrans_sqe){ .op = 99 };
	rig.q.tail++;
	queue_ring(&rig.q);
	good = 0;
	for (unsigned int i = 0; i < 24; i++) {
		pthread_join(w[i].thread, NULL);
		good += w[i].err == -EIO && w[i].done == 9;
	}
	is(good, 24, "threads are told that the queue stands");
	rig_close(&rig);
}

void destroyed_under_wait(void)
{
	struct rig rig;
	unsigned int good = 0;

	for (int round = 0; round < 10; round++) {
		struct waiter w[4];

		rig_open(&rig);
		for (int i = 0; i < 4; i++) {
			w[i] = (struct waiter){ .fd = rig.fd, .id = rig.q.id,
						.seq = 1000 };
			must(!pthread_create(&w[i].thread, NULL, wait_for, &w[i]));
		}
		usleep(20000 * (round % 3));
		queue_destroy(rig.fd, rig.q.id);
		for (int i = 0; i < 4; i++) {
			pthread_join(w[i].thread, NULL);
			/* before it, under it, after it: but never left asleep */
			good += w[i].err == -EIO || w[i].err == -ENOENT;
		}
		queue_unmap(&rig.q);
		close(rig.fd);
	}
	is(good, 40, "waiters of queues that are destroyed");
	ok(chip_works(), "and others work");
}

/* 10000 times alone: each completion wakes its waiter. */
void one_by_one(void)
{
	unsigned int n = 10000, good = 0;
	int64_t began = guest_now(), longest = 0;
	struct rig rig;

	rig_open(&rig);
	for (unsigned int i = 0; i < n; i++) {
		int64_t at = guest_now();

		queue_nops(&rig.q, 1);
		if (queue_wait_until(rig.fd, rig.q.id, rig.q.tail,
				     guest_now() + 20 * SECOND, NULL))
			break;
		good += queue_take_all(&rig.q) == 1;
		if (guest_now() - at > longest)
			longest = guest_now() - at;
	}
	is(good, n, "jobs waited for one by one");
	guest_note("%lld us each, the longest %lld us",
		   (long long)((guest_now() - began) / 1000 / n),
		   (long long)(longest / 1000));
	rig_close(&rig);
}

/*
 * A full completion queue holds jobs back and loses none; many turns of both
 * rings.
 */
void backlog(void)
{
	struct drm_ctrans_queue_create how = { .sq_log2 = 6, .cq_log2 = 3,
					       .sq_va = RIG_VA, .eventfd = -1 };
	uint64_t next = 0, done;
	struct ctrans_cqe cqe;
	bool order = true;
	struct rig rig;

	rig_open(&rig);
	queue_close(&rig.q);
	how.vm_id = rig.vm;
	must(!queue_open(&rig.q, rig.fd, &how, rig.mem.map));
	for (int round = 0; round < 40; round++) {
		queue_nops(&rig.q, 64);
		must(!queue_wait_until(rig.fd, rig.q.id, next + 8,
				       guest_now() + 60 * SECOND, &done));
		if (round < 4) {
			usleep(50000);
			queue_wait_until(rig.fd, rig.q.id, next + 9, 0, &done);
			is(done, next + 8, "eight done, and no more until taken");
		}
		while (next < rig.q.tail) {
			if (!queue_take(&rig.q, &cqe)) {
				must(!queue_wait_until(rig.fd, rig.q.id, next + 1,
						       guest_now() + 60 * SECOND,
						       NULL));
				continue;
			}
			order &= cqe.user_data == next && !cqe.status;
			next++;
		}
	}
	ok(order && next == 40 * 64, "all %llu in order",
	   (unsigned long long)next);
	rig_close(&rig);
}
