// SPDX-License-Identifier: MIT
/*
 * ModelProto in protobuf's wire format. A message is fields; a field is a varint
 * (its number << 3 | its kind) and a value: a varint, four or eight bytes, or a
 * length and as many bytes. Fields not known are passed over, and of one that may
 * stand once the last counts, as protobuf has it. Numbers are those of
 * sentencepiece_model.proto.
 */
#include "text/spm_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/spm.h"
#include "text/utf8.h"

#define PROTO_MAX	(64u << 20)
/* All pieces together: the library's tries grow with it. */
#define NAMES_MAX	(16u << 20)
#define SURFACE_MAX	64
/* The library reads as many matches as it found, but keeps no more of them. */
#define USER_MATCHES_MAX	64

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* ModelProto */
enum {
	PIECES = 1, TRAINER = 2, NORMALIZER = 3, DENORMALIZER = 5,
};

/* ModelProto.SentencePiece */
enum {
	PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3,
};

/* TrainerSpec */
enum {
	MODEL_TYPE = 3, WHITESPACE_SUFFIX = 24, WHITESPACE_ONLY = 26,
	BYTE_FALLBACK = 35, UNK_ID = 40, BOS_ID = 41, EOS_ID = 42, PAD_ID = 43,
	UNK_SURFACE = 44,
};

/* NormalizerSpec */
enum {
	CHARSMAP = 2, DUMMY_PREFIX = 3, REMOVE_EXTRA = 4, ESCAPE = 5,
};

/* What the format has where nothing is said: " \u2047 ". */
static const char unk_surface[] = " \xe2\x81\x87 ";

void ct_spm_model_init(struct ct_spm_model *m)
{
	*m = (struct ct_spm_model){
		.type = CT_SPM_UNIGRAM,
		.unk_id = 0, .bos_id = 1, .eos_id = 2, .pad_id = -1,
		.unk_surface = unk_surface,
		.unk_surface_len = sizeof(unk_surface) - 1,
		.add_dummy_prefix = true,
		.remove_extra_whitespaces = true,
		.escape_whitespaces = true,
	};
}

void ct_spm_model_free(struct ct_spm_model *m)
{
	free(m->pieces);
	m->pieces = NULL;
	m->n = m->cap = 0;
}

int ct_spm_model_add(struct ct_spm_model *m, const char *text, size_t len,
		     float score, uint32_t type, struct ct_err *err)
{
	if (m->n >= CT_SPM_MAX_IDS)
		return ct_fail(err, -E2BIG,
			       "a SentencePiece model of more than %u pieces",
			       CT_SPM_MAX_IDS);
	if (len > CT_SPM_MAX_NAME)
		return ct_fail(err, -E2BIG,
			       "piece %zu has %zu bytes; at most %u are supported",
			       m->n, len, CT_SPM_MAX_NAME);
	if (ct_array_grow(&m->pieces, &m->cap, m->n + 1, sizeof(*m->pieces)))
		return ct_fail(err, -ENOMEM, "out of memory for pieces");
	m->pieces[m->n++] = (struct ct_spm_piece){
		.text = text, .len = len, .score = score, .type = type,
	};
	return 0;
}

/* --- reading ---------------------------------------------------------- */

struct reader {
	const unsigned char *p, *end;
	struct ct_err *err;
};

struct field {
	uint64_t number;
	unsigned int kind;
	uint64_t value;			/* VARINT, FIXED32 and FIXED64 */
	const unsigned char *bytes;	/* BYTES */
	size_t len;
};

static int damaged(struct reader *r)
{
	return ct_fail(r->err, -EBADMSG,
		       "not a SentencePiece model, or a damaged one");
}

static int read_varint(struct reader *r, uint64_t *value)
{
	unsigned int shift;

	*value = 0;
	for (shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		unsigned char c = *r->p++;

		*value |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return 0;
	}
	return damaged(r);
}

