// SPDX-License-Identifier: MIT
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "utf8.h"

/* Something could not be allocated: the object is not whole. */
static bool incomplete;

static cJSON *made(cJSON *item)
{
	if (!item)
		incomplete = true;
	return item;
}

static void add(cJSON *object, const char *key, cJSON *item)
{
	if (made(item) && !cJSON_AddItemToObject(object, key, item)) {
		cJSON_Delete(item);
		incomplete = true;
	}
}

static void append(cJSON *array, cJSON *item)
{
	if (made(item) && !cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		incomplete = true;
	}
}

cJSON *json_object(void)
{
	return made(cJSON_CreateObject());
}

cJSON *json_add_object(cJSON *parent, const char *key)
{
	return made(cJSON_AddObjectToObject(parent, key));
}

cJSON *json_add_array(cJSON *parent, const char *key)
{
	return made(cJSON_AddArrayToObject(parent, key));
}

void json_add_number(cJSON *object, const char *key, double value)
{
	if (isfinite(value))
		add(object, key, cJSON_CreateNumber(value));
	else
		json_add_null(object, key);
}

void json_add_float(cJSON *object, const char *key, float value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.7g", (double)value);
	json_add_number(object, key, strtod(digits, NULL));
}

static cJSON *count(uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return cJSON_CreateRaw(digits);
}

void json_add_count(cJSON *object, const char *key, uint64_t value)
{
	add(object, key, count(value));
}

void json_append_number(cJSON *array, double value)
{
	append(array, isfinite(value) ? cJSON_CreateNumber(value) :
					cJSON_CreateNull());
}

void json_append_count(cJSON *array, uint64_t value)
{
	append(array, count(value));
}

void json_add_bool(cJSON *object, const char *key, int value)
{
	add(object, key, cJSON_CreateBool(value));
}

void json_add_null(cJSON *object, const char *key)
{
	add(object, key, cJSON_CreateNull());
}

cJSON *json_append_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	append(array, object);
	return incomplete ? NULL : object;
}

/* A string item; cJSON's own end at the first NUL and take any bytes. */
static cJSON *bytes_item(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	cJSON *item;
	char *text, *to;

	/* a byte becomes at most \u00xx */
	text = len < SIZE_MAX / 6 - 1 ? malloc(6 * len + 3) : NULL;
	if (!text)
		return NULL;
	to = text;
	*to++ = '"';
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char(s + i, len - i);

		if (!n) {
			to = stpcpy(to, "\xef\xbf\xbd");
			n = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			*to++ = '\\';
			*to++ = (char)s[i];
		} else if (s[i] == '\n') {
			to = stpcpy(to, "\\n");
		} else if (s[i] == '\t') {
			to = stpcpy(to, "\\t");
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			to += sprintf(to, "\\u%04x", s[i]);
		} else {
			memcpy(to, s + i, n);
			to += n;
		}
		i += n;
	}
	*to++ = '"';
	*to = '\0';
	item = cJSON_CreateRaw(text);
	free(text);
	return item;
}

void json_add_bytes(cJSON *object, const char *key, const char *bytes, size_t len)
{
	add(object, key, bytes_item(bytes, len));
}

void json_add_string(cJSON *object, const char *key, const char *value)
{
	json_add_bytes(object, key, value, strlen(value));
}

void json_append_bytes(cJSON *array, const char *bytes, size_t len)
{
	append(array, bytes_item(bytes, len));
}

static bool scalar(const cJSON *item)
{
	return !cJSON_IsObject(item) && !cJSON_IsArray(item);
}

/* cJSON prints either no space at all or tabs; this is for reading. */
static void print_item(const cJSON *item, bool lines, int depth)
{
	bool object = cJSON_IsObject(item);
	const cJSON *child;
	char *text;

	if (scalar(item)) {
		text = cJSON_PrintUnformatted(item);
		if (!text)
			incomplete = true;
		else
			fputs(text, stdout);
		cJSON_free(text);
		return;
	}
	/* Lists of numbers or words fill lines, whatever holds objects does not. */
	lines = lines && item->child && (object || !scalar(item->child));
	putchar(object ? '{' : '[');
	cJSON_ArrayForEach(child, item) {
		if (lines)
			printf("\n%*s", 2 * depth + 2, "");
		if (object)
			printf("\"%s\": ", child->string);
		print_item(child, lines, depth + 1);
		if (child->next)
			fputs(lines ? "," : ", ", stdout);
	}
	if (lines)
		printf("\n%*s", 2 * depth, "");
	putchar(object ? '}' : ']');
}

int json_print(cJSON *object)
{
	if (!incomplete) {
		print_item(object, isatty(STDOUT_FILENO), 0);
		putchar('\n');
	}
	cJSON_Delete(object);
	if (incomplete)
		return fail(EXIT_MEMORY, "out of memory");
	return finish_output();
}
