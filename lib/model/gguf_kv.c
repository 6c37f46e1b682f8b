// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/gguf.h"
#include "model/le.h"

static const uint8_t *value_of(const struct ct_gguf *gguf,
			       const struct ct_gguf_kv *kv)
{
	return gguf->header + kv->value;
}

const struct ct_gguf_kv *ct_gguf_find(const struct ct_gguf *gguf,
				      const char *key)
{
	size_t len = strlen(key), lo = 0, hi = gguf->n_kv;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ct_gguf_kv *kv = &gguf->kv[mid];
		size_t n = len < kv->key_len ? len : kv->key_len;
		int cmp = memcmp(key, gguf->header + kv->key, n);

		if (!cmp)
			cmp = (len > kv->key_len) - (len < kv->key_len);
		if (!cmp)
			return kv;
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static int wrong_type(const char *key, const char *want, struct ct_err *err)
{
	return ct_fail(err, -EBADMSG, "metadata key %s is not %s", key, want);
}

/* An integer's value as (sign, magnitude bits); false for other types. */
static bool load_int(const uint8_t *p, enum ct_gguf_type type, bool *negative,
		     uint64_t *value)
{
	int64_t s;

	switch (type) {
	case CT_GGUF_U8:
		*value = *p;
		break;
	case CT_GGUF_U16:
		*value = ct_load_le(p, 2);
		break;
	case CT_GGUF_U32:
		*value = ct_load_le(p, 4);
		break;
	case CT_GGUF_U64:
		*value = ct_load_le(p, 8);
		break;
	case CT_GGUF_I8:
		s = (int8_t)*p;
		goto is_signed;
	case CT_GGUF_I16:
		s = (int16_t)ct_load_le(p, 2);
		goto is_signed;
	case CT_GGUF_I32:
		s = (int32_t)ct_load_le(p, 4);
		goto is_signed;
	case CT_GGUF_I64:
		s = (int64_t)ct_load_le(p, 8);
		goto is_signed;
	default:
		return false;
	}
	*negative = false;
	return true;
is_signed:
	*negative = s < 0;
	*value = (uint64_t)s;
	return true;
}

int ct_gguf_u64_opt(const struct ct_gguf *gguf, const char *key,
		    uint64_t *value, struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);
	bool negative;
	uint64_t v;

	if (!kv)
		return 0;
	if (kv->is_array ||
	    !load_int(value_of(gguf, kv), kv->type, &negative, &v))
		return wrong_type(key, "a whole number", err);
	if (negative)
		return ct_fail(err, -EBADMSG, "metadata key %s is negative",
			       key);
	*value = v;
	return 0;
}

int ct_gguf_u64(const struct ct_gguf *gguf, const char *key, uint64_t *value,
		struct ct_err *err)
{
	if (!ct_gguf_find(gguf, key))
		return ct_fail(err, -ENOENT, "metadata key %s is missing", key);
	return ct_gguf_u64_opt(gguf, key, value, err);
}

int ct_gguf_float_opt(const struct ct_gguf *gguf, const char *key,
		      double *value, struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);
	double d;

	if (!kv)
		return 0;
	if (!kv->is_array && kv->type == CT_GGUF_F32) {
		uint32_t bits = (uint32_t)ct_load_le(value_of(gguf, kv), 4);
		float f;

		memcpy(&f, &bits, sizeof(f));
		d = f;
	} else if (!kv->is_array && kv->type == CT_GGUF_F64) {
		uint64_t bits = ct_load_le(value_of(gguf, kv), 8);

		memcpy(&d, &bits, sizeof(d));
	} else {
		return wrong_type(key, "a floating-point number", err);
	}
	if (!isfinite(d))
		return wrong_type(key, "finite", err);
	*value = d;
	return 0;
}

int ct_gguf_bool_opt(const struct ct_gguf *gguf, const char *key, bool *value,
		     struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);

	if (!kv)
		return 0;
	if (kv->is_array || kv->type != CT_GGUF_BOOL)
		return wrong_type(key, "a truth value", err);
	*value = *value_of(gguf, kv) != 0;
	return 0;
}

int ct_gguf_string_opt(const struct ct_gguf *gguf, const char *key,
		       struct ct_str *value, struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);
	const uint8_t *p;

	if (!kv)
		return 0;
	if (kv->is_array || kv->type != CT_GGUF_STRING)
		return wrong_type(key, "a string", err);
	p = value_of(gguf, kv);
	value->len = ct_load_le(p, 8);
	value->ptr = (const char *)p + 8;
	return 0;
}

