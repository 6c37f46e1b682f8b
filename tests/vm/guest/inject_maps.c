// SPDX-License-Identifier: MIT
/* Mappings, what is seen in them, and buffers that are lent. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>

#include "inject.h"

static sigjmp_buf beyond;

static void on_signal(int sig)
{
	siglongjmp(beyond, sig);
}

/* The first look into a mapping. A fault that has no memory is a signal. */
static int touch(struct scene *s, bool store)
{
	volatile char *at = s->map;

	if (sigsetjmp(beyond, 1))
		return -EFAULT;
	if (store)
		at[0] = 0;
	else
		(void)at[0];
	return 0;
}

/* Far from all else, so that page tables are needed for it. */
#define FAR	((char *)0x600000000000ull)
#define FARTHER	((char *)0x610000000000ull)

static int map(struct scene *s, uint64_t offset, uint64_t size, int prot)
{
	s->map = mmap(FAR, size, prot, MAP_SHARED, s->fd, (off_t)offset);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return -errno;
	}
	s->map_size = size;
	return 0;
}

/* Without the mapping that a scene's buffer comes with. */
static void scene_unmapped(struct scene *s)
{
	scene_buffer(s);
	munmap(s->mem.map, s->mem.size);
	s->mem.map = NULL;
	must(!bo_offset(s->fd, s->mem.handle, &s->map_size));
}

static int call_map_bo(struct scene *s)
{
	uint64_t offset = s->map_size;
	int err = map(s, offset, s->mem.size, PROT_READ | PROT_WRITE);

	if (err)
		s->map_size = offset;
	return err;
}

static void scene_bo_mapped(struct scene *s)
{
	scene_unmapped(s);
	must(!call_map_bo(s));
}

static int call_map_doorbell(struct scene *s)
{
	return map(s, s->q.doorbell_offset, PAGE, PROT_READ | PROT_WRITE);
}

static int call_map_status(struct scene *s)
{
	return map(s, s->q.status_offset, s->q.status_size, PROT_READ);
}

static void scene_doorbell_mapped(struct scene *s)
{
	scene_queue(s);
	must(!call_map_doorbell(s));
}

static void scene_status_mapped(struct scene *s)
{
	scene_queue(s);
	must(!call_map_status(s));
}

static int call_store(struct scene *s)
{
	return touch(s, true);
}

static int call_load(struct scene *s)
{
	return touch(s, false);
}

static int call_unmap(struct scene *s)
{
	int err = munmap(s->map, s->map_size) ? -errno : 0;

	if (!err)
		s->map = NULL;
	return err;
}

static int call_move(struct scene *s)
{
	char *to = mremap(s->map, s->map_size, s->map_size,
			  MREMAP_MAYMOVE | MREMAP_FIXED, FARTHER);

	if (to == MAP_FAILED)
		return -errno;
	s->map = to;
	return 0;
}

/* ---- PRIME ------------------------------------------------------------------ */

static int call_export(struct scene *s)
{
	struct drm_prime_handle prime = {
		.handle = s->mem.handle, .flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int err = call(s->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	if (!err)
		s->foreign = prime.fd;
	return err;
}

static int call_import(struct scene *s)
{
	struct drm_prime_handle prime = { .fd = s->foreign };
	int err = call(s->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	s->out[0] = err ? 0 : prime.handle;
	return err;
}

/* Of another file. */
static void scene_lent(struct scene *s)
{
	struct scene lender;

	scene_buffer(&lender);
	must(!call_export(&lender));
	scene_file(s);
	s->foreign = lender.foreign;
	lender.foreign = -1;
	scene_close(&lender);
}

/* Of another driver. */
static void scene_foreign(struct scene *s)
{
	struct dma_heap_allocation_data heap = {
		.len = SCENE_PAGES * PAGE, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heaps = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	scene_vm(s);
	must(heaps >= 0 && !ioctl(heaps, DMA_HEAP_IOCTL_ALLOC, &heap));
	close(heaps);
	s->foreign = (int)heap.fd;
}

static void scene_imported(struct scene *s)
{
	scene_foreign(s);
	must(!call_import(s));
	s->mem.handle = (uint32_t)s->out[0];
	s->out[0] = 0;
}

static int call_bind_import(struct scene *s)
{
	return vm_map(s->fd, s->vm, s->mem.handle, SCENE_VA, 0, SCENE_PAGES * PAGE,
		      0);
}

static bool bind_import_undone(struct scene *s, bool unsure)
{
	int err = vm_unmap(s->fd, s->vm, SCENE_VA, SCENE_PAGES * PAGE);

	return (err == -ENOENT || (unsure && !err)) && !call_bind_import(s);
}

void inject_maps(void)
{
	static const struct sweep sweeps[] = {
		{ "mmap of a buffer", scene_unmapped, call_map_bo },
		{ "mmap of a doorbell", scene_queue, call_map_doorbell },
		{ "mmap of a status region", scene_queue, call_map_status },
		{ "a store to a buffer", scene_bo_mapped, call_store },
		{ "a store to a doorbell", scene_doorbell_mapped, call_store },
		{ "a load from a status region", scene_status_mapped, call_load },
		{ "mremap of a doorbell", scene_doorbell_mapped, call_move },
		{ "munmap of a doorbell", scene_doorbell_mapped, call_unmap },
		{ "PRIME export", scene_buffer, call_export },
		{ "PRIME import of our own", scene_lent, call_import },
		{ "PRIME import of another's", scene_foreign, call_import },
		{ "VM_BIND of another's", scene_imported, call_bind_import,
		  bind_import_undone },
	};

	if (!inject_here())
		return;
	signal(SIGBUS, on_signal);
	signal(SIGSEGV, on_signal);
	for (unsigned int i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
		inject_sweep(&sweeps[i]);
	inject_done();
}
