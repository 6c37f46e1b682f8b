// SPDX-License-Identifier: MIT
/* What all ioctls share: numbers, sizes, pointers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "jobs.h"
#include "test_ioctl.h"

static const struct {
	const char *name;
	unsigned long request;
} all[] = {
	{ "DEV_QUERY", DRM_IOCTL_CTRANS_DEV_QUERY },
	{ "BO_CREATE", DRM_IOCTL_CTRANS_BO_CREATE },
	{ "BO_MMAP_OFFSET", DRM_IOCTL_CTRANS_BO_MMAP_OFFSET },
	{ "VM_CREATE", DRM_IOCTL_CTRANS_VM_CREATE },
	{ "VM_DESTROY", DRM_IOCTL_CTRANS_VM_DESTROY },
	{ "VM_BIND", DRM_IOCTL_CTRANS_VM_BIND },
	{ "QUEUE_CREATE", DRM_IOCTL_CTRANS_QUEUE_CREATE },
	{ "QUEUE_DESTROY", DRM_IOCTL_CTRANS_QUEUE_DESTROY },
	{ "QUEUE_WAIT", DRM_IOCTL_CTRANS_QUEUE_WAIT },
	{ "QUEUE_GET_STATE", DRM_IOCTL_CTRANS_QUEUE_GET_STATE },
	{ "QUEUE_RESTART", DRM_IOCTL_CTRANS_QUEUE_RESTART },
};

#define N_ALL	(sizeof(all) / sizeof(all[0]))

void version(void)
{
	int fd = accel_open();
	drmVersionPtr v = drmGetVersion(fd);

	must(v);
	ok(!strcmp(v->name, "ctrans"), "the driver's name is %s", v->name);
	is(v->version_major, 1, "interface 1.x");
	ok(v->desc_len > 0, "described as \"%s\"", v->desc);
	drmFreeVersion(v);
}

/* Numbers that are nobody's. */
void requests(void)
{
	char arg[4096] = { 0 };
	int fd = accel_open();

	for (unsigned int nr = DRM_CTRANS_QUEUE_RESTART + 1; nr < 0x60; nr += 7)
		fails(call(fd, DRM_IOWR(DRM_COMMAND_BASE + nr, struct { char x[64]; }),
			   arg), "command %u is none", nr);
	fails(call(fd, _IOWR('x', DRM_COMMAND_BASE, arg), arg),
	      "another type letter");
	/* nothing goes in: all fields are zero, and id 0 is never one */
	is(call(fd, _IO('d', DRM_COMMAND_BASE + DRM_CTRANS_QUEUE_DESTROY), NULL),
	   -ENOENT, "QUEUE_DESTROY of nothing");
	is(call(fd, _IO('d', DRM_COMMAND_BASE + DRM_CTRANS_VM_DESTROY), NULL),
	   -ENOENT, "VM_DESTROY of nothing");
	ok(chip_works(), "and others work");
}

void pointers(void)
{
	char *hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = accel_open();

	must(hole != MAP_FAILED);
	munmap(hole + PAGE, PAGE);
	for (size_t i = 0; i < N_ALL; i++) {
		unsigned long request = all[i].request;

		is(call(fd, request, NULL), -EFAULT, "%s(NULL)", all[i].name);
		is(call(fd, request, hole + PAGE), -EFAULT, "%s(unmapped)",
		   all[i].name);
		is(call(fd, request, hole + PAGE - 4), -EFAULT,
		   "%s(half unmapped)", all[i].name);
		is(call(fd, request, (void *)-4096l), -EFAULT,
		   "%s(the kernel's)", all[i].name);
	}
}

/*
 * A caller newer than the kernel: what the kernel does not know is left alone,
 * and no more than what was passed is written.
 */
