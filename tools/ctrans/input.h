/* SPDX-License-Identifier: MIT */
/* Prompts, texts and lists of token ids, from the command line and files. */
#ifndef CTRANS_TOOL_INPUT_H
#define CTRANS_TOOL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

/* Bytes, with a NUL after them that is not counted. */
struct text {
	char *bytes;
	size_t len;
};

/*
 * Functions here print what is wrong and return an exit status.
 *
 * A whole file, or standard input for "-" or NULL.
 */
int read_text(const char *path, struct text *text);

/* What was given with -p, else -f, else what is on standard input. */
int read_prompt(const char *given, const char *path, struct text *text);

void text_free(struct text *text);

/* Decimal ids between spaces, commas or brackets; @what names the source. */
int parse_ids(const struct text *text, const char *what, uint32_t **ids,
	      size_t *n);

/* ctrans_tokenize() into memory of the right size. */
int tokenize_text(const struct ctrans_model *model, const struct text *text,
		  uint32_t flags, uint32_t **ids, size_t *n);

#endif
