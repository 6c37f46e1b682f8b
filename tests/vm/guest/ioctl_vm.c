// SPDX-License-Identifier: MIT
/* VM_CREATE, VM_DESTROY, VM_BIND. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_ioctl.h"

#define VA	0x100000ull

void vm_good(void)
{
	int fd = accel_open();
	uint32_t a, b, c;

	is(vm_create(fd, &a), 0, "a space");
	is(vm_create(fd, &b), 0, "another");
	ok(a && b && a != b, "with ids %u and %u", a, b);
	is(vm_destroy(fd, a), 0, "the first destroyed");
	is(vm_destroy(fd, a), -ENOENT, "but once");
	is(vm_create(fd, &c), 0, "a third");
	ok(c && c != b, "with an id of its own");
	is(vm_destroy(fd, b), 0, "the second destroyed");
	is(vm_destroy(fd, c), 0, "the third destroyed");
}

void vm_bad(void)
{
	int fd = accel_open(), other = accel_open();
	struct drm_ctrans_vm_create create;
	struct drm_ctrans_vm_destroy destroy;
	uint32_t vm = vm_must(fd), none;

	for (unsigned int bit = 0; bit < 32; bit++) {
		create = (struct drm_ctrans_vm_create){ .flags = 1u << bit };
		is(call(fd, DRM_IOCTL_CTRANS_VM_CREATE, &create), -EINVAL,
		   "VM_CREATE's flag bit %u", bit);
	}
	destroy = (struct drm_ctrans_vm_destroy){ .vm_id = vm, .pad = 1 };
	is(call(fd, DRM_IOCTL_CTRANS_VM_DESTROY, &destroy), -EINVAL,
	   "VM_DESTROY's pad");
	is(vm_destroy(fd, 0), -ENOENT, "id 0");
	is(vm_destroy(fd, vm + 1), -ENOENT, "an id not yet given");
	is(vm_destroy(fd, UINT32_MAX), -ENOENT, "id ~0");
	is(vm_destroy(other, vm), -ENOENT, "another file's id");
	is(vm_unmap(other, vm, VA, PAGE), -ENOENT, "bound by another file");
	must(!vm_create(other, &none));
	is(none, vm, "numbers are of the file");
	is(vm_destroy(other, none), 0, "theirs destroyed");
	is(vm_destroy(fd, vm), 0, "leaves mine");
}

void bind_good(void)
{
	struct rig rig;
	struct bo bo;

	rig_open(&rig);
	bo_must(&bo, rig.fd, 16 * PAGE);
	is(vm_map(rig.fd, rig.vm, bo.handle, VA, 0, bo.size, 0), 0, "a buffer");
	is(vm_map(rig.fd, rig.vm, bo.handle, VA + bo.size, 0, PAGE, 0), 0,
	   "its first page again, right after it");
	is(vm_map(rig.fd, rig.vm, bo.handle, VA - 2 * PAGE, 4 * PAGE, 2 * PAGE, 0),
	   0, "two of its middle, right before it");
	/* the binding keeps the buffer */
	pattern((float *)((char *)bo.map + 5 * PAGE), 256, 3);
	bo_close(rig.fd, bo.handle);
	{
		struct ctrans_sqe sqe = rig_copy(&rig, VA - PAGE,
						 RIG_PAGE(RIG_FREE), 256);

		queue_send(&rig.q, &sqe);
		is(queue_finish(&rig.q, 60 * SECOND), 0, "a job reads it");
		ok(is_pattern(rig_page(&rig, RIG_FREE), 256, 3), "as it was");
	}
	is(vm_unmap(rig.fd, rig.vm, VA - 2 * PAGE, bo.size + 3 * PAGE), 0,
	   "all three in one range");
	is(vm_unmap(rig.fd, rig.vm, VA - 2 * PAGE, bo.size + 3 * PAGE), -ENOENT,
	   "and gone");
	ok(rig_works(&rig), "jobs work");
	rig_close(&rig);
}

