// SPDX-License-Identifier: MIT
/*
 * Ids to text, as transformers' T5Tokenizer has it. Added tokens split the ids
 * into parts. A part is pieces, decoded as SentencePiece does, and special
 * tokens shown by their names, which end one such decoding and begin the next;
 * the text of a part is stripped. Parts and added tokens are joined by spaces.
 */
#include "text/spm.h"

#include <errno.h>
#include <string.h>

#include "text/spm_impl.h"
#include "text/utf8.h"

struct decoder {
	const struct ct_spm *spm;
	struct ct_buf *out;
	size_t part;		/* where the text of this part begins */
	bool any;		/* a part or an added token came before it */
	bool tokens;		/* it has had one */
	bool after_special;

	/* Of a run of pieces, which SentencePiece decodes as a whole: */
	size_t run;		/* where its text begins */
	bool begun;		/* its first space has been dropped, or was none */
	struct ct_buf held;	/* byte pieces, until what they spell is known */
};

static int append(struct decoder *d, const char *bytes, size_t len)
{
	return ct_buf_append(d->out, bytes, len);
}

/* U+FFFD for each byte that is part of no character. */
static int flush_bytes(struct decoder *d)
{
	size_t i;
	uint32_t cp;
	int n, ret;

	for (i = 0; i < d->held.n; i += n) {
		n = ct_utf8_next(d->held.data + i, d->held.n - i, &cp);
		if (n > 0) {
			ret = append(d, d->held.data + i, n);
		} else {
			n = 1;
			ret = append(d, "\xef\xbf\xbd", 3);
		}
		if (ret)
			return ret;
	}
	d->held.n = 0;
	return 0;
}

static void begin_run(struct decoder *d)
{
	d->run = d->out->n;
	d->begun = false;
}

static int append_piece(struct decoder *d, uint32_t id)
{
	const struct ct_spm_model *m = &d->spm->model;
	const struct ct_spm_piece *piece = &m->pieces[id];
	const char *bytes;
	bool dropped = false;
	size_t len;
	int ret;

	ret = flush_bytes(d);
	if (ret)
		return ret;
	ct_spm_bytes(d->spm, id, &bytes, &len);
	if (piece->type == CT_SPM_PIECE_CONTROL ||
	    piece->type == CT_SPM_PIECE_UNKNOWN)
		return append(d, bytes, len);

	if (d->out->n > d->run)
		d->begun = true;
	if (!d->begun && (m->add_dummy_prefix || m->remove_extra_whitespaces) &&
	    piece->len >= CT_SPM_SPACE_LEN &&
	    !memcmp(piece->text, CT_SPM_SPACE, CT_SPM_SPACE_LEN)) {
		bytes++;
		len--;
		dropped = true;
	}
	/* Where spaces are not kept, all at the beginning go. */
	if (dropped && !m->remove_extra_whitespaces)
		d->begun = true;
	return append(d, bytes, len);
}

/* Python's str.strip(): Unicode's white space and four control characters. */
static bool is_space(uint32_t cp)
{
	return ct_utf8_is_space(cp) || (cp >= 0x1c && cp <= 0x1f);
}

static void strip(struct decoder *d)
{
	size_t len = d->out->n - d->part, from = 0, to = 0, i;
	bool seen = false;
	uint32_t cp;
	char *text;
	int n;

	if (!len)
		return;
	text = d->out->data + d->part;
	for (i = 0; i < len; i += n) {
		n = ct_utf8_next(text + i, len - i, &cp);
		if (n <= 0) {
			n = 1;
			cp = 0;
		}
		if (is_space(cp))
			continue;
		if (!seen)
			from = i;
		seen = true;
		to = i + n;
	}
	memmove(text, text + from, to - from);
	d->out->n = d->part + (to - from);
}

static int begin_part(struct decoder *d)
{
	int ret = d->any ? append(d, " ", 1) : 0;

	d->part = d->out->n;
	d->tokens = false;
	d->after_special = false;
	begin_run(d);
	return ret;
}

/* Put the space that joins it before a part only once it is known to be one. */
static int end_part(struct decoder *d, bool last)
{
	int ret = flush_bytes(d);

	if (ret)
		return ret;
	strip(d);
	/* An empty part in the middle is none; at the end it is, if it had tokens. */
	if (d->out->n > d->part || (last && d->tokens)) {
		d->any = true;
	} else if (d->any) {
		d->out->n = d->part - 1;
	}
	return 0;
}

static int append_added(struct decoder *d, const struct ct_spm_added *a)
{
	int ret = end_part(d, false);

	if (!ret && d->any)
		ret = append(d, " ", 1);
	if (!ret)
		ret = append(d, a->text, a->len);
	d->any = true;
	return ret ? ret : begin_part(d);
}

/* The space before it goes before the run it ends, too. */
static int append_special(struct decoder *d, const struct ct_spm_added *a)
{
	int ret = flush_bytes(d);

	if (!ret && !d->after_special) {
		ret = append(d, " ", 1);
		if (!ret) {
			char *run = d->out->data + d->run;

			memmove(run + 1, run, d->out->n - 1 - d->run);
			*run = ' ';
		}
	}
	if (!ret)
		ret = append(d, a->text, a->len);
	d->after_special = true;
	begin_run(d);
	return ret;
}

static int decode_id(struct decoder *d, uint32_t id, unsigned int flags)
{
	const struct ct_spm_added *a = ct_spm_added_get(d->spm, id);
	const char *bytes;
	size_t len;

	if (flags & CT_SPM_SKIP_SPECIAL &&
	    ((a && a->special) || ct_spm_kind(d->spm, id) == CT_SPM_UNKNOWN))
		return 0;
	if (a && (!a->special || id >= d->spm->model.n))
		return append_added(d, a);
	d->tokens = true;
	if (a)
		return append_special(d, a);
	d->after_special = false;
	if (ct_spm_kind(d->spm, id) != CT_SPM_BYTE)
		return append_piece(d, id);
	ct_spm_bytes(d->spm, id, &bytes, &len);
	return ct_buf_append(&d->held, bytes, len);
}

int ct_spm_decode(const struct ct_spm *spm, const uint32_t *ids, size_t n,
		  unsigned int flags, struct ct_buf *out, struct ct_err *err)
{
	struct decoder d = { .spm = spm, .out = out };
	size_t i, before = out->n;
	int ret;

	for (i = 0; i < n; i++) {
		if (ct_spm_kind(spm, ids[i]) == CT_SPM_HOLE)
			return ct_fail(err, -ENOENT,
				       "token id %u, at place %zu, is not in the vocabulary",
				       ids[i], i);
	}
	ret = begin_part(&d);
	for (i = 0; i < n && !ret; i++)
		ret = decode_id(&d, ids[i], flags);
	if (!ret)
		ret = end_part(&d, true);
	ct_buf_free(&d.held);
	if (ret) {
		out->n = before;
		return ct_fail(err, ret, "out of memory for decoded text");
	}
	return 0;
}
