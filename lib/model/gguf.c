// SPDX-License-Identifier: MIT
#include "model/gguf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/ggml_type.h"
#include "model/le.h"

#define READ_AHEAD	(256u << 10)

/* A place in the header, which is read from the file as the place moves. */
struct cursor {
	const struct ct_file *file;
	struct ct_gguf *gguf;	/* header and header_len grow */
	size_t cap;
	uint64_t pos;
};

static const uint8_t type_bytes[CT_GGUF_N_TYPES] = {
	[CT_GGUF_U8] = 1,   [CT_GGUF_I8] = 1,	[CT_GGUF_U16] = 2,
	[CT_GGUF_I16] = 2,  [CT_GGUF_U32] = 4,	[CT_GGUF_I32] = 4,
	[CT_GGUF_F32] = 4,  [CT_GGUF_BOOL] = 1, [CT_GGUF_U64] = 8,
	[CT_GGUF_I64] = 8,  [CT_GGUF_F64] = 8,
};

/*
 * Make the next @n bytes (beyond pos) present in memory. The file is read in
 * growing steps: its header may be 100 bytes or 50 MB, and says so nowhere.
 */
static int need(struct cursor *c, uint64_t n, struct ct_err *err)
{
	struct ct_gguf *g = c->gguf;
	uint64_t end, want;
	uint8_t *buf;
	int code;

	if (n > c->file->size - c->pos)
		return ct_fail(err, -EBADMSG, "the header passes the file's end at "
			       "byte %" PRIu64 ": truncated, or malformed at byte %"
			       PRIu64, c->file->size, c->pos);
	end = c->pos + n;
	if (end <= g->header_len)
		return 0;
	if (end > CT_GGUF_HEADER_MAX)
		return ct_fail(err, -E2BIG, "a header beyond %u MiB",
			       CT_GGUF_HEADER_MAX >> 20);
	want = end + READ_AHEAD + g->header_len;
	if (want > c->file->size)
		want = c->file->size;
	if (want > c->cap) {
		buf = realloc(g->header, want);
		if (!buf)
			return ct_fail(err, -ENOMEM, "out of memory for a "
				       "header of %" PRIu64 " bytes", want);
		g->header = buf;
		c->cap = want;
	}
	code = ct_file_read(c->file, g->header + g->header_len,
			    want - g->header_len, g->header_len, err);
	if (!code)
		g->header_len = want;
	return code;
}

static int take(struct cursor *c, unsigned int bytes, uint64_t *v, struct ct_err *err)
{
	int code = need(c, bytes, err);

	if (code)
		return code;
	*v = ct_load_le(c->gguf->header + c->pos, bytes);
	c->pos += bytes;
	return 0;
}

/* A string: its position in the header and its length. */
static int take_string(struct cursor *c, size_t *at, size_t *len,
		       struct ct_err *err)
{
	uint64_t n;
	int code = take(c, 8, &n, err);

	if (!code)
		code = need(c, n, err);
	if (code)
		return code;
	*at = c->pos;
	*len = n;
	c->pos += n;
	return 0;
}

static int skip_values(struct cursor *c, enum ct_gguf_type type, uint64_t n,
		       struct ct_err *err)
{
	uint64_t bytes;
	size_t at, len;
	int code;

	if (type != CT_GGUF_STRING) {
		if (__builtin_mul_overflow(n, (uint64_t)type_bytes[type],
					   &bytes))
			bytes = UINT64_MAX;
		code = need(c, bytes, err);
		if (code)
			return code;
		if (type == CT_GGUF_BOOL)
			for (uint64_t i = 0; i < n; i++)
				if (c->gguf->header[c->pos + i] > 1)
					return ct_fail(err, -EBADMSG,
						       "a truth value is neither 0 nor 1");
		c->pos += bytes;
		return 0;
	}
	for (uint64_t i = 0; i < n; i++) {
		code = take_string(c, &at, &len, err);
		if (code)
			return code;
	}
	return 0;
}

static int take_type(struct cursor *c, enum ct_gguf_type *type,
		     struct ct_err *err)
{
	uint64_t v = 0;
	int code = take(c, 4, &v, err);

	if (!code && v >= CT_GGUF_N_TYPES)
		return ct_fail(err, -EBADMSG, "unknown value type %" PRIu64, v);
	*type = (enum ct_gguf_type)v;
	return code;
}

