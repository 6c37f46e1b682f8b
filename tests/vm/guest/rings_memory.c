// SPDX-License-Identifier: MIT
/* Whose memory the chip reaches, since when and until when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_rings.h"

#define THEIRS	0x40000000ull

/* A copy that has to fault at an address; the queue runs again afterwards. */
static void faults(struct rig *rig, uint64_t src, uint64_t dst, uint64_t at,
		   const char *name)
{
	struct ctrans_sqe sqe = rig_copy(rig, src, dst, 256);
	struct drm_ctrans_queue_get_state st;
	struct ctrans_cqe cqe = { .status = -1 };

	queue_send(&rig->q, &sqe);
	must(!queue_finish(&rig->q, 60 * SECOND));
	while (queue_take(&rig->q, &cqe))
		;
	is(cqe.status, CTRANS_ST_FAULT, "%s: a fault", name);
	must(!queue_get_state(rig->fd, rig->q.id, &st));
	is(st.fault_va, at, "at its address");
	must(!queue_restart(rig->fd, rig->q.id));
}

/*
 * Rule 6: all addresses of a job are its own space's. What another space has
 * there, of the same file or another's, is out of reach, for reading, writing,
 * programs, arguments and rings.
 */
void rule_06(void)
{
	struct ctrans_cqe cqe = { 0 };
	struct rig mine, same, other;
	struct bo a, b;

	rig_open(&mine);
	rig_open_in(&same, mine.fd, -1, 0);
	rig_open(&other);
	bo_must(&a, same.fd, PAGE);
	bo_must(&b, other.fd, PAGE);
	pattern(a.map, 256, 1);
	pattern(b.map, 256, 2);
	must(!vm_map(same.fd, same.vm, a.handle, THEIRS, 0, PAGE, 0));
	must(!vm_map(other.fd, other.vm, b.handle, THEIRS, 0, PAGE, 0));

	faults(&mine, THEIRS, RIG_PAGE(RIG_FREE), THEIRS, "reading theirs");
	pattern(rig_page(&mine, RIG_FREE), 256, 3);
	faults(&mine, RIG_PAGE(RIG_FREE), THEIRS, THEIRS, "writing theirs");
	ok(is_pattern(a.map, 256, 1) && is_pattern(b.map, 256, 2),
	   "theirs are untouched");
	{
		struct ctrans_sqe sqe = rig_copy(&mine, RIG_PAGE(RIG_FREE),
						 RIG_PAGE(RIG_FREE + 1), 256);

		sqe.prog_va = THEIRS;
		queue_send(&mine.q, &sqe);
		must(!queue_finish(&mine.q, 60 * SECOND));
		while (queue_take(&mine.q, &cqe))
			;
		is(cqe.status, CTRANS_ST_FAULT, "a program of theirs");
		must(!queue_restart(mine.fd, mine.q.id));
		sqe.prog_va = RIG_PAGE(1);
		sqe.args_va = THEIRS;
		queue_send(&mine.q, &sqe);
		must(!queue_finish(&mine.q, 60 * SECOND));
		while (queue_take(&mine.q, &cqe))
			;
		is(cqe.status, CTRANS_ST_FAULT, "arguments of theirs");
		must(!queue_restart(mine.fd, mine.q.id));
		sqe.args_va = RIG_PAGE(2);
		sqe.stats_va = THEIRS;
		queue_send(&mine.q, &sqe);
		must(!queue_finish(&mine.q, 60 * SECOND));
		while (queue_take(&mine.q, &cqe))
			;
		is(cqe.status, CTRANS_ST_FAULT, "statistics to theirs");
		must(!queue_restart(mine.fd, mine.q.id));
	}
	ok(is_pattern(a.map, 256, 1) && is_pattern(b.map, 256, 2),
	   "theirs are still untouched");
	/* and what is bound in all three is three different things */
	ok(rig_works(&mine) && rig_works(&same) && rig_works(&other),
	   "each works on its own at the same addresses");
	faults(&mine, 64, RIG_PAGE(RIG_FREE), 64, "the first page");
	faults(&mine, RIG_VA + RIG_SIZE - 512, RIG_PAGE(RIG_FREE),
	       RIG_VA + RIG_SIZE, "over the end of a binding");
	rig_close(&other);
	rig_drop(&same);
	rig_close(&mine);
}

/*
 * Rule 6, the end: when unbinding returns, the chip reaches the memory no more,
 * be a job at work on it or not. The job is one that writes it all the time.
 */
