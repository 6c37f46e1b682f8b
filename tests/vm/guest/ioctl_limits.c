// SPDX-License-Identifier: MIT
/*
 * What a file may have, and the chip; that it comes back whole. Leaks are looked
 * for by doing everything more often than the chip has room for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_ioctl.h"

/* More than the chip has of anything. */
#define ROUNDS	100
#define RING_VA	0x100000ull

void limit_vms(void)
{
	struct drm_ctrans_info info;
	int fd = accel_open();
	uint32_t vm[256], one;
	unsigned int n = 0;

	info_must(fd, &info);
	must(info.vms_max < 256);
	while (n < info.vms_max && !vm_create(fd, &vm[n]))
		n++;
	is(n, info.vms_max, "as many spaces as promised");
	for (int i = 0; i < 3; i++)
		is(vm_create(fd, &one), -EBUSY, "one more");
	is(vm_destroy(fd, vm[n / 2]), 0, "one less");
	is(vm_create(fd, &vm[n / 2]), 0, "one more");
	is(vm_create(fd, &one), -EBUSY, "but no two");
	for (unsigned int i = 0; i < n; i++)
		must(!vm_destroy(fd, vm[i]));
	is(vm_create(fd, &one), 0, "and again after all are gone");
}

/* Binds @bo every @step bytes until that fails, at most @max times; how often. */
static uint32_t bind_many(int fd, uint32_t vm, const struct bo *bo, uint64_t step,
			  uint32_t max, int *err)
{
	static struct drm_ctrans_vm_bind_op ops[DRM_CTRANS_VM_BIND_OPS_MAX];
	uint32_t n = 0, done;

	*err = 0;
	while (!*err && n < max) {
		uint32_t count = max - n < DRM_CTRANS_VM_BIND_OPS_MAX ?
			max - n : DRM_CTRANS_VM_BIND_OPS_MAX;

		for (uint32_t i = 0; i < count; i++)
			ops[i] = (struct drm_ctrans_vm_bind_op){
				.type = DRM_CTRANS_VM_BIND_MAP,
				.bo_handle = bo->handle,
				.va = RING_VA + (n + i) * step, .size = PAGE,
			};
		*err = vm_bind(fd, vm, ops, count, sizeof(ops[0]), &done);
		n += done;
	}
	return n;
}

void limit_bindings(void)
{
	const uint32_t max = DRM_CTRANS_VM_BINDINGS_MAX;
	int fd = accel_open(), err;
	uint32_t vm = vm_must(fd);
	struct bo bo;

	bo_must(&bo, fd, PAGE);
	is(bind_many(fd, vm, &bo, PAGE, max + 1, &err), max, "all that are promised");
	is(err, -ENOSPC, "and no more");
	is(vm_unmap(fd, vm, RING_VA + PAGE, PAGE), 0, "one less");
	is(vm_map(fd, vm, bo.handle, RING_VA + PAGE, 0, PAGE, 0), 0, "one more");
	is(vm_map(fd, vm, bo.handle, RING_VA + max * PAGE, 0, PAGE, 0), -ENOSPC,
	   "but no two");
	is(vm_unmap(fd, vm, RING_VA, max * PAGE), 0, "all gone");
	is(vm_map(fd, vm, bo.handle, RING_VA, 0, PAGE, 0), 0, "and again");
}

/* A page in each 2 MiB takes a table, and each 1 GiB another above them. */
void limit_tables(void)
{
	const uint64_t step = 2 << 20, giga = 1 << 30;
	int fd = accel_open(), err;
	uint32_t vm = vm_must(fd), n, tables;
	struct bo bo;

	bo_must(&bo, fd, PAGE);
	n = bind_many(fd, vm, &bo, step, DRM_CTRANS_VM_TABLES_MAX, &err);
	is(err, -ENOSPC, "a VM has so many tables");
	tables = n + (RING_VA + (n - 1) * step) / giga + 1;
	is(tables, DRM_CTRANS_VM_TABLES_MAX, "which is what was promised");
	is(vm_map(fd, vm, bo.handle, RING_VA + PAGE, 0, PAGE, 0), 0,
	   "one that is there takes more");
	is(vm_unmap(fd, vm, RING_VA, n * step), 0, "all gone");
	is(bind_many(fd, vm, &bo, step, DRM_CTRANS_VM_TABLES_MAX, &err), n,
	   "and again");
}

static uint32_t file_with_ring(int fd, struct bo *bo)
{
	uint32_t vm = vm_must(fd);

	bo_must(bo, fd, PAGE);
	must(!vm_map(fd, vm, bo->handle, RING_VA, 0, PAGE, 0));
	return vm;
}

static int one_queue(int fd, uint32_t vm, uint32_t *id)
{
	struct drm_ctrans_queue_create create = {
		.vm_id = vm, .sq_log2 = 3, .cq_log2 = 3, .sq_va = RING_VA,
		.eventfd = -1,
	};
	int err = queue_create(fd, &create);

	*id = create.queue_id;
	return err;
}

