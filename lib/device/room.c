// SPDX-License-Identifier: MIT
#include "device/room.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUPS	"/sys/fs/cgroup"

/* The number after "NAME " or "NAME:" in a file of such lines. */
static bool read_line(const char *path, const char *name, uint64_t *value)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(name);
	bool found = false;
	char line[128];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, name, n) &&
			(line[n] == ' ' || line[n] == ':');
		if (found)
			*value = strtoull(line + n + 1, NULL, 10);
	}
	fclose(f);
	return found;
}

/* A file of one number; "max", which is none, is false. */
static bool read_number(const char *dir, const char *name, uint64_t *value)
{
	char path[4096 + 64];
	unsigned long long v;
	bool found;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	found = fscanf(f, "%llu", &v) == 1;
	fclose(f);
	*value = v;
	return found;
}

/* What a control group's limit leaves; the page cache in it gives way. */
static uint64_t group_left(const char *dir)
{
	char stat[4096 + 64];
	uint64_t max, used, cache = 0, part;

	if (!read_number(dir, "memory.max", &max) ||
	    !read_number(dir, "memory.current", &used))
		return UINT64_MAX;
	snprintf(stat, sizeof(stat), "%s/memory.stat", dir);
	if (read_line(stat, "active_file", &part))
		cache += part;
	if (read_line(stat, "inactive_file", &part))
		cache += part;
	used -= cache < used ? cache : used;
	return max > used ? max - used : 0;
}

/* The least that this process' control group and those above it leave. */
static uint64_t groups_left(void)
{
	char line[4096], dir[4096 + 32];
	FILE *f = fopen("/proc/self/cgroup", "re");
	uint64_t least = UINT64_MAX;

	*dir = '\0';
	while (f && !*dir && fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::/", 4))
			snprintf(dir, sizeof(dir), "%s%.*s", CGROUPS,
				 (int)strcspn(line + 3, "\n"), line + 3);
	if (f)
		fclose(f);
	while (strlen(dir) >= strlen(CGROUPS)) {
		uint64_t left = group_left(dir);

		least = left < least ? left : least;
		*strrchr(dir, '/') = '\0';
	}
	return least;
}

int ct_room(uint64_t size, struct ct_err *err)
{
	uint64_t kib, left, groups = groups_left();

	/* No /proc: let the allocation tell. */
	if (!read_line("/proc/meminfo", "MemAvailable", &kib))
		return 0;
	left = kib << 10;
	left = groups < left ? groups : left;
	if (size <= left)
		return 0;
	return ct_fail(err, -ENOMEM,
		"%llu MiB of memory are needed, and %llu MiB are free",
		(unsigned long long)(size >> 20), (unsigned long long)(left >> 20));
}
