// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completions and errors: from the chip's registers to those who wait.
 *
 * The chip interrupts when CQ_TAIL differs from an ARM word, once; the kernel's
 * own such word is the register CTRANS_Q_ARM. Whoever goes to sleep first reads
 * CQ_TAIL and arms with what it read: if the count has moved by then the chip
 * fires at once, so no wake-up is lost whatever others have stored before. The
 * handler arms again while somebody's count is not reached.
 *
 * A queue's 32-bit count is extended to 64 bits from one reading to the next.
 * The watchdog reads often enough that no wrap-around is missed. A count that goes
 * back, or beyond what was fetched, is not believed, and its queue is LOST.
 */
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include <kunit/visibility.h>

#include "ctrans_queue.h"
#include "ctrans_trace.h"

/* One sleeper of QUEUE_WAIT, on its stack. */
struct ctrans_waiter {
	struct list_head link;
	u64 seq;
};

/**
 * ctrans_wait_sample - read how many completions there are
 * @q: queue; its lock is held, drm_dev_enter() has succeeded
 */
void ctrans_wait_sample(struct ctrans_queue *q)
{
	u32 tail, ahead, fetched;

	lockdep_assert_held(&q->lock);
	if (q->state == CTRANS_KQ_LOST)
		return;		/* the slot may be another's */
	if (READ_ONCE(q->ct->asleep))
		return;		/* nothing has happened since */
	tail = ctrans_queue_read(q, CTRANS_Q_CQ_TAIL);
	/* an index like any other, unless all registers read like that */
	if (tail == U32_MAX && ctrans_queue_read(q, CTRANS_Q_STATE) == U32_MAX)
		return;
	ahead = tail - lower_32_bits(q->done);
	/* One more is what there usually is: not worth another register. */
	if (ahead > 1) {
		fetched = ctrans_queue_read(q, CTRANS_Q_SQ_HEAD);
		q->odd = ahead > S32_MAX || fetched - tail > 1u << q->sq_log2;
		if (q->odd)
			return;
	}
	q->tail = tail;
	q->done += ahead;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_wait_sample);

/* One that sleeps is armed when it starts again. */
static void ctrans_wait_arm(struct ctrans_queue *q)
{
	if (!READ_ONCE(q->ct->asleep))
		ctrans_queue_write(q, CTRANS_Q_ARM, q->tail);
}

/**
 * ctrans_wait_wake - have everybody look at the queue
 * @q: queue in its slot
 */
void ctrans_wait_wake(struct ctrans_queue *q)
{
	wake_up_all(&q->wait);
	wake_up_all(&q->cf->poll);
	if (q->eventfd)
		eventfd_signal(q->eventfd);
}

/* ---- Interrupts --------------------------------------------------------- */

static void ctrans_wait_completed(struct ctrans_queue *q)
{
	struct ctrans_waiter *w;
	bool reached = false, more = false;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	ctrans_wait_sample(q);
	list_for_each_entry(w, &q->waiters, link) {
		if (w->seq <= q->done)
			reached = true;
		else
			more = true;
	}
	if (more && q->state == CTRANS_KQ_READY)
		ctrans_wait_arm(q);
	spin_unlock_irqrestore(&q->lock, flags);

	if (reached)
		wake_up_all(&q->wait);
	wake_up_all(&q->cf->poll);
	if (q->eventfd)
		eventfd_signal(q->eventfd);
}

/**
 * ctrans_wait_completions - queues have interrupted
 * @ct: device
 * @pending: their slots; cleared on the chip before they are looked at here, so
 *	that what completes from now on interrupts again
 */
void ctrans_wait_completions(struct ctrans_device *ct, u64 pending)
{
	struct ctrans_queue *q;

	rcu_read_lock();
	for (; pending; pending &= pending - 1) {
		q = rcu_dereference(ct->slots[__ffs64(pending)]);
		if (q)
			ctrans_wait_completed(q);
	}
	rcu_read_unlock();
}

/**
 * ctrans_wait_watch - count completions, and do without interrupts
 * @q: queue in its slot; slots_lock is held, the chip is awake
 * @pending: its bit of QPEND
 *
 * The watchdog's look. An interrupt that is pending at two of them has been lost:
 * this is it. A queue whose count is impossible is given up.
 */
void ctrans_wait_watch(struct ctrans_queue *q, bool pending)
{
	struct ctrans_device *ct = q->ct;
	bool lost = pending && q->pending;

	q->pending = pending && !lost;
	if (lost) {
		ctrans_write(ct, CTRANS_REG_QPEND_LO + q->slot / 32 * 4,
			     BIT(q->slot % 32));
		ctrans_wait_completed(q);
	}
	spin_lock_irq(&q->lock);
	ctrans_wait_sample(q);
	spin_unlock_irq(&q->lock);
	/* or there is no chip, which is more than a queue's end */
	if (!q->odd || !ctrans_device_check(ct))
		return;
	dev_notice_ratelimited(ct->drm.dev,
			       "queue %u of %s[%d] is lost: the chip's count of completions is impossible\n",
			       q->slot, q->comm, q->pid);
	ctrans_queue_halt(q, CTRANS_KQ_LOST);
	ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
}

