/* SPDX-License-Identifier: MIT */
/*
 * One device: memory it can reach, queues to submit to. What lies behind, the
 * chip model in this process or the kernel driver, is the transport's affair
 * (transport.h); nothing above this header knows which it is.
 */
#ifndef CT_DEVICE_DEVICE_H
#define CT_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ctrans_dispatch.h"
#include "uapi/ctrans_job.h"

struct ct_device;

struct ct_device_info {
	char name[64];		/* "sim:threads=2,kernel=avx512" */
	char description[160];
	char kernel[32];
	uint32_t threads;
	uint32_t cores;
	uint32_t mv, khz;
	bool is_model;
	uint32_t caps;		/* CTRANS_CAP_* */
	bool has_f32;		/* CTRANS_ENC_F32 */
	bool has_kv_s8;
};

/*
 * Open by name as ctrans.h says; NULL or "" for the first chip, else the model.
 * -ENODEV: no such device; -EINVAL: the string is malformed, with what it may
 * hold; -EACCES: not for this user; -EBUSY: others have all of it; -ENOMEM.
 */
int ct_device_open(const char *name, struct ct_device **dev, struct ct_err *err);

/* One more who has it open, and closes it: models that share a chip. */
void ct_device_hold(struct ct_device *dev);

/* The closer's queues and buffers must be gone. */
void ct_device_close(struct ct_device *dev);

void ct_device_info(const struct ct_device *dev, struct ct_device_info *info);

/*
 * The @index-th device of the machine, without opening it; -ENODEV past the end.
 * One that could not be opened has no cores, and says why.
 */
int ct_device_list(unsigned int index, struct ct_device_info *info);

/*
 * What its operations cost at an operating point; a chip that is silicon has no
 * other table than the model's, and @dev may be NULL for now. -EINVAL for a point
 * that there is not.
 */
int ct_device_costs(const struct ct_device *dev, unsigned int opp,
		    struct ctrans_chip_costs *costs, struct ct_err *err);

/*
 * Run at an operating point from the next job on. -EINVAL for one that there is
 * not, -ENOTSUP for a chip: its kernel driver chooses.
 */
int ct_device_set_opp(struct ct_device *dev, unsigned int opp, struct ct_err *err);

/* The @index-th constant of the energy and time model; -ENOENT past the end. */
int ct_device_constant(unsigned int index, struct ctrans_constant *constant);

/*
 * Memory that both sides see, zeroed, aligned to 4 KiB; from 1 MiB on at the
 * chip's side to 2 MiB, in huge pages where the system has them. From any thread.
 */
struct ct_buf_dev {
	void *cpu;
	uint64_t va;		/* the chip's address */
	uint64_t size;
	uint32_t handle;	/* the transport's */
};

int ct_device_alloc(struct ct_device *dev, uint64_t size, struct ct_buf_dev *buf,
		    struct ct_err *err);
/* A buffer that was never allocated (all zero) is allowed. */
void ct_device_free(struct ct_device *dev, struct ct_buf_dev *buf);

/* Could @size bytes be allocated now? -ENOMEM with a sentence if not. */
int ct_device_room(struct ct_device *dev, uint64_t size, struct ct_err *err);

/* ---- Queues: one thread at a time each -------------------------------- */

struct ct_queue;

int ct_queue_open(struct ct_device *dev, unsigned int log2_entries,
		  struct ct_queue **queue, struct ct_err *err);
/* Aborts what is still running. */
void ct_queue_close(struct ct_queue *queue);

/*
 * Put an entry into the ring and ring the doorbell: two stores to memory, no
 * system call, no lock. -EAGAIN if the ring is full. That the device is gone
 * shows at the wait.
 */
int ct_queue_submit(struct ct_queue *queue, const struct ctrans_sqe *sqe);

/*
 * The next completion. Polls, lending this thread to the chip model where that
 * is the device, then sleeps. -ENOENT: nothing outstanding; -EIO: the queue
 * stopped without a completion (@err says why); -ENODEV: the device is gone, or
 * was reset with all that ran on it. A job that failed is a completion like any
 * other: look at cqe->status. The queue has then been restarted.
 */
int ct_queue_wait(struct ct_queue *queue, struct ctrans_cqe *cqe,
		  struct ct_err *err);

/* What a failed completion's status means, with the instruction if known. */
void ct_queue_explain(const struct ct_queue *queue, const struct ctrans_cqe *cqe,
		      struct ct_err *err);

#endif
