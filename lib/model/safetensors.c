// SPDX-License-Identifier: MIT
#include "model/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/le.h"

#define METADATA	"__metadata__"

static const struct {
	const char *name;
	uint32_t bytes;
	enum ct_dtype dtype;
} dtypes[] = {
	{ "F32", 4, CT_F32 },	    { "F16", 2, CT_F16 },
	{ "BF16", 2, CT_BF16 },	    { "I8", 1, CT_I8 },
	{ "F64", 8, CT_OPAQUE },    { "I64", 8, CT_OPAQUE },
	{ "I32", 4, CT_OPAQUE },    { "I16", 2, CT_OPAQUE },
	{ "U64", 8, CT_OPAQUE },    { "U32", 4, CT_OPAQUE },
	{ "U16", 2, CT_OPAQUE },    { "U8", 1, CT_OPAQUE },
	{ "BOOL", 1, CT_OPAQUE },   { "F8_E5M2", 1, CT_OPAQUE },
	{ "F8_E4M3", 1, CT_OPAQUE },
};

static int parse_dtype(const cJSON *entry, struct ct_tensor *t,
		       uint32_t *bytes, struct ct_err *err)
{
	const char *name = NULL;
	int code = ct_json_string_opt(entry, "dtype", &name, err);

	if (code)
		return code;
	if (!name)
		return ct_fail(err, -EBADMSG, "\"dtype\" is missing");
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
		if (strcmp(name, dtypes[i].name))
			continue;
		t->dtype = dtypes[i].dtype;
		t->type_name = dtypes[i].name;
		*bytes = dtypes[i].bytes;
		return 0;
	}
	return ct_fail(err, -ENOTSUP, "unknown dtype \"%s\"",
		       ct_show(name, strlen(name)).s);
}

static int parse_shape(const cJSON *entry, struct ct_tensor *t,
		       struct ct_err *err)
{
	const cJSON *shape, *dim;
	int code = ct_json_find(entry, "shape", &shape, err);

	if (code)
		return code;
	if (!cJSON_IsArray(shape))
		return ct_fail(err, -EBADMSG,
			       "\"shape\" is missing or not a list");
	cJSON_ArrayForEach(dim, shape) {
		if (t->ndim == CT_MAX_DIMS)
			return ct_fail(err, -ENOTSUP,
				       "more than %d dimensions", CT_MAX_DIMS);
		code = ct_json_u64(dim, "a dimension", &t->shape[t->ndim++],
				   err);
		if (code)
			return code;
	}
	return 0;
}

static int parse_offsets(const cJSON *entry, uint64_t at[2],
			 struct ct_err *err)
{
	const cJSON *offsets, *item;
	int n = 0, code;

	code = ct_json_find(entry, "data_offsets", &offsets, err);
	if (code)
		return code;
	if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2)
		return ct_fail(err, -EBADMSG,
			       "\"data_offsets\" is missing or not a pair");
	cJSON_ArrayForEach(item, offsets) {
		code = ct_json_u64(item, "a data offset", &at[n++], err);
		if (code)
			return code;
	}
	if (at[0] > at[1])
		return ct_fail(err, -EBADMSG,
			       "\"data_offsets\" end before they begin");
	return 0;
}

static int parse_tensor(const cJSON *entry, uint64_t data_start,
			uint64_t file_size, uint32_t index,
			struct ct_tensors *table, struct ct_err *err)
{
	struct ct_tensor t = { .file = index };
	uint64_t room = file_size - data_start, at[2];
	uint32_t bytes = 0;
	int code;

	if (!cJSON_IsObject(entry))
		return ct_fail(err, -EBADMSG, "not a JSON object");
	code = parse_dtype(entry, &t, &bytes, err);
	if (!code)
		code = parse_shape(entry, &t, err);
	if (!code)
		code = parse_offsets(entry, at, err);
	if (!code)
		code = ct_tensor_measure(&t, 1, bytes, err);
	if (code)
		return code;
	if (t.nbytes != at[1] - at[0])
		return ct_fail(err, -EBADMSG, "%s of shape %s is %" PRIu64
			       " bytes, but its offsets span %" PRIu64,
			       t.type_name, ct_shape_show(t.ndim, t.shape).s,
			       t.nbytes, at[1] - at[0]);
	if (at[1] > room)
		return ct_fail(err, -EBADMSG, "its bytes end at %" PRIu64
			       ", but the file has %" PRIu64
			       " bytes: it is truncated",
			       data_start + at[1], file_size);
	t.offset = data_start + at[0];
	return ct_tensors_add(table, &t, entry->string, strlen(entry->string),
			      err);
}

static int by_offset(const void *a, const void *b)
{
	const struct ct_tensor *x = *(const struct ct_tensor *const *)a;
	const struct ct_tensor *y = *(const struct ct_tensor *const *)b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	/* Empty tensors before the one that begins where they are. */
	return (x->nbytes > y->nbytes) - (x->nbytes < y->nbytes);
}

