// SPDX-License-Identifier: MIT
/*
 * The whole machine goes to sleep, as far as CONFIG_PM_DEBUG lets it without
 * anybody to wake it: tasks are frozen, devices suspended, and both undone. No user
 * of the chip can make that fail, nor does it cost one a job, but for a job that
 * does not end.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "power.h"
#include "test_power.h"

#define SOON_MS	20000

/* ---- One suspend and resume --------------------------------------------- */

static bool offers(const char *file, const char *word)
{
	char text[256];

	return !file_read(file, text, sizeof(text)) && strstr(text, word);
}

/* False, and said: this kernel cannot do so. */
static bool can_test(const char *level)
{
	if (!strcmp(level, "devices") && power_console_dies()) {
		guest_skip("this kernel's virtio console does not outlive it");
		return false;
	}
	if (offers("/sys/power/pm_test", level) && offers("/sys/power/state", "freeze"))
		return true;
	guest_skip("this kernel cannot test its suspend");
	return false;
}

static int suspend_once(const char *level, const char *state)
{
	int err;

	/* it need not wait there for five seconds */
	file_write("/sys/module/suspend/parameters/pm_test_delay", "0");
	must(!file_write("/sys/power/pm_test", level));
	err = file_write("/sys/power/state", state);
	file_write("/sys/power/pm_test", "none");
	return err;
}

/* Freeze and, where there is such a state, mem by turns. */
static const char *state_of(unsigned int round)
{
	return round & 1 && offers("/sys/power/state", "mem") ? "mem" : "freeze";
}

/* ---- Users -------------------------------------------------------------- */

/* Ends with 0 when told by a byte, or with what went wrong. */
struct user {
	pid_t pid;
	int stop;	/* write end */
};

static void work(int stop, bool slow)
{
	struct pollfd p = { .fd = stop, .events = POLLIN };
	uint32_t seed = (uint32_t)getpid();
	struct ctrans_cqe cqe = { 0 };
	struct ctrans_sqe sqe;
	struct rig rig;

	rig_open(&rig);
	for (; poll(&p, 1, 0) == 0; seed++) {
		if (slow) {
			sqe = rig_long(&rig, 8);
			queue_send(&rig.q, &sqe);
		} else {
			rig_batch(&rig, seed);
		}
		if (seed & 1 ? queue_finish(&rig.q, 60 * SECOND) :
		    !queue_watch(&rig.q, 60 * SECOND))
			_exit(1);
		if (slow && (!queue_take(&rig.q, &cqe) || cqe.status))
			_exit(2);
		if (!slow && !rig_batch_right(&rig, seed))
			_exit(3);
	}
	rig_close(&rig);
	_exit(0);
}

static void start(struct user *u, bool slow)
{
	int ends[2];

	must(!pipe(ends));
	u->pid = fork();
	must(u->pid >= 0);
	if (!u->pid) {
		close(ends[1]);
		work(ends[0], slow);
	}
	close(ends[0]);
	u->stop = ends[1];
}

static int stop(struct user *u)
{
	int status = -1;

	must(write(u->stop, "", 1) == 1);
	close(u->stop);
	must(waitpid(u->pid, &status, 0) == u->pid);
	return status;
}

struct sleeper {
	pthread_t thread;
	struct rig *rig;
	bool by_poll, woken;
};

static void *sleep_on(void *arg)
{
	struct sleeper *s = arg;
	struct pollfd p = { .fd = s->rig->fd, .events = POLLIN };

	if (s->by_poll)
		s->woken = poll(&p, 1, 100000) == 1 && p.revents == POLLIN;
	else
		s->woken = !queue_finish(&s->rig->q, 100 * SECOND);
	return NULL;
}

static void suspend_users(const char *level, unsigned int rounds)
{
	struct sleeper s[2] = { 0 };
	struct user users[4];
	unsigned int good = 0, right = 0;
	int64_t longest = 0;
	struct rig rig;

	rig_open(&rig);
	queue_fill(&rig.q, &(struct ctrans_sqe){ .op = CTRANS_OP_NOP });
	for (int i = 0; i < 2; i++) {
		s[i] = (struct sleeper){ .rig = &rig, .by_poll = i };
		must(!pthread_create(&s[i].thread, NULL, sleep_on, &s[i]));
	}
	for (int i = 0; i < 4; i++)
		start(&users[i], i == 3);
	usleep(200000);
	for (unsigned int i = 0; i < rounds; i++) {
		int64_t began = guest_now();
		int err = suspend_once(level, state_of(i));

		began = guest_now() - began;
		longest = began > longest ? began : longest;
		if (err)
			guest_note("round %u, %s: %s", i, state_of(i),
				   strerror(-err));
		good += !err;
		usleep(i % 3 * 10000);
	}
	is(good, rounds, "suspended and resumed: %s", level);
	guest_note("the longest took %lld ms", (long long)(longest / MS));
	for (int i = 0; i < 4; i++)
		right += !stop(&users[i]);
	is(right, 4, "users at work meanwhile have all they computed");
	queue_ring(&rig.q);
	for (int i = 0; i < 2; i++) {
		pthread_join(s[i].thread, NULL);
		ok(s[i].woken, "who slept in %s all the time is woken",
		   i ? "poll()" : "QUEUE_WAIT");
	}
	queue_take_all(&rig.q);
	ok(rig_works(&rig), "and that queue works");
	rig_close(&rig);
}

