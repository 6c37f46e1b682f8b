// SPDX-License-Identifier: MIT
#include "text/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ct_array_grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16, bytes;
	void *old, *p;

	if (need <= *cap)
		return 0;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return -ENOMEM;
		want *= 2;
	}
	if (__builtin_mul_overflow(want, size, &bytes))
		return -ENOMEM;

	memcpy(&old, array, sizeof(old));
	p = realloc(old, bytes);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*cap = want;
	return 0;
}

int ct_buf_reserve(struct ct_buf *buf, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(buf->n, more, &need))
		return -ENOMEM;
	return ct_array_grow(&buf->data, &buf->cap, need, 1);
}

int ct_buf_append(struct ct_buf *buf, const void *data, size_t len)
{
	int ret;

	if (!len)
		return 0;
	ret = ct_buf_reserve(buf, len);
	if (ret)
		return ret;
	memcpy(buf->data + buf->n, data, len);
	buf->n += len;
	return 0;
}

void ct_buf_free(struct ct_buf *buf)
{
	free(buf->data);
	*buf = (struct ct_buf){ 0 };
}

int ct_ids_reserve(struct ct_ids *ids, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(ids->n, more, &need))
		return -ENOMEM;
	return ct_array_grow(&ids->data, &ids->cap, need, sizeof(*ids->data));
}

int ct_ids_append(struct ct_ids *ids, uint32_t id)
{
	int ret;

	if (ids->n == ids->cap) {
		ret = ct_ids_reserve(ids, 1);
		if (ret)
			return ret;
	}
	ids->data[ids->n++] = id;
	return 0;
}

int ct_ids_append_all(struct ct_ids *ids, const struct ct_ids *more)
{
	if (!more->n)
		return 0;
	if (ct_ids_reserve(ids, more->n))
		return -ENOMEM;
	memcpy(ids->data + ids->n, more->data, more->n * sizeof(*more->data));
	ids->n += more->n;
	return 0;
}

void ct_ids_free(struct ct_ids *ids)
{
	free(ids->data);
	*ids = (struct ct_ids){ 0 };
}
