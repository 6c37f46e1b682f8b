// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux transfers at most this much in one call (MAX_RW_COUNT). */
#define READ_MAX	0x7ffff000u

static int open_regular(const char *path, int *fd, uint64_t *size,
			struct ct_err *err)
{
	struct stat st;
	int code;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return ct_fail(err, -errno, "%s: cannot open: %s", path,
			       strerror(errno));
	if (fstat(*fd, &st) < 0) {
		code = ct_fail(err, -errno, "%s: cannot stat: %s", path,
			       strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		code = ct_fail(err, -EBADMSG, "%s: not a regular file", path);
	} else {
		*size = (uint64_t)st.st_size;
		return 0;
	}
	close(*fd);
	return code;
}

int ct_files_add(struct ct_files *files, const char *path, uint32_t *index,
		 struct ct_err *err)
{
	struct ct_file file = { 0 };
	int code;

	if (files->n == files->cap) {
		uint32_t cap = files->cap ? 2 * files->cap : 4;
		struct ct_file *v = realloc(files->v, cap * sizeof(*v));

		if (!v)
			return ct_fail(err, -ENOMEM, "%s: out of memory", path);
		files->v = v;
		files->cap = cap;
	}
	code = open_regular(path, &file.fd, &file.size, err);
	if (code)
		return code;
	file.path = strdup(path);
	if (!file.path || !file.size) {
		code = file.path ?
		       ct_fail(err, -EBADMSG, "%s: the file is empty", path) :
		       ct_fail(err, -ENOMEM, "%s: out of memory", path);
		free(file.path);
		close(file.fd);
		return code;
	}
	*index = files->n;
	files->v[files->n++] = file;
	return 0;
}

void ct_files_close(struct ct_files *files)
{
	for (uint32_t i = 0; i < files->n; i++) {
		close(files->v[i].fd);
		free(files->v[i].path);
	}
	free(files->v);
	memset(files, 0, sizeof(*files));
}

void ct_file_narrow(struct ct_file *file, uint64_t at, uint64_t len)
{
	file->base += at;
	file->size = len;
}

int ct_file_read(const struct ct_file *file, void *dst, size_t len,
		 uint64_t off, struct ct_err *err)
{
	size_t done = 0;

	while (done < len) {
		size_t want = len - done < READ_MAX ? len - done : READ_MAX;
		ssize_t got = pread(file->fd, (char *)dst + done, want,
				    (off_t)(file->base + off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ct_fail(err, -errno, "%s: cannot read: %s",
				       file->path, strerror(errno));
		if (got == 0)
			return ct_fail(err, -EBADMSG,
				       "%s: ends at byte %" PRIu64
				       ", where %zu more were expected (the file had %"
				       PRIu64 " bytes when it was opened)",
				       file->path, off + done, len - done,
				       file->size);
		done += (size_t)got;
	}
	return 0;
}

void ct_file_prefix(const struct ct_file *file, struct ct_err *err)
{
	if (err && strncmp(err->msg, file->path, strlen(file->path)))
		ct_err_prefix(err, "%s", file->path);
}

int ct_file_slurp(const char *path, size_t max, char **data, size_t *len,
		  struct ct_err *err)
{
	struct ct_file file = { .path = (char *)path };
	char *buf;
	int code;

	code = open_regular(path, &file.fd, &file.size, err);
	if (code)
		return code;
	if (file.size > max) {
		code = ct_fail(err, -E2BIG, "%s: %" PRIu64
			       " bytes, more than the %zu a file of this kind may have",
			       path, file.size, max);
		goto out;
	}
	buf = malloc((size_t)file.size + 1);
	if (!buf) {
		code = ct_fail(err, -ENOMEM, "%s: out of memory", path);
		goto out;
	}
	code = ct_file_read(&file, buf, (size_t)file.size, 0, err);
	if (code) {
		free(buf);
		goto out;
	}
	buf[file.size] = '\0';
	*data = buf;
	*len = (size_t)file.size;
out:
	close(file.fd);
	return code;
}

char *ct_path_join(const char *dir, const char *name)
{
	size_t nd = strlen(dir), nn = strlen(name);
	char *path;

	while (nd > 1 && dir[nd - 1] == '/')
		nd--;
	path = malloc(nd + 1 + nn + 1);
	if (!path)
		return NULL;
	memcpy(path, dir, nd);
	path[nd] = '/';
	memcpy(path + nd + 1, name, nn + 1);
	return path;
}

bool ct_path_exists(const char *dir, const char *name)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found;

	if (fd < 0)
		return false;
	/* One that may not be looked at is there: opening it says why not. */
	found = !faccessat(fd, name, F_OK, 0) || errno != ENOENT;
	close(fd);
	return found;
}

struct ct_shown ct_show(const char *name, size_t len)
{
	struct ct_shown out;
	size_t max = sizeof(out.s) - 4;
	size_t n = len < max ? len : max;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		out.s[i] = c < 0x20 || c == 0x7f ? '?' : name[i];
	}
	strcpy(out.s + n, len > max ? "..." : "");
	return out;
}