static int take_kv(struct cursor *c, struct ct_gguf_kv *kv, struct ct_err *err)
{
	int code;

	code = take_type(c, &kv->type, err);
	if (code)
		return code;
	kv->n = 1;
	kv->is_array = kv->type == CT_GGUF_ARRAY;
	if (kv->is_array) {
		code = take_type(c, &kv->type, err);
		if (code)
			return code;
		if (kv->type == CT_GGUF_ARRAY)
			return ct_fail(err, -ENOTSUP,
				       "arrays of arrays are not supported");
		code = take(c, 8, &kv->n, err);
		if (code)
			return code;
	}
	kv->value = c->pos;
	code = skip_values(c, kv->type, kv->n, err);
	kv->end = c->pos;
	return code;
}

static int take_kvs(struct cursor *c, uint64_t n, struct ct_err *err)
{
	struct ct_gguf *g = c->gguf;
	int code;

	if (n > CT_GGUF_KEYS_MAX)
		return ct_fail(err, -E2BIG, "%" PRIu64
			       " metadata keys, more than the limit of %u", n,
			       CT_GGUF_KEYS_MAX);
	/* One more, as calloc(0) may be NULL. */
	g->kv = calloc(n + 1, sizeof(*g->kv));
	if (!g->kv)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (; g->n_kv < n; g->n_kv++) {
		struct ct_gguf_kv *kv = &g->kv[g->n_kv];

		code = take_string(c, &kv->key, &kv->key_len, err);
		if (code)
			return code;
		code = take_kv(c, kv, err);
		if (code) {
			ct_err_prefix(err, "metadata key %s",
				      ct_show((char *)g->header + kv->key,
					      kv->key_len).s);
			return code;
		}
	}
	return 0;
}

