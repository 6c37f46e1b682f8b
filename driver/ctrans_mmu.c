// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chip's page tables: contexts, mapping, and taking mappings away for good.
 *
 * Invariants, under ctrans_vm.lock:
 *  - what was bound is bound by whole, so a large leaf is never cut;
 *  - below the root no table is empty, but while a range is being mapped;
 *  - memory of a table, and any page that was mapped, is freed only after the
 *    chip has acknowledged that it forgot them, or cannot reach memory at all.
 */
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include <kunit/visibility.h>

#include "ctrans_drv.h"

/* The chip acknowledges at its next unit of work, which is under 1 ms. */
#define CTRANS_TLB_TIMEOUT_US	(2 * USEC_PER_SEC)
/* And how long the reset may take that we ask for otherwise. */
#define CTRANS_HUNG_TIMEOUT_US	(5 * USEC_PER_SEC)

#define CTRANS_SHIFT_LAST	12
#define CTRANS_SHIFT_MIDDLE	21
#define CTRANS_SHIFT_ROOT	30

struct ctrans_table {
	/* What the chip reads. */
	__le64 *entries;
	dma_addr_t dma;
	/* Entries that are not zero. */
	unsigned int used;
	/* While it waits to be freed. */
	struct ctrans_table *next;
	/* Of the root and the middle: the table behind each entry. */
	struct ctrans_table *child[];
};

static unsigned int ctrans_index(u64 va, unsigned int shift)
{
	return va >> shift & (CTRANS_PT_ENTRIES - 1);
}

static struct ctrans_table *ctrans_table_alloc(struct ctrans_device *ct,
					       unsigned int children)
{
	struct ctrans_table *t;

	t = kzalloc(struct_size(t, child, children), GFP_KERNEL_ACCOUNT);
	if (!t)
		return NULL;
	t->entries = dma_alloc_coherent(ct->drm.dev, CTRANS_PAGE_4K, &t->dma,
					GFP_KERNEL_ACCOUNT);
	if (!t->entries) {
		kfree(t);
		return NULL;
	}
	return t;
}

static void ctrans_table_free(struct ctrans_device *ct, struct ctrans_table *t)
{
	dma_free_coherent(ct->drm.dev, CTRANS_PAGE_4K, t->entries, t->dma);
	kfree(t);
}

static void ctrans_table_set(struct ctrans_table *t, unsigned int i, u64 pte)
{
	/* One store: the chip may be walking. */
	WRITE_ONCE(t->entries[i], cpu_to_le64(pte));
	t->used++;
}

static void ctrans_table_clear(struct ctrans_table *t, unsigned int i)
{
	WRITE_ONCE(t->entries[i], 0);
	t->used--;
}

/* ---- Contexts and invalidation ----------------------------------------- */

static bool ctrans_mmu_idle(struct ctrans_device *ct)
{
	u32 ack = ctrans_read(ct, CTRANS_REG_TLB_ACK);

	if (ack == ~0u && !ctrans_device_check(ct))
		return true;
	/* Both count from zero after a reset, once that is over. */
	return ack == ctrans_read(ct, CTRANS_REG_TLB_SEQ) &&
	       ctrans_read(ct, CTRANS_REG_STATE) == CTRANS_STATE_READY;
}

/*
 * The chip did not acknowledge. Nothing may be freed before a reset has made it
 * forget, and if that fails it loses the bus. The reset takes none of the locks
 * that we hold.
 */
static void ctrans_mmu_hung(struct ctrans_device *ct)
{
	bool idle;

	dev_err_ratelimited(ct->drm.dev,
			    "the chip does not let go of unmapped memory; resetting it\n");
	ctrans_reset_schedule(ct);
	if (!read_poll_timeout(ctrans_mmu_idle, idle,
			       idle || ctrans_device_stopped(ct),
			       1000, CTRANS_HUNG_TIMEOUT_US, true, ct))
		return;
	dev_err(ct->drm.dev, "reset does not help; the chip is cut off the bus\n");
	ctrans_device_cut_off(ct);
	ctrans_reset_schedule(ct);
}

/*
 * No access through what was cleared is under way, or can follow. Callers are
 * inside drm_dev_enter(), or the chip is stopped.
 */
static void ctrans_mmu_flush(struct ctrans_vm *vm)
{
	struct ctrans_device *ct = vm->ct;
	bool idle;
	int err;

	lockdep_assert_held(&vm->lock);
	if (ctrans_device_stopped(ct))
		return;
	/* It wakes without any translation. */
	if (!ctrans_power_hold(ct, true))
		return;

	mutex_lock(&ct->tlb_lock);
	/* The write of the register is ordered after those of the entries. */
	ctrans_write(ct, CTRANS_REG_TLB_INVAL, vm->ctx);
	err = read_poll_timeout(ctrans_mmu_idle, idle,
				idle || ctrans_device_stopped(ct),
				50, CTRANS_TLB_TIMEOUT_US, false, ct);
	mutex_unlock(&ct->tlb_lock);
	if (err)
		ctrans_mmu_hung(ct);
	ctrans_power_release(ct);
}

