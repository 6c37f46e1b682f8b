// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chip's sensors where sensors(1) and exporters look for them, in their units:
 * millidegrees, microwatts, microjoules, millivolts. What cannot be known, as the
 * chip sleeps or the sensor makes no sense, is -ENODATA.
 *
 * The power cap does not measure: it keeps the clock at the fastest operating
 * point that takes at most so much.
 */
#include <linux/hwmon.h>
#include <linux/math64.h>
#include <linux/pm_qos.h>

#include <kunit/visibility.h>

#include "ctrans_drv.h"

/** struct ctrans_hwmon - what the files of one chip need */
struct ctrans_hwmon {
	/** @ct: the device. */
	struct ctrans_device *ct;
	/** @cap_lock: @cap and @request, which go together. */
	struct mutex cap_lock;
	/** @cap: microwatts, as asked for. */
	u32 cap;
	/** @request: what it comes to, for the clock. */
	struct dev_pm_qos_request request;
	/** @capped: there is a @request, as the clock can be changed. */
	bool capped;
};

static const struct ctrans_opp *ctrans_hwmon_most(struct ctrans_device *ct)
{
	return &ct->opps[ct->n_opps - 1];
}

static umode_t ctrans_hwmon_is_visible(const void *data, enum hwmon_sensor_types type,
				       u32 attr, int channel)
{
	const struct ctrans_hwmon *hw = data;

	if (type == hwmon_temp)
		return hw->ct->temp_sensor ? 0444 : 0;
	if (type != hwmon_power)
		return 0444;
	switch (attr) {
	case hwmon_power_cap:
		return hw->capped ? 0644 : 0;
	case hwmon_power_cap_max:
	case hwmon_power_cap_min:
		return hw->capped ? 0444 : 0;
	default:
		return 0444;
	}
}