void grown(void)
{
	struct rig rig;

	rig_open(&rig);
	for (size_t i = 0; i < N_ALL; i++) {
		unsigned long request = all[i].request;
		size_t size = _IOC_SIZE(request);
		unsigned char arg[512];
		bool kept = true;
		int err;

		memset(arg, 0, sizeof(arg));
		memset(arg + 2 * size, 0xa5, size);
		err = call(rig.fd, sized(request, 2 * size), arg);
		for (size_t at = 2 * size; at < 3 * size; at++)
			kept &= arg[at] == 0xa5;
		ok(kept, "%s twice as long writes no further (%d)", all[i].name,
		   err);
	}
	{
		struct {
			struct drm_ctrans_bo_create bo;
			char tail[48];
		} arg = { .bo.size = PAGE };
		unsigned long request = DRM_IOCTL_CTRANS_BO_CREATE;

		is(call(rig.fd, sized(request, sizeof(arg)), &arg), 0,
		   "BO_CREATE with a longer tail");
		ok(arg.bo.handle, "has a handle");
		memset(&arg, 0, sizeof(arg));
		is(call(rig.fd, sized(request, _IOC_SIZEMASK), rig.mem.map), -EINVAL,
		   "BO_CREATE of size 0, structure of the largest size");
	}
	ok(rig_works(&rig), "and jobs work");
	rig_close(&rig);
}

/* An older caller: what it does not have is zero. */
void shrunk(void)
{
	struct { uint32_t id, flags; uint64_t seq; } wait;
	struct { uint32_t flags; uint32_t guard; } vm = { 0, 0x5a5a5a5a };
	struct rig rig;

	rig_open(&rig);
	queue_nops(&rig.q, 3);
	must(!queue_finish(&rig.q, 60 * SECOND));
	wait.id = rig.q.id;
	wait.flags = 0;
	wait.seq = 3;
	is(call(rig.fd, sized(DRM_IOCTL_CTRANS_QUEUE_WAIT, sizeof(wait)), &wait), 0,
	   "QUEUE_WAIT without a deadline, all done");
	wait.seq = 4;
	is(call(rig.fd, sized(DRM_IOCTL_CTRANS_QUEUE_WAIT, sizeof(wait)), &wait),
	   -ETIME, "QUEUE_WAIT without a deadline, one short");
	is(call(rig.fd, sized(DRM_IOCTL_CTRANS_VM_CREATE, 4), &vm), 0,
	   "VM_CREATE without a place for the id");
	is(vm.guard, 0x5a5a5a5a, "nothing written there");
	is(call(rig.fd, sized(DRM_IOCTL_CTRANS_VM_DESTROY, 1), &vm), -ENOENT,
	   "VM_DESTROY of one byte");
	ok(rig_works(&rig), "and jobs work");
	rig_close(&rig);
}

/*
 * The answer cannot be delivered. What was made belongs to the file and goes
 * with it: never to the chip for ever.
 */
void readonly_argument(void)
{
	char *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_ctrans_bo_create *bo = (void *)arg;
	bool all_fault = true;

	must(arg != MAP_FAILED);
	bo->size = PAGE;
	must(!mprotect(arg, PAGE, PROT_READ));
	for (int i = 0; i < 10; i++) {
		int fd = accel_open();

		all_fault &= call(fd, DRM_IOCTL_CTRANS_BO_CREATE, arg) == -EFAULT;
		close(fd);
	}
	ok(all_fault, "BO_CREATE into read-only memory is -EFAULT");
	must(!mprotect(arg, PAGE, PROT_READ | PROT_WRITE));
	memset(arg, 0, PAGE);
	must(!mprotect(arg, PAGE, PROT_READ));
	all_fault = true;
	for (int i = 0; i < 2 * 64; i++) {
		int fd = accel_open();

		all_fault &= call(fd, DRM_IOCTL_CTRANS_VM_CREATE, arg) == -EFAULT;
		close(fd);
	}
	ok(all_fault, "VM_CREATE into read-only memory is -EFAULT, 128 files long");
	ok(chip_works(), "and all contexts came back");
}

/* ---- DEV_QUERY ------------------------------------------------------------ */

static int query(int fd, uint32_t type, uint32_t *size, void *at)
{
	struct drm_ctrans_dev_query q = { .type = type, .size = *size,
					  .pointer = (uintptr_t)at };
	int err = call(fd, DRM_IOCTL_CTRANS_DEV_QUERY, &q);

	*size = q.size;
	return err;
}

