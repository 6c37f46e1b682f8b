// SPDX-License-Identifier: MIT
/* The doorbell page, the status region, and what is said about them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_rings.h"

static sigjmp_buf out;

static void caught(int signal)
{
	siglongjmp(out, signal);
}

/* The signal that a store gets, or 0. */
static int store(volatile uint32_t *at, uint32_t value)
{
	struct sigaction act = { .sa_handler = caught }, segv, bus;
	volatile int got = 0;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	if (sigsetjmp(out, 1))
		got = 1;
	else
		*at = value;
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return got;
}

/*
 * Rule 3: pages have one writer. The status region is the chip's and the
 * kernel's; no way makes it writable for the process.
 */
void rule_03(void)
{
	uint32_t before, state;
	struct rig rig;
	void *status;
	int mem;

	rig_open(&rig);
	status = (void *)rig.q.status;
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size,
		       PROT_READ | PROT_WRITE, MAP_SHARED), "mapped for writing");
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size,
		       PROT_WRITE, MAP_SHARED), "mapped for writing only");
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE), "a copy on write");
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size, PROT_READ,
		       MAP_PRIVATE), "a private one");
	is(mprotect(status, rig.q.status_size, PROT_READ | PROT_WRITE), -1,
	   "mprotect() for writing");
	is(mprotect(status, rig.q.status_size, PROT_READ | PROT_EXEC), -1,
	   "mprotect() for running");
	is(mprotect(status, rig.q.status_size, PROT_NONE), 0, "for nothing");
	is(mprotect(status, rig.q.status_size, PROT_READ), 0, "and back");
	is(mprotect(status, rig.q.status_size, PROT_READ | PROT_WRITE), -1,
	   "still not for writing");
	before = queue_line(&rig.q)->cq_tail;
	state = queue_kernel(&rig.q)->state;
	ok(store((uint32_t *)status + 1, 77), "a store ends in a signal");
	mem = open("/proc/self/mem", O_RDWR);
	if (mem >= 0) {
		uint32_t x = 77;

		ok(pwrite(mem, &x, 4, (off_t)(uintptr_t)status + 4) < 0,
		   "/proc/self/mem does not write it");
		ok(pwrite(mem, &x, 4, (off_t)(uintptr_t)status + 64) < 0,
		   "nor the kernel's line");
		ok(pwrite(mem, &x, 4, (off_t)(uintptr_t)rig.q.doorbell) < 0,
		   "nor the doorbell");
		close(mem);
	}
	is(queue_line(&rig.q)->cq_tail, before, "the line is as it was");
	is(queue_kernel(&rig.q)->state, state, "the kernel's, too");
	/* system calls that write to memory do not, either */
	ok(getcwd(status, PAGE) == NULL && errno == EFAULT, "nor do system calls");
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
}

/*
 * Rule 8: a doorbell page belongs to one queue and decodes three words; it is
 * mapped as it is or not at all.
 */
void rule_08(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct drm_ctrans_queue_get_state st;
	volatile uint32_t *bell;
	unsigned int set = 0;
	struct rig rig, other;
	uint64_t at;

	rig_open(&rig);
	rig_open(&other);
	at = rig.q.doorbell_offset;
	is(try_mmap(rig.fd, at, PAGE, rw, MAP_SHARED), 0, "mapped twice");
	is(try_mmap(rig.fd, at, PAGE, PROT_WRITE, MAP_SHARED), 0, "for stores");
	fails(try_mmap(rig.fd, at, 2 * PAGE, rw, MAP_SHARED), "two pages");
	fails(try_mmap(rig.fd, at, 16 * PAGE, rw, MAP_SHARED), "64 KiB");
	fails(try_mmap(rig.fd, at + PAGE, PAGE, rw, MAP_SHARED), "the page after");
	fails(try_mmap(rig.fd, at - PAGE, PAGE, rw, MAP_SHARED), "the one before");
	fails(try_mmap(rig.fd, at, PAGE, rw, MAP_PRIVATE), "a private one");
	fails(try_mmap(rig.fd, at, PAGE, rw | PROT_EXEC, MAP_SHARED), "to be run");
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size + PAGE,
		       PROT_READ, MAP_SHARED), "status and a page");
	fails(try_mmap(rig.fd, rig.q.status_offset, rig.q.status_size, PROT_READ |
		       PROT_EXEC, MAP_SHARED), "status to be run");
	if (rig.q.status_size > PAGE) {
		fails(try_mmap(rig.fd, rig.q.status_offset, PAGE, PROT_READ,
			       MAP_SHARED), "the front of status");
		fails(try_mmap(rig.fd, rig.q.status_offset + PAGE,
			       rig.q.status_size - PAGE, PROT_READ, MAP_SHARED),
		      "the rest of status");
	}
	fails(try_mmap(rig.fd, other.q.doorbell_offset, PAGE, rw, MAP_SHARED),
	      "another file's");
	/* offsets that are nobody's */
	for (unsigned int bit = 12; bit < 63; bit++) {
		uint64_t near = rig.q.status_offset ^ 1ull << bit;

		set += !try_mmap(rig.fd, at ^ 1ull << bit, PAGE, rw, MAP_SHARED);
		set += near != at && !try_mmap(rig.fd, near, PAGE, rw, MAP_SHARED);
	}
	is(set, 0, "no other offset is writable");

	bell = rig.q.doorbell;
	for (unsigned int i = 0; i < PAGE / 4; i++)
		if (i != CTRANS_DB_SQ_TAIL / 4 && i != CTRANS_DB_CQ_HEAD / 4 &&
		    i != CTRANS_DB_ARM / 4)
			bell[i] = 0x12345678;
	set = 0;
	for (unsigned int i = 0; i < PAGE / 4; i += 13)
		set += bell[i] != 0;
	is(set, 0, "it reads as zeros");
	/* stores of other widths are none: after them nothing has happened */
	((volatile uint8_t *)bell)[0x20] = 0xff;
	((volatile uint16_t *)bell)[0x20] = 0xffff;
	((volatile uint64_t *)bell)[0x20] = UINT64_MAX;
	usleep(50000);
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "other offsets do nothing");
	is(st.done, 0, "nothing was run");
	ok(rig_works(&rig) && rig_works(&other), "both queues work");
	rig_close(&other);
	rig_close(&rig);
}

