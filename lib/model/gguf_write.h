/* SPDX-License-Identifier: MIT */
/*
 * A GGUF v3 header, piece by piece in memory: metadata first, then tensors,
 * whose bytes the caller puts behind it. Running out of memory sticks, and is
 * what ct_gguf_out_end() returns.
 */
#ifndef CT_MODEL_GGUF_WRITE_H
#define CT_MODEL_GGUF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/gguf.h"
#include "text/buf.h"

struct ct_gguf_out {
	struct ct_buf header;
	uint64_t n_kv, n_tensors;
	size_t end;		/* of the tensors, before the zeros */
	bool failed;
};

void ct_gguf_out_begin(struct ct_gguf_out *out);
void ct_gguf_out_free(struct ct_gguf_out *out);

void ct_gguf_put_u32(struct ct_gguf_out *out, const char *key, uint32_t v);
void ct_gguf_put_f32(struct ct_gguf_out *out, const char *key, float v);
void ct_gguf_put_bool(struct ct_gguf_out *out, const char *key, bool v);
void ct_gguf_put_string(struct ct_gguf_out *out, const char *key, const char *v);

/* Returns where in the header the value is, which may be changed later. */
size_t ct_gguf_put_u64(struct ct_gguf_out *out, const char *key, uint64_t v);

void ct_gguf_put_bytes(struct ct_gguf_out *out, const char *key, const void *v,
		       size_t n);
void ct_gguf_put_i32s(struct ct_gguf_out *out, const char *key,
		      const int32_t *v, size_t n);
void ct_gguf_put_f32s(struct ct_gguf_out *out, const char *key, const float *v,
		      size_t n);
void ct_gguf_put_u64s(struct ct_gguf_out *out, const char *key,
		      const uint64_t *v, size_t n);
void ct_gguf_put_strings(struct ct_gguf_out *out, const char *key,
			 const struct ct_str *v, size_t n);

/* A key and its value, as another file has them. */
void ct_gguf_put_copy(struct ct_gguf_out *out, const struct ct_gguf *from,
		      const struct ct_gguf_kv *kv);

/* Numbers of tensor types, of those that are written. */
enum ct_gguf_tensor_type {
	CT_GGUF_TENSOR_F32 = 0,
	CT_GGUF_TENSOR_I8 = 24,
	CT_GGUF_TENSOR_I32 = 26,
};

/* One dimension of @n elements, @offset into the data. After all metadata. */
void ct_gguf_put_tensor(struct ct_gguf_out *out, const char *name, uint64_t n,
			enum ct_gguf_tensor_type type, uint64_t offset);

/* The header with its counts, and zeros up to a multiple of @alignment. */
int ct_gguf_out_end(struct ct_gguf_out *out, uint32_t alignment,
		    struct ct_err *err);

#endif
