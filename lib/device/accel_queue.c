// SPDX-License-Identifier: MIT
/*
 * Queues of the driver: its memory mapped here, a store to ring, one ioctl to
 * sleep.
 */
#include "device/accel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xf86drm.h>

/* In which the kernel learns, by interrupt, of a job that has failed. */
#define STOP_NS		10000000000ll

struct queue {
	uint32_t id;
	uint64_t done;			/* completions, as the kernel counts them */
	struct ct_buf_dev sq;
	uint8_t *doorbell;
	const uint8_t *status;
	size_t status_size;
};

/*
 * What was stored to memory before is visible to the chip before what is stored
 * to a doorbell after: buffers may be write-combined, the chip is no CPU.
 */
static void before_doorbell(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("sfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dmb oshst" ::: "memory");
#elif defined(__riscv)
	__asm__ volatile("fence w,ow" ::: "memory");
#else
	__sync_synchronize();
#endif
}

void ct_accel_doorbell(void *accel, const struct ct_rings *r, uint32_t offset,
		       uint32_t value)
{
	struct queue *q = r->own;

	(void)accel;
	before_doorbell();
	*(volatile uint32_t *)(q->doorbell + offset) = value;
}

/* ---- Opening ---------------------------------------------------------- */

static int create(struct ct_accel *a, struct queue *q, unsigned int log2_entries,
		  struct drm_ctrans_queue_create *c)
{
	*c = (struct drm_ctrans_queue_create){
		.vm_id = a->vm, .sq_log2 = log2_entries, .cq_log2 = log2_entries,
		.sq_va = q->sq.va, .eventfd = -1,
	};
	if (drmIoctl(a->fd, DRM_IOCTL_CTRANS_QUEUE_CREATE, c))
		return -errno;
	q->id = c->queue_id;
	return 0;
}

static void destroy(struct ct_accel *a, struct queue *q)
{
	struct drm_ctrans_queue_destroy d = { .queue_id = q->id };

	/* gone with the device, if that is what makes it fail */
	(void)drmIoctl(a->fd, DRM_IOCTL_CTRANS_QUEUE_DESTROY, &d);
}

static int map_both(struct ct_accel *a, struct queue *q,
		    const struct drm_ctrans_queue_create *c, unsigned int entries)
{
	void *p;

	if (c->status_size < CTRANS_STATUS_CQ + entries * sizeof(struct ctrans_cqe) ||
	    c->status_size > SIZE_MAX)
		return -EPROTO;
	p = mmap(NULL, a->chip.page_size, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd,
		 (off_t)c->doorbell_offset);
	if (p == MAP_FAILED)
		return -errno;
	q->doorbell = p;
	p = mmap(NULL, c->status_size, PROT_READ, MAP_SHARED, a->fd,
		 (off_t)c->status_offset);
	if (p == MAP_FAILED) {
		munmap(q->doorbell, a->chip.page_size);
		return -errno;
	}
	q->status = p;
	q->status_size = c->status_size;
	return 0;
}

int ct_accel_queue_open(void *accel, unsigned int log2_entries,
			struct ct_rings *r, struct ct_err *err)
{
	struct drm_ctrans_queue_create c;
	struct ct_accel *a = accel;
	struct queue *q;
	int ret;

	if (log2_entries < a->chip.queue_log2_min ||
	    log2_entries > a->chip.queue_log2_max || log2_entries > 31)
		return ct_fail(err, -EINVAL, "a queue has 2^%u to 2^%u entries",
			       a->chip.queue_log2_min, a->chip.queue_log2_max);
	q = calloc(1, sizeof(*q));
	if (!q)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_accel_alloc(a, sizeof(struct ctrans_sqe) << log2_entries, &q->sq, err);
	if (ret)
		goto no_ring;
	ret = create(a, q, log2_entries, &c);
	if (ret) {
		ct_accel_fail(a, ret, "making a queue", err);
		goto no_queue;
	}
	ret = map_both(a, q, &c, 1u << log2_entries);
	if (ret) {
		ct_accel_fail(a, ret, "mapping a queue", err);
		goto no_mapping;
	}
	*r = (struct ct_rings){
		.own = q,
		.sq = q->sq.cpu,
		.line = (const void *)(q->status + CTRANS_STATUS_LINE),
		.kernel = (const void *)(q->status + CTRANS_STATUS_KERNEL),
		.cq = (const void *)(q->status + CTRANS_STATUS_CQ),
		.sq_mask = (1u << log2_entries) - 1,
		.cq_mask = (1u << log2_entries) - 1,
	};
	return 0;

no_mapping:
	destroy(a, q);
no_queue:
	ct_accel_free(a, &q->sq);
no_ring:
	free(q);
	return ret;
}

