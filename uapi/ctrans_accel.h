/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer driver interface: what user space and the kernel say to each
 * other. The rings themselves, doorbell words, entries and programs, are in
 * ctrans_job.h; once a queue exists, submitting and reaping take no call at
 * all.
 *
 * The device is a DRM accel node, /dev/accel/accelN, driver name "ctrans".
 * Buffers are GEM objects (close and PRIME by the generic ioctls), address
 * spaces are VMs, and every queue belongs to one VM. All handles and ids are of
 * one open file and go with it; 0 is never one, and what is not one of the file's
 * gives -ENOENT.
 *
 * Conventions
 *  - Fields named pad, and flags that are not defined, must be zero: -EINVAL.
 *  - A structure may grow at its end. Older callers are served as if the new
 *    fields were zero; arrays carry their element's size (stride).
 *  - Times are absolute, in nanoseconds of CLOCK_MONOTONIC.
 *  - Addresses, offsets and sizes of bindings are multiples of
 *    drm_ctrans_info.page_size.
 *  - A device that is gone answers everything with -ENODEV.
 *
 * Out-parameters are marked [out]; those of a call that fails are undefined
 * unless said otherwise.
 */
#ifndef _UAPI_CTRANS_ACCEL_H
#define _UAPI_CTRANS_ACCEL_H

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * enum drm_ctrans_ioctl_id - ioctls, numbered from DRM_COMMAND_BASE
 *
 * New ones go at the end; the order never changes.
 */
enum drm_ctrans_ioctl_id {
	/** @DRM_CTRANS_DEV_QUERY: What the device is and may be asked for. */
	DRM_CTRANS_DEV_QUERY = 0,
	/** @DRM_CTRANS_BO_CREATE: Make a buffer. */
	DRM_CTRANS_BO_CREATE,
	/** @DRM_CTRANS_BO_MMAP_OFFSET: Where to mmap() a buffer. */
	DRM_CTRANS_BO_MMAP_OFFSET,
	/** @DRM_CTRANS_VM_CREATE: Make an address space. */
	DRM_CTRANS_VM_CREATE,
	/** @DRM_CTRANS_VM_DESTROY: Drop an address space. */
	DRM_CTRANS_VM_DESTROY,
	/** @DRM_CTRANS_VM_BIND: Map and unmap buffers in an address space. */
	DRM_CTRANS_VM_BIND,
	/** @DRM_CTRANS_QUEUE_CREATE: Make and start a queue. */
	DRM_CTRANS_QUEUE_CREATE,
	/** @DRM_CTRANS_QUEUE_DESTROY: Abort and drop a queue. */
	DRM_CTRANS_QUEUE_DESTROY,
	/** @DRM_CTRANS_QUEUE_WAIT: Sleep until jobs are complete. */
	DRM_CTRANS_QUEUE_WAIT,
	/** @DRM_CTRANS_QUEUE_GET_STATE: Is the queue well, and if not, why. */
	DRM_CTRANS_QUEUE_GET_STATE,
	/** @DRM_CTRANS_QUEUE_RESTART: Run on after a fault or a timeout. */
	DRM_CTRANS_QUEUE_RESTART,
};

/* ---- The device ------------------------------------------------------ */

/** enum drm_ctrans_query_type - what DEV_QUERY tells */
enum drm_ctrans_query_type {
	/** @DRM_CTRANS_QUERY_INFO: struct drm_ctrans_info; never changes. */
	DRM_CTRANS_QUERY_INFO = 0,
	/** @DRM_CTRANS_QUERY_CLOCK: struct drm_ctrans_clock; as it is now. */
	DRM_CTRANS_QUERY_CLOCK,
};

/**
 * struct drm_ctrans_dev_query - argument of DEV_QUERY
 *
 * With @pointer 0, @size is set to what the kernel knows. Otherwise the smaller
 * of the two sizes is copied, the rest of a larger buffer is zeroed, and @size
 * says what the kernel knows.
 */
struct drm_ctrans_dev_query {
	/** @type: enum drm_ctrans_query_type. */
	__u32 type;
	/** @size: bytes at @pointer; [out] bytes of the kernel's structure. */
	__u32 size;
	/** @pointer: where to put it, or 0. */
	__u64 pointer;
};

