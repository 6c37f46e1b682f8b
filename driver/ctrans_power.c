// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: the chip sleeps while nothing is to be done, and wakes for who needs it.
 *
 * Submitting is a store to a doorbell, of which the kernel hears nothing. So no
 * count of jobs says when the chip is idle; it is asked, when nobody has used it
 * for the autosuspend delay. Then the doorbells' mappings are taken away, and only
 * after that the chip says for certain that no queue has anything to do: a store
 * that comes later faults, and the fault wakes it.
 *
 * Asleep (ctrans_device.asleep) no register may be touched. Under slots_lock, or
 * under a queue's lock, the flag does not change; others keep the chip awake by
 * ctrans_enter() and ctrans_enter_awake(). Waking takes reset_lock and slots_lock:
 * a reference of runtime PM comes before both, and before mmap_lock it need not.
 */
#include <linux/delay.h>
#include <linux/pm_runtime.h>

#include "ctrans_queue.h"
#include "ctrans_trace.h"

#define CTRANS_AUTOSUSPEND_MS	100

/* Jobs in hand may take so long to end before the machine sleeps without them. */
#define CTRANS_SUSPEND_MS	2000

/* All resets of a ladder together; of the bus's own recovery nobody tells its end. */
#define CTRANS_RESET_MS		30000

/**
 * ctrans_enter() - the chip is here and awake until ctrans_exit()
 * @ct: the device
 * @idx: for ctrans_exit()
 *
 * Wakes it, which takes some 10 ms. No lock of ours is held.
 *
 * Return: 0, or -ENODEV.
 */
int ctrans_enter(struct ctrans_device *ct, int *idx)
{
	if (!drm_dev_enter(&ct->drm, idx))
		return -ENODEV;
	if (pm_runtime_resume_and_get(ct->drm.dev) >= 0)
		return 0;
	drm_dev_exit(*idx);
	return -ENODEV;
}

/**
 * ctrans_exit() - the chip may go, or to sleep once the autosuspend delay is over
 * @ct: the device
 * @idx: from ctrans_enter()
 */
void ctrans_exit(struct ctrans_device *ct, int idx)
{
	pm_runtime_mark_last_busy(ct->drm.dev);
	__pm_runtime_put_autosuspend(ct->drm.dev);
	drm_dev_exit(idx);
}

/**
 * ctrans_power_hold() - keep it awake if it is
 * @ct: the device; drm_dev_enter() has succeeded, or it has stopped
 * @reset: wait for a reset that is under way; else the answer is false then
 *
 * Return: whether ctrans_power_release() is due. False after a wait: it sleeps, or
 * will never reach memory again.
 */
bool ctrans_power_hold(struct ctrans_device *ct, bool reset)
{
	unsigned long end = jiffies + msecs_to_jiffies(CTRANS_RESET_MS);
	bool awake, again;

	for (;;) {
		mutex_lock(&ct->slots_lock);
		awake = !ct->asleep;
		again = reset && ct->resetting;
		ct->lookers += awake;
		mutex_unlock(&ct->slots_lock);
		if (awake || !again || ctrans_device_stopped(ct))
			return awake;
		if (time_after(jiffies, end)) {
			dev_err(ct->drm.dev, "a reset does not end; the chip is cut off the bus\n");
			ctrans_device_cut_off(ct);
			ctrans_reset_schedule(ct);
			return false;
		}
		usleep_range(500, 2000);
	}
}

/**
 * ctrans_power_release() - undo ctrans_power_hold()
 * @ct: the device
 */
void ctrans_power_release(struct ctrans_device *ct)
{
	mutex_lock(&ct->slots_lock);
	ct->lookers--;
	mutex_unlock(&ct->slots_lock);
}

/**
 * ctrans_enter_awake() - look at registers, waking nobody
 * @ct: the device
 * @idx: for ctrans_exit_awake()
 *
 * Short: the machine's sleep waits for it. No lock of ours is held.
 *
 * Return: false when there is no chip, or it sleeps or is being reset.
 */
bool ctrans_enter_awake(struct ctrans_device *ct, int *idx)
{
	if (!drm_dev_enter(&ct->drm, idx))
		return false;
	if (ctrans_power_hold(ct, false))
		return true;
	drm_dev_exit(*idx);
	return false;
}

/**
 * ctrans_exit_awake() - done looking
 * @ct: the device
 * @idx: from ctrans_enter_awake()
 */
void ctrans_exit_awake(struct ctrans_device *ct, int idx)
{
	ctrans_power_release(ct);
	drm_dev_exit(idx);
}

/* ---- Down ---------------------------------------------------------------- */

