// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recovery: what is done with a chip that does not do as it is told, each step
 * where the one before did not help.
 *
 *  1. abort of the queue (ctrans_watchdog.c, or whoever destroys it)
 *  2. reset of its context: the VM's queues are LOST
 *  3. reset of the chip
 *  4. reset by the bus
 *  5. none: it is cut off from memory, and udev is told (WEDGED=)
 *
 * From step 3 on all registers are lost, and queues are carried over: only one
 * whose job was on the cores is LOST. Memory and address spaces are the host's.
 * What the end of the chip, or of the device, means to queues is here as well.
 */
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/pm_runtime.h>

#include "ctrans_queue.h"
#include "ctrans_trace.h"

/* How long jobs in hand are waited for when somebody else asks for a reset. */
#define CTRANS_PREPARE_MS	2000

/* While the device's lock is another's: the bus is resetting it, or unbinding us. */
#define CTRANS_BUS_TRIES	100

/* Sleepers of files without a queue are to see that the device has gone. */
static void ctrans_reset_wake_files(struct ctrans_device *ct)
{
	struct drm_file *file;

	mutex_lock(&ct->drm.filelist_mutex);
	list_for_each_entry(file, &ct->drm.filelist, lhead) {
		struct ctrans_file *cf = file->driver_priv;

		wake_up_all(&cf->poll);
	}
	mutex_unlock(&ct->drm.filelist_mutex);
}

/**
 * ctrans_queues_lost - take all queues away from everyone
 * @ct: device that has gone
 *
 * Once the chip is stopped for good, their memory goes with them.
 */
void ctrans_queues_lost(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	unsigned int slot;

	mutex_lock(&ct->slots_lock);
	/* whoever is woken for one finds all of them like that */
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_queue_set(q, CTRANS_KQ_LOST);
	}
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q)
			continue;
		ctrans_wait_wake(q);
		if (ctrans_device_stopped(ct))
			ctrans_queue_free_status(q);
	}
	mutex_unlock(&ct->slots_lock);
	ctrans_reset_wake_files(ct);
}

/* ---- A context ------------------------------------------------------------ */

/**
 * ctrans_reset_context - have the chip drop everything of a queue's VM
 * @q: queue that does not obey an abort; in its slot, or drained by now
 *
 * Return: whether its job has left the cores.
 */
bool ctrans_reset_context(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	struct ctrans_dump *dump;
	struct ctrans_queue *other;
	unsigned int slot;
	bool obeyed;
	int idx;

	if (!ctrans_enter_awake(ct, &idx))
		return ctrans_queue_idle(q);
	dump = ctrans_dump_open(ct);
	mutex_lock(&ct->slots_lock);
	if (!ct->asleep && ctrans_queue_in(ct, q->slot) == q) {
		ctrans_dump_take(dump, q, "a job did not obey its queue's abort");
		for (slot = 0; slot < CTRANS_QUEUES; slot++) {
			other = ctrans_queue_in(ct, slot);
			if (other && other->vm == q->vm)
				ctrans_queue_halt(other, CTRANS_KQ_LOST);
		}
		ctrans_write(ct, CTRANS_REG_CTX_RESET, q->vm->ctx);
		dev_notice_ratelimited(ct->drm.dev,
				       "context %u of %s[%d] was reset: its job did not obey\n",
				       q->vm->ctx, q->comm, q->pid);
	}
	mutex_unlock(&ct->slots_lock);
	ctrans_dump_close(dump);
	ctrans_exit_awake(ct, idx);
	obeyed = ctrans_queue_idle(q);
	trace_ctrans_recovery("context", q->slot, obeyed);
	return obeyed;
}

/* ---- The chip -------------------------------------------------------------- */

/* slots_lock held. */
static void ctrans_reset_mark(struct ctrans_device *ct)
{
	WRITE_ONCE(ct->resetting, true);
	WRITE_ONCE(ct->reset_count, ct->reset_count + 1);
	ctrans_doorbell_count_reset(ct);
}

/*
 * Queues to where ctrans_carry.c has them; nobody touches a register until the end
 * of the reset. Once, however many resets it takes.
 */
static void ctrans_reset_begin(struct ctrans_device *ct, unsigned int ms,
			       const char *why)
{
	struct ctrans_dump *dump;
	struct ctrans_queue *q;

	lockdep_assert_held(&ct->reset_lock);
	if (ct->resetting)
		return;
	dump = why ? ctrans_dump_open(ct) : NULL;
	mutex_lock(&ct->slots_lock);
	ctrans_reset_mark(ct);
	if (!ct->asleep) {
		ctrans_dump_take(dump, NULL, why);
		ctrans_carry_hide(ct);
		ctrans_carry_stop(ct, ms);
		ctrans_carry_keep(ct);
	}
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_queue_tell(q);
	}
	mutex_unlock(&ct->slots_lock);
	ctrans_irq_disable(ct);
	ctrans_dump_close(dump);
}

/* The chip is as after power-on: go on with what there was. */
static void ctrans_reset_end(struct ctrans_device *ct)
{
	ctrans_device_start(ct);
	mutex_lock(&ct->slots_lock);
	WRITE_ONCE(ct->resetting, false);
	ctrans_carry_restore(ct);
	mutex_unlock(&ct->slots_lock);
}

/* reset_lock held. */
static void ctrans_reset_give_up(struct ctrans_device *ct)
{
	char wedged[] = "WEDGED=rebind,bus-reset";
	char *event[2] = { wedged };

	if (!ct->gone) {
		dev_err(ct->drm.dev, "the chip does not come back from a reset and is cut off; unbind and bind the driver, or power the machine off\n");
		ctrans_device_cut_off(ct);
		trace_ctrans_recovery("wedged", -1, true);
		ctrans_queues_lost(ct);
		kobject_uevent_env(&ct->drm.accel->kdev->kobj, KOBJ_CHANGE, event);
	} else {
		ctrans_queues_lost(ct);
	}
}

