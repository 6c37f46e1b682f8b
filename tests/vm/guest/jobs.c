// SPDX-License-Identifier: MIT
#include "jobs.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int queue_create(int fd, struct drm_ctrans_queue_create *create)
{
	return call(fd, DRM_IOCTL_CTRANS_QUEUE_CREATE, create);
}

int queue_open(struct queue *q, int fd, const struct drm_ctrans_queue_create *how,
	       void *sq)
{
	struct drm_ctrans_queue_create create = *how;
	int err = queue_create(fd, &create);

	if (err)
		return err;
	*q = (struct queue){
		.fd = fd,
		.id = create.queue_id,
		.sq_log2 = create.sq_log2,
		.cq_log2 = create.cq_log2,
		.sq = sq,
		.doorbell_offset = create.doorbell_offset,
		.status_offset = create.status_offset,
		.status_size = create.status_size,
	};
	q->doorbell = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   (off_t)q->doorbell_offset);
	must(q->doorbell != MAP_FAILED);
	q->status = mmap(NULL, q->status_size, PROT_READ, MAP_SHARED, fd,
			 (off_t)q->status_offset);
	must(q->status != MAP_FAILED);
	return 0;
}

void queue_unmap(struct queue *q)
{
	munmap((void *)q->doorbell, PAGE);
	munmap((void *)q->status, q->status_size);
}

void queue_close(struct queue *q)
{
	queue_unmap(q);
	queue_destroy(q->fd, q->id);
}

void queue_fill(struct queue *q, const struct ctrans_sqe *sqe)
{
	q->sq[q->tail & ((1u << q->sq_log2) - 1)] = *sqe;
	q->tail++;
}

void queue_ring(struct queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->doorbell[CTRANS_DB_SQ_TAIL / 4] = q->tail;
}

void queue_nops(struct queue *q, unsigned int n)
{
	while (n--) {
		struct ctrans_sqe sqe = nop(q->tail);

		queue_fill(q, &sqe);
	}
	queue_ring(q);
}

void queue_send(struct queue *q, const struct ctrans_sqe *sqe)
{
	queue_fill(q, sqe);
	queue_ring(q);
}

int queue_finish(struct queue *q, int64_t ns)
{
	return queue_wait_until(q->fd, q->id, q->tail, guest_now() + ns, NULL);
}

bool queue_watch(struct queue *q, int64_t ns)
{
	int64_t until = guest_now() + ns;

	while (__atomic_load_n(&queue_line(q)->cq_tail, __ATOMIC_ACQUIRE) !=
	       q->tail) {
		if (guest_now() > until)
			return false;
		/* two CPUs, and the chip's host is busy, too */
		sched_yield();
	}
	return true;
}

bool queue_take(struct queue *q, struct ctrans_cqe *cqe)
{
	const volatile struct ctrans_cqe *ring = (const volatile void *)
		(q->status + CTRANS_STATUS_CQ);
	uint32_t tail = __atomic_load_n(&queue_line(q)->cq_tail,
					__ATOMIC_ACQUIRE);

	if (tail == q->head)
		return false;
	*cqe = ring[q->head & ((1u << q->cq_log2) - 1)];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->doorbell[CTRANS_DB_CQ_HEAD / 4] = ++q->head;
	return true;
}

unsigned int queue_take_all(struct queue *q)
{
	struct ctrans_cqe cqe;
	unsigned int n = 0;

	while (queue_take(q, &cqe))
		n++;
	return n;
}

/* ---- One of everything --------------------------------------------------- */

void rig_open_in(struct rig *rig, int fd, int eventfd, uint32_t timeout_ms)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = RIG_SQ_LOG2,
		.cq_log2 = RIG_CQ_LOG2,
		.sq_va = RIG_VA,
		.timeout_ms = timeout_ms,
		.eventfd = eventfd,
	};

	*rig = (struct rig){ .fd = fd };
	rig->vm = vm_must(fd);
	bo_must(&rig->mem, fd, RIG_SIZE);
	must(!vm_map(fd, rig->vm, rig->mem.handle, RIG_VA, 0, RIG_SIZE, 0));
	how.vm_id = rig->vm;
	must(!queue_open(&rig->q, fd, &how, rig->mem.map));
}

void rig_open(struct rig *rig)
{
	rig_open_in(rig, accel_open(), -1, 0);
}

void rig_unmap(struct rig *rig)
{
	queue_unmap(&rig->q);
	munmap(rig->mem.map, rig->mem.size);
	if (rig->slow.handle)
		munmap(rig->slow.map, rig->slow.size);
}

void rig_drop(struct rig *rig)
{
	queue_close(&rig->q);
	vm_destroy(rig->fd, rig->vm);
	bo_drop(&rig->mem);
	if (rig->slow.handle)
		bo_drop(&rig->slow);
}

void rig_close(struct rig *rig)
{
	rig_drop(rig);
	close(rig->fd);
}

/* Small whole numbers, so that every one of them has a float. */
void pattern(float *at, unsigned int n, uint32_t seed)
{
	for (unsigned int i = 0; i < n; i++)
		at[i] = (float)((seed * 2654435761u + i * 40503u) % 1000003u + 1);
}

bool is_pattern(const float *at, unsigned int n, uint32_t seed)
{
	float want[COPY_MAX];

	must(n <= COPY_MAX);
	pattern(want, n, seed);
	return !memcmp(at, want, n * sizeof(want[0]));
}

#define F32_ONE	0x3f800000u

