/* SPDX-License-Identifier: MIT */
/*
 * GPT-2's pattern, which cuts a text into pieces that are merged each for
 * itself. Every character belongs to exactly one piece.
 *
 * What is a letter or a number is PCRE2's Unicode version's to say (14.0 in
 * Debian 12, 16.0 in Debian 13): a character newer than that is neither.
 * White space is spelled out, as PCRE2's \s has U+180E too, which neither
 * Python nor Rust nor Oniguruma takes for a space.
 */
#ifndef CT_TEXT_SPLIT_H
#define CT_TEXT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct ct_split;

enum {
	CT_SPLIT_NO_JIT = 1 << 0,	/* interpret, as where JIT is refused */
};

int ct_split_new(unsigned int flags, struct ct_split **out,
		 struct ct_err *err);
void ct_split_free(struct ct_split *split);

/* What one thread needs to use a splitter, which itself may be shared. */
struct ct_split_run;

int ct_split_run_new(const struct ct_split *split, struct ct_split_run **out,
		     struct ct_err *err);
void ct_split_run_free(struct ct_split_run *run);

/*
 * The end of the piece that begins at @pos < @n. @text is well-formed UTF-8
 * and @pos between two characters of it.
 */
int ct_split_next(struct ct_split_run *run, const char *text, size_t n,
		  size_t pos, size_t *end, struct ct_err *err);

/*
 * Whether the character at @pos is part of a word as Rust's \w has it, which
 * Hugging Face asks of an added token's neighbours.
 */
int ct_split_is_word(struct ct_split_run *run, const char *text, size_t n,
		     size_t pos, bool *word, struct ct_err *err);

#endif
