// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "convert/smooth.h"
#include "engine/calibrate.h"
#include "program/taps.h"

/* Behind a norm or attention: who makes these inputs can divide them. */
static bool can(enum ct_insn_kind kind)
{
	return kind == CT_INSN_QKV || kind == CT_INSN_PROJECTION ||
	       kind == CT_INSN_FFN_UP;
}

/* The largest weight that each input meets, of packed S8. */
static void largest(const struct ct_core *core, const struct ctrans_insn_linear *l,
		    float *max)
{
	const uint8_t *base = core->weights.cpu;
	const int8_t *w = (const int8_t *)(base + (l->weight_va - core->weights.va));
	const float *scale = (const float *)(base + (l->scale_va - core->weights.va));
	size_t quads = (l->n_in + 3) / 4;

	for (uint32_t k = 0; k < l->n_in; k++)
		max[k] = 0;
	for (uint32_t n = 0; n < l->n_out; n++)
		for (uint32_t k = 0; k < l->n_in; k++) {
			int q = w[(n / 16 * quads + k / 4) * 64 + n % 16 * 4 + k % 4];
			float v = (float)abs(q) * scale[n];

			max[k] = v > max[k] ? v : max[k];
		}
}

int ct_core_smooth(const struct ct_core *core, struct ct_calibration *c, float alpha,
		   struct ct_err *err)
{
	size_t j = 0;
	int ret = 0;

	if (ct_has_encoder(&core->cfg))
		return ct_fail(err, -ENOTSUP, "smoothing is for models without encoder");
	if (core->at.enc != CTRANS_ENC_S8)
		return ct_fail(err, -ENOTSUP, "smoothing takes weights of plain 8 bits");
	for (size_t i = 0; i < core->n_insns && !ret; i++) {
		const struct ctrans_insn_linear *l = &core->prog[i].linear;
		float *max;

		if (!ct_insn_quantises(&core->prog[i]))
			continue;
		j++;
		if (!can(ct_tag_kind(core->prog[i].tag)))
			continue;
		max = malloc(l->n_in * sizeof(*max));
		if (!max)
			return ct_fail(err, -ENOMEM, "out of memory");
		largest(core, l, max);
		ret = ct_smooth_choose(&c->layers[j - 1], alpha, max, err);
		free(max);
	}
	return ret;
}
