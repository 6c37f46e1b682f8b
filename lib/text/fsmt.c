// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "text/fsmt_impl.h"

/* --- text to ids ------------------------------------------------------ */

struct encoder {
	const struct ct_fsmt *fsmt;
	const struct ct_fsmt_vocab *vocab;
	struct ct_moses_text text;
	struct ct_buf tokens, word;
	struct ct_fsmt_work work;
};

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "no memory to tokenize");
}

static int add_symbol(const struct encoder *e, const char *symbol, size_t len,
		      struct ct_ids *out, struct ct_err *err)
{
	const struct ct_fsmt_vocab *vocab = e->vocab;
	uint32_t number, id = vocab->role[CT_FSMT_UNK];

	if (!ct_strtab_find(&vocab->names, symbol, len, &number))
		id = vocab->ids.data[number];
	if (id == CT_FSMT_NO_ID)
		return ct_fail(err, -EINVAL,
			       "\"%.*s\" is not in the vocabulary, which has no token for what is unknown",
			       (int)(len < 64 ? len : 64), symbol);
	return ct_ids_append(out, id) ? no_memory(err) : 0;
}

static int encode_word(struct encoder *e, const char *word, size_t len,
		       struct ct_ids *out, struct ct_err *err)
{
	size_t i, start, end;
	int ret;

	e->word.n = 0;
	if (ct_buf_append(&e->word, word, len) ||
	    ct_buf_append(&e->word, ct_fsmt_end, CT_FSMT_END_LEN))
		return no_memory(err);
	ret = ct_fsmt_merge(&e->fsmt->merges, e->word.data, e->word.n,
			    &e->work, err);
	for (i = 0; i < e->work.starts.n && !ret; i++) {
		start = e->work.starts.data[i];
		end = i + 1 < e->work.starts.n ? e->work.starts.data[i + 1] :
						 e->word.n;
		ret = add_symbol(e, e->word.data + start, end - start, out,
				 err);
	}
	return ret;
}

static int encode_tokens(struct encoder *e, struct ct_ids *out,
			 struct ct_err *err)
{
	const char *s, *stop, *end;
	int ret = 0;

	if (!e->tokens.n)
		return 0;
	stop = e->tokens.data + e->tokens.n;
	for (s = e->tokens.data; s < stop && !ret; s = end + 1) {
		end = memchr(s, ' ', stop - s);
		if (!end)
			end = stop;
		ret = encode_word(e, s, end - s, out, err);
	}
	return ret;
}

static int encode(const struct ct_fsmt *fsmt, enum ct_fsmt_side side,
		  const char *text, size_t len, struct ct_ids *out,
		  struct ct_err *err)
{
	const struct ct_fsmt_vocab *vocab = &fsmt->side[side];
	struct encoder e = { .fsmt = fsmt, .vocab = vocab };
	size_t before = out->n;
	int ret;

	ret = ct_moses_text_set(&e.text, text, len, err);
	if (!ret && fsmt->lower)
		ret = ct_moses_lower(&e.text, err);
	if (!ret)
		ret = ct_moses_normalize(&vocab->lang, &e.text, err);
	if (!ret)
		ret = ct_moses_tokenize(&vocab->lang, &e.text, err);
	if (!ret)
		ret = ct_moses_text_get(&e.text, &e.tokens, err);
	if (!ret)
		ret = encode_tokens(&e, out, err);
	if (ret)
		out->n = before;
	ct_moses_text_free(&e.text);
	ct_buf_free(&e.tokens);
	ct_buf_free(&e.word);
	ct_fsmt_work_free(&e.work);
	return ret;
}

int ct_fsmt_encode(const struct ct_fsmt *fsmt, const char *text, size_t len,
		   struct ct_ids *out, struct ct_err *err)
{
	return encode(fsmt, CT_FSMT_SOURCE, text, len, out, err);
}

int ct_fsmt_encode_target(const struct ct_fsmt *fsmt, const char *text,
			  size_t len, struct ct_ids *out, struct ct_err *err)
{
	return encode(fsmt, CT_FSMT_TARGET, text, len, out, err);
}

/* --- ids to text ------------------------------------------------------ */

