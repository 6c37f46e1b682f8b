// SPDX-License-Identifier: MIT
/* A finished vocabulary: its tokens by id, and its end. */
#include "text/bpe_impl.h"

#include <errno.h>
#include <stdlib.h>

void ct_bpe_free(struct ct_bpe *bpe)
{
	int pass;

	if (!bpe)
		return;
	free(bpe->tokens);
	ct_buf_free(&bpe->names);
	ct_buf_free(&bpe->bytes);
	free(bpe->by_name.slot);
	free(bpe->pairs.slot);
	ct_ids_free(&bpe->products);
	for (pass = 0; pass < CT_BPE_PASSES; pass++)
		free(bpe->added[pass].ids);
	ct_split_free(bpe->split);
	free(bpe);
}

uint32_t ct_bpe_size(const struct ct_bpe *bpe)
{
	return bpe->n_tokens;
}

enum ct_bpe_kind ct_bpe_kind(const struct ct_bpe *bpe, uint32_t id)
{
	return id < bpe->n_tokens ? bpe->tokens[id].kind : CT_BPE_HOLE;
}

uint32_t ct_bpe_bos(const struct ct_bpe *bpe)
{
	return bpe->opt.bos_id;
}

uint32_t ct_bpe_eos(const struct ct_bpe *bpe)
{
	return bpe->opt.eos_id;
}

bool ct_bpe_adds_bos(const struct ct_bpe *bpe)
{
	return bpe->opt.add_bos;
}

int ct_bpe_bytes(const struct ct_bpe *bpe, uint32_t id, const char **bytes,
		 size_t *len)
{
	if (ct_bpe_kind(bpe, id) == CT_BPE_HOLE) {
		*bytes = "";
		*len = 0;
		return -ENOENT;
	}
	*bytes = bpe->bytes.data + bpe->tokens[id].bytes;
	*len = bpe->tokens[id].n_bytes;
	return 0;
}

int ct_bpe_decode(const struct ct_bpe *bpe, const uint32_t *ids, size_t n,
		  unsigned int flags, struct ct_buf *out, struct ct_err *err)
{
	size_t before = out->n, i, len;
	const char *bytes;
	int ret = 0;

	for (i = 0; i < n; i++) {
		if ((flags & CT_BPE_SKIP_SPECIAL) &&
		    ct_bpe_kind(bpe, ids[i]) == CT_BPE_SPECIAL)
			continue;
		ret = ct_bpe_bytes(bpe, ids[i], &bytes, &len);
		if (ret) {
			ret = ct_fail(err, ret,
				      "token id %u, at place %zu, is not in the vocabulary",
				      ids[i], i);
			break;
		}
		if (ct_buf_append(out, bytes, len)) {
			ret = ct_fail(err, -ENOMEM,
				      "no memory for the text of %zu tokens",
				      n);
			break;
		}
	}
	if (ret)
		out->n = before;
	return ret;
}
