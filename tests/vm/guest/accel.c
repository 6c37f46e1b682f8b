// SPDX-License-Identifier: MIT
#include "accel.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "guest.h"

static char node[64];

static bool is_ours(int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool ours = version && !strcmp(version->name, "ctrans");

	drmFreeVersion(version);
	return ours;
}

const char *accel_node(void)
{
	for (int i = 0; i < 16; i++) {
		bool ours;
		int fd;

		snprintf(node, sizeof(node), "/dev/accel/accel%d", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		ours = is_ours(fd);
		close(fd);
		if (ours)
			return node;
	}
	return NULL;
}

int accel_try_open(void)
{
	int fd;

	if (!node[0] && !accel_node()) {
		node[0] = 0;
		return -ENODEV;
	}
	fd = open(node, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int accel_open(void)
{
	int fd = accel_try_open();

	errno = fd < 0 ? -fd : 0;
	must(fd >= 0);
	return fd;
}

int accel_open_within(unsigned int seconds)
{
	int64_t until = guest_now() + seconds * SECOND;
	int fd;

	/* it may come back by another number */
	do {
		node[0] = 0;
		fd = accel_try_open();
		if (fd >= 0)
			return fd;
		usleep(10000);
	} while (guest_now() < until);
	errno = -fd;
	must(fd >= 0);
	return fd;
}

const char *accel_pci_name(void)
{
	static char name[PATH_MAX];
	char link[128];

	must(accel_node());
	snprintf(link, sizeof(link), "/sys/class/accel/%s/device",
		 basename(node));
	must(realpath(link, name));
	return basename(name);
}

int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

unsigned long sized(unsigned long request, size_t size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request),
		    size);
}

int try_mmap(int fd, uint64_t offset, uint64_t size, int prot, int flags)
{
	void *p = mmap(NULL, size, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

void info_must(int fd, struct drm_ctrans_info *info)
{
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_INFO,
		.size = sizeof(*info),
		.pointer = (uintptr_t)info,
	};

	must(!call(fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query));
}

/* ---- Buffers ------------------------------------------------------------ */

int bo_create(int fd, uint64_t size, uint32_t *handle)
{
	struct drm_ctrans_bo_create bo = { .size = size };
	int err = call(fd, DRM_IOCTL_CTRANS_BO_CREATE, &bo);

	*handle = bo.handle;
	return err;
}

int bo_offset(int fd, uint32_t handle, uint64_t *offset)
{
	struct drm_ctrans_bo_mmap_offset at = { .handle = handle };
	int err = call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at);

	*offset = at.offset;
	return err;
}

int bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close gem = { .handle = handle };

	return call(fd, DRM_IOCTL_GEM_CLOSE, &gem);
}

void bo_must(struct bo *bo, int fd, uint64_t size)
{
	uint64_t offset;

	*bo = (struct bo){ .fd = fd, .size = size };
	must(!bo_create(fd, size, &bo->handle));
	must(!bo_offset(fd, bo->handle, &offset));
	bo->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)offset);
	must(bo->map != MAP_FAILED);
}

void bo_drop(struct bo *bo)
{
	munmap(bo->map, bo->size);
	bo_close(bo->fd, bo->handle);
}

/* ---- Address spaces ----------------------------------------------------- */

int vm_create(int fd, uint32_t *vm)
{
	struct drm_ctrans_vm_create create = { 0 };
	int err = call(fd, DRM_IOCTL_CTRANS_VM_CREATE, &create);

	*vm = create.vm_id;
	return err;
}

int vm_destroy(int fd, uint32_t vm)
{
	struct drm_ctrans_vm_destroy destroy = { .vm_id = vm };

	return call(fd, DRM_IOCTL_CTRANS_VM_DESTROY, &destroy);
}

uint32_t vm_must(int fd)
{
	uint32_t vm;

	must(!vm_create(fd, &vm));
	return vm;
}

int vm_bind(int fd, uint32_t vm, const void *ops, uint32_t count,
	    uint32_t stride, uint32_t *done)
{
	struct drm_ctrans_vm_bind bind = {
		.vm_id = vm,
		.stride = stride,
		.count = count,
		.ops = (uintptr_t)ops,
	};
	int err = call(fd, DRM_IOCTL_CTRANS_VM_BIND, &bind);

	if (done)
		*done = bind.count;
	return err;
}

int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t va, uint64_t at,
	   uint64_t size, uint32_t flags)
{
	struct drm_ctrans_vm_bind_op op = {
		.type = DRM_CTRANS_VM_BIND_MAP,
		.flags = flags,
		.bo_handle = handle,
		.va = va,
		.bo_offset = at,
		.size = size,
	};

	return vm_bind(fd, vm, &op, 1, sizeof(op), NULL);
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_ctrans_vm_bind_op op = {
		.type = DRM_CTRANS_VM_BIND_UNMAP,
		.va = va,
		.size = size,
	};

	return vm_bind(fd, vm, &op, 1, sizeof(op), NULL);
}

/* ---- Queues ------------------------------------------------------------- */

int queue_destroy(int fd, uint32_t id)
{
	struct drm_ctrans_queue_destroy destroy = { .queue_id = id };

	return call(fd, DRM_IOCTL_CTRANS_QUEUE_DESTROY, &destroy);
}

int queue_restart(int fd, uint32_t id)
{
	struct drm_ctrans_queue_restart restart = { .queue_id = id };

	return call(fd, DRM_IOCTL_CTRANS_QUEUE_RESTART, &restart);
}

int queue_wait_until(int fd, uint32_t id, uint64_t seq, int64_t deadline,
		     uint64_t *done)
{
	struct drm_ctrans_queue_wait wait = {
		.queue_id = id,
		.seq = seq,
		.deadline_ns = deadline,
		.done = UINT64_MAX,
	};
	int err = call(fd, DRM_IOCTL_CTRANS_QUEUE_WAIT, &wait);

	if (done)
		*done = wait.done;
	return err;
}

int queue_get_state(int fd, uint32_t id, struct drm_ctrans_queue_get_state *st)
{
	*st = (struct drm_ctrans_queue_get_state){ .queue_id = id };
	return call(fd, DRM_IOCTL_CTRANS_QUEUE_GET_STATE, st);
}