/** struct drm_ctrans_info - what the chip is and what a file may have */
struct drm_ctrans_info {
	/** @version: of the chip's interface, major << 16 | minor. */
	__u32 version;
	/** @caps: CTRANS_CAP_* of ctrans_job.h. */
	__u32 caps;
	/** @cores: homogeneous cores. */
	__u32 cores;
	/** @rows: HMAU rows of a core. */
	__u32 rows;
	/** @cols: HMAU columns of a core. */
	__u32 cols;
	/** @sram_kib: memory on the chip, KiB. */
	__u32 sram_kib;
	/** @ext_mbps: bandwidth to external memory, MB/s. */
	__u32 ext_mbps;
	/** @page_size: granularity of bindings and of mmap(), bytes. */
	__u32 page_size;
	/** @va_start: first address of a VM that can be bound. */
	__u64 va_start;
	/** @va_end: address after the last. */
	__u64 va_end;
	/** @vms_max: VMs of one file. */
	__u32 vms_max;
	/** @queues_max: queues of one file; all files share the chip's 64. */
	__u32 queues_max;
	/** @queue_log2_min: log2 of the fewest entries of a ring. */
	__u32 queue_log2_min;
	/** @queue_log2_max: log2 of the most. */
	__u32 queue_log2_max;
	/** @timeout_default_ms: time without progress after which a job is ended. */
	__u32 timeout_default_ms;
	/** @timeout_max_ms: the longest that may be asked for. */
	__u32 timeout_max_ms;
};

/** struct drm_ctrans_clock - the operating point */
struct drm_ctrans_clock {
	/** @opp: its index, from 0, the slowest. */
	__u32 opp;
	/** @opp_count: how many there are. */
	__u32 opp_count;
	/** @mv: core voltage, millivolts. */
	__u32 mv;
	/** @khz: core clock, kilohertz. */
	__u32 khz;
};

/* ---- Buffers --------------------------------------------------------- */

/**
 * struct drm_ctrans_bo_create - argument of BO_CREATE
 *
 * -EINVAL for no bytes or more than a VM has addresses, -ENOMEM for more than the
 * machine has memory.
 *
 * Memory is zeroed, allocated when first bound or mapped, charged to the memory
 * cgroup of who does that, and stays in place while it is bound anywhere.
 */
struct drm_ctrans_bo_create {
	/** @size: bytes; [out] rounded up to whole pages. */
	__u64 size;
	/** @flags: none are defined. */
	__u32 flags;
	/** @handle: [out] GEM handle. */
	__u32 handle;
};

/** struct drm_ctrans_bo_mmap_offset - argument of BO_MMAP_OFFSET */
struct drm_ctrans_bo_mmap_offset {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @pad: zero. */
	__u32 pad;
	/** @offset: [out] for mmap() on the device file. */
	__u64 offset;
};

/* ---- Address spaces -------------------------------------------------- */

/** struct drm_ctrans_vm_create - argument of VM_CREATE; -EBUSY: none is left */
struct drm_ctrans_vm_create {
	/** @flags: none are defined. */
	__u32 flags;
	/** @vm_id: [out] */
	__u32 vm_id;
};

/**
 * struct drm_ctrans_vm_destroy - argument of VM_DESTROY
 *
 * -EBUSY while it has queues. Its bindings go with it.
 */
struct drm_ctrans_vm_destroy {
	/** @vm_id: which. */
	__u32 vm_id;
	/** @pad: zero. */
	__u32 pad;
};

/** enum drm_ctrans_vm_bind_op_type - what one operation of VM_BIND does */
enum drm_ctrans_vm_bind_op_type {
	/**
	 * @DRM_CTRANS_VM_BIND_MAP: Bind a part of a buffer.
	 *
	 * -EEXIST if any of the range is bound already, -ENOSPC if the VM has
	 * DRM_CTRANS_VM_BINDINGS_MAX bindings or would need more than
	 * DRM_CTRANS_VM_TABLES_MAX page tables.
	 */
	DRM_CTRANS_VM_BIND_MAP = 0,
	/**
	 * @DRM_CTRANS_VM_BIND_UNMAP: Drop all bindings inside the range.
	 *
	 * -EINVAL if one sticks out of it, -EBUSY if one holds the submission
	 * ring of a queue; -ENOENT if there is none. When the call returns, the
	 * chip no longer reaches the memory; a job that still wanted to fails.
	 */
	DRM_CTRANS_VM_BIND_UNMAP,
};

/** DRM_CTRANS_VM_BINDINGS_MAX - bindings of one VM at a time */
#define DRM_CTRANS_VM_BINDINGS_MAX	65536

/**
 * DRM_CTRANS_VM_TABLES_MAX - page tables of one VM, below the root
 *
 * Of 4 KiB each: enough for 16 GiB in small pages. See ctrans_regs.h for what
 * needs one.
 */
#define DRM_CTRANS_VM_TABLES_MAX	8192

/** @DRM_CTRANS_VM_BIND_READONLY: MAP: the chip may not write. */
#define DRM_CTRANS_VM_BIND_READONLY	(1u << 0)

