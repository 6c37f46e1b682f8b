// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an open file has used, in its /proc/PID/fdinfo, by the keys of
 * Documentation/gpu/drm-usage-stats.rst. Times and energy are the chip's model.
 */
#include <linux/units.h>

#include "ctrans_drv.h"

static const char * const ctrans_domain_names[CTRANS_DOMAINS] = {
	[CTRANS_DOMAIN_DENSE] = "dense",
	[CTRANS_DOMAIN_SPIKING] = "spiking",
	[CTRANS_DOMAIN_VECTOR] = "vector",
	[CTRANS_DOMAIN_EXTERNAL] = "external",
};

/**
 * ctrans_show_fdinfo() - the driver's part of fdinfo
 * @p: where to
 * @file: the file; the device is bound
 */
void ctrans_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct ctrans_file *cf = file->driver_priv;
	struct ctrans_device *ct = cf->ct;
	struct ctrans_counts counts;

	ctrans_counters_get_file(cf, &counts);
	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		drm_printf(p, "drm-engine-%s:\t%llu ns\n", ctrans_domain_names[d],
			   counts.busy_ns[d]);
	/* External memory has a clock of its own. */
	for (unsigned int d = 0; d < CTRANS_DOMAIN_EXTERNAL; d++)
		drm_printf(p, "drm-maxfreq-%s:\t%lu Hz\n", ctrans_domain_names[d],
			   ct->opps[ct->n_opps - 1].khz * HZ_PER_KHZ);
	drm_printf(p, "ctrans-energy-nj:\t%llu\n", counts.energy_nj);
	drm_show_memory_stats(p, file);
}
