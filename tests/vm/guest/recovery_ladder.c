// SPDX-License-Identifier: MIT
/*
 * The rungs of recovery, each made necessary by a chip that does not obey the one
 * before. Whoever has nothing to do with the job that hangs loses nothing up to the
 * last, where there is no chip any more.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pci.h"
#include "power.h"
#include "recovery.h"
#include "test_recovery.h"

void queue_abort(void)
{
	struct ctrans_cqe cqe = { 0 };
	char line[512] = "";
	struct scene s;

	if (!have_faults())
		return;
	scene_open(&s);
	scene_hang(&s);
	scene_told(&s, -EIO, 1);
	is(state_of(s.guilty.fd, s.guilty.q.id), CTRANS_KQ_TIMEDOUT,
	   "its queue is TIMEDOUT");
	is(state_of(s.guilty.fd, s.second.id), CTRANS_KQ_READY,
	   "one of the same space is READY");
	is(queue_finish(&s.second, 60 * SECOND), 0, "and its jobs are done");
	scene_others(&s);
	fault("off");
	is(resets_of(&s.guilty), s.resets, "without a reset of the chip");
	ok(!dump_read(line, sizeof(line), 0), "or a core dump");
	is(kmsg_count(s.kmsg, "no progress", line, sizeof(line)), 1,
	   "one line in the log");
	guest_note("%s", line);
	is(queue_restart(s.guilty.fd, s.guilty.q.id), 0, "RESTART");
	must(queue_take(&s.guilty.q, &cqe));
	is(cqe.status, CTRANS_ST_ABORTED, "the job was ABORTED");
	ok(rig_works(&s.guilty), "and the queue works");
	scene_close(&s);
}

/* From the second rung on the guilty space's queues are LOST. */
static void climb(const char *const *ignored, unsigned int n, const char *said)
{
	char line[512] = "";
	struct scene s;

	if (!have_faults())
		return;
	scene_open(&s);
	for (unsigned int i = 0; i < n; i++)
		fault(ignored[i]);
	scene_hang(&s);
	scene_told(&s, -EIO, n + 1);
	is(state_of(s.guilty.fd, s.guilty.q.id), CTRANS_KQ_LOST,
	   "its queue is LOST");
	/* the knobs stay as they are: it is the rung that lets others go on */
	scene_others(&s);
	fault("off");
	ok(kmsg_count(s.kmsg, said, line, sizeof(line)) >= 1,
	   "the log says so: %s", said);
	guest_note("%s", line);
	dump_check();
	is(queue_restart(s.guilty.fd, s.guilty.q.id), -EIO, "no RESTART");
	ok(made_again(&s.guilty), "but a new queue in its space works");
	is(resets_of(&s.guilty) > s.resets, n > 1,
	   "%u resets of the chip", resets_of(&s.guilty) - s.resets);
	if (n == 1)
		is(state_of(s.guilty.fd, s.second.id), CTRANS_KQ_LOST,
		   "the other queue of its space is LOST, too");
	scene_close(&s);
}

static const char *const ignored[] = {
	"ignore-abort", "ignore-context", "ignore-reset", "ignore-flr",
};

void context_reset(void)
{
	climb(ignored, 1, "context");
}

void chip_reset(void)
{
	climb(ignored, 2, "reset");
}

void bus_reset(void)
{
	climb(ignored, 3, "bus");
}

/* Nothing helps: the chip is cut off, and whoever can do something is told. */
void wedged(void)
{
	struct pollfd p = { .events = POLLIN };
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_dev_query query = { 0 };
	int uevents = uevents_open();
	uint32_t handle;
	struct scene s;

	if (!have_faults())
		return;
	pci_name();
	scene_open(&s);
	for (unsigned int i = 0; i < 4; i++)
		fault(ignored[i]);
	scene_hang(&s);
	/* by the second rung, on which its queue is LOST */
	scene_told(&s, -EIO, 2);
	ok(uevent_seen(uevents, "WEDGED=", PATIENCE_MS), "a uevent says WEDGED=");
	for (unsigned int i = 0; i < OTHERS; i++) {
		struct rig *rig = &s.other[i];

		is(queue_finish(&rig->q, 60 * SECOND), -ENODEV,
		   "another's waits: -ENODEV");
		is(queue_kernel(&rig->q)->state, CTRANS_KQ_LOST, "its queue: LOST");
		rig->q.doorbell[0] = 12345;
		p.fd = rig->fd;
		is(poll(&p, 1, 0) == 1 ? p.revents & POLLHUP : 0, POLLHUP,
		   "its file: POLLHUP");
	}
	is(call(s.guilty.fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query), -ENODEV,
	   "DEV_QUERY");
	is(bo_create(s.guilty.fd, PAGE, &handle), -ENODEV, "BO_CREATE");
	is(vm_create(s.guilty.fd, &handle), -ENODEV, "VM_CREATE");
	is(vm_unmap(s.guilty.fd, s.guilty.vm, RIG_VA, RIG_SIZE), -ENODEV, "VM_BIND");
	is(queue_get_state(s.guilty.fd, s.second.id, &st), -ENODEV, "GET_STATE");
	is(queue_restart(s.guilty.fd, s.second.id), -ENODEV, "RESTART");
	is(queue_destroy(s.guilty.fd, s.second.id), -ENODEV, "QUEUE_DESTROY");
	fails(accel_try_open(), "the node does not open");
	memset(s.guilty.mem.map, 1, s.guilty.mem.size);
	dump_check();
	fault("off");
	is(pci_unbind(), 0, "unbound");
	is(pci_bind(), 0, "and bound");
	close(accel_open_within(60));
	ok(chip_works(), "a new file works");
	rig_unmap(&s.guilty);
	queue_unmap(&s.second);
	close(s.guilty.fd);
	for (unsigned int i = 0; i < OTHERS; i++) {
		rig_unmap(&s.other[i]);
		close(s.other[i].fd);
	}
	close(uevents);
	ok(chip_works(), "and another");
	dump_dismiss();
	power_default();
	faults_off();
}

