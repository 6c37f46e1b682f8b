// SPDX-License-Identifier: MIT
#include "text/json_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "text/utf8.h"

#define FILE_MAX	((size_t)256 << 20)

int ct_text_read(const char *dir, const char *name, char **data, size_t *len,
		 struct ct_err *err)
{
	char *path = ct_path_join(dir, name);
	int ret;

	if (!path)
		return ct_fail(err, -ENOMEM, "%s: out of memory", dir);
	ret = ct_file_slurp(path, FILE_MAX, data, len, err);
	free(path);
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

int ct_text_json_parse(const char *data, size_t len, cJSON **out,
		       struct ct_err *err)
{
	size_t good = ct_utf8_valid(data, len);

	if (good < len)
		return ct_fail(err, -EBADMSG, "not UTF-8 at byte %zu", good);
	if (memchr(data, 0, len) || escapes_nul(data, len))
		return ct_fail(err, -EBADMSG,
			       "a string in it has the character U+0000");
	return ct_json_parse(data, len, out, err);
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
	ret = ct_text_json_parse(data, len, out, err);
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

bool ct_json_is_unset(const cJSON *node)
{
	return !node || cJSON_IsNull(node) ||
	       (cJSON_IsString(node) && !node->valuestring[0]);
}
