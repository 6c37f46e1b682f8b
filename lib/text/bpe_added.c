// SPDX-License-Identifier: MIT
/*
 * Finding added tokens in a text. The texts are sorted, so those that agree
 * with the input so far are one range, which each further byte narrows.
 */
#include "text/bpe_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const struct ct_bpe *bpe, uint32_t id, size_t *len)
{
	*len = bpe->tokens[id].n_bytes;
	return bpe->bytes.data + bpe->tokens[id].bytes;
}

static int by_text(const void *a, const void *b, void *arg)
{
	size_t n, m;
	const char *s = text_of(arg, *(const uint32_t *)a, &n);
	const char *t = text_of(arg, *(const uint32_t *)b, &m);
	int order = memcmp(s, t, n < m ? n : m);

	return order ? order : (n > m) - (n < m);
}

int ct_bpe_added_build(struct ct_bpe *bpe, struct ct_err *err)
{
	struct ct_bpe_added *set;
	uint32_t id;
	int pass;

	for (id = 0; id < bpe->n_tokens; id++) {
		const struct ct_bpe_token *t = &bpe->tokens[id];

		if (t->kind != CT_BPE_ADDED && t->kind != CT_BPE_SPECIAL)
			continue;
		pass = t->flags & CT_BPE_ADD_NORMALIZED ?
			       CT_BPE_PASS_NORMALIZED :
			       CT_BPE_PASS_RAW;
		set = &bpe->added[pass];
		if (ct_array_grow(&set->ids, &set->cap, set->n + 1,
				  sizeof(*set->ids)))
			return ct_fail(err, -ENOMEM,
				       "no memory for the added tokens");
		set->ids[set->n++] = id;
		set->first[(unsigned char)bpe->bytes.data[t->bytes]] = true;
	}
	for (pass = 0; pass < CT_BPE_PASSES; pass++) {
		set = &bpe->added[pass];
		if (set->n)
			qsort_r(set->ids, set->n, sizeof(*set->ids), by_text,
				bpe);
	}
	return 0;
}

/* The first of [lo, hi) whose byte at @depth is @byte or more. */
static size_t lower_bound(const struct ct_bpe *bpe,
			  const struct ct_bpe_added *set, size_t lo, size_t hi,
			  size_t depth, unsigned int byte)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2, len;
		const char *s = text_of(bpe, set->ids[mid], &len);

		if ((unsigned char)s[depth] < byte)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The longest added token that @s begins with, or CT_BPE_NO_ID. */
static uint32_t longest(const struct ct_bpe *bpe,
			const struct ct_bpe_added *set, const char *s,
			size_t n)
{
	size_t lo = 0, hi = set->n, depth, len;
	uint32_t best = CT_BPE_NO_ID;

	for (depth = 0; lo < hi; depth++) {
		unsigned char byte;

		/* All of the range begin alike: one that ends here is first. */
		text_of(bpe, set->ids[lo], &len);
		if (len == depth)
			best = set->ids[lo++];
		if (depth == n)
			break;
		byte = s[depth];
		lo = lower_bound(bpe, set, lo, hi, depth, byte);
		hi = lower_bound(bpe, set, lo, hi, depth, byte + 1u);
	}
	return best;
}

bool ct_bpe_added_next(const struct ct_bpe *bpe, int pass, const char *text,
		       size_t n, size_t pos, size_t *start, uint32_t *id)
{
	const struct ct_bpe_added *set = &bpe->added[pass];

	if (!set->n)
		return false;
	for (; pos < n; pos++) {
		if (!set->first[(unsigned char)text[pos]])
			continue;
		*id = longest(bpe, set, text + pos, n - pos);
		if (*id != CT_BPE_NO_ID) {
			*start = pos;
			return true;
		}
	}
	return false;
}
