// SPDX-License-Identifier: MIT
/*
 * Context addresses to host memory.
 *
 * Page tables are walked once for each stretch that is contiguous in all three
 * address spaces (context, bus, host); such regions are the TLB. In process,
 * where the arena is one stretch, a context is one region. A guest's memory is
 * scattered: tens of thousands of them, looked up in every job.
 */
#include "chip/internal.h"

#include <stdlib.h>
#include <string.h>

/* Pages joined to a region on one miss. */
#define EXTEND_PAGES	8192u

/* Spans of a job: 2^24 scattered pages are 64 GiB of operands. */
#define POOL_MAX	(1u << 24)

/* @len bytes in one piece, or NULL. */
void *chip_bus_at(struct chip *chip, uint64_t addr, uint64_t len, bool write)
{
	uint64_t contiguous;
	void *p = chip->bus.map(chip->bus.ctx, addr, len, write, &contiguous);

	if (p && contiguous >= len)
		return p;
	chip->refused = addr;
	return NULL;
}

/* Who needed what was refused last: to look further than needed is no fault. */
void chip_bus_refused(struct chip *chip)
{
	if (chip->bus.violation && !atomic_load(&chip->reset_asked))
		chip->bus.violation(chip->bus.ctx, CHIP_VIOLATION_BUS, chip->refused);
}

static int read_pte(struct chip *chip, uint64_t table, uint32_t index,
		    uint64_t *pte)
{
	void *p = chip_bus_at(chip, table + 8ull * index, 8, false);

	if (!p) {
		atomic_store(&chip->mmu_event, true);
		return CTRANS_ST_BUS;
	}
	*pte = __atomic_load_n((uint64_t *)p, __ATOMIC_RELAXED);
	return CTRANS_ST_OK;
}

static bool reserved_set(uint64_t pte, uint64_t addr_mask)
{
	return pte & ~(addr_mask | CTRANS_PTE_VALID | CTRANS_PTE_WRITE |
		       CTRANS_PTE_LEAF);
}

static int last_level(uint64_t pte, uint64_t *bus, uint64_t *size, bool *writable)
{
	if (!(pte & CTRANS_PTE_VALID) || pte & CTRANS_PTE_LEAF ||
	    reserved_set(pte, CTRANS_PTE_ADDR_4K))
		return CTRANS_ST_FAULT;
	*bus = pte & CTRANS_PTE_ADDR_4K;
	*size = CTRANS_PAGE_4K;
	*writable = pte & CTRANS_PTE_WRITE;
	return CTRANS_ST_OK;
}

/* The page that holds @va: its bus address and size. */
static int walk(struct chip *chip, unsigned int ctx, uint64_t va,
		uint64_t *bus, uint64_t *size, bool *writable)
{
	struct chip_tlb *tlb = &chip->tlb[ctx];
	uint64_t table, pte;
	const uint64_t *last;
	int st;

	/* pages side by side have it in common, and are looked up in a row */
	if (tlb->table && va - tlb->table_va < CTRANS_PAGE_2M) {
		pte = __atomic_load_n(&tlb->table[va >> 12 & 511], __ATOMIC_RELAXED);
		return last_level(pte, bus, size, writable);
	}
	if (!chip->ctx_table)
		return CTRANS_ST_FAULT;
	st = read_pte(chip, chip->ctx_table, ctx, &table);
	if (st)
		return st;
	if (!table || table & ~CTRANS_PTE_ADDR_4K)
		return CTRANS_ST_FAULT;

	st = read_pte(chip, table, va >> 30 & 511, &pte);
	if (st)
		return st;
	if (!(pte & CTRANS_PTE_VALID) || pte & (CTRANS_PTE_LEAF | CTRANS_PTE_WRITE) ||
	    reserved_set(pte, CTRANS_PTE_ADDR_4K))
		return CTRANS_ST_FAULT;

	st = read_pte(chip, pte & CTRANS_PTE_ADDR_4K, va >> 21 & 511, &pte);
	if (st)
		return st;
	if (!(pte & CTRANS_PTE_VALID))
		return CTRANS_ST_FAULT;
	if (pte & CTRANS_PTE_LEAF) {
		if (reserved_set(pte, CTRANS_PTE_ADDR_2M))
			return CTRANS_ST_FAULT;
		*bus = pte & CTRANS_PTE_ADDR_2M;
		*size = CTRANS_PAGE_2M;
		*writable = pte & CTRANS_PTE_WRITE;
		return CTRANS_ST_OK;
	}
	if (pte & CTRANS_PTE_WRITE || reserved_set(pte, CTRANS_PTE_ADDR_4K))
		return CTRANS_ST_FAULT;

	table = pte & CTRANS_PTE_ADDR_4K;
	last = chip_bus_at(chip, table, CTRANS_PT_ENTRIES * sizeof(*last), false);
	if (last) {
		tlb->table = last;
		tlb->table_va = va & ~(CTRANS_PAGE_2M - 1);
		pte = __atomic_load_n(&last[va >> 12 & 511], __ATOMIC_RELAXED);
		return last_level(pte, bus, size, writable);
	}
	st = read_pte(chip, table, va >> 12 & 511, &pte);
	return st ? st : last_level(pte, bus, size, writable);
}