static int read_fixed(struct reader *r, size_t size, uint64_t *value)
{
	size_t i;

	if ((size_t)(r->end - r->p) < size)
		return damaged(r);
	*value = 0;
	for (i = 0; i < size; i++)
		*value |= (uint64_t)r->p[i] << 8 * i;
	r->p += size;
	return 0;
}

/* Returns 1 for a field, 0 at the end, or what is wrong. */
static int next_field(struct reader *r, struct field *f)
{
	uint64_t key, len;
	int ret;

	if (r->p == r->end)
		return 0;
	ret = read_varint(r, &key);
	if (ret)
		return ret;
	*f = (struct field){ .number = key >> 3, .kind = key & 7 };
	switch (f->kind) {
	case VARINT:
		ret = read_varint(r, &f->value);
		break;
	case FIXED64:
		ret = read_fixed(r, 8, &f->value);
		break;
	case FIXED32:
		ret = read_fixed(r, 4, &f->value);
		break;
	case BYTES:
		ret = read_varint(r, &len);
		if (ret)
			break;
		if (len > (size_t)(r->end - r->p))
			return damaged(r);
		f->bytes = r->p;
		f->len = len;
		r->p += len;
		break;
	default:
		/* Groups, which no version of the format has used. */
		ret = damaged(r);
	}
	return ret ? ret : 1;
}

static struct reader within(const struct reader *r, const struct field *f)
{
	return (struct reader){ f->bytes, f->bytes + f->len, r->err };
}

static bool is(const struct field *f, uint64_t number, unsigned int kind)
{
	return f->number == number && f->kind == kind;
}

static int read_piece(struct ct_spm_model *m, struct reader r)
{
	struct ct_spm_piece piece = { .type = CT_SPM_PIECE_NORMAL };
	size_t len = 0;
	struct field f;
	uint32_t bits;
	int ret;

	while ((ret = next_field(&r, &f)) > 0) {
		if (is(&f, PIECE_TEXT, BYTES)) {
			piece.text = (const char *)f.bytes;
			len = f.len;
		} else if (is(&f, PIECE_SCORE, FIXED32)) {
			bits = f.value;
			memcpy(&piece.score, &bits, sizeof(bits));
		} else if (is(&f, PIECE_TYPE, VARINT)) {
			if (f.value < CT_SPM_PIECE_NORMAL ||
			    f.value > CT_SPM_PIECE_BYTE)
				return damaged(&r);
			piece.type = f.value;
		}
	}
	return ret ? ret : ct_spm_model_add(m, piece.text, len, piece.score,
					    piece.type, r.err);
}

static int read_trainer(struct ct_spm_model *m, struct reader r)
{
	struct field f;
	int ret;

	while ((ret = next_field(&r, &f)) > 0) {
		if (is(&f, MODEL_TYPE, VARINT))
			m->type = f.value;
		else if (is(&f, WHITESPACE_SUFFIX, VARINT))
			m->whitespace_suffix = f.value;
		else if (is(&f, WHITESPACE_ONLY, VARINT))
			m->whitespace_only = f.value;
		else if (is(&f, BYTE_FALLBACK, VARINT))
			m->byte_fallback = f.value;
		else if (is(&f, UNK_ID, VARINT))
			m->unk_id = (int32_t)f.value;
		else if (is(&f, BOS_ID, VARINT))
			m->bos_id = (int32_t)f.value;
		else if (is(&f, EOS_ID, VARINT))
			m->eos_id = (int32_t)f.value;
		else if (is(&f, PAD_ID, VARINT))
			m->pad_id = (int32_t)f.value;
		else if (is(&f, UNK_SURFACE, BYTES)) {
			m->unk_surface = (const char *)f.bytes;
			m->unk_surface_len = f.len;
		}
	}
	return ret;
}

