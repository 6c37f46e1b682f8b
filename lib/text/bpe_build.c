// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include "text/bpe_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "text/alphabet.h"
#include "text/utf8.h"

const char *ct_bpe_quote(char out[CT_BPE_QUOTE_MAX], const char *s, size_t len)
{
	size_t i = 0, k = 0;
	uint32_t cp;
	int step;

	out[k++] = '"';
	while (i < len) {
		if (k > CT_BPE_QUOTE_MAX - 10) {
			k += sprintf(out + k, "...");
			break;
		}
		step = ct_utf8_next(s + i, len - i, &cp);
		if (step > 0 && cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0)) {
			memcpy(out + k, s + i, step);
			k += step;
			i += step;
		} else {
			k += sprintf(out + k, "\\x%02x", (unsigned char)s[i]);
			i++;
		}
	}
	out[k++] = '"';
	out[k] = '\0';
	return out;
}

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "no memory for the tokenizer");
}

/* --- names ------------------------------------------------------------ */

static bool has_name(const struct ct_bpe *bpe, uint32_t id, const char *name,
		     size_t len)
{
	const struct ct_bpe_token *t = &bpe->tokens[id];

	return t->name_len == len &&
	       !memcmp(bpe->names.data + t->name, name, len);
}

/* The slot a name is in, or would be. */
static uint32_t *name_slot(const struct ct_bpe *bpe, const char *name,
			   size_t len)
{
	const struct ct_bpe_names *names = &bpe->by_name;
	size_t i = XXH3_64bits(name, len);

	for (;; i++) {
		uint32_t *slot = &names->slot[i & (names->cap - 1)];

		if (!*slot || has_name(bpe, *slot - 1, name, len))
			return slot;
	}
}

static int find_name(const struct ct_bpe *bpe, const char *name, size_t len,
		     uint32_t *id)
{
	uint32_t slot;

	if (!len || !bpe->by_name.cap)
		return -ENOENT;
	slot = *name_slot(bpe, name, len);
	if (!slot)
		return -ENOENT;
	*id = slot - 1;
	return 0;
}

int ct_bpe_find(const struct ct_bpe *bpe, const char *name, size_t len,
		uint32_t *id)
{
	return find_name(bpe, name, len, id);
}

int ct_bpe_builder_find(const struct ct_bpe_builder *b, const char *name,
			size_t len, uint32_t *id)
{
	return find_name(b->bpe, name, len, id);
}

static int grow_names(struct ct_bpe *bpe)
{
	struct ct_bpe_names *names = &bpe->by_name, old = *names;
	size_t cap = old.cap ? old.cap * 2 : 1024, i;

	if (names->n < old.cap / 2)
		return 0;
	names->slot = calloc(cap, sizeof(*names->slot));
	if (!names->slot) {
		names->slot = old.slot;
		return -ENOMEM;
	}
	names->cap = cap;
	for (i = 0; i < old.cap; i++) {
		const struct ct_bpe_token *t;

		if (!old.slot[i])
			continue;
		t = &bpe->tokens[old.slot[i] - 1];
		*name_slot(bpe, bpe->names.data + t->name, t->name_len) =
			old.slot[i];
	}
	free(old.slot);
	return 0;
}

/* --- tokens ----------------------------------------------------------- */

static int reach_id(struct ct_bpe *bpe, uint32_t id)
{
	if (id < bpe->n_tokens)
		return 0;
	if (ct_array_grow(&bpe->tokens, &bpe->cap_tokens, (size_t)id + 1,
			  sizeof(*bpe->tokens)))
		return -ENOMEM;
	memset(bpe->tokens + bpe->n_tokens, 0,
	       (id + 1 - bpe->n_tokens) * sizeof(*bpe->tokens));
	bpe->n_tokens = id + 1;
	return 0;
}

/*
 * What a name decodes to: the bytes it spells, and if it is not in the byte
 * alphabet throughout, or @literal, itself.
 */
static int add_bytes(struct ct_bpe_builder *b, uint32_t id, const char *name,
		     size_t len, bool literal)
{
	struct ct_bpe *bpe = b->bpe;
	size_t n;

	b->scratch.n = 0;
	if (ct_buf_reserve(&b->scratch, len))
		return -ENOMEM;
	if (!literal && ct_alphabet_read(name, len, b->scratch.data, &n))
		name = b->scratch.data;
	else
		n = len;
	bpe->tokens[id].bytes = bpe->bytes.n;
	bpe->tokens[id].n_bytes = n;
	return ct_buf_append(&bpe->bytes, name, n);
}

static int check_name(const struct ct_bpe *bpe, uint32_t id, const char *name,
		      size_t len, struct ct_err *err)
{
	char q[CT_BPE_QUOTE_MAX];

	if (id >= CT_BPE_MAX_IDS)
		return ct_fail(err, -E2BIG,
			       "token %s has id %u; ids up to %u are supported",
			       ct_bpe_quote(q, name, len), id,
			       CT_BPE_MAX_IDS - 1);
	if (!len)
		return ct_fail(err, -EBADMSG, "token %u is empty", id);
	if (ct_utf8_valid(name, len) != len)
		return ct_fail(err, -EBADMSG, "token %u, %s, is not UTF-8", id,
			       ct_bpe_quote(q, name, len));
	/* Offsets are 32 bits wide. */
	if (len > UINT32_MAX - bpe->names.n || len > UINT32_MAX - bpe->bytes.n)
		return ct_fail(err, -E2BIG,
			       "the vocabulary's text is above 4 GiB");
	return 0;
}