/* A token without its spaces, and a space where a word ends. */
static int put_token(struct ct_buf *out, struct ct_buf *bare, const char *name,
		     size_t len)
{
	const char *hit, *s, *stop;
	size_t i;

	bare->n = 0;
	for (i = 0; i < len; i++)
		if (name[i] != ' ' && ct_buf_append(bare, name + i, 1))
			return -ENOMEM;
	if (!bare->n)
		return 0;
	s = bare->data;
	stop = s + bare->n;
	while ((hit = memmem(s, stop - s, ct_fsmt_end, CT_FSMT_END_LEN))) {
		if (ct_buf_append(out, s, hit - s) ||
		    ct_buf_append(out, " ", 1))
			return -ENOMEM;
		s = hit + CT_FSMT_END_LEN;
	}
	return ct_buf_append(out, s, stop - s);
}

static int put_tokens(const struct ct_fsmt *fsmt, const uint32_t *ids,
		      size_t n, unsigned int flags, struct ct_buf *tokens)
{
	struct ct_buf bare = { 0 };
	const char *name;
	size_t i, len;
	int ret = 0;

	for (i = 0; i < n && !ret; i++) {
		switch (ct_fsmt_kind(fsmt, CT_FSMT_TARGET, ids[i])) {
		case CT_FSMT_UNKNOWN:
		case CT_FSMT_SPECIAL:
			if (flags & CT_FSMT_SKIP_SPECIAL)
				continue;
			break;
		default:
			break;
		}
		if (ct_fsmt_name(fsmt, CT_FSMT_TARGET, ids[i], &name, &len)) {
			name = fsmt->names[CT_FSMT_UNK];
			len = strlen(name);
		}
		ret = put_token(tokens, &bare, name, len);
	}
	ct_buf_free(&bare);
	return ret;
}

int ct_fsmt_decode(const struct ct_fsmt *fsmt, const uint32_t *ids, size_t n,
		   unsigned int flags, struct ct_buf *out, struct ct_err *err)
{
	struct ct_moses_text text = { 0 };
	struct ct_buf tokens = { 0 };
	int ret;

	ret = put_tokens(fsmt, ids, n, flags, &tokens);
	if (ret)
		ret = ct_fail(err, ret, "no memory for the text of %zu tokens",
			      n);
	if (!ret)
		ret = ct_moses_text_set(&text, tokens.data, tokens.n, err);
	if (!ret)
		ret = ct_moses_detokenize(&fsmt->side[CT_FSMT_TARGET].lang,
					  &text, err);
	if (!ret)
		ret = ct_moses_text_get(&text, out, err);
	ct_moses_text_free(&text);
	ct_buf_free(&tokens);
	return ret;
}

/* --- lookups ---------------------------------------------------------- */

uint32_t ct_fsmt_size(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].numbers.n;
}

int ct_fsmt_name(const struct ct_fsmt *fsmt, enum ct_fsmt_side side,
		 uint32_t id, const char **name, size_t *len)
{
	const struct ct_fsmt_vocab *vocab = &fsmt->side[side];

	if (id >= vocab->numbers.n || vocab->numbers.data[id] == CT_FSMT_NO_ID)
		return -ENOENT;
	*name = ct_strtab_get(&vocab->names, vocab->numbers.data[id], len);
	return 0;
}

enum ct_fsmt_kind ct_fsmt_kind(const struct ct_fsmt *fsmt,
			       enum ct_fsmt_side side, uint32_t id)
{
	const struct ct_fsmt_vocab *vocab = &fsmt->side[side];
	int i;

	if (id >= vocab->numbers.n || vocab->numbers.data[id] == CT_FSMT_NO_ID)
		return CT_FSMT_HOLE;
	if (id == vocab->role[CT_FSMT_UNK])
		return CT_FSMT_UNKNOWN;
	for (i = 0; i < CT_FSMT_ROLES; i++)
		if (id == vocab->role[i])
			return CT_FSMT_SPECIAL;
	return CT_FSMT_NORMAL;
}

int ct_fsmt_find(const struct ct_fsmt *fsmt, enum ct_fsmt_side side,
		 const char *name, size_t len, uint32_t *id)
{
	const struct ct_fsmt_vocab *vocab = &fsmt->side[side];
	uint32_t number;

	if (ct_strtab_find(&vocab->names, name, len, &number))
		return -ENOENT;
	*id = vocab->ids.data[number];
	return 0;
}

uint32_t ct_fsmt_bos(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].role[CT_FSMT_BOS];
}

uint32_t ct_fsmt_pad(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].role[CT_FSMT_PAD];
}

uint32_t ct_fsmt_eos(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].role[CT_FSMT_EOS];
}

uint32_t ct_fsmt_unk(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].role[CT_FSMT_UNK];
}

const char *ct_fsmt_lang(const struct ct_fsmt *fsmt, enum ct_fsmt_side side)
{
	return fsmt->side[side].code;
}