static int read_normalizer(struct ct_spm_model *m, struct reader r)
{
	struct field f;
	int ret;

	while ((ret = next_field(&r, &f)) > 0) {
		if (is(&f, CHARSMAP, BYTES)) {
			m->charsmap = (const char *)f.bytes;
			m->charsmap_len = f.len;
		} else if (is(&f, DUMMY_PREFIX, VARINT)) {
			m->add_dummy_prefix = f.value;
		} else if (is(&f, REMOVE_EXTRA, VARINT)) {
			m->remove_extra_whitespaces = f.value;
		} else if (is(&f, ESCAPE, VARINT)) {
			m->escape_whitespaces = f.value;
		}
	}
	return ret;
}

static int read_denormalizer(struct reader r)
{
	struct field f;
	int ret;

	while ((ret = next_field(&r, &f)) > 0) {
		if (is(&f, CHARSMAP, BYTES) && f.len)
			return ct_fail(r.err, -ENOTSUP,
				       "the SentencePiece model has a denormalizer, which is not supported");
	}
	return ret;
}

int ct_spm_model_parse(struct ct_spm_model *m, const void *data, size_t len,
		       struct ct_err *err)
{
	struct reader r = { data, (const unsigned char *)data + len, err };
	struct field f;
	int ret;

	ct_spm_model_init(m);
	if (len > PROTO_MAX)
		return ct_fail(err, -E2BIG,
			       "a SentencePiece model of %zu bytes; at most %u are supported",
			       len, PROTO_MAX);
	while ((ret = next_field(&r, &f)) > 0) {
		ret = 0;
		if (is(&f, PIECES, BYTES))
			ret = read_piece(m, within(&r, &f));
		else if (is(&f, TRAINER, BYTES))
			ret = read_trainer(m, within(&r, &f));
		else if (is(&f, NORMALIZER, BYTES))
			ret = read_normalizer(m, within(&r, &f));
		else if (is(&f, DENORMALIZER, BYTES))
			ret = read_denormalizer(within(&r, &f));
		if (ret)
			return ret;
	}
	if (!ret && !m->n)
		ret = damaged(&r);
	return ret;
}

/* --- writing ---------------------------------------------------------- */

static int put_varint(struct ct_buf *out, uint64_t value)
{
	unsigned char c[10];
	size_t n = 0;

	do {
		c[n] = value & 0x7f;
		value >>= 7;
		if (value)
			c[n] |= 0x80;
		n++;
	} while (value);
	return ct_buf_append(out, c, n);
}

static int put_number(struct ct_buf *out, unsigned int number, uint64_t value)
{
	int ret = put_varint(out, number << 3 | VARINT);

	return ret ? ret : put_varint(out, value);
}

/* A negative number is written with all its 64 bits. */
static int put_id(struct ct_buf *out, unsigned int number, int32_t id)
{
	return put_number(out, number, (uint64_t)(int64_t)id);
}

static int put_bytes(struct ct_buf *out, unsigned int number,
		     const void *bytes, size_t len)
{
	int ret = put_varint(out, number << 3 | BYTES);

	if (!ret)
		ret = put_varint(out, len);
	return ret ? ret : ct_buf_append(out, bytes, len);
}

static int put_score(struct ct_buf *out, float score)
{
	unsigned char c[5] = { PIECE_SCORE << 3 | FIXED32 };
	uint32_t bits;
	int i;

	memcpy(&bits, &score, sizeof(bits));
	for (i = 0; i < 4; i++)
		c[1 + i] = bits >> 8 * i;
	return ct_buf_append(out, c, sizeof(c));
}

/* Each of these makes the inside of one message. */
static int put_piece(struct ct_buf *out, const struct ct_spm_piece *piece)
{
	int ret = put_bytes(out, PIECE_TEXT, piece->text, piece->len);

	if (!ret)
		ret = put_score(out, piece->score);
	if (!ret && piece->type != CT_SPM_PIECE_NORMAL)
		ret = put_number(out, PIECE_TYPE, piece->type);
	return ret;
}

