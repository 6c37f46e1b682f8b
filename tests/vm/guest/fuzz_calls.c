// SPDX-License-Identifier: MIT
/* One random call of everything that a process can do with the device. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "fuzz.h"

static void bo(struct fuzz *f, struct fuzz_file *file)
{
	struct drm_ctrans_bo_create create = { .size = fuzz_size(f) };
	struct drm_ctrans_bo_mmap_offset at = { 0 };
	uint32_t before;
	unsigned int i;

	fuzz_spoil(f, &create, sizeof(create));
	if (call(file->fd, DRM_IOCTL_CTRANS_BO_CREATE, &create))
		return;
	if (create.size > FUZZ_BO_MAX) {
		bo_close(file->fd, create.handle);
		return;
	}
	before = fuzz_remember(f, file->bo, create.handle);
	if (before)
		bo_close(file->fd, before);
	at.handle = fuzz_name(f, file->bo);
	fuzz_spoil(f, &at, sizeof(at));
	if (call(file->fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at))
		return;
	i = (unsigned int)fuzz_below(f, FUZZ_NAMES);
	file->offset[i] = at.offset;
	file->size[i] = create.size;
}

static void close_bo(struct fuzz *f, struct fuzz_file *file)
{
	bo_close(file->fd, fuzz_name(f, file->bo));
}

static void vm(struct fuzz *f, struct fuzz_file *file)
{
	struct drm_ctrans_vm_create create = { 0 };

	fuzz_spoil(f, &create, sizeof(create));
	if (!call(file->fd, DRM_IOCTL_CTRANS_VM_CREATE, &create))
		fuzz_remember(f, file->vm, create.vm_id);
}

static void destroy_vm(struct fuzz *f, struct fuzz_file *file)
{
	vm_destroy(file->fd, fuzz_name(f, file->vm));
}

static void bind_some(struct fuzz *f, struct fuzz_file *file)
{
	struct drm_ctrans_vm_bind_op ops[16];
	struct drm_ctrans_vm_bind bind = {
		.vm_id = fuzz_name(f, file->vm),
		.stride = sizeof(ops[0]),
		.count = 1 + (uint32_t)fuzz_below(f, 16),
		.ops = (uintptr_t)ops,
	};

	for (uint32_t i = 0; i < bind.count; i++) {
		bool map = !fuzz_rare(f, 3);

		ops[i] = (struct drm_ctrans_vm_bind_op){
			.type = !map,
			.flags = map && fuzz_rare(f, 4),
			.bo_handle = map ? fuzz_name(f, file->bo) : 0,
			.va = fuzz_va(f),
			.bo_offset = map && fuzz_rare(f, 3) ?
				     fuzz_below(f, 8) * PAGE : 0,
			.size = fuzz_size(f),
		};
		fuzz_spoil(f, &ops[i], sizeof(ops[i]));
	}
	fuzz_spoil(f, &bind, sizeof(bind));
	call(file->fd, DRM_IOCTL_CTRANS_VM_BIND, &bind);
}

static void queue(struct fuzz *f, struct fuzz_file *file)
{
	struct drm_ctrans_queue_create create = {
		.vm_id = fuzz_name(f, file->vm),
		.sq_log2 = 3 + (uint32_t)fuzz_below(f, 4),
		.cq_log2 = 3 + (uint32_t)fuzz_below(f, 8),
		.sq_va = fuzz_va(f) + fuzz_below(f, 3) * 64,
		.timeout_ms = fuzz_rare(f, 2) ? 0 : (uint32_t)fuzz_below(f, 2000),
		.eventfd = fuzz_rare(f, 2) ? -1 : f->event,
	};
	unsigned int i = (unsigned int)fuzz_below(f, FUZZ_NAMES);

	fuzz_spoil(f, &create, sizeof(create));
	if (queue_create(file->fd, &create))
		return;
	fuzz_remember(f, file->queue, create.queue_id);
	file->offset[i] = create.doorbell_offset;
	file->size[i] = PAGE;
	i = (unsigned int)fuzz_below(f, FUZZ_NAMES);
	file->offset[i] = create.status_offset;
	file->size[i] = create.status_size;
}

static void queue_calls(struct fuzz *f, struct fuzz_file *file)
{
	struct drm_ctrans_queue_get_state st;
	uint32_t id = fuzz_name(f, file->queue);

	switch (fuzz_below(f, 6)) {
	case 0:
		queue_destroy(file->fd, id);
		break;
	case 1:
	case 2:
		queue_restart(file->fd, id);
		break;
	case 3:
		queue_get_state(file->fd, id, &st);
		break;
	default:
		queue_wait_until(file->fd, id, fuzz_index(f, 0),
				 guest_now() + (int64_t)fuzz_below(f, 20) * MS,
				 NULL);
	}
}

static void map_some(struct fuzz *f, struct fuzz_file *file)
{
	struct fuzz_map *map = &f->map[fuzz_below(f, FUZZ_NAMES)];
	unsigned int i = (unsigned int)fuzz_below(f, FUZZ_NAMES);
	uint64_t offset = file->offset[i], size = file->size[i];
	int prot = PROT_READ | (fuzz_rare(f, 4) ? 0 : PROT_WRITE);
	int fd = file->fd;

	if (map->at)
		munmap(map->at, map->size);
	map->at = NULL;
	if (fuzz_rare(f, 8))
		offset ^= fuzz_number(f) & ~0xfffull;
	/* the kernel itself complains of absurd ones */
	if (fuzz_rare(f, 8))
		size = fuzz_size(f) % (64 << 20);
	if (fuzz_rare(f, 12))
		prot |= PROT_EXEC;
	if (fuzz_rare(f, 12))
		fd = f->file[fuzz_below(f, FUZZ_FILES)].fd;
	if (fuzz_rare(f, 12))
		fd = f->dmabuf[fuzz_below(f, FUZZ_NAMES)];
	map->at = mmap(NULL, size, prot, fuzz_rare(f, 16) ? MAP_PRIVATE :
		       MAP_SHARED, fd, (off_t)offset);
	if (map->at == MAP_FAILED && prot & PROT_WRITE) {
		prot &= ~PROT_WRITE;
		map->at = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);
	}
	if (map->at == MAP_FAILED) {
		map->at = NULL;
		return;
	}
	map->size = size;
	map->writable = prot & PROT_WRITE;
}

