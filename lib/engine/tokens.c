// SPDX-License-Identifier: MIT
/* The public side of text/: bytes to token ids and back. */
#include <errno.h>
#include <string.h>

#include "engine/api.h"
#include "engine/model.h"
#include "text/tokenizer.h"

static int needs_tokenizer(const struct ctrans_model *model, struct ct_err *err)
{
	if (!model)
		return ct_fail(err, -EINVAL, "no model: NULL");
	if (!ct_core_tokenizer(model->core))
		return ct_fail(err, -ENOTSUP,
			       "the model has no tokenizer: it can be used by token ids only");
	return 0;
}

static int tokenize(const struct ctrans_model *model, const char *text,
		    size_t len, uint32_t flags, uint32_t *tokens, size_t room,
		    size_t *n, struct ct_err *err)
{
	struct ct_ids ids = { 0 };
	int ret;

	ret = needs_tokenizer(model, err);
	if (ret)
		return ret;
	if (!n || (!text && len) || (!tokens && room))
		return ct_fail(err, -EINVAL,
			       "ctrans_tokenize() needs a text, room for tokens and a count: one is NULL");
	if (flags & ~(uint32_t)(CTRANS_TOKENIZE_SPECIAL | CTRANS_TOKENIZE_SOURCE))
		return ct_fail(err, -EINVAL,
			       "tokenize flags %#x: this version knows %#x only",
			       flags, CTRANS_TOKENIZE_SPECIAL | CTRANS_TOKENIZE_SOURCE);

	ret = (flags & CTRANS_TOKENIZE_SOURCE ? ct_tokenizer_source :
		ct_tokenizer_encode)(ct_core_tokenizer(model->core), text, len,
				     flags & CTRANS_TOKENIZE_SPECIAL, &ids, err);
	if (!ret) {
		*n = ids.n;
		if (ids.n < room)
			room = ids.n;
		if (room)
			memcpy(tokens, ids.data, room * sizeof(*tokens));
		if (ids.n > room)
			ret = ct_fail(err, -E2BIG,
				      "the text is %zu tokens and there is room for %zu",
				      ids.n, room);
	}
	ct_ids_free(&ids);
	return ret;
}

int ctrans_tokenize(const struct ctrans_model *model, const char *text,
		    size_t len, uint32_t flags, uint32_t *tokens, size_t room,
		    size_t *n)
{
	struct ct_err err = { 0 };

	return ct_api_return(tokenize(model, text, len, flags, tokens, room, n,
				      &err), &err);
}

int ctrans_token_bytes(const struct ctrans_model *model, uint32_t token,
		       const char **bytes, size_t *len)
{
	struct ct_err err = { 0 };
	int ret;

	ret = needs_tokenizer(model, &err);
	if (!ret && (!bytes || !len))
		ret = ct_fail(&err, -EINVAL,
			      "no place for a token's bytes: NULL");
	if (!ret && ct_tokenizer_bytes(ct_core_tokenizer(model->core), token, bytes, len))
		ret = ct_fail(&err, -ENOENT, "there is no token %u", token);
	return ct_api_return(ret, &err);
}
