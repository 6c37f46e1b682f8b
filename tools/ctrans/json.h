/* SPDX-License-Identifier: MIT */
/*
 * JSON for machines, by cJSON: keys in the order in which they are added,
 * numbers as numbers, strings in valid UTF-8. Additions to an object do not
 * have to be checked one by one: what could not be allocated is found by
 * json_print().
 */
#ifndef CTRANS_TOOL_JSON_H
#define CTRANS_TOOL_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

cJSON *json_object(void);
/* A new object or array, as @key of @parent. */
cJSON *json_add_object(cJSON *parent, const char *key);
cJSON *json_add_array(cJSON *parent, const char *key);

/* NaN and infinities become null. */
void json_add_number(cJSON *object, const char *key, double value);
/* As short as a float is written: 0.8, not 0.800000012. */
void json_add_float(cJSON *object, const char *key, float value);
/* Exact beyond 2^53, too. */
void json_add_count(cJSON *object, const char *key, uint64_t value);
void json_add_bool(cJSON *object, const char *key, int value);
void json_add_null(cJSON *object, const char *key);
void json_add_string(cJSON *object, const char *key, const char *value);
/* Any bytes; what is not UTF-8 becomes U+FFFD. */
void json_add_bytes(cJSON *object, const char *key, const char *bytes,
		    size_t len);
void json_append_number(cJSON *array, double value);
void json_append_count(cJSON *array, uint64_t value);
/* A new object at the end of @array. */
cJSON *json_append_object(cJSON *array);
void json_append_bytes(cJSON *array, const char *bytes, size_t len);

/*
 * To standard output: in lines for people where that is a terminal, else one
 * line. Frees @object. An exit status.
 */
int json_print(cJSON *object);

#endif
