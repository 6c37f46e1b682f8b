// SPDX-License-Identifier: MIT
/* PRIME: buffers to other files, other drivers and back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "jobs.h"
#include "test_mmap.h"

#define VA	0x40000000ull

static int export_must(int fd, uint32_t handle)
{
	int dmabuf;

	must(!drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf));
	return dmabuf;
}

/* The chip's view of a buffer: one copy out of it, one into it. */
static bool chip_sees(struct rig *rig, uint32_t handle, char *map, uint64_t size)
{
	struct ctrans_sqe sqe;
	bool good;

	if (vm_map(rig->fd, rig->vm, handle, VA, 0, size, 0))
		return false;
	pattern((float *)(map + size - PAGE), 256, 21);
	sqe = rig_copy(rig, VA + size - PAGE, RIG_PAGE(RIG_FREE), 256);
	queue_send(&rig->q, &sqe);
	must(!queue_finish(&rig->q, 60 * SECOND));
	good = is_pattern(rig_page(rig, RIG_FREE), 256, 21);
	pattern(rig_page(rig, RIG_FREE), 256, 22);
	sqe = rig_copy(rig, RIG_PAGE(RIG_FREE), VA, 256);
	queue_send(&rig->q, &sqe);
	must(!queue_finish(&rig->q, 60 * SECOND));
	good &= is_pattern((float *)map, 256, 22);
	queue_take_all(&rig->q);
	return good && !vm_unmap(rig->fd, rig->vm, VA, size);
}

void prime_two_files(void)
{
	uint32_t handle;
	struct rig rig;
	struct bo bo;
	int dmabuf, fd = accel_open();
	uint64_t at;

	rig_open(&rig);
	bo_must(&bo, fd, 4 * PAGE);
	dmabuf = export_must(fd, bo.handle);
	is(lseek(dmabuf, 0, SEEK_END), 4 * PAGE, "a dma-buf of its size");
	is(drmPrimeFDToHandle(rig.fd, dmabuf, &handle), 0, "another file has it");
	is(bo_offset(rig.fd, handle, &at), 0, "with an offset");
	is(try_mmap(rig.fd, at, 4 * PAGE, PROT_READ, MAP_SHARED), 0, "to map it");
	ok(chip_sees(&rig, handle, bo.map, bo.size), "and its jobs work on it");
	close(dmabuf);
	bo_drop(&bo);
	close(fd);
	bo = (struct bo){ .fd = rig.fd, .handle = handle, .size = 4 * PAGE };
	bo.map = mmap(NULL, bo.size, PROT_READ | PROT_WRITE, MAP_SHARED, rig.fd,
		      (off_t)at);
	must(bo.map != MAP_FAILED);
	ok(is_pattern(bo.map, 256, 22), "the first file is gone, the data is not");
	ok(chip_sees(&rig, handle, bo.map, bo.size), "jobs still work on it");
	bo_drop(&bo);
	rig_close(&rig);
}

void prime_self(void)
{
	int fd = accel_open(), dmabuf, again;
	uint32_t handle;
	struct bo bo;

	bo_must(&bo, fd, PAGE);
	dmabuf = export_must(fd, bo.handle);
	is(drmPrimeFDToHandle(fd, dmabuf, &handle), 0, "back into its file");
	is(handle, bo.handle, "it is the handle that it has");
	again = export_must(fd, bo.handle);
	is(drmPrimeFDToHandle(fd, again, &handle), 0, "exported twice");
	is(handle, bo.handle, "the same");
	is(bo_close(fd, handle), 0, "closed once");
	is(bo_close(fd, handle), -EINVAL, "there was one");
	is(drmPrimeFDToHandle(fd, dmabuf, &handle), 0, "from the dma-buf again");
	ok(handle != 0, "handle %u", handle);
	close(dmabuf);
	close(again);
}

void prime_bad(void)
{
	int fd = accel_open(), other = accel_open(), null, dmabuf;
	uint32_t handle;

	must(!bo_create(other, PAGE, &handle));
	fails(drmPrimeHandleToFD(fd, 0, 0, &dmabuf), "handle 0");
	fails(drmPrimeHandleToFD(fd, handle, 0, &dmabuf), "another file's handle");
	fails(drmPrimeHandleToFD(other, handle, ~0u, &dmabuf), "all flags");
	fails(drmPrimeFDToHandle(fd, -1, &handle), "fd -1");
	fails(drmPrimeFDToHandle(fd, fd, &handle), "an fd that is no dma-buf");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	fails(drmPrimeFDToHandle(fd, null, &handle), "/dev/null");
	close(null);
	ok(chip_works(), "jobs work");
}

