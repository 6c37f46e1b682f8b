// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chip's life: who it is, start, reset, stop, and the order in which the
 * parts of the driver come and go. Knows no bus.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/swiotlb.h>

#include <drm/drm_managed.h>

#include "ctrans_drv.h"

/* The chip leaves memory at the next unit of work, which is under 1 ms. */
#define CTRANS_RESET_TIMEOUT_US	USEC_PER_SEC

/**
 * ctrans_device_cut_off() - give a chip up that does not do as it is told
 * @ct: the device
 *
 * It may live on, but reaches no memory.
 */
void ctrans_device_cut_off(struct ctrans_device *ct)
{
	WRITE_ONCE(ct->gone, true);
	ct->bus->isolate(ct);
	/* Pairs with ctrans_device_stopped(): its askers free memory. */
	smp_store_release(&ct->stopped, true);
}

/**
 * ctrans_device_stopped() - may what the chip used be freed without asking it
 * @ct: the device
 *
 * Return: whether it reaches no memory any more, for good.
 */
bool ctrans_device_stopped(struct ctrans_device *ct)
{
	/* Pairs with the stores of ctrans_device_cut_off() and _stop(). */
	return smp_load_acquire(&ct->stopped);
}

/* Its ID never changes; what is gone reads as ones, on some machines as zeros. */
static bool ctrans_device_answers(struct ctrans_device *ct)
{
	return ctrans_read(ct, CTRANS_REG_ID) == CTRANS_ID;
}

/**
 * ctrans_device_check() - is there a chip behind the registers
 * @ct: the device, inside drm_dev_enter()
 *
 * It has its ID to say, unless it is just being reset. A chip
 * that is gone reaches no memory, and should it come back, not with our bus
 * mastering.
 *
 * Return: whether there is.
 */
bool ctrans_device_check(struct ctrans_device *ct)
{
	if (ctrans_device_stopped(ct))
		return false;
	/* The second reading is for a reset that ended between. */
	if (ctrans_device_answers(ct) || READ_ONCE(ct->resetting) ||
	    ctrans_device_answers(ct))
		return true;
	dev_err(ct->drm.dev,
		"the chip does not answer any more and is cut off; unbind and bind the driver once it is back\n");
	ctrans_device_cut_off(ct);
	/* Which finds it gone, and tells everybody. */
	ctrans_reset_schedule(ct);
	return false;
}

static int ctrans_device_ready(struct ctrans_device *ct)
{
	u32 state;
	int err;

	err = read_poll_timeout(ctrans_read, state,
				state == CTRANS_STATE_READY || state == ~0u,
				100, CTRANS_RESET_TIMEOUT_US, false,
				ct, CTRANS_REG_STATE);
	if (!err && state == ~0u)
		return -ENODEV;
	return err;
}

/**
 * ctrans_device_reset() - all of the chip to its reset values
 * @ct: the device
 *
 * When it returns 0 no job runs, nothing is translated and no interrupt can
 * come.
 *
 * Return: 0, -ETIMEDOUT, or -ENODEV when there is no chip.
 */