static int ctrans_hwmon_temp(struct ctrans_device *ct, u32 attr, long *val)
{
	int mc;

	switch (attr) {
	case hwmon_temp_input:
		if (ctrans_sensors_temp(ct, &mc))
			return -ENODATA;
		*val = mc;
		return 0;
	case hwmon_temp_max:
		*val = ct->temp_max;
		return 0;
	case hwmon_temp_crit:
		*val = ct->temp_crit;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int ctrans_hwmon_power(struct ctrans_hwmon *hw, u32 attr, long *val)
{
	u32 uw;

	switch (attr) {
	case hwmon_power_input:
		if (ctrans_sensors_power(hw->ct, &uw))
			return -ENODATA;
		*val = uw;
		return 0;
	case hwmon_power_cap:
		*val = READ_ONCE(hw->cap);
		return 0;
	case hwmon_power_cap_max:
		*val = ctrans_hwmon_most(hw->ct)->uw;
		return 0;
	case hwmon_power_cap_min:
		*val = hw->ct->opps[0].uw;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int ctrans_hwmon_read(struct device *dev, enum hwmon_sensor_types type,
			     u32 attr, int channel, long *val)
{
	struct ctrans_hwmon *hw = dev_get_drvdata(dev);
	struct ctrans_totals totals;

	switch (type) {
	case hwmon_temp:
		return ctrans_hwmon_temp(hw->ct, attr, val);
	case hwmon_power:
		return ctrans_hwmon_power(hw, attr, val);
	case hwmon_energy:
		ctrans_counters_get(hw->ct, &totals);
		/* Where a long has 32 bits it wraps, as meters do. */
		*val = div_u64(totals.counts.energy_nj, 1000) & LONG_MAX;
		return 0;
	case hwmon_in:
		*val = ctrans_opp_now(hw->ct)->mv;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int ctrans_hwmon_read_string(struct device *dev, enum hwmon_sensor_types type,
				    u32 attr, int channel, const char **str)
{
	switch (type) {
	case hwmon_temp:
		*str = "chip";
		return 0;
	case hwmon_power:
		*str = "chip power";
		return 0;
	case hwmon_energy:
		*str = "job energy";
		return 0;
	case hwmon_in:
		*str = "core";
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* The slowest point is always allowed. */
VISIBLE_IF_KUNIT u32 ctrans_hwmon_cap_khz(struct ctrans_device *ct, u32 cap)
{
	u32 khz = ct->opps[0].khz;

	for (unsigned int i = 1; i < ct->n_opps; i++)
		if (ct->opps[i].uw <= cap)
			khz = ct->opps[i].khz;
	return khz;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_hwmon_cap_khz);

static int ctrans_hwmon_write(struct device *dev, enum hwmon_sensor_types type,
			      u32 attr, int channel, long val)
{
	struct ctrans_hwmon *hw = dev_get_drvdata(dev);
	struct ctrans_device *ct = hw->ct;
	int ret;

	if (type != hwmon_power || attr != hwmon_power_cap)
		return -EOPNOTSUPP;
	val = clamp_t(long, val, ct->opps[0].uw, ctrans_hwmon_most(ct)->uw);

	mutex_lock(&hw->cap_lock);
	ret = dev_pm_qos_update_request(&hw->request, ctrans_hwmon_cap_khz(ct, val));
	if (ret >= 0)
		WRITE_ONCE(hw->cap, val);
	mutex_unlock(&hw->cap_lock);
	return min(ret, 0);
}

static const struct hwmon_ops ctrans_hwmon_ops = {
	.is_visible = ctrans_hwmon_is_visible,
	.read = ctrans_hwmon_read,
	.read_string = ctrans_hwmon_read_string,
	.write = ctrans_hwmon_write,
};

static const struct hwmon_channel_info * const ctrans_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_MAX | HWMON_T_CRIT |
			   HWMON_T_LABEL),
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_CAP | HWMON_P_CAP_MAX |
			   HWMON_P_CAP_MIN | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
	HWMON_CHANNEL_INFO(in, HWMON_I_INPUT | HWMON_I_LABEL),
	NULL
};

static const struct hwmon_chip_info ctrans_hwmon_info = {
	.ops = &ctrans_hwmon_ops,
	.info = ctrans_hwmon_channels,
};

static void ctrans_hwmon_uncap(void *request)
{
	dev_pm_qos_remove_request(request);
}

/* Only where the clock can be changed, and the chip says what that is worth. */
static int ctrans_hwmon_init_cap(struct ctrans_hwmon *hw)
{
	struct ctrans_device *ct = hw->ct;
	struct device *dev = ct->drm.dev;
	int err;

	err = devm_mutex_init(dev, &hw->cap_lock);
	if (err || !ct->devfreq || !ct->opps[0].uw)
		return err;
	hw->cap = ctrans_hwmon_most(ct)->uw;
	err = dev_pm_qos_add_request(dev, &hw->request, DEV_PM_QOS_MAX_FREQUENCY,
				     ctrans_hwmon_most(ct)->khz);
	if (err < 0)
		return err;
	hw->capped = true;
	return devm_add_action_or_reset(dev, ctrans_hwmon_uncap, &hw->request);
}

/**
 * ctrans_hwmon_init() - show the sensors
 * @ct: the device, after ctrans_devfreq_init()
 */
void ctrans_hwmon_init(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;
	struct ctrans_hwmon *hw;
	struct device *shown;
	int err;

	hw = devm_kzalloc(dev, sizeof(*hw), GFP_KERNEL);
	if (!hw)
		return;
	hw->ct = ct;
	err = ctrans_hwmon_init_cap(hw);
	if (!err) {
		shown = devm_hwmon_device_register_with_info(dev, "ctrans", hw,
							     &ctrans_hwmon_info,
							     NULL);
		err = PTR_ERR_OR_ZERO(shown);
	}
	if (err)
		dev_info(dev, "the chip's sensors are not shown (error %d)\n", err);
}
