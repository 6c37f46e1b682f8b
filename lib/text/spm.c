// SPDX-License-Identifier: MIT
/* The tokenizer: its tables, and text to ids. */
#include "text/spm.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/spm_impl.h"
#include "text/utf8.h"

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "out of memory for a tokenizer");
}

/* --- added tokens ----------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct ct_spm_added *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_text(const void *a, const void *b)
{
	const struct ct_spm_added *x = *(const struct ct_spm_added *const *)a;
	const struct ct_spm_added *y = *(const struct ct_spm_added *const *)b;
	int diff = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return diff ? diff : (x->len > y->len) - (x->len < y->len);
}

static int check_added(const struct ct_spm_added *a, struct ct_err *err)
{
	if (!a->len || a->len > CT_SPM_MAX_NAME ||
	    ct_utf8_valid(a->text, a->len) != a->len)
		return ct_fail(err, -EBADMSG,
			       "the added token with id %u is empty, too long or not UTF-8",
			       a->id);
	if (a->id >= CT_SPM_MAX_IDS)
		return ct_fail(err, -E2BIG,
			       "the added token \"%s\" has id %u; ids are below %u",
			       ct_show(a->text, a->len).s, a->id, CT_SPM_MAX_IDS);
	return 0;
}

static int copy_added(struct ct_spm *spm, const struct ct_spm_added *added,
		      size_t n, struct ct_err *err)
{
	size_t i, total = 0;
	char *text;
	int ret;

	if (n > CT_SPM_MAX_ADDED)
		return ct_fail(err, -E2BIG,
			       "%zu added tokens; at most %u are supported", n,
			       CT_SPM_MAX_ADDED);
	for (i = 0; i < n; i++) {
		ret = check_added(&added[i], err);
		if (ret)
			return ret;
		total += added[i].len;
	}
	spm->added = calloc(n ? n : 1, sizeof(*spm->added));
	spm->by_text = calloc(n ? n : 1, sizeof(*spm->by_text));
	spm->added_text = malloc(total ? total : 1);
	if (!spm->added || !spm->by_text || !spm->added_text)
		return no_memory(err);
	text = spm->added_text;
	for (i = 0; i < n; i++) {
		spm->added[i] = added[i];
		spm->added[i].text = text;
		memcpy(text, added[i].text, added[i].len);
		text += added[i].len;
	}
	spm->n_added = n;
	return 0;
}

static int order_added(struct ct_spm *spm, struct ct_err *err)
{
	size_t i;

	qsort(spm->added, spm->n_added, sizeof(*spm->added), by_id);
	for (i = 0; i < spm->n_added; i++) {
		spm->by_text[i] = &spm->added[i];
		spm->first[(unsigned char)spm->added[i].text[0]] = true;
		if (i && spm->added[i - 1].id == spm->added[i].id)
			return ct_fail(err, -EBADMSG,
				       "two added tokens have the id %u",
				       spm->added[i].id);
	}
	qsort(spm->by_text, spm->n_added, sizeof(*spm->by_text), by_text);
	for (i = 1; i < spm->n_added; i++) {
		if (!by_text(&spm->by_text[i - 1], &spm->by_text[i]))
			return ct_fail(err, -EBADMSG,
				       "the added token \"%s\" has two ids",
				       ct_show(spm->by_text[i]->text,
					       spm->by_text[i]->len).s);
	}
	return 0;
}

const struct ct_spm_added *ct_spm_added_get(const struct ct_spm *spm,
					    uint32_t id)
{
	struct ct_spm_added key = { .id = id };

	return bsearch(&key, spm->added, spm->n_added, sizeof(key), by_id);
}

/* --- tables ----------------------------------------------------------- */

static enum ct_spm_kind kind_of(const struct ct_spm *spm, uint32_t id,
				const struct ct_spm_added *a)
{
	const struct ct_spm_piece *p =
		id < spm->model.n ? &spm->model.pieces[id] : NULL;
	uint32_t type = p ? p->type : 0;

	if (a && p && (p->len != a->len || memcmp(p->text, a->text, a->len)))
		type = 0;
	switch (type) {
	case CT_SPM_PIECE_UNKNOWN:
		return CT_SPM_UNKNOWN;
	case CT_SPM_PIECE_CONTROL:
		return CT_SPM_SPECIAL;
	}
	if (a)
		return a->special ? CT_SPM_SPECIAL : CT_SPM_ADDED;
	if (!type)
		return CT_SPM_HOLE;
	return type == CT_SPM_PIECE_BYTE ? CT_SPM_BYTE : CT_SPM_NORMAL;
}

static int append_spaced(struct ct_buf *out, const char *text, size_t len)
{
	const char *end = text + len, *space;
	int ret;

	while ((space = memmem(text, end - text, CT_SPM_SPACE,
			       CT_SPM_SPACE_LEN))) {
		ret = ct_buf_append(out, text, space - text);
		if (!ret)
			ret = ct_buf_append(out, " ", 1);
		if (ret)
			return ret;
		text = space + CT_SPM_SPACE_LEN;
	}
	return ct_buf_append(out, text, end - text);
}

