// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables, read as the chip reads them: by bus addresses from the table of
 * contexts on. The device is the test's own and counts as stopped, so that nobody
 * asks a chip to forget anything; what is mapped is nobody's memory.
 */
#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/sizes.h>

#include "../ctrans_drv.h"

#define VA	0x40000000ull

struct mmu_chip {
	struct ctrans_device ct;
	struct ctrans_vm vm;
	__le64 ctx_table[CTRANS_CONTEXTS];
};

/* What a walk found. */
struct walk {
	u64 bus;	/* of the byte that was asked for */
	u64 page;	/* 0: nothing is there */
	bool write;
};

/* Entry @i of the table at bus address @table. */
static u64 walk_entry(struct mmu_chip *c, u64 table, unsigned int i)
{
	__le64 *entries = phys_to_virt(dma_to_phys(c->ct.drm.dev, table));

	return le64_to_cpu(entries[i]);
}

/* As ctrans_regs.h says; an entry that the chip would not take fails the test. */
static struct walk walk(struct kunit *test, struct mmu_chip *c, u64 va)
{
	u64 table = le64_to_cpu(c->ctx_table[c->vm.ctx]), pte, addr;
	u64 page = 1ull << 39, size;

	for (int shift = 30; table && shift >= 12; shift -= 9) {
		pte = walk_entry(c, table, va >> shift & (CTRANS_PT_ENTRIES - 1));
		if (!pte)
			return (struct walk){ 0 };
		size = 1ull << shift;
		addr = CTRANS_PTE_ADDR_4K;
		page = 0;
		if (shift == 21 && pte & CTRANS_PTE_LEAF) {
			addr = CTRANS_PTE_ADDR_2M;
			page = CTRANS_PAGE_2M;
		} else if (shift == 12) {
			page = CTRANS_PAGE_4K;
		}
		KUNIT_ASSERT_TRUE(test, pte & CTRANS_PTE_VALID);
		KUNIT_ASSERT_EQ(test, pte & ~(addr | CTRANS_PTE_VALID |
					      (page ? CTRANS_PTE_WRITE : 0) |
					      (page == CTRANS_PAGE_2M ? CTRANS_PTE_LEAF : 0)),
				0);
		if (page)
			return (struct walk){
				.bus = (pte & addr) + (va & (size - 1)),
				.page = page,
				.write = pte & CTRANS_PTE_WRITE,
			};
		table = pte & addr;
	}
	KUNIT_FAIL(test, "no root");
	return (struct walk){ 0 };
}

static int map(struct mmu_chip *c, u64 va, u64 bus, u64 size, bool write)
{
	int ret;

	mutex_lock(&c->vm.lock);
	ret = ctrans_mmu_map(&c->vm, va, bus, size, write);
	mutex_unlock(&c->vm.lock);
	return ret;
}

static void unmap(struct mmu_chip *c, u64 va, u64 size)
{
	mutex_lock(&c->vm.lock);
	ctrans_mmu_unmap(&c->vm, va, size);
	mutex_unlock(&c->vm.lock);
}

static void close_vm(struct ctrans_vm *vm)
{
	mutex_lock(&vm->lock);
	ctrans_mmu_close(vm);
	mutex_unlock(&vm->lock);
}

static int mmu_init(struct kunit *test)
{
	struct mmu_chip *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	char *name = kunit_kzalloc(test, 32, GFP_KERNEL);
	static unsigned int count;
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, name);
	/* Another each time: the last one's device may linger. */
	snprintf(name, 32, "ctrans-mmu.%u", count++);
	dev = kunit_device_register(test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_mask = &dev->coherent_dma_mask;
	KUNIT_ASSERT_EQ(test, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(48)), 0);
	c->ct.drm.dev = dev;
	c->ct.stopped = true;
	c->ct.n_contexts = CTRANS_CONTEXTS;
	c->ct.ctx_table = c->ctx_table;
	mutex_init(&c->ct.tlb_lock);
	/* not the first, so that a 0 where the number is needed would show */
	__set_bit(0, c->ct.contexts);
	c->vm.ct = &c->ct;
	mutex_init(&c->vm.lock);
	KUNIT_ASSERT_EQ(test, ctrans_mmu_open(&c->vm), 0);
	test->priv = c;
	return 0;
}

