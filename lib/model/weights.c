// SPDX-License-Identifier: MIT
#include "model/weights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Lengths that shapes are made of. */
enum dim { ONE, VOCAB, CTX, EMBD, EMBD3, INNER };

/*
 * hf names come from modeling_gpt2.py of Hugging Face transformers, gguf
 * names from gguf-py of llama.cpp (tensor names of MODEL_ARCH.GPT2). Layer
 * roles are prefixed with "h.N." and "blk.N.".
 */
static const struct {
	const char *hf, *gguf;
	size_t at;		/* in struct ct_weights or ct_layer_weights */
	enum dim out, in;
	bool conv1d;		/* stored [in][out] in HF files */
} roles[CT_N_ROLES] = {
#define TOP(f)	offsetof(struct ct_weights, f)
#define LAY(f)	offsetof(struct ct_layer_weights, f)
	[CT_WTE] = { "wte.weight", "token_embd.weight", TOP(wte),
		     VOCAB, EMBD, false },
	[CT_WPE] = { "wpe.weight", "position_embd.weight", TOP(wpe),
		     CTX, EMBD, false },
	[CT_LN_F_GAIN] = { "ln_f.weight", "output_norm.weight",
			   TOP(ln_f_gain), EMBD, ONE, true },
	[CT_LN_F_BIAS] = { "ln_f.bias", "output_norm.bias", TOP(ln_f_bias),
			   EMBD, ONE, true },
	[CT_LM_HEAD] = { "lm_head.weight", "output.weight", TOP(lm_head),
			 VOCAB, EMBD, false },
	[CT_LN_1_GAIN] = { "ln_1.weight", "attn_norm.weight", LAY(ln_1_gain),
			   EMBD, ONE, true },
	[CT_LN_1_BIAS] = { "ln_1.bias", "attn_norm.bias", LAY(ln_1_bias),
			   EMBD, ONE, true },
	[CT_QKV] = { "attn.c_attn.weight", "attn_qkv.weight", LAY(qkv),
		     EMBD3, EMBD, true },
	[CT_QKV_BIAS] = { "attn.c_attn.bias", "attn_qkv.bias", LAY(qkv_bias),
			  EMBD3, ONE, true },
	[CT_ATTN_OUT] = { "attn.c_proj.weight", "attn_output.weight",
			  LAY(attn_out), EMBD, EMBD, true },
	[CT_ATTN_OUT_BIAS] = { "attn.c_proj.bias", "attn_output.bias",
			       LAY(attn_out_bias), EMBD, ONE, true },
	[CT_LN_2_GAIN] = { "ln_2.weight", "ffn_norm.weight", LAY(ln_2_gain),
			   EMBD, ONE, true },
	[CT_LN_2_BIAS] = { "ln_2.bias", "ffn_norm.bias", LAY(ln_2_bias),
			   EMBD, ONE, true },
	[CT_FC] = { "mlp.c_fc.weight", "ffn_up.weight", LAY(fc),
		    INNER, EMBD, true },
	[CT_FC_BIAS] = { "mlp.c_fc.bias", "ffn_up.bias", LAY(fc_bias),
			 INNER, ONE, true },
	[CT_MLP_OUT] = { "mlp.c_proj.weight", "ffn_down.weight",
			 LAY(mlp_out), EMBD, INNER, true },
	[CT_MLP_OUT_BIAS] = { "mlp.c_proj.bias", "ffn_down.bias",
			      LAY(mlp_out_bias), EMBD, ONE, true },
#undef TOP
#undef LAY
};

const struct ct_matrix *ct_weights_matrix(const struct ct_weights *weights,
				       enum ct_role role, uint32_t layer)
{
	const char *base = role < CT_FIRST_LAYER_ROLE ?
			   (const char *)weights :
			   (const char *)&weights->layer[layer];

	return (const struct ct_matrix *)(base + roles[role].at);
}

