// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces: which part of which buffer is where, and the ioctls that say
 * so. The bindings of a VM are disjoint, are made and dropped by whole, and each
 * holds its buffer, pinned.
 */
#include <linux/dma-mapping.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ctrans_drv.h"
#include "ctrans_trace.h"

/* What struct drm_ctrans_vm_bind_op was when it was first defined. */
#define CTRANS_BIND_OP_SIZE_MIN	offsetofend(struct drm_ctrans_vm_bind_op, size)

struct ctrans_binding {
	struct rb_node node;
	u64 va;
	u64 size;
	struct drm_gem_object *obj;
	/* Queues whose submission ring lies here. */
	unsigned int holds;
};

static u64 ctrans_binding_end(const struct ctrans_binding *b)
{
	return b->va + b->size;
}

/* ---- The tree of bindings; the VM's lock held ----------------------------- */

/* The first that ends after @va. */
static struct ctrans_binding *ctrans_vm_first(struct ctrans_vm *vm, u64 va)
{
	struct ctrans_binding *b, *found = NULL;
	struct rb_node *n = vm->bindings.rb_node;

	lockdep_assert_held(&vm->lock);
	while (n) {
		b = rb_entry(n, struct ctrans_binding, node);
		if (ctrans_binding_end(b) > va) {
			found = b;
			n = n->rb_left;
		} else {
			n = n->rb_right;
		}
	}
	return found;
}

static struct ctrans_binding *ctrans_vm_next(struct ctrans_binding *b)
{
	struct rb_node *n = rb_next(&b->node);

	return n ? rb_entry(n, struct ctrans_binding, node) : NULL;
}

static bool ctrans_binding_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ctrans_binding, node)->va <
	       rb_entry(b, struct ctrans_binding, node)->va;
}

/* The chip must have let go of it before. */
static void ctrans_binding_free(struct ctrans_vm *vm, struct ctrans_binding *b)
{
	trace_ctrans_unbind(vm->ctx, b->va, b->size);
	rb_erase(&b->node, &vm->bindings);
	vm->n_bindings--;
	vm->bytes -= b->size;
	ctrans_gem_unmap(b->obj);
	drm_gem_object_put(b->obj);
	kfree(b);
}

/* ---- Map ------------------------------------------------------------------ */

/*
 * Maps @size bytes from @offset of a scattered buffer. The list may be another
 * driver's: nothing in it is taken for granted.
 */
static int ctrans_vm_map_sgt(struct ctrans_vm *vm, struct sg_table *sgt,
			     u64 offset, u64 va, u64 size, bool write)
{
	struct scatterlist *sg;
	unsigned int i;
	int err;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		u64 len = sg_dma_len(sg), n, last;
		dma_addr_t bus = sg_dma_address(sg);

		if (!size)
			break;
		if (!IS_ALIGNED(bus | len, CTRANS_PAGE_4K) ||
		    check_add_overflow((u64)bus, len, &last) ||
		    last > 1ull << CTRANS_BUS_BITS)
			return -EINVAL;
		if (offset >= len) {
			offset -= len;
			continue;
		}
		n = min(len - offset, size);
		err = ctrans_mmu_map(vm, va, bus + offset, n, write);
		if (err)
			return err;
		va += n;
		size -= n;
		offset = 0;
	}
	return size ? -EINVAL : 0;
}

