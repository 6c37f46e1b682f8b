// SPDX-License-Identifier: MIT
/* A user that is killed, and a job that never ends, harm nobody else. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "test_life.h"

/* Jobs for many seconds. */
static void send_long(struct rig *rig, unsigned int n)
{
	struct ctrans_sqe sqe = rig_long(rig, 16);

	while (n--)
		queue_fill(&rig->q, &sqe);
	queue_ring(&rig->q);
}

/* The moment of death is anywhere in a user's life. */
void killed(void)
{
	unsigned int rounds = 40, good = 0;
	struct rig mine;
	uint64_t seed = 1;

	rig_open(&mine);
	for (unsigned int i = 0; i < rounds; i++) {
		pid_t pid = fork();

		must(pid >= 0);
		if (!pid) {
			struct rig rig;

			for (;;) {
				rig_open(&rig);
				send_long(&rig, 20);
				queue_wait_until(rig.fd, rig.q.id, 3,
						 guest_now() + 300 * MS, NULL);
				rig_close(&rig);
			}
		}
		usleep((useconds_t)(guest_random(&seed) % 300000));
		good += rig_works(&mine);
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
	}
	is(good, rounds, "another's jobs, while users are killed");
	ok(rig_works(&mine), "and after it");
	rig_close(&mine);
	good = 0;
	for (unsigned int i = 0; i < 64; i++)
		good += chip_works();
	is(good, 64, "nothing of theirs is left on the chip");
}

/* Closed with a job at work: its close is short, whatever was asked for. */
void closed(void)
{
	int64_t longest = 0;
	struct rig mine;
	bool good = true;

	rig_open(&mine);
	for (int i = 0; i < 20; i++) {
		struct rig rig;
		int64_t at;

		rig_open(&rig);
		send_long(&rig, 60);
		usleep(30000);
		rig_unmap(&rig);
		at = guest_now();
		close(rig.fd);
		at = guest_now() - at;
		longest = at > longest ? at : longest;
		good &= rig_works(&mine);
	}
	ok(good, "another's jobs");
	ok(longest < 10 * SECOND, "the longest close took %lld ms",
	   (long long)(longest / MS));
	rig_close(&mine);
}

static int worker(unsigned int seconds, uint32_t seed)
{
	int64_t until = guest_now() + seconds * SECOND;
	unsigned int n = 0;
	struct rig rig;

	rig_open(&rig);
	while (guest_now() < until) {
		struct ctrans_sqe sqe;

		pattern(rig_page(&rig, RIG_FREE), COPY_MAX, seed + n);
		for (unsigned int i = 0; i < 4; i++) {
			sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE),
				       RIG_PAGE(RIG_FREE + 1 + i), COPY_MAX);
			queue_send(&rig.q, &sqe);
			if (queue_finish(&rig.q, 60 * SECOND))
				return 1;
			queue_take_all(&rig.q);
			if (!is_pattern(rig_page(&rig, RIG_FREE + 1 + i), COPY_MAX,
					seed + n))
				return 2;
		}
		n++;
	}
	rig_close(&rig);
	return n ? 0 : 3;
}

/* At the same addresses, at the same time, each with its own results. */
void two_processes(void)
{
	const unsigned int n = 6;
	pid_t pid[6];
	int status;

	for (unsigned int i = 0; i < n; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			_exit(worker(4, 1000 * (i + 1)));
	}
	for (unsigned int i = 0; i < n; i++) {
		must(waitpid(pid[i], &status, 0) == pid[i]);
		is(status, 0, "process %u has what it computed", i);
	}
}