static uint32_t dim_of(const struct ct_config *c, enum dim dim)
{
	switch (dim) {
	case VOCAB:
		return c->n_vocab;
	case CTX:
		return c->n_ctx;
	case EMBD:
		return c->n_embd;
	case EMBD3:
		return 3 * c->n_embd;
	case INNER:
		return c->n_inner;
	default:
		return 1;
	}
}

void ct_role_shape(const struct ct_config *cfg, enum ct_role role,
		   uint32_t *n_out, uint32_t *n_in)
{
	*n_out = dim_of(cfg, roles[role].out);
	*n_in = dim_of(cfg, roles[role].in);
}

struct binder {
	struct ct_weights *weights;
	const struct ct_tensors *table;
	enum ct_naming naming;
	const char *prefix;
};

/* Longest: "transformer.h.4294967295.attn.c_attn.weight". */
static void hf_name(const char *prefix, enum ct_role role, uint32_t layer,
		    char name[CT_ROLE_NAME_SIZE])
{
	const char *own = roles[role].hf;

	/* lm_head is the model's, not the transformer's. */
	if (role == CT_LM_HEAD)
		prefix = "";
	if (role < CT_FIRST_LAYER_ROLE)
		snprintf(name, CT_ROLE_NAME_SIZE, "%s%s", prefix, own);
	else
		snprintf(name, CT_ROLE_NAME_SIZE, "%sh.%u.%s", prefix, layer, own);
}

void ct_role_name(enum ct_role role, uint32_t layer,
		  char name[CT_ROLE_NAME_SIZE])
{
	const char *own = roles[role].gguf;

	if (role < CT_FIRST_LAYER_ROLE)
		snprintf(name, CT_ROLE_NAME_SIZE, "%s", own);
	else
		snprintf(name, CT_ROLE_NAME_SIZE, "blk.%u.%s", layer, own);
}

static void role_name(const struct binder *b, enum ct_role role,
		      uint32_t layer, char name[CT_ROLE_NAME_SIZE])
{
	if (b->naming == CT_NAMES_HF)
		hf_name(b->prefix, role, layer, name);
	else
		ct_role_name(role, layer, name);
}

static int check_shape(const struct ct_matrix *m, struct ct_err *err)
{
	uint32_t rows = ct_matrix_rows(m), cols = ct_matrix_cols(m);
	bool vector = m->n_in == 1 && m->in_major;
	uint64_t want[2] = { rows, cols };
	const struct ct_tensor *t = &m->t;

	if (vector && t->ndim == 1 && t->shape[0] == cols)
		return 0;
	if (!vector && t->ndim == 2 && t->shape[0] == rows &&
	    t->shape[1] == cols)
		return 0;
	return ct_fail(err, -EBADMSG,
		       "tensor %s has shape %s, but the configuration asks for %s",
		       t->name, ct_shape_show(t->ndim, t->shape).s,
		       vector ? ct_shape_show(1, want + 1).s :
				ct_shape_show(2, want).s);
}

static int check_type(const struct ct_tensor *t, enum ct_role role,
		      struct ct_err *err)
{
	if (ct_dtype_is_float(t->dtype))
		return 0;
	if (role == CT_LM_HEAD && !strcmp(t->type_name, "Q6_K"))
		return ct_fail(err, -ENOTSUP,
			       "tensor %s has type Q6_K, which is not supported: quantise with llama-quantize --pure, which keeps the head in the chosen type",
			       t->name);
	return ct_fail(err, -ENOTSUP,
		       "tensor %s has type %s, which is not supported (F32, F16, BF16, Q8_0 and Q4_0 are)",
		       t->name, t->type_name);
}

static int bind(const struct binder *b, enum ct_role role, uint32_t layer,
		struct ct_err *err)
{
	const struct ct_config *cfg = &b->weights->cfg;
	struct ct_matrix *m;
	const struct ct_tensor *t;
	char name[CT_ROLE_NAME_SIZE];
	int code;

