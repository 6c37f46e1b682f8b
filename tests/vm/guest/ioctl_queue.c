// SPDX-License-Identifier: MIT
/* QUEUE_CREATE, _DESTROY, _GET_STATE, _RESTART; waiting is test_wait's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jobs.h"
#include "test_ioctl.h"

#define RING_VA	0x100000ull

static struct drm_ctrans_queue_create how(uint32_t vm)
{
	return (struct drm_ctrans_queue_create){
		.vm_id = vm, .sq_log2 = 3, .cq_log2 = 3, .sq_va = RING_VA,
		.eventfd = -1,
	};
}

void queue_good(void)
{
	struct drm_ctrans_queue_create create;
	struct drm_ctrans_queue_get_state st;
	int fd = accel_open();
	uint32_t vm = vm_must(fd);
	struct ctrans_cqe cqe;
	struct queue q;
	struct bo bo;

	bo_must(&bo, fd, 64ull << CTRANS_QUEUE_LOG2_MAX);
	must(!vm_map(fd, vm, bo.handle, RING_VA, 0, bo.size, 0));
	for (unsigned int log2 = CTRANS_QUEUE_LOG2_MIN;
	     log2 <= CTRANS_QUEUE_LOG2_MAX; log2++) {
		uint64_t need = CTRANS_STATUS_CQ + (sizeof(cqe) << log2);

		create = how(vm);
		create.sq_log2 = log2;
		create.cq_log2 = log2;
		is(queue_open(&q, fd, &create, bo.map), 0, "2^%u entries", log2);
		ok(q.id, "id %u", q.id);
		ok(q.status_size >= need && q.status_size % PAGE == 0,
		   "status of %llu bytes", (unsigned long long)q.status_size);
		ok(q.doorbell_offset % PAGE == 0 && q.status_offset % PAGE == 0 &&
		   q.doorbell_offset != q.status_offset, "offsets of pages");
		is(queue_get_state(fd, q.id, &st), 0, "GET_STATE");
		is(st.state, CTRANS_KQ_READY, "READY");
		is(st.error, CTRANS_QERR_NONE, "no error");
		is(st.fault_insn, 0xffffffff, "no instruction");
		is(st.fault_va, 0, "no address");
		is(st.done, 0, "nothing done");
		is(queue_kernel(&q)->state, CTRANS_KQ_READY, "READY on its page");
		is(queue_kernel(&q)->reset_count, st.reset_count, "resets");
		queue_nops(&q, 1u << log2);
		is(queue_finish(&q, 60 * SECOND), 0, "a ring full of jobs");
		is(queue_take_all(&q), 1 << log2, "as many completions");
		queue_close(&q);
	}
	/* a larger timeout and an eventfd */
	create = how(vm);
	create.timeout_ms = 1;
	create.eventfd = eventfd(0, EFD_CLOEXEC);
	is(queue_create(fd, &create), 0, "timeout of 1 ms, an eventfd");
	close(create.eventfd);
	is(queue_destroy(fd, create.queue_id), 0, "destroyed after it was closed");
}

void queue_bad(void)
{
	struct drm_ctrans_queue_create create;
	struct drm_ctrans_info info;
	int fd = accel_open(), other = accel_open();
	uint32_t vm = vm_must(fd);
	struct bo bo;

	info_must(fd, &info);
	bo_must(&bo, fd, 2 * PAGE);
	must(!vm_map(fd, vm, bo.handle, RING_VA, 0, bo.size, 0));
#define TRY(field, value, want, name)					\
	do {								\
		create = how(vm);					\
		create.field = value;					\
		is(queue_create(fd, &create), want, name);		\
	} while (0)
	for (unsigned int bit = 0; bit < 32; bit++) {
		create = how(vm);
		create.flags = 1u << bit;
		is(queue_create(fd, &create), -EINVAL, "flag bit %u", bit);
	}
	TRY(pad, 1, -EINVAL, "pad");
	TRY(pad, 0x80000000, -EINVAL, "pad's highest bit");
	TRY(vm_id, 0, -ENOENT, "space 0");
	TRY(vm_id, vm + 1, -ENOENT, "a space not yet given");
	TRY(vm_id, UINT32_MAX, -ENOENT, "space ~0");
	TRY(sq_log2, 0, -EINVAL, "2^0 submissions");
	TRY(sq_log2, CTRANS_QUEUE_LOG2_MIN - 1, -EINVAL, "too few submissions");
	TRY(sq_log2, CTRANS_QUEUE_LOG2_MAX + 1, -EINVAL, "too many submissions");
	TRY(sq_log2, 32, -EINVAL, "2^32 submissions");
	TRY(sq_log2, 64 + 3, -EINVAL, "2^67 submissions");
	TRY(sq_log2, 0x80000003, -EINVAL, "2^0x80000003 submissions");
	TRY(cq_log2, 0, -EINVAL, "2^0 completions");
	TRY(cq_log2, CTRANS_QUEUE_LOG2_MIN - 1, -EINVAL, "too few completions");
	TRY(cq_log2, CTRANS_QUEUE_LOG2_MAX + 1, -EINVAL, "too many completions");
	TRY(cq_log2, 0x103, -EINVAL, "2^259 completions");
	TRY(cq_log2, UINT32_MAX, -EINVAL, "2^~0 completions");
	TRY(timeout_ms, info.timeout_max_ms + 1, -EINVAL, "timeout too long");
	TRY(timeout_ms, UINT32_MAX, -EINVAL, "timeout ~0");
	fails(({ create = how(vm); create.eventfd = -2;
		 queue_create(fd, &create); }), "eventfd -2");
	TRY(eventfd, 9999, -EBADF, "eventfd not open");
	TRY(eventfd, INT32_MAX, -EBADF, "eventfd 2^31 - 1");
	TRY(eventfd, fd, -EINVAL, "eventfd that is none");
#undef TRY
	create = how(vm);
	is(queue_create(other, &create), -ENOENT, "another file's space");
	create = how(vm);
	is(queue_create(fd, &create), 0, "and as it should be");
}

