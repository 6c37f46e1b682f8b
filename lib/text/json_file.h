/* SPDX-License-Identifier: MIT */
/* Small files read whole, and JSON values taken out with their types checked. */
#ifndef CT_TEXT_JSON_FILE_H
#define CT_TEXT_JSON_FILE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * All of DIR/NAME, with a NUL after it that @len does not count. -ENOENT if
 * there is none, -E2BIG above 256 MiB.
 */
int ct_text_read(const char *dir, const char *name, char **data, size_t *len,
		 struct ct_err *err);

/*
 * The same, parsed by ct_json_parse(). -EBADMSG also if it is not UTF-8 or has a
 * string with U+0000, at which a C string would end.
 */
int ct_text_json(const char *dir, const char *name, cJSON **out,
		 struct ct_err *err);
/* The same of text that is in memory. */
int ct_text_json_parse(const char *data, size_t len, cJSON **out,
		       struct ct_err *err);

/* A token id: a whole number of 32 bits. */
int ct_json_id(const cJSON *node, uint32_t *id, struct ct_err *err);

/* The string a node is, or NULL. */
const char *ct_json_string(const cJSON *node);

/* Missing, null, or "": nothing is asked for. */
bool ct_json_is_unset(const cJSON *node);

#endif