/** struct drm_ctrans_vm_bind_op - one operation of VM_BIND */
struct drm_ctrans_vm_bind_op {
	/** @type: enum drm_ctrans_vm_bind_op_type. */
	__u32 type;
	/** @flags: MAP: DRM_CTRANS_VM_BIND_READONLY or 0; UNMAP: 0. */
	__u32 flags;
	/** @bo_handle: MAP: GEM handle; UNMAP: 0. */
	__u32 bo_handle;
	/** @pad: zero. */
	__u32 pad;
	/** @va: start of the range in the VM. */
	__u64 va;
	/** @bo_offset: MAP: start within the buffer; UNMAP: 0. */
	__u64 bo_offset;
	/** @size: bytes, not 0. */
	__u64 size;
};

/** DRM_CTRANS_VM_BIND_OPS_MAX - operations of one VM_BIND; more are -E2BIG */
#define DRM_CTRANS_VM_BIND_OPS_MAX	1024

/**
 * struct drm_ctrans_vm_bind - argument of VM_BIND
 *
 * Operations are done in order, at once. The first that fails ends the call
 * with its error; those before it stay done, and @count says how many. -E2BIG if
 * an operation is longer than the kernel knows and the rest is not zero.
 */
struct drm_ctrans_vm_bind {
	/** @vm_id: which. */
	__u32 vm_id;
	/** @flags: none are defined. */
	__u32 flags;
	/** @stride: bytes from one operation to the next in @ops. */
	__u32 stride;
	/** @count: operations; [out] how many were done, after an error too. */
	__u32 count;
	/** @ops: user pointer to struct drm_ctrans_vm_bind_op. */
	__u64 ops;
};

/* ---- Queues ---------------------------------------------------------- */

/**
 * struct drm_ctrans_queue_create - argument of QUEUE_CREATE
 *
 * The submission ring, struct ctrans_sqe[1 << sq_log2] at @sq_va, must lie in
 * one binding of the VM, which cannot be unmapped while the queue lives
 * (-EINVAL if it does not). The status region is the kernel's memory.
 *
 * Two mappings of the device file complete the queue, both MAP_SHARED and not
 * inherited by fork():
 *  - the doorbell page: page_size bytes at @doorbell_offset, PROT_WRITE (and
 *    PROT_READ, which finds zeros);
 *  - the status region (struct ctrans_status_line, struct ctrans_kernel_line,
 *    completions): @status_size bytes at @status_offset, PROT_READ only.
 * While a queue is not READY its doorbell page is memory of the process without
 * effect. Words are states: store them again after QUEUE_RESTART. A mapping
 * outlives its queue harmlessly: the doorbell without effect, the status region
 * as zeros but for a kernel line that says CTRANS_KQ_LOST.
 *
 * -EBUSY: no queue is left, for this file or on the chip. -EBADF or -EINVAL:
 * @eventfd is no file or no eventfd.
 */
struct drm_ctrans_queue_create {
	/** @vm_id: whose addresses its jobs use. */
	__u32 vm_id;
	/** @flags: none are defined. */
	__u32 flags;
	/** @sq_log2: log2 of submission entries. */
	__u32 sq_log2;
	/** @cq_log2: log2 of completion entries. */
	__u32 cq_log2;
	/** @sq_va: the submission ring, a multiple of 64. */
	__u64 sq_va;
	/** @timeout_ms: without progress a job is ended after this; 0: default. */
	__u32 timeout_ms;
	/**
	 * @eventfd: signalled on every completion interrupt and when the queue
	 * leaves READY; or -1. For an interrupt store to CTRANS_DB_ARM first. A
	 * signal is a hint to look: after a sleep of the chip one may come more.
	 */
	__s32 eventfd;
	/** @queue_id: [out] */
	__u32 queue_id;
	/** @pad: zero. */
	__u32 pad;
	/** @doorbell_offset: [out] for mmap(). */
	__u64 doorbell_offset;
	/** @status_offset: [out] for mmap(). */
	__u64 status_offset;
	/** @status_size: [out] bytes, whole pages. */
	__u64 status_size;
};

/** struct drm_ctrans_queue_destroy - argument of QUEUE_DESTROY */
struct drm_ctrans_queue_destroy {
	/** @queue_id: which. A job in hand is aborted. */
	__u32 queue_id;
	/** @pad: zero. */
	__u32 pad;
};

/**
 * struct drm_ctrans_queue_wait - argument of QUEUE_WAIT
 *
 * 0 when @done is at least @seq. -ETIME when the deadline has passed first, one
 * in the past only looks. -EIO when the queue stands still (not READY) short of
 * @seq. -EINTR for a signal; call again with the same deadline. @done is set in
 * all these cases. Nothing needs arming.
 */