static void manage_map(struct fuzz *f)
{
	struct fuzz_map *map = &f->map[fuzz_below(f, FUZZ_NAMES)];
	uint64_t part;

	if (!map->at)
		return;
	part = (1 + fuzz_below(f, map->size / PAGE)) * PAGE;
	switch (fuzz_below(f, 5)) {
	case 0:
		madvise(map->at, part, (int)fuzz_below(f, 26));
		break;
	case 1:
		if (mprotect(map->at, part, PROT_READ))
			break;
		mprotect(map->at, part, PROT_READ | PROT_WRITE);
		break;
	case 2:
		/* the whole, where it is or elsewhere */
		map->at = mremap(map->at, map->size, map->size, MREMAP_MAYMOVE);
		if (map->at == MAP_FAILED)
			map->at = NULL;
		break;
	case 3:
		munmap(map->at, map->size);
		map->at = NULL;
		break;
	default:
		mlock(map->at, part);
		munlock(map->at, part);
	}
}


static void prime(struct fuzz *f, struct fuzz_file *file)
{
	unsigned int i = (unsigned int)fuzz_below(f, FUZZ_NAMES);
	uint32_t handle;
	int fd;

	if (fuzz_rare(f, 2)) {
		if (drmPrimeHandleToFD(file->fd, fuzz_name(f, file->bo),
				       DRM_CLOEXEC | DRM_RDWR, &fd))
			return;
		if (f->dmabuf[i] >= 0)
			close(f->dmabuf[i]);
		f->dmabuf[i] = fd;
	} else if (!drmPrimeFDToHandle(file->fd, f->dmabuf[i], &handle)) {
		fuzz_remember(f, file->bo, handle);
	}
}

/* Any number, any size, any bytes; or a good one to a bad place. */
static void raw(struct fuzz *f, struct fuzz_file *file)
{
	unsigned long request = DRM_IOCTL_CTRANS_DEV_QUERY;
	uint64_t arg[64];

	for (size_t i = 0; i < 64; i++)
		arg[i] = fuzz_number(f);
	request = _IOC(fuzz_below(f, 4), 'd',
		       DRM_COMMAND_BASE + fuzz_below(f, 13),
		       fuzz_below(f, sizeof(arg)));
	/* not for ever, and not all memory */
	if (_IOC_NR(request) == DRM_COMMAND_BASE + DRM_CTRANS_QUEUE_WAIT)
		arg[2] = 0;
	if (_IOC_NR(request) == DRM_COMMAND_BASE + DRM_CTRANS_BO_CREATE)
		arg[0] %= FUZZ_BO_MAX;
	call(file->fd, request, fuzz_rare(f, 6) ? (void *)fuzz_number(f) : arg);
}

static void poll_some(struct fuzz *f)
{
	struct pollfd p[FUZZ_FILES + 1];

	for (int i = 0; i < FUZZ_FILES; i++)
		p[i] = (struct pollfd){ .fd = f->file[i].fd, .events = POLLIN };
	p[FUZZ_FILES] = (struct pollfd){ .fd = f->event, .events = POLLIN };
	poll(p, FUZZ_FILES + 1, (int)fuzz_below(f, 10));
}

static void reopen(struct fuzz_file *file)
{
	close(file->fd);
	*file = (struct fuzz_file){ .fd = accel_try_open() };
}

void fuzz_step(struct fuzz *f)
{
	struct fuzz_file *file = &f->file[fuzz_below(f, FUZZ_FILES)];

	f->ops++;
	switch (fuzz_below(f, 64)) {
	case 0 ... 5: bo(f, file); break;
	case 6 ... 7: close_bo(f, file); break;
	case 8 ... 9: vm(f, file); break;
	case 10: destroy_vm(f, file); break;
	case 11 ... 18: bind_some(f, file); break;
	case 19 ... 23: queue(f, file); break;
	case 24 ... 30: queue_calls(f, file); break;
	case 31 ... 37: map_some(f, file); break;
	case 38 ... 40: manage_map(f); break;
	case 41 ... 42: prime(f, file); break;
	case 43 ... 45: raw(f, file); break;
	case 46: poll_some(f); break;
	case 47 ... 50: fuzz_kit(f); break;
	case 51:
		if (fuzz_rare(f, 20))
			reopen(file);
		break;
	default: fuzz_write_map(f);
	}
}
