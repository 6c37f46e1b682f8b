/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_PORTER_H
#define CTRANS_TOOL_PORTER_H

#include <stddef.h>

/*
 * Stem the word of @len lower case letters and digits at @s, in place, and return the
 * stem's length, which is at most @len: Porter's algorithm ("An algorithm for suffix
 * stripping", Program 14.3, 1980) with what the Natural Language Toolkit has changed in
 * it and calls NLTK_EXTENSIONS.
 */
size_t porter_stem(char *s, size_t len);

#endif
