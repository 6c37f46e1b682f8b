/* SPDX-License-Identifier: MIT */
/*
 * The weights of a model by role, whatever names the file gives them.
 *
 * Every matrix here has the shape that the config asks for, a type that
 * ct_rows_to_f32() converts, and lies inside its file.
 */
#ifndef CT_MODEL_WEIGHTS_H
#define CT_MODEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/roles.h"
#include "model/tensor.h"

/*
 * y[n_out] = W x[n_in]. For tables n_out counts their rows; a vector has
 * n_in = 1 and is one stored row.
 */
struct ct_matrix {
	struct ct_tensor t;
	uint32_t n_out, n_in;
	bool in_major;		/* stored [in][out] (HF Conv1D), else [out][in] */
};

/* Rows and row length as stored. */
static inline uint32_t ct_matrix_rows(const struct ct_matrix *m)
{
	return m->in_major ? m->n_in : m->n_out;
}

static inline uint32_t ct_matrix_cols(const struct ct_matrix *m)
{
	return m->in_major ? m->n_out : m->n_in;
}

/* A role's outputs, one tensor after the other. */
struct ct_slices {
	struct ct_matrix v[CT_SLICES];
	unsigned int n;
};

struct ct_weights {
	struct ct_config cfg;
	/* [ct_weight_slots()]; those that the model does not have are empty */
	struct ct_slices *slots;
};

/* By role and layer, 0 for roles of no layer. */
size_t ct_weight_slots(const struct ct_config *cfg);
size_t ct_weight_slot(enum ct_role role, uint32_t layer);

enum ct_naming {
	CT_NAMES_HF,	/* "h.0.attn.c_attn.weight", "transformer." or not */
	CT_NAMES_GGUF,	/* "blk.0.attn_qkv.weight"; GPT-2 only */
};

/*
 * Find every weight in the table, which must be sorted. @weights->cfg is set by
 * the caller, but for tied_head with CT_NAMES_GGUF: there the head is tied
 * when output.weight is absent. A missing tensor is -ENOENT and named, a
 * wrong shape -EBADMSG, a type without conversion -ENOTSUP.
 */
int ct_weights_bind(struct ct_weights *weights, const struct ct_tensors *table,
		 enum ct_naming naming, struct ct_err *err);
void ct_weights_free(struct ct_weights *weights);

/* What is stored of a role; @layer counts for roles of a layer only. */
const struct ct_slices *ct_weights_slices(const struct ct_weights *weights,
					  enum ct_role role, uint32_t layer);
/* The first slice, which is all of it where there are no others. */
const struct ct_matrix *ct_weights_matrix(const struct ct_weights *weights,
					  enum ct_role role, uint32_t layer);

/* One weight of the model, as handed to those who stream it. */
struct ct_weight {
	enum ct_role role;
	uint32_t layer;		/* 0 for roles of no layer */
	uint32_t first_out;	/* the role's output that is the slice's first */
	unsigned int pass;	/* 1: for the second time */
	const struct ct_matrix *m;
};

/*
 * All weights in the order of their bytes in the files, each slice for itself, the
 * head only when it is not tied. An array to be freed, with *n entries.
 */
int ct_weights_list(const struct ct_weights *weights, struct ct_weight **list,
		    size_t *n, struct ct_err *err);

#endif
