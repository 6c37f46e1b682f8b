/* SPDX-License-Identifier: MIT */
/*
 * GPT-2's byte alphabet: one printable character for each byte, so that
 * vocabulary files can be text. Bytes that Latin-1 prints stand for
 * themselves; the other 68 are U+0100 onwards, in order.
 */
#ifndef CT_TEXT_ALPHABET_H
#define CT_TEXT_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>

#define CT_ALPHABET_MAX	2	/* bytes of UTF-8 that one letter takes */

/* Write the letter of @byte. Returns its length. */
size_t ct_alphabet_spell(unsigned char byte, char out[CT_ALPHABET_MAX]);

/*
 * Read a name letter by letter into @bytes, which has room for @len. False if
 * it is not made of such letters alone; @bytes is undefined then.
 */
bool ct_alphabet_read(const char *name, size_t len, char *bytes, size_t *n);

#endif
