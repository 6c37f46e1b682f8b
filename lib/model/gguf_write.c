// SPDX-License-Identifier: MIT
#include "model/gguf_write.h"

#include <errno.h>
#include <string.h>

#define VERSION		3
#define AT_N_TENSORS	8	/* in the header; the count of keys follows */

static void put(struct ct_gguf_out *out, const void *bytes, size_t len)
{
	if (!out->failed && len && ct_buf_append(&out->header, bytes, len))
		out->failed = true;
}

static void put_le(struct ct_gguf_out *out, uint64_t v, unsigned int bytes)
{
	uint8_t le[8];

	for (unsigned int i = 0; i < bytes; i++)
		le[i] = (uint8_t)(v >> 8 * i);
	put(out, le, bytes);
}

static void put_text(struct ct_gguf_out *out, const char *text, size_t len)
{
	put_le(out, len, 8);
	put(out, text, len);
}

static void put_key(struct ct_gguf_out *out, const char *key,
		    enum ct_gguf_type type)
{
	put_text(out, key, strlen(key));
	put_le(out, type, 4);
	out->n_kv++;
}

static void put_array(struct ct_gguf_out *out, const char *key,
		      enum ct_gguf_type type, size_t n)
{
	put_key(out, key, CT_GGUF_ARRAY);
	put_le(out, type, 4);
	put_le(out, n, 8);
}

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

void ct_gguf_out_begin(struct ct_gguf_out *out)
{
	memset(out, 0, sizeof(*out));
	put(out, "GGUF", 4);
	put_le(out, VERSION, 4);
	put_le(out, 0, 8);
	put_le(out, 0, 8);
}

void ct_gguf_out_free(struct ct_gguf_out *out)
{
	ct_buf_free(&out->header);
	memset(out, 0, sizeof(*out));
}

void ct_gguf_put_u32(struct ct_gguf_out *out, const char *key, uint32_t v)
{
	put_key(out, key, CT_GGUF_U32);
	put_le(out, v, 4);
}

void ct_gguf_put_f32(struct ct_gguf_out *out, const char *key, float v)
{
	put_key(out, key, CT_GGUF_F32);
	put_le(out, bits(v), 4);
}

void ct_gguf_put_bool(struct ct_gguf_out *out, const char *key, bool v)
{
	put_key(out, key, CT_GGUF_BOOL);
	put_le(out, v, 1);
}

void ct_gguf_put_string(struct ct_gguf_out *out, const char *key, const char *v)
{
	put_key(out, key, CT_GGUF_STRING);
	put_text(out, v, strlen(v));
}

size_t ct_gguf_put_u64(struct ct_gguf_out *out, const char *key, uint64_t v)
{
	put_key(out, key, CT_GGUF_U64);
	put_le(out, v, 8);
	return out->header.n - 8;
}

void ct_gguf_put_bytes(struct ct_gguf_out *out, const char *key, const void *v,
		       size_t n)
{
	put_array(out, key, CT_GGUF_U8, n);
	put(out, v, n);
}

void ct_gguf_put_i32s(struct ct_gguf_out *out, const char *key,
		      const int32_t *v, size_t n)
{
	put_array(out, key, CT_GGUF_I32, n);
	for (size_t i = 0; i < n; i++)
		put_le(out, (uint32_t)v[i], 4);
}

void ct_gguf_put_f32s(struct ct_gguf_out *out, const char *key, const float *v,
		      size_t n)
{
	put_array(out, key, CT_GGUF_F32, n);
	for (size_t i = 0; i < n; i++)
		put_le(out, bits(v[i]), 4);
}

void ct_gguf_put_u64s(struct ct_gguf_out *out, const char *key,
		      const uint64_t *v, size_t n)
{
	put_array(out, key, CT_GGUF_U64, n);
	for (size_t i = 0; i < n; i++)
		put_le(out, v[i], 8);
}

void ct_gguf_put_strings(struct ct_gguf_out *out, const char *key,
			 const struct ct_str *v, size_t n)
{
	put_array(out, key, CT_GGUF_STRING, n);
	for (size_t i = 0; i < n; i++)
		put_text(out, v[i].ptr, v[i].len);
}

void ct_gguf_put_copy(struct ct_gguf_out *out, const struct ct_gguf *from,
		      const struct ct_gguf_kv *kv)
{
	/* the key's length lies before it, and all of it is in one stretch */
	put(out, from->header + kv->key - 8, kv->end - kv->key + 8);
	out->n_kv++;
}

void ct_gguf_put_tensor(struct ct_gguf_out *out, const char *name, uint64_t n,
			enum ct_gguf_tensor_type type, uint64_t offset)
{
	put_text(out, name, strlen(name));
	put_le(out, 1, 4);
	put_le(out, n, 8);
	put_le(out, type, 4);
	put_le(out, offset, 8);
	out->n_tensors++;
}

int ct_gguf_out_end(struct ct_gguf_out *out, uint32_t alignment,
		    struct ct_err *err)
{
	struct ct_gguf_out counts = { 0 };

	put_le(&counts, out->n_tensors, 8);
	put_le(&counts, out->n_kv, 8);
	if (!out->failed && !counts.failed)
		memcpy(out->header.data + AT_N_TENSORS, counts.header.data, 16);
	out->failed |= counts.failed;
	ct_gguf_out_free(&counts);
	out->end = out->header.n;
	while (!out->failed && out->header.n % alignment)
		put_le(out, 0, 1);
	return out->failed ? ct_fail(err, -ENOMEM, "out of memory") : 0;
}