static int by_key(const void *a, const void *b, void *header)
{
	const struct ct_gguf_kv *x = a, *y = b;
	const char *h = header;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int cmp = memcmp(h + x->key, h + y->key, n);

	return cmp ? cmp : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int sort_kvs(struct ct_gguf *g, struct ct_err *err)
{
	qsort_r(g->kv, g->n_kv, sizeof(*g->kv), by_key, g->header);
	for (size_t i = 1; i < g->n_kv; i++)
		if (!by_key(&g->kv[i - 1], &g->kv[i], g->header))
			return ct_fail(err, -EBADMSG,
				       "metadata key %s occurs twice",
				       ct_show((char *)g->header + g->kv[i].key,
					       g->kv[i].key_len).s);
	return 0;
}

static int take_alignment(struct ct_gguf *g, struct ct_err *err)
{
	uint64_t v = 32;
	int code = ct_gguf_u64_opt(g, "general.alignment", &v, err);

	if (code)
		return code;
	if (v == 0 || v > 1u << 20 || (v & (v - 1)))
		return ct_fail(err, -EBADMSG, "general.alignment is %" PRIu64
			       ", which is not a power of two up to 1 MiB", v);
	g->alignment = (uint32_t)v;
	return 0;
}

/* Everything of an entry but its name; the offset still counts from 0. */
static int take_tensor(struct cursor *c, struct ct_tensor *t,
		       struct ct_err *err)
{
	const struct ct_ggml_type *type;
	uint64_t v = 0;
	int code;

	code = take(c, 4, &v, err);
	if (code)
		return code;
	if (v < 1 || v > CT_MAX_DIMS)
		return ct_fail(err, -EBADMSG, "%" PRIu64 " dimensions", v);
	t->ndim = (uint32_t)v;
	/* The file has the innermost dimension first. */
	for (uint32_t i = t->ndim; i-- > 0;) {
		code = take(c, 8, &t->shape[i], err);
		if (code)
			return code;
		if (t->shape[i] == 0)
			return ct_fail(err, -EBADMSG, "a dimension is 0");
	}
	code = take(c, 4, &v, err);
	if (code)
		return code;
	type = ct_ggml_type((uint32_t)v);
	if (!type)
		return ct_fail(err, -ENOTSUP, "unknown tensor type %" PRIu64, v);
	t->dtype = type->dtype;
	t->type_name = type->name;
	code = ct_tensor_measure(t, type->block, type->block_bytes, err);
	return code ? code : take(c, 8, &t->offset, err);
}

static int take_tensors(struct cursor *c, uint64_t n, uint32_t index,
			struct ct_tensors *table, struct ct_err *err)
{
	int code;

	for (uint64_t i = 0; i < n; i++) {
		struct ct_tensor t = { .file = index };
		size_t at, len;
		const char *name;

		code = take_string(c, &at, &len, err);
		if (code)
			return code;
		code = take_tensor(c, &t, err);
		name = (char *)c->gguf->header + at;
		if (!code && t.offset % c->gguf->alignment)
			code = ct_fail(err, -EBADMSG, "offset %" PRIu64
				       " is not a multiple of the alignment %u",
				       t.offset, c->gguf->alignment);
		if (code)
			ct_err_prefix(err, "tensor %s", ct_show(name, len).s);
		else
			code = ct_tensors_add(table, &t, name, len, err);
		if (code)
			return code;
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct ct_tensor *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Offsets become positions in the file, and must not overlap or pass its end. */
static int place_tensors(const struct cursor *c, struct ct_tensors *table,
			 size_t first, struct ct_err *err)
{
	uint64_t align = c->gguf->alignment, at;
	uint64_t start = (c->pos + align - 1) / align * align;

	if (table->n == first)
		return 0;
	qsort(table->v + first, table->n - first, sizeof(*table->v), by_offset);
	at = start;
	for (size_t i = first; i < table->n; i++) {
		struct ct_tensor *t = &table->v[i];
		struct ct_shown name = ct_show(t->name, strlen(t->name));
		uint64_t end;

		if (__builtin_add_overflow(t->offset, start, &t->offset) ||
		    __builtin_add_overflow(t->offset, t->nbytes, &end) ||
		    end > c->file->size)
			return ct_fail(err, -EBADMSG,
				       "tensor %s: its %" PRIu64
				       " bytes pass the end of the file, which has %"
				       PRIu64 " bytes: it is truncated", name.s,
				       t->nbytes, c->file->size);
		if (t->offset < at)
			return ct_fail(err, -EBADMSG,
				       "tensor %s overlaps the one before it",
				       name.s);
		at = end;
	}
	return 0;
}

static int take_head(struct cursor *c, uint64_t *n_tensors, uint64_t *n_kv,
		     struct ct_err *err)
{
	uint64_t v = 0;
	int code;

	code = take(c, 4, &v, err);
	if (!code && v != 0x46554747)	/* "GGUF" */
		return ct_fail(err, -EBADMSG, "not a GGUF file");
	if (!code)
		code = take(c, 4, &v, err);
	if (code)
		return code;
	if ((v & 0xffff) == 0 && v)
		return ct_fail(err, -ENOTSUP, "big-endian GGUF is not supported");
	if (v != 2 && v != 3)
		return ct_fail(err, -ENOTSUP, "GGUF version %" PRIu64
			       " is not supported (2 and 3 are)", v);
	c->gguf->version = (uint32_t)v;
	code = take(c, 8, n_tensors, err);
	return code ? code : take(c, 8, n_kv, err);
}

static int load(struct cursor *c, uint32_t index, struct ct_tensors *table,
		struct ct_err *err)
{
	size_t first = table->n;
	uint64_t n_tensors = 0, n_kv = 0;
	int code;

	code = take_head(c, &n_tensors, &n_kv, err);
	if (!code)
		code = take_kvs(c, n_kv, err);
	if (!code)
		code = sort_kvs(c->gguf, err);
	if (!code)
		code = take_alignment(c->gguf, err);
	if (!code)
		code = take_tensors(c, n_tensors, index, table, err);
	if (!code)
		code = place_tensors(c, table, first, err);
	return code ? code : ct_tensors_sort(table, err);
}

int ct_gguf_probe(const struct ct_file *file, bool *is_gguf,
		  struct ct_err *err)
{
	char magic[4];
	int code;

	*is_gguf = false;
	if (file->size < sizeof(magic))
		return 0;
	code = ct_file_read(file, magic, sizeof(magic), 0, err);
	if (!code)
		*is_gguf = !memcmp(magic, "GGUF", sizeof(magic));
	return code;
}

int ct_gguf_load(const struct ct_files *files, uint32_t index,
		 struct ct_gguf *gguf, struct ct_tensors *table,
		 struct ct_err *err)
{
	struct cursor c = { .file = &files->v[index], .gguf = gguf };
	uint8_t *fit;
	int code;

	memset(gguf, 0, sizeof(*gguf));
	code = load(&c, index, table, err);
	if (code) {
		ct_file_prefix(c.file, err);
		ct_gguf_free(gguf);
		return code;
	}
	/* Give back what was read ahead; positions stay good. */
	gguf->header_len = c.pos;
	fit = realloc(gguf->header, c.pos);
	if (fit)
		gguf->header = fit;
	return 0;
}

void ct_gguf_free(struct ct_gguf *gguf)
{
	free(gguf->header);
	free(gguf->kv);
	memset(gguf, 0, sizeof(*gguf));
}
