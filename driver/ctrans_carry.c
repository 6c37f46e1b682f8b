// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues carried over a loss of the chip's registers: its sleep, or a reset.
 *
 * A queue that has no job in hand is four indices: what it has fetched, the last
 * words of its doorbell, what it has completed. Read while it stands still and
 * written back, it goes on where it was; nothing is rewound, and whoever sleeps
 * until it completes something sleeps on. Only a job that is on the cores cannot
 * be carried over.
 *
 * Callers hold reset_lock, so that no queue is started meanwhile, and slots_lock,
 * under which doorbells come back.
 */
#include <linux/delay.h>

#include "ctrans_queue.h"

/**
 * ctrans_carry_busy() - has any queue something to do
 * @ct: the device
 *
 * Return: as the chip says it, counting all stores to doorbells before.
 */
bool ctrans_carry_busy(struct ctrans_device *ct)
{
	return ctrans_read64(ct, CTRANS_REG_QBUSY_LO);
}

/**
 * ctrans_carry_hide() - take all doorbells away; they come back by a fault
 * @ct: the device
 */
void ctrans_carry_hide(struct ctrans_device *ct)
{
	struct ctrans_queue *q;

	lockdep_assert_held(&ct->slots_lock);
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_doorbell_revoke(q);
	}
}

/* Queues that the chip works for, LOST ones included. */
static u64 ctrans_carry_active(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	u64 active = 0;

	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q && ctrans_queue_read(q, CTRANS_Q_ACTIVE))
			active |= BIT_ULL(slot);
	}
	return active;
}

static u64 ctrans_carry_wait(struct ctrans_device *ct, unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	u64 active;

	for (;;) {
		bool late = time_after(jiffies, end);

		active = ctrans_carry_active(ct);
		if (!active || late || !ms)
			return active;
		usleep_range(50, 200);
	}
}

/* Those in @active do what @state and @control say. */
static void ctrans_carry_end(struct ctrans_device *ct, u64 active, u32 state,
			     u32 control)
{
	struct ctrans_queue *q;

	for (; active; active &= active - 1) {
		q = ctrans_queue_in(ct, __ffs64(active));
		if (!q)
			continue;
		if (q->state == CTRANS_KQ_READY)
			dev_notice_ratelimited(ct->drm.dev,
					       "queue %u of %s[%d] stopped: its job was in hand when the chip had to stop\n",
					       q->slot, q->comm, q->pid);
		ctrans_queue_halt(q, state);
		ctrans_queue_write(q, CTRANS_Q_CTRL, control);
	}
}

/**
 * ctrans_carry_stop() - have all queues stand still, their doorbells hidden
 * @ct: the device
 * @ms: how long jobs in hand may go on; after that they are aborted. 0: they are
 *	not waited for at all
 *
 * A queue whose job is still on the cores afterwards is LOST.
 */
void ctrans_carry_stop(struct ctrans_device *ct, unsigned int ms)
{
	struct ctrans_queue *q;
	u64 active;

	lockdep_assert_held(&ct->slots_lock);
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q || q->state == CTRANS_KQ_LOST)
			continue;
		ctrans_wait_look(q);
		if (q->state == CTRANS_KQ_READY)
			ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	}
	active = ctrans_carry_wait(ct, ms);
	if (active && ms) {
		ctrans_carry_end(ct, active, CTRANS_KQ_TIMEDOUT,
				 CTRANS_QCTRL_ABORT);
		active = ctrans_carry_wait(ct, CTRANS_ABORT_MS);
	}
	ctrans_carry_end(ct, active, CTRANS_KQ_LOST, CTRANS_QCTRL_ABORT);
}

/* Its words; false if they are not a queue's. */
static bool ctrans_carry_read(struct ctrans_queue *q)
{
	u32 state = ctrans_queue_read(q, CTRANS_Q_STATE);

	spin_lock_irq(&q->lock);
	ctrans_wait_sample(q);
	spin_unlock_irq(&q->lock);
	/* it may have ended in an error before it stopped */
	ctrans_wait_look(q);
	q->words.sq_head = ctrans_queue_read(q, CTRANS_Q_SQ_HEAD);
	q->words.sq_tail = ctrans_queue_read(q, CTRANS_Q_SQ_TAIL);
	q->words.cq_head = ctrans_queue_read(q, CTRANS_Q_CQ_HEAD);
	q->words.cq_tail = ctrans_queue_read(q, CTRANS_Q_CQ_TAIL);
	return state <= CTRANS_QSTATE_ERROR &&
	       q->words.cq_tail == lower_32_bits(q->done) &&
	       q->words.sq_tail - q->words.sq_head <= 1u << q->sq_log2 &&
	       q->words.cq_tail - q->words.cq_head <= 1u << q->cq_log2;
}

/**
 * ctrans_carry_keep() - remember all queues, and touch no register from here on
 * @ct: the device, its queues stopped
 *
 * What was completed is known afterwards, and who waited for it is woken.
 */
void ctrans_carry_keep(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	u64 pending = ctrans_read64(ct, CTRANS_REG_QPEND_LO);
	unsigned int slot;

	lockdep_assert_held(&ct->slots_lock);
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q || q->state == CTRANS_KQ_LOST)
			continue;
		if (ctrans_carry_read(q))
			continue;
		if (ctrans_device_check(ct))
			dev_notice_ratelimited(ct->drm.dev,
					       "queue %u of %s[%d] is lost: the chip's indices of it are impossible\n",
					       slot, q->comm, q->pid);
		ctrans_queue_halt(q, CTRANS_KQ_LOST);
	}
	ctrans_counters_sample(ct);
	WRITE_ONCE(ct->asleep, true);
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q)
			continue;
		/* who has its lock may not have seen that yet */
		spin_lock_irq(&q->lock);
		spin_unlock_irq(&q->lock);
		/* its interrupt may come too late to be heard */
		if (pending & BIT_ULL(slot))
			ctrans_wait_wake(q);
	}
}

/**
 * ctrans_carry_restore() - a chip just reset goes on with the queues it had
 * @ct: the device, started
 */
void ctrans_carry_restore(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	bool any = false;

	lockdep_assert_held(&ct->slots_lock);
	WRITE_ONCE(ct->asleep, false);
	ctrans_counters_restart(ct);
	ctrans_opp_apply(ct);
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q || q->state == CTRANS_KQ_LOST)
			continue;
		any = true;
		if (ctrans_queue_program(q))
			ctrans_queue_halt(q, CTRANS_KQ_LOST);
	}
	if (any)
		ctrans_watchdog_kick(ct, 0);
}