static const char *ctrans_error_name(u32 error)
{
	switch (error) {
	case CTRANS_QERR_SQ_TAIL:	return "impossible submission tail";
	case CTRANS_QERR_CQ_HEAD:	return "impossible completion head";
	case CTRANS_QERR_SQ_FAULT:	return "submission ring not mapped";
	case CTRANS_QERR_STATUS_BUS:	return "status region unreachable";
	case CTRANS_QERR_JOB:		return "job failed";
	default:			return "unknown error";
	}
}

static void ctrans_wait_report(struct ctrans_queue *q, bool write)
{
	char at[48] = "", insn[32] = "";

	if (q->fault_insn != U32_MAX)
		snprintf(insn, sizeof(insn), ", instruction %u", q->fault_insn);
	if (q->fault_va)
		snprintf(at, sizeof(at), ", %s of %#llx",
			 write ? "write" : "read", q->fault_va);
	dev_notice_ratelimited(q->ct->drm.dev,
			       "queue %u of %s[%d] stopped: %s, sequence %u%s%s\n",
			       q->slot, q->comm, q->pid,
			       ctrans_error_name(q->error), q->fault_sequence,
			       insn, at);
}

/**
 * ctrans_wait_look - notice an error whose interrupt is still on its way
 * @q: queue; slots_lock is held, drm_dev_enter() has succeeded
 *
 * Does nothing while the chip sleeps: it was looked at before.
 *
 * A process may learn of it from the status page before the kernel does.
 */
void ctrans_wait_look(struct ctrans_queue *q)
{
	const struct ctrans_status_line *line = q->status;
	u32 error, info, state;
	u64 va;

	lockdep_assert_held(&q->ct->slots_lock);
	if (q->state == CTRANS_KQ_LOST || q->ct->asleep)
		return;
	spin_lock_irq(&q->lock);
	ctrans_wait_sample(q);
	spin_unlock_irq(&q->lock);
	if (q->state != CTRANS_KQ_READY)
		return;
	state = ctrans_queue_read(q, CTRANS_Q_STATE);
	if (state != CTRANS_QSTATE_ERROR)
		return;
	error = ctrans_queue_read(q, CTRANS_Q_ERROR);
	info = ctrans_queue_read(q, CTRANS_Q_FAULT_INFO);
	va = ctrans_read64(q->ct, CTRANS_REG_Q(q->slot) + CTRANS_Q_FAULT_VA_LO);

	spin_lock_irq(&q->lock);
	ctrans_wait_sample(q);
	q->error = error;
	q->fault_insn = U32_MAX;
	q->fault_sequence = 0;
	q->fault_va = 0;
	if (error == CTRANS_QERR_JOB) {
		if ((info & 0xffff) != 0xffff)
			q->fault_insn = info & 0xffff;
		q->fault_sequence =
			le32_to_cpu((__force __le32)READ_ONCE(line->fault_sequence));
	}
	if (error == CTRANS_QERR_JOB || error == CTRANS_QERR_SQ_FAULT)
		q->fault_va = va;
	spin_unlock_irq(&q->lock);
	trace_ctrans_fault(q->slot, q->error, q->fault_insn, q->fault_va);
	ctrans_wait_report(q, info >> 31);
	ctrans_queue_halt(q, CTRANS_KQ_FAULTED);
}

/**
 * ctrans_wait_errors - queues have stopped for errors of their own
 * @ct: device, awake
 * @stopped: their slots
 */
void ctrans_wait_errors(struct ctrans_device *ct, u64 stopped)
{
	struct ctrans_queue *q;

	mutex_lock(&ct->slots_lock);
	for (; stopped; stopped &= stopped - 1) {
		q = ctrans_queue_in(ct, __ffs64(stopped));
		if (q)
			ctrans_wait_look(q);
	}
	mutex_unlock(&ct->slots_lock);
}

/* ---- QUEUE_WAIT --------------------------------------------------------- */

/* Look at the registers and, for one who will sleep, arm. */
static void ctrans_wait_enter(struct ctrans_queue *q, struct ctrans_waiter *w)
{
	int idx;

	if (!drm_dev_enter(&q->ct->drm, &idx))
		return;
	spin_lock_irq(&q->lock);
	ctrans_wait_sample(q);
	if (w && q->done < w->seq && q->state == CTRANS_KQ_READY) {
		list_add_tail(&w->link, &q->waiters);
		ctrans_wait_arm(q);
	}
	spin_unlock_irq(&q->lock);
	drm_dev_exit(idx);
}

