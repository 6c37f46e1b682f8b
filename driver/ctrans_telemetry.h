/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the chip did, at which clock, how warm it is: the parts of the driver that
 * tell, and what they do for each other. Whoever reads any of it wakes no chip:
 * one that sleeps is told of from what is known.
 *
 * Locks that the kernel holds when it calls us here (devfreq's, a thermal zone's,
 * PM QoS', a sysfs file's) are outside all of ours.
 */
#ifndef _CTRANS_TELEMETRY_H
#define _CTRANS_TELEMETRY_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct ctrans_device;
struct ctrans_file;
struct ctrans_queue;
struct drm_file;
struct drm_printer;

/* Domains of the chip: CTRANS_DOMAIN_*. */
#define CTRANS_DOMAINS		4

/* Operating points that the driver has room for. */
#define CTRANS_OPPS_MAX		16

/** struct ctrans_counts - what was used, or what the registers said last */
struct ctrans_counts {
	/** @busy_ns: time that each domain worked, modelled. */
	u64 busy_ns[CTRANS_DOMAINS];
	/** @energy_nj: nanojoules, modelled. */
	u64 energy_nj;
};

/** struct ctrans_totals - the same of the whole chip, since probe */
struct ctrans_totals {
	/** @counts: by domain; their registers count microseconds. */
	struct ctrans_counts counts;
	/** @cycles: core cycles busy. */
	u64 cycles;
	/** @core_ns: the same in time, each at the clock of its day. */
	u64 core_ns;
	/** @jobs: completed. */
	u64 jobs;
};

/** struct ctrans_opp - one operating point */
struct ctrans_opp {
	/** @mv: core voltage, millivolts. */
	u32 mv;
	/** @khz: core clock. */
	u32 khz;
	/** @uw: microwatts at most, or 0 where the chip does not say. */
	u32 uw;
};

/* ---- ctrans_counters.c ------------------------------------------------- */

/* Under slots_lock; all but restart and queue_end with the chip awake. */
void ctrans_counters_sample(struct ctrans_device *ct);
void ctrans_counters_sample_chip(struct ctrans_device *ct);
void ctrans_counters_restart(struct ctrans_device *ct);
void ctrans_counters_queue_start(struct ctrans_queue *q);
void ctrans_counters_queue_end(struct ctrans_queue *q);
/* With none of our locks, the chip awake or not. */
void ctrans_counters_get(struct ctrans_device *ct, struct ctrans_totals *totals);
void ctrans_counters_get_file(struct ctrans_file *cf, struct ctrans_counts *counts);

/* ---- ctrans_opp.c ------------------------------------------------------ */

int ctrans_opp_init(struct ctrans_device *ct);
/* Under slots_lock, the chip awake. */
void ctrans_opp_apply(struct ctrans_device *ct);
int ctrans_opp_set(struct ctrans_device *ct, unsigned long hz);
const struct ctrans_opp *ctrans_opp_now(struct ctrans_device *ct);

/* ---- ctrans_sensors.c -------------------------------------------------- */

void ctrans_sensors_init(struct ctrans_device *ct);
int ctrans_sensors_temp(struct ctrans_device *ct, int *mc);
int ctrans_sensors_power(struct ctrans_device *ct, u32 *uw);

/* ---- ctrans_devfreq.c, ctrans_thermal.c, ctrans_hwmon.c ----------------- */

void ctrans_devfreq_init(struct ctrans_device *ct);
/* With none of our locks: they wait for one who may take some. */
void ctrans_devfreq_suspend(struct ctrans_device *ct);
void ctrans_devfreq_resume(struct ctrans_device *ct);
void ctrans_thermal_init(struct ctrans_device *ct);
#if IS_REACHABLE(CONFIG_HWMON)
void ctrans_hwmon_init(struct ctrans_device *ct);
#else
static inline void ctrans_hwmon_init(struct ctrans_device *ct)
{
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
bool ctrans_opp_plausible(const struct ctrans_opp *opp, u32 count);
u32 ctrans_hwmon_cap_khz(struct ctrans_device *ct, u32 cap);
#endif

/* ---- ctrans_sysfs.c, ctrans_fdinfo.c, ctrans_debugfs.c ------------------ */

extern const struct attribute_group *ctrans_dev_groups[];
void ctrans_show_fdinfo(struct drm_printer *p, struct drm_file *file);
#ifdef CONFIG_DEBUG_FS
void ctrans_debugfs_init(struct ctrans_device *ct);
#else
static inline void ctrans_debugfs_init(struct ctrans_device *ct)
{
}
#endif

#endif