int ctrans_device_reset(struct ctrans_device *ct)
{
	ctrans_write(ct, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	return ctrans_device_ready(ct);
}

/**
 * ctrans_device_renew() - the same for a chip that should have been reset already
 * @ct: the device; it lost power, or the bus has reset it
 *
 * If it was, nothing is asked of it. If not (a sleep of the machine that was only
 * rehearsed, another kernel's chip when a hibernated one comes back) it knows a
 * table of contexts.
 *
 * Return: as ctrans_device_reset().
 */
int ctrans_device_renew(struct ctrans_device *ct)
{
	int err = ctrans_device_ready(ct);

	if (!err && (ctrans_read(ct, CTRANS_REG_CTX_TABLE_LO) ||
		     ctrans_read(ct, CTRANS_REG_CTX_TABLE_HI)))
		err = ctrans_device_reset(ct);
	return err;
}

/**
 * ctrans_device_start() - tell a chip just reset where its tables are
 * @ct: the device
 */
void ctrans_device_start(struct ctrans_device *ct)
{
	ctrans_mmu_start(ct);
	ctrans_irq_enable(ct);
}

/**
 * ctrans_device_stop() - the chip reaches memory no more, whatever it takes
 * @ct: the device
 *
 * For remove, and for a chip that a reset does not bring back. Under
 * reset_lock, so that nobody is about to start a queue.
 */
void ctrans_device_stop(struct ctrans_device *ct)
{
	lockdep_assert_held(&ct->reset_lock);

	WRITE_ONCE(ct->gone, true);
	if (ctrans_device_stopped(ct))
		return;
	if (ctrans_device_reset(ct)) {
		ctrans_device_cut_off(ct);
		return;
	}
	/* Pairs with ctrans_device_stopped(): its askers free memory. */
	smp_store_release(&ct->stopped, true);
}

/**
 * ctrans_device_identify() - is it our chip, and is it quiet
 * @ct: the device, registers mapped
 *
 * Whatever a previous life of the chip left running ends here, before the bus
 * front end lets it reach memory.
 *
 * Return: 0 or a negative errno, with a sentence in the log.
 */
int ctrans_device_identify(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;
	u32 id = ctrans_read(ct, CTRANS_REG_ID);
	u32 version = ctrans_read(ct, CTRANS_REG_VERSION);
	u32 limits = ctrans_read(ct, CTRANS_REG_LIMITS);
	int err;

	if (id == ~0u)
		return dev_err_probe(dev, -ENODEV,
				     "the chip does not answer: all registers read as ones\n");
	if (id != CTRANS_ID)
		return dev_err_probe(dev, -ENODEV,
				     "not a C-Transformer: its ID is %#x, not %#x\n",
				     id, CTRANS_ID);
	if (version >> 16 != CTRANS_VERSION >> 16)
		return dev_err_probe(dev, -ENODEV,
				     "the chip's interface is version %u.%u, this driver knows %u\n",
				     version >> 16, version & 0xffff,
				     CTRANS_VERSION >> 16);

	ct->n_contexts = min(limits >> 16, CTRANS_CONTEXTS);
	ct->n_queues = min(limits & 0xffff, CTRANS_QUEUES);
	if (!ct->n_contexts || !ct->n_queues)
		return dev_err_probe(dev, -ENODEV,
				     "the chip has %u contexts and %u queues\n",
				     ct->n_contexts, ct->n_queues);

	err = ctrans_device_reset(ct);
	if (err)
		return dev_err_probe(dev, err, "the chip does not leave reset\n");
	return 0;
}

static void ctrans_device_read_info(struct ctrans_device *ct)
{
	struct drm_ctrans_info *info = &ct->info;

	info->version = ctrans_read(ct, CTRANS_REG_VERSION);
	info->caps = ctrans_read(ct, CTRANS_REG_CAPS);
	info->cores = ctrans_read(ct, CTRANS_REG_CORES);
	info->rows = ctrans_read(ct, CTRANS_REG_ROWS);
	info->cols = ctrans_read(ct, CTRANS_REG_COLS);
	info->sram_kib = ctrans_read(ct, CTRANS_REG_SRAM_KIB);
	info->ext_mbps = ctrans_read(ct, CTRANS_REG_EXT_MBPS);
	info->page_size = PAGE_SIZE;
	info->va_start = CTRANS_VA_MIN;
	info->va_end = 1ull << CTRANS_VA_BITS;
	info->vms_max = min(CTRANS_FILE_VMS, ct->n_contexts);
	info->queues_max = min(CTRANS_FILE_QUEUES, ct->n_queues);
	info->queue_log2_min = CTRANS_QUEUE_LOG2_MIN;
	info->queue_log2_max = CTRANS_QUEUE_LOG2_MAX;
	info->timeout_default_ms = CTRANS_TIMEOUT_DEFAULT_MS;
	info->timeout_max_ms = CTRANS_TIMEOUT_MAX_MS;
}

/*
 * Buffers are read and written by both sides at once, without calls between:
 * a copy in a bounce buffer would never be brought up to date.
 */
static int ctrans_device_check_dma(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;

	if (is_swiotlb_force_bounce(dev))
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "all DMA of this device is made to go through bounce buffers (swiotlb=force or encrypted memory); the chip needs direct access\n");
	ct->dma32 = dma_addressing_limited(dev);
	ct->coherent = dev_is_dma_coherent(dev);
	dma_set_max_seg_size(dev, UINT_MAX);
	return 0;
}