	role_name(b, role, layer, name);
	t = ct_tensors_find(b->table, name);
	if (!t)
		return ct_fail(err, -ENOENT, "tensor %s is missing%s", name,
			       role == CT_LM_HEAD ?
			       ", although the configuration says that the head is not tied" :
			       "");
	m = (struct ct_matrix *)ct_weights_matrix(b->weights, role, layer);
	m->t = *t;
	m->n_out = dim_of(cfg, roles[role].out);
	m->n_in = dim_of(cfg, roles[role].in);
	/* Vectors are one row in either naming. */
	m->in_major = roles[role].in == ONE ||
		      (roles[role].conv1d && b->naming == CT_NAMES_HF);
	code = check_type(t, role, err);
	return code ? code : check_shape(m, err);
}

/* A layer beyond the last says that config and weights do not belong together. */
static int check_no_more(const struct binder *b, struct ct_err *err)
{
	uint32_t n = b->weights->cfg.n_layer;
	char name[CT_ROLE_NAME_SIZE];

	role_name(b, CT_QKV, n, name);
	if (ct_tensors_find(b->table, name))
		return ct_fail(err, -EBADMSG,
			       "tensor %s exists, but the configuration has only %u layers",
			       name, n);
	return 0;
}

int ct_weights_bind(struct ct_weights *weights, const struct ct_tensors *table,
		 enum ct_naming naming, struct ct_err *err)
{
	struct binder b = { weights, table, naming, "" };
	uint32_t n_layer = weights->cfg.n_layer;
	int code = 0;

	if (naming == CT_NAMES_HF &&
	    ct_tensors_find(table, "transformer.wte.weight"))
		b.prefix = "transformer.";
	if (naming == CT_NAMES_GGUF)
		weights->cfg.tied_head = !ct_tensors_find(table, "output.weight");
	weights->layer = calloc(n_layer, sizeof(*weights->layer));
	if (!weights->layer)
		return ct_fail(err, -ENOMEM, "out of memory for %u layers",
			       n_layer);

	for (int r = 0; r < CT_FIRST_LAYER_ROLE && !code; r++)
		if (r != CT_LM_HEAD || !weights->cfg.tied_head)
			code = bind(&b, (enum ct_role)r, 0, err);
	for (uint32_t l = 0; l < n_layer && !code; l++)
		for (int r = CT_FIRST_LAYER_ROLE; r < CT_N_ROLES && !code; r++)
			code = bind(&b, (enum ct_role)r, l, err);
	if (!code)
		code = check_no_more(&b, err);
	if (code) {
		ct_weights_free(weights);
		return code;
	}
	if (weights->cfg.tied_head)
		weights->lm_head = weights->wte;
	return 0;
}

void ct_weights_free(struct ct_weights *weights)
{
	free(weights->layer);
	weights->layer = NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct ct_tensor *x = &((const struct ct_weight *)a)->m->t;
	const struct ct_tensor *y = &((const struct ct_weight *)b)->m->t;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

int ct_weights_list(const struct ct_weights *weights, struct ct_weight **list,
		    size_t *n, struct ct_err *err)
{
	size_t per_layer = CT_N_ROLES - CT_FIRST_LAYER_ROLE, at = 0;
	struct ct_weight *w;

	w = malloc((CT_FIRST_LAYER_ROLE + per_layer * weights->cfg.n_layer) *
		   sizeof(*w));
	if (!w)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (int r = 0; r < CT_N_ROLES; r++) {
		enum ct_role role = (enum ct_role)r;
		uint32_t layers = role < CT_FIRST_LAYER_ROLE ?
				  1 : weights->cfg.n_layer;

		if (role == CT_LM_HEAD && weights->cfg.tied_head)
			continue;
		for (uint32_t l = 0; l < layers; l++)
			w[at++] = (struct ct_weight){
				role, l, 0, ct_weights_matrix(weights, role, l),
			};
	}
	qsort(w, at, sizeof(*w), by_place);
	*list = w;
	*n = at;
	return 0;
}
