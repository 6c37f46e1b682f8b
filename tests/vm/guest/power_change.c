// SPDX-License-Identifier: MIT
/*
 * What is done to queues, address spaces and their owners while the chip sleeps:
 * when it wakes, it is as if it had been awake.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "power.h"
#include "test_power.h"

#define SOON_MS	20000

/* ---- Queues that stand still -------------------------------------------------- */

void stopped_queue(void)
{
	struct drm_ctrans_queue_get_state before, st;
	struct ctrans_cqe cqe = { 0 };
	unsigned int n = 20, faulted = 0, slept_on = 0, same = 0, good = 0;
	struct ctrans_sqe sqe;
	struct rig rig;

	power_auto(5);
	rig_open(&rig);
	for (unsigned int i = 0; i < n; i++) {
		sqe = rig_copy(&rig, 0x7654320000, RIG_PAGE(RIG_FREE), 256);
		sqe.sequence = 0x1000 + i;
		queue_send(&rig.q, &sqe);
		must(!queue_finish(&rig.q, SOON_MS * MS));
		must(!queue_get_state(rig.fd, rig.q.id, &before));
		faulted += before.state == CTRANS_KQ_FAULTED;
		must(power_sleeps_within(SOON_MS));
		/* what is stored now is not for the chip, and does not wake it */
		rig.q.doorbell[CTRANS_DB_SQ_TAIL / 4] = rig.q.tail + 20;
		slept_on += power_asleep();
		must(!queue_get_state(rig.fd, rig.q.id, &st));
		same += !memcmp(&st, &before, sizeof(st));
		good += !queue_restart(rig.fd, rig.q.id);
		while (queue_take(&rig.q, &cqe))
			;
		good += cqe.status == CTRANS_ST_FAULT;
		if (i & 1)
			must(power_sleeps_within(SOON_MS));
		good += rig_works(&rig);
	}
	is(faulted, n, "FAULTED");
	is(slept_on, n, "asleep, whatever is stored now");
	is(same, n, "looked at: all as it was");
	is(good, 3 * n, "restarted, and at work again");

	/* one that an impossible word has stopped: it must not do so again */
	rig.q.doorbell[CTRANS_DB_SQ_TAIL / 4] = rig.q.tail + 1000;
	is(queue_wait_until(rig.fd, rig.q.id, rig.q.tail + 1,
			    guest_now() + SOON_MS * MS, NULL), -EIO,
	   "an impossible tail stops it");
	must(power_sleeps_within(SOON_MS));
	is(queue_restart(rig.fd, rig.q.id), 0, "restarted asleep");
	ok(rig_works(&rig), "it works");

	/* and one that stays stopped while others are carried over */
	rig.q.doorbell[CTRANS_DB_SQ_TAIL / 4] = rig.q.tail + 1000;
	queue_wait_until(rig.fd, rig.q.id, rig.q.tail + 1,
			 guest_now() + SOON_MS * MS, NULL);
	for (int i = 0; i < 5; i++) {
		must(power_sleeps_within(SOON_MS));
		ok(chip_works(), "others work");
	}
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_FAULTED, "five sleeps later it is FAULTED");
	is(st.error, CTRANS_QERR_SQ_TAIL, "for its tail");
	is(queue_restart(rig.fd, rig.q.id), 0, "restarted");
	ok(rig_works(&rig), "it works");
	rig_close(&rig);
	power_default();
}

void timed_out_queue(void)
{
	struct drm_ctrans_queue_get_state st;
	struct ctrans_cqe cqe = { 0 };
	struct ctrans_sqe sqe;
	struct rig rig;

	if (!ctl("state", NULL, 0)) {
		guest_skip("no way to the chip's control socket");
		return;
	}
	power_auto(5);
	rig_open_in(&rig, accel_open(), -1, 500);
	must(ctl("stall on", NULL, 0));
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
	queue_send(&rig.q, &sqe);
	queue_send(&rig.q, &sqe);
	usleep(200000);
	ok(!power_asleep(), "a job that stands still: the chip does not sleep");
	is(queue_wait_until(rig.fd, rig.q.id, rig.q.tail, guest_now() + 60 * SECOND,
			    NULL), -EIO, "and is ended in time");
	must(ctl("stall off", NULL, 0));
	ok(power_sleeps_within(SOON_MS), "its queue does not keep the chip awake");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_TIMEDOUT, "TIMEDOUT, asleep");
	is(st.done, 1, "one job of two is done");
	is(queue_restart(rig.fd, rig.q.id), 0, "restarted");
	queue_ring(&rig.q);
	ok(queue_watch(&rig.q, SOON_MS * MS), "the other one is run");
	must(queue_take(&rig.q, &cqe));
	is(cqe.status, CTRANS_ST_ABORTED, "the first was ABORTED");
	must(queue_take(&rig.q, &cqe));
	is(cqe.status, CTRANS_ST_OK, "the second is OK");
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
	power_default();
	ctl("clear", NULL, 0);
}

