// SPDX-License-Identifier: MIT
/*
 * A tokenizer into GGUF metadata: from a GGUF file as it stands there, byte-level
 * BPE from other files by the keys that llama.cpp's files have, and some of our own
 * for what those cannot say; the others as they were made (model/converted.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/save.h"
#include "model/converted.h"
#include "text/tokenizer.h"

static bool starts(const struct ct_gguf *gguf, const struct ct_gguf_kv *kv,
		   const char *with)
{
	size_t n = strlen(with);

	return kv->key_len >= n && !memcmp(gguf->header + kv->key, with, n);
}

static void copy_keys(struct ct_gguf_out *out, const struct ct_gguf *gguf)
{
	for (size_t i = 0; i < gguf->n_kv; i++)
		if (starts(gguf, &gguf->kv[i], "tokenizer."))
			ct_gguf_put_copy(out, gguf, &gguf->kv[i]);
}

struct lists {
	struct ct_str *tokens, *merges;
	int32_t *types, *added;
	size_t n_tokens, n_merges, n_added;
	char *text;		/* of holes and merges */
	struct ct_bpe_merge_ids *ids;
};

static void free_lists(struct lists *l)
{
	free(l->tokens);
	free(l->merges);
	free(l->types);
	free(l->added);
	free(l->text);
	free(l->ids);
}

static size_t name_len(const struct ct_bpe *bpe, uint32_t id)
{
	const char *name;
	size_t len;

	return ct_bpe_name(bpe, id, &name, &len) ? 0 : len;
}

/* Longest name for an id that no token has. */
#define HOLE_MAX	24

static int make_room(const struct ct_bpe *bpe, struct lists *l,
		     struct ct_err *err)
{
	size_t text = 1;
	int ret;

	l->n_tokens = ct_bpe_size(bpe);
	ret = ct_bpe_merges(bpe, &l->ids, &l->n_merges, err);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < l->n_tokens; i++)
		if (ct_bpe_kind(bpe, i) == CT_BPE_HOLE)
			text += HOLE_MAX;
	for (size_t i = 0; i < l->n_merges; i++)
		text += name_len(bpe, l->ids[i].left) + 1 +
			name_len(bpe, l->ids[i].right);
	l->text = malloc(text);
	l->tokens = calloc(l->n_tokens, sizeof(*l->tokens));
	l->merges = calloc(l->n_merges + 1, sizeof(*l->merges));
	l->types = calloc(l->n_tokens, sizeof(*l->types));
	l->added = calloc(2 * l->n_tokens, sizeof(*l->added));
	if (!l->text || !l->tokens || !l->merges || !l->types || !l->added)
		return ct_fail(err, -ENOMEM, "no memory for the tokenizer");
	return 0;
}

static char *fill_tokens(const struct ct_bpe *bpe, struct lists *l, char *text)
{
	for (uint32_t i = 0; i < l->n_tokens; i++) {
		enum ct_bpe_kind kind = ct_bpe_kind(bpe, i);
		struct ct_str *t = &l->tokens[i];

		if (ct_bpe_name(bpe, i, &t->ptr, &t->len)) {
			t->ptr = text;
			t->len = (size_t)sprintf(text, "[PAD%u]", i);
			text += t->len;
			l->types[i] = CT_TOKEN_UNUSED;
			continue;
		}
		l->types[i] = kind == CT_BPE_NORMAL ? CT_TOKEN_NORMAL :
			      kind == CT_BPE_SPECIAL ? CT_TOKEN_CONTROL :
						       CT_TOKEN_USER_DEFINED;
		if (kind != CT_BPE_NORMAL) {
			l->added[l->n_added++] = (int32_t)i;
			l->added[l->n_added++] = (int32_t)ct_bpe_flags(bpe, i);
		}
	}
	return text;
}

static void fill_merges(const struct ct_bpe *bpe, struct lists *l, char *text)
{
	for (size_t i = 0; i < l->n_merges; i++) {
		const char *left = "", *right = "";
		size_t nl = 0, nr = 0;

		ct_bpe_name(bpe, l->ids[i].left, &left, &nl);
		ct_bpe_name(bpe, l->ids[i].right, &right, &nr);
		l->merges[i] = (struct ct_str){ text, nl + 1 + nr };
		memcpy(text, left, nl);
		text[nl] = ' ';
		memcpy(text + nl + 1, right, nr);
		text += nl + 1 + nr;
	}
}

