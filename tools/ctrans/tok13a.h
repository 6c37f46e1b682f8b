/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_TOK13A_H
#define CTRANS_TOOL_TOK13A_H

#include "words.h"

/*
 * Append @text to @to with white space between its tokens, as the tokeniser of NIST's
 * mteval-v13a has it in sacreBLEU's reading ("13a"): for western languages, and the same
 * for all. words_split() then gives the tokens. Bytes that are not UTF-8 are characters
 * like any other. 0 or -ENOMEM.
 */
int tok13a(struct span text, struct buffer *to);

#endif
