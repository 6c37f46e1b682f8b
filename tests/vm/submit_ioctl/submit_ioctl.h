/* SPDX-License-Identifier: MIT */
/* Between the module and tests/bench/bench_submit.c. */
#ifndef SUBMIT_IOCTL_H
#define SUBMIT_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SUBMIT_IOCTL_DEVICE	"/dev/ctrans-submit-ioctl"

/* Both in the caller's memory: an entry, and its slot in a mapped ring. */
struct submit_ioctl {
	__u64 from;
	__u64 to;
};

#define SUBMIT_IOCTL	_IOW('c', 0, struct submit_ioctl)

#endif