static u64 root(struct mmu_chip *c, unsigned int ctx)
{
	return le64_to_cpu(c->ctx_table[ctx]);
}

static void mmu_exit(struct kunit *test)
{
	struct mmu_chip *c = test->priv;

	if (!c)
		return;
	close_vm(&c->vm);
	KUNIT_EXPECT_EQ(test, root(c, 1), 0);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 0);
	KUNIT_EXPECT_EQ(test, bitmap_weight(c->ct.contexts, CTRANS_CONTEXTS), 1);
	/* the second time it does nothing */
	close_vm(&c->vm);
}

/* All of [va, va + size) leads to bus, and what is beside it nowhere. */
static void expect_range(struct kunit *test, u64 va, u64 bus, u64 size, bool write)
{
	struct mmu_chip *c = test->priv;
	struct walk w;

	for (u64 at = 0; at < size; at += CTRANS_PAGE_4K) {
		w = walk(test, c, va + at + 0x123);
		KUNIT_ASSERT_NE(test, w.page, 0);
		KUNIT_ASSERT_EQ(test, w.bus, bus + at + 0x123);
		KUNIT_ASSERT_EQ(test, w.write, write);
	}
	KUNIT_EXPECT_EQ(test, walk(test, c, va - 1).page, 0);
	KUNIT_EXPECT_EQ(test, walk(test, c, va + size).page, 0);
}

static void expect_nothing(struct kunit *test, u64 va, u64 size)
{
	for (u64 at = 0; at < size; at += CTRANS_PAGE_4K)
		KUNIT_ASSERT_EQ(test, walk(test, test->priv, va + at).page, 0);
}

struct mmu_case {
	const char *what;
	u64 va, bus, size;
	u64 page;		/* of the byte in the middle */
	unsigned int tables;	/* below the root */
};

static const struct mmu_case mmu_cases[] = {
	{ "one page", VA, 0x12345000, SZ_4K, SZ_4K, 2 },
	{ "the lowest", CTRANS_VA_MIN, 0x1000, SZ_4K, SZ_4K, 2 },
	{ "the highest", (1ull << 39) - SZ_4K, 0xfffffffff000, SZ_4K, SZ_4K, 2 },
	{ "a table's last and the next one's first", VA + SZ_2M - SZ_4K,
	  0x5000, 2 * SZ_4K, SZ_4K, 3 },
	{ "across 1 GiB", VA + SZ_1G - SZ_4K, 0x5000, 2 * SZ_4K, SZ_4K, 4 },
	{ "2 MiB", VA, 0xffffffe00000, SZ_2M, SZ_2M, 1 },
	{ "2 MiB, the highest", (1ull << 39) - SZ_2M, 0x200000, SZ_2M, SZ_2M, 1 },
	{ "2 MiB at a bus address that is not", VA, 0x201000, SZ_2M, SZ_4K, 2 },
	{ "2 MiB at an address that is not", VA + SZ_4K, 0x200000, SZ_2M, SZ_4K, 3 },
	{ "both are not, by the same", VA + SZ_4K, 0x201000, 2 * SZ_2M, SZ_2M, 3 },
	{ "a page less", VA, 0x200000, SZ_2M - SZ_4K, SZ_4K, 2 },
	{ "a page more", VA, 0x200000, SZ_2M + SZ_4K, SZ_2M, 2 },
	{ "pages around 2 MiB", VA + SZ_2M - SZ_4K, 0x7ff000, SZ_2M + 2 * SZ_4K,
	  SZ_2M, 3 },
	{ "large ones across 1 GiB", VA + SZ_1G - SZ_2M, 0x80000000, 3 * SZ_2M,
	  SZ_2M, 2 },
};