/* A job that makes no progress is ended after its queue's time, alone. */
void timed_out(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct drm_ctrans_queue_get_state st;
	struct pollfd p = { .events = POLLIN };
	int kmsg = kmsg_open();
	struct ctrans_cqe cqe = { 0 };
	struct ctrans_sqe sqe;
	struct rig rig, other;
	char line[512] = "";
	int64_t began, took;
	uint32_t resets;

	if (!ctl("state", NULL, 0)) {
		guest_skip("no way to the chip's control socket");
		return;
	}
	rig_open(&other);
	rig_open_in(&rig, accel_open(), event, 1000);
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	resets = st.reset_count;
	must(ctl("stall on", NULL, 0));
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
	sqe.sequence = 4711;
	began = guest_now();
	queue_send(&rig.q, &sqe);
	/* the job itself will have a completion, what comes after it not */
	is(queue_wait_until(rig.fd, rig.q.id, 2, began + 60 * SECOND, NULL), -EIO,
	   "who waits for more is told");
	took = guest_now() - began;
	must(ctl("stall off", NULL, 0));
	ok(took >= 900 * MS && took < 30 * SECOND, "after %lld ms",
	   (long long)(took / MS));
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_TIMEDOUT, "TIMEDOUT");
	is(st.reset_count, resets, "without a reset of the chip");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_TIMEDOUT, "its page says so");
	p.fd = event;
	is(poll(&p, 1, 30000), 1, "its eventfd was signalled");
	p.fd = rig.fd;
	is(poll(&p, 1, 0) == 1 ? p.revents & POLLERR : 0, POLLERR, "POLLERR");
	ok(kmsg_count(kmsg, "ctrans", line, sizeof(line)) == 1,
	   "one line in the log");
	guest_note("%s", line);
	ok(rig_works(&other), "another queue works");
	is(queue_restart(rig.fd, rig.q.id), 0, "RESTART");
	while (queue_take(&rig.q, &cqe))
		;
	is(cqe.status, CTRANS_ST_ABORTED, "the job's completion: ABORTED");
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
	rig_close(&other);
	ctl("clear", NULL, 0);
}

/* Waiting behind another's long job is no lack of progress. */
void starved(void)
{
	struct drm_ctrans_queue_get_state st;
	struct rig rig, other;

	rig_open(&other);
	rig_open_in(&rig, accel_open(), -1, 300);
	send_long(&other, 40);
	for (int i = 0; i < 5; i++) {
		queue_nops(&rig.q, 1);
		queue_finish(&rig.q, 2 * SECOND);
	}
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "a queue that waits its turn stays READY");
	rig_close(&other);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "and has it");
	/* nor is a long job one, as long as it gets on */
	send_long(&rig, 4);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "jobs longer than the limit");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "that make progress");
	rig_close(&rig);
}

/* A fault is one line that says which queue, whose, what and where. */
void told_once(void)
{
	int kmsg = kmsg_open();
	struct ctrans_sqe sqe;
	char line[512] = "";
	unsigned int n;
	struct rig rig;

	rig_open(&rig);
	sqe = rig_copy(&rig, 0x7654320000, RIG_PAGE(RIG_FREE), 256);
	sqe.sequence = 0x1d2c;
	queue_send(&rig.q, &sqe);
	must(!queue_finish(&rig.q, 60 * SECOND));
	usleep(200000);
	n = kmsg_count(kmsg, " stopped: ", line, sizeof(line));
	/* more faults than lines are what the limit of rates is for */
	ok(n <= 1, "%u lines", n);
	if (n)
		ok(strcasestr(line, "7654320000"), "with the address: %s",
		   strchr(line, ';') ? strchr(line, ';') + 1 : line);
	rig_close(&rig);
}

void destroyed_at_work(void)
{
	unsigned int good = 0;

	for (int i = 0; i < 20; i++) {
		struct rig rig;

		rig_open(&rig);
		send_long(&rig, 60);
		usleep((useconds_t)(i * 3000));
		good += !queue_destroy(rig.fd, rig.q.id);
		good += !vm_unmap(rig.fd, rig.vm, RIG_VA, RIG_SPAN);
		good += !vm_destroy(rig.fd, rig.vm);
		/* not ours any more */
		memset(rig.mem.map, 0, rig.mem.size);
		memset(rig.slow.map, 0, rig.slow.size);
		rig_unmap(&rig);
		close(rig.fd);
	}
	is(good, 60, "queues destroyed, then their memory and space");
	ok(chip_works(), "others work");
}
