/* SPDX-License-Identifier: MIT */
/*
 * safetensors: a little-endian u64 header length, a JSON header of that
 * length, and the tensors' bytes, which must tile the rest of the file
 * without hole or overlap, as the format's own library demands.
 */
#ifndef CT_MODEL_SAFETENSORS_H
#define CT_MODEL_SAFETENSORS_H

#include "base/file.h"
#include "base/json.h"
#include "model/tensor.h"

/* The format's own limit. */
#define CT_SAFETENSORS_HEADER_MAX	100000000u

/*
 * Add the tensors of file @index to the table (which the caller sorts, to
 * find names that occur in two shards). On error the table holds some of
 * them: free it.
 */
int ct_safetensors_load(const struct ct_files *files, uint32_t index,
			struct ct_tensors *table, struct ct_err *err);

/* What a file of @file_size bytes begins with. */
#define CT_SAFETENSORS_PREFIX	8u

/* From those first bytes the header's length; it lies inside the file. */
int ct_safetensors_header(const uint8_t prefix[CT_SAFETENSORS_PREFIX],
			  uint64_t file_size, uint64_t *len, struct ct_err *err);

/*
 * The header alone, @len bytes of JSON; tensor bytes begin at @data_start of
 * a file of @file_size bytes. @metadata, unless NULL, receives the object
 * "__metadata__" or NULL where there is none; free it with cJSON_Delete().
 */
int ct_safetensors_parse(const char *json, size_t len, uint64_t data_start,
			 uint64_t file_size, uint32_t index,
			 struct ct_tensors *table, cJSON **metadata,
			 struct ct_err *err);

#endif