static int put_trainer(struct ct_buf *out, const struct ct_spm_model *m)
{
	int ret = put_number(out, MODEL_TYPE, m->type);

	if (!ret)
		ret = put_number(out, WHITESPACE_SUFFIX, m->whitespace_suffix);
	if (!ret)
		ret = put_number(out, WHITESPACE_ONLY, m->whitespace_only);
	if (!ret)
		ret = put_number(out, BYTE_FALLBACK, m->byte_fallback);
	if (!ret)
		ret = put_id(out, UNK_ID, m->unk_id);
	if (!ret)
		ret = put_id(out, BOS_ID, m->bos_id);
	if (!ret)
		ret = put_id(out, EOS_ID, m->eos_id);
	if (!ret)
		ret = put_id(out, PAD_ID, m->pad_id);
	if (!ret)
		ret = put_bytes(out, UNK_SURFACE, m->unk_surface,
				m->unk_surface_len);
	return ret;
}

static int put_normalizer(struct ct_buf *out, const struct ct_spm_model *m)
{
	int ret = put_bytes(out, CHARSMAP, m->charsmap, m->charsmap_len);

	if (!ret)
		ret = put_number(out, DUMMY_PREFIX, m->add_dummy_prefix);
	if (!ret)
		ret = put_number(out, REMOVE_EXTRA, m->remove_extra_whitespaces);
	if (!ret)
		ret = put_number(out, ESCAPE, m->escape_whitespaces);
	return ret;
}

/* Put what is in @inside as one field, and empty it. */
static int put_inside(struct ct_buf *out, unsigned int number,
		      struct ct_buf *inside)
{
	int ret = put_bytes(out, number, inside->data, inside->n);

	inside->n = 0;
	return ret;
}

int ct_spm_model_write(const struct ct_spm_model *m, struct ct_buf *out,
		       struct ct_err *err)
{
	struct ct_buf inside = { 0 };
	size_t i, before = out->n;
	int ret = 0;

	for (i = 0; i < m->n && !ret; i++) {
		ret = put_piece(&inside, &m->pieces[i]);
		if (!ret)
			ret = put_inside(out, PIECES, &inside);
	}
	if (!ret)
		ret = put_trainer(&inside, m);
	if (!ret)
		ret = put_inside(out, TRAINER, &inside);
	if (!ret)
		ret = put_normalizer(&inside, m);
	if (!ret)
		ret = put_inside(out, NORMALIZER, &inside);
	ct_buf_free(&inside);
	if (ret)
		return ct_fail(err, ret, "out of memory for a SentencePiece model");
	if (out->n - before > PROTO_MAX)
		return ct_fail(err, -E2BIG,
			       "a SentencePiece model of %zu bytes; at most %u are supported",
			       out->n - before, PROTO_MAX);
	return 0;
}

/* --- checking --------------------------------------------------------- */

int ct_spm_piece_byte(const char *text, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;

	if (len != 6 || memcmp(text, "<0x", 3) || text[5] != '>' || !text[3] ||
	    !text[4])
		return -1;
	high = strchr(digits, text[3]);
	low = strchr(digits, text[4]);
	return high && low ? (high - digits) << 4 | (low - digits) : -1;
}

static int check_piece(const struct ct_spm_model *m, size_t i,
		       struct ct_err *err)
{
	const struct ct_spm_piece *p = &m->pieces[i];

	if (!p->len || memchr(p->text, 0, p->len) ||
	    ct_utf8_valid(p->text, p->len) != p->len)
		return ct_fail(err, -EBADMSG,
			       "piece %zu is empty, has a NUL or is not UTF-8", i);
	if (!isfinite(p->score))
		return ct_fail(err, -EBADMSG,
			       "piece %zu (\"%s\") has a score that is no number",
			       i, ct_show(p->text, p->len).s);
	if (p->type == CT_SPM_PIECE_BYTE &&
	    ct_spm_piece_byte(p->text, p->len) < 0)
		return ct_fail(err, -EBADMSG,
			       "piece %zu (\"%s\") is a byte by its type, but not by its name",
			       i, ct_show(p->text, p->len).s);
	return 0;
}

