// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the chip's sensors say, and whether that can be. Nothing that a reader is
 * shown, or that slows the chip down, comes from a reading that cannot.
 */
#include <kunit/visibility.h>

#include "ctrans_drv.h"

#define CTRANS_TEMP_LEAST_MC	(-40000)
#define CTRANS_TEMP_MOST_MC	150000

/* Power that is so many times the most that any operating point can take. */
#define CTRANS_POWER_FACTOR	10

static bool ctrans_temp_plausible(u32 mc)
{
	return (s32)mc >= CTRANS_TEMP_LEAST_MC && (s32)mc <= CTRANS_TEMP_MOST_MC &&
	       mc != U32_MAX;
}

static bool ctrans_power_plausible(struct ctrans_device *ct, u32 uw)
{
	u64 most = (u64)ct->opps[ct->n_opps - 1].uw * CTRANS_POWER_FACTOR;

	return uw != U32_MAX && (!most || uw <= most);
}

/**
 * ctrans_sensors_init() - find out whether there is a sensor, and its limits
 * @ct: the device, awake, its operating points known
 */
void ctrans_sensors_init(struct ctrans_device *ct)
{
	u32 max = ctrans_read(ct, CTRANS_REG_TEMP_MAX_MC);
	u32 crit = ctrans_read(ct, CTRANS_REG_TEMP_CRIT_MC);
	u32 now = ctrans_read(ct, CTRANS_REG_TEMP_MC);

	ct->temp_sensor = now != CTRANS_TEMP_NONE && (s32)max > 0 &&
			  ctrans_temp_plausible(max) && ctrans_temp_plausible(crit);
	ct->temp_max = max;
	ct->temp_crit = crit;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_sensors_init);

static int ctrans_sensors_read(struct ctrans_device *ct, u32 reg, u32 *value)
{
	int idx, err = -EAGAIN;

	if (!drm_dev_enter(&ct->drm, &idx))
		return -ENODATA;
	mutex_lock(&ct->slots_lock);
	if (!ct->asleep) {
		*value = ctrans_read(ct, reg);
		err = 0;
	}
	mutex_unlock(&ct->slots_lock);
	drm_dev_exit(idx);
	return err;
}

/**
 * ctrans_sensors_temp() - how warm the chip is
 * @ct: the device
 * @mc: millidegrees Celsius
 *
 * Return: 0, -EAGAIN when it sleeps, or -ENODATA.
 */
int ctrans_sensors_temp(struct ctrans_device *ct, int *mc)
{
	u32 now;
	int err = ctrans_sensors_read(ct, CTRANS_REG_TEMP_MC, &now);

	if (err)
		return err;
	if (!ctrans_temp_plausible(now))
		return -ENODATA;
	*mc = now;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_sensors_temp);

/**
 * ctrans_sensors_power() - what the chip takes
 * @ct: the device
 * @uw: microwatts, the mean of its last 100 ms
 *
 * Return: 0, -EAGAIN when it sleeps, or -ENODATA.
 */
int ctrans_sensors_power(struct ctrans_device *ct, u32 *uw)
{
	u32 now;
	int err = ctrans_sensors_read(ct, CTRANS_REG_POWER_UW, &now);

	if (err)
		return err;
	if (!ctrans_power_plausible(ct, now))
		return -ENODATA;
	*uw = now;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_sensors_power);
