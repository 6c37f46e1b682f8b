// SPDX-License-Identifier: MIT
#include "sysfs.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "pci.h"

const char *sysfs_path(const char *pattern)
{
	static char path[512];
	glob_t found;

	snprintf(path, sizeof(path), "%s%s%s",
		 pattern[0] == '/' ? "" : "/sys/bus/pci/devices/",
		 pattern[0] == '/' ? "" : pci_name(),
		 pattern[0] == '/' ? "" : "/");
	strncat(path, pattern, sizeof(path) - strlen(path) - 1);
	if (glob(path, 0, NULL, &found))
		return NULL;
	snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

int sysfs_read(const char *pattern, char *text, size_t size)
{
	const char *path = sysfs_path(pattern);

	return path ? file_read(path, text, size) : -ENOENT;
}

int sysfs_number(const char *pattern, int64_t *value)
{
	char text[64], *end;
	int err = sysfs_read(pattern, text, sizeof(text));

	if (err)
		return err;
	*value = strtoll(text, &end, 10);
	return *text && !*end ? 0 : -EINVAL;
}

int sysfs_write(const char *pattern, const char *text)
{
	const char *path = sysfs_path(pattern);

	return path ? file_write(path, text) : -ENOENT;
}

bool sysfs_becomes(const char *pattern, const char *text, unsigned int seconds)
{
	int64_t until = guest_now() + seconds * SECOND;
	char now[256];

	do {
		if (!sysfs_read(pattern, now, sizeof(now)) && !strcmp(now, text))
			return true;
		usleep(20000);
	} while (guest_now() < until);
	guest_note("%s is %s, not %s", pattern, now, text);
	return false;
}

int64_t fdinfo_number(int fd, const char *key)
{
	char path[64], text[4096], *at, *unit;
	size_t n = strlen(key);
	int64_t value;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	must(!sysfs_read(path, text, sizeof(text)));
	for (at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
		if (strncmp(at, key, n) || at[n] != ':')
			continue;
		value = strtoll(at + n + 1, &unit, 10);
		return !strcmp(unit, " KiB") ? value << 10 :
		       !strcmp(unit, " MiB") ? value << 20 : value;
	}
	return -1;
}

struct drm_ctrans_clock clock_now(int fd)
{
	struct drm_ctrans_clock clock = { 0 };
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_CLOCK,
		.size = sizeof(clock),
		.pointer = (uintptr_t)&clock,
	};

	must(!call(fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query));
	return clock;
}

static bool clock_limits(uint64_t min, uint64_t max)
{
	char text[32];

	/* The new limits may be beyond either of the old. */
	if (sysfs_write("devfreq/*/min_freq", "0"))
		return false;
	snprintf(text, sizeof(text), "%" PRIu64, max);
	if (sysfs_write("devfreq/*/max_freq", text))
		return false;
	snprintf(text, sizeof(text), "%" PRIu64, min);
	return !sysfs_write("devfreq/*/min_freq", text);
}

bool clock_pin(unsigned int khz)
{
	return clock_limits(khz * 1000ull, khz * 1000ull);
}

void clock_free(void)
{
	clock_limits(0, 0);
}
