// SPDX-License-Identifier: MIT
/*
 * Text to ids: added tokens are cut out first, what lies between is split by
 * the pattern, and each piece is merged, or copied from where it was merged
 * before.
 */
#define XXH_INLINE_ALL
#include "text/bpe_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "text/alphabet.h"
#include "text/utf8.h"

/*
 * A piece met before, where it is in the text and where its ids are in the
 * output: so an entry owns nothing. A piece hashes to one place, and the last
 * one there stays.
 */
struct seen {
	const char *piece;
	uint32_t len, n;
	size_t at;
};

#define SEEN_BITS	14
#define SEEN_MIN_TEXT	2048	/* a shorter text does not repay the table */
#define SEEN_MAX_PIECE	64

struct encoder {
	const struct ct_bpe *bpe;
	const char *text;
	/*
	 * The same length, where bytes that are no UTF-8 are control
	 * characters: what the pattern sees. Else it is the text itself.
	 */
	const char *view;
	unsigned int flags;
	struct ct_ids *out;
	struct ct_err *err;

	char *mended;
	struct ct_split_run *run;
	struct ct_bpe_merger merger;
	struct ct_buf scratch;
	struct seen *seen;
};

static int no_memory(struct encoder *e)
{
	return ct_fail(e->err, -ENOMEM, "no memory to tokenize");
}

/* --- a piece ---------------------------------------------------------- */

/* @sym has room for @len. A run of bytes without a token is one unknown. */
static int to_symbols(struct encoder *e, const char *piece, size_t len,
		      uint32_t *sym, size_t *n)
{
	const struct ct_bpe *bpe = e->bpe;
	bool unknown = false;
	size_t i;

	*n = 0;
	for (i = 0; i < len; i++) {
		unsigned char byte = piece[i];
		uint32_t id = bpe->byte_id[byte];

		if (id != CT_BPE_NO_ID) {
			sym[(*n)++] = id;
			unknown = false;
			continue;
		}
		if (bpe->opt.unk_id == CT_BPE_NO_ID)
			return ct_fail(e->err, -EINVAL,
				       "byte 0x%02x has no token in this vocabulary, nor does it have an unknown token",
				       byte);
		if (!unknown || !bpe->opt.fuse_unk)
			sym[(*n)++] = bpe->opt.unk_id;
		unknown = true;
	}
	return 0;
}

/* Returns whether the piece is a token as it is, or -ENOMEM. */
static int find_whole(struct encoder *e, const char *piece, size_t len,
		      uint32_t *id)
{
	size_t most, i;

	e->scratch.n = 0;
	if (__builtin_mul_overflow(len, CT_ALPHABET_MAX, &most) ||
	    ct_buf_reserve(&e->scratch, most))
		return no_memory(e);
	for (i = 0; i < len; i++)
		e->scratch.n += ct_alphabet_spell(
			piece[i], e->scratch.data + e->scratch.n);
	return !ct_bpe_find(e->bpe, e->scratch.data, e->scratch.n, id) &&
	       ct_bpe_kind(e->bpe, *id) == CT_BPE_NORMAL;
}

static int merge_piece(struct encoder *e, const char *piece, size_t len)
{
	struct ct_ids *out = e->out;
	uint32_t id;
	size_t n;
	int ret;

	if (e->bpe->opt.ignore_merges) {
		ret = find_whole(e, piece, len, &id);
		if (ret < 0)
			return ret;
		if (ret)
			return ct_ids_append(out, id) ? no_memory(e) : 0;
	}

	/* Symbols become tokens where they are to be. */
	if (ct_ids_reserve(out, len))
		return no_memory(e);
	ret = to_symbols(e, piece, len, out->data + out->n, &n);
	if (!ret)
		ret = ct_bpe_merge(e->bpe, &e->merger, out->data + out->n, &n,
				   e->err);
	if (!ret)
		out->n += n;
	return ret;
}

static int encode_piece(struct encoder *e, const char *piece, size_t len)
{
	struct ct_ids *out = e->out;
	struct seen *s;
	size_t at = out->n;
	int ret;

	if (!e->seen || len > SEEN_MAX_PIECE)
		return merge_piece(e, piece, len);

	s = &e->seen[XXH3_64bits(piece, len) >> (64 - SEEN_BITS)];
	if (s->len == len && !memcmp(s->piece, piece, len)) {
		if (ct_ids_reserve(out, s->n))
			return no_memory(e);
		memcpy(out->data + at, out->data + s->at,
		       s->n * sizeof(*out->data));
		out->n += s->n;
		return 0;
	}
	ret = merge_piece(e, piece, len);
	if (!ret)
		*s = (struct seen){ piece, len, out->n - at, at };
	return ret;
}

/* --- a stretch without added tokens ----------------------------------- */

/*
 * The first piece of a stretch that is to begin with a space and does not.
 * Sets @pos to where it ends in the text.
 */
static int encode_prefixed(struct encoder *e, size_t *pos, size_t end)
{
	struct ct_buf with = { 0 };
	size_t len = end - *pos, stop = len + 1;
	int ret = 0;

	if (ct_buf_append(&with, " ", 1) ||
	    ct_buf_append(&with, e->view + *pos, len)) {
		ret = no_memory(e);
		goto out;
	}
	if (!e->bpe->opt.no_split)
		ret = ct_split_next(e->run, with.data, with.n, 0, &stop,
				    e->err);
	if (!ret) {
		memcpy(with.data + 1, e->text + *pos, stop - 1);
		ret = merge_piece(e, with.data, stop);
		*pos += stop - 1;
	}
out:
	ct_buf_free(&with);
	return ret;
}