/* ---- Calls that change things --------------------------------------------------- */

void queues_change(void)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2, .sq_va = RIG_VA,
		.eventfd = -1,
	};
	unsigned int good = 0;
	struct rig rig, other;

	power_auto(2);
	rig_open(&rig);
	rig_open(&other);
	how.vm_id = rig.vm;
	for (int i = 0; i < 20; i++) {
		must(power_sleeps_within(SOON_MS));
		good += !queue_destroy(rig.fd, rig.q.id);
		/* a mapping of what is gone */
		rig.q.doorbell[0] = 77;
		queue_unmap(&rig.q);
		if (i & 1)
			must(power_sleeps_within(SOON_MS));
		must(!queue_open(&rig.q, rig.fd, &how, rig.mem.map));
		if (i & 2)
			must(power_sleeps_within(SOON_MS));
		good += queue_line(&rig.q)->cq_tail == 0;
		good += rig_works(&rig) && rig_works(&other);
	}
	is(good, 60, "queues destroyed and made while it sleeps");
	rig_close(&rig);
	rig_close(&other);

	/* all there are, most of them asleep for long */
	{
		struct rig many[12];

		for (int i = 0; i < 12; i++)
			rig_open(&many[i]);
		good = 0;
		for (int round = 0; round < 3; round++) {
			must(power_sleeps_within(SOON_MS));
			for (int i = 11; i >= 0; i--)
				good += rig_works(&many[i]);
		}
		is(good, 36, "twelve queues over three sleeps");
		for (int i = 0; i < 12; i++)
			rig_close(&many[i]);
	}
	power_default();
}

/*
 * The chip keeps translations; what was unbound while it slept must not be
 * reached when it is awake.
 */
void bindings_change(void)
{
	unsigned int good = 0, rounds = 20;
	struct rig rig;
	struct bo a, b;

	power_auto(2);
	rig_open(&rig);
	bo_must(&a, rig.fd, PAGE);
	bo_must(&b, rig.fd, PAGE);
	pattern(a.map, COPY_MAX, 1);
	pattern(b.map, COPY_MAX, 2);
	must(!vm_map(rig.fd, rig.vm, a.handle, RIG_LONG_VA, 0, PAGE, 0));
	for (unsigned int i = 0; i < rounds; i++) {
		struct bo *now = i & 1 ? &a : &b;
		struct ctrans_sqe sqe;

		/* so that the translation is in its cache */
		sqe = rig_copy(&rig, RIG_LONG_VA, RIG_PAGE(RIG_FREE), COPY_MAX);
		queue_send(&rig.q, &sqe);
		must(queue_watch(&rig.q, SOON_MS * MS));
		good += is_pattern(rig_page(&rig, RIG_FREE), COPY_MAX, i & 1 ? 2 : 1);
		must(power_sleeps_within(SOON_MS));
		good += !vm_unmap(rig.fd, rig.vm, RIG_LONG_VA, PAGE);
		good += !vm_map(rig.fd, rig.vm, now->handle, RIG_LONG_VA, 0, PAGE, 0);
		queue_send(&rig.q, &sqe);
		must(queue_watch(&rig.q, SOON_MS * MS));
		good += is_pattern(rig_page(&rig, RIG_FREE), COPY_MAX, i & 1 ? 1 : 2);
		queue_take_all(&rig.q);
	}
	is(good, 4 * rounds, "copies from what is bound there now");

	/* unbound, and gone */
	{
		struct ctrans_sqe sqe = rig_copy(&rig, RIG_LONG_VA,
						 RIG_PAGE(RIG_FREE), COPY_MAX);
		struct ctrans_cqe cqe = { 0 };

		must(power_sleeps_within(SOON_MS));
		must(!vm_unmap(rig.fd, rig.vm, RIG_LONG_VA, PAGE));
		bo_drop(&a);
		bo_drop(&b);
		queue_send(&rig.q, &sqe);
		queue_finish(&rig.q, SOON_MS * MS);
		while (queue_take(&rig.q, &cqe))
			;
		is(cqe.status, CTRANS_ST_FAULT, "unbound asleep: a job faults");
	}
	/* spaces come and go */
	good = 0;
	for (int i = 0; i < 20; i++) {
		uint32_t vm;

		must(power_sleeps_within(SOON_MS));
		good += !vm_create(rig.fd, &vm);
		good += !vm_map(rig.fd, vm, rig.mem.handle, RIG_VA, 0, RIG_SIZE, 0);
		if (i & 1)
			good += !vm_unmap(rig.fd, vm, RIG_VA, RIG_SIZE);
		else
			good++;
		good += !vm_destroy(rig.fd, vm);
	}
	is(good, 80, "spaces made, bound and destroyed");
	rig_close(&rig);
	ok(chip_works(), "others work");
	power_default();
}

