// SPDX-License-Identifier: MIT
/* The tokenizer inside a GGUF file, from model/'s arrays to text/'s BPE. */
#include <errno.h>
#include <string.h>

#include "engine/core_impl.h"
#include "text/bpe.h"

/* How an added token is found in a text, where the file says so. */
static unsigned int flags_of(const struct ct_vocab *v, uint32_t id)
{
	uint32_t lo = 0, hi = v->n_added;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((uint32_t)v->added[2 * mid] == id)
			return (unsigned int)v->added[2 * mid + 1] & CT_BPE_ADD_ALL;
		if ((uint32_t)v->added[2 * mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static int add_token(struct ct_bpe_builder *b, const struct ct_vocab *v, uint32_t id,
		     bool added, struct ct_err *err)
{
	const struct ct_str *t = &v->tokens[id];
	int32_t type = v->types ? v->types[id] : CT_TOKEN_NORMAL;

	switch (type) {
	case CT_TOKEN_NORMAL:
	case CT_TOKEN_BYTE:
		return added ? 0 : ct_bpe_builder_token(b, id, t->ptr, t->len, err);
	case CT_TOKEN_UNKNOWN:
	case CT_TOKEN_USER_DEFINED:
		return !added ? 0 : ct_bpe_builder_added(b, id, t->ptr, t->len,
							 flags_of(v, id), err);
	case CT_TOKEN_CONTROL:
		return !added ? 0 : ct_bpe_builder_added(b, id, t->ptr, t->len,
							 flags_of(v, id) |
							 CT_BPE_ADD_SPECIAL, err);
	case CT_TOKEN_UNUSED:
		return 0;
	default:
		return ct_fail(err, -EBADMSG, "token %u has the unknown type %d", id,
			       (int)type);
	}
}

static uint32_t id_or_none(int64_t id)
{
	return id < 0 ? CT_BPE_NO_ID : (uint32_t)id;
}

int ct_bpe_from_vocab(const struct ct_vocab *v, struct ct_bpe **bpe,
		      struct ct_err *err)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	struct ct_bpe_builder *b;
	int ret;

	if (strcmp(v->model, "gpt2"))
		return ct_fail(err, -ENOTSUP,
			"tokenizer model \"%.64s\" is not supported, only \"gpt2\" (byte-level BPE)",
			v->model);
	if (*v->pre && strcmp(v->pre, "gpt-2") && strcmp(v->pre, "gpt2") &&
	    strcmp(v->pre, "default"))
		return ct_fail(err, -ENOTSUP,
			"pre-tokenizer \"%.64s\" is not supported, only \"gpt-2\"",
			v->pre);
	ret = ct_bpe_builder_new(&b, err);
	if (ret)
		return ret;
	/* ordinary tokens first, as the builder asks */
	for (uint32_t i = 0; i < v->n_tokens && !ret; i++)
		ret = add_token(b, v, i, false, err);
	for (uint32_t i = 0; i < v->n_tokens && !ret; i++)
		ret = add_token(b, v, i, true, err);
	for (uint32_t i = 0; i < v->n_merges && !ret; i++)
		ret = ct_bpe_builder_merge_line(b, v->merges[i].ptr, v->merges[i].len,
						err);
	if (!ret) {
		opt.bos_id = id_or_none(v->bos_id);
		opt.eos_id = id_or_none(v->eos_id);
		opt.unk_id = id_or_none(v->unk_id);
		opt.add_bos = v->add_bos;
		opt.add_prefix_space = v->add_prefix_space;
		opt.no_split = v->no_split;
		opt.ignore_merges = v->ignore_merges;
		opt.fuse_unk = v->fuse_unk;
		ret = ct_bpe_builder_finish(b, &opt, bpe, err);
	}
	ct_bpe_builder_free(b);
	return ret;
}
