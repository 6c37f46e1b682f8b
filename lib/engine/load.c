// SPDX-License-Identifier: MIT
/*
 * Weights into device memory, packed as they arrive. Everything that stays is
 * one buffer, so that the chip streams it from whole 2 MiB pages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "convert/pack.h"
#include "engine/core_impl.h"
#include "model/stream.h"

struct loader {
	struct ct_core *core;
	const struct ct_model *model;	/* NULL: random weights */
	uint64_t used;			/* bytes of the buffer planned so far */
	struct ct_packer *packer;	/* of the matrix that is coming */
	ctrans_progress_fn *progress;
	void *progress_arg;
};

/* ---- Plan: addresses first, as offsets; a base is added later ---------- */

static uint64_t plan(struct loader *l, uint64_t bytes)
{
	uint64_t at = l->used;

	l->used += ct_granules(bytes);
	return at;
}

static void plan_matrix(struct loader *l, struct ct_weight_va *w, uint32_t n_in,
			uint32_t n_out, bool bias)
{
	enum ctrans_encoding enc = l->core->at.enc;
	uint64_t outputs = ct_pack_output_bytes(n_out);

	w->weights = plan(l, ct_pack_weight_bytes(enc, n_in, n_out));
	if (enc == CTRANS_ENC_S8) {
		w->scale = plan(l, outputs);
		w->colsum = plan(l, outputs);
	}
	if (bias)
		w->bias = plan(l, outputs);
}

static uint32_t wpe_stride(const struct ct_gpt2_config *c)
{
	return (uint32_t)ct_granules(4ull * c->n_embd);
}

static void plan_all(struct loader *l)
{
	struct ct_core *core = l->core;
	const struct ct_gpt2_config *c = &core->cfg;
	uint64_t row = 4ull * c->n_embd;

	for (uint32_t i = 0; i < c->n_layer; i++) {
		struct ct_layer_va *v = &core->layer_va[i];

		v->ln_1_gain = plan(l, row);
		v->ln_1_bias = plan(l, row);
		plan_matrix(l, &v->qkv, c->n_embd, 3 * c->n_embd, true);
		plan_matrix(l, &v->proj, c->n_embd, c->n_embd, true);
		v->ln_2_gain = plan(l, row);
		v->ln_2_bias = plan(l, row);
		plan_matrix(l, &v->up, c->n_embd, c->n_inner, true);
		plan_matrix(l, &v->down, c->n_inner, c->n_embd, true);
	}
	core->at.ln_f_gain = plan(l, row);
	core->at.ln_f_bias = plan(l, row);
	core->at.wpe = plan(l, (uint64_t)c->n_ctx * wpe_stride(c));
	plan_matrix(l, &core->at.wte, c->n_embd, c->n_vocab, false);
	if (c->tied_head)
		core->at.head = core->at.wte;
	else
		plan_matrix(l, &core->at.head, c->n_embd, c->n_vocab, false);
}

static void rebase_matrix(struct ct_weight_va *w, uint64_t base, bool s8, bool bias)
{
	w->weights += base;
	if (s8) {
		w->scale += base;
		w->colsum += base;
	}
	if (bias)
		w->bias += base;
}

static void rebase_all(struct ct_core *core)
{
	uint64_t base = core->weights.va;
	bool s8 = core->at.enc == CTRANS_ENC_S8;

	for (uint32_t i = 0; i < core->cfg.n_layer; i++) {
		struct ct_layer_va *v = &core->layer_va[i];

		v->ln_1_gain += base;
		v->ln_1_bias += base;
		v->ln_2_gain += base;
		v->ln_2_bias += base;
		rebase_matrix(&v->qkv, base, s8, true);
		rebase_matrix(&v->proj, base, s8, true);
		rebase_matrix(&v->up, base, s8, true);
		rebase_matrix(&v->down, base, s8, true);
	}
	core->at.ln_f_gain += base;
	core->at.ln_f_bias += base;
	core->at.wpe += base;
	rebase_matrix(&core->at.wte, base, s8, false);
	rebase_matrix(&core->at.head, base, s8, false);
}

static void *cpu(const struct ct_core *core, uint64_t va)
{
	return (uint8_t *)core->weights.cpu + (va - core->weights.va);
}

/* ---- From files ------------------------------------------------------- */