/* By the program in a slot of page 1. */
static struct ctrans_sqe copy_by(struct rig *rig, unsigned int slot, uint64_t src,
				 uint64_t dst, unsigned int n)
{
	struct ctrans_insn *insn = (struct ctrans_insn *)rig_page(rig, 1) + slot;
	struct ctrans_args *args = rig_page(rig, 2);
	struct ctrans_row *row = (struct ctrans_row *)(args + 1);

	*insn = (struct ctrans_insn){
		.op = CTRANS_INSN_NORM,
		.norm = {
			.in_va = RIG_PAGE(3),
			.out_va = dst,
			.gain_va = RIG_PAGE(3),
			.bias_va = src,
			.in_stride = n * 4,
			.out_stride = n * 4,
			.n = n,
			.eps_f32 = F32_ONE,
			.kind = CTRANS_NORM_LAYER,
		},
	};
	*args = (struct ctrans_args){ .n_rows = 1 };
	*row = (struct ctrans_row){ 0 };
	return (struct ctrans_sqe){
		.op = CTRANS_OP_RUN,
		.sequence = rig->q.tail,
		.user_data = rig->q.tail,
		.prog_va = RIG_PAGE(1) + slot * sizeof(*insn),
		.prog_len = sizeof(*insn),
		.args_va = RIG_PAGE(2),
	};
}

struct ctrans_sqe rig_copy(struct rig *rig, uint64_t src, uint64_t dst,
			   unsigned int n)
{
	return copy_by(rig, 0, src, dst, n);
}

/* A quarter of a page each. */
#define BATCH_N	256u

void rig_batch(struct rig *rig, uint32_t seed)
{
	float *src = rig_page(rig, RIG_FREE);

	for (unsigned int i = 0; i < 4; i++)
		pattern(src + i * BATCH_N, BATCH_N, seed + i);
	memset(rig_page(rig, RIG_FREE + 1), 0, BATCH / 4 * PAGE);
	for (unsigned int i = 0; i < BATCH; i++) {
		uint64_t from = RIG_PAGE(RIG_FREE) + i % 4 * BATCH_N * 4;
		uint64_t to = RIG_PAGE(RIG_FREE + 1) + (uint64_t)i * BATCH_N * 4;
		struct ctrans_sqe sqe = copy_by(rig, i, from, to, BATCH_N);

		queue_fill(&rig->q, &sqe);
	}
	queue_ring(&rig->q);
}

bool rig_batch_right(struct rig *rig, uint32_t seed)
{
	const float *dst = rig_page(rig, RIG_FREE + 1);

	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t user_data = rig->q.head;
		struct ctrans_cqe cqe;

		if (!queue_take(&rig->q, &cqe)) {
			guest_note("job %u of a batch has no completion", i);
			return false;
		}
		if (cqe.status != CTRANS_ST_OK || cqe.user_data != user_data) {
			guest_note("job %u of a batch: status %d, user data %llu "
				   "for %u", i, cqe.status,
				   (unsigned long long)cqe.user_data, user_data);
			return false;
		}
		if (!is_pattern(dst + i * BATCH_N, BATCH_N, seed + i % 4)) {
			guest_note("job %u of a batch: wrong result", i);
			return false;
		}
	}
	return true;
}

struct ctrans_sqe rig_long(struct rig *rig, unsigned int parts)
{
	unsigned int n = parts * CTRANS_PROG_MAX / 16, width = CTRANS_WIDTH_MAX;
	struct ctrans_args *args = rig_page(rig, 2);
	struct ctrans_row *row = (struct ctrans_row *)(args + 1);
	struct ctrans_insn *prog;

	if (!rig->slow.handle) {
		bo_must(&rig->slow, rig->fd, 2 * RIG_LONG_HALF);
		must(!vm_map(rig->fd, rig->vm, rig->slow.handle, RIG_LONG_VA, 0,
			     rig->slow.size, 0));
	}
	prog = (void *)((char *)rig->slow.map + RIG_LONG_HALF);
	for (unsigned int i = 0; i < n; i++)
		prog[i] = (struct ctrans_insn){
			.op = CTRANS_INSN_NORM,
			.norm = {
				.in_va = RIG_LONG_VA,
				.out_va = RIG_LONG_VA,
				.gain_va = RIG_LONG_VA,
				.in_stride = width * 4,
				.out_stride = width * 4,
				.n = width,
				.eps_f32 = F32_ONE,
			},
		};
	*args = (struct ctrans_args){ .n_rows = 1 };
	*row = (struct ctrans_row){ 0 };
	return (struct ctrans_sqe){
		.op = CTRANS_OP_RUN,
		.sequence = rig->q.tail,
		.user_data = rig->q.tail,
		.prog_va = RIG_LONG_VA + RIG_LONG_HALF,
		.prog_len = n * (uint32_t)sizeof(*prog),
		.args_va = RIG_PAGE(2),
	};
}

bool rig_works(struct rig *rig)
{
	uint32_t seed = rig->q.tail * 17 + (uint32_t)getpid();
	float *src = rig_page(rig, RIG_FREE);
	float *dst = rig_page(rig, RIG_FREE + 1);
	struct ctrans_cqe cqe;
	struct ctrans_sqe sqe;

	pattern(src, COPY_MAX, seed);
	memset(dst, 0, PAGE);
	sqe = rig_copy(rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), COPY_MAX);
	queue_send(&rig->q, &sqe);
	if (queue_finish(&rig->q, 60 * SECOND))
		return false;
	do {
		if (!queue_take(&rig->q, &cqe))
			return false;
	} while (rig->q.head != rig->q.tail);
	return cqe.status == CTRANS_ST_OK && cqe.user_data == sqe.user_data &&
	       is_pattern(dst, COPY_MAX, seed);
}

bool chip_works(void)
{
	struct rig rig;
	bool works;

	rig_open(&rig);
	works = rig_works(&rig);
	rig_close(&rig);
	return works;
}
