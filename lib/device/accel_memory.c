// SPDX-License-Identifier: MIT
/*
 * Device memory through the driver: a GEM object, bound at addresses that are
 * given out here and mapped for this process.
 */
#include "device/accel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include "device/room.h"
#include "uapi/ctrans_regs.h"

static uint64_t whole_pages(const struct ct_accel *a, uint64_t size)
{
	uint64_t page = a->chip.page_size;

	return (size + page - 1) & ~(page - 1);
}

static int take_va(struct ct_accel *a, uint64_t size, uint64_t *va,
		   struct ct_err *err)
{
	/* so that the driver can use 2 MiB leaves where the pages allow it */
	uint64_t align = size >= CTRANS_PAGE_2M / 2 ? CTRANS_PAGE_2M :
						      a->chip.page_size;
	int ret;

	pthread_mutex_lock(&a->lock);
	ret = ct_extents_take(&a->free, size, align, va);
	pthread_mutex_unlock(&a->lock);
	if (!ret)
		return 0;
	return ct_fail(err, -ENOMEM,
		"device accel:%d: no addresses for %llu KiB more of device memory",
		a->number, (unsigned long long)(size >> 10));
}

static void give_va(struct ct_accel *a, uint64_t va, uint64_t size)
{
	pthread_mutex_lock(&a->lock);
	/* without room to note it the stretch is lost until close, nothing worse */
	(void)ct_extents_give(&a->free, va, size);
	pthread_mutex_unlock(&a->lock);
}

static int bind(struct ct_accel *a, const struct drm_ctrans_vm_bind_op *op)
{
	struct drm_ctrans_vm_bind b = {
		.vm_id = a->vm, .stride = sizeof(*op), .count = 1,
		.ops = (uintptr_t)op,
	};

	return drmIoctl(a->fd, DRM_IOCTL_CTRANS_VM_BIND, &b) ? -errno : 0;
}

/* An address that may still be bound is not given out again. */
static void unbind(struct ct_accel *a, uint64_t va, uint64_t size)
{
	struct drm_ctrans_vm_bind_op op = {
		.type = DRM_CTRANS_VM_BIND_UNMAP, .va = va, .size = size,
	};

	if (!bind(a, &op))
		give_va(a, va, size);
}

static int map(struct ct_accel *a, uint32_t handle, uint64_t size, void **cpu)
{
	struct drm_ctrans_bo_mmap_offset o = { .handle = handle };
	void *p;

	if (drmIoctl(a->fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &o))
		return -errno;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd,
		 (off_t)o.offset);
	if (p == MAP_FAILED)
		return -errno;
	*cpu = p;
	return 0;
}

int ct_accel_alloc(void *accel, uint64_t size, struct ct_buf_dev *buf,
		   struct ct_err *err)
{
	struct ct_accel *a = accel;
	struct drm_ctrans_bo_create bo = { 0 };
	struct drm_ctrans_vm_bind_op op = { .type = DRM_CTRANS_VM_BIND_MAP };
	uint64_t va;
	int ret;

	if (!size)
		return ct_fail(err, -EINVAL, "no bytes of device memory");
	if (size > a->chip.va_end - a->chip.va_start)
		return ct_fail(err, -ENOMEM,
			"device accel:%d has addresses for %llu MiB, and %llu MiB are asked for",
			a->number,
			(unsigned long long)((a->chip.va_end - a->chip.va_start) >> 20),
			(unsigned long long)(size >> 20));
	bo.size = whole_pages(a, size);
	op.size = bo.size;
	ret = take_va(a, op.size, &va, err);
	if (ret)
		return ret;
	op.va = va;
	if (drmIoctl(a->fd, DRM_IOCTL_CTRANS_BO_CREATE, &bo)) {
		ret = -errno;
		goto no_bo;
	}
	op.bo_handle = bo.handle;
	ret = bind(a, &op);
	if (ret)
		goto no_binding;
	ret = map(a, bo.handle, op.size, &buf->cpu);
	if (ret)
		goto no_mapping;
	buf->va = va;
	buf->size = size;
	buf->handle = bo.handle;
	return 0;

no_mapping:
	unbind(a, va, op.size);
	drmCloseBufferHandle(a->fd, bo.handle);
	goto out;
no_binding:
	drmCloseBufferHandle(a->fd, bo.handle);
no_bo:
	give_va(a, va, op.size);
out:
	return ct_accel_fail(a, ret, "getting device memory", err);
}

/* Where the device is gone the kernel has unbound everything itself. */
void ct_accel_free(void *accel, struct ct_buf_dev *buf)
{
	struct ct_accel *a = accel;
	uint64_t size = whole_pages(a, buf->size);

	munmap(buf->cpu, size);
	unbind(a, buf->va, size);
	drmCloseBufferHandle(a->fd, buf->handle);
}

/* The chip has no memory of its own: what it uses is the machine's. */
int ct_accel_room(void *accel, uint64_t size, struct ct_err *err)
{
	(void)accel;
	return ct_room(size, err);
}