/* The packed matrix a weight becomes, or NULL. */
static const struct ct_weight_va *matrix_of(const struct ct_core *core,
					    const struct ct_weight *w)
{
	const struct ct_layer_va *v = &core->layer_va[w->layer];

	switch (w->role) {
	case CT_WTE:		return &core->at.wte;
	case CT_LM_HEAD:	return &core->at.head;
	case CT_QKV:		return &v->qkv;
	case CT_ATTN_OUT:	return &v->proj;
	case CT_FC:		return &v->up;
	case CT_MLP_OUT:	return &v->down;
	default:		return NULL;
	}
}

/* Where a vector of plain binary32 goes. */
static uint64_t vector_of(const struct ct_core *core, const struct ct_weight *w)
{
	const struct ct_layer_va *v = &core->layer_va[w->layer];

	switch (w->role) {
	case CT_LN_F_GAIN:	return core->at.ln_f_gain;
	case CT_LN_F_BIAS:	return core->at.ln_f_bias;
	case CT_LN_1_GAIN:	return v->ln_1_gain;
	case CT_LN_1_BIAS:	return v->ln_1_bias;
	case CT_LN_2_GAIN:	return v->ln_2_gain;
	case CT_LN_2_BIAS:	return v->ln_2_bias;
	case CT_QKV_BIAS:	return v->qkv.bias;
	case CT_ATTN_OUT_BIAS:	return v->proj.bias;
	case CT_FC_BIAS:	return v->up.bias;
	case CT_MLP_OUT_BIAS:	return v->down.bias;
	default:		return 0;
	}
}

static int copy_rows(const struct ct_core *core, uint64_t va, uint32_t stride,
		     uint32_t first, uint32_t n, uint32_t cols, const float *rows,
		     struct ct_err *err)
{
	if (!ct_all_finite(rows, (size_t)n * cols))
		return ct_fail(err, -EBADMSG, "a weight is not a finite number");
	for (uint32_t r = 0; r < n; r++)
		memcpy((uint8_t *)cpu(core, va) + (uint64_t)(first + r) * stride,
		       rows + (uint64_t)r * cols, 4ull * cols);
	return 0;
}

static int open_packer(struct loader *l, const struct ct_weight *w,
		       const struct ct_weight_va *v, struct ct_err *err)
{
	struct ct_pack_dst dst = { .weights = cpu(l->core, v->weights) };

	if (l->core->at.enc == CTRANS_ENC_S8) {
		dst.scale = cpu(l->core, v->scale);
		dst.colsum = cpu(l->core, v->colsum);
	}
	return ct_packer_open(l->core->at.enc, w->m->n_in, w->m->n_out,
			      w->m->in_major, &dst, &l->packer, err);
}

static int close_packer(struct loader *l, struct ct_err *err)
{
	struct ct_packer *p = l->packer;

	l->packer = NULL;
	return ct_packer_close(p, err);
}

static int take_rows(void *ctx, const struct ct_weight *w, uint32_t first,
		     uint32_t n, const float *rows, struct ct_err *err)
{
	struct loader *l = ctx;
	const struct ct_weight_va *v = matrix_of(l->core, w);
	uint32_t cols = ct_matrix_cols(w->m);
	int ret;

	if (w->role == CT_WPE) {
		ret = copy_rows(l->core, l->core->at.wpe, wpe_stride(&l->core->cfg),
				first, n, cols, rows, err);
	} else if (!v) {
		ret = copy_rows(l->core, vector_of(l->core, w), 0, 0, n, cols, rows,
				err);
	} else {
		ret = first ? 0 : open_packer(l, w, v, err);
		if (!ret)
			ret = ct_packer_rows(l->packer, first, n, rows, err);
		if (!ret && first + n == ct_matrix_rows(w->m))
			ret = close_packer(l, err);
	}
	if (ret)
		ct_err_prefix(err, "%s: tensor %s",
			      l->model->files.v[w->m->t.file].path, w->m->t.name);
	return ret;
}

static int load_files(struct loader *l, struct ct_err *err)
{
	/* 8 MiB of staging; the packer keeps one matrix, 41 MB in GPT-2 XL */
	struct ct_read_opts opts = {
		.progress = l->progress, .ctx = l->progress_arg,
	};
	int ret = ct_gpt2_stream(&l->model->gpt2, &l->model->files, &opts,
				 take_rows, l, err);

	ct_packer_close(l->packer, NULL);
	return ret;
}

