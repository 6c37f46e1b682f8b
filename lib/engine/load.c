// SPDX-License-Identifier: MIT
/*
 * Weights into device memory. Everything that stays is one buffer, the packed
 * image (convert/image.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "convert/pack.h"
#include "engine/load.h"

/* ---- Addresses of what the program names ------------------------------ */

/* 0 where the image has no such part. */
static uint64_t va_of(const struct ct_core *core, enum ct_role role,
		      uint32_t layer, enum ct_part part)
{
	const struct ct_image_part *p = ct_image_find(&core->image, role, layer,
						      part);

	return p ? core->weights.va + p->at : 0;
}

static uint64_t vector_va(const struct ct_core *core, enum ct_role role,
			  uint32_t layer)
{
	return va_of(core, role, layer, CT_PART_WEIGHTS);
}

static struct ct_weight_va matrix_va(const struct ct_core *core,
				     enum ct_role role, enum ct_role bias,
				     uint32_t layer)
{
	return (struct ct_weight_va){
		.weights = va_of(core, role, layer, CT_PART_WEIGHTS),
		.scale = va_of(core, role, layer, CT_PART_SCALE),
		.colsum = va_of(core, role, layer, CT_PART_COLSUM),
		.bias = bias == CT_N_ROLES ? 0 : vector_va(core, bias, layer),
	};
}

static void find_addresses(struct ct_core *core)
{
	for (uint32_t i = 0; i < core->cfg.n_layer; i++)
		core->layer_va[i] = (struct ct_layer_va){
			.ln_1_gain = vector_va(core, CT_LN_1_GAIN, i),
			.ln_1_bias = vector_va(core, CT_LN_1_BIAS, i),
			.ln_2_gain = vector_va(core, CT_LN_2_GAIN, i),
			.ln_2_bias = vector_va(core, CT_LN_2_BIAS, i),
			.qkv = matrix_va(core, CT_QKV, CT_QKV_BIAS, i),
			.proj = matrix_va(core, CT_ATTN_OUT, CT_ATTN_OUT_BIAS, i),
			.up = matrix_va(core, CT_FC, CT_FC_BIAS, i),
			.down = matrix_va(core, CT_MLP_OUT, CT_MLP_OUT_BIAS, i),
		};
	core->at.ln_f_gain = vector_va(core, CT_LN_F_GAIN, 0);
	core->at.ln_f_bias = vector_va(core, CT_LN_F_BIAS, 0);
	core->at.wpe = vector_va(core, CT_WPE, 0);
	core->at.wte = matrix_va(core, CT_WTE, CT_N_ROLES, 0);
	core->at.head = core->cfg.tied_head ? core->at.wte :
			matrix_va(core, CT_LM_HEAD, CT_N_ROLES, 0);
}

static void *cpu(const struct ct_core *core, uint64_t va)
{
	return (uint8_t *)core->weights.cpu + (va - core->weights.va);
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

static int load_random(struct ct_core *core,
		       const struct ctrans_model_params *params,
		       struct ct_err *err)
{
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
		if (params->progress &&
		    params->progress(params->progress_arg, i + 1, c->n_layer))
			return ct_fail(err, -ECANCELED, "loading was cancelled");
	}
	ones(core, core->at.ln_f_gain);
	random_matrix(core, &core->at.wte, c->n_embd, c->n_vocab, &state);
	return 0;
}

/*
 * What a model takes beside its weights: keys and values of one text, and
 * staging, activations and logits of a step.
 */
static uint64_t room_beside(const struct ct_core *core)
{
	uint64_t blocks = (core->context + CTRANS_KV_POSITIONS - 1) /
			  CTRANS_KV_POSITIONS;

	return blocks * core->block_bytes + (64ull << 20);
}

int ct_load_weights(struct ct_core *core, const struct ct_model *model,
		    const struct ctrans_model_params *params, struct ct_err *err)
{
	int ret;

	core->layer_va = calloc(core->cfg.n_layer, sizeof(*core->layer_va));
	if (!core->layer_va)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_image_plan(&core->cfg, core->at.enc, &core->image, err);
	if (!ret)
		ret = ct_device_room(core->dev, core->image.bytes + room_beside(core),
				     err);
	if (!ret)
		ret = ct_device_alloc(core->dev, core->image.bytes, &core->weights,
				      err);
	if (ret)
		return ret;
	find_addresses(core);
	if (!model)
		return load_random(core, params, err);
	return model->converted ? ct_load_converted(core, model, params, err) :
				  ct_load_files(core, model, params, err);
}