/* True: it works again, or is given up already. */
static bool ctrans_reset_chip(struct ctrans_device *ct)
{
	bool good = true;

	mutex_lock(&ct->reset_lock);
	if (ct->gone) {
		ctrans_device_stop(ct);
		ctrans_queues_lost(ct);
	} else {
		ctrans_reset_begin(ct, 0, "the chip does not do as it is told");
		good = !ctrans_device_reset(ct);
		if (good) {
			ctrans_reset_end(ct);
			dev_notice(ct->drm.dev, "the chip was reset\n");
		}
		trace_ctrans_recovery("chip", -1, good);
	}
	mutex_unlock(&ct->reset_lock);
	return good;
}

/* The same, by the bus. Whoever has the device's lock may be waiting for us. */
static bool ctrans_reset_bus(struct ctrans_device *ct)
{
	int err;

	for (int i = 0; i < CTRANS_BUS_TRIES; i++) {
		err = ct->bus->reset(ct);
		if (READ_ONCE(ct->gone) || !READ_ONCE(ct->resetting))
			return true;
		if (err != -EAGAIN)
			break;
		msleep(20);
	}
	return false;
}

/**
 * ctrans_reset_work - the work behind ctrans_reset_schedule()
 * @work: ctrans_device.reset_work
 *
 * When it is done the chip is as after power-on, or cut off from memory.
 */
void ctrans_reset_work(struct work_struct *work)
{
	struct ctrans_device *ct = container_of(work, struct ctrans_device,
						reset_work);
	struct device *dev = ct->drm.dev;
	int idx;

	if (!drm_dev_enter(&ct->drm, &idx))
		return;
	/* A chip that does not wake is no reason not to reset it. */
	pm_runtime_get_sync(dev);
	if (!ctrans_reset_chip(ct) && !ctrans_reset_bus(ct)) {
		mutex_lock(&ct->reset_lock);
		ctrans_reset_give_up(ct);
		mutex_unlock(&ct->reset_lock);
	}
	__pm_runtime_put_autosuspend(dev);
	drm_dev_exit(idx);
}

/**
 * ctrans_reset_schedule - reset the chip, soon
 * @ct: device
 *
 * In any context. flush_work() on reset_work waits for it, unless under
 * reset_lock.
 */
void ctrans_reset_schedule(struct ctrans_device *ct)
{
	queue_work(ct->wq, &ct->reset_work);
}

/**
 * ctrans_reset_wake - a chip that slept has power again
 * @ct: device, asleep; reset_lock is held
 *
 * Return: false when it does not leave reset: ctrans_reset_schedule() is due.
 */
bool ctrans_reset_wake(struct ctrans_device *ct)
{
	if (!ctrans_device_check(ct))
		return true;
	if (!ctrans_device_renew(ct)) {
		ctrans_reset_end(ct);
		return true;
	}
	mutex_lock(&ct->slots_lock);
	WRITE_ONCE(ct->resetting, true);
	mutex_unlock(&ct->slots_lock);
	return false;
}

/* ---- The bus --------------------------------------------------------------- */

/**
 * ctrans_reset_prepare - the bus is about to reset the chip
 * @ct: device that is bound, and awake
 *
 * Takes reset_lock, which ctrans_reset_done() gives back.
 */
void ctrans_reset_prepare(struct ctrans_device *ct)
{
	mutex_lock(&ct->reset_lock);
	if (ct->gone)
		return;
	ctrans_reset_begin(ct, CTRANS_PREPARE_MS, NULL);
	/* so that it is not in the middle of an access when the bus goes */
	ctrans_device_reset(ct);
}

/**
 * ctrans_reset_done - the bus has reset the chip
 * @ct: device after ctrans_reset_prepare()
 */
void ctrans_reset_done(struct ctrans_device *ct)
{
	bool good;

	if (!ct->gone) {
		good = !ctrans_device_renew(ct);
		trace_ctrans_recovery("bus", -1, good);
		if (good) {
			ctrans_reset_end(ct);
			dev_notice(ct->drm.dev, "the bus has reset the chip\n");
		} else {
			ctrans_reset_give_up(ct);
		}
	}
	mutex_unlock(&ct->reset_lock);
}

/**
 * ctrans_reset_frozen - an error on the bus: registers cannot be read any more
 * @ct: device
 *
 * What queues have fetched is unknown: all are LOST.
 */
void ctrans_reset_frozen(struct ctrans_device *ct)
{
	struct ctrans_queue *q;

	mutex_lock(&ct->reset_lock);
	mutex_lock(&ct->slots_lock);
	ctrans_reset_mark(ct);
	WRITE_ONCE(ct->asleep, true);
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_queue_halt(q, CTRANS_KQ_LOST);
	}
	mutex_unlock(&ct->slots_lock);
	mutex_unlock(&ct->reset_lock);
}

/**
 * ctrans_reset_thawed - the bus works again and has reset the chip
 * @ct: device, after ctrans_reset_frozen() or an error of less weight
 */
void ctrans_reset_thawed(struct ctrans_device *ct)
{
	mutex_lock(&ct->reset_lock);
	if (!ct->gone && ct->resetting) {
		if (ctrans_device_renew(ct))
			ctrans_reset_give_up(ct);
		else
			ctrans_reset_end(ct);
	}
	mutex_unlock(&ct->reset_lock);
}
