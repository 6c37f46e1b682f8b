/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue, and what the files that make one work do for each other.
 *
 * A queue sits in a slot of the chip from creation until it is drained. Its
 * state leaves READY and comes back under slots_lock, together with its doorbell
 * mappings: where the state is not READY no process can store to the doorbell.
 * LOST is final; it also is the state of a queue that is being destroyed.
 *
 * The slot's registers are its owner's while slots[slot] names it. Counts and
 * states come from registers alone. The status region is written here (one line)
 * and by the chip; only the number that a user gave the failed entry is read
 * back from it, to be reported.
 */
#ifndef _CTRANS_QUEUE_H
#define _CTRANS_QUEUE_H

#include <linux/scatterlist.h>
#include <linux/sched.h>

#include "ctrans_drv.h"
#include "ctrans_hang.h"

/* How long the chip may take to leave a job: many units of work. */
#define CTRANS_ABORT_MS		2000

/** struct ctrans_queue_words - where a queue stands, see ctrans_carry.c */
struct ctrans_queue_words {
	/** @sq_head: entries fetched. */
	u32 sq_head;
	/** @sq_tail: the doorbell's word. */
	u32 sq_tail;
	/** @cq_head: the doorbell's word. */
	u32 cq_head;
	/** @cq_tail: completions written. */
	u32 cq_tail;
};

/** struct ctrans_queue - one queue */
struct ctrans_queue {
	/** @ref: the file's id, mappings, calls under way. */
	struct kref ref;
	/** @ct: the device. */
	struct ctrans_device *ct;
	/** @cf: its file; good while the queue is in a slot. */
	struct ctrans_file *cf;
	/** @vm: its address space; good while the queue is in a slot. */
	struct ctrans_vm *vm;
	/** @slot: on the chip. */
	unsigned int slot;
	/** @sq_va: the submission ring. */
	u64 sq_va;
	/** @sq_log2: log2 of its entries. */
	u32 sq_log2;
	/** @cq_log2: log2 of completion entries. */
	u32 cq_log2;
	/** @timeout_ms: without progress a job is ended after this. */
	u32 timeout_ms;
	/** @eventfd: to be signalled, or NULL. */
	struct eventfd_ctx *eventfd;
	/** @comm: who made it, for messages. */
	char comm[TASK_COMM_LEN];
	/** @pid: the same. */
	pid_t pid;

	/** @status: status region; under slots_lock, NULL once it is freed. */
	void *status;
	/** @status_dma: its bus address. */
	dma_addr_t status_dma;
	/** @status_size: bytes, whole pages. */
	size_t status_size;
	/** @status_sgt: its pages, for mapping. */
	struct sg_table status_sgt;
	/** @dummy: shown instead of the doorbell while it is not READY. */
	struct page *dummy;

	/** @lock: what follows; the interrupt handler takes it. */
	spinlock_t lock;
	/** @state: enum ctrans_kernel_state; written under slots_lock as well. */
	u32 state;
	/** @tail: CQ_TAIL as last read. */
	u32 tail;
	/** @done: completions so far; never goes back. */
	u64 done;
	/** @odd: the last reading of CQ_TAIL was impossible. */
	bool odd;
	/** @waiters: struct ctrans_waiter of those who sleep in QUEUE_WAIT. */
	struct list_head waiters;
	/** @wait: where they sleep. */
	wait_queue_head_t wait;
	/** @error: enum ctrans_qerr, why it is FAULTED. */
	u32 error;
	/** @fault_insn: instruction of the failed job, or U32_MAX. */
	u32 fault_insn;
	/** @fault_sequence: the user's number of the failed job. */
	u32 fault_sequence;
	/** @fault_va: address that failed, or 0. */
	u64 fault_va;

	/** @words: its indices and doorbell words while it stands still. */
	struct ctrans_queue_words words;
	/** @pending: its interrupt was, when the watchdog looked; its own. */
	bool pending;
	/** @hang: what the watchdog has seen; its own. */
	struct ctrans_hang hang;

	/** @counts: what it has used; under slots_lock. */
	struct ctrans_counts counts;
	/** @counts_seen: what the slot's registers said last. */
	struct ctrans_counts counts_seen;
};

static inline u32 ctrans_queue_read(struct ctrans_queue *q, u32 reg)
{
	return ctrans_read(q->ct, CTRANS_REG_Q(q->slot) + reg);
}

static inline void ctrans_queue_write(struct ctrans_queue *q, u32 reg, u32 value)
{
	ctrans_write(q->ct, CTRANS_REG_Q(q->slot) + reg, value);
}

/* The queue in a slot, by one who changes or watches queues. */
static inline struct ctrans_queue *ctrans_queue_in(struct ctrans_device *ct,
						   unsigned int slot)
{
	return rcu_dereference_protected(ct->slots[slot],
					 lockdep_is_held(&ct->slots_lock));
}

/* Bytes of the submission ring. */
static inline u64 ctrans_queue_ring(const struct ctrans_queue *q)
{
	return (u64)sizeof(struct ctrans_sqe) << q->sq_log2;
}

/* ---- ctrans_queue.c ---------------------------------------------------- */

struct ctrans_queue *ctrans_queue_get(struct ctrans_file *cf, u32 id);
void ctrans_queue_hold(struct ctrans_queue *q);
void ctrans_queue_put(struct ctrans_queue *q);
void ctrans_queue_tell(struct ctrans_queue *q);
void ctrans_queue_set(struct ctrans_queue *q, u32 state);
void ctrans_queue_halt(struct ctrans_queue *q, u32 state);
bool ctrans_queue_idle(struct ctrans_queue *q);
int ctrans_queue_program(struct ctrans_queue *q);
bool ctrans_queue_recover(struct ctrans_queue *q);
void ctrans_queue_drain(struct ctrans_queue *q);
void ctrans_queue_free_status(struct ctrans_queue *q);

/* ---- ctrans_wait.c ----------------------------------------------------- */

void ctrans_wait_sample(struct ctrans_queue *q);
void ctrans_wait_look(struct ctrans_queue *q);
void ctrans_wait_wake(struct ctrans_queue *q);
void ctrans_wait_watch(struct ctrans_queue *q, bool pending);
#if IS_ENABLED(CONFIG_KUNIT)
int ctrans_wait_verdict(struct ctrans_queue *q, u64 seq, u64 *done);
#endif

/* ---- ctrans_doorbell.c ------------------------------------------------- */

u64 ctrans_doorbell_offset(const struct ctrans_queue *q);
u64 ctrans_doorbell_status_offset(const struct ctrans_queue *q);
void ctrans_doorbell_revoke(struct ctrans_queue *q);
void ctrans_doorbell_revoke_status(struct ctrans_queue *q);
void ctrans_doorbell_count_reset(struct ctrans_device *ct);

/* ---- ctrans_reset.c ---------------------------------------------------- */

void ctrans_reset_work(struct work_struct *work);
bool ctrans_reset_context(struct ctrans_queue *q);

/* ---- ctrans_dump.c ----------------------------------------------------- */

struct ctrans_dump;
struct ctrans_dump *ctrans_dump_open(struct ctrans_device *ct);
void ctrans_dump_take(struct ctrans_dump *d, struct ctrans_queue *guilty,
		      const char *why);
void ctrans_dump_close(struct ctrans_dump *d);

#endif
