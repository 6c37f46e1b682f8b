/* SPDX-License-Identifier: MIT */
/*
 * The weights of a GPT-2 by role, whatever names the file gives them.
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
#include "model/config.h"
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

struct ct_layer_weights {
	struct ct_matrix ln_1_gain, ln_1_bias;
	struct ct_matrix qkv, qkv_bias;		/* c_attn: q, k, v in turn */
	struct ct_matrix attn_out, attn_out_bias;
	struct ct_matrix ln_2_gain, ln_2_bias;
	struct ct_matrix fc, fc_bias;
	struct ct_matrix mlp_out, mlp_out_bias;
};

struct ct_weights {
	struct ct_config cfg;
	struct ct_matrix wte, wpe;
	struct ct_matrix ln_f_gain, ln_f_bias;
	struct ct_matrix lm_head;	/* wte again when cfg.tied_head */
	struct ct_layer_weights *layer;	/* cfg.n_layer of them */
};

enum ct_role {
	CT_WTE,
	CT_WPE,
	CT_LN_F_GAIN,
	CT_LN_F_BIAS,
	CT_LM_HEAD,
	/* of a layer */
	CT_LN_1_GAIN,
	CT_LN_1_BIAS,
	CT_QKV,
	CT_QKV_BIAS,
	CT_ATTN_OUT,
	CT_ATTN_OUT_BIAS,
	CT_LN_2_GAIN,
	CT_LN_2_BIAS,
	CT_FC,
	CT_FC_BIAS,
	CT_MLP_OUT,
	CT_MLP_OUT_BIAS,
	CT_N_ROLES
};

#define CT_FIRST_LAYER_ROLE	CT_LN_1_GAIN

enum ct_naming {
	CT_NAMES_HF,	/* "h.0.attn.c_attn.weight", "transformer." or not */
	CT_NAMES_GGUF,	/* "blk.0.attn_qkv.weight" */
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

/* What a role's matrix is in a model of this shape; @n_in is 1: a vector. */
void ct_role_shape(const struct ct_config *cfg, enum ct_role role,
		   uint32_t *n_out, uint32_t *n_in);

/* Its name in GGUF files: "blk.0.attn_qkv.weight". */
#define CT_ROLE_NAME_SIZE	64
void ct_role_name(enum ct_role role, uint32_t layer,
		  char name[CT_ROLE_NAME_SIZE]);

/* The matrix of a role; @layer counts for roles of a layer only. */
const struct ct_matrix *ct_weights_matrix(const struct ct_weights *weights,
				       enum ct_role role, uint32_t layer);

/* One weight of the model, as handed to those who stream it. */
struct ct_weight {
	enum ct_role role;
	uint32_t layer;		/* 0 for roles of no layer */
	unsigned int pass;	/* 1: for the second time */
	const struct ct_matrix *m;
};

/*
 * All weights in the order of their bytes in the files, the head only when
 * it is not tied. An array to be freed, with *n entries.
 */
int ct_weights_list(const struct ct_weights *weights, struct ct_weight **list,
		    size_t *n, struct ct_err *err);

#endif
