// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: pageable memory of the kernel's shmem file system, pinned and mapped
 * for the chip only while bound in some VM, or somebody else's by PRIME.
 *
 * The shmem helpers keep one DMA mapping from first use to the object's end, and
 * a file may hold the object beyond the driver's unbinding, when there is no
 * device any more to unmap from. Hence our own count; imports, whose mapping
 * the helpers insist on, are listed and unmapped when the device goes.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "ctrans_drv.h"

/* The helpers free the whole by the address of @base: it stays first. */
struct ctrans_bo {
	struct drm_gem_shmem_object base;
	/* Ours: mapped for the chip while @binds, both under the resv lock. */
	struct sg_table *sgt;
	unsigned int binds;
	/* An import: in ctrans_device.imports while mapped. */
	struct list_head imported;
};

static struct ctrans_bo *to_ctrans_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct ctrans_bo, base);
}

/* imports_lock held. */
static void ctrans_gem_drop_import(struct ctrans_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;

	list_del_init(&bo->imported);
	dma_buf_unmap_attachment_unlocked(obj->import_attach, bo->base.sgt,
					  DMA_BIDIRECTIONAL);
	bo->base.sgt = NULL;
}

static void ctrans_gem_free(struct drm_gem_object *obj)
{
	struct ctrans_device *ct = to_ctrans_device(obj->dev);
	struct ctrans_bo *bo = to_ctrans_bo(obj);

	drm_WARN_ON(obj->dev, bo->binds);
	mutex_lock(&ct->imports_lock);
	if (!list_empty(&bo->imported))
		ctrans_gem_drop_import(bo);
	mutex_unlock(&ct->imports_lock);
	drm_gem_shmem_free(&bo->base);
}

/* For fdinfo, under a spinlock: a glance. */
static enum drm_gem_object_status ctrans_gem_status(struct drm_gem_object *obj)
{
	struct ctrans_bo *bo = to_ctrans_bo(obj);

	return READ_ONCE(bo->base.pages) || READ_ONCE(bo->base.sgt) ?
		DRM_GEM_OBJECT_RESIDENT : 0;
}

static const struct drm_gem_object_funcs ctrans_gem_funcs = {
	.free		= ctrans_gem_free,
	.status		= ctrans_gem_status,
	.print_info	= drm_gem_shmem_object_print_info,
	.pin		= drm_gem_shmem_object_pin,
	.unpin		= drm_gem_shmem_object_unpin,
	.get_sg_table	= drm_gem_shmem_object_get_sg_table,
	.vmap		= drm_gem_shmem_object_vmap,
	.vunmap		= drm_gem_shmem_object_vunmap,
	.mmap		= drm_gem_shmem_object_mmap,
	.vm_ops		= &drm_gem_shmem_vm_ops,
};

/**
 * ctrans_gem_create_object() - the helpers' hook: memory for one object
 * @dev: the device
 * @size: of the buffer
 *
 * Return: the object, or an error pointer.
 */
struct drm_gem_object *ctrans_gem_create_object(struct drm_device *dev, size_t size)
{
	struct ctrans_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&bo->imported);
	bo->base.base.funcs = &ctrans_gem_funcs;
	bo->base.map_wc = !to_ctrans_device(dev)->coherent;
	/* Neither the chip's stores nor those of mappings are seen by the kernel. */
	bo->base.pages_mark_dirty_on_put = true;
	bo->base.pages_mark_accessed_on_put = true;
	return &bo->base.base;
}

/**
 * ctrans_gem_import() - the handle of another device's buffer
 * @dev: the device
 * @dma_buf: the buffer
 *
 * The core maps it for the chip on the way: not while that is being unbound.
 *
 * Return: the object, or an error pointer.
 */
struct drm_gem_object *ctrans_gem_import(struct drm_device *dev,
					 struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj;
	int idx;

	if (!drm_dev_enter(dev, &idx))
		return ERR_PTR(-ENODEV);
	obj = drm_gem_prime_import(dev, dma_buf);
	drm_dev_exit(idx);
	return obj;
}

/**
 * ctrans_gem_import_sgt() - an object around another device's buffer
 * @dev: the device
 * @attach: the chip's attachment to the buffer
 * @sgt: where it is, mapped for the chip
 *
 * Return: the object, or an error pointer.
 */
struct drm_gem_object *ctrans_gem_import_sgt(struct drm_device *dev,
					     struct dma_buf_attachment *attach,
					     struct sg_table *sgt)
{
	struct ctrans_device *ct = to_ctrans_device(dev);
	struct drm_gem_object *obj;

	/* What the chip cannot reach has been mapped through a bounce buffer. */
	if (ct->dma32)
		return ERR_PTR(-EOPNOTSUPP);
	obj = drm_gem_shmem_prime_import_sg_table(dev, attach, sgt);
	if (IS_ERR(obj))
		return obj;
	mutex_lock(&ct->imports_lock);
	list_add(&to_ctrans_bo(obj)->imported, &ct->imports);
	mutex_unlock(&ct->imports_lock);
	return obj;
}

