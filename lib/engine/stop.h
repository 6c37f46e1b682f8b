/* SPDX-License-Identifier: MIT */
/*
 * Stop strings in a text that comes in pieces.
 *
 * One Knuth-Morris-Pratt automaton for each string, fed byte by byte: what is
 * found does not depend on how the text was cut, and the time is linear in it.
 * An automaton's state is the length of the string's longest prefix that the
 * text ends in, which is also just what must be held back.
 */
#ifndef CT_ENGINE_STOP_H
#define CT_ENGINE_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CT_STOPS_MAX		1024u
#define CT_STOP_LENGTH_MAX	65536u

struct ct_stop {
	char *text;
	uint32_t *border;	/* [i]: of text[0 .. i], the longest proper one */
	uint32_t len, at;
};

struct ct_stops {
	struct ct_stop *v;
	size_t n;
	uint32_t held;		/* bytes at the end of the text that may be a stop's */
};

/*
 * Strings are copied. -EINVAL for NULL, an empty one or one that is not UTF-8,
 * which no text can contain.
 */
int ct_stops_init(struct ct_stops *stops, const char *const *strings, size_t n,
		  struct ct_err *err);
void ct_stops_free(struct ct_stops *stops);

/*
 * One more byte of text. Returns the length of the string that it completes,
 * the longest if several; 0 if none.
 */
uint32_t ct_stops_push(struct ct_stops *stops, char byte);

#endif
