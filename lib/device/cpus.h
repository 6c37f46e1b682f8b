/* SPDX-License-Identifier: MIT */
#ifndef CT_DEVICE_CPUS_H
#define CT_DEVICE_CPUS_H

#include "base/err.h"

#define CT_CPU_MAX	8191u	/* highest number of a CPU: Linux goes no further */

/*
 * CPUs worth of time that this process may use: those in its affinity mask,
 * and no more than the quota of its control group, rounded up. At least 1.
 */
unsigned int ct_cpus_usable(void);

/*
 * The quota alone, as the groups in the file @self (/proc/self/cgroup) have it
 * below @mount (/sys/fs/cgroup): the least of a group's and its parents', of
 * either version; UINT_MAX where there is none.
 */
unsigned int ct_cpus_quota(const char *self, const char *mount);

/*
 * CPUs of a list like "0+2-3" into @cpus, in the list's order, and their number.
 * -EINVAL for what is no list, for more than @room CPUs, for one named twice and
 * for one that this process may not run on, each with a sentence.
 */
int ct_cpus_parse(const char *list, unsigned short *cpus, unsigned int room,
		  unsigned int *n, struct ct_err *err);

#endif
