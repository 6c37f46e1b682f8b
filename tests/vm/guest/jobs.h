/* SPDX-License-Identifier: MIT */
/*
 * Queues with their two mappings, and jobs whose results are known: a copy of
 * numbers from one address to another, and one that takes as long as wanted.
 */
#ifndef JOBS_H
#define JOBS_H

#include "accel.h"
#include "guest.h"

struct queue {
	int fd;
	uint32_t id;
	unsigned int sq_log2, cq_log2;
	struct ctrans_sqe *sq;
	volatile uint32_t *doorbell;
	volatile uint8_t *status;
	uint64_t doorbell_offset, status_offset, status_size;
	uint32_t tail;		/* entries filled */
	uint32_t head;		/* completions taken */
};

/* The ioctl alone, as the caller filled it. */
int queue_create(int fd, struct drm_ctrans_queue_create *create);
/* With both mappings; sq is where the ring is in this process. */
int queue_open(struct queue *q, int fd, const struct drm_ctrans_queue_create *how,
	       void *sq);
/* Mappings and queue. */
void queue_close(struct queue *q);
void queue_unmap(struct queue *q);

static inline const volatile struct ctrans_status_line *
queue_line(const struct queue *q)
{
	return (const volatile void *)(q->status + CTRANS_STATUS_LINE);
}

static inline const volatile struct ctrans_kernel_line *
queue_kernel(const struct queue *q)
{
	return (const volatile void *)(q->status + CTRANS_STATUS_KERNEL);
}

/* Fill an entry; ring() shows it to the chip. */
void queue_fill(struct queue *q, const struct ctrans_sqe *sqe);
void queue_ring(struct queue *q);
void queue_nops(struct queue *q, unsigned int n);
void queue_send(struct queue *q, const struct ctrans_sqe *sqe);
/* Wait for all that were filled, at most so long. */
int queue_finish(struct queue *q, int64_t ns);
/*
 * The same by looking at the status page: no call that the driver could take as
 * an occasion to look after the queue.
 */
bool queue_watch(struct queue *q, int64_t ns);
/* The next completion, if there is one; tells the chip. */
bool queue_take(struct queue *q, struct ctrans_cqe *cqe);
unsigned int queue_take_all(struct queue *q);

/* ---- One of everything --------------------------------------------------- */

/*
 * A file with an address space, a queue and RIG_SIZE bytes of memory at RIG_VA,
 * by pages:
 *	0	submission ring
 *	1	program, 2 its arguments
 *	3	a page of zeros
 *	4..15	free for the test
 * and, once there is a long job, as much at RIG_LONG_VA as it needs; nothing
 * between.
 */
#define RIG_VA		0x200000ull
#define RIG_PAGE(n)	(RIG_VA + (uint64_t)(n) * PAGE)
#define RIG_FREE	4
#define RIG_SIZE	(16 * (uint64_t)PAGE)
#define RIG_LONG_VA	(RIG_VA + (1 << 20))
/* of data, and of program behind it */
#define RIG_LONG_HALF	(512u << 10)
/* RIG_VA and so much is all there is */
#define RIG_SPAN	(4ull << 20)
#define RIG_SQ_LOG2	6
#define RIG_CQ_LOG2	6

struct rig {
	int fd;
	uint32_t vm;
	struct bo mem;
	struct bo slow;		/* handle 0: no long job yet */
	struct queue q;
};

void rig_open(struct rig *rig);
/* In a file that is open; eventfd -1 and timeout_ms 0 are the defaults. */
void rig_open_in(struct rig *rig, int fd, int eventfd, uint32_t timeout_ms);
/* All mappings, and nothing else. */
void rig_unmap(struct rig *rig);
/* All but the file. */
void rig_drop(struct rig *rig);
void rig_close(struct rig *rig);

static inline void *rig_page(struct rig *rig, unsigned int page)
{
	return (char *)rig->mem.map + (size_t)page * PAGE;
}

static inline struct ctrans_sqe nop(uint64_t user_data)
{
	return (struct ctrans_sqe){ .op = CTRANS_OP_NOP, .user_data = user_data,
				    .sequence = (uint32_t)user_data };
}

/* The numbers that copies are made of, different for each seed. */
void pattern(float *at, unsigned int n, uint32_t seed);
bool is_pattern(const float *at, unsigned int n, uint32_t seed);

/*
 * The program in the rig's page 1: n floats from src to dst; n a multiple of
 * 16, at most 1024. It is a normalisation with gain 0: the bias is what comes.
 */
#define COPY_MAX	1024
struct ctrans_sqe rig_copy(struct rig *rig, uint64_t src, uint64_t dst,
			   unsigned int n);
/*
 * BATCH copies in line, each by its own program in page 1 and to a place of its
 * own, all in pages RIG_FREE up to RIG_FREE + 8; for a queue with nothing in it.
 * Later: whether each has its completion, in order, and its result.
 */
#define BATCH	32
void rig_batch(struct rig *rig, uint32_t seed);
bool rig_batch_right(struct rig *rig, uint32_t seed);
/*
 * One that takes some 25 ms for each of its parts, of which there are 16 at most,
 * in instructions of a tenth of a millisecond.
 */
struct ctrans_sqe rig_long(struct rig *rig, unsigned int parts);

/* Copies and compares: the file, its space and the chip do as they should. */
bool rig_works(struct rig *rig);
/* The same with a file of its own. */
bool chip_works(void);

#endif
