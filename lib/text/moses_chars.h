/* SPDX-License-Identifier: MIT */
/*
 * The classes of characters that Moses' rules speak of.
 *
 * They are tables and not PCRE2's properties: sacremoses carries lists made
 * with an older Perl (letters are Unicode 7's of the basic plane, and of each
 * block of ideographs or Hangul only the first and the last), which no
 * property equals, and the same text must give the same tokens whatever PCRE2
 * is installed. What the reference asks of Python itself (white space, decimal
 * digits, category C, lower case) is Unicode 14's, as Python 3.11 has it.
 */
#ifndef CT_TEXT_MOSES_CHARS_H
#define CT_TEXT_MOSES_CHARS_H

#include <stdbool.h>
#include <stdint.h>

/* Python's str.isspace(), which is \s in its regular expressions. */
bool ct_moses_is_space(uint32_t c);
/* Python's \d. */
bool ct_moses_is_decimal(uint32_t c);
/* Categories Cc, Cf, Co and Cn. */
bool ct_moses_is_unprinted(uint32_t c);

/* sacremoses' lists of the same names. */
bool ct_moses_is_alpha(uint32_t c);
bool ct_moses_is_n(uint32_t c);
bool ct_moses_is_lower(uint32_t c);
bool ct_moses_is_sc(uint32_t c);
/* With viramas and nuktas, which its tokenizer takes for letters. */
bool ct_moses_is_letter(uint32_t c);
bool ct_moses_is_alnum(uint32_t c);
bool ct_moses_is_cjk(uint32_t c);

/* Unicode's simple mapping. */
uint32_t ct_moses_lower_of(uint32_t c);

#endif
