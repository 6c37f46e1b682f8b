// SPDX-License-Identifier: MIT
/* What mprotect(), mremap(), madvise(), fork() and exec make of mappings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "test_mmap.h"

void bo_maps(void)
{
	int fd = accel_open();
	volatile char *part;
	struct bo bo;
	uint64_t at;
	char *moved;

	bo_must(&bo, fd, 8 * PAGE);
	must(!bo_offset(fd, bo.handle, &at));
	strcpy((char *)bo.map + 5 * PAGE, "here");
	part = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)at);
	ok(part != MAP_FAILED, "its front alone");
	fails(try_mmap(fd, at, 9 * PAGE, PROT_READ, MAP_SHARED), "a page too much");
	fails(try_mmap(fd, at + 8 * PAGE, PAGE, PROT_READ, MAP_SHARED),
	      "behind its end");
	fails(try_mmap(fd, at - PAGE, PAGE, PROT_READ, MAP_SHARED),
	      "before its start");
	fails(try_mmap(fd, at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE),
	      "a copy on write");
	fails(try_mmap(fd, 0, PAGE, PROT_READ, MAP_SHARED), "offset 0");
	fails(try_mmap(fd, ~(uint64_t)0xfff, PAGE, PROT_READ, MAP_SHARED),
	      "the last offset");
	moved = mremap(bo.map, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	ok(moved == MAP_FAILED, "mremap() to more");
	moved = mremap(bo.map, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	ok(moved == bo.map, "mremap() to the same");
	is(munmap((char *)bo.map + 2 * PAGE, PAGE), 0, "a page of it unmapped");
	is(strcmp((char *)bo.map + 5 * PAGE, "here"), 0, "the rest is there");
	is(mprotect(bo.map, 2 * PAGE, PROT_READ), 0, "mprotect() to read");
	is(mprotect(bo.map, 2 * PAGE, PROT_READ | PROT_WRITE), 0, "and back");
	madvise(bo.map, 2 * PAGE, MADV_DONTNEED);
	madvise((char *)bo.map + 3 * PAGE, 4 * PAGE, MADV_DONTNEED);
	madvise((char *)bo.map + 3 * PAGE, 4 * PAGE, MADV_REMOVE);
	madvise((char *)bo.map + 3 * PAGE, 4 * PAGE, MADV_PAGEOUT);
	madvise((char *)bo.map + 3 * PAGE, 4 * PAGE, MADV_HUGEPAGE);
	is(strcmp((char *)bo.map + 5 * PAGE, "here"), 0,
	   "no advice takes the data away");
	is(mlock((char *)bo.map + 3 * PAGE, PAGE), 0, "mlock()");
	ok(chip_works(), "jobs work");
}

void bo_outlives(void)
{
	int fd = accel_open();
	struct bo bo;
	bool good = true;

	bo_must(&bo, fd, 64 * PAGE);
	memset(bo.map, 1, bo.size / 2);
	bo_close(fd, bo.handle);
	memset((char *)bo.map + bo.size / 2, 1, bo.size / 2);
	close(fd);
	ok(chip_works(), "handle and file closed; others work");
	for (uint64_t i = 0; i < bo.size; i++)
		good &= ((char *)bo.map)[i] == 1;
	ok(good, "the mapping has its data");
	munmap(bo.map, bo.size);
}

/* How a child that does this ends: 0, or its signal. */
static int in_child(void (*what)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (!pid) {
		what(arg);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void write_child(void *arg)
{
	strcpy(arg, "the child's");
}

void bo_fork(void)
{
	int fd = accel_open();
	struct bo bo;

	bo_must(&bo, fd, PAGE);
	strcpy(bo.map, "the parent's");
	is(in_child(write_child, bo.map), 0, "a child writes to a buffer");
	is(strcmp(bo.map, "the child's"), 0, "which is shared with it");
}

/* ---- The queue's two ------------------------------------------------------ */

void queue_remap(void)
{
	struct drm_ctrans_queue_create how = { .sq_log2 = 6, .cq_log2 = 10,
					       .sq_va = RIG_VA, .eventfd = -1 };
	char *spare = mmap(NULL, 32 * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig rig;
	void *moved;

	rig_open(&rig);
	queue_close(&rig.q);
	how.vm_id = rig.vm;
	must(!queue_open(&rig.q, rig.fd, &how, rig.mem.map));
	must(rig.q.status_size > PAGE);

	ok(mremap((void *)rig.q.doorbell, PAGE, 2 * PAGE, MREMAP_MAYMOVE) ==
	   MAP_FAILED, "a doorbell does not grow");
	ok(mremap((void *)rig.q.status, rig.q.status_size,
		  rig.q.status_size + PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	   "nor status");
	ok(mremap((void *)rig.q.doorbell, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	   "no second one by mremap()");
	is(munmap((void *)(rig.q.status + PAGE), PAGE), -1,
	   "status is not unmapped by pages");
	is(mprotect((void *)rig.q.status, PAGE, PROT_NONE), -1,
	   "nor protected by pages");
	ok(mremap((void *)rig.q.status, rig.q.status_size, PAGE, 0) == MAP_FAILED,
	   "nor cut");
	ok(rig_works(&rig), "the queue works");
	moved = mremap((void *)rig.q.doorbell, PAGE, PAGE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, spare);
	if (moved != MAP_FAILED)
		rig.q.doorbell = moved;
	guest_note("a doorbell %s", moved == MAP_FAILED ? "stays" : "moves");
	ok(rig_works(&rig), "the queue works");
	moved = mremap((void *)rig.q.status, rig.q.status_size,
		       rig.q.status_size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       spare + 2 * PAGE);
	if (moved != MAP_FAILED)
		rig.q.status = moved;
	guest_note("status %s", moved == MAP_FAILED ? "stays" : "moves");
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
	ok(chip_works(), "others work");
}

void queue_advice(void)
{
	static const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_REMOVE, MADV_DOFORK, MADV_DONTFORK,
		MADV_MERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DODUMP,
		MADV_FREE, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD,
		MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
		25 /* MADV_COLLAPSE */,
	};
	struct rig rig;
	char into[64];

	rig_open(&rig);
	is(madvise((void *)rig.q.doorbell, PAGE, MADV_DOFORK), -1,
	   "a doorbell is not for children");
	is(madvise((void *)rig.q.status, rig.q.status_size, MADV_DOFORK), -1,
	   "nor is status");
	is(madvise((void *)rig.q.doorbell, PAGE, MADV_DODUMP), -1,
	   "a doorbell is in no core dump");
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		madvise((void *)rig.q.doorbell, PAGE, advice[i]);
		madvise((void *)rig.q.status, rig.q.status_size, advice[i]);
	}
	ok(rig_works(&rig), "the queue works after all advice");
	mlock((void *)rig.q.doorbell, PAGE);
	mlock((void *)rig.q.status, rig.q.status_size);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	munlockall();
	msync((void *)rig.q.doorbell, PAGE, MS_SYNC);
	mprotect((void *)rig.q.doorbell, PAGE, PROT_NONE);
	is(mprotect((void *)rig.q.doorbell, PAGE, PROT_READ | PROT_WRITE), 0,
	   "hidden and shown again");
	is(mprotect((void *)rig.q.doorbell, PAGE, PROT_READ | PROT_EXEC), -1,
	   "but not to be run");
	ok(rig_works(&rig), "the queue works");
	/* another process's view of it */
	{
		struct iovec here = { into, sizeof(into) };
		struct iovec there = { (void *)rig.q.doorbell, sizeof(into) };

		ok(process_vm_readv(getpid(), &here, 1, &there, 1, 0) < 0,
		   "no process_vm_readv() of a doorbell");
	}
	ok(rig_works(&rig), "the queue works");
	rig_close(&rig);
}

static void touch_doorbell(void *arg)
{
	struct rig *rig = arg;

	rig->q.doorbell[0] = 1000;
}

static void touch_status(void *arg)
{
	struct rig *rig = arg;

	_exit((int)queue_line(&rig->q)->cq_tail & 1);
}

/* A child has the file, but none of the mappings until it maps them itself. */
void queue_fork(void)
{
	struct rig rig;
	pid_t pid;
	int status;

	rig_open(&rig);
	ok(rig_works(&rig), "the queue works");
	is(in_child(touch_doorbell, &rig), SIGSEGV, "a child has no doorbell");
	is(in_child(touch_status, &rig), SIGSEGV, "nor status");
	ok(rig_works(&rig), "the parent's work");
	pid = fork();
	must(pid >= 0);
	if (!pid) {
		rig.q.doorbell = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED, rig.fd,
				      (off_t)rig.q.doorbell_offset);
		rig.q.status = mmap(NULL, rig.q.status_size, PROT_READ, MAP_SHARED,
				    rig.fd, (off_t)rig.q.status_offset);
		_exit(rig.q.doorbell == MAP_FAILED || rig.q.status == MAP_FAILED ||
		      !rig_works(&rig));
	}
	must(waitpid(pid, &status, 0) == pid);
	is(status, 0, "with the file it maps them and works");
	/* what the child used has moved the queue on */
	rig.q.tail++;
	rig.q.head++;
	ok(rig_works(&rig), "and the parent goes on from there");
	rig_close(&rig);
}

/* exec drops everything, in the middle of jobs. */
void queue_exec(void)
{
	unsigned int good = 0;

	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		int status;

		must(pid >= 0);
		if (!pid) {
			struct rig rig;

			rig_open(&rig);
			queue_nops(&rig.q, 60);
			execl("/bin/true", "true", NULL);
			_exit(9);
		}
		must(waitpid(pid, &status, 0) == pid);
		good += WIFEXITED(status) && WEXITSTATUS(status) != 9;
	}
	is(good, 10, "exec with a queue at work");
	ok(chip_works(), "others work");
}

/* Mappings of a queue and a file that are gone; rule_09 has the rest. */
void queue_outlives(void)
{
	volatile uint32_t *bell[4];
	struct rig rig[4];

	for (int i = 0; i < 4; i++) {
		rig_open(&rig[i]);
		bell[i] = rig[i].q.doorbell;
		if (i & 1)
			queue_nops(&rig[i].q, 30);
		close(rig[i].fd);
	}
	/* a mapping keeps its file open: the queue is still there */
	queue_nops(&rig[0].q, 1);
	for (int i = 0; i < 4; i++)
		munmap((void *)rig[i].q.status, rig[i].q.status_size);
	for (int i = 0; i < 4; i++)
		bell[i][0] = 40;
	ok(chip_works(), "files closed, their mappings not: others work");
	for (int i = 0; i < 4; i++)
		munmap((void *)bell[i], PAGE);
	ok(chip_works(), "unmapped: others work");
}

/* Every size of status: mapped whole, to its last byte. */
void status_short(void)
{
	struct rig rig;

	rig_open(&rig);
	queue_close(&rig.q);
	for (uint32_t log2 = CTRANS_QUEUE_LOG2_MIN; log2 <= CTRANS_QUEUE_LOG2_MAX;
	     log2++) {
		struct drm_ctrans_queue_create how = {
			.vm_id = rig.vm, .sq_log2 = 6, .cq_log2 = log2,
			.sq_va = RIG_VA, .eventfd = -1,
		};
		unsigned int sum = 0;

		must(!queue_open(&rig.q, rig.fd, &how, rig.mem.map));
		for (uint64_t i = CTRANS_STATUS_CQ; i < rig.q.status_size; i++)
			sum += rig.q.status[i];
		is(sum, 0, "%llu bytes, all zero",
		   (unsigned long long)rig.q.status_size);
		fails(try_mmap(rig.fd, rig.q.status_offset,
			       rig.q.status_size + PAGE, PROT_READ, MAP_SHARED),
		      "a page more");
		queue_close(&rig.q);
	}
	close(rig.fd);
}
