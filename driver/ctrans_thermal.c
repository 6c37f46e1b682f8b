// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chip that gets too warm is slowed down: its sensor is a thermal zone, its
 * clock what cools it. There is no critical trip: it would power the machine off,
 * for what may be a bad sensor of a chip that takes less than a watt.
 *
 * The cooling device is ours, as devfreq's own needs CONFIG_THERMAL_OF on some
 * kernels. Each of its states takes one more of the operating points away.
 */
#include <linux/pm_qos.h>
#include <linux/thermal.h>

#include "ctrans_drv.h"

/* How often the zone is looked at, and how often while it is too warm. */
#define CTRANS_THERMAL_MS	1000
#define CTRANS_PASSIVE_MS	200
/* It is slowed down until it has cooled by so much. */
#define CTRANS_HYSTERESIS_MC	3000

/** struct ctrans_cooling - what the cooling device has to know */
struct ctrans_cooling {
	/** @ct: the device. */
	struct ctrans_device *ct;
	/** @request: what @state comes to, for the clock. */
	struct dev_pm_qos_request request;
	/** @state: operating points that it may not have, the fastest first. */
	unsigned long state;
};

static int ctrans_cooling_max(struct thermal_cooling_device *cdev, unsigned long *state)
{
	struct ctrans_cooling *c = cdev->devdata;

	*state = c->ct->n_opps - 1;
	return 0;
}

static int ctrans_cooling_get(struct thermal_cooling_device *cdev, unsigned long *state)
{
	struct ctrans_cooling *c = cdev->devdata;

	*state = c->state;
	return 0;
}

/* The core serialises. */
static int ctrans_cooling_set(struct thermal_cooling_device *cdev, unsigned long state)
{
	struct ctrans_cooling *c = cdev->devdata;
	struct ctrans_device *ct = c->ct;
	int ret;

	if (state >= ct->n_opps)
		return -EINVAL;
	ret = dev_pm_qos_update_request(&c->request,
					ct->opps[ct->n_opps - 1 - state].khz);
	if (ret < 0)
		return ret;
	c->state = state;
	return 0;
}

static const struct thermal_cooling_device_ops ctrans_cooling_ops = {
	.get_max_state = ctrans_cooling_max,
	.get_cur_state = ctrans_cooling_get,
	.set_cur_state = ctrans_cooling_set,
};

/*
 * A chip that sleeps gets no warmer than it was. THERMAL_TEMP_INVALID has the
 * core ask again the next time and nothing else: an error would make it ask
 * faster, complain, and at last give the zone up.
 */
static int ctrans_thermal_get_temp(struct thermal_zone_device *tz, int *temp)
{
	struct ctrans_device *ct = thermal_zone_device_priv(tz);
	int err;

	err = ctrans_sensors_temp(ct, temp);
	if (!err)
		ct->temp_last = *temp;
	else
		*temp = err == -EAGAIN ? ct->temp_last : THERMAL_TEMP_INVALID;
	return 0;
}

static bool ctrans_thermal_should_bind(struct thermal_zone_device *tz,
				       const struct thermal_trip *trip,
				       struct thermal_cooling_device *cdev,
				       struct cooling_spec *spec)
{
	struct ctrans_device *ct = thermal_zone_device_priv(tz);

	return cdev == ct->cooling;
}

static const struct thermal_zone_device_ops ctrans_thermal_ops = {
	.get_temp = ctrans_thermal_get_temp,
	.should_bind = ctrans_thermal_should_bind,
};

/* ctrans_hwmon.c shows the sensor, with its limits. */
static const struct thermal_zone_params ctrans_thermal_params = {
	.no_hwmon = true,
};

static void ctrans_thermal_release(void *request)
{
	dev_pm_qos_remove_request(request);
}

static void ctrans_thermal_uncool(void *cooling)
{
	thermal_cooling_device_unregister(cooling);
}

static void ctrans_thermal_remove(void *tz)
{
	thermal_zone_device_unregister(tz);
}

static int ctrans_thermal_cool(struct ctrans_device *ct)
{
	struct thermal_cooling_device *cooling;
	struct device *dev = ct->drm.dev;
	struct ctrans_cooling *c;
	int err;

	c = devm_kzalloc(dev, sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->ct = ct;
	err = dev_pm_qos_add_request(dev, &c->request, DEV_PM_QOS_MAX_FREQUENCY,
				     ct->opps[ct->n_opps - 1].khz);
	if (err < 0)
		return err;
	err = devm_add_action_or_reset(dev, ctrans_thermal_release, &c->request);
	if (err)
		return err;
	cooling = thermal_cooling_device_register("ctrans", c, &ctrans_cooling_ops);
	if (IS_ERR(cooling))
		return PTR_ERR(cooling);
	ct->cooling = cooling;
	return devm_add_action_or_reset(dev, ctrans_thermal_uncool, cooling);
}

static int ctrans_thermal_watch(struct ctrans_device *ct)
{
	const struct thermal_trip trip = {
		.type = THERMAL_TRIP_PASSIVE,
		.temperature = ct->temp_max,
		.hysteresis = CTRANS_HYSTERESIS_MC,
	};
	struct thermal_zone_device *tz;
	int err;

	tz = thermal_zone_device_register_with_trips("ctrans", &trip, 1, ct,
						     &ctrans_thermal_ops,
						     &ctrans_thermal_params,
						     CTRANS_PASSIVE_MS,
						     CTRANS_THERMAL_MS);
	if (IS_ERR(tz))
		return PTR_ERR(tz);
	err = devm_add_action_or_reset(ct->drm.dev, ctrans_thermal_remove, tz);
	return err ?: thermal_zone_device_enable(tz);
}

/**
 * ctrans_thermal_init() - let the temperature have its say about the clock
 * @ct: the device, after ctrans_devfreq_init()
 *
 * If there is a sensor, and a clock that can be changed.
 */
void ctrans_thermal_init(struct ctrans_device *ct)
{
	int err;

	ct->temp_last = THERMAL_TEMP_INVALID;
	if (!ct->temp_sensor || !ct->devfreq)
		return;
	err = ctrans_thermal_cool(ct);
	if (!err)
		err = ctrans_thermal_watch(ct);
	if (err)
		dev_info(ct->drm.dev, "nothing slows the chip down when it gets too warm (error %d)\n",
			 err);
}
