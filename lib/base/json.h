/* SPDX-License-Identifier: MIT */
/*
 * cJSON with the checks that files from elsewhere need: bounded depth,
 * nothing after the value, whole numbers that are whole, each key once.
 */
#ifndef CT_BASE_JSON_H
#define CT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/err.h"

#define CT_JSON_DEPTH_MAX	32
/* A value takes cJSON 64 bytes, and as few as two in the text. */
#define CT_JSON_VALUES_MAX	(4u << 20)

/*
 * Parse @len bytes that must be one object, with nothing but white space
 * after it. Malformed is -EBADMSG with the byte it stopped at, deeper than
 * CT_JSON_DEPTH_MAX or with more values than CT_JSON_VALUES_MAX is -E2BIG.
 * Free with cJSON_Delete().
 */
int ct_json_parse(const char *text, size_t len, cJSON **root,
		  struct ct_err *err);

/* A whole number in 0 .. 2^53 (what a double holds exactly). */
int ct_json_u64(const cJSON *item, const char *what, uint64_t *value,
		struct ct_err *err);

/*
 * Members of an object. The _opt kinds leave *value alone when the key is
 * absent or null; a key that occurs twice or has another type is -EBADMSG.
 * @find gives NULL in *item for absent.
 */
int ct_json_find(const cJSON *object, const char *key, const cJSON **item,
		 struct ct_err *err);
int ct_json_bool_opt(const cJSON *object, const char *key, bool *value,
		     struct ct_err *err);
int ct_json_double_opt(const cJSON *object, const char *key, double *value,
		       struct ct_err *err);
/* The string is the tree's. */
int ct_json_string_opt(const cJSON *object, const char *key,
		       const char **value, struct ct_err *err);

#endif
