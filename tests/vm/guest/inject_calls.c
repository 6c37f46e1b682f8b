// SPDX-License-Identifier: MIT
/* Ioctls of files, buffers, spaces and queues. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inject.h"

static int call_open(struct scene *s)
{
	s->fd = open(accel_node(), O_RDWR | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static int call_info(struct scene *s)
{
	struct drm_ctrans_info info;
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_INFO, .size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};

	return call(s->fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query);
}

static int call_clock(struct scene *s)
{
	struct drm_ctrans_clock clock;
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_CLOCK, .size = sizeof(clock),
		.pointer = (uintptr_t)&clock,
	};

	return call(s->fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query);
}

static int call_bo_create(struct scene *s)
{
	uint32_t handle;
	int err = bo_create(s->fd, 4 * PAGE, &handle);

	s->out[0] = err ? 0 : handle;
	return err;
}

static int call_bo_offset(struct scene *s)
{
	uint64_t offset;

	/* not to be compared: other files' buffers come and go */
	return bo_offset(s->fd, s->mem.handle, &offset);
}

static int call_bo_close(struct scene *s)
{
	return bo_close(s->fd, s->mem.handle);
}

/* It is there, then it goes; or the answer was lost, and it is gone. */
static bool bo_close_undone(struct scene *s, bool unsure)
{
	int err = bo_close(s->fd, s->mem.handle);

	return !err || (unsure && err == -EINVAL);
}

static int call_vm_create(struct scene *s)
{
	uint32_t vm;
	int err = vm_create(s->fd, &vm);

	s->out[0] = err ? 0 : vm;
	return err;
}

static int call_vm_destroy(struct scene *s)
{
	return vm_destroy(s->fd, s->vm);
}

static bool vm_destroy_undone(struct scene *s, bool unsure)
{
	int err = vm_destroy(s->fd, s->vm);

	return !err || (unsure && err == -ENOENT);
}

/* ---- VM_BIND --------------------------------------------------------------- */

#define OPS	4

/* Each in tables of its own; the buffers get their memory by it. */
static uint64_t op_va(unsigned int i)
{
	return SCENE_VA + ((uint64_t)i << 30);
}

static int call_map(struct scene *s)
{
	struct drm_ctrans_vm_bind_op op[OPS];
	struct drm_ctrans_vm_bind bind = {
		.vm_id = s->vm, .stride = sizeof(op[0]), .count = OPS,
		.ops = (uintptr_t)op,
	};
	int err;

	for (unsigned int i = 0; i < OPS; i++)
		op[i] = (struct drm_ctrans_vm_bind_op){
			.type = DRM_CTRANS_VM_BIND_MAP,
			.bo_handle = i & 1 ? s->other.handle : s->mem.handle,
			.va = op_va(i), .size = s->mem.size,
		};
	err = call(s->fd, DRM_IOCTL_CTRANS_VM_BIND, &bind);
	s->done = bind.count;
	return err;
}

/* What it says was done was, and nothing else. */
static bool map_undone(struct scene *s, bool unsure)
{
	for (unsigned int i = 0; i < OPS; i++) {
		int err = vm_unmap(s->fd, s->vm, op_va(i), s->mem.size);

		if (!unsure && err != (i < s->done ? 0 : -ENOENT)) {
			guest_note("  %u done, and %u gives %d", s->done, i, err);
			return false;
		}
	}
	return !call_map(s) && s->done == OPS;
}

static int call_unmap(struct scene *s)
{
	return vm_unmap(s->fd, s->vm, SCENE_VA, s->mem.size);
}

static bool unmap_undone(struct scene *s, bool unsure)
{
	int err = call_unmap(s);

	return (!err || (unsure && err == -ENOENT)) &&
	       !vm_map(s->fd, s->vm, s->mem.handle, SCENE_VA, 0, s->mem.size, 0);
}

