// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of the device, below the bus. Those that begin with "npu_" are named as
 * those of Intel's NPUs, in their units, as there are tools that read them.
 * docs/driver/sysfs-driver-ctrans describes each.
 */
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/sysfs.h>

#include "ctrans_drv.h"

static ssize_t npu_busy_time_us_show(struct device *dev, struct device_attribute *attr,
				     char *buf)
{
	struct ctrans_totals totals;

	ctrans_counters_get(dev_get_drvdata(dev), &totals);
	return sysfs_emit(buf, "%llu\n", div_u64(totals.core_ns, NSEC_PER_USEC));
}
static DEVICE_ATTR_RO(npu_busy_time_us);

static ssize_t npu_memory_utilization_show(struct device *dev,
					   struct device_attribute *attr, char *buf)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%lld\n", atomic64_read(&ct->bytes_bound));
}
static DEVICE_ATTR_RO(npu_memory_utilization);

/* Of one that sleeps: none. */
static ssize_t npu_current_frequency_mhz_show(struct device *dev,
					      struct device_attribute *attr, char *buf)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);
	u32 khz = READ_ONCE(ct->asleep) ? 0 : ctrans_opp_now(ct)->khz;

	return sysfs_emit(buf, "%u\n", khz / 1000);
}
static DEVICE_ATTR_RO(npu_current_frequency_mhz);

static ssize_t npu_max_frequency_mhz_show(struct device *dev,
					  struct device_attribute *attr, char *buf)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", ct->opps[ct->n_opps - 1].khz / 1000);
}
static DEVICE_ATTR_RO(npu_max_frequency_mhz);

static ssize_t reset_count_show(struct device *dev, struct device_attribute *attr,
				char *buf)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(ct->reset_count));
}
static DEVICE_ATTR_RO(reset_count);

static ssize_t wedged_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct ctrans_device *ct = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(ct->gone));
}
static DEVICE_ATTR_RO(wedged);

static struct attribute *ctrans_dev_attrs[] = {
	&dev_attr_npu_busy_time_us.attr,
	&dev_attr_npu_memory_utilization.attr,
	&dev_attr_npu_current_frequency_mhz.attr,
	&dev_attr_npu_max_frequency_mhz.attr,
	&dev_attr_reset_count.attr,
	&dev_attr_wedged.attr,
	NULL
};

static const struct attribute_group ctrans_dev_group = {
	.attrs = ctrans_dev_attrs,
};

/* For the bus front end's struct device_driver. */
const struct attribute_group *ctrans_dev_groups[] = {
	&ctrans_dev_group,
	NULL
};