static bool all_are(const unsigned char *at, size_t n, unsigned char byte)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] != byte)
			return false;
	return true;
}

void dev_query(void)
{
	struct drm_ctrans_info info;
	struct drm_ctrans_clock clock;
	unsigned char buf[512];
	int fd = accel_open();
	uint32_t size = 0;
	char *edge;

	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, NULL), 0, "INFO's size");
	is(size, sizeof(info), "is the structure's");
	size = 12345;
	is(query(fd, DRM_CTRANS_QUERY_CLOCK, &size, NULL), 0, "CLOCK's size");
	is(size, sizeof(clock), "is the structure's, whatever was in the field");

	memset(buf, 0xa5, sizeof(buf));
	size = sizeof(info);
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, buf), 0, "INFO");
	memcpy(&info, buf, sizeof(info));
	ok(all_are(buf + sizeof(info), 64, 0xa5), "writes no further");
	ok(info.version >> 16 == 1, "version %u.%u", info.version >> 16,
	   info.version & 0xffff);
	ok(info.cores && info.rows && info.cols && info.sram_kib && info.ext_mbps,
	   "%u cores of %u x %u, %u KiB, %u MB/s", info.cores, info.rows,
	   info.cols, info.sram_kib, info.ext_mbps);
	ok(info.page_size == (uint32_t)sysconf(_SC_PAGESIZE) ||
	   info.page_size == PAGE, "page size %u", info.page_size);
	ok(info.va_start >= CTRANS_VA_MIN && info.va_start < info.va_end &&
	   info.va_end <= 1ull << CTRANS_VA_BITS, "addresses %#llx to %#llx",
	   (unsigned long long)info.va_start, (unsigned long long)info.va_end);
	ok(info.vms_max && info.queues_max && info.queues_max <= 64,
	   "%u spaces and %u queues a file", info.vms_max, info.queues_max);
	is(info.queue_log2_min, CTRANS_QUEUE_LOG2_MIN, "smallest queue");
	is(info.queue_log2_max, CTRANS_QUEUE_LOG2_MAX, "largest queue");
	ok(info.timeout_default_ms && info.timeout_default_ms <= info.timeout_max_ms,
	   "timeout %u of at most %u ms", info.timeout_default_ms,
	   info.timeout_max_ms);

	memset(buf, 0xa5, sizeof(buf));
	size = 8;
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, buf), 0, "INFO cut to 8 bytes");
	is(size, sizeof(info), "the whole size told");
	ok(!memcmp(buf, &info, 8) && all_are(buf + 8, 64, 0xa5),
	   "the front of it, and no more");
	memset(buf, 0xa5, sizeof(buf));
	size = sizeof(info) + 100;
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, buf), 0, "INFO with 100 to spare");
	is(size, sizeof(info), "the kernel's size told");
	ok(!memcmp(buf, &info, sizeof(info)) &&
	   all_are(buf + sizeof(info), 100, 0), "the rest zeroed");
	ok(all_are(buf + sizeof(info) + 100, 64, 0xa5), "but no more than that");

	size = sizeof(clock);
	is(query(fd, DRM_CTRANS_QUERY_CLOCK, &size, &clock), 0, "CLOCK");
	ok(clock.opp < clock.opp_count && clock.mv && clock.khz,
	   "point %u of %u: %u mV, %u kHz", clock.opp, clock.opp_count, clock.mv,
	   clock.khz);

	size = sizeof(buf);
	is(query(fd, 2, &size, buf), -EINVAL, "type 2");
	is(query(fd, UINT32_MAX, &size, buf), -EINVAL, "type ~0");
	is(query(fd, 2, &size, NULL), -EINVAL, "type 2, size only");
	size = sizeof(info);
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, (void *)8), -EFAULT,
	   "to where nothing is");
	size = UINT32_MAX;
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, (void *)8), -EFAULT,
	   "4 GiB to where nothing is");
	edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(edge != MAP_FAILED);
	munmap(edge + PAGE, PAGE);
	size = UINT32_MAX;
	is(query(fd, DRM_CTRANS_QUERY_INFO, &size, edge), -EFAULT,
	   "4 GiB to where not so much is");
}