static int append_bytes(struct ct_spm *spm, uint32_t id,
			const struct ct_spm_added *a)
{
	const struct ct_spm_piece *piece;
	unsigned char byte;

	if (a)
		return ct_buf_append(&spm->bytes, a->text, a->len);
	if (id >= spm->model.n)
		return 0;
	piece = &spm->model.pieces[id];
	switch (piece->type) {
	case CT_SPM_PIECE_CONTROL:
		return 0;
	case CT_SPM_PIECE_UNKNOWN:
		return ct_buf_append(&spm->bytes, spm->model.unk_surface,
				     spm->model.unk_surface_len);
	case CT_SPM_PIECE_BYTE:
		byte = ct_spm_piece_byte(piece->text, piece->len);
		return ct_buf_append(&spm->bytes, &byte, 1);
	}
	return append_spaced(&spm->bytes, piece->text, piece->len);
}

static int make_tables(struct ct_spm *spm, struct ct_err *err)
{
	uint32_t id, size = spm->model.n;

	if (spm->n_added && spm->added[spm->n_added - 1].id >= size)
		size = spm->added[spm->n_added - 1].id + 1;
	spm->size = size;
	spm->kind = malloc(size);
	spm->at = malloc(((size_t)size + 1) * sizeof(*spm->at));
	if (!spm->kind || !spm->at)
		return no_memory(err);
	for (id = 0; id < size; id++) {
		const struct ct_spm_added *a = ct_spm_added_get(spm, id);

		spm->kind[id] = kind_of(spm, id, a);
		spm->at[id] = spm->bytes.n;
		if (append_bytes(spm, id, a))
			return no_memory(err);
	}
	spm->at[size] = spm->bytes.n;
	return 0;
}

/* --- opening ---------------------------------------------------------- */

static int load_library(struct ct_spm *spm, struct ct_err *err)
{
	char why[160] = "";
	int ret;

	ret = ct_spm_lib_new(spm->proto.data, spm->proto.n, &spm->lib, why,
			     sizeof(why));
	switch (ret) {
	case 0:
		return 0;
	case -ENOTSUP:
		return ct_fail(err, ret,
			       "SentencePiece tokenizers are not supported by this build; install libsentencepiece-dev and build again");
	case -ENOMEM:
		return no_memory(err);
	}
	return ct_fail(err, ret, "the SentencePiece library refuses the model: %s",
		       ct_show(why, strlen(why)).s);
}

/* What the library gets is written anew, from what has been read and checked. */
static int read_model(struct ct_spm *spm, const void *proto, size_t len,
		      struct ct_err *err)
{
	struct ct_spm_model given;
	int ret;

	ret = ct_spm_model_parse(&given, proto, len, err);
	if (!ret)
		ret = ct_spm_model_check(&given, &spm->growth, err);
	if (!ret)
		ret = ct_spm_model_write(&given, &spm->proto, err);
	ct_spm_model_free(&given);
	if (!ret)
		ret = ct_spm_model_parse(&spm->model, spm->proto.data,
					 spm->proto.n, err);
	return ret;
}

int ct_spm_open(const void *proto, size_t len,
		const struct ct_spm_added *added, size_t n,
		struct ct_spm **out, struct ct_err *err)
{
	struct ct_spm *spm = calloc(1, sizeof(*spm));
	int ret;

	if (!spm)
		return no_memory(err);
	ret = read_model(spm, proto, len, err);
	if (!ret)
		ret = copy_added(spm, added, n, err);
	if (!ret)
		ret = order_added(spm, err);
	if (!ret)
		ret = make_tables(spm, err);
	if (!ret)
		ret = load_library(spm, err);
	if (ret) {
		ct_spm_free(spm);
		return ret;
	}
	*out = spm;
	return 0;
}

void ct_spm_free(struct ct_spm *spm)
{
	if (!spm)
		return;
	ct_spm_lib_free(spm->lib);
	ct_spm_model_free(&spm->model);
	ct_buf_free(&spm->proto);
	ct_buf_free(&spm->bytes);
	free(spm->added);
	free(spm->by_text);
	free(spm->added_text);
	free(spm->kind);
	free(spm->at);
	free(spm);
}

/* --- text to ids ------------------------------------------------------ */

/*
 * The longest added token that the text begins with, or NULL. Those that share
 * what has been read so far are by_text[lo..hi), the shortest of them first.
 */
static const struct ct_spm_added *match(const struct ct_spm *spm,
					const char *text, size_t len)
{
	size_t lo = 0, hi = spm->n_added, i;
	const struct ct_spm_added *found = NULL;

	for (i = 0; i < len && lo < hi; i++) {
		unsigned char c = text[i];
		size_t a = lo, b = hi, mid;

		/* The first whose byte here is c or more, then more than c. */
		while (a < b) {
			mid = a + (b - a) / 2;
			if ((unsigned char)spm->by_text[mid]->text[i] < c)
				a = mid + 1;
			else
				b = mid;
		}
		lo = a;
		b = hi;
		while (a < b) {
			mid = a + (b - a) / 2;
			if ((unsigned char)spm->by_text[mid]->text[i] <= c)
				a = mid + 1;
			else
				b = mid;
		}
		hi = a;
		if (lo < hi && spm->by_text[lo]->len == i + 1)
			found = spm->by_text[lo++];
	}
	return found;
}