/* ---- Random weights of a shape ---------------------------------------- */

static void random_matrix(struct ct_core *core, const struct ct_weight_va *w,
			  uint32_t n_in, uint32_t n_out, uint64_t *state)
{
	uint64_t bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out);
	uint32_t quads = (n_in + 3) / 4;
	int8_t *p = cpu(core, w->weights);
	float *scale = cpu(core, w->scale);
	int32_t *colsum = cpu(core, w->colsum);

	/* uniform in -64..63, so that a row of n_in has a product of unit size */
	for (uint64_t i = 0; i < bytes; i += 8) {
		uint64_t r = (ct_splitmix(state) & 0x7f7f7f7f7f7f7f7full) ^
			     0x4040404040404040ull;

		/* bit 6 into bit 7: sign extension of seven bits */
		r |= (r & 0x4040404040404040ull) << 1;
		memcpy(p + i, &r, 8);
	}
	for (uint32_t n = 0; n < n_out; n++) {
		const int8_t *t = p + (uint64_t)(n / 16) * quads * 64 + n % 16 * 4;
		int32_t sum = 0;

		for (uint32_t k = 0; k < quads; k++)
			sum += t[64ull * k] + t[64ull * k + 1] + t[64ull * k + 2] +
			       t[64ull * k + 3];
		colsum[n] = sum;
		scale[n] = 0.02f / 37.0f;
	}
}

static void ones(struct ct_core *core, uint64_t va)
{
	float *f = cpu(core, va);

	for (uint32_t i = 0; i < core->cfg.n_embd; i++)
		f[i] = 1.0f;
}

static int load_random(struct loader *l, struct ct_err *err)
{
	struct ct_core *core = l->core;
	const struct ct_gpt2_config *c = &core->cfg;
	uint64_t state = 1;

	if (core->at.enc != CTRANS_ENC_S8)
		return ct_fail(err, -ENOTSUP, "a shape has no binary32 weights");
	for (uint32_t i = 0; i < c->n_layer; i++) {
		struct ct_layer_va *v = &core->layer_va[i];

		ones(core, v->ln_1_gain);
		ones(core, v->ln_2_gain);
		random_matrix(core, &v->qkv, c->n_embd, 3 * c->n_embd, &state);
		random_matrix(core, &v->proj, c->n_embd, c->n_embd, &state);
		random_matrix(core, &v->up, c->n_embd, c->n_inner, &state);
		random_matrix(core, &v->down, c->n_inner, c->n_embd, &state);
		if (l->progress && l->progress(l->progress_arg, i + 1, c->n_layer))
			return ct_fail(err, -ECANCELED, "loading was cancelled");
	}
	ones(core, core->at.ln_f_gain);
	random_matrix(core, &core->at.wte, c->n_embd, c->n_vocab, &state);
	return 0;
}

/*
 * What a model takes beside its weights: one matrix that the packer keeps, keys
 * and values of one text, and staging, activations and logits of a step.
 */
static uint64_t room_beside(const struct ct_core *core)
{
	const struct ct_gpt2_config *c = &core->cfg;
	uint64_t wide = c->n_inner > 3 * c->n_embd ? c->n_inner : 3 * c->n_embd;
	uint64_t blocks = (core->context + CTRANS_KV_POSITIONS - 1) /
			  CTRANS_KV_POSITIONS;

	return 4 * wide * c->n_embd + blocks * core->block_bytes + (64ull << 20);
}

int ct_load_weights(struct ct_core *core, const struct ct_model *model,
		    const struct ctrans_model_params *params, struct ct_err *err)
{
	struct loader l = {
		.core = core,
		.model = model,
		.progress = params->progress,
		.progress_arg = params->progress_arg,
	};
	int ret;

	core->layer_va = calloc(core->cfg.n_layer, sizeof(*core->layer_va));
	if (!core->layer_va)
		return ct_fail(err, -ENOMEM, "out of memory");
	plan_all(&l);
	ret = ct_device_room(core->dev, l.used + room_beside(core), err);
	if (!ret)
		ret = ct_device_alloc(core->dev, l.used, &core->weights, err);
	if (ret)
		return ret;
	rebase_all(core);
	return model ? load_files(&l, err) : load_random(&l, err);
}