static int ctrans_vm_map(struct ctrans_vm *vm, struct drm_gem_object *obj,
			 const struct drm_ctrans_vm_bind_op *op)
{
	bool write = !(op->flags & DRM_CTRANS_VM_BIND_READONLY);
	struct ctrans_binding *b;
	struct sg_table *sgt;
	int err;

	b = ctrans_vm_first(vm, op->va);
	if (b && b->va < op->va + op->size)
		return -EEXIST;
	/* Each is kernel memory that no page of a buffer covers. */
	if (vm->n_bindings >= DRM_CTRANS_VM_BINDINGS_MAX)
		return -ENOSPC;

	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	b->va = op->va;
	b->size = op->size;
	b->obj = obj;

	sgt = ctrans_gem_map(obj);
	if (IS_ERR(sgt)) {
		kfree(b);
		return PTR_ERR(sgt);
	}
	err = ctrans_vm_map_sgt(vm, sgt, op->bo_offset, op->va, op->size, write);
	if (err) {
		ctrans_mmu_unmap(vm, op->va, op->size);
		ctrans_gem_unmap(obj);
		kfree(b);
		return err;
	}
	drm_gem_object_get(obj);
	rb_add(&b->node, &vm->bindings, ctrans_binding_less);
	vm->n_bindings++;
	vm->bytes += b->size;
	trace_ctrans_bind(vm->ctx, op->va, op->size, op->flags);
	return 0;
}

static int ctrans_vm_op_map(struct ctrans_vm *vm, struct drm_file *file,
			    const struct drm_ctrans_vm_bind_op *op)
{
	struct drm_gem_object *obj;
	u64 end;
	int err;

	if (op->flags & ~DRM_CTRANS_VM_BIND_READONLY)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, op->bo_handle);
	if (!obj)
		return -ENOENT;
	if (!IS_ALIGNED(op->bo_offset, PAGE_SIZE) ||
	    check_add_overflow(op->bo_offset, op->size, &end) ||
	    end > obj->size) {
		err = -EINVAL;
	} else {
		mutex_lock(&vm->lock);
		err = ctrans_vm_map(vm, obj, op);
		mutex_unlock(&vm->lock);
	}
	drm_gem_object_put(obj);
	return err;
}

/* ---- Unmap ---------------------------------------------------------------- */

static int ctrans_vm_unmap(struct ctrans_vm *vm, u64 va, u64 end)
{
	struct ctrans_binding *b, *next;

	b = ctrans_vm_first(vm, va);
	if (!b || b->va >= end)
		return -ENOENT;
	for (next = b; next && next->va < end; next = ctrans_vm_next(next))
		if (next->va < va || ctrans_binding_end(next) > end)
			return -EINVAL;
	for (next = b; next && next->va < end; next = ctrans_vm_next(next))
		if (next->holds)
			return -EBUSY;

	ctrans_mmu_unmap(vm, va, end - va);
	for (; b && b->va < end; b = next) {
		next = ctrans_vm_next(b);
		ctrans_binding_free(vm, b);
		cond_resched();
	}
	return 0;
}

static int ctrans_vm_op_unmap(struct ctrans_vm *vm,
			      const struct drm_ctrans_vm_bind_op *op)
{
	int err;

	if (op->flags || op->bo_handle || op->bo_offset)
		return -EINVAL;
	mutex_lock(&vm->lock);
	err = ctrans_vm_unmap(vm, op->va, op->va + op->size);
	mutex_unlock(&vm->lock);
	return err;
}

/* ---- VM_BIND --------------------------------------------------------------- */

static int ctrans_vm_op(struct ctrans_vm *vm, struct drm_file *file,
			const struct drm_ctrans_vm_bind_op *op)
{
	const struct drm_ctrans_info *info = &vm->ct->info;
	u64 end;

	if (op->pad || !op->size || !IS_ALIGNED(op->va | op->size, PAGE_SIZE) ||
	    check_add_overflow(op->va, op->size, &end) ||
	    op->va < info->va_start || end > info->va_end)
		return -EINVAL;
	switch (op->type) {
	case DRM_CTRANS_VM_BIND_MAP:
		return ctrans_vm_op_map(vm, file, op);
	case DRM_CTRANS_VM_BIND_UNMAP:
		return ctrans_vm_op_unmap(vm, op);
	default:
		return -EINVAL;
	}
}

/*
 * @done has been counted when this fails. A signal ends it only if it kills: the
 * caller's structure then says another count than it was called with, so neither
 * the kernel nor a library may call again as if nothing had happened.
 */