static int add_token(struct ct_bpe_builder *b, uint32_t id, const char *name,
		     size_t len, enum ct_bpe_kind kind, unsigned int flags,
		     struct ct_err *err)
{
	struct ct_bpe *bpe = b->bpe;
	char q[CT_BPE_QUOTE_MAX], r[CT_BPE_QUOTE_MAX];
	struct ct_bpe_token *t;
	uint32_t *slot;

	if (grow_names(bpe))
		return no_memory(err);
	slot = name_slot(bpe, name, len);
	if (*slot)
		return ct_fail(err, -EBADMSG, "token %s has two ids, %u and %u",
			       ct_bpe_quote(q, name, len), *slot - 1, id);
	if (ct_bpe_kind(bpe, id) != CT_BPE_HOLE) {
		t = &bpe->tokens[id];
		return ct_fail(err, -EBADMSG, "tokens %s and %s have the same id %u",
			       ct_bpe_quote(q, bpe->names.data + t->name,
					    t->name_len),
			       ct_bpe_quote(r, name, len), id);
	}
	if (reach_id(bpe, id))
		return no_memory(err);
	t = &bpe->tokens[id];
	t->name = bpe->names.n;
	t->name_len = len;
	if (ct_buf_append(&bpe->names, name, len) ||
	    add_bytes(b, id, name, len, kind != CT_BPE_NORMAL))
		return no_memory(err);
	t->kind = kind;
	t->flags = flags;
	*slot = id + 1;
	bpe->by_name.n++;
	return 0;
}

int ct_bpe_builder_token(struct ct_bpe_builder *b, uint32_t id,
			 const char *name, size_t len, struct ct_err *err)
{
	int ret = check_name(b->bpe, id, name, len, err);

	if (ret)
		return ret;
	return add_token(b, id, name, len, CT_BPE_NORMAL, 0, err);
}

int ct_bpe_builder_added(struct ct_bpe_builder *b, uint32_t id,
			 const char *text, size_t len, unsigned int flags,
			 struct ct_err *err)
{
	enum ct_bpe_kind kind = CT_BPE_ADDED;
	struct ct_bpe *bpe = b->bpe;
	struct ct_bpe_token *t;
	uint32_t same;
	int ret;

	ret = check_name(bpe, id, text, len, err);
	if (ret)
		return ret;
	if (flags & CT_BPE_ADD_SPECIAL)
		kind = CT_BPE_SPECIAL;
	if (find_name(bpe, text, len, &same) || same != id)
		return add_token(b, id, text, len, kind, flags, err);

	t = &bpe->tokens[id];
	if (t->n_bytes != len || memcmp(bpe->bytes.data + t->bytes, text, len))
		return 0;
	t->kind = kind;
	t->flags = flags;
	return 0;
}

/* --- merges ----------------------------------------------------------- */

static struct ct_bpe_pair *pair_slot(const struct ct_bpe_pairs *pairs,
				     uint32_t left, uint32_t right)
{
	size_t i = ct_bpe_pair_hash(left, right);

	for (;; i++) {
		struct ct_bpe_pair *p = &pairs->slot[i & (pairs->cap - 1)];

		if (p->rank == CT_BPE_NO_RANK ||
		    (p->left == left && p->right == right))
			return p;
	}
}

static int grow_pairs(struct ct_bpe_pairs *pairs)
{
	struct ct_bpe_pairs old = *pairs;
	size_t cap = old.cap ? old.cap * 2 : 1024, bytes, i;

	if (old.cap && pairs->n < old.cap / 2)
		return 0;
	if (__builtin_mul_overflow(cap, sizeof(*pairs->slot), &bytes))
		return -ENOMEM;
	pairs->slot = malloc(bytes);
	if (!pairs->slot) {
		pairs->slot = old.slot;
		return -ENOMEM;
	}
	pairs->cap = cap;
	memset(pairs->slot, 0xff, bytes);
	for (i = 0; i < old.cap; i++)
		if (old.slot[i].rank != CT_BPE_NO_RANK)
			*pair_slot(pairs, old.slot[i].left,
				   old.slot[i].right) = old.slot[i];
	free(old.slot);
	return 0;
}

static int unknown_in_merge(const struct ct_bpe *bpe, const char *what,
			    const char *name, size_t len, struct ct_err *err)
{
	char q[CT_BPE_QUOTE_MAX];

	return ct_fail(err, -EBADMSG,
		       "merge %zu: %s %s is not in the vocabulary",
		       bpe->products.n, what, ct_bpe_quote(q, name, len));
}

