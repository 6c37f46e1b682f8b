/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_UTF8_H
#define CTRANS_TOOL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 character at @s, of which there are @len > 0 (RFC 3629:
 * shortest form, no surrogates, at most U+10FFFF), or 0 if there is none.
 */
size_t utf8_char(const unsigned char *s, size_t len);

/* The same, and which character it is. */
size_t utf8_decode(const char *s, size_t len, uint32_t *c);

#endif
