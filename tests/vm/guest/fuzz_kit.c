// SPDX-License-Identifier: MIT
/*
 * A queue used as it should be, with random jobs in it: what is drawn blindly
 * seldom gets past the doorbell.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static void kit_close(struct fuzz_kit *kit)
{
	queue_close(&kit->q);
	bo_drop(&kit->mem);
	close(kit->fd);
	kit->fd = -1;
}

/* Others may have all there is: then another time. */
static void kit_open(struct fuzz *f)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = 5, .cq_log2 = 4, .sq_va = FUZZ_VA, .eventfd = f->event,
		.timeout_ms = 1000,
	};
	struct fuzz_kit *kit = &f->kit;

	kit->fd = accel_try_open();
	if (kit->fd < 0)
		return;
	if (vm_create(kit->fd, &kit->vm))
		goto no_room;
	bo_must(&kit->mem, kit->fd, FUZZ_VA_SIZE);
	must(!vm_map(kit->fd, kit->vm, kit->mem.handle, FUZZ_VA, 0, FUZZ_VA_SIZE,
		     0));
	how.vm_id = kit->vm;
	if (!queue_open(&kit->q, kit->fd, &how, kit->mem.map))
		return;
	munmap(kit->mem.map, FUZZ_VA_SIZE);
no_room:
	close(kit->fd);
	kit->fd = -1;
}

void fuzz_kit_shared(struct fuzz *f)
{
	struct fuzz_file *file = &f->file[0];
	struct fuzz_kit *kit = &f->kit;

	if (kit->fd < 0)
		kit_open(f);
	if (kit->fd < 0)
		return;
	close(file->fd);
	file->fd = dup(kit->fd);
	must(file->fd >= 0);
	for (unsigned int i = 0; i < 2; i++) {
		file->bo[i] = kit->mem.handle;
		file->vm[i] = kit->vm;
		file->queue[i] = kit->q.id;
	}
	file->offset[0] = kit->q.doorbell_offset;
	file->size[0] = PAGE;
	file->offset[1] = kit->q.status_offset;
	file->size[1] = kit->q.status_size;
	must(!bo_offset(kit->fd, kit->mem.handle, &file->offset[2]));
	file->size[2] = kit->mem.size;
}

/* Not the ring: its entries are filled one by one. */
static uint64_t kit_va(struct fuzz *f)
{
	uint64_t va = fuzz_va(f);

	return va < FUZZ_VA + PAGE || va >= FUZZ_VA + FUZZ_VA_SIZE - PAGE ?
	       FUZZ_VA + PAGE : va;
}

static void *kit_at(struct fuzz *f, uint64_t va)
{
	return (char *)f->kit.mem.map + (va - FUZZ_VA);
}

void fuzz_kit(struct fuzz *f)
{
	struct queue *q = &f->kit.q;
	uint64_t prog, args;
	unsigned int n;
	int err;

	if (f->kit.fd < 0) {
		kit_open(f);
		return;
	}
	if (fuzz_rare(f, 100)) {
		kit_close(&f->kit);
		return;
	}
	prog = kit_va(f);
	args = kit_va(f);
	for (int i = 0; i < 8; i++)
		fuzz_fill_insn(f, (struct ctrans_insn *)kit_at(f, prog) + i);
	fuzz_fill_args(f, kit_at(f, args));
	n = 1 + (unsigned int)fuzz_below(f, 8);
	while (n--) {
		struct ctrans_sqe sqe;

		fuzz_fill_sqe(f, &sqe);
		if (sqe.op == CTRANS_OP_RUN && !fuzz_rare(f, 4)) {
			sqe.prog_va = prog;
			sqe.args_va = args;
		}
		queue_fill(q, &sqe);
	}
	queue_ring(q);
	for (;;) {
		err = queue_finish(q, 20 * MS);
		queue_take_all(q);
		if (err != -EIO || queue_restart(q->fd, q->id))
			break;
		q->doorbell[CTRANS_DB_CQ_HEAD / 4] = q->head;
		queue_ring(q);
	}
	/* never more than fit, so that it is the jobs that go wrong */
	while (err == -ETIME && q->tail - queue_line(q)->sq_head > 16) {
		err = queue_finish(q, SECOND);
		queue_take_all(q);
	}
	if (err && err != -ETIME && err != -EINTR)
		kit_close(&f->kit);
}