/* ---- Ends ------------------------------------------------------------------------ */

static void own(int ready)
{
	struct rig rig;

	rig_open(&rig);
	rig_batch(&rig, 3);
	must(queue_watch(&rig.q, SOON_MS * MS));
	must(write(ready, "", 1) == 1);
	pause();
}

void owner_goes(void)
{
	unsigned int good = 0, rounds = 10;
	struct rig mine;

	power_auto(2);
	rig_open(&mine);
	for (unsigned int i = 0; i < rounds; i++) {
		struct rig rig;

		rig_open(&rig);
		must(rig_works(&rig));
		must(power_sleeps_within(SOON_MS));
		rig_unmap(&rig);
		close(rig.fd);
		good += rig_works(&mine);
	}
	is(good, rounds, "files closed while it sleeps; another's jobs");
	good = 0;
	for (unsigned int i = 0; i < rounds; i++) {
		int ready[2];
		char byte;
		pid_t pid;

		must(!pipe(ready));
		pid = fork();
		must(pid >= 0);
		if (!pid)
			own(ready[1]);
		must(read(ready[0], &byte, 1) == 1);
		must(power_sleeps_within(SOON_MS));
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		close(ready[0]);
		close(ready[1]);
		good += rig_works(&mine);
	}
	is(good, rounds, "owners killed while it sleeps; another's jobs");
	rig_close(&mine);
	power_default();
	good = 0;
	for (int i = 0; i < 64; i++)
		good += chip_works();
	is(good, 64, "nothing of theirs is left on the chip");
}

/* The driver takes mappings away for each sleep, whatever the process does to them. */
void mappings_move(void)
{
	char *place = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	int64_t until = guest_now() + 4 * SECOND;
	unsigned int n = 0, good = 0;
	struct rig rig;

	must(place != MAP_FAILED);
	power_auto(0);
	rig_open(&rig);
	while (guest_now() < until) {
		char *bell = place + (n & 1) * 2 * PAGE;
		void *moved;

		moved = mremap((void *)rig.q.doorbell, PAGE, PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, bell);
		if (moved != MAP_FAILED)
			rig.q.doorbell = moved;
		mprotect((void *)rig.q.doorbell, PAGE, PROT_NONE);
		madvise((void *)rig.q.doorbell, PAGE, MADV_DONTNEED);
		madvise((void *)rig.q.status, rig.q.status_size, MADV_DONTNEED);
		madvise(rig.mem.map, PAGE, MADV_DONTNEED);
		must(!mprotect((void *)rig.q.doorbell, PAGE, PROT_READ | PROT_WRITE));
		queue_nops(&rig.q, 1 + n % 3);
		good += queue_watch(&rig.q, SOON_MS * MS);
		queue_take_all(&rig.q);
		if (n % 8 == 0)
			power_sleeps_within(10);
		n++;
	}
	is(good, n, "times that a doorbell was moved, hidden and rung");
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
	power_default();
}

/* The driver goes and comes, though nobody has woken the chip for it. */
void unbound_asleep(void)
{
	unsigned int good = 0, rounds = 10;

	pci_name();
	for (unsigned int i = 0; i < rounds; i++) {
		struct rig rig;

		power_auto(2);
		rig.fd = accel_open_within(30);
		rig_open_in(&rig, rig.fd, -1, 0);
		must(rig_works(&rig));
		must(power_sleeps_within(SOON_MS));
		good += !pci_unbind();
		rig.q.doorbell[0] = 99;
		good += queue_kernel(&rig.q)->state == CTRANS_KQ_LOST;
		rig_unmap(&rig);
		close(rig.fd);
		good += !pci_bind();
	}
	close(accel_open_within(30));
	is(good, 3 * rounds, "times unbound asleep, and bound");
	ok(chip_works(), "and it works");
	power_default();
}
