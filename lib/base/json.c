// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/*
 * cJSON recurses once for each level and allocates for each value. Both are
 * counted before it starts, so that no text costs it much more than its size.
 */
static int check_size(const char *text, size_t len, struct ct_err *err)
{
	unsigned int depth = 0, values = 1;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > CT_JSON_DEPTH_MAX)
				return ct_fail(err, -E2BIG,
					       "JSON nested deeper than %d levels",
					       CT_JSON_DEPTH_MAX);
			values++;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		} else if (c == ',') {
			values++;
		}
		if (values > CT_JSON_VALUES_MAX)
			return ct_fail(err, -E2BIG,
				       "JSON with more than %u values",
				       CT_JSON_VALUES_MAX);
	}
	return 0;
}

int ct_json_parse(const char *text, size_t len, cJSON **root,
		  struct ct_err *err)
{
	const char *end = NULL;
	cJSON *tree;
	int code;

	if (!len)
		return ct_fail(err, -EBADMSG, "it is empty, not JSON");
	code = check_size(text, len, err);
	if (code)
		return code;
	tree = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	if (!tree) {
		/* cJSON does not tell malformed text from a failed malloc. */
		size_t at = end && end >= text ? (size_t)(end - text) : 0;

		return ct_fail(err, -EBADMSG,
			       "not JSON at byte %zu (or out of memory)",
			       at < len ? at : len);
	}
	while (end < text + len && (*end == ' ' || *end == '\n' ||
				    *end == '\r' || *end == '\t'))
		end++;
	if (end != text + len) {
		cJSON_Delete(tree);
		return ct_fail(err, -EBADMSG,
			       "something follows the JSON value, at byte %zu",
			       (size_t)(end - text));
	}
	if (!cJSON_IsObject(tree)) {
		cJSON_Delete(tree);
		return ct_fail(err, -EBADMSG, "not a JSON object");
	}
	*root = tree;
	return 0;
}

int ct_json_u64(const cJSON *item, const char *what, uint64_t *value,
		struct ct_err *err)
{
	double d;

	if (!cJSON_IsNumber(item))
		return ct_fail(err, -EBADMSG, "%s is not a number", what);
	d = item->valuedouble;
	if (!(d >= 0 && d <= 9007199254740992.0) || d != (double)(uint64_t)d)
		return ct_fail(err, -EBADMSG,
			       "%s is %g, which is not a whole number in range",
			       what, d);
	*value = (uint64_t)d;
	return 0;
}

int ct_json_find(const cJSON *object, const char *key, const cJSON **item,
		 struct ct_err *err)
{
	const cJSON *it;

	*item = NULL;
	cJSON_ArrayForEach(it, object) {
		if (!it->string || strcmp(it->string, key))
			continue;
		if (*item)
			return ct_fail(err, -EBADMSG, "\"%s\" occurs twice",
				       key);
		*item = it;
	}
	return 0;
}

static int find_opt(const cJSON *object, const char *key, const cJSON **item,
		    struct ct_err *err)
{
	int code = ct_json_find(object, key, item, err);

	if (!code && *item && cJSON_IsNull(*item))
		*item = NULL;
	return code;
}

int ct_json_bool_opt(const cJSON *object, const char *key, bool *value,
		     struct ct_err *err)
{
	const cJSON *it;
	int code = find_opt(object, key, &it, err);

	if (code || !it)
		return code;
	if (!cJSON_IsBool(it))
		return ct_fail(err, -EBADMSG, "\"%s\" is not true or false",
			       key);
	*value = cJSON_IsTrue(it);
	return 0;
}

int ct_json_double_opt(const cJSON *object, const char *key, double *value,
		       struct ct_err *err)
{
	const cJSON *it;
	int code = find_opt(object, key, &it, err);

	if (code || !it)
		return code;
	if (!cJSON_IsNumber(it) || !isfinite(it->valuedouble))
		return ct_fail(err, -EBADMSG, "\"%s\" is not a finite number",
			       key);
	*value = it->valuedouble;
	return 0;
}

int ct_json_string_opt(const cJSON *object, const char *key,
		       const char **value, struct ct_err *err)
{
	const cJSON *it;
	int code = find_opt(object, key, &it, err);

	if (code || !it)
		return code;
	if (!cJSON_IsString(it))
		return ct_fail(err, -EBADMSG, "\"%s\" is not a string", key);
	*value = it->valuestring;
	return 0;
}