void bind_bad(void)
{
	struct drm_ctrans_vm_bind_op good, op;
	struct drm_ctrans_vm_bind bind;
	uint32_t vm, none, done;
	int fd = accel_open();
	struct bo bo;

	vm = vm_must(fd);
	bo_must(&bo, fd, 4 * PAGE);
	good = (struct drm_ctrans_vm_bind_op){
		.type = DRM_CTRANS_VM_BIND_MAP,
		.bo_handle = bo.handle,
		.va = VA,
		.size = PAGE,
	};
#define TRY(field, value, want, name)					\
	do {								\
		op = good;						\
		op.field = value;					\
		done = 99;						\
		is(vm_bind(fd, vm, &op, 1, sizeof(op), &done), want, name);	\
		is(done, 0, "none done");				\
	} while (0)
	TRY(type, 2, -EINVAL, "operation 2");
	TRY(type, UINT32_MAX, -EINVAL, "operation ~0");
	for (unsigned int bit = 1; bit < 32; bit++) {
		op = good;
		op.flags = 1u << bit;
		is(vm_bind(fd, vm, &op, 1, sizeof(op), NULL), -EINVAL,
		   "operation's flag bit %u", bit);
	}
	TRY(pad, 1, -EINVAL, "operation's pad");
	TRY(bo_handle, 0, -ENOENT, "handle 0");
	TRY(bo_handle, bo.handle + 1, -ENOENT, "a handle not yet given");
	TRY(bo_handle, UINT32_MAX, -ENOENT, "handle ~0");
	is(vm_map(fd, vm, bo.handle, VA, 0, PAGE, 0), 0, "a binding");
	good.type = DRM_CTRANS_VM_BIND_UNMAP;
	good.bo_handle = 0;
	TRY(flags, DRM_CTRANS_VM_BIND_READONLY, -EINVAL, "UNMAP's flag");
	TRY(bo_handle, bo.handle, -EINVAL, "UNMAP's handle");
	TRY(bo_offset, PAGE, -EINVAL, "UNMAP's offset");
	TRY(pad, 1 << 31, -EINVAL, "UNMAP's pad");
#undef TRY
	is(vm_unmap(fd, vm, VA, PAGE), 0, "still there after all that");

	good.type = DRM_CTRANS_VM_BIND_MAP;
	good.bo_handle = bo.handle;
	for (unsigned int bit = 0; bit < 32; bit++) {
		bind = (struct drm_ctrans_vm_bind){
			.vm_id = vm, .flags = 1u << bit, .stride = sizeof(good),
			.count = 1, .ops = (uintptr_t)&good,
		};
		is(call(fd, DRM_IOCTL_CTRANS_VM_BIND, &bind), -EINVAL,
		   "VM_BIND's flag bit %u", bit);
	}
	is(vm_bind(fd, 0, &good, 1, sizeof(good), NULL), -ENOENT, "space 0");
	is(vm_bind(fd, vm + 1, &good, 1, sizeof(good), NULL), -ENOENT,
	   "a space not yet given");
	is(vm_bind(fd, vm, NULL, 1, sizeof(good), &done), -EFAULT,
	   "operations at NULL");
	is(done, 0, "none done");
	is(vm_bind(fd, vm, (void *)-64l, 1, sizeof(good), NULL), -EFAULT,
	   "operations in the kernel");
	is(vm_bind(fd, vm, &good, DRM_CTRANS_VM_BIND_OPS_MAX + 1, sizeof(good),
		   NULL), -E2BIG, "1025 operations");
	is(vm_bind(fd, vm, &good, UINT32_MAX, sizeof(good), NULL), -E2BIG,
	   "4294967295 operations");
	is(vm_bind(fd, vm, &good, 0, sizeof(good), &done), 0, "no operations");
	is(done, 0, "none done");
	is(vm_unmap(fd, vm, VA, 1ull << 38), -ENOENT, "and nothing is bound");
	must(!vm_create(fd, &none));
	is(vm_destroy(fd, none), 0, "a space without anything in it");
	is(vm_map(fd, none, bo.handle, VA, 0, PAGE, 0), -ENOENT, "gone is gone");
}

