// SPDX-License-Identifier: MIT
#include "model/vocab.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/converted.h"

static int get_name(const struct ct_gguf *gguf, const char *key, char **name,
		    struct ct_err *err)
{
	struct ct_str s = { "", 0 };
	int code = ct_gguf_string_opt(gguf, key, &s, err);

	if (code)
		return code;
	*name = strndup(s.ptr, s.len);
	return *name ? 0 : ct_fail(err, -ENOMEM, "out of memory");
}

static int get_id(const struct ct_gguf *gguf, const char *key,
		  uint32_t n_tokens, int64_t *id, struct ct_err *err)
{
	/* The largest number is how some writers say "none". */
	uint64_t v = UINT32_MAX;
	int code = ct_gguf_u64_opt(gguf, key, &v, err);

	*id = -1;
	if (code || v == UINT32_MAX)
		return code;
	if (v >= n_tokens)
		return ct_fail(err, -EBADMSG, "metadata key %s is %" PRIu64
			       ", but there are %u tokens", key, v, n_tokens);
	*id = (int64_t)v;
	return 0;
}

static int get_lists(const struct ct_gguf *gguf, struct ct_vocab *v,
		     struct ct_err *err)
{
	uint32_t n_types;
	int code;

	code = ct_gguf_strings_opt(gguf, "tokenizer.ggml.tokens", &v->tokens,
				   &v->n_tokens, err);
	if (!code && !v->n_tokens)
		code = ct_fail(err, -ENOENT,
			       "metadata key tokenizer.ggml.tokens is missing or empty");
	if (!code)
		code = ct_gguf_strings_opt(gguf, "tokenizer.ggml.merges",
					   &v->merges, &v->n_merges, err);
	if (!code)
		code = ct_gguf_i32s_opt(gguf, "tokenizer.ggml.token_type",
					&v->types, &n_types, err);
	if (code)
		return code;
	if (v->types && n_types != v->n_tokens)
		return ct_fail(err, -EBADMSG,
			       "%u token types for %u tokens", n_types,
			       v->n_tokens);
	for (uint32_t i = 0; v->types && i < n_types; i++)
		if (v->types[i] < CT_TOKEN_NORMAL ||
		    v->types[i] > CT_TOKEN_BYTE)
			return ct_fail(err, -EBADMSG,
				       "token %u has the unknown type %d", i,
				       v->types[i]);
	return 0;
}

static int get_ids(const struct ct_gguf *gguf, struct ct_vocab *v,
		   struct ct_err *err)
{
	const struct {
		const char *key;
		int64_t *id;
	} ids[] = {
		{ "tokenizer.ggml.bos_token_id", &v->bos_id },
		{ "tokenizer.ggml.eos_token_id", &v->eos_id },
		{ "tokenizer.ggml.unknown_token_id", &v->unk_id },
	};
	int code = 0;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !code; i++)
		code = get_id(gguf, ids[i].key, v->n_tokens, ids[i].id, err);
	if (!code)
		code = ct_gguf_bool_opt(gguf, "tokenizer.ggml.add_bos_token",
					&v->add_bos, err);
	return code;
}

/* What only converted files say. */
static int get_extras(const struct ct_gguf *gguf, struct ct_vocab *v,
		      struct ct_err *err)
{
	const struct {
		const char *key;
		bool *value;
	} switches[] = {
		{ CT_KEY_TOK_PREFIX_SPACE, &v->add_prefix_space },
		{ CT_KEY_TOK_NO_SPLIT, &v->no_split },
		{ CT_KEY_TOK_IGNORE_MERGES, &v->ignore_merges },
		{ CT_KEY_TOK_FUSE_UNK, &v->fuse_unk },
	};
	int code = 0;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]) && !code; i++)
		code = ct_gguf_bool_opt(gguf, switches[i].key, switches[i].value, err);
	if (!code)
		code = ct_gguf_i32s_opt(gguf, CT_KEY_TOK_ADDED, &v->added,
					&v->n_added, err);
	if (!code && v->n_added % 2)
		return ct_fail(err, -EBADMSG, "metadata key %s is no list of pairs",
			       CT_KEY_TOK_ADDED);
	v->n_added /= 2;
	for (uint32_t i = 0; i < v->n_added && !code; i++)
		if (v->added[2 * i] < 0 ||
		    (uint32_t)v->added[2 * i] >= v->n_tokens)
			code = ct_fail(err, -EBADMSG,
				       "metadata key %s has id %d, but there are %u tokens",
				       CT_KEY_TOK_ADDED, v->added[2 * i], v->n_tokens);
		else if (i && v->added[2 * i] <= v->added[2 * i - 2])
			code = ct_fail(err, -EBADMSG,
				       "metadata key %s is not in the order of ids",
				       CT_KEY_TOK_ADDED);
	return code;
}

/* "none" is how llama.cpp's files say that there is none. */
bool ct_vocab_present(const struct ct_gguf *gguf)
{
	struct ct_str model = { "none", 4 };

	ct_gguf_string_opt(gguf, "tokenizer.ggml.model", &model, NULL);
	return model.len != 4 || memcmp(model.ptr, "none", 4);
}

bool ct_converted_has_tokenizer(const struct ct_gguf *gguf)
{
	return ct_gguf_find(gguf, CT_KEY_TOK_SPM) || ct_gguf_find(gguf, CT_KEY_TOK_FSMT);
}

int ct_vocab_load(const struct ct_gguf *gguf, struct ct_vocab *vocab,
		  struct ct_err *err)
{
	struct ct_vocab v = { 0 };
	int code;

	if (!ct_vocab_present(gguf))
		return ct_fail(err, -ENOENT, "the file has no tokenizer");
	code = get_name(gguf, "tokenizer.ggml.model", &v.model, err);
	if (!code)
		code = get_name(gguf, "tokenizer.ggml.pre", &v.pre, err);
	if (!code)
		code = get_lists(gguf, &v, err);
	if (!code)
		code = get_ids(gguf, &v, err);
	if (!code)
		code = get_extras(gguf, &v, err);
	if (code) {
		ct_vocab_free(&v);
		return code;
	}
	*vocab = v;
	return 0;
}

void ct_vocab_free(struct ct_vocab *vocab)
{
	free(vocab->model);
	free(vocab->pre);
	free(vocab->tokens);
	free(vocab->merges);
	free(vocab->types);
	free(vocab->added);
	memset(vocab, 0, sizeof(*vocab));
}