/* An array of @n elements at most INT32_MAX, or why not. */
static int array_count(const struct ct_gguf_kv *kv, const char *key,
		       uint32_t *n, struct ct_err *err)
{
	if (kv->n > INT32_MAX)
		return ct_fail(err, -E2BIG, "metadata key %s has %" PRIu64
			       " elements", key, kv->n);
	*n = (uint32_t)kv->n;
	return 0;
}

int ct_gguf_strings_opt(const struct ct_gguf *gguf, const char *key,
			struct ct_str **values, uint32_t *n,
			struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);
	struct ct_str *v;
	const uint8_t *p;
	int code;

	*values = NULL;
	*n = 0;
	if (!kv)
		return 0;
	if (!kv->is_array || kv->type != CT_GGUF_STRING)
		return wrong_type(key, "a list of strings", err);
	code = array_count(kv, key, n, err);
	if (code || !*n)
		return code;
	v = malloc(*n * sizeof(*v));
	if (!v)
		return ct_fail(err, -ENOMEM, "out of memory for %u strings",
			       *n);
	p = value_of(gguf, kv);
	for (uint32_t i = 0; i < *n; i++) {
		v[i].len = ct_load_le(p, 8);
		v[i].ptr = (const char *)p + 8;
		p += 8 + v[i].len;
	}
	*values = v;
	return 0;
}

/*
 * The array of a key as elements of @bytes, little-endian in the file and the
 * machine's own in memory; *values is NULL where it is absent or empty.
 */
static int numbers(const struct ct_gguf *gguf, const char *key,
		   enum ct_gguf_type type, enum ct_gguf_type or_type,
		   unsigned int bytes, const char *what, void **values,
		   uint32_t *n, struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);
	const uint8_t *from;
	int code;
	char *v;

	*values = NULL;
	*n = 0;
	if (!kv)
		return 0;
	if (!kv->is_array || (kv->type != type && kv->type != or_type))
		return wrong_type(key, what, err);
	code = array_count(kv, key, n, err);
	if (code || !*n)
		return code;
	v = malloc((size_t)*n * bytes);
	if (!v)
		return ct_fail(err, -ENOMEM, "out of memory for %u numbers", *n);
	from = value_of(gguf, kv);
	for (size_t i = 0; i < *n; i++) {
		uint64_t x = ct_load_le(from + i * bytes, bytes);
		uint32_t low = (uint32_t)x;

		if (bytes == 4)
			memcpy(v + i * bytes, &low, sizeof(low));
		else
			memcpy(v + i * bytes, &x, sizeof(x));
	}
	*values = v;
	return 0;
}

int ct_gguf_i32s_opt(const struct ct_gguf *gguf, const char *key,
		     int32_t **values, uint32_t *n, struct ct_err *err)
{
	void *v;
	int code = numbers(gguf, key, CT_GGUF_I32, CT_GGUF_U32, 4,
			   "a list of 32-bit integers", &v, n, err);

	*values = v;
	return code;
}

int ct_gguf_f32s_opt(const struct ct_gguf *gguf, const char *key,
		     float **values, uint32_t *n, struct ct_err *err)
{
	void *v;
	int code = numbers(gguf, key, CT_GGUF_F32, CT_GGUF_F32, 4,
			   "a list of 32-bit floating-point numbers", &v, n, err);

	*values = v;
	return code;
}

int ct_gguf_u64s_opt(const struct ct_gguf *gguf, const char *key,
		     uint64_t **values, uint32_t *n, struct ct_err *err)
{
	void *v;
	int code = numbers(gguf, key, CT_GGUF_U64, CT_GGUF_U64, 8,
			   "a list of 64-bit integers", &v, n, err);

	*values = v;
	return code;
}

int ct_gguf_bytes_opt(const struct ct_gguf *gguf, const char *key,
		      struct ct_str *value, struct ct_err *err)
{
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, key);

	if (!kv)
		return 0;
	if (!kv->is_array || kv->type != CT_GGUF_U8)
		return wrong_type(key, "a list of bytes", err);
	value->ptr = (const char *)value_of(gguf, kv);
	value->len = kv->n;
	return 0;
}