static int ctrans_device_init_locks(struct ctrans_device *ct)
{
	struct drm_device *drm = &ct->drm;
	int err;

	INIT_LIST_HEAD(&ct->vms);
	INIT_LIST_HEAD(&ct->imports);
	err = drmm_mutex_init(drm, &ct->reset_lock);
	if (!err)
		err = drmm_mutex_init(drm, &ct->vms_lock);
	if (!err)
		err = drmm_mutex_init(drm, &ct->imports_lock);
	if (!err)
		err = drmm_mutex_init(drm, &ct->tlb_lock);
	if (!err)
		err = drmm_mutex_init(drm, &ct->slots_lock);
	return err;
}

/**
 * ctrans_device_halt() - the chip stops for good
 * @ct: the device, awake unless it has gone
 */
void ctrans_device_halt(struct ctrans_device *ct)
{
	mutex_lock(&ct->reset_lock);
	/* Nobody starts a queue, nor rings a slot that the reset has stopped. */
	WRITE_ONCE(ct->gone, true);
	ctrans_queues_lost(ct);
	ctrans_device_stop(ct);
	mutex_unlock(&ct->reset_lock);
	ctrans_irq_disable(ct);
	ctrans_watchdog_stop(ct);
}

/**
 * ctrans_device_init() - from resources to a node in /dev/accel
 * @ct: the device, filled by the bus front end, identified, bus master
 *
 * Everything is released by the device's unbinding, also when this fails.
 *
 * Return: 0 or a negative errno.
 */
int ctrans_device_init(struct ctrans_device *ct)
{
	int err;

	err = ctrans_device_init_locks(ct);
	if (err)
		return err;
	err = ctrans_device_check_dma(ct);
	if (err)
		return err;
	ctrans_device_read_info(ct);
	err = ctrans_opp_init(ct);
	if (err)
		return err;
	ctrans_sensors_init(ct);
	err = ctrans_mmu_init(ct);
	if (err)
		return err;
	err = ctrans_doorbell_init(ct);
	if (err)
		return err;
	err = ctrans_watchdog_init(ct);
	if (err)
		return err;
	err = ctrans_irq_init(ct);
	if (err)
		return err;

	ctrans_device_start(ct);
	err = drm_dev_register(&ct->drm, 0);
	if (err) {
		ctrans_device_halt(ct);
		return err;
	}
	/* Nothing of it keeps the chip from work if it fails. */
	ctrans_devfreq_init(ct);
	ctrans_thermal_init(ct);
	ctrans_hwmon_init(ct);
	ctrans_debugfs_init(ct);
	return 0;
}

/**
 * ctrans_device_remove() - the driver is being unbound, or the chip went
 * @ct: the device
 *
 * Files may stay open; nothing they hold refers to the chip afterwards. The
 * order is what ctrans_drv.h promises under "The end".
 */
void ctrans_device_remove(struct ctrans_device *ct)
{
	ctrans_device_halt(ct);
	ctrans_queues_lost(ct);
	drm_dev_unplug(&ct->drm);
	ctrans_vm_drop_all(ct);
	ctrans_gem_drop_imports(ct);
}