/* Since it was last asked. Jobs that came and went between two looks count. */
static bool ctrans_power_worked(struct ctrans_device *ct)
{
	u32 beat = ctrans_read(ct, CTRANS_REG_HEARTBEAT);
	bool worked = beat != ct->heartbeat;

	ct->heartbeat = beat;
	return worked;
}

static bool ctrans_power_wanted(struct ctrans_device *ct)
{
	return ct->lookers || ctrans_power_worked(ct) || ctrans_carry_busy(ct);
}

/* Both locks held. 0: no queue has anything to do, nor can get it. */
static int ctrans_power_still(struct ctrans_device *ct)
{
	if (ctrans_power_wanted(ct))
		return -EBUSY;
	ctrans_carry_hide(ct);
	/* reading a register has brought in every store */
	if (ctrans_carry_busy(ct))
		return -EBUSY;
	ctrans_carry_stop(ct, 0);
	return 0;
}

/* Both locks held; drops and takes slots_lock. */
static void ctrans_power_force(struct ctrans_device *ct)
{
	while (ct->lookers) {
		mutex_unlock(&ct->slots_lock);
		usleep_range(100, 1000);
		mutex_lock(&ct->slots_lock);
	}
	ctrans_carry_hide(ct);
	ctrans_carry_stop(ct, CTRANS_SUSPEND_MS);
}

/*
 * From here no register is touched. A handler that has seen it awake is waited
 * for; one that comes later returns at once.
 */
static int ctrans_power_down(struct ctrans_device *ct, bool force)
{
	ktime_t start = ktime_get();
	bool down = false;
	int err = 0;

	mutex_lock(&ct->reset_lock);
	mutex_lock(&ct->slots_lock);
	if (!ct->gone && !ct->asleep) {
		if (force)
			ctrans_power_force(ct);
		else
			err = ctrans_power_still(ct);
		down = !err;
		if (down)
			ctrans_carry_keep(ct);
	}
	mutex_unlock(&ct->slots_lock);
	if (down) {
		ctrans_irq_disable(ct);
		trace_ctrans_power(false, ktime_us_delta(ktime_get(), start));
	}
	mutex_unlock(&ct->reset_lock);
	return err;
}

/* ---- Up ------------------------------------------------------------------ */

/*
 * Never fails: a chip that does not come back is reset, and given up if that does
 * not help, and everybody is told.
 */
static void ctrans_power_up(struct ctrans_device *ct)
{
	ktime_t start = ktime_get();

	mutex_lock(&ct->reset_lock);
	if (!ct->gone && ct->asleep) {
		if (!ctrans_reset_wake(ct))
			ctrans_reset_schedule(ct);
		trace_ctrans_power(true, ktime_us_delta(ktime_get(), start));
	}
	mutex_unlock(&ct->reset_lock);
}

/* ---- What the kernel calls ------------------------------------------------ */

static int ctrans_power_runtime_suspend(struct device *dev)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);
	int err = ctrans_power_down(ct, false);

	if (err) {
		pm_runtime_mark_last_busy(dev);
		/* which asks again: the core does not */
		ctrans_watchdog_kick(ct, dev->power.autosuspend_delay);
	} else {
		ctrans_devfreq_suspend(ct);
	}
	return err;
}

static int ctrans_power_resume(struct device *dev)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);

	ctrans_power_up(ct);
	ctrans_devfreq_resume(ct);
	return 0;
}

/* The bus has woken the device for this. Processes are frozen. */
static int ctrans_power_suspend(struct device *dev)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);
	int err = ctrans_power_down(ct, true);

	if (!err)
		ctrans_devfreq_suspend(ct);
	return err;
}

const struct dev_pm_ops ctrans_power_ops = {
	SYSTEM_SLEEP_PM_OPS(ctrans_power_suspend, ctrans_power_resume)
	RUNTIME_PM_OPS(ctrans_power_runtime_suspend, ctrans_power_resume, NULL)
};

/**
 * ctrans_power_start() - let it sleep from now on
 * @ct: the device, registered; the bus holds a reference of runtime PM for probe
 */
void ctrans_power_start(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;

	pm_runtime_set_autosuspend_delay(dev, CTRANS_AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_mark_last_busy(dev);
	pm_runtime_allow(dev);
	__pm_runtime_put_autosuspend(dev);
}

/**
 * ctrans_power_end() - undo ctrans_power_start()
 * @ct: the device, awake by a reference of the bus, unless it has gone
 */
void ctrans_power_end(struct ctrans_device *ct)
{
	pm_runtime_get_noresume(ct->drm.dev);
	pm_runtime_forbid(ct->drm.dev);
	pm_runtime_dont_use_autosuspend(ct->drm.dev);
}
