/* SPDX-License-Identifier: MIT */
/*
 * What the driver shows of the chip in files: below its device in /sys, in the
 * fdinfo of open files, in debugfs. Names are patterns of glob(3), as the kernel
 * numbers some folders; calls give 0 or -errno.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel.h"

/* The one file of a pattern, below the chip's device or from "/"; NULL: none. */
const char *sysfs_path(const char *pattern);
/* Without the newline at the end. */
int sysfs_read(const char *pattern, char *text, size_t size);
int sysfs_number(const char *pattern, int64_t *value);
int sysfs_write(const char *pattern, const char *text);
/* Is its text, within so many seconds. */
bool sysfs_becomes(const char *pattern, const char *text, unsigned int seconds);

/* The number after "KEY:" in the fdinfo of an open file, bytes; -1: no such key. */
int64_t fdinfo_number(int fd, const char *key);

/* The operating point as DEV_QUERY tells it. */
struct drm_ctrans_clock clock_now(int fd);
/*
 * Energies and cycles compare only at one operating point: the clock stays at this
 * one until clock_free(). False where it cannot be changed.
 */
bool clock_pin(unsigned int khz);
void clock_free(void);

#endif