static void mmu_case_name(const struct mmu_case *c, char *name)
{
	strscpy(name, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mmu, mmu_cases, mmu_case_name);

static void mmu_ranges(struct kunit *test)
{
	const struct mmu_case *at = test->param_value;
	struct mmu_chip *c = test->priv;

	for (int write = 0; write < 2; write++) {
		KUNIT_ASSERT_EQ(test, map(c, at->va, at->bus, at->size, write), 0);
		/* VAs have 39 bits: beyond the highest, a walk is at 0 again */
		expect_range(test, at->va, at->bus, at->size, write);
		KUNIT_EXPECT_EQ(test, walk(test, c, at->va + at->size / 2).page,
				at->page);
		KUNIT_EXPECT_EQ(test, c->vm.n_tables, at->tables);
		unmap(c, at->va, at->size);
		expect_nothing(test, at->va, at->size);
		KUNIT_EXPECT_EQ(test, c->vm.n_tables, 0);
	}
}

/* What lies beside what is unmapped stays. */
static void mmu_neighbours(struct kunit *test)
{
	struct mmu_chip *c = test->priv;

	KUNIT_ASSERT_EQ(test, map(c, VA, 0x100000, SZ_4K, true), 0);
	KUNIT_ASSERT_EQ(test, map(c, VA + SZ_8K, 0x300000, SZ_4K, false), 0);
	KUNIT_ASSERT_EQ(test, map(c, VA + SZ_2M, 0x400000, SZ_2M, true), 0);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 2);
	KUNIT_ASSERT_EQ(test, map(c, VA + SZ_4K, 0x200000, SZ_4K, true), 0);
	unmap(c, VA + SZ_4K, SZ_4K);
	expect_range(test, VA, 0x100000, SZ_4K, true);
	expect_range(test, VA + SZ_8K, 0x300000, SZ_4K, false);
	expect_range(test, VA + SZ_2M, 0x400000, SZ_2M, true);
	/* a table that is empty goes, and its place takes a large leaf */
	unmap(c, VA, SZ_4K);
	unmap(c, VA + SZ_8K, SZ_4K);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 1);
	KUNIT_ASSERT_EQ(test, map(c, VA, 0x200000, SZ_2M, false), 0);
	KUNIT_EXPECT_EQ(test, walk(test, c, VA).page, SZ_2M);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 1);
	/* one range over all, and over holes */
	unmap(c, VA - SZ_1G, 4ull * SZ_1G);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 0);
}

/* A VM has its tables, and a mapping that does not fit is undone by its range. */
static void mmu_table_limit(struct kunit *test)
{
	const unsigned int spare = 3;
	struct mmu_chip *c = test->priv;

	c->vm.n_tables = DRM_CTRANS_VM_TABLES_MAX - spare;
	KUNIT_EXPECT_EQ(test, map(c, VA + SZ_4K, 0x2000, 2 * SZ_2M, true), -ENOSPC);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, DRM_CTRANS_VM_TABLES_MAX);
	unmap(c, VA + SZ_4K, 2 * SZ_2M);
	expect_nothing(test, VA, 3 * SZ_2M);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, DRM_CTRANS_VM_TABLES_MAX - spare);
	KUNIT_EXPECT_EQ(test, map(c, VA + SZ_4K, 0x2000, SZ_2M, true), 0);
	unmap(c, VA + SZ_4K, SZ_2M);
	c->vm.n_tables -= DRM_CTRANS_VM_TABLES_MAX - spare;
}

