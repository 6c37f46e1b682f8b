/* SPDX-License-Identifier: MIT */
/* UTF-8, as the Unicode Standard's table 3-7 has it. */
#ifndef CT_TEXT_UTF8_H
#define CT_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Read one character. Returns its length; 0 if the @n bytes are the beginning
 * of a character that is not complete; -k if the first k bytes can never be
 * part of one (k is the length of the maximal subpart, Unicode 3.9).
 * @n must not be 0. @cp is set only for a character.
 */
int ct_utf8_next(const char *s, size_t n, uint32_t *cp);

/* The length of the longest well-formed prefix: @n if all of it is. */
size_t ct_utf8_valid(const char *s, size_t n);

/*
 * Put @sub, an ASCII character, for every byte that belongs to no well-formed
 * sequence. Lengths and offsets do not change.
 */
void ct_utf8_mend(char *s, size_t n, char sub);

/* Unicode's White_Space, which has not changed since version 6.3. */
bool ct_utf8_is_space(uint32_t cp);

#endif
