/* SPDX-License-Identifier: MIT */
/*
 * The table of tensors that a model's files hold.
 *
 * Whoever fills it (safetensors.c, gguf.c) has checked each entry: shape and
 * type give nbytes without overflow, the bytes lie inside the file, and no
 * two tensors of a file share a byte. So readers need no checks of their own.
 */
#ifndef CT_MODEL_TENSOR_H
#define CT_MODEL_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/dtype.h"

#define CT_MAX_DIMS	4
#define CT_MAX_TENSORS	(1u << 20)

struct ct_tensor {
	const char *name;	/* the table's */
	const char *type_name;	/* as the file says, "Q6_K"; static */
	enum ct_dtype dtype;
	uint32_t ndim;
	uint64_t shape[CT_MAX_DIMS];	/* row-major, outermost first */
	uint64_t n_elems;
	uint64_t nbytes;
	uint32_t file;		/* index into the model's files */
	uint64_t offset;	/* in that file */
};

struct ct_tensors {
	struct ct_tensor *v;
	size_t n, cap;
};

/*
 * Append a tensor, copying its name (@len bytes, no NUL among them: -EBADMSG).
 * Shape and sizes are the caller's to check.
 */
int ct_tensors_add(struct ct_tensors *table, const struct ct_tensor *tensor,
		   const char *name, size_t len, struct ct_err *err);

/* Sort by name and find duplicates (-EBADMSG). Needed before _find(). */
int ct_tensors_sort(struct ct_tensors *table, struct ct_err *err);

/* The tensor of this name, or NULL. */
const struct ct_tensor *ct_tensors_find(const struct ct_tensors *table,
					const char *name);

void ct_tensors_free(struct ct_tensors *table);

/*
 * Fill n_elems and nbytes from shape and a block of @block elements in
 * @block_bytes bytes. -EBADMSG when a product overflows or the innermost
 * dimension is not whole blocks.
 */
int ct_tensor_measure(struct ct_tensor *tensor, uint32_t block,
		      uint32_t block_bytes, struct ct_err *err);

/* "[50257, 768]" for messages. */
struct ct_shape_text {
	char s[96];
};
struct ct_shape_text ct_shape_show(uint32_t ndim, const uint64_t *shape);

#endif