void rule_06_unbind(void)
{
	unsigned int changed = 0, rounds = 0, working = 0;
	struct rig rig;

	for (rounds = 0; rounds < 10; rounds++) {
		struct ctrans_sqe sqe;
		volatile char *data;

		rig_open(&rig);
		{
			struct bo bo;
			struct ctrans_insn *prog;

			bo_must(&bo, rig.fd, 128 * PAGE);
			must(!vm_map(rig.fd, rig.vm, bo.handle, THEIRS, 0, bo.size,
				     0));
			sqe = rig_long(&rig, 16);
			prog = (void *)((char *)rig.slow.map + RIG_LONG_HALF);
			for (unsigned int i = 0; i < CTRANS_PROG_MAX; i++)
				prog[i].norm.out_va = THEIRS;
			for (int i = 0; i < 32; i++)
				queue_fill(&rig.q, &sqe);
			queue_ring(&rig.q);
			usleep(20000 + 7000 * rounds);
			working += queue_wait_until(rig.fd, rig.q.id, rig.q.tail, 0,
						    NULL) == -ETIME;
			is(vm_unmap(rig.fd, rig.vm, THEIRS, bo.size), 0,
			   "unbound under a job that writes there");
			data = bo.map;
			memset(bo.map, 0x5a, bo.size);
			usleep(200000);
			for (size_t i = 0; i < bo.size; i += 64)
				changed += data[i] != 0x5a;
			is(queue_wait_until(rig.fd, rig.q.id, rig.q.tail,
					    guest_now() + 60 * SECOND, NULL), -EIO,
			   "the job that still wanted to has failed");
			bo_drop(&bo);
		}
		rig_close(&rig);
	}
	ok(working > 0, "at work in %u of %u rounds", working, rounds);
	is(changed, 0, "nothing written after it");
	ok(chip_works(), "others work");
}

/*
 * Rule 7: a space holds its buffers, a queue its space and ring, all by
 * reference and never by a number: closing handles takes nothing away, and a
 * number that is used again means nothing to those who had the old.
 */
void rule_07(void)
{
	uint32_t again, handle;
	struct rig rig;
	struct bo soil;

	rig_open(&rig);
	handle = rig.mem.handle;
	is(bo_close(rig.fd, handle), 0, "the handle of everything closed");
	ok(rig_works(&rig), "jobs work");
	must(!bo_create(rig.fd, RIG_SIZE, &again));
	is(again, handle, "the number used again");
	bo_must(&soil, rig.fd, RIG_SIZE);
	memset(soil.map, 0xee, soil.size);
	ok(rig_works(&rig), "jobs work");
	is(vm_unmap(rig.fd, rig.vm, RIG_VA, RIG_SIZE), -EBUSY,
	   "the ring's binding stays");
	is(vm_destroy(rig.fd, rig.vm), -EBUSY, "and the space");
	munmap(rig.mem.map, rig.mem.size);
	rig.q.doorbell[CTRANS_DB_SQ_TAIL / 4] = rig.q.tail + 1;
	is(queue_wait_until(rig.fd, rig.q.id, rig.q.tail + 1,
			    guest_now() + 60 * SECOND, NULL), 0,
	   "a job from a ring that no process maps");
	queue_close(&rig.q);
	is(vm_unmap(rig.fd, rig.vm, RIG_VA, RIG_SIZE), 0,
	   "after the queue it can go");
	is(vm_destroy(rig.fd, rig.vm), 0, "and the space");
	close(rig.fd);
}

/*
 * Rule 11: nothing of one owner's memory comes to another: buffers are zero, also
 * to the chip, and so is what a new queue shows of its completions.
 */
void rule_11(void)
{
	static const float zeros[COPY_MAX];
	unsigned int dirty = 0;

	for (unsigned int round = 0; round < 20; round++) {
		struct ctrans_sqe sqe;
		struct rig rig;
		struct bo bo;
		uint64_t size;

		rig_open(&rig);
		for (uint64_t i = CTRANS_STATUS_CQ; i < rig.q.status_size; i++)
			dirty += rig.q.status[i] != 0;
		bo = (struct bo){ .fd = rig.fd };
		size = 64 * PAGE;
		must(!bo_create(rig.fd, size, &bo.handle));
		must(!vm_map(rig.fd, rig.vm, bo.handle, THEIRS, 0, size, 0));
		for (unsigned int page = 0; page < 64; page += 9) {
			memset(rig_page(&rig, RIG_FREE), 0x77, PAGE);
			sqe = rig_copy(&rig, THEIRS + page * PAGE,
				       RIG_PAGE(RIG_FREE), COPY_MAX);
			queue_send(&rig.q, &sqe);
			must(!queue_finish(&rig.q, 60 * SECOND));
			dirty += memcmp(rig_page(&rig, RIG_FREE), zeros,
					sizeof(zeros)) != 0;
		}
		/* soil everything for whoever comes next */
		sqe.user_data = 0x5ec2e75ec2e75ec2;
		for (unsigned int i = 0; i < 64; i++) {
			queue_take_all(&rig.q);
			queue_send(&rig.q, &sqe);
			must(!queue_finish(&rig.q, 60 * SECOND));
		}
		memset(rig.mem.map, 0xc5, rig.mem.size);
		rig_close(&rig);
	}
	is(dirty, 0, "buffers and completions of new owners are zero");
}