/* 1: sleep. */
VISIBLE_IF_KUNIT int ctrans_wait_verdict(struct ctrans_queue *q, u64 seq, u64 *done)
{
	u32 state;

	spin_lock_irq(&q->lock);
	*done = q->done;
	state = q->state;
	spin_unlock_irq(&q->lock);
	if (READ_ONCE(q->ct->gone) || drm_dev_is_unplugged(&q->ct->drm))
		return -ENODEV;
	if (*done >= seq)
		return 0;
	return state == CTRANS_KQ_READY ? 1 : -EIO;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_wait_verdict);

static int ctrans_wait_sleep(struct ctrans_queue *q, u64 seq, ktime_t deadline,
			     u64 *done)
{
	struct ctrans_waiter w = { .seq = seq };
	DEFINE_WAIT(wait);
	bool late = false;
	int ret;

	INIT_LIST_HEAD(&w.link);
	ctrans_wait_enter(q, &w);
	for (;;) {
		prepare_to_wait(&q->wait, &wait, TASK_INTERRUPTIBLE);
		ret = ctrans_wait_verdict(q, seq, done);
		if (ret <= 0)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		ret = -ETIME;
		if (late)
			break;
		late = !schedule_hrtimeout_range(&deadline,
						 current->timer_slack_ns,
						 HRTIMER_MODE_ABS);
	}
	finish_wait(&q->wait, &wait);
	spin_lock_irq(&q->lock);
	list_del(&w.link);
	spin_unlock_irq(&q->lock);
	return ret;
}

/**
 * ctrans_ioctl_queue_wait - QUEUE_WAIT
 * @dev: device
 * @data: struct drm_ctrans_queue_wait
 * @file: open file
 *
 * Return: 0; -EINVAL, -ENOENT; -ETIME, -EIO, -ENODEV or -ERESTARTSYS, all of
 * these with the count.
 */
int ctrans_ioctl_queue_wait(struct drm_device *dev, void *data,
			    struct drm_file *file)
{
	struct drm_ctrans_queue_wait *args = data;
	struct ctrans_queue *q;
	int ret;

	if (args->flags)
		return -EINVAL;
	q = ctrans_queue_get(file->driver_priv, args->queue_id);
	if (!q)
		return -ENOENT;
	ret = -ETIME;
	if (ns_to_ktime(args->deadline_ns) > ktime_get())
		ret = ctrans_wait_sleep(q, args->seq,
					ns_to_ktime(args->deadline_ns),
					&args->done);
	/* the last look, without arming: the count as of now */
	if (ret == -ETIME) {
		ctrans_wait_enter(q, NULL);
		ret = ctrans_wait_verdict(q, args->seq, &args->done);
		if (ret > 0)
			ret = -ETIME;
	}
	ctrans_queue_put(q);
	return ret;
}

/* ---- poll() ------------------------------------------------------------- */

static __poll_t ctrans_poll_queue(struct ctrans_queue *q)
{
	__poll_t mask = 0;

	mutex_lock(&q->ct->slots_lock);
	ctrans_wait_look(q);
	spin_lock_irq(&q->lock);
	if (q->state != CTRANS_KQ_READY)
		mask |= EPOLLERR;
	if (q->state != CTRANS_KQ_LOST) {
		u32 head = q->ct->asleep ? q->words.cq_head :
					   ctrans_queue_read(q, CTRANS_Q_CQ_HEAD);

		if (head != q->tail)
			mask |= EPOLLIN | EPOLLRDNORM;
		/* In any case: edge-triggered epoll waits for the next. */
		ctrans_wait_arm(q);
	}
	spin_unlock_irq(&q->lock);
	mutex_unlock(&q->ct->slots_lock);
	return mask;
}

/**
 * ctrans_poll - poll() on the device file
 * @filp: open file
 * @wait: where to queue the sleeper, or NULL
 *
 * Return: EPOLLIN, EPOLLERR and EPOLLHUP as ctrans_accel.h defines them, and
 * what the DRM core has.
 */
__poll_t ctrans_poll(struct file *filp, struct poll_table_struct *wait)
{
	struct drm_file *file = filp->private_data;
	struct ctrans_file *cf = file->driver_priv;
	__poll_t mask = drm_poll(filp, wait);
	struct ctrans_queue *q;
	unsigned int id;
	int idx;

	poll_wait(filp, &cf->poll, wait);
	if (READ_ONCE(cf->ct->gone) || !drm_dev_enter(&cf->ct->drm, &idx))
		return mask | EPOLLHUP | EPOLLERR;
	for (id = 1; id <= CTRANS_FILE_QUEUES; id++) {
		q = ctrans_queue_get(cf, id);
		if (!q)
			continue;
		mask |= ctrans_poll_queue(q);
		ctrans_queue_put(q);
	}
	drm_dev_exit(idx);
	return mask;
}