/*
 * One page, and of it what the bus gives in one piece from its start. A bus
 * that breaks off inside the page is met again by the caller's next lookup.
 */
static int map_page(struct chip *chip, unsigned int ctx, uint64_t va,
		    struct chip_region *r)
{
	/* granules: kernels read one at once, so none may lie in two regions */
	const uint64_t whole = ~(uint64_t)(CTRANS_GRANULE - 1);
	uint64_t bus, size, contiguous = 0, skip;
	int st = walk(chip, ctx, va, &bus, &size, &r->writable);

	if (st)
		return st;
	/* pieces of a page are found from where we are asked */
	skip = va & (size - 1) & whole;
	r->ptr = chip->bus.map(chip->bus.ctx, bus, size, r->writable, &contiguous);
	contiguous &= whole;
	if (r->ptr && contiguous > skip) {
		r->va = va & ~(size - 1);
		r->len = contiguous < size ? contiguous : size;
		return CTRANS_ST_OK;
	}
	r->ptr = chip->bus.map(chip->bus.ctx, bus + skip, size - skip, r->writable,
			       &contiguous);
	contiguous &= whole;
	if (!r->ptr || !contiguous) {
		chip->refused = bus + skip;
		return CTRANS_ST_BUS;
	}
	r->va = (va & ~(size - 1)) + skip;
	r->len = contiguous < size - skip ? contiguous : size - skip;
	return CTRANS_ST_OK;
}

static struct chip_cached *cached(struct chip_tlb *tlb, uint64_t va)
{
	return &tlb->cache[va / CTRANS_PAGE_4K % CHIP_TLB_CACHED];
}

/* Where the region goes that @va has been looked up for. */
static struct chip_region *place(struct chip_tlb *tlb, uint64_t va)
{
	struct chip_region *r;

	if (tlb->n < CHIP_TLB_REGIONS)
		return &tlb->r[tlb->n++];
	if (!tlb->cache)
		tlb->cache = calloc(CHIP_TLB_CACHED, sizeof(*tlb->cache));
	if (tlb->cache) {
		cached(tlb, va)->flushes = tlb->flushes;
		return &cached(tlb, va)->r;
	}
	r = &tlb->r[tlb->next];
	tlb->next = (tlb->next + 1) % CHIP_TLB_REGIONS;
	return r;
}

static int lookup(struct chip *chip, unsigned int ctx, uint64_t va,
		  struct chip_region **out)
{
	struct chip_tlb *tlb = &chip->tlb[ctx];
	struct chip_region *r, next;
	int st;

	if (tlb->cache) {
		struct chip_cached *c = cached(tlb, va);

		if (c->flushes == tlb->flushes && va - c->r.va < c->r.len) {
			*out = &c->r;
			return CTRANS_ST_OK;
		}
	}
	for (unsigned int i = 0; i < tlb->n; i++) {
		r = &tlb->r[i];
		if (va - r->va < r->len) {
			*out = r;
			return CTRANS_ST_OK;
		}
	}

	st = map_page(chip, ctx, va, &next);
	if (st == CTRANS_ST_BUS)
		chip_bus_refused(chip);
	if (st)
		return st;
	r = place(tlb, va);
	*r = next;
	for (unsigned int i = 0; i < EXTEND_PAGES; i++) {
		uint64_t end = r->va + r->len;

		if (end >> CTRANS_VA_BITS || end & (CTRANS_PAGE_4K - 1) ||
		    map_page(chip, ctx, end, &next) || next.va != end ||
		    next.ptr != r->ptr + r->len || next.writable != r->writable)
			break;
		r->len += next.len;
	}
	*out = r;
	return CTRANS_ST_OK;
}

static int fail(struct chip_fault *fault, int status, uint64_t va, bool write)
{
	fault->status = status;
	fault->va = va;
	fault->write = write;
	return status;
}

static struct chip_span *pool_add(struct chip_span_pool *pool)
{
	if (pool->n == pool->room) {
		uint32_t room = pool->room ? 2 * pool->room : 256;
		struct chip_span *s;

		if (room > POOL_MAX)
			return NULL;
		s = realloc(pool->spans, room * sizeof(*s));
		if (!s)
			return NULL;
		pool->spans = s;
		pool->room = room;
	}
	return &pool->spans[pool->n++];
}

/*
 * Resolve [va, va + len) for reading, or for writing too. Returns enum
 * ctrans_status; @fault says where. A fresh operand goes at the pool's end, so
 * operands are resolved one after the other.
 */
int chip_resolve(struct chip *chip, unsigned int ctx, uint64_t va, uint64_t len,
		 bool write, struct chip_span_pool *pool,
		 struct chip_operand *op, struct chip_fault *fault)
{
	const uint64_t end = 1ull << CTRANS_VA_BITS;
	uint64_t off = 0;
	int st;

	memset(op, 0, sizeof(*op));
	if (va < CTRANS_VA_MIN || va >= end || len > end - va || !len)
		return fail(fault, CTRANS_ST_FAULT, va, write);

