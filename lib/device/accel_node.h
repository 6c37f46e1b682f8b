/* SPDX-License-Identifier: MIT */
/*
 * Which accelerator nodes there are. The kernel numbers those of all drivers
 * together, so that the first chip of ours may well be accel3.
 */
#ifndef CT_DEVICE_ACCEL_NODE_H
#define CT_DEVICE_ACCEL_NODE_H

#include <stddef.h>

#include "base/err.h"

#define CT_ACCEL_SYS	"/sys/class/accel"
#define CT_ACCEL_DRIVER	"ctrans"
#define CT_ACCEL_ANY	(-1)

/* The node named by what follows "accel:", or CT_ACCEL_ANY for "". -EINVAL. */
int ct_accel_parse(const char *options, int *number, struct ct_err *err);

/* The least node of the folder @sys over @after, which may be -1; -ENODEV. */
int ct_accel_next(const char *sys, int after, int *number);

/*
 * Name of what a node's link leads to: "device" (its place on the bus) or
 * "device/driver". "" if there is none.
 */
void ct_accel_link(const char *sys, int number, const char *link, char *name,
		   size_t size);

/*
 * Open a node of our driver, close-on-exec. -ENODEV: not there, or another
 * driver's; -EACCES, each with a sentence.
 */
int ct_accel_open_node(int number, int *fd, struct ct_err *err);

/* The @index-th node of our driver, openable or not; -ENODEV. */
int ct_accel_find(unsigned int index, int *number);

#endif
