// SPDX-License-Identifier: MIT
/* BO_CREATE, BO_MMAP_OFFSET and what DRM does with handles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_ioctl.h"

void bo_good(void)
{
	static const uint64_t sizes[] = { 1, 4095, 4096, 4097, 1 << 20, 2 << 20,
					  (2 << 20) + 1 };
	int fd = accel_open();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct drm_ctrans_bo_create bo = { .size = sizes[i] };
		uint64_t want = (sizes[i] + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		uint64_t at, again;

		is(call(fd, DRM_IOCTL_CTRANS_BO_CREATE, &bo), 0, "%llu bytes",
		   (unsigned long long)sizes[i]);
		ok(bo.handle, "handle %u", bo.handle);
		is(bo.size, want, "rounded up to pages");
		is(bo_offset(fd, bo.handle, &at), 0, "its offset");
		is(bo_offset(fd, bo.handle, &again), 0, "its offset again");
		is(again, at, "the same");
		is(try_mmap(fd, at, bo.size, PROT_READ | PROT_WRITE, MAP_SHARED),
		   0, "mapped");
		is(try_mmap(fd, at, bo.size + PAGE, PROT_READ, MAP_SHARED), -EINVAL,
		   "a page more is not");
		is(bo_close(fd, bo.handle), 0, "closed");
		is(bo_close(fd, bo.handle), -EINVAL, "but once");
		is(bo_offset(fd, bo.handle, &at), -ENOENT, "and gone");
	}
}

void bo_bad(void)
{
	struct drm_ctrans_bo_create bo = { 0 };
	struct drm_ctrans_bo_mmap_offset at = { 0 };
	uint32_t handle;
	int fd = accel_open();

	is(call(fd, DRM_IOCTL_CTRANS_BO_CREATE, &bo), -EINVAL, "no bytes");
	for (unsigned int bit = 0; bit < 32; bit++) {
		bo = (struct drm_ctrans_bo_create){ .size = PAGE,
						    .flags = 1u << bit };
		is(call(fd, DRM_IOCTL_CTRANS_BO_CREATE, &bo), -EINVAL,
		   "flag bit %u", bit);
	}
	must(!bo_create(fd, PAGE, &handle));
	at = (struct drm_ctrans_bo_mmap_offset){ .handle = handle, .pad = 1 };
	is(call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at), -EINVAL,
	   "BO_MMAP_OFFSET's pad");
	at = (struct drm_ctrans_bo_mmap_offset){ .handle = handle,
						 .pad = 0x80000000 };
	is(call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at), -EINVAL,
	   "BO_MMAP_OFFSET's pad, highest bit");
	at = (struct drm_ctrans_bo_mmap_offset){ .handle = 0 };
	is(call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at), -ENOENT, "handle 0");
	at = (struct drm_ctrans_bo_mmap_offset){ .handle = handle + 1 };
	is(call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at), -ENOENT,
	   "a handle not yet given");
	at = (struct drm_ctrans_bo_mmap_offset){ .handle = UINT32_MAX };
	is(call(fd, DRM_IOCTL_CTRANS_BO_MMAP_OFFSET, &at), -ENOENT, "handle ~0");
}

static bool is_zero(const char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (at[i])
			return false;
	return true;
}

void bo_zeroed(void)
{
	bool zero = true;
	int fd = accel_open();
	struct bo bo;

	/* each time as much again as was just soiled */
	for (int i = 0; i < 8; i++) {
		bo_must(&bo, fd, 4 << 20);
		zero &= is_zero(bo.map, bo.size);
		memset(bo.map, 0xc5, bo.size);
		bo_drop(&bo);
	}
	ok(zero, "memory is zeroed, in one file");
	for (int i = 0; i < 8; i++) {
		int other = accel_open();

		bo_must(&bo, other, 4 << 20);
		zero &= is_zero(bo.map, bo.size);
		memset(bo.map, 0xc5, bo.size);
		close(other);
		munmap(bo.map, bo.size);
	}
	ok(zero, "memory is zeroed, from file to file");
}

/*
 * More than there is: an error now or when it is bound, never a warning in the
 * kernel's log and never the machine's end.
 */
void bo_huge(void)
{
	static const uint64_t sizes[] = {
		UINT64_MAX, UINT64_MAX - PAGE + 2, 1ull << 63, (1ull << 63) - 1,
		1ull << 62, 1ull << 52, 1ull << 48, 1ull << 44, 1ull << 41,
		1ull << 40, 1ull << 39, 1ull << 38,
	};
	int kmsg = kmsg_open();
	int fd = accel_open();
	uint32_t vm = vm_must(fd);
	struct drm_ctrans_info info;
	char line[256] = "";

	info_must(fd, &info);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned long long size = sizes[i];
		uint32_t handle;
		uint64_t at;
		int err;

		err = bo_create(fd, size, &handle);
		if (err) {
			ok(err == -EINVAL || err == -E2BIG || err == -ENOMEM,
			   "%#llx bytes refused: %d", size, err);
			continue;
		}
		/* it may exist; it cannot be in memory */
		fails(vm_map(fd, vm, handle, info.va_start, 0, size & ~0xfffull, 0),
		      "%#llx bytes bound", size);
		must(!bo_offset(fd, handle, &at));
		bo_close(fd, handle);
	}
	is(kmsg_count(kmsg, "", line, sizeof(line)), 0,
	   "the kernel has nothing to say");
	if (line[0])
		guest_note("%s", line);
	ok(chip_works(), "and others work");
}

void bo_foreign(void)
{
	int mine = accel_open(), other = accel_open();
	uint32_t handle, vm = vm_must(mine);
	struct bo bo;
	uint64_t at;

	bo_must(&bo, other, PAGE);
	strcpy(bo.map, "theirs");
	is(bo_offset(mine, bo.handle, &at), -ENOENT, "another file's handle");
	is(vm_map(mine, vm, bo.handle, 0x100000, 0, PAGE, 0), -ENOENT,
	   "another file's handle bound");
	must(!bo_offset(other, bo.handle, &at));
	is(try_mmap(mine, at, PAGE, PROT_READ, MAP_SHARED), -EACCES,
	   "another file's offset");
	/* the same number, another buffer */
	must(!bo_create(mine, PAGE, &handle));
	is(handle, bo.handle, "numbers are of the file");
	is(bo_close(mine, handle), 0, "closing mine");
	is(strcmp(bo.map, "theirs"), 0, "leaves theirs");
	is(bo_offset(other, bo.handle, &at), 0, "with its handle");
}