	op->va = va;
	op->len = len;
	op->writable = true;
	while (off < len) {
		struct chip_region *r;
		struct chip_span *s;
		uint64_t skip, n;

		st = lookup(chip, ctx, va + off, &r);
		if (st)
			return fail(fault, st, va + off, write);
		if (!r->writable) {
			if (write)
				return fail(fault, CTRANS_ST_FAULT, va + off, true);
			op->writable = false;
		}
		skip = va + off - r->va;
		n = r->len - skip < len - off ? r->len - skip : len - off;

		if (op->n_spans == 0) {
			op->one = (struct chip_span){ off, n, r->ptr + skip };
			op->n_spans = 1;
		} else {
			s = op->n_spans == 1 ? &op->one :
			    &pool->spans[pool->n - 1];
			if (s->ptr + s->len == r->ptr + skip) {
				s->len += n;
			} else {
				if (op->n_spans == 1) {
					op->first = pool->n;
					s = pool_add(pool);
					if (!s)
						return fail(fault, CTRANS_ST_BUS,
							    va + off, write);
					*s = op->one;
				}
				s = pool_add(pool);
				if (!s)
					return fail(fault, CTRANS_ST_BUS,
						    va + off, write);
				*s = (struct chip_span){ off, n, r->ptr + skip };
				op->n_spans++;
			}
		}
		off += n;
	}
	return CTRANS_ST_OK;
}

/* Fetch a copy: entries, programs, arguments, tables. */
int chip_copy_in(struct chip *chip, unsigned int ctx, uint64_t va, void *dst,
		 uint64_t len, struct chip_fault *fault)
{
	const uint64_t end = 1ull << CTRANS_VA_BITS;

	if (va < CTRANS_VA_MIN || va >= end || len > end - va)
		return fail(fault, CTRANS_ST_FAULT, va, false);
	for (uint64_t off = 0; off < len;) {
		struct chip_region *r;
		uint64_t skip, n;
		int st = lookup(chip, ctx, va + off, &r);

		if (st)
			return fail(fault, st, va + off, false);
		skip = va + off - r->va;
		n = r->len - skip < len - off ? r->len - skip : len - off;
		memcpy((uint8_t *)dst + off, r->ptr + skip, n);
		off += n;
	}
	return CTRANS_ST_OK;
}

void chip_tlb_flush(struct chip *chip, unsigned int ctx)
{
	chip->tlb[ctx].n = 0;
	chip->tlb[ctx].next = 0;
	chip->tlb[ctx].flushes++;
	chip->tlb[ctx].table = NULL;
}

void chip_tlb_free(struct chip *chip)
{
	for (unsigned int c = 0; chip->tlb && c < CTRANS_CONTEXTS; c++)
		free(chip->tlb[c].cache);
	free(chip->tlb);
}

/* Of the counts too: a bit may have been taken before what it counts for was. */
bool chip_tlb_asked(const struct chip *chip)
{
	return atomic_load(&chip->tlb_dirty) ||
	       atomic_load(&chip->tlb_seq) != atomic_load(&chip->tlb_ack) ||
	       atomic_load(&chip->forget_seq) != atomic_load(&chip->forget_ack);
}

/*
 * Flush what is dirty; true if anything was. After chip_tlb_dropped() who waits
 * for it may take it that no old translation is in use: between the two, who
 * held some looks them up anew. By who closed a phase or, with no job, under the
 * lock.
 */
bool chip_tlb_drop(struct chip *chip)
{
	uint64_t dirty;

	/* the counts first: who has them has the bits of all that they count */
	chip->tlb_taken = atomic_load(&chip->tlb_seq);
	chip->forget_taken = atomic_load(&chip->forget_seq);
	dirty = atomic_exchange(&chip->tlb_dirty, 0);
	for (unsigned int c = 0; c < CTRANS_CONTEXTS; c++)
		if (dirty >> c & 1)
			chip_tlb_flush(chip, c);
	return dirty;
}

void chip_tlb_dropped(struct chip *chip)
{
	if (!chip_fault_is(chip, CHIP_FAULT_NO_TLB_ACK))
		atomic_store(&chip->tlb_ack, chip->tlb_taken);
	atomic_store(&chip->forget_ack, chip->forget_taken);
}

const void *chip_gather(const struct chip_job *job, const struct chip_operand *o,
			uint64_t off, uint64_t len, void *scratch)
{
	uint64_t avail, done = 0;
	const uint8_t *p = chip_at(job, o, off, &avail);

	if (avail >= len)
		return p;
	while (done < len) {
		p = chip_at(job, o, off + done, &avail);
		if (avail > len - done)
			avail = len - done;
		memcpy((uint8_t *)scratch + done, p, avail);
		done += avail;
	}
	return scratch;
}

void chip_scatter(const struct chip_job *job, const struct chip_operand *o,
		  uint64_t off, uint64_t len, const void *src)
{
	uint64_t avail, done = 0;

	while (done < len) {
		uint8_t *p = chip_at(job, o, off + done, &avail);

		if (avail > len - done)
			avail = len - done;
		memcpy(p, (const uint8_t *)src + done, avail);
		done += avail;
	}
}