/* Contexts are the chip's: as many as it has, each with one number. */
static void mmu_contexts(struct kunit *test)
{
	struct mmu_chip *c = test->priv;
	struct ctrans_vm *vm;

	KUNIT_EXPECT_EQ(test, c->vm.ctx, 1);
	vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vm);
	vm->ct = &c->ct;
	c->ct.n_contexts = 2;
	KUNIT_EXPECT_EQ(test, ctrans_mmu_open(vm), -EBUSY);
	KUNIT_EXPECT_NULL(test, vm->root);
	c->ct.n_contexts = 3;
	KUNIT_ASSERT_EQ(test, ctrans_mmu_open(vm), 0);
	KUNIT_EXPECT_EQ(test, vm->ctx, 2);
	KUNIT_EXPECT_NE(test, root(c, 1), root(c, 2));
	mutex_init(&vm->lock);
	close_vm(vm);
	KUNIT_EXPECT_EQ(test, root(c, 2), 0);
	KUNIT_EXPECT_NE(test, root(c, 1), 0);
}

/*
 * Bindings that come and go, in no order; after each step every one is whole.
 * They lie in cells of 4 MiB, each somewhere in its own.
 */
#define CELL	(2ull * SZ_2M)

struct mmu_binding {
	u64 va, bus, size;
	bool write;
};

static u32 draw(u32 *seed, u32 below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void mmu_random(struct kunit *test)
{
	struct mmu_binding *all, *b;
	struct mmu_chip *c = test->priv;
	const unsigned int cells = 16;
	u32 seed = 1, lead, pages;
	struct walk first, last;

	all = kunit_kcalloc(test, cells, sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	for (unsigned int round = 0; round < 400; round++) {
		unsigned int cell = draw(&seed, cells);

		b = &all[cell];
		if (b->size) {
			unmap(c, b->va, b->size);
			KUNIT_ASSERT_EQ(test, walk(test, c, b->va).page, 0);
			KUNIT_ASSERT_EQ(test, walk(test, c, b->va + b->size - 1).page,
					0);
			b->size = 0;
			continue;
		}
		lead = draw(&seed, 3) ? draw(&seed, 512) : 0;
		pages = draw(&seed, 3) ? 1 + draw(&seed, 1024 - lead) : 512;
		/* across the ends of 1 GiB tables, too */
		b->va = VA + SZ_1G - 8 * CELL + cell * CELL + lead * CTRANS_PAGE_4K;
		b->bus = draw(&seed, 1 << 20) * 1ull * SZ_2M;
		if (draw(&seed, 2))
			b->bus += lead * CTRANS_PAGE_4K;
		b->size = pages * CTRANS_PAGE_4K;
		b->write = draw(&seed, 2);
		KUNIT_ASSERT_EQ(test, map(c, b->va, b->bus, b->size, b->write), 0);
		for (b = all; b < all + cells; b++) {
			u64 inside = b->size ? draw(&seed, b->size) : 0;

			if (!b->size)
				continue;
			first = walk(test, c, b->va);
			last = walk(test, c, b->va + inside);
			KUNIT_ASSERT_NE(test, first.page, 0);
			KUNIT_ASSERT_NE(test, last.page, 0);
			KUNIT_ASSERT_EQ(test, first.bus, b->bus);
			KUNIT_ASSERT_EQ(test, last.bus, b->bus + inside);
			KUNIT_ASSERT_EQ(test, last.write, b->write);
		}
	}
	for (b = all; b < all + cells; b++)
		if (b->size)
			unmap(c, b->va, b->size);
	KUNIT_EXPECT_EQ(test, c->vm.n_tables, 0);
}

static struct kunit_case ctrans_mmu_cases[] = {
	KUNIT_CASE_PARAM(mmu_ranges, mmu_gen_params),
	KUNIT_CASE(mmu_neighbours),
	KUNIT_CASE(mmu_table_limit),
	KUNIT_CASE(mmu_contexts),
	KUNIT_CASE_SLOW(mmu_random),
	{}
};

static struct kunit_suite ctrans_mmu_suite = {
	.name = "ctrans_mmu",
	.init = mmu_init,
	.exit = mmu_exit,
	.test_cases = ctrans_mmu_cases,
};

kunit_test_suite(ctrans_mmu_suite);
