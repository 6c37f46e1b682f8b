// SPDX-License-Identifier: MIT
#include "text/json_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/utf8.h"

#define FILE_MAX	((off_t)256 << 20)

static int read_all(int fd, const char *path, char *data, size_t len,
		    struct ct_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = read(fd, data + done, len - done);

		if (got > 0) {
			done += got;
		} else if (!got) {
			return ct_fail(err, -EIO,
				       "%s: became shorter while it was read",
				       path);
		} else if (errno != EINTR) {
			int code = errno;

			return ct_fail(err, -code, "%s: %s", path,
				       strerror(code));
		}
	}
	data[len] = '\0';
	return 0;
}

static int read_fd(int fd, const char *path, char **data, size_t *len,
		   struct ct_err *err)
{
	struct stat st;
	char *p;
	int ret;

	if (fstat(fd, &st)) {
		int code = errno;

		return ct_fail(err, -code, "%s: %s", path, strerror(code));
	}
	if (!S_ISREG(st.st_mode))
		return ct_fail(err, -EBADMSG, "%s: not a regular file", path);
	if (st.st_size > FILE_MAX)
		return ct_fail(err, -E2BIG,
			       "%s: %lld bytes; tokenizer files up to 256 MiB are supported",
			       path, (long long)st.st_size);
	p = malloc(st.st_size + 1);
	if (!p)
		return ct_fail(err, -ENOMEM, "%s: no memory to read it", path);
	ret = read_all(fd, path, p, st.st_size, err);
	if (ret) {
		free(p);
		return ret;
	}
	*data = p;
	*len = st.st_size;
	return 0;
}

int ct_text_read(const char *dir, const char *name, char **data, size_t *len,
		 struct ct_err *err)
{
	char path[PATH_MAX];
	int fd, ret;

	ret = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (ret < 0 || (size_t)ret >= sizeof(path))
		return ct_fail(err, -ENAMETOOLONG, "%.64s...: path too long",
			       dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		int code = errno;

		return ct_fail(err, -code, "%s: %s", path, strerror(code));
	}
	ret = read_fd(fd, path, data, len, err);
	close(fd);
	return ret;
}

static bool escapes_nul(const char *data, size_t len)
{
	static const char nul[] = "\\u0000";
	const char *p = data, *hit;

	while ((hit = memmem(p, data + len - p, nul, sizeof(nul) - 1))) {
		const char *q = hit;

		/* Backslashes in pairs before it stand for themselves. */
		while (q > data && q[-1] == '\\')
			q--;
		if ((hit - q) % 2 == 0)
			return true;
		p = hit + 1;
	}
	return false;
}

static int parse(const char *data, size_t len, cJSON **out, struct ct_err *err)
{
	size_t good = ct_utf8_valid(data, len);
	const char *end = data;

	if (good < len)
		return ct_fail(err, -EBADMSG, "not UTF-8 at byte %zu", good);
	if (memchr(data, 0, len) || escapes_nul(data, len))
		return ct_fail(err, -EBADMSG,
			       "a string in it has the character U+0000");
	/* The NUL after the text tells cJSON that nothing may follow. */
	*out = cJSON_ParseWithLengthOpts(data, len + 1, &end, 1);
	if (!*out)
		return ct_fail(err, -EBADMSG,
			       "not JSON at byte %zu, or too large for memory",
			       (size_t)(end - data));
	return 0;
}

int ct_text_json(const char *dir, const char *name, cJSON **out,
		 struct ct_err *err)
{
	size_t len;
	char *data;
	int ret;

	ret = ct_text_read(dir, name, &data, &len, err);
	if (ret)
		return ret;
	ret = parse(data, len, out, err);
	if (ret)
		ct_err_prefix(err, "%s/%s", dir, name);
	free(data);
	return ret;
}

int ct_json_id(const cJSON *node, uint32_t *id, struct ct_err *err)
{
	double v;

	if (!cJSON_IsNumber(node))
		return ct_fail(err, -EBADMSG, "a token id is not a number");
	v = node->valuedouble;
	if (!(v >= 0 && v <= UINT32_MAX) || v != (uint32_t)v)
		return ct_fail(err, -EBADMSG, "%g cannot be a token id", v);
	*id = v;
	return 0;
}

const char *ct_json_string(const cJSON *node)
{
	return cJSON_IsString(node) ? node->valuestring : NULL;
}

int ct_json_bool(const cJSON *object, const char *key, bool *value,
		 struct ct_err *err)
{
	const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!node || cJSON_IsNull(node))
		return 0;
	if (!cJSON_IsBool(node))
		return ct_fail(err, -EBADMSG, "\"%s\" is neither true nor false",
			       key);
	*value = cJSON_IsTrue(node);
	return 0;
}

bool ct_json_is_unset(const cJSON *node)
{
	return !node || cJSON_IsNull(node) ||
	       (cJSON_IsString(node) && !node->valuestring[0]);
}
