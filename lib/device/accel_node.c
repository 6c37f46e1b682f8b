// SPDX-License-Identifier: MIT
#include "device/accel_node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

/* Minor numbers have 20 bits. */
#define NUMBER_DIGITS	7

/* All of @text is a decimal number, as the kernel would write it. */
static bool parse_number(const char *text, int *number)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > NUMBER_DIGITS || text[n] || (*text == '0' && n > 1))
		return false;
	*number = atoi(text);
	return true;
}

int ct_accel_parse(const char *options, int *number, struct ct_err *err)
{
	*number = CT_ACCEL_ANY;
	if (!*options || parse_number(options, number))
		return 0;
	return ct_fail(err, -EINVAL,
		"device \"accel:%.32s\": give the number of a node, as in accel:0 for /dev/accel/accel0, or accel alone for the first chip",
		options);
}

int ct_accel_next(const char *sys, int after, int *number)
{
	DIR *dir = opendir(sys);
	struct dirent *entry;
	int least = -1, n;

	if (!dir)
		return -ENODEV;
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "accel", 5) &&
		    parse_number(entry->d_name + 5, &n) && n > after &&
		    (least < 0 || n < least))
			least = n;
	}
	closedir(dir);
	if (least < 0)
		return -ENODEV;
	*number = least;
	return 0;
}

void ct_accel_link(const char *sys, int number, const char *link, char *name,
		   size_t size)
{
	char path[512], target[512];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/accel%d/%s", sys, number, link);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	last = strrchr(target, '/');
	snprintf(name, size, "%.*s", (int)size - 1, last ? last + 1 : target);
}

/* Who may: the group that the node belongs to. */
static int not_allowed(const char *path, int number, struct ct_err *err)
{
	char buf[1024], group[64] = "render";
	struct group g, *found = NULL;
	struct stat st;

	if (!stat(path, &st) && st.st_mode & S_IRGRP && st.st_mode & S_IWGRP &&
	    !getgrgid_r(st.st_gid, &g, buf, sizeof(buf), &found) && found)
		snprintf(group, sizeof(group), "%s", g.gr_name);
	return ct_fail(err, -EACCES,
		"device \"accel:%d\": no permission for %s: add yourself to the group %s (usermod -aG %s USER, then log in again)",
		number, path, group, group);
}

static bool is_ours(int fd, char *name, size_t size)
{
	drmVersionPtr v = drmGetVersion(fd);

	*name = '\0';
	if (!v)
		return false;
	snprintf(name, size, "%.*s", v->name_len, v->name);
	drmFreeVersion(v);
	return !strcmp(name, CT_ACCEL_DRIVER);
}

int ct_accel_open_node(int number, int *fd, struct ct_err *err)
{
	char path[64], driver[64];

	snprintf(path, sizeof(path), "/dev/accel/accel%d", number);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0 && (errno == EACCES || errno == EPERM))
		return not_allowed(path, number, err);
	if (*fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return ct_fail(err, -ENODEV,
			"device \"accel:%d\": there is no %s; is the chip's driver loaded (modprobe ctrans)?",
			number, path);
	if (*fd < 0) {
		int code = -errno;

		return ct_fail(err, code, "device \"accel:%d\": %s: %s", number,
			       path, strerror(-code));
	}
	if (is_ours(*fd, driver, sizeof(driver)))
		return 0;
	close(*fd);
	return ct_fail(err, -ENODEV,
		"device \"accel:%d\": %s belongs to driver \"%s\" and is no C-Transformer",
		number, path, driver);
}

/* As the system says; opening asks the driver itself. */
static bool ours(int number)
{
	char driver[64];

	ct_accel_link(CT_ACCEL_SYS, number, "device/driver", driver, sizeof(driver));
	return !strcmp(driver, CT_ACCEL_DRIVER);
}

int ct_accel_find(unsigned int index, int *number)
{
	int n = -1;

	while (!ct_accel_next(CT_ACCEL_SYS, n, &n)) {
		if (ours(n) && index-- == 0) {
			*number = n;
			return 0;
		}
	}
	return -ENODEV;
}
