/* SPDX-License-Identifier: MIT */
/*
 * A test bench around one chip: memory, page tables written by hand, status
 * regions, interrupts. It plays the kernel and the process, through registers,
 * doorbells and memory alone, as the manual (uapi/) describes them.
 *
 * Two address spaces: the bus, an offset into bench.mem; and contexts, whose
 * pages lie in bus memory in order, in reverse or shuffled.
 */
#ifndef CHIP_BENCH_H
#define CHIP_BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chip/chip.h"
#include "uapi/ctrans_job.h"
#include "uapi/ctrans_regs.h"

#define BENCH_BUS	(40u << 20)	/* bytes on the bus */
#define BENCH_TABLES	(1u << 20)	/* of which for page tables */
#define BENCH_VA	0x40000000ull	/* where a context's memory begins */

enum bench_order {
	BENCH_LARGE,		/* 2 MiB pages */
	BENCH_ORDERED,		/* 4 KiB pages, one after the other */
	BENCH_REVERSED,
	BENCH_SHUFFLED,
};

struct bench_queue {
	uint64_t sq_va, status;
	uint32_t sq_mask, cq_mask;
	unsigned int ctx;
	uint32_t tail, head;	/* ours: filled, consumed */
};

struct bench {
	struct chip *chip;
	uint8_t *mem;
	uint64_t next_table, next_page;	/* bump allocation */
	uint64_t ctx_table;
	uint64_t next_va[2];		/* of contexts 0 and 1 */
	uint64_t mapped_va[2];
	struct bench_queue q[CTRANS_QUEUES];
	_Atomic uint32_t raised[1 + CTRANS_QUEUES];

	/* what the bus does not answer, and where it breaks off (0: nowhere) */
	uint64_t hole, hole_end;
	uint64_t piece;

	_Atomic bool enough;		/* for the thread that is lent */
};

void bench_open(struct bench *b, unsigned int threads, const char *kernel);
void bench_close(struct bench *b);
/* All memory as at first, and a reset chip. */
void bench_renew(struct bench *b);

/* One bus page of 4 KiB (or whole 2 MiB), zero. */
uint64_t bench_page(struct bench *b, uint64_t size);
/* The page-table entry for a 4 KiB page at @va (@level 2), its table (1, 0). */
uint64_t *bench_pte(struct bench *b, unsigned int ctx, uint64_t va, int level);
void bench_map(struct bench *b, unsigned int ctx, uint64_t va, uint64_t bus,
	       uint64_t flags);

/* @bytes more of context memory, of pages in an order; then taken by bench_va(). */
void bench_grow(struct bench *b, unsigned int ctx, uint64_t bytes,
		enum bench_order order);
/* A stretch of it, aligned to 64: operands lie close and straddle pages. */
uint64_t bench_va(struct bench *b, unsigned int ctx, uint64_t bytes);
void bench_write(struct bench *b, unsigned int ctx, uint64_t va, const void *src,
		 uint64_t len);
void bench_read(struct bench *b, unsigned int ctx, uint64_t va, void *dst,
		uint64_t len);
/* Host pointer of context memory that does not cross a page. */
void *bench_at(struct bench *b, unsigned int ctx, uint64_t va);

static inline uint32_t bench_reg(struct bench *b, uint32_t reg)
{
	return chip_read(b->chip, reg);
}

static inline uint32_t bench_qreg(struct bench *b, unsigned int slot, uint32_t reg)
{
	return chip_read(b->chip, CTRANS_REG_Q(slot) + reg);
}

static inline void bench_qset(struct bench *b, unsigned int slot, uint32_t reg,
			      uint32_t value)
{
	chip_write(b->chip, CTRANS_REG_Q(slot) + reg, value);
}

/* Set up a queue with all indices at @index, and start it. */
void bench_queue(struct bench *b, unsigned int slot, unsigned int ctx,
		 unsigned int sq_log2, unsigned int cq_log2, uint32_t index);
/* Fill an entry; the doorbell comes with bench_ring(). */
void bench_fill(struct bench *b, unsigned int slot, const struct ctrans_sqe *sqe);
/* @n of them that do nothing, numbered from @user_data on. */
void bench_fill_nops(struct bench *b, unsigned int slot, uint64_t user_data,
		     uint32_t n);
void bench_ring(struct bench *b, unsigned int slot);
/* Fill, ring, lend this thread. */
void bench_run(struct bench *b, unsigned int slot, const struct ctrans_sqe *sqe);
int bench_work(struct bench *b);
struct ctrans_status_line *bench_line(struct bench *b, unsigned int slot);
struct ctrans_cqe *bench_cqe(struct bench *b, unsigned int slot, uint32_t index);
/* The longest program on many rows: it is aborted long before its end. */
struct ctrans_sqe bench_long_job(struct bench *b, unsigned int ctx);
/* Lend a thread of its own, until the end. */
pthread_t bench_lend(struct bench *b);
void bench_end(struct bench *b, pthread_t t);
void bench_wait_active(struct bench *b, unsigned int slot, bool active);
/* Take the next completion, which must be there, and say so to the chip. */
struct ctrans_cqe bench_take(struct bench *b, unsigned int slot);

#endif