void prime_outlives(void)
{
	const unsigned int n = 8;
	bool good = true;
	char *map[8];

	for (unsigned int i = 0; i < n; i++) {
		int fd = accel_open(), dmabuf;
		uint32_t vm = vm_must(fd);
		struct bo bo;

		bo_must(&bo, fd, 16 * PAGE);
		must(!vm_map(fd, vm, bo.handle, VA, 0, bo.size, 0));
		memset(bo.map, (int)i, bo.size);
		dmabuf = export_must(fd, bo.handle);
		map[i] = mmap(NULL, bo.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      dmabuf, 0);
		must(map[i] != MAP_FAILED);
		/* all orders of leaving */
		if (i & 1)
			close(dmabuf);
		if (i & 2)
			bo_drop(&bo);
		if (i & 4)
			vm_destroy(fd, vm);
		close(fd);
		if (!(i & 2))
			munmap(bo.map, bo.size);
		if (!(i & 1))
			close(dmabuf);
	}
	ok(chip_works(), "files gone, dma-bufs mapped: others work");
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int at = 0; at < 16 * PAGE; at++)
			good &= map[i][at] == (char)i;
		map[i][0] = 99;
		munmap(map[i], 16 * PAGE);
	}
	ok(good, "with their data");
}

/* What another driver made: the system heap stands for cameras and the like. */
void prime_foreign(void)
{
	struct dma_heap_allocation_data heap = { .len = 64 * PAGE,
						 .fd_flags = O_RDWR | O_CLOEXEC };
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START |
					      DMA_BUF_SYNC_RW };
	int fd = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	uint32_t handle;
	struct rig rig;
	char *map;

	if (fd < 0) {
		guest_skip("no /dev/dma_heap/system in this kernel");
		return;
	}
	must(!ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &heap));
	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   (int)heap.fd, 0);
	must(map != MAP_FAILED);
	must(!ioctl((int)heap.fd, DMA_BUF_IOCTL_SYNC, &sync));
	rig_open(&rig);
	is(drmPrimeFDToHandle(rig.fd, (int)heap.fd, &handle), 0, "imported");
	ok(chip_sees(&rig, handle, map, 64 * PAGE), "jobs work on it");
	is(vm_map(rig.fd, rig.vm, handle, VA, 0, 65 * PAGE, 0), -EINVAL,
	   "a page more than it has");
	is(vm_map(rig.fd, rig.vm, handle, VA, 3 * PAGE, 7 * PAGE, 0), 0,
	   "some of its middle");
	close((int)heap.fd);
	close(fd);
	bo_close(rig.fd, handle);
	{
		struct ctrans_sqe sqe;

		pattern((float *)(map + 9 * PAGE), 256, 31);
		sqe = rig_copy(&rig, VA + 6 * PAGE, RIG_PAGE(RIG_FREE), 256);
		queue_send(&rig.q, &sqe);
		is(queue_finish(&rig.q, 60 * SECOND), 0, "bound while all handles close");
		ok(is_pattern(rig_page(&rig, RIG_FREE), 256, 31), "right");
	}
	rig_close(&rig);
	munmap(map, 64 * PAGE);
	ok(chip_works(), "others work");
}

/* Exported, imported and bound in several spaces; closed under a job. */
void prime_jobs(void)
{
	struct rig a, b;
	uint32_t handle;
	struct ctrans_sqe sqe;
	struct bo bo;
	int dmabuf;

	rig_open(&a);
	rig_open(&b);
	bo_must(&bo, a.fd, PAGE);
	dmabuf = export_must(a.fd, bo.handle);
	must(!drmPrimeFDToHandle(b.fd, dmabuf, &handle));
	must(!vm_map(a.fd, a.vm, bo.handle, VA, 0, PAGE, 0));
	must(!vm_map(b.fd, b.vm, handle, VA, 0, PAGE, DRM_CTRANS_VM_BIND_READONLY));
	pattern(rig_page(&a, RIG_FREE), 256, 41);
	sqe = rig_copy(&a, RIG_PAGE(RIG_FREE), VA, 256);
	queue_send(&a.q, &sqe);
	must(!queue_finish(&a.q, 60 * SECOND));
	sqe = rig_copy(&b, VA, RIG_PAGE(RIG_FREE), 256);
	queue_send(&b.q, &sqe);
	is(queue_finish(&b.q, 60 * SECOND), 0, "one writes, the other reads");
	ok(is_pattern(rig_page(&b, RIG_FREE), 256, 41), "the same");
	rig_close(&a);
	close(dmabuf);
	sqe = rig_copy(&b, VA, RIG_PAGE(RIG_FREE + 1), 256);
	queue_send(&b.q, &sqe);
	is(queue_finish(&b.q, 60 * SECOND), 0, "the writer gone");
	ok(is_pattern(rig_page(&b, RIG_FREE + 1), 256, 41), "still the same");
	rig_close(&b);
}