static void put_id(struct ct_gguf_out *out, const char *key, uint32_t id)
{
	if (id != CT_BPE_NO_ID)
		ct_gguf_put_u32(out, key, id);
}

static void put_bpe(struct ct_gguf_out *out, const struct ct_bpe *bpe,
		    const struct lists *l)
{
	const struct ct_bpe_options *o = ct_bpe_options_of(bpe);

	ct_gguf_put_string(out, "tokenizer.ggml.model", "gpt2");
	ct_gguf_put_string(out, "tokenizer.ggml.pre", "gpt-2");
	ct_gguf_put_strings(out, "tokenizer.ggml.tokens", l->tokens, l->n_tokens);
	ct_gguf_put_i32s(out, "tokenizer.ggml.token_type", l->types, l->n_tokens);
	ct_gguf_put_strings(out, "tokenizer.ggml.merges", l->merges, l->n_merges);
	put_id(out, "tokenizer.ggml.bos_token_id", o->bos_id);
	put_id(out, "tokenizer.ggml.eos_token_id", o->eos_id);
	put_id(out, "tokenizer.ggml.unknown_token_id", o->unk_id);
	ct_gguf_put_bool(out, "tokenizer.ggml.add_bos_token", o->add_bos);
	ct_gguf_put_bool(out, CT_KEY_TOK_PREFIX_SPACE, o->add_prefix_space);
	ct_gguf_put_bool(out, CT_KEY_TOK_NO_SPLIT, o->no_split);
	ct_gguf_put_bool(out, CT_KEY_TOK_IGNORE_MERGES, o->ignore_merges);
	ct_gguf_put_bool(out, CT_KEY_TOK_FUSE_UNK, o->fuse_unk);
	ct_gguf_put_i32s(out, CT_KEY_TOK_ADDED, l->added, l->n_added);
}

static int save_spm(struct ct_gguf_out *out, const struct ct_spm *spm,
		    struct ct_err *err)
{
	const struct ct_spm_added *added;
	size_t len, n = ct_spm_added_list(spm, &added);
	const void *proto = ct_spm_proto(spm, &len);
	struct ct_str *names = calloc(n + 1, sizeof(*names));
	int32_t *ids = calloc(2 * n + 1, sizeof(*ids));
	int ret = 0;

	if (!names || !ids) {
		ret = ct_fail(err, -ENOMEM, "no memory for the tokenizer");
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		names[i] = (struct ct_str){ added[i].text, added[i].len };
		ids[2 * i] = (int32_t)added[i].id;
		ids[2 * i + 1] = added[i].special;
	}
	ct_gguf_put_bytes(out, CT_KEY_TOK_SPM, proto, len);
	ct_gguf_put_strings(out, CT_KEY_TOK_SPM_ADDED, names, n);
	ct_gguf_put_i32s(out, CT_KEY_TOK_SPM_IDS, ids, 2 * n);
out:
	free(names);
	free(ids);
	return ret;
}

static void save_fsmt(struct ct_gguf_out *out, const struct ct_fsmt *fsmt)
{
	const struct ct_fsmt_files *f = ct_fsmt_files(fsmt);
	const struct ct_str texts[] = {
		{ f->src.data, f->src.len }, { f->tgt.data, f->tgt.len },
		{ f->merges.data, f->merges.len }, { f->config.data, f->config.len },
	};

	ct_gguf_put_strings(out, CT_KEY_TOK_FSMT, texts, sizeof(texts) / sizeof(texts[0]));
}

int ct_save_tokenizer(struct ct_gguf_out *out, const struct ct_model *model,
		      const struct ct_tokenizer *tokenizer, struct ct_err *err)
{
	const struct ct_bpe *bpe = ct_tokenizer_bpe(tokenizer);
	struct lists l = { 0 };
	int ret;

	if (!bpe) {
		ct_gguf_put_string(out, "tokenizer.ggml.model", "none");
		if (ct_tokenizer_spm(tokenizer))
			return save_spm(out, ct_tokenizer_spm(tokenizer), err);
		if (ct_tokenizer_fsmt(tokenizer))
			save_fsmt(out, ct_tokenizer_fsmt(tokenizer));
		return 0;
	}
	if (model->format == CT_FORMAT_GGUF) {
		copy_keys(out, &model->gguf);
		return 0;
	}
	ret = make_room(bpe, &l, err);
	if (!ret) {
		fill_merges(bpe, &l, fill_tokens(bpe, &l, l.text));
		put_bpe(out, bpe, &l);
	}
	free_lists(&l);
	return ret;
}
