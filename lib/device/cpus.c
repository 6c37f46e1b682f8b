// SPDX-License-Identifier: MIT
/*
 * Which CPUs, and how many. More threads than CPUs only get in each other's way,
 * and the CPUs of the machine are not those that a container or taskset(1) leave
 * to a process.
 */
#include "device/cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET_BYTES	CPU_ALLOC_SIZE(CT_CPU_MAX + 1)

struct set {
	unsigned char bits[CPU_ALLOC_SIZE(CT_CPU_MAX + 1)]
		__attribute__((aligned(sizeof(long))));
};

static bool in_set(const struct set *s, unsigned int cpu)
{
	return CPU_ISSET_S(cpu, SET_BYTES, (const cpu_set_t *)s->bits);
}

/* All CPUs of the machine that this thread may run on; false: nobody knows. */
static bool allowed(struct set *s)
{
	memset(s, 0, sizeof(*s));
	return !sched_getaffinity(0, SET_BYTES, (cpu_set_t *)s->bits);
}

/* ---- Quotas ------------------------------------------------------------ */

/* Quota and period of version 2 stand in one file, "max 100000" if there is none. */
static unsigned int quota_v2(const char *dir)
{
	unsigned long long quota, period;
	unsigned int cpus = UINT_MAX;
	char path[PATH_MAX + 32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	f = fopen(path, "re");
	if (!f)
		return UINT_MAX;
	if (fscanf(f, "%llu %llu", &quota, &period) == 2 && period &&
	    quota / period < CT_CPU_MAX)
		cpus = (unsigned int)(quota / period + (quota % period != 0));
	fclose(f);
	return cpus;
}

static bool read_number(const char *dir, const char *name, long long *value)
{
	char path[PATH_MAX + 32];
	bool found;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	found = fscanf(f, "%lld", value) == 1;
	fclose(f);
	return found;
}

/* Version 1: two files, a quota of -1 if there is none. */
static unsigned int quota_v1(const char *dir)
{
	long long quota, period;

	if (!read_number(dir, "cpu.cfs_quota_us", &quota) ||
	    !read_number(dir, "cpu.cfs_period_us", &period) ||
	    quota <= 0 || period <= 0 || quota / period >= CT_CPU_MAX)
		return UINT_MAX;
	return (unsigned int)(quota / period + (quota % period != 0));
}

/*
 * The least quota of the group @path and its parents up to @root. In a container
 * the path may be that of another view of the tree: what does not exist is left
 * out, and the root is always looked at.
 */
static unsigned int least_quota(const char *root, const char *path,
				unsigned int (*quota)(const char *dir))
{
	unsigned int least = UINT_MAX, here;
	char dir[PATH_MAX];
	size_t top = strlen(root);

	if (snprintf(dir, sizeof(dir), "%s%s", root, path) >= (int)sizeof(dir))
		dir[top] = '\0';
	for (;;) {
		char *slash;

		here = quota(dir);
		least = here < least ? here : least;
		slash = strrchr(dir + top, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* Is "cpu" one of a version 1 hierarchy's controllers, as in "cpu,cpuacct"? */
static bool has_cpu(const char *controllers)
{
	for (const char *p = controllers; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, "cpu", 3) && (p[3] == ',' || !p[3]))
			return true;
	}
	return false;
}

unsigned int ct_cpus_quota(const char *self, const char *mount)
{
	unsigned int least = UINT_MAX, here;
	char line[PATH_MAX], root[PATH_MAX];
	FILE *f = fopen(self, "re");

	if (!f)
		return UINT_MAX;
	/* "0::/path", or "4:cpu,cpuacct:/path" */
	while (fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':'), *path;

		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		controllers++;
		path[strcspn(path, "\n")] = '\0';
		if (!*controllers) {
			here = least_quota(mount, path, quota_v2);
		} else if (has_cpu(controllers)) {
			if (snprintf(root, sizeof(root), "%s/%s", mount,
				     controllers) >= (int)sizeof(root))
				continue;
			here = least_quota(root, path, quota_v1);
		} else {
			continue;
		}
		least = here < least ? here : least;
	}
	fclose(f);
	return least;
}

unsigned int ct_cpus_usable(void)
{
	unsigned int quota = ct_cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	unsigned int n = 1;
	struct set s;

	if (allowed(&s))
		n = (unsigned int)CPU_COUNT_S(SET_BYTES, (cpu_set_t *)s.bits);
	if (n > quota)
		n = quota;
	return n ? n : 1;
}

/* ---- Lists ------------------------------------------------------------- */

/* "2-3" in place of "2+3", from 0 where nothing more is allowed. */
static void allowed_text(const struct set *s, char *text, size_t size)
{
	size_t at = 0;

	*text = '\0';
	for (unsigned int c = 0; c <= CT_CPU_MAX && at < size; c++) {
		unsigned int first = c;

		if (!in_set(s, c))
			continue;
		while (c < CT_CPU_MAX && in_set(s, c + 1))
			c++;
		at += (size_t)snprintf(text + at, size - at, "%s%u", at ? "+" : "",
				       first);
		if (c > first && at < size)
			at += (size_t)snprintf(text + at, size - at, "-%u", c);
	}
}

/* A number at *p, which moves behind it; false if there is none or too large. */
static bool number(const char **p, unsigned int *value)
{
	unsigned int v = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = 10 * v + (unsigned int)(**p - '0');
		if (v > CT_CPU_MAX)
			return false;
	}
	*value = v;
	return true;
}

static int malformed(const char *list, struct ct_err *err)
{
	return ct_fail(err, -EINVAL,
		       "cpus=%.64s is not a list of CPUs such as 0-1 or 0+2-3",
		       list);
}

static int add(unsigned int cpu, const struct set *may, struct set *named,
	       unsigned short *cpus, unsigned int room, unsigned int *n,
	       struct ct_err *err)
{
	if (!in_set(may, cpu)) {
		char text[64];

		allowed_text(may, text, sizeof(text));
		return ct_fail(err, -EINVAL,
			"cpus: CPU %u is not one that this process may run on (%s)",
			cpu, text);
	}
	if (in_set(named, cpu))
		return ct_fail(err, -EINVAL, "cpus: CPU %u is named twice", cpu);
	if (*n == room)
		return ct_fail(err, -EINVAL, "cpus: more than %u CPUs", room);
	CPU_SET_S(cpu, SET_BYTES, (cpu_set_t *)named->bits);
	cpus[(*n)++] = (unsigned short)cpu;
	return 0;
}

int ct_cpus_parse(const char *list, unsigned short *cpus, unsigned int room,
		  unsigned int *n, struct ct_err *err)
{
	struct set may, named = { { 0 } };
	const char *p = list;

	if (!allowed(&may))
		return ct_fail(err, -errno, "cpus: cannot tell which CPUs there are: %s",
			       strerror(errno));
	*n = 0;
	for (;;) {
		unsigned int first, last;

		if (!number(&p, &first))
			return malformed(list, err);
		last = first;
		if (*p == '-') {
			p++;
			if (!number(&p, &last) || last < first)
				return malformed(list, err);
		}
		for (unsigned int c = first; c <= last; c++) {
			int ret = add(c, &may, &named, cpus, room, n, err);

			if (ret)
				return ret;
		}
		if (!*p)
			return 0;
		if (*p++ != '+')
			return malformed(list, err);
	}
}
