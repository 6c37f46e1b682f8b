// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock follows the load: the kernel's devfreq looks at how busy the cores
 * were and chooses an operating point, within what its sysfs files, a power cap
 * (ctrans_hwmon.c) and the temperature (ctrans_thermal.c) leave.
 */
#include <linux/devfreq.h>
#include <linux/ktime.h>
#include <linux/pm_opp.h>
#include <linux/units.h>

#include "ctrans_queue.h"

#define CTRANS_POLL_MS		50

/*
 * Percent of the time: above the first the fastest point, between both what it
 * has. A step of the clock loses less than a job that waits for one.
 */
#define CTRANS_LOAD_UP		45
#define CTRANS_LOAD_DOWN	5

/** struct ctrans_load - what devfreq knows of us, and the load when it last asked */
struct ctrans_load {
	/** @profile: what can be asked of us. */
	struct devfreq_dev_profile profile;
	/** @ondemand: the governor's settings. */
	struct devfreq_simple_ondemand_data ondemand;
	/** @since: when the load was last looked at. */
	ktime_t since;
	/** @core_ns: ctrans_totals.core_ns then. */
	u64 core_ns;
};

static int ctrans_devfreq_target(struct device *dev, unsigned long *freq, u32 flags)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);
	struct dev_pm_opp *opp;

	opp = devfreq_recommended_opp(dev, freq, flags);
	if (IS_ERR(opp))
		return PTR_ERR(opp);
	dev_pm_opp_put(opp);
	return ctrans_opp_set(ct, *freq);
}

static int ctrans_devfreq_cur(struct device *dev, unsigned long *freq)
{
	*freq = ctrans_opp_now(dev_get_drvdata(dev))->khz * HZ_PER_KHZ;
	return 0;
}

/*
 * Time is the chip's, by cycles, and modelled: it may exceed what passed. Cycles
 * may be counted when a job ends; while a long one runs the chip is busy, too.
 */
static void ctrans_devfreq_load(struct ctrans_device *ct,
				struct devfreq_dev_status *status)
{
	struct ctrans_load *load = ct->load;
	ktime_t now = ktime_get();
	s64 total = ktime_us_delta(now, load->since);
	u64 busy;

	ctrans_counters_sample_chip(ct);
	busy = div_u64(ct->totals.core_ns - load->core_ns, NSEC_PER_USEC);
	if (!busy && ctrans_carry_busy(ct))
		busy = total;
	status->total_time = max(total, 1);
	status->busy_time = min_t(u64, busy, status->total_time);
	load->since = now;
	load->core_ns = ct->totals.core_ns;
}

static int ctrans_devfreq_status(struct device *dev,
				 struct devfreq_dev_status *status)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);
	int idx;

	ctrans_devfreq_cur(dev, &status->current_frequency);
	/* Without a load to judge by: what keeps the clock, within its limits. */
	status->busy_time = CTRANS_LOAD_UP - 1;
	status->total_time = 100;
	if (!drm_dev_enter(&ct->drm, &idx))
		return 0;
	mutex_lock(&ct->slots_lock);
	if (!ct->asleep)
		ctrans_devfreq_load(ct, status);
	mutex_unlock(&ct->slots_lock);
	drm_dev_exit(idx);
	return 0;
}

/**
 * ctrans_devfreq_init() - let the clock follow the load
 * @ct: the device, registered
 *
 * Without the governor the chip stays at the point that it has after a reset.
 */
void ctrans_devfreq_init(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;
	struct ctrans_load *load;
	struct devfreq *devfreq;

	if (ct->n_opps < 2)
		return;
	load = devm_kzalloc(dev, sizeof(*load), GFP_KERNEL);
	if (!load)
		return;
	load->profile.timer = DEVFREQ_TIMER_DELAYED;
	load->profile.polling_ms = CTRANS_POLL_MS;
	load->profile.initial_freq = ctrans_opp_now(ct)->khz * HZ_PER_KHZ;
	load->profile.target = ctrans_devfreq_target;
	load->profile.get_dev_status = ctrans_devfreq_status;
	load->profile.get_cur_freq = ctrans_devfreq_cur;
	load->ondemand.upthreshold = CTRANS_LOAD_UP;
	load->ondemand.downdifferential = CTRANS_LOAD_DOWN;
	load->since = ktime_get();
	/* It may look at the load before it returns. */
	ct->load = load;
	devfreq = devm_devfreq_add_device(dev, &load->profile,
					  DEVFREQ_GOV_SIMPLE_ONDEMAND,
					  &load->ondemand);
	if (IS_ERR(devfreq))
		dev_info(dev, "the clock does not follow the load (error %ld): is the devfreq governor simple_ondemand there?\n",
			 PTR_ERR(devfreq));
	else
		ct->devfreq = devfreq;
}

/**
 * ctrans_devfreq_suspend() - the chip is about to sleep: nobody looks at it
 * @ct: the device
 */
void ctrans_devfreq_suspend(struct ctrans_device *ct)
{
	if (ct->devfreq)
		devfreq_suspend_device(ct->devfreq);
}

/**
 * ctrans_devfreq_resume() - the chip is awake again
 * @ct: the device
 */
void ctrans_devfreq_resume(struct ctrans_device *ct)
{
	if (!ct->devfreq)
		return;
	/* The time asleep is no time without load. */
	ct->load->since = ktime_get();
	devfreq_resume_device(ct->devfreq);
}