void limit_queues(void)
{
	struct drm_ctrans_info info;
	int fd = accel_open();
	uint32_t q[64], one, vm;
	unsigned int n = 0;
	struct bo bo;

	info_must(fd, &info);
	vm = file_with_ring(fd, &bo);
	while (n < info.queues_max && !one_queue(fd, vm, &q[n]))
		n++;
	is(n, info.queues_max, "as many queues as promised");
	for (int i = 0; i < 3; i++)
		is(one_queue(fd, vm, &one), -EBUSY, "one more");
	is(queue_destroy(fd, q[0]), 0, "one less");
	is(one_queue(fd, vm, &q[0]), 0, "one more");
	is(one_queue(fd, vm, &one), -EBUSY, "but no two");
	for (unsigned int i = 0; i < n; i++)
		must(!queue_destroy(fd, q[i]));
	is(one_queue(fd, vm, &one), 0, "and again after all are gone");
}

/* All files together have the whole chip, and no more. */
void limit_chip(void)
{
	unsigned int n = 0, vms = 0;
	struct rig early;
	int fds[128];
	uint32_t id;

	rig_open(&early);
	for (unsigned int i = 0; i < 16; i++) {
		struct bo bo;
		uint32_t vm;

		fds[i] = accel_open();
		vm = file_with_ring(fds[i], &bo);
		while (!one_queue(fds[i], vm, &id))
			n++;
		munmap(bo.map, bo.size);
	}
	is(n + 1, 64, "queues of all files");
	ok(rig_works(&early), "those that are there work");
	queue_close(&early.q);
	{
		struct drm_ctrans_queue_create how = {
			.vm_id = early.vm, .sq_log2 = 3, .cq_log2 = 3,
			.sq_va = RIG_VA, .eventfd = -1,
		};

		is(queue_open(&early.q, early.fd, &how, early.mem.map), 0,
		   "one destroyed is one free");
	}
	for (unsigned int i = 0; i < 16; i++)
		close(fds[i]);
	ok(chip_works(), "all come back when files are closed");

	for (unsigned int i = 0; i < 128; i++) {
		uint32_t vm;

		fds[i] = accel_open();
		if (!vm_create(fds[i], &vm))
			vms++;
	}
	/* the early one has one, and a chip may keep one for itself */
	ok(vms == 63 || vms == 62, "%u spaces for other files", vms);
	is(vm_create(fds[127], &id), -EBUSY, "no more: -EBUSY");
	ok(rig_works(&early), "those that are there work");
	for (unsigned int i = 0; i < 128; i++)
		close(fds[i]);
	rig_close(&early);
	ok(chip_works(), "all come back when files are closed");
}

void no_leak(void)
{
	bool good = true;

	for (int i = 0; i < ROUNDS && good; i++) {
		struct rig rig;

		rig_open(&rig);
		queue_nops(&rig.q, 5);
		good &= !queue_finish(&rig.q, 60 * SECOND);
		/* the file alone, in the middle of things */
		queue_nops(&rig.q, 5);
		close(rig.fd);
		rig_unmap(&rig);
	}
	ok(good, "%d files closed with a queue at work", ROUNDS);
	good = true;
	for (int i = 0; i < ROUNDS && good; i++) {
		struct rig rig;

		rig_open(&rig);
		queue_nops(&rig.q, 5);
		rig_drop(&rig);
		close(rig.fd);
	}
	ok(good, "%d files emptied first", ROUNDS);
	{
		struct rig rig;

		rig_open(&rig);
		for (int i = 0; i < ROUNDS && good; i++) {
			struct drm_ctrans_queue_create how = {
				.vm_id = rig.vm, .sq_log2 = 3, .cq_log2 = 3,
				.sq_va = RIG_VA, .eventfd = -1,
			};

			queue_close(&rig.q);
			good &= !queue_open(&rig.q, rig.fd, &how, rig.mem.map);
			queue_nops(&rig.q, 5);
		}
		ok(good, "%d queues in one file", ROUNDS);
		ok(rig_works(&rig), "and it works");
	}
}

/* Each way that a call can fail, more often than there is to lose. */
void no_leak_of_failures(void)
{
	struct drm_ctrans_queue_create create;
	int fd = accel_open();
	bool good = true;
	uint32_t vm, id;
	struct bo bo;

	vm = file_with_ring(fd, &bo);
	for (int i = 0; i < ROUNDS; i++) {
		create = (struct drm_ctrans_queue_create){
			.vm_id = vm, .sq_log2 = 3, .cq_log2 = 3,
			.sq_va = RING_VA, .eventfd = 9999,
		};
		good &= queue_create(fd, &create) == -EBADF;
		create.eventfd = -1;
		create.sq_va = RING_VA + PAGE;
		good &= queue_create(fd, &create) < 0;
		good &= vm_map(fd, vm, bo.handle, RING_VA, 0, PAGE, 0) == -EEXIST;
		good &= vm_map(fd, vm, bo.handle, RING_VA, 0, 2 * PAGE, 0) == -EINVAL;
	}
	ok(good, "%d rounds of calls that fail", ROUNDS);
	is(one_queue(fd, vm, &id), 0, "a queue, after them");
	is(vm_unmap(fd, vm, RING_VA, PAGE), -EBUSY, "which holds its ring");
	is(queue_destroy(fd, id), 0, "destroyed");
	is(vm_unmap(fd, vm, RING_VA, PAGE), 0, "nothing else held it");
	is(vm_destroy(fd, vm), 0, "nor the space");
}