struct drm_ctrans_queue_wait {
	/** @queue_id: which. */
	__u32 queue_id;
	/** @flags: none are defined. */
	__u32 flags;
	/** @seq: how many completions since the queue was made. */
	__u64 seq;
	/** @deadline_ns: absolute, CLOCK_MONOTONIC. */
	__s64 deadline_ns;
	/** @done: [out] completions so far. */
	__u64 done;
};

/** struct drm_ctrans_queue_get_state - argument of QUEUE_GET_STATE */
struct drm_ctrans_queue_get_state {
	/** @queue_id: which. */
	__u32 queue_id;
	/** @state: [out] enum ctrans_kernel_state. */
	__u32 state;
	/** @error: [out] enum ctrans_qerr, why it is FAULTED. */
	__u32 error;
	/** @fault_insn: [out] instruction of the failed job, 0xffffffff: none. */
	__u32 fault_insn;
	/** @fault_va: [out] address that failed, or 0. */
	__u64 fault_va;
	/** @fault_sequence: [out] ctrans_sqe.sequence of the failed job. */
	__u32 fault_sequence;
	/** @reset_count: [out] resets of the chip since it was probed. */
	__u32 reset_count;
	/** @done: [out] completions so far. */
	__u64 done;
};

/**
 * struct drm_ctrans_queue_restart - argument of QUEUE_RESTART
 *
 * From FAULTED or TIMEDOUT to READY, with the entry after the failed one; no
 * index is rewound. READY already: nothing. LOST: -EIO, make a new queue.
 *
 * What makes a queue LOST: a reset of the chip while a job of it was on the cores; one
 * of its context, as another queue of its VM had a job that could not be aborted; an
 * error of the bus; the end of the device. All other queues go on after a reset of the
 * chip as if nothing had happened, and after its sleep as well, be it the chip's own or
 * the machine's: only a job that takes longer than a machine going to sleep waits, two
 * seconds, is aborted, and its queue TIMEDOUT.
 */
struct drm_ctrans_queue_restart {
	/** @queue_id: which. */
	__u32 queue_id;
	/** @pad: zero. */
	__u32 pad;
};

/*
 * poll() on the device file: POLLIN while some queue of the file has completions
 * that CTRANS_DB_CQ_HEAD has not consumed; POLLERR while some queue is not
 * READY; POLLHUP when the device is gone. Nothing needs arming.
 */

#define DRM_IOCTL_CTRANS(access, id, type) \
	DRM_##access(DRM_COMMAND_BASE + DRM_CTRANS_##id, struct drm_ctrans_##type)

/*
 * An enum, so that debuggers and binding generators see the values.
 */
enum {
	DRM_IOCTL_CTRANS_DEV_QUERY = DRM_IOCTL_CTRANS(IOWR, DEV_QUERY, dev_query),
	DRM_IOCTL_CTRANS_BO_CREATE = DRM_IOCTL_CTRANS(IOWR, BO_CREATE, bo_create),
	DRM_IOCTL_CTRANS_BO_MMAP_OFFSET =
		DRM_IOCTL_CTRANS(IOWR, BO_MMAP_OFFSET, bo_mmap_offset),
	DRM_IOCTL_CTRANS_VM_CREATE = DRM_IOCTL_CTRANS(IOWR, VM_CREATE, vm_create),
	DRM_IOCTL_CTRANS_VM_DESTROY = DRM_IOCTL_CTRANS(IOWR, VM_DESTROY, vm_destroy),
	DRM_IOCTL_CTRANS_VM_BIND = DRM_IOCTL_CTRANS(IOWR, VM_BIND, vm_bind),
	DRM_IOCTL_CTRANS_QUEUE_CREATE =
		DRM_IOCTL_CTRANS(IOWR, QUEUE_CREATE, queue_create),
	DRM_IOCTL_CTRANS_QUEUE_DESTROY =
		DRM_IOCTL_CTRANS(IOWR, QUEUE_DESTROY, queue_destroy),
	DRM_IOCTL_CTRANS_QUEUE_WAIT = DRM_IOCTL_CTRANS(IOWR, QUEUE_WAIT, queue_wait),
	DRM_IOCTL_CTRANS_QUEUE_GET_STATE =
		DRM_IOCTL_CTRANS(IOWR, QUEUE_GET_STATE, queue_get_state),
	DRM_IOCTL_CTRANS_QUEUE_RESTART =
		DRM_IOCTL_CTRANS(IOWR, QUEUE_RESTART, queue_restart),
};

#if defined(__cplusplus)
}
#endif

#endif