static int ctrans_vm_ops(struct ctrans_vm *vm, struct drm_file *file,
			 const struct drm_ctrans_vm_bind *args, u32 count, u32 *done)
{
	struct drm_ctrans_vm_bind_op op;
	int err;

	for (; *done < count; ++*done) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (READ_ONCE(vm->ct->gone))
			return -ENODEV;
		err = copy_struct_from_user(&op, sizeof(op),
					    u64_to_user_ptr(args->ops +
							    (u64)*done * args->stride),
					    args->stride);
		if (!err)
			err = ctrans_vm_op(vm, file, &op);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * ctrans_ioctl_vm_bind() - VM_BIND
 * @dev: the device
 * @data: struct drm_ctrans_vm_bind
 * @file: the caller's
 *
 * Return: 0 or a negative errno; the count of what was done either way.
 */
int ctrans_ioctl_vm_bind(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct drm_ctrans_vm_bind *args = data;
	u32 count = args->count;
	struct ctrans_vm *vm;
	u64 end;
	int err, idx;

	args->count = 0;
	if (args->flags || args->stride < CTRANS_BIND_OP_SIZE_MIN)
		return -EINVAL;
	if (count > DRM_CTRANS_VM_BIND_OPS_MAX || args->stride > PAGE_SIZE)
		return -E2BIG;
	if (check_add_overflow(args->ops, (u64)count * args->stride, &end))
		return -EFAULT;

	vm = ctrans_vm_get(file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;
	err = -ENODEV;
	if (drm_dev_enter(dev, &idx)) {
		err = ctrans_vm_ops(vm, file, args, count, &args->count);
		drm_dev_exit(idx);
	}
	ctrans_vm_put(vm);
	return err;
}

/* ---- Life ------------------------------------------------------------------ */

/* Everything bound goes. Inside drm_dev_enter(), or the chip is stopped. */
static void ctrans_vm_drop(struct ctrans_vm *vm)
{
	struct ctrans_binding *b;

	mutex_lock(&vm->lock);
	ctrans_mmu_close(vm);
	while ((b = ctrans_vm_first(vm, 0))) {
		ctrans_binding_free(vm, b);
		cond_resched();
	}
	mutex_unlock(&vm->lock);
}

/**
 * ctrans_vm_drop_all() - what the chip could reach goes; the VMs stay as shells
 * @ct: the device, unplugged
 */
void ctrans_vm_drop_all(struct ctrans_device *ct)
{
	struct ctrans_vm *vm;

	mutex_lock(&ct->vms_lock);
	list_for_each_entry(vm, &ct->vms, link)
		ctrans_vm_drop(vm);
	mutex_unlock(&ct->vms_lock);
}

static void ctrans_vm_release(struct kref *ref)
{
	struct ctrans_vm *vm = container_of(ref, struct ctrans_vm, ref);
	struct ctrans_device *ct = vm->ct;
	int idx;

	/*
	 * Unplugging waits for the first; after it, the second keeps
	 * ctrans_vm_drop_all() from returning before we are through, as the
	 * list has the VM until then.
	 */
	if (drm_dev_enter(&ct->drm, &idx)) {
		ctrans_vm_drop(vm);
		drm_dev_exit(idx);
	} else {
		ctrans_vm_drop(vm);
	}
	mutex_lock(&ct->vms_lock);
	list_del(&vm->link);
	mutex_unlock(&ct->vms_lock);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

/**
 * ctrans_vm_put() - give a reference back; the last one drops all bindings
 * @vm: the VM, unlocked
 */
void ctrans_vm_put(struct ctrans_vm *vm)
{
	kref_put(&vm->ref, ctrans_vm_release);
}

/**
 * ctrans_vm_get() - find a VM of a file
 * @cf: the file
 * @id: as user space says it
 *
 * Return: the VM with a reference, or NULL.
 */
struct ctrans_vm *ctrans_vm_get(struct ctrans_file *cf, u32 id)
{
	struct ctrans_vm *vm;

	xa_lock(&cf->vms);
	vm = xa_load(&cf->vms, id);
	if (vm)
		kref_get(&vm->ref);
	xa_unlock(&cf->vms);
	return vm;
}

/**
 * ctrans_vm_hold_range() - keep a range bound, for a submission ring
 * @vm: the VM
 * @va: start
 * @size: bytes, not 0
 *
 * Return: 0, or -EINVAL when no single binding has all of it.
 */
int ctrans_vm_hold_range(struct ctrans_vm *vm, u64 va, u64 size)
{
	struct ctrans_binding *b;
	int err = -EINVAL;
	u64 end;

	if (check_add_overflow(va, size, &end))
		return -EINVAL;
	mutex_lock(&vm->lock);
	b = ctrans_vm_first(vm, va);
	if (b && b->va <= va && end <= ctrans_binding_end(b)) {
		b->holds++;
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * ctrans_vm_release_range() - undo one ctrans_vm_hold_range()
 * @vm: the VM
 * @va: as held
 * @size: as held
 */
void ctrans_vm_release_range(struct ctrans_vm *vm, u64 va, u64 size)
{
	struct ctrans_binding *b;

	mutex_lock(&vm->lock);
	b = ctrans_vm_first(vm, va);
	/* None, if the chip has gone meanwhile and everything with it. */
	if (b)
		b->holds--;
	mutex_unlock(&vm->lock);
}

static int ctrans_vm_create(struct ctrans_file *cf, u32 *id)
{
	struct ctrans_device *ct = cf->ct;
	struct ctrans_vm *vm;
	int err;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return -ENOMEM;
	vm->ct = ct;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	vm->bindings = RB_ROOT;
	atomic_set(&vm->n_queues, 0);
	err = ctrans_mmu_open(vm);
	if (err) {
		mutex_destroy(&vm->lock);
		kfree(vm);
		return err;
	}
	mutex_lock(&ct->vms_lock);
	list_add(&vm->link, &ct->vms);
	mutex_unlock(&ct->vms_lock);

	/* Visible from here on; full is -EBUSY. */
	err = xa_alloc(&cf->vms, id, vm, XA_LIMIT(1, ct->info.vms_max),
		       GFP_KERNEL_ACCOUNT);
	if (err)
		ctrans_vm_put(vm);
	return err;
}

/**
 * ctrans_ioctl_vm_create() - VM_CREATE
 * @dev: the device
 * @data: struct drm_ctrans_vm_create
 * @file: the caller's
 *
 * Return: 0 or a negative errno.
 */
int ctrans_ioctl_vm_create(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct drm_ctrans_vm_create *args = data;
	int err, idx;

	if (args->flags)
		return -EINVAL;
	if (!drm_dev_enter(dev, &idx))
		return -ENODEV;
	err = ctrans_vm_create(file->driver_priv, &args->vm_id);
	drm_dev_exit(idx);
	return err;
}

/**
 * ctrans_ioctl_vm_destroy() - VM_DESTROY
 * @dev: the device
 * @data: struct drm_ctrans_vm_destroy
 * @file: the caller's
 *
 * Return: 0 or a negative errno.
 */
int ctrans_ioctl_vm_destroy(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct ctrans_file *cf = file->driver_priv;
	struct drm_ctrans_vm_destroy *args = data;
	struct ctrans_vm *vm;
	int err = 0;

	if (args->pad)
		return -EINVAL;
	xa_lock(&cf->vms);
	vm = xa_load(&cf->vms, args->vm_id);
	if (!vm)
		err = -ENOENT;
	else if (atomic_read(&vm->n_queues))
		err = -EBUSY;
	else
		__xa_erase(&cf->vms, args->vm_id);
	xa_unlock(&cf->vms);
	if (!err)
		ctrans_vm_put(vm);
	return err;
}

/**
 * ctrans_vm_close_all() - the file is being closed, its queues are gone
 * @cf: the file
 */
void ctrans_vm_close_all(struct ctrans_file *cf)
{
	struct ctrans_vm *vm;
	unsigned long id;

	xa_for_each(&cf->vms, id, vm) {
		xa_erase(&cf->vms, id);
		ctrans_vm_put(vm);
	}
}