/**
 * ctrans_mmu_open() - give a VM a context and an empty table
 * @vm: the VM
 *
 * Return: 0, -EBUSY when the chip has no context left, or -ENOMEM.
 */
int ctrans_mmu_open(struct ctrans_vm *vm)
{
	struct ctrans_device *ct = vm->ct;

	vm->root = ctrans_table_alloc(ct, CTRANS_PT_ENTRIES);
	if (!vm->root)
		return -ENOMEM;

	mutex_lock(&ct->tlb_lock);
	vm->ctx = find_first_zero_bit(ct->contexts, ct->n_contexts);
	if (vm->ctx < ct->n_contexts) {
		__set_bit(vm->ctx, ct->contexts);
		WRITE_ONCE(ct->ctx_table[vm->ctx], cpu_to_le64(vm->root->dma));
		dma_wmb();
	}
	mutex_unlock(&ct->tlb_lock);

	if (vm->ctx < ct->n_contexts)
		return 0;
	ctrans_table_free(ct, vm->root);
	vm->root = NULL;
	return -EBUSY;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_mmu_open);

static void ctrans_mmu_free_tree(struct ctrans_device *ct, struct ctrans_table *t,
				 unsigned int depth)
{
	for (unsigned int i = 0; depth && i < CTRANS_PT_ENTRIES; i++)
		if (t->child[i])
			ctrans_mmu_free_tree(ct, t->child[i], depth - 1);
	ctrans_table_free(ct, t);
	cond_resched();
}

/**
 * ctrans_mmu_close() - take all of a VM away from the chip, and its context
 * @vm: the VM, locked
 *
 * When it returns, everything that was mapped may be freed. Does nothing the
 * second time.
 */
void ctrans_mmu_close(struct ctrans_vm *vm)
{
	struct ctrans_device *ct = vm->ct;

	lockdep_assert_held(&vm->lock);
	if (!vm->root)
		return;
	WRITE_ONCE(ct->ctx_table[vm->ctx], 0);
	ctrans_mmu_flush(vm);

	mutex_lock(&ct->tlb_lock);
	__clear_bit(vm->ctx, ct->contexts);
	mutex_unlock(&ct->tlb_lock);
	ctrans_mmu_free_tree(ct, vm->root, 2);
	vm->root = NULL;
	vm->n_tables = 0;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_mmu_close);

/* ---- Mapping ------------------------------------------------------------ */

/* The table behind entry @i of @t, made if there is none. */
static struct ctrans_table *ctrans_mmu_descend(struct ctrans_vm *vm,
					       struct ctrans_table *t,
					       unsigned int i,
					       unsigned int children)
{
	struct ctrans_table *child = t->child[i];

	if (child)
		return child;
	/* They are charged to whoever binds, but one buffer can be bound often. */
	if (vm->n_tables >= DRM_CTRANS_VM_TABLES_MAX)
		return ERR_PTR(-ENOSPC);
	child = ctrans_table_alloc(vm->ct, children);
	if (!child)
		return ERR_PTR(-ENOMEM);
	vm->n_tables++;
	t->child[i] = child;
	/* A walk that finds the table must find it zeroed. */
	dma_wmb();
	ctrans_table_set(t, i, child->dma | CTRANS_PTE_VALID);
	return child;
}

static void ctrans_mmu_fill(struct ctrans_table *last, u64 va, dma_addr_t bus,
			    u64 size, u64 bits)
{
	for (u64 at = 0; at < size; at += CTRANS_PAGE_4K)
		ctrans_table_set(last, ctrans_index(va + at, CTRANS_SHIFT_LAST),
				 (bus + at) | bits);
}

/**
 * ctrans_mmu_map() - map one contiguous piece of memory
 * @vm: the VM, locked
 * @va: where, nothing being mapped there
 * @bus: bus address
 * @size: bytes; all three multiples of 4 KiB
 * @write: whether the chip may write
 *
 * After an error a part may be mapped: unmap the range.
 *
 * Return: 0, -ENOMEM, or -ENOSPC when the VM has all the tables it may have.
 */