/* The ring's place: granules, one binding, that stays. */
void queue_ring_place(void)
{
	struct drm_ctrans_queue_create create;
	int fd = accel_open();
	uint32_t vm = vm_must(fd);
	struct bo bo;

	bo_must(&bo, fd, 4 * PAGE);
	must(!vm_map(fd, vm, bo.handle, RING_VA, 0, PAGE, 0));
	must(!vm_map(fd, vm, bo.handle, RING_VA + PAGE, PAGE, 2 * PAGE,
		     DRM_CTRANS_VM_BIND_READONLY));
	const struct {
		uint64_t va;
		uint32_t log2;
		int bad;
		const char *name;
	} cases[] = {
		{ 0, 3, 1, "at 0" },
		{ 64, 3, 1, "at 64" },
		{ RING_VA + 8, 3, 1, "8 bytes off" },
		{ RING_VA + 32, 3, 1, "32 bytes off" },
		{ RING_VA - 64, 3, 1, "starts before the binding" },
		{ RING_VA - 512, 3, 1, "ends where the binding starts" },
		{ RING_VA + 64, 6, 1, "reaches into the next binding" },
		{ RING_VA + PAGE - 512 + 64, 3, 1, "its last entry does" },
		{ RING_VA, 7, 1, "over two bindings" },
		{ RING_VA + 3 * PAGE, 3, 1, "behind the last" },
		{ RING_VA + 2 * PAGE, 12, 1, "larger than what is bound" },
		{ -512ull, 3, 1, "at the end of 64 bits" },
		{ -64ull, 3, 1, "over the end of 64 bits" },
		{ 1ull << 63, 3, 1, "at 2^63" },
		{ (1ull << CTRANS_VA_BITS) + RING_VA, 3, 1, "a bit too many" },
		{ RING_VA, 6, 0, "all of the binding" },
		{ RING_VA + PAGE - 512, 3, 0, "its end" },
		{ RING_VA + 64, 3, 0, "any multiple of 64" },
		{ RING_VA + PAGE, 7, 0, "read-only" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		create = how(vm);
		create.sq_va = cases[i].va;
		create.sq_log2 = cases[i].log2;
		if (cases[i].bad) {
			fails(queue_create(fd, &create), "no ring: %s",
			      cases[i].name);
			continue;
		}
		is(queue_create(fd, &create), 0, "a ring: %s", cases[i].name);
		is(vm_unmap(fd, vm, RING_VA, 3 * PAGE), -EBUSY,
		   "cannot lose its memory");
		is(vm_destroy(fd, vm), -EBUSY, "nor its space");
		is(queue_destroy(fd, create.queue_id), 0, "destroyed");
	}
	/* two on one binding: it is free when both are gone */
	create = how(vm);
	must(!queue_create(fd, &create));
	uint32_t first = create.queue_id;

	create = how(vm);
	is(queue_create(fd, &create), 0, "two queues on one ring");
	is(queue_destroy(fd, first), 0, "one destroyed");
	is(vm_unmap(fd, vm, RING_VA, PAGE), -EBUSY, "still held");
	is(queue_destroy(fd, create.queue_id), 0, "both destroyed");
	is(vm_unmap(fd, vm, RING_VA, PAGE), 0, "free");
	is(vm_destroy(fd, vm), 0, "the space, too, with what is bound");
}

void queue_ids(void)
{
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_queue_destroy destroy;
	struct drm_ctrans_queue_restart restart;
	struct drm_ctrans_queue_wait wait;
	int other = accel_open();
	uint32_t bad[4], id;
	struct rig rig;

	rig_open(&rig);
	id = rig.q.id;
	bad[0] = 0;
	bad[1] = id + 1;
	bad[2] = UINT32_MAX;
	bad[3] = 0x80000000 | id;
	for (int i = 0; i < 4; i++) {
		is(queue_get_state(rig.fd, bad[i], &st), -ENOENT,
		   "GET_STATE of %u", bad[i]);
		is(queue_restart(rig.fd, bad[i]), -ENOENT, "RESTART of %u", bad[i]);
		is(queue_wait_until(rig.fd, bad[i], 0, 0, NULL), -ENOENT,
		   "WAIT for %u", bad[i]);
		is(queue_destroy(rig.fd, bad[i]), -ENOENT, "DESTROY of %u", bad[i]);
	}
	is(queue_get_state(other, id, &st), -ENOENT, "GET_STATE by another file");
	is(queue_restart(other, id), -ENOENT, "RESTART by another file");
	is(queue_wait_until(other, id, 0, 0, NULL), -ENOENT,
	   "WAIT by another file");
	is(queue_destroy(other, id), -ENOENT, "DESTROY by another file");
	is(try_mmap(other, rig.q.doorbell_offset, PAGE, PROT_WRITE, MAP_SHARED),
	   -EACCES, "doorbell mapped by another file");
	is(try_mmap(other, rig.q.status_offset, rig.q.status_size, PROT_READ,
		    MAP_SHARED), -EACCES, "status mapped by another file");

	destroy = (struct drm_ctrans_queue_destroy){ .queue_id = id, .pad = 1 };
	is(call(rig.fd, DRM_IOCTL_CTRANS_QUEUE_DESTROY, &destroy), -EINVAL,
	   "DESTROY's pad");
	restart = (struct drm_ctrans_queue_restart){ .queue_id = id, .pad = 1 };
	is(call(rig.fd, DRM_IOCTL_CTRANS_QUEUE_RESTART, &restart), -EINVAL,
	   "RESTART's pad");
	for (unsigned int bit = 0; bit < 32; bit++) {
		wait = (struct drm_ctrans_queue_wait){ .queue_id = id,
						       .flags = 1u << bit };
		is(call(rig.fd, DRM_IOCTL_CTRANS_QUEUE_WAIT, &wait), -EINVAL,
		   "WAIT's flag bit %u", bit);
	}
	ok(rig_works(&rig), "it works after all that");
	is(queue_destroy(rig.fd, id), 0, "DESTROY");
	is(queue_destroy(rig.fd, id), -ENOENT, "but once");
	is(queue_get_state(rig.fd, id, &st), -ENOENT, "no state left");
	is(queue_wait_until(rig.fd, id, 0, 0, NULL), -ENOENT, "no waiting");
}

void queue_restarts(void)
{
	struct drm_ctrans_queue_get_state st;
	struct ctrans_sqe bad = { .op = 99, .sequence = 1234, .user_data = 5 };
	struct ctrans_cqe cqe = { 0 };
	uint64_t done = 0;
	struct rig rig;

	rig_open(&rig);
	is(queue_restart(rig.fd, rig.q.id), 0, "RESTART of a READY queue");
	ok(rig_works(&rig), "does nothing");
	queue_nops(&rig.q, 2);
	must(!queue_finish(&rig.q, 60 * SECOND));
	queue_fill(&rig.q, &bad);
	queue_nops(&rig.q, 3);
	is(queue_wait_until(rig.fd, rig.q.id, rig.q.tail, guest_now() + 60 * SECOND,
			    &done), -EIO, "a bad entry: waiting for more fails");
	is(done, rig.q.tail - 3, "it was completed itself");
	is(queue_wait_until(rig.fd, rig.q.id, done, INT64_MAX, NULL), 0,
	   "waiting for it does not");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_FAULTED, "FAULTED");
	is(st.error, CTRANS_QERR_JOB, "for a job");
	is(st.fault_sequence, 1234, "this one");
	is(st.fault_insn, 0xffffffff, "no instruction of it");
	is(st.done, done, "after so many");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_FAULTED, "its page says so");
	is(queue_line(&rig.q)->state, CTRANS_QSTATE_ERROR, "the chip's line, too");
	/* while it stands doorbells are ignored */
	queue_nops(&rig.q, 1);
	usleep(100000);
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.done, done, "it stands");
	is(queue_restart(rig.fd, rig.q.id), 0, "RESTART");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_READY, "READY");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "GET_STATE agrees");
	is(st.error, CTRANS_QERR_NONE, "no error");
	queue_ring(&rig.q);
	is(queue_finish(&rig.q, 60 * SECOND), 0,
	   "the entries after it, once the doorbell is stored again");
	while (rig.q.head < (uint32_t)done && queue_take(&rig.q, &cqe))
		;
	is(cqe.status, CTRANS_ST_BAD_ENTRY, "its completion");
	is(cqe.user_data, 5, "with its data");
	is(queue_take_all(&rig.q), 4, "the others are not lost");
	ok(rig_works(&rig), "and jobs work");
	rig_close(&rig);
}
