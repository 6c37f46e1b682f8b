// SPDX-License-Identifier: MIT
/*
 * The longest common subsequence by bits, 64 words of one text at a time. Bit i of @rest
 * is clear where the table of the textbook grows from column i to column i + 1 in the row
 * in hand; a row is one addition, whose carries do what the comparisons would (Hyyro,
 * "Bit-parallel LCS-length computation revisited", AWOCA 2004).
 */
#include "ngrams.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct table {
	size_t n_places, n_blocks;
	uint32_t *first;	/* of a word's places; one more than there are words */
	uint32_t *places;	/* in the first text, ascending */
	/* The same as bits, of words with more than n_blocks places: 64 at most. */
	uint64_t **masks;
	uint64_t *rest;
};

static void table_free(struct table *t, uint32_t n_ids)
{
	for (uint32_t id = 0; t->masks && id < n_ids; id++)
		free(t->masks[id]);
	free(t->masks);
	free(t->first);
	free(t->places);
	free(t->rest);
}

static int make_mask(struct table *t, uint32_t id)
{
	uint64_t *mask = calloc(t->n_blocks, sizeof(*mask));

	if (!mask)
		return -ENOMEM;
	for (uint32_t k = t->first[id]; k < t->first[id + 1]; k++)
		mask[t->places[k] / 64] |= 1ull << t->places[k] % 64;
	t->masks[id] = mask;
	return 0;
}

static int table_fill(struct table *t, const uint32_t *ids, uint32_t n_ids)
{
	size_t n = t->n_places;
	int ret = 0;

	t->n_blocks = n / 64 + 1;
	t->first = calloc((size_t)n_ids + 2, sizeof(*t->first));
	t->places = malloc((n + 1) * sizeof(*t->places));
	t->masks = calloc((size_t)n_ids + 1, sizeof(*t->masks));
	t->rest = malloc(t->n_blocks * sizeof(*t->rest));
	if (!t->first || !t->places || !t->masks || !t->rest)
		return -ENOMEM;
	memset(t->rest, 0xff, t->n_blocks * sizeof(*t->rest));
	/* Counted one word late, so that filling moves each start to its place. */
	for (size_t i = 0; i < n; i++)
		t->first[ids[i] + 2]++;
	for (uint32_t id = 1; id < n_ids; id++)
		t->first[id + 1] += t->first[id];
	for (size_t i = 0; i < n; i++)
		t->places[t->first[ids[i] + 1]++] = (uint32_t)i;
	for (uint32_t id = 0; id < n_ids && !ret; id++)
		if (t->first[id + 1] - t->first[id] > t->n_blocks)
			ret = make_mask(t, id);
	return ret;
}

static bool block(uint64_t *rest, uint64_t mask, bool carry)
{
	uint64_t both = *rest & mask, sum;

	carry = __builtin_add_overflow(*rest, (uint64_t)carry, &sum);
	carry |= __builtin_add_overflow(sum, both, &sum);
	*rest = sum | (*rest & ~mask);
	return carry;
}

/* Blocks without a place of the word change by a carry alone. */
static void row_of_places(struct table *t, const uint32_t *place, const uint32_t *end)
{
	bool carry = false;
	size_t b = 0;

	while (place < end || (carry && b + 1 < t->n_blocks)) {
		uint64_t mask = 0;

		b = carry ? b + 1 : *place / 64;
		for (; place < end && *place / 64 == b; place++)
			mask |= 1ull << *place % 64;
		carry = block(&t->rest[b], mask, carry);
	}
}

static void row(struct table *t, uint32_t id)
{
	bool carry = false;

	if (t->masks[id]) {
		for (size_t b = 0; b < t->n_blocks; b++)
			carry = block(&t->rest[b], t->masks[id][b], carry);
	} else {
		row_of_places(t, t->places + t->first[id], t->places + t->first[id + 1]);
	}
}

int ngrams_longest(const struct words texts[2], size_t *length)
{
	struct table t = { .n_places = texts[0].n };
	uint32_t *ids, n_ids = 0;
	int ret;

	*length = 0;
	if (!texts[0].n || !texts[1].n)
		return 0;
	ids = malloc((texts[0].n + texts[1].n) * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	ret = words_number(texts, 2, ids, &n_ids);
	if (!ret)
		ret = table_fill(&t, ids, n_ids);
	for (size_t i = 0; i < texts[1].n && !ret; i++)
		row(&t, ids[texts[0].n + i]);
	for (size_t b = 0; b < t.n_blocks && !ret; b++)
		*length += 64 - (size_t)__builtin_popcountll(t.rest[b]);
	table_free(&t, n_ids);
	free(ids);
	return ret;
}
