// SPDX-License-Identifier: MIT
/* Words that change under their reader, and words that make no sense. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_rings.h"

/* A thread that writes one word, in turn this and that. */
struct flipper {
	volatile uint64_t *word;
	uint64_t a, b;
	volatile bool stop;
	pthread_t thread;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;

	while (!f->stop) {
		*f->word = f->a;
		*f->word = f->b;
	}
	return NULL;
}

static void flip_start(struct flipper *f, volatile void *word, uint64_t a,
		       uint64_t b)
{
	*f = (struct flipper){ .word = word, .a = a, .b = b };
	must(!pthread_create(&f->thread, NULL, flip, f));
}

static void flip_stop(struct flipper *f)
{
	f->stop = true;
	pthread_join(f->thread, NULL);
}

/*
 * Rule 1: the kernel takes each word of user memory once, and what it checked is
 * what it uses. Here the size of a binding changes while VM_BIND runs: if the
 * larger one ever came past the check, the binding would stick out of the page
 * that was asked for, and the buffer.
 */
void rule_01(void)
{
	struct drm_ctrans_vm_bind_op op = { .va = 0x100000, .size = PAGE };
	int fd = accel_open();
	uint32_t vm = vm_must(fd);
	unsigned int bound = 0, refused = 0, wrong = 0;
	struct flipper f;
	int64_t until;
	struct bo bo;

	bo_must(&bo, fd, PAGE);
	op.bo_handle = bo.handle;
	until = guest_now() + 2 * SECOND;
	flip_start(&f, &op.size, PAGE, 64ull * PAGE);
	while (guest_now() < until) {
		uint32_t done;
		int err = vm_bind(fd, vm, &op, 1, sizeof(op), &done);

		if (err == -EINVAL && !done) {
			refused++;
			continue;
		}
		if (err || done != 1) {
			wrong++;
			continue;
		}
		bound++;
		wrong += vm_unmap(fd, vm, op.va, PAGE) != 0;
	}
	flip_stop(&f);
	is(wrong, 0, "%u bound, %u refused, none in between", bound, refused);
	is(vm_unmap(fd, vm, 0x100000, 128 * PAGE), -ENOENT, "nothing is left over");

	/* the same for what follows it: no flag, or one that is none */
	op.size = PAGE;
	bound = refused = wrong = 0;
	until = guest_now() + 2 * SECOND;
	flip_start(&f, &op.type, DRM_CTRANS_VM_BIND_MAP,
		   DRM_CTRANS_VM_BIND_MAP | (uint64_t)0x80 << 32);
	while (guest_now() < until) {
		int err = vm_bind(fd, vm, &op, 1, sizeof(op), NULL);

		bound += !err;
		refused += err == -EINVAL;
		wrong += err && err != -EINVAL;
		wrong += !err && vm_unmap(fd, vm, op.va, PAGE);
	}
	flip_stop(&f);
	is(wrong, 0, "flags: %u bound, %u refused", bound, refused);
	ok(chip_works(), "jobs work");
}

/*
 * Rule 2: a ring's place and size are fixed when the queue is made. An index that
 * cannot be is the queue's error, told as such, and nothing wraps.
 */
void rule_02(void)
{
	static const struct {
		unsigned int word;
		uint32_t value;	/* relative to where the queue is */
		uint32_t error;
		const char *name;
	} cases[] = {
		{ CTRANS_DB_SQ_TAIL, 65, CTRANS_QERR_SQ_TAIL, "one too many" },
		{ CTRANS_DB_SQ_TAIL, 0x80000000, CTRANS_QERR_SQ_TAIL, "2^31 more" },
		{ CTRANS_DB_SQ_TAIL, 0xffffffff, CTRANS_QERR_SQ_TAIL, "one less" },
		{ CTRANS_DB_SQ_TAIL, 0xffffffc0, CTRANS_QERR_SQ_TAIL, "64 less" },
		{ CTRANS_DB_CQ_HEAD, 1, CTRANS_QERR_CQ_HEAD, "one not there yet" },
		{ CTRANS_DB_CQ_HEAD, 0x80000000, CTRANS_QERR_CQ_HEAD, "2^31 more" },
		{ CTRANS_DB_CQ_HEAD, 0xffffffff, CTRANS_QERR_CQ_HEAD, "one back" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drm_ctrans_queue_get_state st;
		struct rig rig, other;
		uint32_t at;

		rig_open(&rig);
		rig_open(&other);
		queue_nops(&rig.q, 5);
		must(!queue_finish(&rig.q, 60 * SECOND));
		must(queue_take_all(&rig.q) == 5);
		/* words are states: the chip has to have seen this one */
		usleep(100000);
		at = 5;
		rig.q.doorbell[cases[i].word / 4] = at + cases[i].value;
		is(queue_wait_until(rig.fd, rig.q.id, 6, guest_now() + 60 * SECOND,
				    NULL), -EIO, "%s %s: the queue stands",
		   cases[i].word == CTRANS_DB_SQ_TAIL ? "tail" : "head",
		   cases[i].name);
		must(!queue_get_state(rig.fd, rig.q.id, &st));
		is(st.state, CTRANS_KQ_FAULTED, "FAULTED");
		is(st.error, cases[i].error, "with its reason");
		is(st.done, 5, "nothing was run");
		ok(rig_works(&other), "another queue works");
		is(queue_restart(rig.fd, rig.q.id), 0, "RESTART");
		/* the words as they should be */
		rig.q.doorbell[CTRANS_DB_CQ_HEAD / 4] = rig.q.head;
		queue_nops(&rig.q, 1);
		is(queue_finish(&rig.q, 60 * SECOND), 0, "it runs again");
		ok(rig_works(&rig), "right");
		rig_close(&other);
		rig_close(&rig);
	}
}

/*
 * Rule 4: what the kernel decides by, it has from the chip's registers. Whatever
 * a process writes into its ring, or has its jobs write, changes neither the
 * count of completions nor the state.
 */
void rule_04(void)
{
	struct drm_ctrans_queue_get_state st;
	struct ctrans_sqe sqe;
	struct rig rig;

	rig_open(&rig);
	queue_nops(&rig.q, 3);
	must(!queue_finish(&rig.q, 60 * SECOND));
	memset(rig.mem.map, 0xff, PAGE);
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.done, 3, "a ring full of ones: as many done");
	is(st.state, CTRANS_KQ_READY, "READY");
	/* a job that writes over the whole ring, itself included */
	pattern(rig_page(&rig, RIG_FREE), COPY_MAX, 5);
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_VA, COPY_MAX);
	queue_send(&rig.q, &sqe);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "a job that overwrites its ring");
	ok(is_pattern(rig.mem.map, COPY_MAX, 5), "did so");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.done, 4, "is counted");
	is(st.state, CTRANS_KQ_READY, "READY");
	ok(rig_works(&rig), "and the queue works");
	rig_close(&rig);
}

