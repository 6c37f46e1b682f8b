// SPDX-License-Identifier: MIT
#include "model/weights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

size_t ct_weight_slots(const struct ct_config *cfg)
{
	uint32_t layers = cfg->n_layer > cfg->enc.n_layer ? cfg->n_layer :
							   cfg->enc.n_layer;

	return (size_t)layers * CT_N_ROLES;
}

size_t ct_weight_slot(enum ct_role role, uint32_t layer)
{
	return (size_t)layer * CT_N_ROLES + role;
}

const struct ct_slices *ct_weights_slices(const struct ct_weights *weights,
					  enum ct_role role, uint32_t layer)
{
	/* so that who has a tied head finds it */
	if (role == CT_LM_HEAD && weights->cfg.tied_head)
		role = CT_WTE;
	return &weights->slots[ct_weight_slot(role, role < CT_FIRST_LAYER_ROLE ? 0 : layer)];
}

const struct ct_matrix *ct_weights_matrix(const struct ct_weights *weights,
					  enum ct_role role, uint32_t layer)
{
	return &ct_weights_slices(weights, role, layer)->v[0];
}

struct binder {
	struct ct_weights *weights;
	const struct ct_tensors *table;
	enum ct_naming naming;
	const char *prefix;
};

/* The names of a slice in turn; false: there are no more. */
static bool slice_name(const struct binder *b, enum ct_role role, uint32_t layer,
		       unsigned int slice, unsigned int name,
		       char text[2 * CT_ROLE_NAME_SIZE])
{
	char own[CT_ROLE_NAME_SIZE];

	if (b->naming == CT_NAMES_GGUF) {
		ct_role_name(role, layer, own);
		snprintf(text, 2 * CT_ROLE_NAME_SIZE, "%s", own);
		return !slice && !name;
	}
	if (!ct_role_hf_name(&b->weights->cfg, role, layer, slice, name, own))
		return false;
	/* lm_head is the model's, not the transformer's. */
	snprintf(text, 2 * CT_ROLE_NAME_SIZE, "%s%s", role == CT_LM_HEAD ? "" : b->prefix,
		 own);
	return true;
}

static int check_shape(const struct ct_matrix *m, bool vector, struct ct_err *err)
{
	uint32_t rows = ct_matrix_rows(m), cols = ct_matrix_cols(m);
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

/* Of a slice that there is. */
static int find(const struct binder *b, enum ct_role role, uint32_t layer,
		unsigned int slice, const struct ct_tensor **found, struct ct_err *err)
{
	char name[2 * CT_ROLE_NAME_SIZE];

	for (unsigned int i = 0; slice_name(b, role, layer, slice, i, name); i++) {
		*found = ct_tensors_find(b->table, name);
		if (*found)
			return 0;
	}
	slice_name(b, role, layer, slice, 0, name);
	return ct_fail(err, -ENOENT, "tensor %s is missing%s", name,
		       role == CT_LM_HEAD ?
		       ", although the configuration says that the head is not tied" : "");
}

static int bind(const struct binder *b, enum ct_role role, uint32_t layer,
		struct ct_err *err)
{
	const struct ct_config *cfg = &b->weights->cfg;
	struct ct_slices *slices = &b->weights->slots[ct_weight_slot(role, layer)];
	/* as GPT-2's class has it; the others' are linear layers */
	bool conv1d = b->naming == CT_NAMES_HF && cfg->arch == CT_ARCH_GPT2 &&
		      role >= CT_FIRST_LAYER_ROLE;
	char name[2 * CT_ROLE_NAME_SIZE];
	uint32_t n_out, n_in, n = 0;

	ct_role_shape(cfg, role, &n_out, &n_in);
	while (n < CT_SLICES && slice_name(b, role, layer, n, 0, name))
		n++;
	for (slices->n = 0; slices->n < n; slices->n++) {
		struct ct_matrix *m = &slices->v[slices->n];
		const struct ct_tensor *t = NULL;
		int code = find(b, role, layer, slices->n, &t, err);

		if (code)
			return code;
		m->t = *t;
		m->n_out = n_out / n;
		m->n_in = n_in;
		/* Vectors are one row in either naming. */
		m->in_major = ct_role_vector(role) || conv1d;
		code = check_type(t, role, err);
		if (!code)
			code = check_shape(m, ct_role_vector(role), err);
		if (code)
			return code;
	}
	return 0;
}

/* A layer beyond the last says that config and weights do not belong together. */
static int check_no_more(const struct binder *b, enum ct_role role, struct ct_err *err)
{
	uint32_t n = ct_role_layers(&b->weights->cfg, role);
	char name[2 * CT_ROLE_NAME_SIZE];

	if (n && slice_name(b, role, n, 0, 0, name) && ct_tensors_find(b->table, name))
		return ct_fail(err, -EBADMSG,
			       "tensor %s exists, but the configuration has only %u layers",
			       name, n);
	return 0;
}

/* Files of the bare model, or of the class around it. */
static const char *prefix_of(const struct ct_config *cfg, const struct ct_tensors *table)
{
	if (cfg->arch == CT_ARCH_GPT2 && ct_tensors_find(table, "transformer.wte.weight"))
		return "transformer.";
	if (cfg->arch == CT_ARCH_FSMT &&
	    (ct_tensors_find(table, "model.decoder.embed_tokens.weight") ||
	     ct_tensors_find(table, "model.decoder.output_projection.weight")))
		return "model.";
	return "";
}

int ct_weights_bind(struct ct_weights *weights, const struct ct_tensors *table,
		    enum ct_naming naming, struct ct_err *err)
{
	struct binder b = { weights, table, naming, "" };
	struct ct_config *cfg = &weights->cfg;
	int code = 0;

	if (naming == CT_NAMES_HF)
		b.prefix = prefix_of(cfg, table);
	if (naming == CT_NAMES_GGUF)
		cfg->tied_head = !ct_tensors_find(table, "output.weight");
	weights->slots = calloc(ct_weight_slots(cfg), sizeof(*weights->slots));
	if (!weights->slots)
		return ct_fail(err, -ENOMEM, "out of memory for %u layers",
			       cfg->n_layer);

	for (int r = 0; r < CT_N_ROLES && !code; r++) {
		enum ct_role role = (enum ct_role)r;
		uint32_t n = ct_role_made(cfg, role) ? 0 : ct_role_layers(cfg, role);

		for (uint32_t l = 0; l < n && !code; l++)
			code = bind(&b, role, l, err);
	}
	if (!code)
		code = check_no_more(&b, CT_QKV, err);
	if (!code)
		code = check_no_more(&b, CT_ENC_QKV, err);
	if (code)
		ct_weights_free(weights);
	return code;
}

void ct_weights_free(struct ct_weights *weights)
{
	free(weights->slots);
	weights->slots = NULL;
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
	size_t slots = ct_weight_slots(&weights->cfg), at = 0;
	struct ct_weight *w;

	w = malloc(CT_SLICES * slots * sizeof(*w));
	if (!w)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t s = 0; s < slots; s++) {
		const struct ct_slices *slices = &weights->slots[s];
		uint32_t first = 0;

		for (unsigned int i = 0; i < slices->n; i++) {
			w[at++] = (struct ct_weight){
				.role = (enum ct_role)(s % CT_N_ROLES),
				.layer = (uint32_t)(s / CT_N_ROLES),
				.first_out = first, .m = &slices->v[i],
			};
			first += slices->v[i].n_out;
		}
	}
	qsort(w, at, sizeof(*w), by_place);
	*list = w;
	*n = at;
	return 0;
}
