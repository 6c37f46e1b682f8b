// SPDX-License-Identifier: MIT
#include "model/tensor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int ct_tensors_add(struct ct_tensors *table, const struct ct_tensor *tensor,
		   const char *name, size_t len, struct ct_err *err)
{
	char *copy;

	if (len == 0 || memchr(name, '\0', len))
		return ct_fail(err, -EBADMSG,
			       "a tensor's name is empty or has a NUL byte in it");
	if (table->n == CT_MAX_TENSORS)
		return ct_fail(err, -E2BIG, "more than %u tensors",
			       CT_MAX_TENSORS);
	if (table->n == table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 64;
		struct ct_tensor *v = realloc(table->v, cap * sizeof(*v));

		if (!v)
			return ct_fail(err, -ENOMEM,
				       "out of memory for %zu tensors", cap);
		table->v = v;
		table->cap = cap;
	}
	copy = malloc(len + 1);
	if (!copy)
		return ct_fail(err, -ENOMEM, "out of memory");
	memcpy(copy, name, len);
	copy[len] = '\0';
	table->v[table->n] = *tensor;
	table->v[table->n++].name = copy;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct ct_tensor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int ct_tensors_sort(struct ct_tensors *table, struct ct_err *err)
{
	if (!table->n)
		return 0;
	qsort(table->v, table->n, sizeof(*table->v), by_name);
	for (size_t i = 1; i < table->n; i++) {
		const char *name = table->v[i].name;

		if (!strcmp(table->v[i - 1].name, name))
			return ct_fail(err, -EBADMSG,
				       "tensor %s occurs twice",
				       ct_show(name, strlen(name)).s);
	}
	return 0;
}

const struct ct_tensor *ct_tensors_find(const struct ct_tensors *table,
					const char *name)
{
	struct ct_tensor key = { .name = name };

	if (!table->n)
		return NULL;
	return bsearch(&key, table->v, table->n, sizeof(key), by_name);
}

void ct_tensors_free(struct ct_tensors *table)
{
	for (size_t i = 0; i < table->n; i++)
		free((char *)table->v[i].name);
	free(table->v);
	memset(table, 0, sizeof(*table));
}

int ct_tensor_measure(struct ct_tensor *tensor, uint32_t block,
		      uint32_t block_bytes, struct ct_err *err)
{
	uint64_t inner = tensor->ndim ? tensor->shape[tensor->ndim - 1] : 1;
	uint64_t n = 1, bytes;

	for (uint32_t i = 0; i < tensor->ndim; i++)
		if (__builtin_mul_overflow(n, tensor->shape[i], &n))
			goto overflow;
	if (inner % block)
		return ct_fail(err, -EBADMSG,
			       "rows of %" PRIu64
			       " elements are not whole %s blocks of %u",
			       inner, tensor->type_name, block);
	if (__builtin_mul_overflow(n / block, (uint64_t)block_bytes, &bytes) ||
	    n > INT64_MAX || bytes > INT64_MAX)
		goto overflow;
	tensor->n_elems = n;
	tensor->nbytes = bytes;
	return 0;
overflow:
	return ct_fail(err, -EBADMSG, "shape %s is impossibly large",
		       ct_shape_show(tensor->ndim, tensor->shape).s);
}

struct ct_shape_text ct_shape_show(uint32_t ndim, const uint64_t *shape)
{
	struct ct_shape_text out = { "[" };
	size_t at = 1;

	for (uint32_t i = 0; i < ndim && i < CT_MAX_DIMS; i++)
		at += (size_t)snprintf(out.s + at, sizeof(out.s) - at,
				       i ? ", %" PRIu64 : "%" PRIu64, shape[i]);
	snprintf(out.s + at, sizeof(out.s) - at, "]");
	return out;
}
