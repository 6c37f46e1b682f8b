// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchdog: a job that makes no progress for its queue's time limit is ended.
 * When that is, ctrans_hang.c says; what is done then, ctrans_reset.c.
 *
 * It looks while there are queues and the chip is awake. It wakes nobody: a chip
 * that sleeps has no job. And it asks the chip to sleep, as nobody says when the
 * last job is done.
 */
#include <linux/pm_runtime.h>

#include <drm/drm_managed.h>

#include "ctrans_queue.h"

#define CTRANS_PERIOD_MIN_MS	5
#define CTRANS_PERIOD_MAX_MS	1000

static bool ctrans_watchdog_stuck(struct ctrans_queue *q)
{
	bool active = ctrans_queue_read(q, CTRANS_Q_ACTIVE);
	u32 progress = active ? ctrans_queue_read(q, CTRANS_Q_PROGRESS) : 0;

	return ctrans_hang_look(&q->hang, active, progress, jiffies,
				msecs_to_jiffies(q->timeout_ms));
}

/*
 * End its job. The state says TIMEDOUT first, so that nothing starts another,
 * and its waiters hear of it when the job's completion has been counted.
 * Returns whether the chip obeyed. Drops and takes slots_lock.
 */
static bool ctrans_watchdog_end(struct ctrans_device *ct, unsigned int slot)
{
	struct ctrans_queue *q = ctrans_queue_in(ct, slot);
	bool idle;

	ctrans_hang_forget(&q->hang);
	ctrans_queue_hold(q);
	dev_notice_ratelimited(ct->drm.dev,
			       "queue %u of %s[%d] stopped: no progress for %u ms\n",
			       slot, q->comm, q->pid, q->timeout_ms);
	ctrans_queue_set(q, CTRANS_KQ_TIMEDOUT);
	ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	mutex_unlock(&ct->slots_lock);

	idle = ctrans_queue_recover(q);

	mutex_lock(&ct->slots_lock);
	if (ctrans_queue_in(ct, slot) == q) {
		spin_lock_irq(&q->lock);
		ctrans_wait_sample(q);
		spin_unlock_irq(&q->lock);
		ctrans_wait_wake(q);
	}
	ctrans_queue_put(q);
	return idle;
}

/* How long until the next look; 0: nobody to look at. */
static unsigned int ctrans_watchdog_look(struct ctrans_device *ct)
{
	unsigned int slot, period = 0;
	struct ctrans_queue *q;
	u64 pending = 0;

	if (!ct->asleep)
		pending = ctrans_read64(ct, CTRANS_REG_QPEND_LO);
	for (slot = 0; slot < CTRANS_QUEUES && !ct->asleep; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q || q->state == CTRANS_KQ_LOST)
			continue;
		period = min_not_zero(period, q->timeout_ms / CTRANS_LOOKS + 1);
		ctrans_wait_watch(q, pending >> slot & 1);
		/* Or the others might keep the reset, which is next, waiting. */
		if (q->state == CTRANS_KQ_READY && ctrans_watchdog_stuck(q) &&
		    !ctrans_watchdog_end(ct, slot))
			break;
	}
	return period;
}

static void ctrans_watchdog_work(struct work_struct *work)
{
	struct ctrans_device *ct = container_of(to_delayed_work(work),
						struct ctrans_device, watchdog);
	unsigned int period;
	int idx;

	/* Who wakes it, or has reset it, kicks us. */
	if (!ctrans_enter_awake(ct, &idx))
		return;
	mutex_lock(&ct->slots_lock);
	period = ctrans_watchdog_look(ct);
	mutex_unlock(&ct->slots_lock);
	if (period && !ctrans_device_check(ct)) {
		ctrans_reset_schedule(ct);
		period = 0;
	}
	pm_request_autosuspend(ct->drm.dev);
	ctrans_exit_awake(ct, idx);
	if (!period)
		return;
	period = clamp(period, CTRANS_PERIOD_MIN_MS, CTRANS_PERIOD_MAX_MS);
	queue_delayed_work(ct->wq, &ct->watchdog, msecs_to_jiffies(period));
}

/**
 * ctrans_watchdog_kick - look soon: there is a hasty queue perhaps
 * @ct: device
 * @ms: when
 */
void ctrans_watchdog_kick(struct ctrans_device *ct, int ms)
{
	ms = clamp(ms, CTRANS_PERIOD_MIN_MS, CTRANS_PERIOD_MAX_MS);
	mod_delayed_work(ct->wq, &ct->watchdog, msecs_to_jiffies(ms));
}

/**
 * ctrans_watchdog_stop - no more looks, no more resets
 * @ct: device that is gone
 */
void ctrans_watchdog_stop(struct ctrans_device *ct)
{
	cancel_delayed_work_sync(&ct->watchdog);
	cancel_work_sync(&ct->reset_work);
}

/* A call that was under way may have kicked it after ctrans_watchdog_stop(). */
static void ctrans_watchdog_free(struct drm_device *dev, void *data)
{
	struct ctrans_device *ct = data;

	ctrans_watchdog_stop(ct);
	destroy_workqueue(ct->wq);
}

/**
 * ctrans_watchdog_init - make watchdog and reset ready
 * @ct: device, before it is registered
 *
 * Return: 0 or a negative errno.
 */
int ctrans_watchdog_init(struct ctrans_device *ct)
{
	INIT_DELAYED_WORK(&ct->watchdog, ctrans_watchdog_work);
	INIT_WORK(&ct->reset_work, ctrans_reset_work);
	/* Not while the machine goes to sleep: the chip does, in its turn. */
	ct->wq = alloc_ordered_workqueue("ctrans", WQ_FREEZABLE);
	if (!ct->wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&ct->drm, ctrans_watchdog_free, ct);
}