/*
 * Rule 5: an entry is fetched once and the fetched one is checked. Entries and
 * programs change while the chip takes them: each job is right or refused, and
 * no reach beyond comes of it.
 */
void rule_05(void)
{
	unsigned int good = 0, bad = 0, wrong = 0, lost = 0;
	struct drm_ctrans_queue_get_state st;
	struct ctrans_cqe cqe;
	struct flipper f, g;
	struct rig rig;
	int64_t until;

	rig_open(&rig);
	/* its first eight bytes: a NOP, or nothing known */
	flip_start(&f, &rig.q.sq[7], 0, 0x63);
	until = guest_now() + 3 * SECOND;
	while (guest_now() < until) {
		struct ctrans_sqe sqe = nop(1);
		int err;

		for (int i = 0; i < 64; i++)
			queue_fill(&rig.q, &sqe);
		queue_ring(&rig.q);
		for (;;) {
			err = queue_finish(&rig.q, 60 * SECOND);
			while (queue_take(&rig.q, &cqe)) {
				good += cqe.status == CTRANS_ST_OK;
				bad += cqe.status == CTRANS_ST_BAD_ENTRY;
				wrong += cqe.status != CTRANS_ST_OK &&
					 cqe.status != CTRANS_ST_BAD_ENTRY;
			}
			if (err != -EIO)
				break;
			must(!queue_get_state(rig.fd, rig.q.id, &st));
			wrong += st.error != CTRANS_QERR_JOB;
			must(!queue_restart(rig.fd, rig.q.id));
			rig.q.doorbell[CTRANS_DB_CQ_HEAD / 4] = rig.q.head;
			queue_ring(&rig.q);
		}
		lost += err != 0;
	}
	flip_stop(&f);
	is(wrong, 0, "entries: %u good, %u refused, none else", good, bad);
	is(lost, 0, "none lost");

	/* where a program reads from and writes to: here, or where nothing is */
	good = bad = wrong = lost = 0;
	until = guest_now() + 3 * SECOND;
	while (guest_now() < until) {
		struct ctrans_sqe sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE),
						 RIG_PAGE(RIG_FREE + 1), 256);
		struct ctrans_insn *insn = rig_page(&rig, 1);
		int err;

		flip_start(&f, &insn->norm.out_va, RIG_PAGE(RIG_FREE + 1),
			   RIG_VA + RIG_SIZE);
		flip_start(&g, &insn->norm.bias_va, RIG_PAGE(RIG_FREE),
			   0x7fffffffff000ull);
		for (int i = 0; i < 32; i++)
			queue_fill(&rig.q, &sqe);
		queue_ring(&rig.q);
		for (;;) {
			err = queue_finish(&rig.q, 60 * SECOND);
			while (queue_take(&rig.q, &cqe)) {
				good += cqe.status == CTRANS_ST_OK;
				bad += cqe.status == CTRANS_ST_FAULT ||
				       cqe.status == CTRANS_ST_BAD_INSN;
				wrong += cqe.status != CTRANS_ST_OK &&
					 cqe.status != CTRANS_ST_FAULT &&
					 cqe.status != CTRANS_ST_BAD_INSN;
			}
			if (err != -EIO)
				break;
			must(!queue_restart(rig.fd, rig.q.id));
			rig.q.doorbell[CTRANS_DB_CQ_HEAD / 4] = rig.q.head;
			queue_ring(&rig.q);
		}
		lost += err != 0;
		flip_stop(&f);
		flip_stop(&g);
	}
	is(wrong, 0, "programs: %u good, %u faults, none else", good, bad);
	is(lost, 0, "none lost");
	/* the last job may have been a bad one */
	must(!queue_restart(rig.fd, rig.q.id));
	ok(rig_works(&rig), "the queue works");
	ok(chip_works(), "and others do");
	rig_close(&rig);
}
