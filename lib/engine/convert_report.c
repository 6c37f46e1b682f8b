// SPDX-License-Identifier: MIT
/* What conversion found and decided, linear by linear. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "convert/calibration.h"
#include "convert/esc.h"
#include "engine/convert_weights.h"

/* The matrix of the @i-th linear. */
static const struct ct_matrix_report *matrix_of(const struct ct_core *core, size_t i,
						const struct ct_matrix_report *r)
{
	const struct ct_linear_id *l = &core->linears[i];

	for (; r->bytes; r++)
		if (r->role == l->role && r->layer == l->layer)
			return r;
	return NULL;
}

void ct_convert_compressed(const struct ct_core *core, const struct ct_image *image,
			   struct ct_matrix_report *reports)
{
	for (size_t i = 0; i < image->n; i++) {
		const struct ct_image_part *p = &image->parts[i];
		const int8_t *s8 = (const int8_t *)core->weights.cpu +
				   core->image.parts[i].at;
		struct ct_esc_size size;
		uint32_t n_out, n_in;

		if (!ct_image_is_packed(p))
			continue;
		reports->bytes = p->bytes;
		ct_role_shape(&core->cfg, p->role, &n_out, &n_in);
		if (p->enc == CTRANS_ENC_ESC &&
		    !ct_esc_bytes(s8, n_in, n_out, &size, NULL))
			reports->exceptions = (int64_t)size.exceptions;
		reports++;
	}
}

static void take_values(const struct ctrans_layer_profile *p,
			struct ctrans_layer_report *r)
{
	double n = (double)p->rows * p->n_in, radix = 0, naf = 0, spiking = 0;

	for (unsigned int m = 1; m < 128; m++) {
		double values = (double)p->magnitude[m];

		radix += values * ctrans_spikes(CTRANS_SPIKES_RADIX, 0, m);
		naf += values * ctrans_spikes(CTRANS_SPIKES_NAF, 0, m);
		spiking += values;
	}
	r->threshold = p->threshold;
	r->zero = (float)((double)p->magnitude[0] / n);
	r->outlier = (float)((double)p->outliers / n);
	r->clipped = (float)((double)p->clamped / n);
	r->spikes_radix = (float)(radix / spiking);
	r->spikes_naf = (float)(naf / spiking);
}

static const char *part_of(enum ct_role role)
{
	switch (role) {
	case CT_QKV:
	case CT_ENC_QKV:	return "qkv";
	case CT_ATTN_OUT:
	case CT_ENC_ATTN_OUT:	return "projection";
	case CT_XQ:		return "cross-q";
	case CT_XKV:		return "cross-kv";
	case CT_X_OUT:		return "cross-out";
	case CT_FC:
	case CT_ENC_FC:		return "ffn-up";
	case CT_FC_GATE:
	case CT_ENC_FC_GATE:	return "ffn-gate";
	case CT_MLP_OUT:
	case CT_ENC_MLP_OUT:	return "ffn-down";
	default:		return "head";
	}
}

static uint32_t stack_of(const struct ct_config *cfg, const struct ct_linear_id *l)
{
	if (!ct_has_encoder(cfg))
		return CTRANS_STACK_ONLY;
	return l->role >= CT_FIRST_ENC_ROLE ? CTRANS_STACK_ENCODER : CTRANS_STACK_DECODER;
}

static void take_matrix(const struct ct_matrix_report *m, struct ctrans_layer_report *r)
{
	double n = (double)r->n_in * r->n_out;

	r->weight_snr_db = (float)m->snr_db;
	r->weight_bits = (float)(8.0 * (double)m->bytes / n);
	r->weight_exceptions = m->exceptions < 0 ? NAN :
			       (float)((double)m->exceptions / n);
}

static float largest(const float *v, uint32_t n)
{
	float max = 1;

	for (uint32_t i = 0; i < n && v; i++)
		max = v[i] > max ? v[i] : max;
	return max;
}

int ct_convert_report(const struct ct_core *core, const struct ct_calibration *c,
		      const struct ct_matrix_report *reports,
		      const struct ctrans_convert_params *params, struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg);
	struct ctrans_layer_profile *p = calloc(n, sizeof(*p));

	if (!p)
		return ct_fail(err, -ENOMEM, "out of memory");
	ct_core_profile_shapes(core, p);
	for (size_t i = 0; i < n; i++) {
		const struct ct_matrix_report *m = matrix_of(core, i, reports);
		struct ctrans_layer_report r = {
			.size = sizeof(r), .layer = p[i].layer, .kind = p[i].kind,
			.n_in = p[i].n_in, .n_out = p[i].n_out,
			.zero = NAN, .outlier = NAN, .clipped = NAN,
			.spikes_radix = NAN, .spikes_naf = NAN,
			.activation_snr_db = NAN, .weight_snr_db = NAN,
			.smoothing = 1,
			.stack = stack_of(&core->cfg, &core->linears[i]),
			.stack_layer = core->linears[i].layer,
			.part = part_of(core->linears[i].role),
		};

		if (m)
			take_matrix(m, &r);
		if (c) {
			take_values(&c->layers[i].profile, &r);
			r.activation_snr_db = c->layers[i].snr_db;
			r.smoothing = largest(c->layers[i].smoothing, r.n_in);
		}
		params->report(params->report_arg, &r);
	}
	free(p);
	return 0;
}
