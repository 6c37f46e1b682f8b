// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resetting the chip when it no longer does what it is told, and what the end of
 * it, or of the device, means to queues: all are LOST. Memory and address spaces
 * survive a reset, they are the host's.
 */
#include "ctrans_queue.h"

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
 * @ct: device
 *
 * Once the chip is stopped for good, their memory goes with them.
 */
void ctrans_queues_lost(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	unsigned int slot;

	mutex_lock(&ct->slots_lock);
	ctrans_doorbell_count_reset(ct);
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q)
			continue;
		ctrans_queue_halt(q, CTRANS_KQ_LOST);
		if (READ_ONCE(ct->stopped))
			ctrans_queue_free_status(q);
	}
	mutex_unlock(&ct->slots_lock);
	if (READ_ONCE(ct->gone))
		ctrans_reset_wake_files(ct);
}

static void ctrans_reset_announce(struct ctrans_device *ct)
{
	WRITE_ONCE(ct->reset_count, ct->reset_count + 1);
	ctrans_queues_lost(ct);
}

/* Back to work, or out of the way for good. */
static void ctrans_reset_finish(struct ctrans_device *ct)
{
	if (!ct->gone && !ctrans_device_reset(ct)) {
		ctrans_device_start(ct);
		dev_notice(ct->drm.dev, "the chip was reset, all queues are lost\n");
		return;
	}
	if (!ct->gone)
		dev_err(ct->drm.dev, "the chip does not come back from a reset; unbind and bind the driver, or power the machine off\n");
	ctrans_device_stop(ct);
	ctrans_queues_lost(ct);
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
	int idx;

	mutex_lock(&ct->reset_lock);
	if (drm_dev_enter(&ct->drm, &idx)) {
		if (!ct->gone)
			ctrans_reset_announce(ct);
		ctrans_reset_finish(ct);
		drm_dev_exit(idx);
	}
	mutex_unlock(&ct->reset_lock);
}

/**
 * ctrans_reset_prepare - the bus is about to reset the chip
 * @ct: device that is bound
 *
 * Takes reset_lock, which ctrans_reset_done() gives back.
 */
void ctrans_reset_prepare(struct ctrans_device *ct)
{
	mutex_lock(&ct->reset_lock);
	if (ct->gone)
		return;
	ctrans_reset_announce(ct);
	/* so that it is not in the middle of an access when the bus goes */
	ctrans_device_reset(ct);
	/* others, who invalidate translations say, may read all ones till the end */
	WRITE_ONCE(ct->bus_reset, true);
}

/**
 * ctrans_reset_done - the bus has reset the chip
 * @ct: device after ctrans_reset_prepare()
 */
void ctrans_reset_done(struct ctrans_device *ct)
{
	WRITE_ONCE(ct->bus_reset, false);
	ctrans_reset_finish(ct);
	mutex_unlock(&ct->reset_lock);
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
