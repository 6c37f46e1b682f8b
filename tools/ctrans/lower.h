/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_LOWER_H
#define CTRANS_TOOL_LOWER_H

#include "words.h"

/*
 * Append the lower case of UTF-8 text to @to, as Python's str.lower() has it: the full
 * mapping of Unicode, final sigmas included, of no language. Bytes that are not UTF-8
 * stay as they are. 0 or -ENOMEM.
 */
int lower_text(struct span text, struct buffer *to);

#endif