int ctrans_mmu_map(struct ctrans_vm *vm, u64 va, dma_addr_t bus, u64 size, bool write)
{
	u64 bits = CTRANS_PTE_VALID | (write ? CTRANS_PTE_WRITE : 0);
	struct ctrans_table *middle, *last;
	unsigned int i;
	u64 n;

	lockdep_assert_held(&vm->lock);
	for (; size; va += n, bus += n, size -= n) {
		middle = ctrans_mmu_descend(vm, vm->root,
					    ctrans_index(va, CTRANS_SHIFT_ROOT),
					    CTRANS_PT_ENTRIES);
		if (IS_ERR(middle))
			return PTR_ERR(middle);
		i = ctrans_index(va, CTRANS_SHIFT_MIDDLE);
		n = min(size, CTRANS_PAGE_2M - (va & (CTRANS_PAGE_2M - 1)));
		if (n == CTRANS_PAGE_2M && !(bus & (CTRANS_PAGE_2M - 1)) &&
		    !middle->child[i]) {
			ctrans_table_set(middle, i, bus | bits | CTRANS_PTE_LEAF);
			continue;
		}
		last = ctrans_mmu_descend(vm, middle, i, 0);
		if (IS_ERR(last))
			return PTR_ERR(last);
		ctrans_mmu_fill(last, va, bus, n, bits);
		cond_resched();
	}
	/* Before the caller can tell anybody of the address. */
	dma_wmb();
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_mmu_map);

/* ---- Unmapping ----------------------------------------------------------- */

/* Entry @i of @t leads nowhere any more; what it led to waits in @dead. */
static void ctrans_mmu_prune(struct ctrans_vm *vm, struct ctrans_table *t,
			     unsigned int i, struct ctrans_table **dead)
{
	struct ctrans_table *child = t->child[i];

	t->child[i] = NULL;
	ctrans_table_clear(t, i);
	child->next = *dead;
	*dead = child;
	vm->n_tables--;
}

static void ctrans_mmu_clear_last(struct ctrans_table *last, u64 va, u64 end)
{
	unsigned int i;

	for (; va < end; va += CTRANS_PAGE_4K) {
		i = ctrans_index(va, CTRANS_SHIFT_LAST);
		if (last->entries[i])
			ctrans_table_clear(last, i);
	}
}

static void ctrans_mmu_clear_middle(struct ctrans_vm *vm,
				    struct ctrans_table *middle, u64 va, u64 end,
				    struct ctrans_table **dead)
{
	unsigned int i;
	u64 next;

	for (; va < end; va = next) {
		next = min(end, (va | (CTRANS_PAGE_2M - 1)) + 1);
		i = ctrans_index(va, CTRANS_SHIFT_MIDDLE);
		if (!middle->child[i]) {
			if (middle->entries[i])
				ctrans_table_clear(middle, i);
			continue;
		}
		ctrans_mmu_clear_last(middle->child[i], va, next);
		if (!middle->child[i]->used)
			ctrans_mmu_prune(vm, middle, i, dead);
	}
}

/**
 * ctrans_mmu_unmap() - take a range away from the chip
 * @vm: the VM, locked
 * @va: start
 * @size: bytes; mappings lie wholly inside or outside
 *
 * When it returns the chip no longer reaches what was there: it may be freed.
 */
void ctrans_mmu_unmap(struct ctrans_vm *vm, u64 va, u64 size)
{
	const u64 span = 1ull << CTRANS_SHIFT_ROOT;
	struct ctrans_table *dead = NULL, *t;
	u64 end = va + size, next;
	unsigned int i;

	lockdep_assert_held(&vm->lock);
	for (; va < end; va = next) {
		next = min(end, (va | (span - 1)) + 1);
		i = ctrans_index(va, CTRANS_SHIFT_ROOT);
		t = vm->root->child[i];
		if (!t)
			continue;
		ctrans_mmu_clear_middle(vm, t, va, next, &dead);
		if (!t->used)
			ctrans_mmu_prune(vm, vm->root, i, &dead);
		cond_resched();
	}
	ctrans_mmu_flush(vm);
	while ((t = dead)) {
		dead = t->next;
		ctrans_table_free(vm->ct, t);
	}
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_mmu_unmap);

/* ---- The device's side --------------------------------------------------- */

/**
 * ctrans_mmu_start() - tell a chip just reset where the contexts are
 * @ct: the device
 */
void ctrans_mmu_start(struct ctrans_device *ct)
{
	ctrans_write64(ct, CTRANS_REG_CTX_TABLE_LO, ct->ctx_table_dma);
}

/**
 * ctrans_mmu_init() - the table of contexts, empty
 * @ct: the device
 *
 * Return: 0 or -ENOMEM.
 */
int ctrans_mmu_init(struct ctrans_device *ct)
{
	BUILD_BUG_ON(CTRANS_CONTEXTS * sizeof(*ct->ctx_table) > CTRANS_PAGE_4K);
	BUILD_BUG_ON(CTRANS_PT_ENTRIES * sizeof(__le64) != CTRANS_PAGE_4K);

	ct->ctx_table = dmam_alloc_coherent(ct->drm.dev, CTRANS_PAGE_4K,
					    &ct->ctx_table_dma, GFP_KERNEL);
	return ct->ctx_table ? 0 : -ENOMEM;
}
