/* SPDX-License-Identifier: MIT */
/* What two texts have in common: word by word, and in order. */
#ifndef CTRANS_TOOL_NGRAMS_H
#define CTRANS_TOOL_NGRAMS_H

#include "words.h"

#define NGRAMS_MAX	4

/*
 * For n = 1 to @orders, at most NGRAMS_MAX: how many of the n-grams of the first text the
 * others have, too, in @common[n - 1]. One that is there several times counts as often as
 * that other text has it which has it most often. 0, -ENOMEM or -E2BIG; n log n time,
 * whatever the words are.
 */
int ngrams_common(const struct words *texts, size_t n_texts, unsigned int orders,
		  uint64_t *common);

/* How many n-grams @n words have. */
static inline uint64_t ngrams_of(size_t words, unsigned int n)
{
	return words >= n ? words - n + 1 : 0;
}

/*
 * Words in the longest common subsequence of two texts. Takes words of the one times
 * words of the other over 64 at the worst, less where words are rare. 0, -ENOMEM or
 * -E2BIG.
 */
int ngrams_longest(const struct words texts[2], size_t *length);

#endif
