/* SPDX-License-Identifier: MIT */
/*
 * GGUF, versions 2 and 3 (little-endian): key-value metadata and a table of
 * tensors, both at the head of the file, then the tensors, each aligned.
 *
 * The header is read once, into memory that lives as long as the struct, and
 * checked whole: types, lengths and counts against the file's size, keys and
 * names for duplicates, tensor bytes for alignment, end and overlap. Strings
 * handed out point into it and are not NUL-terminated.
 */
#ifndef CT_MODEL_GGUF_H
#define CT_MODEL_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "model/tensor.h"

#define CT_GGUF_KEYS_MAX	65536u
#define CT_GGUF_HEADER_MAX	(256u << 20)

enum ct_gguf_type {
	CT_GGUF_U8, CT_GGUF_I8, CT_GGUF_U16, CT_GGUF_I16, CT_GGUF_U32,
	CT_GGUF_I32, CT_GGUF_F32, CT_GGUF_BOOL, CT_GGUF_STRING, CT_GGUF_ARRAY,
	CT_GGUF_U64, CT_GGUF_I64, CT_GGUF_F64,
	CT_GGUF_N_TYPES
};

struct ct_str {
	const char *ptr;
	size_t len;
};

struct ct_gguf_kv {
	size_t key, key_len;	/* position in the header */
	enum ct_gguf_type type;	/* of an array, its elements' */
	bool is_array;
	uint64_t n;		/* elements; 1 when not an array */
	size_t value;		/* position of the first element */
	size_t end;		/* and behind the last */
};

struct ct_gguf {
	uint32_t version;
	uint32_t alignment;
	uint8_t *header;
	size_t header_len;
	struct ct_gguf_kv *kv;	/* sorted by key */
	size_t n_kv;
};

/* Does the file begin as GGUF files do? */
int ct_gguf_probe(const struct ct_file *file, bool *is_gguf,
		  struct ct_err *err);

/*
 * Read and check the header of file @index, and add its tensors to @table,
 * which is sorted then.
 */
int ct_gguf_load(const struct ct_files *files, uint32_t index,
		 struct ct_gguf *gguf, struct ct_tensors *table,
		 struct ct_err *err);
void ct_gguf_free(struct ct_gguf *gguf);

/* Looking up metadata (gguf_kv.c). NULL when there is no such key. */
const struct ct_gguf_kv *ct_gguf_find(const struct ct_gguf *gguf,
				      const char *key);

/*
 * Values of keys that must have a kind of type (-EBADMSG if not). When the
 * key is absent the _opt kinds leave *value alone and return 0, the others
 * return -ENOENT with a sentence. Integers of every width and sign are taken
 * as long as the value is not negative.
 */
int ct_gguf_u64(const struct ct_gguf *gguf, const char *key, uint64_t *value,
		struct ct_err *err);
int ct_gguf_u64_opt(const struct ct_gguf *gguf, const char *key,
		    uint64_t *value, struct ct_err *err);
int ct_gguf_float_opt(const struct ct_gguf *gguf, const char *key,
		      double *value, struct ct_err *err);
int ct_gguf_bool_opt(const struct ct_gguf *gguf, const char *key, bool *value,
		     struct ct_err *err);
int ct_gguf_string_opt(const struct ct_gguf *gguf, const char *key,
		       struct ct_str *value, struct ct_err *err);

/*
 * Arrays, copied into memory to be freed with free(). Absent: *n = 0 and
 * *values = NULL. The strings' bytes are the header's.
 */
int ct_gguf_strings_opt(const struct ct_gguf *gguf, const char *key,
			struct ct_str **values, uint32_t *n,
			struct ct_err *err);
int ct_gguf_i32s_opt(const struct ct_gguf *gguf, const char *key,
		     int32_t **values, uint32_t *n, struct ct_err *err);
int ct_gguf_f32s_opt(const struct ct_gguf *gguf, const char *key,
		     float **values, uint32_t *n, struct ct_err *err);
int ct_gguf_u64s_opt(const struct ct_gguf *gguf, const char *key,
		     uint64_t **values, uint32_t *n, struct ct_err *err);
/* An array of U8, as it lies in the header. */
int ct_gguf_bytes_opt(const struct ct_gguf *gguf, const char *key,
		      struct ct_str *value, struct ct_err *err);

#endif
