// SPDX-License-Identifier: MIT
/*
 * Weights into device memory. Everything that stays is one buffer, the packed
 * image (convert/image.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/converted.h"
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

/* None, all zero, where the image has no such matrix. */
static struct ct_weight_va matrix_va(const struct ct_core *core, enum ct_role role,
				     uint32_t layer)
{
	const struct ct_image_part *p = ct_image_find(&core->image, role, layer,
						      CT_PART_WEIGHTS);
	enum ct_role bias = ct_role_bias(&core->cfg, role);

	if (!p)
		return (struct ct_weight_va){ 0 };
	return (struct ct_weight_va){
		.bytes = p->bytes,
		.enc = p->enc,
		.weights = va_of(core, role, layer, CT_PART_WEIGHTS),
		.scale = va_of(core, role, layer, CT_PART_SCALE),
		.colsum = va_of(core, role, layer, CT_PART_COLSUM),
		.bias = bias == CT_N_ROLES ? 0 : vector_va(core, bias, layer),
	};
}

static struct ct_norm_va norm_va(const struct ct_core *core, enum ct_role gain,
				 enum ct_role bias, uint32_t layer)
{
	return (struct ct_norm_va){ vector_va(core, gain, layer),
				    vector_va(core, bias, layer) };
}

static void find_addresses(struct ct_core *core)
{
	struct ct_layer_va *enc = core->layer_va + core->cfg.n_layer;

	for (uint32_t i = 0; i < core->cfg.n_layer; i++)
		core->layer_va[i] = (struct ct_layer_va){
			.ln_1 = norm_va(core, CT_LN_1_GAIN, CT_LN_1_BIAS, i),
			.ln_x = norm_va(core, CT_LN_X_GAIN, CT_LN_X_BIAS, i),
			.ln_2 = norm_va(core, CT_LN_2_GAIN, CT_LN_2_BIAS, i),
			.qkv = matrix_va(core, CT_QKV, i),
			.proj = matrix_va(core, CT_ATTN_OUT, i),
			.xq = matrix_va(core, CT_XQ, i),
			.xkv = matrix_va(core, CT_XKV, i),
			.xout = matrix_va(core, CT_X_OUT, i),
			.up = matrix_va(core, CT_FC, i),
			.gate = matrix_va(core, CT_FC_GATE, i),
			.down = matrix_va(core, CT_MLP_OUT, i),
		};
	for (uint32_t i = 0; i < core->cfg.enc.n_layer; i++)
		enc[i] = (struct ct_layer_va){
			.ln_1 = norm_va(core, CT_ENC_LN_1_GAIN, CT_ENC_LN_1_BIAS, i),
			.ln_2 = norm_va(core, CT_ENC_LN_2_GAIN, CT_ENC_LN_2_BIAS, i),
			.qkv = matrix_va(core, CT_ENC_QKV, i),
			.proj = matrix_va(core, CT_ENC_ATTN_OUT, i),
			.up = matrix_va(core, CT_ENC_FC, i),
			.gate = matrix_va(core, CT_ENC_FC_GATE, i),
			.down = matrix_va(core, CT_ENC_MLP_OUT, i),
		};
	core->at.ln_f = norm_va(core, CT_LN_F_GAIN, CT_LN_F_BIAS, 0);
	core->at.enc_ln_f.gain = vector_va(core, CT_ENC_LN_F_GAIN, 0);
	core->at.wpe = vector_va(core, CT_WPE, 0);
	core->at.distances = vector_va(core, CT_REL_BIAS, 0);
	core->at.enc_distances = vector_va(core, CT_ENC_REL_BIAS, 0);
	core->at.wte = matrix_va(core, CT_WTE, 0);
	core->at.enc_wte = core->cfg.shared_table ? core->at.wte :
			   matrix_va(core, CT_ENC_WTE, 0);
	core->at.head = core->cfg.tied_head ? core->at.wte :
			matrix_va(core, CT_LM_HEAD, 0);
}

/*
 * What a model takes beside its weights: keys and values of one text, and
 * staging, activations and logits of a step.
 */
static uint64_t room_beside(const struct ct_core *core)
{
	uint64_t blocks = (core->context + CTRANS_KV_POSITIONS - 1) /
			  CTRANS_KV_POSITIONS;

	return blocks * (core->block_bytes + core->source_bytes) + (64ull << 20);
}

static int plan(struct ct_core *core, const struct ct_model *model,
		const struct ctrans_model_params *params, struct ct_err *err)
{
	struct ct_stored *stored = NULL;
	int ret = 0;

	if (!model)
		ret = ct_random_stored(core, params, &stored, err);
	else if (params->weights)
		return ct_fail(err, -EINVAL,
			       "weights \"%.32s\" is for shapes; conversion says how a model's are packed",
			       params->weights);
	else if (model->converted && core->at.enc == CTRANS_ENC_S8)
		ret = ct_converted_stored(model, &stored, err);
	if (ret && model)
		ct_file_prefix(&model->files.v[0], err);
	if (!ret)
		ret = ct_image_plan(&core->cfg, core->at.enc, stored, &core->image, err);
	free(stored);
	for (size_t i = 0; i < core->image.n && !ret; i++)
		if (core->image.parts[i].enc == CTRANS_ENC_ESC &&
		    !(core->dev_info.caps & CTRANS_CAP_ESC))
			ret = ct_fail(err, -ENOTSUP,
				"compressed weights: device %s has none; convert the model with --weights s8",
				core->dev_info.name);
	return ret;
}

int ct_load_weights(struct ct_core *core, const struct ct_model *model,
		    const struct ctrans_model_params *params, struct ct_err *err)
{
	int ret;

	core->layer_va = calloc((size_t)core->cfg.n_layer + core->cfg.enc.n_layer,
				sizeof(*core->layer_va));
	if (!core->layer_va)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = plan(core, model, params, err);
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
		return ct_load_random(core, params, err);
	return model->converted ? ct_load_converted(core, model, params, err) :
				  ct_load_files(core, model, params, err);
}
