// SPDX-License-Identifier: MIT
/*
 * Written without a name (O_TMPFILE) where the file system can, so that a
 * process killed while it writes leaves nothing; then named, and renamed over
 * what is there, which is the one step that readers see. Data reach the disk
 * before the name does, and the directory after it: after a crash there is an
 * old file or a new one, never a new name without its data.
 */
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Linux transfers at most this much in one call (MAX_RW_COUNT). */
#define WRITE_MAX	0x7ffff000u
/* Names tried; each is 64 random bits. */
#define NAMES_MAX	16

static int failed(const char *path, const char *what, struct ct_err *err)
{
	int code = errno ? -errno : -EIO;

	return ct_fail(err, code, "%s: cannot %s: %s", path, what,
		       strerror(-code));
}

static int no_memory(const char *path, struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "%s: out of memory", path);
}

static int find(struct ct_replacement *r, const char *path, struct ct_err *err)
{
	struct stat st;
	char *slash;

	r->path = realpath(path, NULL);
	if (r->path) {
		if (stat(r->path, &st))
			return failed(path, "stat", err);
		if (!S_ISREG(st.st_mode))
			return ct_fail(err, -EINVAL,
				       "%s: not a regular file: only such a one is replaced",
				       path);
		r->exists = true;
		r->mode = st.st_mode & 07777;
	} else if (errno == ENOENT) {
		r->path = strdup(path);
		if (!r->path)
			return no_memory(path, err);
	} else {
		return failed(path, "write", err);
	}
	slash = strrchr(r->path, '/');
	if (!slash)
		r->dir = strdup(".");
	else if (slash == r->path)
		r->dir = strdup("/");
	else
		r->dir = strndup(r->path, (size_t)(slash - r->path));
	return r->dir ? 0 : no_memory(path, err);
}

/* Another name in the directory at each call. */
static int next_temp(struct ct_replacement *r, struct ct_err *err)
{
	const size_t room = strlen(r->dir) + 48;
	struct timespec now;
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		bits = (uint64_t)getpid() << 32 ^ (uint64_t)now.tv_nsec;
	}
	if (!r->temp)
		r->temp = malloc(room);
	if (!r->temp)
		return no_memory(r->path, err);
	snprintf(r->temp, room, "%s/.ctrans-%016" PRIx64 ".tmp", r->dir, bits);
	return 0;
}

static int create(struct ct_replacement *r, struct ct_err *err)
{
	int ret = 0;

	/* Without /proc it could not be named later. */
	if (!access("/proc/self/fd", X_OK)) {
		r->fd = open(r->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
		if (r->fd >= 0)
			return 0;
	}
	for (int i = 0; i < NAMES_MAX; i++) {
		ret = next_temp(r, err);
		if (ret)
			return ret;
		r->fd = open(r->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
			     0666);
		r->named = r->fd >= 0;
		if (r->named || errno != EEXIST)
			break;
	}
	return r->named ? 0 : failed(r->path, "write", err);
}

/* Written beyond such a limit, a signal would end the process. */
static int check_limit(const struct ct_replacement *r, uint64_t size,
		       struct ct_err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur >= size)
		return 0;
	return ct_fail(err, -EFBIG,
		       "%s: would have %" PRIu64 " bytes, and files may have %llu (ulimit -f)",
		       r->path, size, (unsigned long long)limit.rlim_cur);
}

/* A file system that cannot promise room will tell when it is written to. */
static int make_room(const struct ct_replacement *r, uint64_t size,
		     struct ct_err *err)
{
	if (!size || !fallocate(r->fd, 0, 0, (off_t)size) ||
	    (errno != ENOSPC && errno != EDQUOT))
		return 0;
	return ct_fail(err, -errno, "%s: cannot write %" PRIu64 " bytes: %s",
		       r->path, size, strerror(errno));
}

static int name(struct ct_replacement *r, struct ct_err *err)
{
	char self[32];
	int ret;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", r->fd);
	for (int i = 0; i < NAMES_MAX && !r->named; i++) {
		ret = next_temp(r, err);
		if (ret)
			return ret;
		r->named = !linkat(AT_FDCWD, self, AT_FDCWD, r->temp,
				   AT_SYMLINK_FOLLOW);
		if (!r->named && errno != EEXIST)
			break;
	}
	return r->named ? 0 : failed(r->path, "write", err);
}

/* The directory's entry to the disk; some file systems need not be told. */
static int sync_dir(const struct ct_replacement *r, struct ct_err *err)
{
	int fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 && errno == EACCES)
		return 0;	/* may be written, but not read */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		ret = failed(r->path, "write the directory of it", err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int ct_replace_begin(struct ct_replacement *r, const char *path, uint64_t size,
		     struct ct_err *err)
{
	int ret;

	*r = (struct ct_replacement){ .fd = -1 };
	ret = find(r, path, err);
	if (!ret)
		ret = check_limit(r, size, err);
	if (!ret)
		ret = create(r, err);
	if (!ret && r->exists && fchmod(r->fd, r->mode))
		ret = failed(r->path, "set permissions", err);
	if (!ret)
		ret = make_room(r, size, err);
	if (ret)
		ct_replace_drop(r);
	return ret;
}

int ct_replace_write(struct ct_replacement *r, const void *data, size_t len,
		     struct ct_err *err)
{
	const char *from = data;
	size_t done = 0;

	while (done < len) {
		size_t want = len - done < WRITE_MAX ? len - done : WRITE_MAX;
		ssize_t put = write(r->fd, from + done, want);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return failed(r->path, "write", err);
		done += (size_t)put;
	}
	return 0;
}

int ct_replace_commit(struct ct_replacement *r, struct ct_err *err)
{
	int ret = fsync(r->fd) ? failed(r->path, "write", err) : 0;

	if (!ret && !r->named)
		ret = name(r, err);
	if (!ret && rename(r->temp, r->path))
		ret = failed(r->path, "write", err);
	if (!ret) {
		r->named = false;
		ret = sync_dir(r, err);
	}
	ct_replace_drop(r);
	return ret;
}

void ct_replace_drop(struct ct_replacement *r)
{
	if (r->named)
		unlink(r->temp);
	if (r->path && r->fd >= 0)
		close(r->fd);
	free(r->temp);
	free(r->dir);
	free(r->path);
	memset(r, 0, sizeof(*r));
}

int ct_file_replace(const char *path, const void *data, size_t len,
		    struct ct_err *err)
{
	struct ct_replacement r;
	int ret;

	ret = ct_replace_begin(&r, path, len, err);
	if (ret)
		return ret;
	ret = ct_replace_write(&r, data, len, err);
	if (!ret)
		return ct_replace_commit(&r, err);
	ct_replace_drop(&r);
	return ret;
}