/*
 * Rule 9: a mapping ends before what it maps does. Stores to the doorbell of a
 * queue that is gone or stands still go nowhere, least of all to whoever has the
 * slot now, and never end in a signal. (A device that goes: guest_life.)
 */
void rule_09(void)
{
	struct drm_ctrans_queue_create how;
	struct drm_ctrans_queue_get_state st;
	struct ctrans_sqe bad = { .op = 99 };
	struct queue next[8], *old;
	bool untouched = true;
	struct rig rig;

	rig_open(&rig);
	old = &rig.q;
	ok(rig_works(&rig), "a queue works");
	is(queue_destroy(rig.fd, old->id), 0, "and is destroyed");
	is(store(old->doorbell, 99), 0, "stores to its doorbell are taken");
	is(queue_kernel(old)->state, CTRANS_KQ_LOST, "its kernel line says LOST");
	is(queue_line(old)->cq_tail, 0, "the chip's line is zeros");
	for (int i = 0; i < 8; i++) {
		how = (struct drm_ctrans_queue_create){
			.vm_id = rig.vm, .sq_log2 = RIG_SQ_LOG2,
			.cq_log2 = RIG_CQ_LOG2, .sq_va = RIG_VA, .eventfd = -1,
		};
		must(!queue_open(&next[i], rig.fd, &how, rig.mem.map));
	}
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int v = 0; v < 50; v++)
			store(old->doorbell + i, v + 7);
	usleep(100000);
	for (int i = 0; i < 8; i++) {
		must(!queue_get_state(rig.fd, next[i].id, &st));
		untouched &= st.state == CTRANS_KQ_READY && !st.done;
		queue_nops(&next[i], 2);
		untouched &= !queue_finish(&next[i], 60 * SECOND);
	}
	ok(untouched, "who has the slot now is not disturbed");
	is(queue_kernel(old)->state, CTRANS_KQ_LOST, "LOST it stays");
	for (int i = 0; i < 8; i++)
		queue_close(&next[i]);
	queue_unmap(old);

	/* a queue that stands still */
	how = (struct drm_ctrans_queue_create){
		.vm_id = rig.vm, .sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2,
		.sq_va = RIG_VA, .eventfd = -1,
	};
	must(!queue_open(old, rig.fd, &how, rig.mem.map));
	queue_send(old, &bad);
	must(!queue_finish(old, 60 * SECOND));
	is(store(old->doorbell, 12345), 0, "a queue that stands: stores are taken");
	is(store(old->doorbell + 1, 12345), 0, "all of them");
	usleep(100000);
	must(!queue_get_state(rig.fd, old->id, &st));
	is(st.error, CTRANS_QERR_JOB, "and ignored: the error is the first one");
	is(queue_restart(rig.fd, old->id), 0, "RESTART");
	usleep(100000);
	must(!queue_get_state(rig.fd, old->id, &st));
	is(st.state, CTRANS_KQ_READY, "forgotten, too");
	queue_take_all(old);
	ok(rig_works(&rig), "it works");
	rig_close(&rig);
}

/*
 * Rule 10: nobody can flood the log: what a process does wrong costs no line, or
 * few.
 */
void rule_10(void)
{
	struct ctrans_sqe bad = { .op = 99 };
	int kmsg = kmsg_open(), fd = accel_open();
	unsigned int faults = 300, lines;
	char last[512] = "";
	struct rig rig;

	for (int i = 0; i < 10000; i++) {
		char junk[64];

		memset(junk, i, sizeof(junk));
		call(fd, DRM_IOWR(DRM_COMMAND_BASE + i % 12, struct { char x[64]; }),
		     junk);
		if (i % 100 == 0) {
			try_mmap(fd, (uint64_t)i << 50, PAGE, PROT_READ, MAP_SHARED);
			try_mmap(fd, (1ull << 56) + (uint64_t)i * PAGE, PAGE,
				 PROT_READ, MAP_SHARED);
		}
	}
	lines = kmsg_count(kmsg, "", last, sizeof(last));
	ok(lines <= 10, "10000 bad calls: %u lines", lines);
	if (lines)
		guest_note("the last: %s", last);

	rig_open(&rig);
	for (unsigned int i = 0; i < faults; i++) {
		queue_send(&rig.q, &bad);
		must(!queue_finish(&rig.q, 60 * SECOND));
		must(!queue_restart(rig.fd, rig.q.id));
		queue_take_all(&rig.q);
	}
	lines = kmsg_count(kmsg, "", last, sizeof(last));
	ok(lines && lines < faults / 2, "%u faults: %u lines", faults, lines);
	guest_note("the last: %s", last);
	rig_close(&rig);
}