int ct_bpe_builder_merge(struct ct_bpe_builder *b,
			 const char *left, size_t left_len,
			 const char *right, size_t right_len,
			 struct ct_err *err)
{
	struct ct_bpe *bpe = b->bpe;
	uint32_t l, r, product;
	struct ct_bpe_pair *p;

	if (find_name(bpe, left, left_len, &l))
		return unknown_in_merge(bpe, "its left side", left, left_len,
					err);
	if (find_name(bpe, right, right_len, &r))
		return unknown_in_merge(bpe, "its right side", right,
					right_len, err);
	b->scratch.n = 0;
	if (ct_buf_append(&b->scratch, left, left_len) ||
	    ct_buf_append(&b->scratch, right, right_len) ||
	    grow_pairs(&bpe->pairs))
		return no_memory(err);
	if (find_name(bpe, b->scratch.data, b->scratch.n, &product))
		return unknown_in_merge(bpe, "its result", b->scratch.data,
					b->scratch.n, err);
	if (bpe->products.n >= CT_BPE_NO_RANK)
		return ct_fail(err, -E2BIG, "too many merges");

	/* Of a merge that is given twice the later rank holds, as elsewhere. */
	p = pair_slot(&bpe->pairs, l, r);
	if (ct_ids_append(&bpe->products, product))
		return no_memory(err);
	if (p->rank == CT_BPE_NO_RANK)
		bpe->pairs.n++;
	*p = (struct ct_bpe_pair){ l, r, bpe->products.n - 1 };
	return 0;
}

int ct_bpe_builder_merge_line(struct ct_bpe_builder *b, const char *line,
			      size_t len, struct ct_err *err)
{
	const char *space = memchr(line, ' ', len);
	char q[CT_BPE_QUOTE_MAX];
	size_t left, right;

	if (space) {
		left = space - line;
		right = len - left - 1;
		if (left && right && !memchr(space + 1, ' ', right))
			return ct_bpe_builder_merge(b, line, left, space + 1,
						    right, err);
	}
	return ct_fail(err, -EBADMSG,
		       "merge %zu, %s, is not two tokens with a space between",
		       b->bpe->products.n, ct_bpe_quote(q, line, len));
}

/* --- beginning and end ------------------------------------------------ */

int ct_bpe_builder_new(struct ct_bpe_builder **out, struct ct_err *err)
{
	struct ct_bpe_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return no_memory(err);
	b->bpe = calloc(1, sizeof(*b->bpe));
	/* Both tables have slots from the start: looking up needs no test. */
	if (!b->bpe || grow_names(b->bpe) || grow_pairs(&b->bpe->pairs)) {
		ct_bpe_builder_free(b);
		return no_memory(err);
	}
	*out = b;
	return 0;
}

void ct_bpe_builder_free(struct ct_bpe_builder *b)
{
	if (!b)
		return;
	ct_bpe_free(b->bpe);
	ct_buf_free(&b->scratch);
	free(b);
}

static int check_option_id(const struct ct_bpe *bpe, const char *what,
			   uint32_t id, struct ct_err *err)
{
	if (id == CT_BPE_NO_ID || ct_bpe_kind(bpe, id) != CT_BPE_HOLE)
		return 0;
	return ct_fail(err, -EBADMSG,
		       "the %s token's id %u is not in the vocabulary", what,
		       id);
}

int ct_bpe_builder_finish(struct ct_bpe_builder *b,
			  const struct ct_bpe_options *opt,
			  struct ct_bpe **out, struct ct_err *err)
{
	struct ct_bpe *bpe = b->bpe;
	char letter[CT_ALPHABET_MAX];
	uint32_t eot = CT_BPE_NO_ID;
	int byte, ret;

	if (!bpe->by_name.n)
		return ct_fail(err, -EBADMSG, "the vocabulary is empty");
	bpe->opt = *opt;
	ret = check_option_id(bpe, "bos", opt->bos_id, err);
	if (!ret)
		ret = check_option_id(bpe, "eos", opt->eos_id, err);
	if (!ret)
		ret = check_option_id(bpe, "unknown", opt->unk_id, err);
	if (ret)
		return ret;
	find_name(bpe, "<|endoftext|>", strlen("<|endoftext|>"), &eot);
	if (opt->bos_id == CT_BPE_NO_ID)
		bpe->opt.bos_id = eot;
	if (opt->eos_id == CT_BPE_NO_ID)
		bpe->opt.eos_id = eot;
	if (opt->add_bos && bpe->opt.bos_id == CT_BPE_NO_ID)
		return ct_fail(err, -EBADMSG,
			       "the tokenizer wants a bos token before a text and names none");

	for (byte = 0; byte < 256; byte++) {
		size_t len = ct_alphabet_spell(byte, letter);

		bpe->byte_id[byte] = CT_BPE_NO_ID;
		find_name(bpe, letter, len, &bpe->byte_id[byte]);
	}
	ret = ct_bpe_added_build(bpe, err);
	if (!ret)
		ret = ct_split_new(0, &bpe->split, err);
	if (ret)
		return ret;
	*out = bpe;
	b->bpe = NULL;
	return 0;
}