void frozen_tasks(void)
{
	if (can_test("freezer"))
		suspend_users("freezer", 5);
}

void devices_suspended(void)
{
	if (!can_test("devices"))
		return;
	suspend_users("devices", guest_loops(10));
	power_auto(0);
	suspend_users("devices", guest_loops(3));
	power_default();
}

/* ---- The chip's own sleep ----------------------------------------------- */

void suspended_asleep(void)
{
	unsigned int good = 0, rounds = 4;
	struct rig rig;

	if (!can_test("devices"))
		return;
	rig_open(&rig);
	for (unsigned int i = 0; i < rounds; i++) {
		power_auto(2);
		must(power_sleeps_within(SOON_MS));
		good += !suspend_once("devices", state_of(i));
		rig_batch(&rig, i);
		good += queue_watch(&rig.q, SOON_MS * MS);
		good += rig_batch_right(&rig, i);
		good += power_sleeps_within(SOON_MS);
		/* awake by order, and idle */
		power_on();
		good += !suspend_once("devices", state_of(i));
		good += !power_asleep();
		good += rig_works(&rig);
	}
	is(good, 7 * rounds, "suspended asleep and awake, and at work after it");
	rig_close(&rig);
	power_default();
}

/* Jobs in hand are waited for. */
void suspended_at_work(void)
{
	struct ctrans_cqe cqe = { .status = 99 };
	struct drm_ctrans_queue_get_state st;
	unsigned int good = 0, rounds = 2;
	struct ctrans_sqe sqe;
	struct rig rig, other;

	if (!can_test("devices"))
		return;
	rig_open(&rig);
	rig_open(&other);
	/* far from the two seconds on any host */
	sqe = rig_long(&rig, 6);
	for (unsigned int i = 0; i < rounds; i++) {
		for (int n = 0; n < 4; n++)
			queue_fill(&rig.q, &sqe);
		queue_ring(&rig.q);
		rig_batch(&other, i);
		usleep(20000);
		good += !suspend_once("devices", state_of(i));
		must(!queue_get_state(rig.fd, rig.q.id, &st));
		good += st.state == CTRANS_KQ_READY;
		good += queue_watch(&rig.q, 60 * SECOND);
		while (queue_take(&rig.q, &cqe))
			good += cqe.status == CTRANS_ST_OK;
		good += queue_watch(&other.q, 60 * SECOND);
		good += rig_batch_right(&other, i);
	}
	is(good, 9 * rounds, "suspended under long jobs and behind them");
	rig_close(&rig);
	rig_close(&other);
}

/* One that does not end is ended, alone, and the machine sleeps. */
void suspended_stuck(void)
{
	struct drm_ctrans_queue_get_state st;
	struct ctrans_cqe cqe = { 0 };
	struct ctrans_sqe sqe;
	struct rig rig, other;
	int64_t took;
	uint32_t resets;

	if (!can_test("devices"))
		return;
	if (!ctl("state", NULL, 0)) {
		guest_skip("no way to the chip's control socket");
		return;
	}
	rig_open(&other);
	rig_open_in(&rig, accel_open(), -1, 60000);
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	resets = st.reset_count;
	must(ctl("stall on", NULL, 0));
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
	queue_send(&rig.q, &sqe);
	usleep(50000);
	/* behind it, to be carried over */
	rig_batch(&other, 5);
	took = guest_now();
	is(suspend_once("devices", "freeze"), 0, "suspended under a job that hangs");
	took = guest_now() - took;
	must(ctl("stall off", NULL, 0));
	ok(took < 30 * SECOND, "in %lld ms", (long long)(took / MS));
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_TIMEDOUT, "its queue is TIMEDOUT");
	is(st.reset_count, resets, "without a reset of the chip");
	ok(queue_watch(&other.q, SOON_MS * MS) && rig_batch_right(&other, 5),
	   "another queue's jobs are done");
	is(queue_restart(rig.fd, rig.q.id), 0, "RESTART");
	while (queue_take(&rig.q, &cqe))
		;
	is(cqe.status, CTRANS_ST_ABORTED, "the job was ABORTED");
	ok(rig_works(&rig), "and the queue works");
	rig_close(&rig);
	rig_close(&other);
	ctl("clear", NULL, 0);
}