void inject_calls(void)
{
	static const struct sweep sweeps[] = {
		{ "open", scene_nothing, call_open },
		{ "DEV_QUERY of INFO", scene_file, call_info },
		{ "DEV_QUERY of CLOCK", scene_file, call_clock },
		/* which the memory file system says when it has no inode */
		{ "BO_CREATE", scene_file, call_bo_create, .also = -ENOSPC },
		{ "BO_MMAP_OFFSET", scene_buffer, call_bo_offset },
		{ "GEM_CLOSE", scene_buffer, call_bo_close, bo_close_undone },
		{ "VM_CREATE", scene_file, call_vm_create },
		{ "VM_DESTROY", scene_bound, call_vm_destroy, vm_destroy_undone },
		{ "VM_BIND, MAP", scene_buffer, call_map, map_undone },
		{ "VM_BIND, UNMAP", scene_bound, call_unmap, unmap_undone },
	};

	if (!inject_here())
		return;
	for (unsigned int i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
		inject_sweep(&sweeps[i]);
	inject_done();
}

/* ---- Queues ---------------------------------------------------------------- */

static void scene_for_queue(struct scene *s)
{
	scene_bound(s);
	s->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static int call_queue_create(struct scene *s)
{
	struct drm_ctrans_queue_create create = {
		.vm_id = s->vm, .sq_log2 = 4, .cq_log2 = 10, .sq_va = SCENE_VA,
		.eventfd = s->event,
	};
	int err = queue_create(s->fd, &create);

	if (!err) {
		s->out[0] = create.queue_id;
		s->out[1] = create.doorbell_offset;
		s->out[2] = create.status_offset;
	}
	return err;
}

static int call_queue_destroy(struct scene *s)
{
	return queue_destroy(s->fd, s->q.id);
}

static bool queue_destroy_undone(struct scene *s, bool unsure)
{
	int err = queue_destroy(s->fd, s->q.id);

	return !err || (unsure && err == -ENOENT);
}

static int call_state(struct scene *s)
{
	struct drm_ctrans_queue_get_state st;

	return queue_get_state(s->fd, s->q.id, &st);
}

static void scene_faulted(struct scene *s)
{
	static const struct ctrans_sqe bad = { .op = 99 };

	scene_queue(s);
	queue_send(&s->q, &bad);
	must(queue_finish(&s->q, 30 * SECOND) == -EIO ||
	     queue_take_all(&s->q));
}

static int call_restart(struct scene *s)
{
	return queue_restart(s->fd, s->q.id);
}

/* To its end; the chip's interrupt comes while this is asleep, or before. */
static int call_job(struct scene *s)
{
	queue_nops(&s->q, 1);
	return queue_finish(&s->q, 30 * SECOND);
}

static bool job_undone(struct scene *s, bool unsure)
{
	(void)unsure;
	return !queue_finish(&s->q, 30 * SECOND) && queue_take_all(&s->q) == 1;
}

static int call_poll(struct scene *s)
{
	struct pollfd p[2] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->event, .events = POLLIN },
	};

	queue_ring(&s->q);
	return poll(p, 2, 30000) < 0 ? -errno : 0;
}

/* A completion is on its way to the eventfd, too. */
static void scene_polled(struct scene *s)
{
	struct ctrans_sqe sqe = nop(1);

	scene_queue(s);
	s->q.doorbell[CTRANS_DB_ARM / 4] = 1;
	queue_fill(&s->q, &sqe);
}

static int call_close(struct scene *s)
{
	int err;

	queue_unmap(&s->q);
	munmap(s->mem.map, s->mem.size);
	munmap(s->other.map, s->other.size);
	close(s->event);
	err = close(s->fd) ? -errno : 0;
	scene_nothing(s);
	return err;
}

void inject_queues(void)
{
	static const struct sweep sweeps[] = {
		{ "QUEUE_CREATE", scene_for_queue, call_queue_create },
		{ "QUEUE_DESTROY", scene_queue, call_queue_destroy,
		  queue_destroy_undone },
		{ "QUEUE_GET_STATE", scene_queue, call_state },
		{ "QUEUE_RESTART", scene_faulted, call_restart },
		{ "a job and QUEUE_WAIT", scene_queue, call_job, job_undone },
		{ "a job, poll and eventfd", scene_polled, call_poll },
		{ "close with all there is", scene_queue, call_close },
	};

	if (!inject_here())
		return;
	for (unsigned int i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
		inject_sweep(&sweeps[i]);
	inject_done();
}
