/* SPDX-License-Identifier: MIT */
/* What the files of the byte-level BPE share. Others include text/bpe.h. */
#ifndef CT_TEXT_BPE_IMPL_H
#define CT_TEXT_BPE_IMPL_H

#include "text/bpe.h"
#include "text/split.h"

#define CT_BPE_NO_RANK	UINT32_MAX

/* name and bytes are offsets into ct_bpe.names and ct_bpe.bytes. */
struct ct_bpe_token {
	uint32_t name, name_len;
	uint32_t bytes, n_bytes;
	uint8_t kind;
	uint8_t flags;		/* CT_BPE_ADD_*, of an added token */
};

/* Name -> id: open addressing, at most half full; id + 1, or 0 for none. */
struct ct_bpe_names {
	uint32_t *slot;
	size_t n, cap;
};

/* (left, right) -> rank: open addressing, at most half full. */
struct ct_bpe_pair {
	uint32_t left, right, rank;
};

struct ct_bpe_pairs {
	struct ct_bpe_pair *slot;
	size_t n, cap;
};

/* Added tokens to look for, ids in the order of their texts' bytes. */
struct ct_bpe_added {
	uint32_t *ids;
	size_t n, cap;
	bool first[256];	/* some text begins with this byte */
};

enum {
	CT_BPE_PASS_RAW,	/* sought in the text */
	CT_BPE_PASS_NORMALIZED,	/* then between those */
	CT_BPE_PASSES,
};

struct ct_bpe {
	struct ct_bpe_token *tokens;
	size_t n_tokens, cap_tokens;
	struct ct_buf names;
	struct ct_buf bytes;
	struct ct_bpe_names by_name;

	struct ct_bpe_pairs pairs;
	struct ct_ids products;		/* by rank: what a merge makes */
	uint32_t byte_id[256];

	struct ct_bpe_added added[CT_BPE_PASSES];
	struct ct_bpe_options opt;
	struct ct_split *split;
};

struct ct_bpe_builder {
	struct ct_bpe *bpe;
	struct ct_buf scratch;
};

static inline size_t ct_bpe_pair_hash(uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;

	return h >> 32 ^ h >> 13;
}

static inline uint32_t ct_bpe_rank(const struct ct_bpe *bpe, uint32_t left,
				   uint32_t right)
{
	const struct ct_bpe_pairs *pairs = &bpe->pairs;
	size_t i = ct_bpe_pair_hash(left, right);

	/* An empty slot has no rank, so a miss needs no second test. */
	for (;; i++) {
		const struct ct_bpe_pair *p = &pairs->slot[i & (pairs->cap - 1)];

		if ((p->left == left && p->right == right) ||
		    p->rank == CT_BPE_NO_RANK)
			return p->rank;
	}
}

/*
 * Merge @n symbols in place: always the pair of lowest rank, the leftmost of
 * them first. Sets @n to what is left.
 */
struct ct_bpe_merger {
	void *work;		/* for long pieces, kept between calls */
	size_t cap;
};

int ct_bpe_merge(const struct ct_bpe *bpe, struct ct_bpe_merger *m,
		 uint32_t *symbols, size_t *n, struct ct_err *err);
void ct_bpe_merger_free(struct ct_bpe_merger *m);

/* Put the tokens whose flags say so into @added, ready for searching. */
int ct_bpe_added_build(struct ct_bpe *bpe, struct ct_err *err);
/* The leftmost added token at or after @pos, the longest that begins there. */
bool ct_bpe_added_next(const struct ct_bpe *bpe, int pass, const char *text,
		       size_t n, size_t pos, size_t *start, uint32_t *id);

/* Text for messages: printable, short, in quotes. */
#define CT_BPE_QUOTE_MAX	64
const char *ct_bpe_quote(char out[CT_BPE_QUOTE_MAX], const char *s, size_t len);

#endif
