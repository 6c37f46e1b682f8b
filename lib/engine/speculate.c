// SPDX-License-Identifier: MIT
#include "engine/speculate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/esc.h"
#include "convert/pack.h"
#include "engine/core_impl.h"

int ct_speculation_want(const struct ctrans_model_params *params,
			struct ct_speculation *want, struct ct_err *err)
{
	const char *name = params->speculation;
	float share = params->sample > 0 ? params->sample : CT_SAMPLE_USUAL;

	*want = (struct ct_speculation){ .how = CTRANS_SPEC_NONE };
	if (!(params->sample >= 0 && params->sample < 1))
		return ct_fail(err, -EINVAL,
			       "sample is %g: it must be a share below 1, 0 for the usual %g",
			       (double)params->sample, (double)CT_SAMPLE_USUAL);
	if (!name || !*name || !strcmp(name, "off"))
		return 0;
	if (!strcmp(name, "exact")) {
		want->how = CTRANS_SPEC_BOUND;
		return 0;
	}
	if (strcmp(name, "sampled") != 0)
		return ct_fail(err, -EINVAL,
			       "speculation \"%.32s\": there are off, exact and sampled",
			       name);
	want->how = CTRANS_SPEC_SAMPLE;
	want->steps = (uint32_t)lrintf(share * 128);
	if (!want->steps)
		want->steps = 1;
	if (want->steps > 127)
		want->steps = 127;
	return 0;
}

static int check(const struct ct_core *core, const struct ct_speculation *want,
		 struct ct_err *err)
{
	if (core->at.enc == CTRANS_ENC_F32)
		return ct_fail(err, -EINVAL,
			"output spike speculation with CTRANS_MODEL_F32, which has no spikes: take one of them");
	if (!(core->dev_info.caps & CTRANS_CAP_SPECULATION))
		return ct_fail(err, -ENOTSUP,
			"output spike speculation: device %s does not have it; the chip model (device \"sim\") does",
			core->dev_info.name);
	if (core->cfg.gated)
		return ct_fail(err, -ENOTSUP,
			"output spike speculation: the model's feed-forward layers are gated, and what is speculated on is not what leaves them");
	if (want->how == CTRANS_SPEC_BOUND && core->cfg.act != CT_ACT_RELU)
		return ct_fail(err, -ENOTSUP,
			"exact speculation tells which outputs a ReLU makes zero, and this model has another activation: \"sampled\" works with any");
	if (want->how == CTRANS_SPEC_SAMPLE && !core->at.theta)
		return ct_fail(err, -EINVAL,
			"sampled speculation counts output spikes by the next layer's firing threshold, which must be fixed: name a calibration text, or convert the model with one");
	return 0;
}

/* Least integers not below the norms of @n_out outputs' packed weights. */
static void norms(const int8_t *s8, uint32_t n_in, uint32_t n_out, uint32_t *norm)
{
	uint32_t quads = (n_in + 3) / 4;

	for (uint32_t j = 0; j < n_out; j += CTRANS_TILE_OUT) {
		const int8_t *tile = s8 + (size_t)j * 4 * quads;
		uint64_t square[CTRANS_TILE_OUT] = { 0 };

		for (uint32_t k = 0; k < quads; k++, tile += CTRANS_GRANULE)
			for (uint32_t i = 0; i < CTRANS_TILE_OUT; i++)
				square[i] += (uint32_t)(tile[4 * i] * tile[4 * i] +
					tile[4 * i + 1] * tile[4 * i + 1] +
					tile[4 * i + 2] * tile[4 * i + 2] +
					tile[4 * i + 3] * tile[4 * i + 3]);
		for (uint32_t i = 0; i < CTRANS_TILE_OUT; i++) {
			/* below 2^32, so exact, and the root rounded but once */
			norm[j + i] = (uint32_t)ceil(sqrt((double)square[i]));
		}
	}
}

static int layer_norms(const struct ct_core *core, enum ct_role role, uint32_t layer,
		       int8_t *room, uint32_t *norm, struct ct_err *err)
{
	const struct ct_image_part *p = ct_image_find(&core->image, role, layer,
						      CT_PART_WEIGHTS);
	const int8_t *s8 = (const int8_t *)core->weights.cpu + p->at;
	uint32_t n_out, n_in;
	int ret = 0;

	ct_role_shape(&core->cfg, role, &n_out, &n_in);
	if (p->enc == CTRANS_ENC_ESC) {
		ret = ct_esc_unpack(s8, p->bytes, n_in, n_out, room, err);
		s8 = room;
	}
	if (!ret)
		norms(s8, n_in, n_out, norm);
	return ret;
}

static int make_norms(struct ct_core *core, struct ct_err *err)
{
	const struct ct_config *c = &core->cfg;
	uint32_t inner = c->n_inner > c->enc.n_inner ? c->n_inner : c->enc.n_inner;
	uint32_t layers = c->enc.n_layer + c->n_layer;
	uint64_t stride = ct_granules(4ull * inner);
	int8_t *room;
	int ret;

	ret = ct_device_alloc(core->dev, stride * layers, &core->norms, err);
	if (ret)
		return ret;
	/* for what is compressed */
	room = malloc(ct_pack_weight_bytes(CTRANS_ENC_S8, c->n_embd, inner));
	if (!room)
		return ct_fail(err, -ENOMEM, "out of memory");
	/* as tags count layers */
	for (uint32_t i = 0; i < layers && !ret; i++) {
		bool enc = i < c->enc.n_layer;

		ret = layer_norms(core, enc ? CT_ENC_FC : CT_FC,
				  enc ? i : i - c->enc.n_layer, room,
				  (uint32_t *)(void *)((uint8_t *)core->norms.cpu +
						       i * stride), err);
	}
	free(room);
	core->at.norms = core->norms.va;
	core->at.norms_stride = (uint32_t)stride;
	return ret;
}

int ct_core_speculate(struct ct_core *core, const struct ct_speculation *want,
		      struct ct_err *err)
{
	int ret;

	if (want->how == CTRANS_SPEC_NONE)
		return 0;
	ret = check(core, want, err);
	if (!ret && want->how == CTRANS_SPEC_BOUND)
		ret = make_norms(core, err);
	if (ret)
		return ret;
	core->at.speculation = want->how;
	core->at.spec_steps = want->steps;
	return 0;
}