/* The tensors from @first on tile [data_start, file_size). */
static int check_tiling(const struct ct_tensors *table, size_t first,
			uint64_t data_start, uint64_t file_size,
			struct ct_err *err)
{
	size_t n = table->n - first;
	const struct ct_tensor **order;
	uint64_t at = data_start;
	int code = 0;

	if (!n)
		return ct_fail(err, -EBADMSG, "the header names no tensor");
	order = malloc(n * sizeof(*order));
	if (!order)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		order[i] = &table->v[first + i];
	qsort(order, n, sizeof(*order), by_offset);

	for (size_t i = 0; i < n && !code; i++) {
		if (order[i]->offset != at)
			code = ct_fail(err, -EBADMSG,
				       "tensor %s begins at byte %" PRIu64
				       " of the file, where the one before it %s %"
				       PRIu64,
				       ct_show(order[i]->name,
					       strlen(order[i]->name)).s,
				       order[i]->offset,
				       order[i]->offset < at ?
				       "overlaps it up to" :
				       "leaves a hole from", at);
		at = order[i]->offset + order[i]->nbytes;
	}
	if (!code && at != file_size)
		code = ct_fail(err, -EBADMSG, "the tensors end at byte %" PRIu64
			       ", but the file has %" PRIu64 " bytes", at,
			       file_size);
	free(order);
	return code;
}

static int take_metadata(cJSON *root, cJSON **metadata, struct ct_err *err)
{
	const cJSON *found;
	int code = ct_json_find(root, METADATA, &found, err);

	if (code)
		return code;
	if (found && !cJSON_IsObject(found))
		return ct_fail(err, -EBADMSG,
			       "\"" METADATA "\" is not a JSON object");
	*metadata = cJSON_DetachItemViaPointer(root, (cJSON *)found);
	return 0;
}

int ct_safetensors_parse(const char *json, size_t len, uint64_t data_start,
			 uint64_t file_size, uint32_t index,
			 struct ct_tensors *table, cJSON **metadata,
			 struct ct_err *err)
{
	size_t first = table->n;
	const cJSON *entry;
	cJSON *root;
	int code;

	if (metadata)
		*metadata = NULL;
	if (data_start > file_size)
		return ct_fail(err, -EBADMSG, "the header passes the file's end");
	code = ct_json_parse(json, len, &root, err);
	if (code) {
		ct_err_prefix(err, "safetensors header");
		return code;
	}
	cJSON_ArrayForEach(entry, root) {
		/* Free text about the file; nothing here depends on it. */
		if (!strcmp(entry->string, METADATA))
			continue;
		code = parse_tensor(entry, data_start, file_size, index, table,
				    err);
		if (code) {
			ct_err_prefix(err, "tensor %s",
				      ct_show(entry->string,
					      strlen(entry->string)).s);
			break;
		}
	}
	if (!code)
		code = check_tiling(table, first, data_start, file_size, err);
	if (!code && metadata)
		code = take_metadata(root, metadata, err);
	cJSON_Delete(root);
	return code;
}

int ct_safetensors_header(const uint8_t prefix[CT_SAFETENSORS_PREFIX],
			  uint64_t file_size, uint64_t *len, struct ct_err *err)
{
	uint64_t n = ct_load_le(prefix, CT_SAFETENSORS_PREFIX);

	if (n > file_size - CT_SAFETENSORS_PREFIX)
		return ct_fail(err, -EBADMSG, "the header should have %" PRIu64
			       " bytes, but the file has only %" PRIu64
			       ": truncated, or not a safetensors file",
			       n, file_size);
	if (n > CT_SAFETENSORS_HEADER_MAX)
		return ct_fail(err, -E2BIG, "a header of %" PRIu64
			       " bytes is beyond the format's limit of %u", n,
			       CT_SAFETENSORS_HEADER_MAX);
	*len = n;
	return 0;
}

static int load(const struct ct_file *file, uint32_t index,
		struct ct_tensors *table, struct ct_err *err)
{
	uint8_t head[CT_SAFETENSORS_PREFIX];
	uint64_t len = 0;
	char *json;
	int code;

	if (file->size < sizeof(head))
		return ct_fail(err, -EBADMSG,
			       "%" PRIu64 " bytes are too few for a safetensors file",
			       file->size);
	code = ct_file_read(file, head, sizeof(head), 0, err);
	if (!code)
		code = ct_safetensors_header(head, file->size, &len, err);
	if (code)
		return code;
	json = malloc((size_t)len + 1);
	if (!json)
		return ct_fail(err, -ENOMEM, "out of memory for a header of %"
			       PRIu64 " bytes", len);
	code = ct_file_read(file, json, (size_t)len, sizeof(head), err);
	if (!code)
		code = ct_safetensors_parse(json, (size_t)len,
					    sizeof(head) + len, file->size,
					    index, table, NULL, err);
	free(json);
	return code;
}

int ct_safetensors_load(const struct ct_files *files, uint32_t index,
			struct ct_tensors *table, struct ct_err *err)
{
	const struct ct_file *file = &files->v[index];
	int code = load(file, index, table, err);

	if (code)
		ct_file_prefix(file, err);
	return code;
}
