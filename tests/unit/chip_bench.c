// SPDX-License-Identifier: MIT
#include "chip_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"

static void *bus_map(void *ctx, uint64_t addr, uint64_t len, bool write,
		     uint64_t *contiguous)
{
	struct bench *b = ctx;
	uint64_t left;

	(void)write;
	if (addr >= BENCH_BUS || (addr >= b->hole && addr < b->hole_end))
		return NULL;
	left = BENCH_BUS - addr;
	if (addr < b->hole && left > b->hole - addr)
		left = b->hole - addr;
	if (b->piece && left > b->piece - addr % b->piece)
		left = b->piece - addr % b->piece;
	*contiguous = len < left ? len : left;
	return b->mem + addr;
}

static void bus_raise(void *ctx, unsigned int vector)
{
	struct bench *b = ctx;

	MUST(vector <= CTRANS_QUEUES);
	atomic_fetch_add(&b->raised[vector], 1);
}

static void table_space(struct bench *b)
{
	b->next_table = CTRANS_PAGE_4K;
	b->ctx_table = b->next_table;
	b->next_table += CTRANS_PAGE_4K;
	b->next_page = CTRANS_PAGE_2M;
	for (unsigned int c = 0; c < 2; c++) {
		b->next_va[c] = BENCH_VA;
		b->mapped_va[c] = BENCH_VA;
		*(uint64_t *)(b->mem + b->ctx_table + 8ull * c) = b->next_table;
		b->next_table += CTRANS_PAGE_4K;
	}
	chip_write(b->chip, CTRANS_REG_CTX_TABLE_LO, (uint32_t)b->ctx_table);
	chip_write(b->chip, CTRANS_REG_CTX_TABLE_HI, (uint32_t)(b->ctx_table >> 32));
}

void bench_open(struct bench *b, unsigned int threads, const char *kernel)
{
	struct chip_config cfg = { .threads = threads, .kernel = kernel };
	struct chip_bus bus = { .map = bus_map, .raise = bus_raise, .ctx = b };

	memset(b, 0, sizeof(*b));
	MUST(!posix_memalign((void **)&b->mem, CTRANS_PAGE_4K, BENCH_BUS));
	memset(b->mem, 0, BENCH_BUS);
	MUST(!chip_create(&cfg, &bus, &b->chip));
	table_space(b);
}

void bench_close(struct bench *b)
{
	chip_destroy(b->chip);
	free(b->mem);
}