static int encode_plain(struct encoder *e, size_t pos, size_t end)
{
	const struct ct_bpe_options *opt = &e->bpe->opt;
	size_t stop = end;
	int ret = 0;

	if (opt->add_prefix_space && e->text[pos] != ' ')
		ret = encode_prefixed(e, &pos, end);
	while (!ret && pos < end) {
		if (!opt->no_split)
			ret = ct_split_next(e->run, e->view, end, pos, &stop,
					    e->err);
		if (!ret)
			ret = encode_piece(e, e->text + pos, stop - pos);
		pos = stop;
	}
	return ret;
}

/* --- added tokens ----------------------------------------------------- */

static size_t spaces_before(const char *s, size_t begin, size_t pos)
{
	uint32_t cp;

	while (pos > begin) {
		size_t at = pos - 1;

		while (at > begin && ((unsigned char)s[at] & 0xc0) == 0x80)
			at--;
		ct_utf8_next(s + at, pos - at, &cp);
		if (!ct_utf8_is_space(cp))
			break;
		pos = at;
	}
	return pos;
}

static size_t spaces_after(const char *s, size_t pos, size_t end)
{
	uint32_t cp;

	while (pos < end) {
		int len = ct_utf8_next(s + pos, end - pos, &cp);

		if (!ct_utf8_is_space(cp))
			break;
		pos += len;
	}
	return pos;
}

/* Whether letters, digits and the like touch [at, stop) from outside. */
static int inside_word(struct encoder *e, size_t begin, size_t at, size_t stop,
		       size_t end, bool *inside)
{
	size_t before = at;
	int ret = 0;

	*inside = false;
	if (at > begin) {
		do
			before--;
		while (before > begin &&
		       ((unsigned char)e->view[before] & 0xc0) == 0x80);
		ret = ct_split_is_word(e->run, e->view, end, before, inside,
				       e->err);
	}
	if (!ret && !*inside && stop < end)
		ret = ct_split_is_word(e->run, e->view, end, stop, inside,
				       e->err);
	return ret;
}

static int encode_range(struct encoder *e, int pass, size_t begin, size_t end)
{
	const struct ct_bpe *bpe = e->bpe;
	size_t pos = begin, done = begin, at, stop;
	size_t run_from = 1, run_to = 0;
	uint32_t id;
	int ret;

	if (begin == end)
		return 0;
	if (pass == CT_BPE_PASSES)
		return encode_plain(e, begin, end);

	/*
	 * Hugging Face's order of things: a token that is found and refused
	 * is passed over whole, and the next search begins where the text of
	 * the last find ended, whatever white space it took besides.
	 */
	while (ct_bpe_added_next(bpe, pass, e->view, end, pos, &at, &id)) {
		const struct ct_bpe_token *t = &bpe->tokens[id];
		bool inside = false;

		stop = pos = at + t->n_bytes;
		if (t->kind == CT_BPE_SPECIAL &&
		    !(e->flags & CT_BPE_PARSE_SPECIAL))
			continue;
		if (t->flags & CT_BPE_ADD_SINGLE_WORD) {
			ret = inside_word(e, begin, at, stop, end, &inside);
			if (ret)
				return ret;
			if (inside)
				continue;
		}
		if (t->flags & CT_BPE_ADD_LSTRIP)
			at = spaces_before(e->view, done < at ? done : at, at);
		if (t->flags & CT_BPE_ADD_RSTRIP) {
			/* A run of spaces that are tokens is measured once. */
			if (stop < run_from || stop > run_to) {
				run_from = stop;
				run_to = spaces_after(e->view, stop, end);
			}
			stop = run_to;
		}
		if (done < at) {
			ret = encode_range(e, pass + 1, done, at);
			if (ret)
				return ret;
		}
		if (ct_ids_append(e->out, id))
			return no_memory(e);
		done = stop;
	}
	return encode_range(e, pass + 1, done, end);
}

/* --- all of it -------------------------------------------------------- */

static int prepare(struct encoder *e, size_t len)
{
	size_t good = ct_utf8_valid(e->text, len);

	e->view = e->text;
	if (good < len) {
		e->mended = malloc(len);
		if (!e->mended)
			return no_memory(e);
		memcpy(e->mended, e->text, len);
		ct_utf8_mend(e->mended + good, len - good, 0x01);
		e->view = e->mended;
	}
	if (len >= SEEN_MIN_TEXT) {
		e->seen = calloc((size_t)1 << SEEN_BITS, sizeof(*e->seen));
		if (!e->seen)
			return no_memory(e);
	}
	return ct_split_run_new(e->bpe->split, &e->run, e->err);
}

int ct_bpe_encode(const struct ct_bpe *bpe, const char *text, size_t len,
		  unsigned int flags, struct ct_ids *out, struct ct_err *err)
{
	struct encoder e = {
		.bpe = bpe, .text = text, .flags = flags, .out = out,
		.err = err,
	};
	size_t before = out->n;
	int ret;

	if (!len)
		return 0;
	ret = prepare(&e, len);
	if (!ret)
		ret = encode_range(&e, CT_BPE_PASS_RAW, 0, len);
	if (ret)
		out->n = before;

	ct_split_run_free(e.run);
	ct_bpe_merger_free(&e.merger);
	ct_buf_free(&e.scratch);
	free(e.mended);
	free(e.seen);
	return ret;
}