static int check_pieces(const struct ct_spm_model *m, struct ct_err *err)
{
	size_t i, unknown = 0, names = 0;
	int ret;

	for (i = 0; i < m->n; i++) {
		ret = check_piece(m, i, err);
		if (ret)
			return ret;
		unknown += m->pieces[i].type == CT_SPM_PIECE_UNKNOWN;
		names += m->pieces[i].len;
	}
	if (unknown != 1)
		return ct_fail(err, -EBADMSG,
			       "the SentencePiece model has %zu unknown pieces instead of one",
			       unknown);
	if (names > NAMES_MAX)
		return ct_fail(err, -E2BIG,
			       "the pieces have %zu bytes; at most %u are supported",
			       names, NAMES_MAX);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	const struct ct_spm_piece *x = *(const struct ct_spm_piece *const *)a;
	const struct ct_spm_piece *y = *(const struct ct_spm_piece *const *)b;
	int diff = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return diff ? diff : (x->len > y->len) - (x->len < y->len);
}

static bool begins(const struct ct_spm_piece *text,
		   const struct ct_spm_piece *with)
{
	return with->len <= text->len &&
	       !memcmp(text->text, with->text, with->len);
}

/* How many user-defined pieces, each beginning with the one before, are there? */
static int check_user_pieces(const struct ct_spm_model *m, struct ct_err *err)
{
	const struct ct_spm_piece **user, *open[USER_MATCHES_MAX];
	size_t i, n = 0, depth = 0;
	int ret = 0;

	user = calloc(m->n, sizeof(*user));
	if (!user)
		return ct_fail(err, -ENOMEM, "out of memory for pieces");
	for (i = 0; i < m->n; i++) {
		if (m->pieces[i].type == CT_SPM_PIECE_USER)
			user[n++] = &m->pieces[i];
	}
	/* In this order a text follows its beginnings, with only its kin between. */
	qsort(user, n, sizeof(*user), by_text);
	for (i = 0; i < n && !ret; i++) {
		while (depth && !begins(user[i], open[depth - 1]))
			depth--;
		if (depth == USER_MATCHES_MAX)
			ret = ct_fail(err, -E2BIG,
				      "more than %d user-defined pieces begin one another, up to \"%s\"",
				      USER_MATCHES_MAX,
				      ct_show(user[i]->text, user[i]->len).s);
		else
			open[depth++] = user[i];
	}
	free(user);
	return ret;
}

int ct_spm_model_check(const struct ct_spm_model *m, size_t *growth,
		       struct ct_err *err)
{
	size_t longest = 0;
	int ret;

	if (m->type != CT_SPM_UNIGRAM && m->type != CT_SPM_BPE)
		return ct_fail(err, -ENOTSUP,
			       "a SentencePiece model of type %llu is not supported, only unigram (1) and BPE (2)",
			       (unsigned long long)m->type);
	if (m->unk_surface_len > SURFACE_MAX ||
	    memchr(m->unk_surface, 0, m->unk_surface_len) ||
	    ct_utf8_valid(m->unk_surface, m->unk_surface_len) !=
		    m->unk_surface_len)
		return ct_fail(err, -EBADMSG,
			       "the text for unknown pieces is too long or not UTF-8");
	ret = check_pieces(m, err);
	if (!ret)
		ret = check_user_pieces(m, err);
	if (!ret && m->charsmap_len)
		ret = ct_spm_charsmap_check(m->charsmap, m->charsmap_len,
					    &longest, err);
	/* A bad byte becomes U+FFFD, a space U+2581; both have three bytes. */
	*growth = 3 * (longest ? longest : 1);
	return ret;
}
