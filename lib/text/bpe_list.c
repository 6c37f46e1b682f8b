// SPDX-License-Identifier: MIT
/* What a finished vocabulary was made from, so that it can be written down. */
#include <errno.h>
#include <stdlib.h>

#include "text/bpe_impl.h"

int ct_bpe_name(const struct ct_bpe *bpe, uint32_t id, const char **name,
		size_t *len)
{
	const struct ct_bpe_token *t;

	if (ct_bpe_kind(bpe, id) == CT_BPE_HOLE)
		return -ENOENT;
	t = &bpe->tokens[id];
	*name = bpe->names.data + t->name;
	*len = t->name_len;
	return 0;
}

unsigned int ct_bpe_flags(const struct ct_bpe *bpe, uint32_t id)
{
	return id < bpe->n_tokens ? bpe->tokens[id].flags : 0;
}

const struct ct_bpe_options *ct_bpe_options_of(const struct ct_bpe *bpe)
{
	return &bpe->opt;
}

static int by_rank(const void *a, const void *b)
{
	const struct ct_bpe_merge_ids *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

int ct_bpe_merges(const struct ct_bpe *bpe, struct ct_bpe_merge_ids **merges,
		  size_t *n, struct ct_err *err)
{
	const struct ct_bpe_pairs *pairs = &bpe->pairs;
	/* one more, as malloc(0) may be NULL */
	struct ct_bpe_merge_ids *v = malloc((pairs->n + 1) * sizeof(*v));
	size_t k = 0;

	if (!v)
		return ct_fail(err, -ENOMEM, "no memory for the tokenizer");
	for (size_t i = 0; i < pairs->cap; i++) {
		const struct ct_bpe_pair *p = &pairs->slot[i];

		if (p->rank != CT_BPE_NO_RANK)
			v[k++] = (struct ct_bpe_merge_ids){ p->left, p->right,
							    p->rank };
	}
	qsort(v, k, sizeof(*v), by_rank);
	*merges = v;
	*n = k;
	return 0;
}