/* Addresses, offsets and sizes that do not fit anything. */
void bind_ranges(void)
{
	struct drm_ctrans_info info;
	int fd = accel_open();
	uint32_t vm = vm_must(fd);
	struct bo bo;

	info_must(fd, &info);
	bo_must(&bo, fd, 4 * PAGE);
	const struct {
		uint64_t va, offset, size;
		int want;
		const char *name;
	} cases[] = {
		{ VA, 0, 0, -EINVAL, "no bytes" },
		{ VA, 0, 1, -EINVAL, "one byte" },
		{ VA, 0, PAGE + 1, -EINVAL, "a page and a byte" },
		{ VA + 1, 0, PAGE, -EINVAL, "address not of a page" },
		{ VA + 64, 0, PAGE, -EINVAL, "address of a granule" },
		{ VA, 1, PAGE, -EINVAL, "offset not of a page" },
		{ VA, 0, 5 * PAGE, -EINVAL, "a page too much" },
		{ VA, 4 * PAGE, PAGE, -EINVAL, "right behind the buffer" },
		{ VA, 3 * PAGE, 2 * PAGE, -EINVAL, "over its end" },
		{ VA, -(uint64_t)PAGE, 2 * PAGE, -EINVAL, "offset + size wraps" },
		{ VA, -(uint64_t)PAGE, PAGE, -EINVAL, "offset + size is 0" },
		{ VA, PAGE, -(uint64_t)PAGE, -EINVAL, "size wraps to the front" },
		{ VA, 1ull << 63, PAGE, -EINVAL, "offset of 2^63" },
		{ VA, 0, 1ull << 63, -EINVAL, "size of 2^63" },
		{ 0, 0, PAGE, -EINVAL, "address 0" },
		{ info.va_start - PAGE, 0, PAGE, -EINVAL, "below the first" },
		{ info.va_start - PAGE, 0, 2 * PAGE, -EINVAL, "across the first" },
		{ info.va_end, 0, PAGE, -EINVAL, "at the end" },
		{ info.va_end - PAGE, 0, 2 * PAGE, -EINVAL, "across the end" },
		{ -(uint64_t)PAGE, 0, PAGE, -EINVAL, "the last page of all" },
		{ -(uint64_t)PAGE, 0, 2 * PAGE, -EINVAL, "wraps to 0" },
		{ 1ull << 63, 0, PAGE, -EINVAL, "address of 2^63" },
		{ info.va_end + VA, 0, PAGE, -EINVAL, "a bit too many" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is(vm_map(fd, vm, bo.handle, cases[i].va, cases[i].offset,
			  cases[i].size, 0), cases[i].want, "map: %s",
		   cases[i].name);
		if (!cases[i].offset && cases[i].size != 5 * PAGE)
			fails(vm_unmap(fd, vm, cases[i].va, cases[i].size),
			      "unmap: %s", cases[i].name);
	}
	is(vm_unmap(fd, vm, VA, PAGE + 1), -EINVAL, "unmap: a page and a byte");
	is(vm_unmap(fd, vm, VA, 0), -EINVAL, "unmap: no bytes");
	is(vm_unmap(fd, vm, VA, PAGE), -ENOENT, "unmap: nothing there");

	is(vm_map(fd, vm, bo.handle, info.va_start, 0, PAGE, 0), 0,
	   "the first page");
	is(vm_map(fd, vm, bo.handle, info.va_end - 4 * PAGE, 0, 4 * PAGE, 0), 0,
	   "the last four");
	is(vm_map(fd, vm, bo.handle, VA, PAGE, 2 * PAGE, 0), 0, "two in between");
	is(vm_map(fd, vm, bo.handle, VA, 0, PAGE, 0), -EEXIST, "over the first");
	is(vm_map(fd, vm, bo.handle, VA + PAGE, 0, PAGE, 0), -EEXIST,
	   "over the second");
	is(vm_map(fd, vm, bo.handle, VA - PAGE, 0, 2 * PAGE, 0), -EEXIST,
	   "into it from below");
	is(vm_map(fd, vm, bo.handle, VA + PAGE, 0, 2 * PAGE, 0), -EEXIST,
	   "out of it");
	is(vm_map(fd, vm, bo.handle, VA - PAGE, 0, 4 * PAGE, 0), -EEXIST,
	   "all around it");
	is(vm_unmap(fd, vm, VA, PAGE), -EINVAL, "unmap the half of it");
	is(vm_unmap(fd, vm, VA + PAGE, PAGE), -EINVAL, "the other half");
	is(vm_unmap(fd, vm, VA - PAGE, 2 * PAGE), -EINVAL, "from below");
	is(vm_unmap(fd, vm, VA + PAGE, 2 * PAGE), -EINVAL, "from above");
	is(vm_unmap(fd, vm, VA, 2 * PAGE), 0, "all of it");
	is(vm_map(fd, vm, bo.handle, VA + PAGE, 0, 2 * PAGE, 0), 0,
	   "there is room now");
	is(vm_unmap(fd, vm, info.va_start, info.va_end - info.va_start), 0,
	   "everything at once");
	is(vm_unmap(fd, vm, info.va_start, info.va_end - info.va_start), -ENOENT,
	   "and nothing is left");
	is(vm_destroy(fd, vm), 0, "destroyed");
}

/* The first error ends it, what was before it stays, and the count says so. */
void bind_partial(void)
{
	struct drm_ctrans_vm_bind_op ops[8];
	char *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = accel_open();
	uint32_t vm = vm_must(fd), done;
	struct bo bo;

	must(edge != MAP_FAILED);
	munmap(edge + PAGE, PAGE);
	bo_must(&bo, fd, 8 * PAGE);
	for (unsigned int i = 0; i < 8; i++)
		ops[i] = (struct drm_ctrans_vm_bind_op){
			.bo_handle = bo.handle,
			.va = VA + i * PAGE,
			.bo_offset = i * PAGE,
			.size = PAGE,
		};
	ops[5].va = VA + 2 * PAGE;
	is(vm_bind(fd, vm, ops, 8, sizeof(ops[0]), &done), -EEXIST,
	   "the sixth of eight is wrong");
	is(done, 5, "five were done");
	is(vm_unmap(fd, vm, VA + 5 * PAGE, 3 * PAGE), -ENOENT,
	   "none of the later ones");
	is(vm_unmap(fd, vm, VA + 4 * PAGE, PAGE), 0, "the fifth is there");
	is(vm_unmap(fd, vm, VA, 4 * PAGE), 0, "and those before it");
	ops[5].va = VA + 5 * PAGE;
	ops[7].bo_handle = 0;
	is(vm_bind(fd, vm, ops, 8, sizeof(ops[0]), &done), -ENOENT,
	   "the last is wrong");
	is(done, 7, "seven were done");
	is(vm_unmap(fd, vm, VA, 8 * PAGE), 0, "they are there");
	/* what cannot be read comes after what can */
	memcpy(edge + PAGE - 3 * sizeof(ops[0]), ops, 3 * sizeof(ops[0]));
	is(vm_bind(fd, vm, edge + PAGE - 3 * sizeof(ops[0]), 8, sizeof(ops[0]),
		   &done), -EFAULT, "the fourth is not memory");
	ok(done == 3 || done == 0, "%u were done", done);
	is(vm_unmap(fd, vm, VA, 3 * PAGE), done ? 0 : -ENOENT,
	   "just as many are there");
	/* mixed: a round through one address */
	for (unsigned int i = 0; i < 8; i++) {
		ops[i].va = VA;
		ops[i].type = i & 1;
		ops[i].bo_handle = i & 1 ? 0 : bo.handle;
		ops[i].bo_offset = i & 1 ? 0 : i * PAGE;
	}
	is(vm_bind(fd, vm, ops, 8, sizeof(ops[0]), &done), 0,
	   "map and unmap in turn");
	is(done, 8, "all done");
	is(vm_unmap(fd, vm, VA, PAGE), -ENOENT, "nothing left");
}

void bind_stride(void)
{
	size_t step = sizeof(struct drm_ctrans_vm_bind_op);
	unsigned char ops[3 * 128] = { 0 };
	struct drm_ctrans_vm_bind_op *op;
	int fd = accel_open();
	uint32_t vm = vm_must(fd), done;
	struct bo bo;

	bo_must(&bo, fd, 8 * PAGE);
	for (unsigned int i = 0; i < 3; i++) {
		op = (void *)(ops + i * 128);
		op->bo_handle = bo.handle;
		op->va = VA + i * PAGE;
		op->size = PAGE;
	}
	is(vm_bind(fd, vm, ops, 3, 128, &done), 0, "128 bytes each, rest zero");
	is(done, 3, "all done");
	is(vm_unmap(fd, vm, VA, 3 * PAGE), 0, "they are there");
	ops[128 + step] = 1;
	is(vm_bind(fd, vm, ops, 3, 128, &done), -E2BIG,
	   "the second has what this kernel does not know");
	is(done, 1, "one done");
	is(vm_unmap(fd, vm, VA, 3 * PAGE), 0, "it is there");
	is(vm_bind(fd, vm, ops, 1, 0, &done), -EINVAL, "0 bytes each");
	is(vm_bind(fd, vm, ops, 1, (uint32_t)step - 8, &done), -EINVAL,
	   "less than there ever was");
	fails(vm_bind(fd, vm, ops, 1, UINT32_MAX, &done), "4 GiB each");
	is(done, 0, "none done");
	fails(vm_bind(fd, vm, ops, 1024, 0x80000000, &done), "2 GiB each");
	is(vm_unmap(fd, vm, VA, 1ull << 38), done ? 0 : -ENOENT,
	   "as many bound as it says");
}

void bind_readonly(void)
{
	struct drm_ctrans_queue_get_state st;
	struct ctrans_cqe cqe = { 0 };
	struct ctrans_sqe sqe;
	struct rig rig;
	struct bo bo;

	rig_open(&rig);
	bo_must(&bo, rig.fd, PAGE);
	must(!vm_map(rig.fd, rig.vm, bo.handle, VA, 0, PAGE,
		     DRM_CTRANS_VM_BIND_READONLY));
	pattern(bo.map, 64, 9);
	sqe = rig_copy(&rig, VA, RIG_PAGE(RIG_FREE), 64);
	queue_send(&rig.q, &sqe);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "reading it works");
	ok(is_pattern(rig_page(&rig, RIG_FREE), 64, 9), "right");
	pattern(rig_page(&rig, RIG_FREE), 64, 10);
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), VA, 64);
	sqe.sequence = 77;
	queue_send(&rig.q, &sqe);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "writing it completes");
	must(queue_take(&rig.q, &cqe) && queue_take(&rig.q, &cqe));
	is(cqe.status, CTRANS_ST_FAULT, "as a fault");
	ok(is_pattern(bo.map, 64, 9), "nothing was written");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_FAULTED, "the queue stands");
	is(st.error, CTRANS_QERR_JOB, "for a job");
	is(st.fault_va, VA, "at this address");
	is(st.fault_sequence, 77, "in this job");
	is(st.fault_insn, 0, "in its first instruction");
	must(!vm_unmap(rig.fd, rig.vm, VA, PAGE));
	must(!vm_map(rig.fd, rig.vm, bo.handle, VA, 0, PAGE, 0));
	is(queue_restart(rig.fd, rig.q.id), 0, "restarted");
	sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), VA, 64);
	queue_send(&rig.q, &sqe);
	is(queue_finish(&rig.q, 60 * SECOND), 0, "bound for writing it works");
	ok(is_pattern(bo.map, 64, 10), "written");
	rig_close(&rig);
}