/* A chip that sleeps has nothing in hand: waking it costs nobody a queue. */
void woken_disobeying(void)
{
	unsigned int good = 0;
	struct rig rig[3];
	int64_t took;

	if (!have_faults())
		return;
	power_auto(5);
	for (int i = 0; i < 3; i++) {
		rig_open(&rig[i]);
		must(rig_works(&rig[i]));
	}
	must(power_sleeps_within(PATIENCE_MS));
	for (int i = 0; i < 3; i++)
		fault(ignored[i]);
	took = guest_now();
	for (int i = 0; i < 3; i++) {
		rig_batch(&rig[i], i);
		good += queue_watch(&rig[i].q, 60 * SECOND);
		good += rig_batch_right(&rig[i], i);
		good += state_of(rig[i].fd, rig[i].q.id) == CTRANS_KQ_READY;
	}
	took = guest_now() - took;
	is(good, 9, "woken, though it ignores resets: queues have lost nothing");
	guest_note("in %lld ms", (long long)(took / MS));
	fault("off");
	for (int i = 0; i < 3; i++)
		rig_close(&rig[i]);
	ok(chip_works(), "a new file works");
	power_default();
	faults_off();
}

/* Who waits behind a job that hangs does not hang, however short his own limit. */
void starved(void)
{
	struct rig hasty, guilty;
	struct ctrans_sqe sqe;
	int64_t began;

	if (!have_faults())
		return;
	rig_open_in(&hasty, accel_open(), -1, 100);
	rig_open_in(&guilty, accel_open(), -1, 3000);
	must(rig_works(&hasty) && rig_works(&guilty));
	fault_hang(&guilty.q);
	sqe = rig_copy(&guilty, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
	began = guest_now();
	queue_send(&guilty.q, &sqe);
	must(queue_fetched(&guilty.q));
	rig_batch(&hasty, 3);
	usleep(1500000);
	is(state_of(hasty.fd, hasty.q.id), CTRANS_KQ_READY,
	   "behind a job that hangs for 1.5 s with a limit of 0.1 s: READY");
	is(queue_wait_until(guilty.fd, guilty.q.id, guilty.q.tail + 1,
			    guest_now() + 60 * SECOND, NULL), -EIO,
	   "the one that hangs is ended");
	guest_note("after %lld ms", (long long)((guest_now() - began) / MS));
	ok(queue_watch(&hasty.q, 60 * SECOND), "and the other has its turn");
	ok(rig_batch_right(&hasty, 3), "with nothing lost");
	is(state_of(hasty.fd, hasty.q.id), CTRANS_KQ_READY, "READY");
	rig_close(&hasty);
	rig_close(&guilty);
	faults_off();
}

/* ---- Its owner does not wait for the watchdog --------------------------- */

void destroyed_hanging(void)
{
	struct scene s;
	int64_t at;

	if (!have_faults())
		return;
	/* an abort that is obeyed, a context's reset, a chip's */
	for (unsigned int n = 0; n < 3; n++) {
		scene_open(&s);
		for (unsigned int i = 0; i < n; i++)
			fault(ignored[i]);
		scene_hang(&s);
		at = guest_now();
		is(queue_destroy(s.guilty.fd, s.guilty.q.id), 0,
		   "QUEUE_DESTROY of one that hangs, %u rungs ignored", n);
		at = guest_now() - at;
		ok(at < ((n + 1) * RUNG_MS + PATIENCE_MS) * MS, "took %lld ms",
		   (long long)(at / MS));
		is(vm_unmap(s.guilty.fd, s.guilty.vm, RIG_PAGE(0), RIG_SIZE), -EBUSY,
		   "its space still has a queue");
		scene_others(&s);
		scene_close(&s);
	}
}

/* Says when its job has the chip. */
static void hang_on(int ready)
{
	struct ctrans_sqe sqe;
	struct rig rig;

	rig_open(&rig);
	fault_hang(&rig.q);
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
	queue_send(&rig.q, &sqe);
	must(queue_fetched(&rig.q));
	must(write(ready, "", 1) == 1);
	pause();
}

void killed_hanging(void)
{
	int64_t at;
	struct scene s;
	int ready[2];
	char byte;
	pid_t pid;

	if (!have_faults())
		return;
	/* as it is, and with two rungs that are of no use */
	for (unsigned int n = 0; n < 3; n += 2) {
		scene_open(&s);
		for (unsigned int i = 0; i < n; i++)
			fault(ignored[i]);
		must(!pipe(ready));
		pid = fork();
		must(pid >= 0);
		if (!pid)
			hang_on(ready[1]);
		must(read(ready[0], &byte, 1) == 1);
		for (unsigned int i = 0; i < OTHERS; i++)
			rig_batch(&s.other[i], s.seed + i);
		s.began = at = guest_now();
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		at = guest_now() - at;
		ok(at < ((n + 1) * RUNG_MS + PATIENCE_MS) * MS,
		   "an owner whose job hangs is killed, %u rungs ignored: %lld ms",
		   n, (long long)(at / MS));
		close(ready[0]);
		close(ready[1]);
		scene_others(&s);
		is(state_of(s.guilty.fd, s.guilty.q.id), CTRANS_KQ_READY,
		   "nobody else is guilty");
		scene_close(&s);
	}
}
