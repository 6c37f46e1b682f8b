// SPDX-License-Identifier: MIT
#include "ngrams.h"

#include <errno.h>
#include <stdlib.h>

/* An n-gram as the number of its first n - 1 words and that of the last. */
struct gram {
	uint64_t key;
	uint32_t text, at;
};

static int compare(const void *a, const void *b)
{
	const struct gram *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->text > y->text) - (x->text < y->text);
}

/* Equal n-grams begin at @g: what is in common, and where the next begin. */
static const struct gram *group(const struct gram *g, const struct gram *end,
				uint64_t *common)
{
	uint64_t key = g->key, first = 0, most = 0;

	while (g < end && g->key == key) {
		uint32_t text = g->text;
		uint64_t n = 0;

		for (; g < end && g->key == key && g->text == text; g++)
			n++;
		if (!text)
			first = n;
		else if (n > most)
			most = n;
	}
	*common += first < most ? first : most;
	return g;
}

/* Count n-grams, and number them in place of the shorter ones. */
static uint64_t count(struct gram *grams, size_t n, uint32_t *numbers)
{
	const struct gram *g = grams, *next;
	uint64_t common = 0;
	uint32_t number = 0;

	if (n)
		qsort(grams, n, sizeof(*grams), compare);
	for (; g < grams + n; number++) {
		for (next = group(g, grams + n, &common); g < next; g++)
			numbers[g->at] = number;
	}
	return common;
}

static size_t collect(const struct words *texts, size_t n_texts, unsigned int order,
		      const uint32_t *ids, const uint32_t *numbers, struct gram *grams)
{
	size_t n = 0, start = 0;

	for (size_t t = 0; t < n_texts; t++) {
		for (size_t i = 0; i < ngrams_of(texts[t].n, order); i++) {
			size_t at = start + i;
			uint64_t before = order > 1 ? numbers[at] : 0;

			grams[n++] = (struct gram){
				.key = before << 32 | ids[at + order - 1],
				.text = (uint32_t)t, .at = (uint32_t)at,
			};
		}
		start += texts[t].n;
	}
	return n;
}

static size_t count_words(const struct words *texts, size_t n_texts)
{
	size_t n = 0;

	for (size_t t = 0; t < n_texts; t++)
		n += texts[t].n;
	return n;
}

int ngrams_common(const struct words *texts, size_t n_texts, unsigned int orders,
		  uint64_t *common)
{
	size_t n = count_words(texts, n_texts);
	uint32_t *ids, *numbers, n_ids;
	struct gram *grams;
	int ret = -ENOMEM;

	/* never nothing: malloc(0) may be NULL */
	ids = malloc((n + 1) * sizeof(*ids));
	numbers = malloc((n + 1) * sizeof(*numbers));
	grams = malloc((n + 1) * sizeof(*grams));
	if (ids && numbers && grams)
		ret = words_number(texts, n_texts, ids, &n_ids);
	for (unsigned int order = 1; !ret && order <= orders; order++)
		common[order - 1] = count(grams, collect(texts, n_texts, order, ids,
							 numbers, grams), numbers);
	free(grams);
	free(numbers);
	free(ids);
	return ret;
}