void ct_accel_queue_close(void *accel, struct ct_rings *r)
{
	struct ct_accel *a = accel;
	struct queue *q = r->own;

	destroy(a, q);
	munmap(q->doorbell, a->chip.page_size);
	munmap((void *)q->status, q->status_size);
	ct_accel_free(a, &q->sq);
	free(q);
}

/* ---- Waiting ---------------------------------------------------------- */

/* Until @seq completions. -EIO: the queue stands still short of them. */
static int sleep_until(struct ct_accel *a, struct queue *q, uint64_t seq,
		       int64_t deadline_ns)
{
	struct drm_ctrans_queue_wait w = {
		.queue_id = q->id, .seq = seq, .deadline_ns = deadline_ns,
	};
	int ret = drmIoctl(a->fd, DRM_IOCTL_CTRANS_QUEUE_WAIT, &w) ? -errno : 0;

	if (!ret || ret == -ETIME || ret == -EIO)
		q->done = w.done;
	return ret;
}

/* Completions by the kernel's count, of which @index is the lower half. */
static uint64_t extend(const struct queue *q, uint32_t index)
{
	return q->done + (uint64_t)(int64_t)(int32_t)(index - (uint32_t)q->done);
}

static int why_stopped(struct ct_accel *a, struct queue *q, uint32_t *stopped,
		       struct ct_err *err)
{
	struct drm_ctrans_queue_get_state s = { .queue_id = q->id };

	if (drmIoctl(a->fd, DRM_IOCTL_CTRANS_QUEUE_GET_STATE, &s))
		return ct_accel_fail(a, -errno, "asking for a queue's state", err);
	*stopped = s.state;
	switch (s.state) {
	case CTRANS_KQ_LOST:
		return ct_fail(err, -ENODEV,
			"device accel:%d lost what ran on it, in a reset (there were %u) or for good: open the model again",
			a->number, s.reset_count);
	case CTRANS_KQ_TIMEDOUT:
		return ct_fail(err, -EIO,
			"device accel:%d made no progress for %u ms and was stopped",
			a->number, a->chip.timeout_default_ms);
	default:
		return ct_fail(err, -EIO, "device accel:%d stopped the queue for %s",
			       a->number, ct_queue_error_name(s.error));
	}
}

/*
 * Without spinning first: a step takes the chip a millisecond or many, the way
 * into sleep and out of it a few register accesses. In a virtual machine the CPU
 * that spins may be the one that the chip's model is waiting for.
 */
int ct_accel_wait(void *accel, struct ct_rings *r, uint32_t seen, struct ct_err *err)
{
	struct ct_accel *a = accel;
	struct queue *q = r->own;
	int ret = sleep_until(a, q, extend(q, seen) + 1, INT64_MAX);

	if (!ret || ret == -ETIME)
		return 0;
	if (ret == -EIO)
		return why_stopped(a, q, &r->stopped, err);
	return ct_accel_fail(a, ret, "waiting for a job", err);
}

/*
 * The completion of the failed job may be here before the kernel knows that its
 * queue has stopped, and a queue that is READY is not restarted: so sleep
 * until it stands still.
 */
int ct_accel_queue_restart(void *accel, struct ct_rings *r, uint32_t seen,
			   struct ct_err *err)
{
	struct ct_accel *a = accel;
	struct queue *q = r->own;
	struct drm_ctrans_queue_restart restart = { .queue_id = q->id };
	struct timespec now;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ret = sleep_until(a, q, extend(q, seen) + 1,
			  now.tv_sec * 1000000000ll + now.tv_nsec + STOP_NS);
	if (ret == -EIO) {
		ret = why_stopped(a, q, &r->stopped, err);
		if (ret == -ENODEV)
			return ret;
	} else if (ret && ret != -ETIME) {
		return ct_accel_fail(a, ret, "waiting for a failed job's end", err);
	}
	ret = drmIoctl(a->fd, DRM_IOCTL_CTRANS_QUEUE_RESTART, &restart) ? -errno : 0;
	if (ret == -EIO)
		return why_stopped(a, q, &r->stopped, err);
	return ret ? ct_accel_fail(a, ret, "restarting a queue", err) : 0;
}
