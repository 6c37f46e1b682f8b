// SPDX-License-Identifier: MIT
#include "device/arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE	CTRANS_PAGE_4K
#define HUGE	CTRANS_PAGE_2M
#define GIB	(1ull << 30)

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* ---- Growing ---------------------------------------------------------- */

static uint64_t *table_at(struct ct_arena *a, uint64_t offset)
{
	return (uint64_t *)(a->base + offset);
}

/*
 * Enter what has memory, whole 2 MiB pages, into the page tables. What could
 * not be entered is tried again before anything is allocated.
 */
static int map_pages(struct ct_arena *a)
{
	for (; a->mapped < a->real; a->mapped += HUGE) {
		uint64_t off = a->mapped, va = off + CT_ARENA_VA;
		uint64_t *root = table_at(a, a->root), *slot = &root[va >> 30 & 511];
		uint64_t middle;

		if (!*slot) {
			if (ct_extents_take(&a->free, PAGE, PAGE, &middle))
				return -ENOMEM;
			memset(a->base + middle, 0, PAGE);
			__atomic_store_n(slot, middle | CTRANS_PTE_VALID,
					 __ATOMIC_RELEASE);
		}
		middle = *slot & CTRANS_PTE_ADDR_4K;
		__atomic_store_n(&table_at(a, middle)[va >> 21 & 511],
				 off | CTRANS_PTE_VALID | CTRANS_PTE_WRITE |
				 CTRANS_PTE_LEAF, __ATOMIC_RELEASE);
	}
	return 0;
}

static int no_space(const struct ct_arena *a, uint64_t more, struct ct_err *err)
{
	return ct_fail(err, -ENOMEM,
		"no address space for %llu MiB more of device memory: %llu of %llu MiB are in use (is there a limit, ulimit -v?)",
		(unsigned long long)(more >> 20),
		(unsigned long long)(a->real >> 20),
		(unsigned long long)(a->reserved >> 20));
}

static int grow(struct ct_arena *a, uint64_t len, struct ct_err *err)
{
	uint64_t from = a->real;

	if (len > a->reserved - from)
		return no_space(a, len, err);
	if (mprotect(a->base + from, len, PROT_READ | PROT_WRITE))
		return ct_fail(err, -ENOMEM,
			"no memory for the chip model: %llu MiB more were refused (%s)",
			(unsigned long long)(len >> 20), strerror(errno));
	/* 2 MiB pages halve what weights cost to stream; without them it works too */
	madvise(a->base + from, len, MADV_HUGEPAGE);
	if (ct_extents_give(&a->free, from, len))
		return ct_fail(err, -ENOMEM, "out of memory");
	a->real = from + len;
	if (map_pages(a))
		return ct_fail(err, -ENOMEM, "out of memory for page tables");
	return 0;
}

/* ---- The arena -------------------------------------------------------- */

int ct_arena_open(struct ct_arena *a, struct ct_err *err)
{
	uint8_t *p = MAP_FAILED;
	int ret;

	memset(a, 0, sizeof(*a));
	/* a limit on address space (ulimit -v) may allow less */
	for (a->reserved = 256 * GIB; a->reserved >= GIB / 4; a->reserved /= 4) {
		p = mmap(NULL, a->reserved + HUGE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p != MAP_FAILED)
			break;
	}
	if (p == MAP_FAILED)
		return ct_fail(err, -ENOMEM,
			       "no address space for the chip model (is there a limit, ulimit -v?)");
	/* the 2 MiB over allow for alignment; give back what lies outside */
	a->base = (uint8_t *)round_up((uintptr_t)p, HUGE);
	if (a->base > p)
		munmap(p, (size_t)(a->base - p));
	if (p + HUGE > a->base)
		munmap(a->base + a->reserved, (size_t)(p + HUGE - a->base));

	pthread_mutex_init(&a->lock, NULL);
	/* the first page has the tables, so the root is known before it is used */
	a->ctx_table = PAGE;
	a->root = 2 * PAGE;
	if (mprotect(a->base, HUGE, PROT_READ | PROT_WRITE)) {
		ret = ct_fail(err, -ENOMEM, "out of memory");
		goto fail;
	}
	if (ct_extents_give(&a->free, 3 * PAGE, HUGE - 3 * PAGE)) {
		ret = ct_fail(err, -ENOMEM, "out of memory");
		goto fail;
	}
	a->real = HUGE;
	if (map_pages(a)) {
		ret = ct_fail(err, -ENOMEM, "out of memory");
		goto fail;
	}
	table_at(a, a->ctx_table)[0] = a->root;
	return 0;

fail:
	ct_arena_close(a);
	return ret;
}

void ct_arena_close(struct ct_arena *a)
{
	munmap(a->base, a->reserved);
	ct_extents_free(&a->free);
	pthread_mutex_destroy(&a->lock);
}

int ct_arena_alloc(struct ct_arena *a, uint64_t size, uint64_t *offset,
		   struct ct_err *err)
{
	uint64_t len, align;
	int ret;

	if (!size)
		return ct_fail(err, -EINVAL, "no bytes of device memory");
	if (size > a->reserved)
		return no_space(a, size, err);
	len = round_up(size, PAGE);
	align = len >= HUGE / 2 ? HUGE : PAGE;

	pthread_mutex_lock(&a->lock);
	ret = map_pages(a) ? -ENOMEM : ct_extents_take(&a->free, len, align, offset);
	/* page tables of what is added come out of it as well: perhaps once more */
	for (int more = 2; ret == -ENOSPC && more; more--) {
		ret = grow(a, round_up(len + PAGE * (len / GIB + 2), HUGE), err);
		if (ret) {
			pthread_mutex_unlock(&a->lock);
			return ret;
		}
		ret = ct_extents_take(&a->free, len, align, offset);
	}
	pthread_mutex_unlock(&a->lock);
	if (ret)
		return ct_fail(err, -ENOMEM, "out of memory for %llu KiB of device memory",
			       (unsigned long long)(len >> 10));
	/* zeroed by the kernel when touched; here where that is dearer or not done */
	if (len < HUGE || madvise(a->base + *offset, len, MADV_DONTNEED))
		memset(a->base + *offset, 0, len);
	return 0;
}

void ct_arena_free(struct ct_arena *a, uint64_t offset, uint64_t size)
{
	uint64_t len = round_up(size, PAGE);

	/* back to the system */
	if (len >= HUGE)
		madvise(a->base + offset, len, MADV_DONTNEED);
	pthread_mutex_lock(&a->lock);
	/* without room to note it the stretch is lost until close, nothing worse */
	(void)ct_extents_give(&a->free, offset, len);
	pthread_mutex_unlock(&a->lock);
}
