/* SPDX-License-Identifier: MIT */
/*
 * Words of lines, for the scores of eval_metrics.c. White space is what Python's
 * str.split() takes for it, which is what the scores are defined by.
 */
#ifndef CTRANS_TOOL_WORDS_H
#define CTRANS_TOOL_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
struct span {
	const char *s;
	size_t len;
};

/* Functions that add return 0, or -ENOMEM and have added nothing. */
struct buffer {
	char *s;
	size_t len, room;
};

int buffer_room(struct buffer *b, size_t more);
void buffer_free(struct buffer *b);

/* Words in order; they point into the text that was split. */
struct words {
	struct span *items;
	size_t n, room;
};

int words_add(struct words *words, const char *s, size_t len);
/* All of @text's. After a failure those before it are there. */
int words_split(struct words *words, struct span text);
void words_free(struct words *words);

/* @text without the white space at its end. */
struct span words_strip_end(struct span text);

/*
 * Number the words of @n_texts texts, equal ones alike: @ids has room for all, one text
 * after the other, and gets numbers below *@n_ids. 0, -ENOMEM, or -E2BIG for 2^32 words.
 */
int words_number(const struct words *texts, size_t n_texts, uint32_t *ids,
		 uint32_t *n_ids);

#endif