/**
 * ctrans_gem_drop_imports() - unmap what other devices lent to one that goes
 * @ct: the device, unplugged, its VMs dropped
 */
void ctrans_gem_drop_imports(struct ctrans_device *ct)
{
	struct ctrans_bo *bo, *next;

	mutex_lock(&ct->imports_lock);
	list_for_each_entry_safe(bo, next, &ct->imports, imported)
		ctrans_gem_drop_import(bo);
	mutex_unlock(&ct->imports_lock);
}

/* resv lock held, the pages pinned. */
static struct sg_table *ctrans_gem_map_pages(struct ctrans_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct sg_table *sgt;
	int err;

	sgt = drm_gem_shmem_get_sg_table(&bo->base);
	if (IS_ERR(sgt))
		return sgt;
	err = dma_map_sgtable(obj->dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (err) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(err);
	}
	return sgt;
}

/**
 * ctrans_gem_map() - pin a buffer and map it for the chip
 * @obj: the buffer
 *
 * Not interruptible: an ioctl that has done a part must not be restarted.
 *
 * Return: its bus addresses, until ctrans_gem_unmap(), or an error pointer.
 */
struct sg_table *ctrans_gem_map(struct drm_gem_object *obj)
{
	struct ctrans_bo *bo = to_ctrans_bo(obj);
	struct sg_table *sgt;
	int err;

	if (obj->import_attach)
		return bo->base.sgt ?: ERR_PTR(-ENODEV);

	dma_resv_lock(obj->resv, NULL);
	if (bo->binds) {
		sgt = bo->sgt;
		bo->binds++;
		goto out;
	}
	err = drm_gem_shmem_pin_locked(&bo->base);
	if (err) {
		sgt = ERR_PTR(err);
		goto out;
	}
	sgt = ctrans_gem_map_pages(bo);
	if (IS_ERR(sgt)) {
		drm_gem_shmem_unpin_locked(&bo->base);
		goto out;
	}
	bo->sgt = sgt;
	bo->binds = 1;
	atomic64_add(obj->size, &to_ctrans_device(obj->dev)->bytes_bound);
out:
	dma_resv_unlock(obj->resv);
	return sgt;
}

/**
 * ctrans_gem_unmap() - the chip does not use this binding any more
 * @obj: the buffer
 */
void ctrans_gem_unmap(struct drm_gem_object *obj)
{
	struct ctrans_bo *bo = to_ctrans_bo(obj);

	if (obj->import_attach)
		return;

	dma_resv_lock(obj->resv, NULL);
	if (!--bo->binds) {
		dma_unmap_sgtable(obj->dev->dev, bo->sgt, DMA_BIDIRECTIONAL, 0);
		sg_free_table(bo->sgt);
		kfree(bo->sgt);
		bo->sgt = NULL;
		atomic64_sub(obj->size, &to_ctrans_device(obj->dev)->bytes_bound);
		drm_gem_shmem_unpin_locked(&bo->base);
	}
	dma_resv_unlock(obj->resv);
}

/**
 * ctrans_ioctl_bo_create() - BO_CREATE
 * @dev: the device
 * @data: struct drm_ctrans_bo_create
 * @file: the caller's
 *
 * Return: 0 or a negative errno.
 */
int ctrans_ioctl_bo_create(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct ctrans_device *ct = to_ctrans_device(dev);
	struct drm_ctrans_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	struct drm_gem_object *obj;
	int err;

	/* More than could be bound anywhere; also keeps rounding from wrapping. */
	if (args->flags || !args->size ||
	    args->size > ct->info.va_end - ct->info.va_start)
		return -EINVAL;
	if (PFN_UP(args->size) > totalram_pages())
		return -ENOMEM;

	shmem = drm_gem_shmem_create(dev, args->size);
	/* What has no inode has no space left, says shmem: it is memory all the same. */
	if (IS_ERR(shmem))
		return PTR_ERR(shmem) == -ENOSPC ? -ENOMEM : PTR_ERR(shmem);
	obj = &shmem->base;
	if (ct->dma32)
		mapping_set_gfp_mask(obj->filp->f_mapping,
				     GFP_USER | __GFP_DMA32 |
				     __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	args->size = obj->size;
	err = drm_gem_handle_create(file, obj, &args->handle);
	/* The handle holds it from here on. */
	drm_gem_object_put(obj);
	return err;
}

/**
 * ctrans_ioctl_bo_mmap_offset() - BO_MMAP_OFFSET
 * @dev: the device
 * @data: struct drm_ctrans_bo_mmap_offset
 * @file: the caller's
 *
 * Return: 0 or a negative errno.
 */
int ctrans_ioctl_bo_mmap_offset(struct drm_device *dev, void *data,
				struct drm_file *file)
{
	struct drm_ctrans_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;

	if (args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return 0;
}