void bench_renew(struct bench *b)
{
	b->hole = 0;
	b->hole_end = 0;
	b->piece = 0;
	memset(b->mem, 0, b->next_page);
	memset(b->q, 0, sizeof(b->q));
	for (unsigned int v = 0; v <= CTRANS_QUEUES; v++)
		atomic_store(&b->raised[v], 0);
	chip_write(b->chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	table_space(b);
}

uint64_t bench_page(struct bench *b, uint64_t size)
{
	uint64_t at = (b->next_page + size - 1) / size * size;

	MUST(at + size <= BENCH_BUS);
	b->next_page = at + size;
	return at;
}

uint64_t *bench_pte(struct bench *b, unsigned int ctx, uint64_t va, int level)
{
	static const unsigned int shift[] = { 30, 21, 12 };
	uint64_t table = *(uint64_t *)(b->mem + b->ctx_table + 8ull * ctx);
	uint64_t *e = NULL;

	for (int l = 0; l <= level; l++) {
		if (e && !*e) {
			MUST(b->next_table < BENCH_TABLES);
			*e = b->next_table | CTRANS_PTE_VALID;
			b->next_table += CTRANS_PAGE_4K;
		}
		if (e)
			table = *e & CTRANS_PTE_ADDR_4K;
		e = (uint64_t *)(b->mem + table) + (va >> shift[l] & 511);
	}
	return e;
}

void bench_map(struct bench *b, unsigned int ctx, uint64_t va, uint64_t bus,
	       uint64_t flags)
{
	*bench_pte(b, ctx, va, flags & CTRANS_PTE_LEAF ? 1 : 2) =
		bus | CTRANS_PTE_VALID | flags;
}

void bench_grow(struct bench *b, unsigned int ctx, uint64_t bytes,
		enum bench_order order)
{
	uint64_t size = order == BENCH_LARGE ? CTRANS_PAGE_2M : CTRANS_PAGE_4K;
	uint64_t n = (bytes + size - 1) / size, va = b->mapped_va[ctx];
	uint64_t *page = calloc(n, sizeof(*page)), seed = n;

	MUST(page);
	for (uint64_t i = 0; i < n; i++)
		page[order == BENCH_REVERSED ? n - 1 - i : i] = bench_page(b, size);
	for (uint64_t i = n - 1; order == BENCH_SHUFFLED && i > 0; i--) {
		uint64_t j, t = page[i];

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		j = (seed >> 33) % (i + 1);
		page[i] = page[j];
		page[j] = t;
	}
	for (uint64_t i = 0; i < n; i++)
		bench_map(b, ctx, va + i * size, page[i], CTRANS_PTE_WRITE |
			  (order == BENCH_LARGE ? CTRANS_PTE_LEAF : 0));
	b->mapped_va[ctx] = va + n * size;
	free(page);
}

uint64_t bench_va(struct bench *b, unsigned int ctx, uint64_t bytes)
{
	uint64_t va = b->next_va[ctx];

	b->next_va[ctx] = (va + bytes + 63) & ~63ull;
	MUST(b->next_va[ctx] <= b->mapped_va[ctx]);
	return va;
}

void *bench_at(struct bench *b, unsigned int ctx, uint64_t va)
{
	uint64_t e = *bench_pte(b, ctx, va, 1);

	MUST(e & CTRANS_PTE_VALID);
	if (e & CTRANS_PTE_LEAF)
		return b->mem + (e & CTRANS_PTE_ADDR_2M) + va % CTRANS_PAGE_2M;
	e = *bench_pte(b, ctx, va, 2);
	MUST(e & CTRANS_PTE_VALID);
	return b->mem + (e & CTRANS_PTE_ADDR_4K) + va % CTRANS_PAGE_4K;
}

static uint64_t to_page_end(uint64_t va, uint64_t len)
{
	uint64_t left = CTRANS_PAGE_4K - va % CTRANS_PAGE_4K;

	return len < left ? len : left;
}

void bench_write(struct bench *b, unsigned int ctx, uint64_t va, const void *src,
		 uint64_t len)
{
	for (uint64_t n, off = 0; off < len; off += n) {
		n = to_page_end(va + off, len - off);
		memcpy(bench_at(b, ctx, va + off), (const uint8_t *)src + off, n);
	}
}

void bench_read(struct bench *b, unsigned int ctx, uint64_t va, void *dst,
		uint64_t len)
{
	for (uint64_t n, off = 0; off < len; off += n) {
		n = to_page_end(va + off, len - off);
		memcpy((uint8_t *)dst + off, bench_at(b, ctx, va + off), n);
	}
}

void bench_queue(struct bench *b, unsigned int slot, unsigned int ctx,
		 unsigned int sq_log2, unsigned int cq_log2, uint32_t index)
{
	struct bench_queue *q = &b->q[slot];

	*q = (struct bench_queue){
		.sq_va = bench_va(b, ctx, sizeof(struct ctrans_sqe) << sq_log2),
		/* up to 2^12 entries of 32 bytes behind 128 */
		.status = bench_page(b, cq_log2 < 6 ? CTRANS_PAGE_4K : 1u << 18),
		.sq_mask = (1u << sq_log2) - 1,
		.cq_mask = (1u << cq_log2) - 1,
		.ctx = ctx,
		.tail = index,
		.head = index,
	};
	bench_qset(b, slot, CTRANS_Q_SQ_VA_LO, (uint32_t)q->sq_va);
	bench_qset(b, slot, CTRANS_Q_SQ_VA_HI, (uint32_t)(q->sq_va >> 32));
	bench_qset(b, slot, CTRANS_Q_STATUS_LO, (uint32_t)q->status);
	bench_qset(b, slot, CTRANS_Q_STATUS_HI, (uint32_t)(q->status >> 32));
	bench_qset(b, slot, CTRANS_Q_SIZES, cq_log2 << 8 | sq_log2);
	bench_qset(b, slot, CTRANS_Q_CTX, ctx);
	bench_qset(b, slot, CTRANS_Q_VEC, slot);
	bench_qset(b, slot, CTRANS_Q_SQ_HEAD, index);
	bench_qset(b, slot, CTRANS_Q_SQ_TAIL, index);
	bench_qset(b, slot, CTRANS_Q_CQ_HEAD, index);
	bench_qset(b, slot, CTRANS_Q_CQ_TAIL, index);
	bench_qset(b, slot, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
}

void bench_fill(struct bench *b, unsigned int slot, const struct ctrans_sqe *sqe)
{
	struct bench_queue *q = &b->q[slot];

	bench_write(b, q->ctx, q->sq_va + (q->tail & q->sq_mask) * sizeof(*sqe), sqe,
		    sizeof(*sqe));
	q->tail++;
}

void bench_fill_nops(struct bench *b, unsigned int slot, uint64_t user_data,
		     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct ctrans_sqe sqe = { .op = CTRANS_OP_NOP,
					  .user_data = user_data + i,
					  .sequence = (uint32_t)user_data + i };

		bench_fill(b, slot, &sqe);
	}
}

void bench_ring(struct bench *b, unsigned int slot)
{
	chip_doorbell(b->chip, slot, CTRANS_DB_SQ_TAIL, b->q[slot].tail);
}

int bench_work(struct bench *b)
{
	return chip_work(b->chip, NULL, NULL);
}

void bench_run(struct bench *b, unsigned int slot, const struct ctrans_sqe *sqe)
{
	bench_fill(b, slot, sqe);
	bench_ring(b, slot);
	MUST(bench_work(b) >= 0);
}

struct ctrans_status_line *bench_line(struct bench *b, unsigned int slot)
{
	return (struct ctrans_status_line *)(b->mem + b->q[slot].status);
}

struct ctrans_cqe *bench_cqe(struct bench *b, unsigned int slot, uint32_t index)
{
	return (struct ctrans_cqe *)(b->mem + b->q[slot].status + CTRANS_STATUS_CQ) +
	       (index & b->q[slot].cq_mask);
}

struct ctrans_cqe bench_take(struct bench *b, unsigned int slot)
{
	struct bench_queue *q = &b->q[slot];
	struct ctrans_cqe cqe;

	MUST(bench_line(b, slot)->cq_tail != q->head);
	cqe = *bench_cqe(b, slot, q->head);
	q->head++;
	chip_doorbell(b->chip, slot, CTRANS_DB_CQ_HEAD, q->head);
	return cqe;
}

/* ---- Long jobs --------------------------------------------------------- */

#define LONG_INSNS	CTRANS_PROG_MAX
#define LONG_ROWS	1024u

struct ctrans_sqe bench_long_job(struct bench *b, unsigned int ctx)
{
	struct ctrans_insn insn = { .op = CTRANS_INSN_NORM };
	struct ctrans_args args = { .n_rows = LONG_ROWS };
	static const struct ctrans_row rows[LONG_ROWS];
	uint64_t x, gain, prog, at;

	bench_grow(b, ctx, 2 << 20, BENCH_ORDERED);
	x = bench_va(b, ctx, LONG_ROWS * 1024);
	gain = bench_va(b, ctx, 1024);
	prog = bench_va(b, ctx, LONG_INSNS * sizeof(insn));
	at = bench_va(b, ctx, sizeof(args) + sizeof(rows));
	insn.norm = (struct ctrans_insn_norm){
		.in_va = x, .out_va = x, .gain_va = gain, .in_stride = 1024,
		.out_stride = 1024, .n = 256, .eps_f32 = 0x3727c5ac,
	};
	for (unsigned int i = 0; i < LONG_INSNS; i++)
		bench_write(b, ctx, prog + i * sizeof(insn), &insn, sizeof(insn));
	bench_write(b, ctx, at, &args, sizeof(args));
	bench_write(b, ctx, at + sizeof(args), rows, sizeof(rows));
	return (struct ctrans_sqe){
		.op = CTRANS_OP_RUN, .user_data = 42, .prog_va = prog,
		.prog_len = LONG_INSNS * sizeof(insn), .args_va = at,
	};
}

static void *lent(void *arg)
{
	struct bench *b = arg;

	while (!atomic_load(&b->enough))
		if (chip_work(b->chip, NULL, NULL) < 1)
			usleep(50);
	return NULL;
}

pthread_t bench_lend(struct bench *b)
{
	pthread_t t;

	atomic_store(&b->enough, false);
	MUST(!pthread_create(&t, NULL, lent, b));
	return t;
}

void bench_end(struct bench *b, pthread_t t)
{
	atomic_store(&b->enough, true);
	pthread_join(t, NULL);
}

void bench_wait_active(struct bench *b, unsigned int slot, bool active)
{
	while (bench_qreg(b, slot, CTRANS_Q_ACTIVE) != active)
		usleep(20);
}