static int add_id(void *to, uint32_t id)
{
	return ct_ids_append(to, id);
}

static int encode_plain(const struct ct_spm *spm, const char *text, size_t len,
			struct ct_ids *out, struct ct_err *err)
{
	char why[160] = "";
	int ret;

	if (!len)
		return 0;
	/* The library counts bytes of normalised text in an int. */
	if (len > INT_MAX / 2 / spm->growth)
		return ct_fail(err, -E2BIG,
			       "a text of %zu bytes is too long for this tokenizer; at most %zu are supported",
			       len, INT_MAX / 2 / spm->growth);
	ret = ct_spm_lib_encode(spm->lib, text, len, add_id, out, why,
				sizeof(why));
	if (ret == -ENOMEM)
		return ct_fail(err, ret, "out of memory for a text's tokens");
	if (ret)
		return ct_fail(err, ret,
			       "the SentencePiece library refuses the text: %s",
			       ct_show(why, strlen(why)).s);
	return 0;
}

static int encode_parsed(const struct ct_spm *spm, const char *text, size_t len,
			 struct ct_ids *out, struct ct_err *err)
{
	const struct ct_spm_added *found;
	size_t pos = 0, done = 0;
	int ret;

	while (pos < len) {
		found = NULL;
		if (spm->first[(unsigned char)text[pos]])
			found = match(spm, text + pos, len - pos);
		if (!found) {
			pos++;
			continue;
		}
		ret = encode_plain(spm, text + done, pos - done, out, err);
		if (ret)
			return ret;
		if (ct_ids_append(out, found->id))
			return ct_fail(err, -ENOMEM,
				       "out of memory for a text's tokens");
		pos += found->len;
		done = pos;
	}
	return encode_plain(spm, text + done, len - done, out, err);
}

int ct_spm_encode(const struct ct_spm *spm, const char *text, size_t len,
		  unsigned int flags, struct ct_ids *out, struct ct_err *err)
{
	size_t before = out->n;
	int ret;

	if (flags & CT_SPM_PARSE_SPECIAL)
		ret = encode_parsed(spm, text, len, out, err);
	else
		ret = encode_plain(spm, text, len, out, err);
	if (ret)
		out->n = before;
	return ret;
}

/* --- lookups ---------------------------------------------------------- */

int ct_spm_bytes(const struct ct_spm *spm, uint32_t id, const char **bytes,
		 size_t *len)
{
	*bytes = "";
	*len = 0;
	if (ct_spm_kind(spm, id) == CT_SPM_HOLE)
		return -ENOENT;
	*len = spm->at[id + 1] - spm->at[id];
	if (*len)
		*bytes = spm->bytes.data + spm->at[id];
	return 0;
}

uint32_t ct_spm_size(const struct ct_spm *spm)
{
	return spm->size;
}

enum ct_spm_kind ct_spm_kind(const struct ct_spm *spm, uint32_t id)
{
	return id < spm->size ? spm->kind[id] : CT_SPM_HOLE;
}

/* Rare enough to look at every piece. */
int ct_spm_find(const struct ct_spm *spm, const char *name, size_t len,
		uint32_t *id)
{
	const struct ct_spm_added key = { .text = name, .len = len };
	const struct ct_spm_added *k = &key, **found;
	size_t i;

	found = bsearch(&k, spm->by_text, spm->n_added, sizeof(k), by_text);
	if (found) {
		*id = (*found)->id;
		return 0;
	}
	for (i = 0; i < spm->model.n; i++) {
		const struct ct_spm_piece *p = &spm->model.pieces[i];

		if (p->len == len && !memcmp(p->text, name, len)) {
			*id = i;
			return 0;
		}
	}
	return -ENOENT;
}

/* The format's defaults name ids that may be quite ordinary pieces. */
static uint32_t special(const struct ct_spm *spm, int32_t id)
{
	if (id < 0 || ct_spm_kind(spm, id) != CT_SPM_SPECIAL)
		return CT_SPM_NO_ID;
	return id;
}

uint32_t ct_spm_pad(const struct ct_spm *spm)
{
	return special(spm, spm->model.pad_id);
}

uint32_t ct_spm_eos(const struct ct_spm *spm)
{
	return special(spm, spm->model.eos_id);
}

uint32_t ct_spm_bos(const struct ct_spm *spm)
{
	return special(spm, spm->model.bos_id);
}

uint32_t ct_spm_unk(const struct ct_spm *spm)
{
	size_t i = 0;

	while (spm->model.pieces[i].type != CT_SPM_PIECE_UNKNOWN)
		i++;
	return i;
}

const void *ct_spm_proto(const struct ct_spm *spm, size_t *len)
{
	*len = spm->proto.n;
	return spm->proto.data;
}

size_t ct_spm_added_list(const struct ct_spm *spm,
			 const struct ct_spm_added **added)
{
	*added = spm->added;
	return spm->n_added;
}
