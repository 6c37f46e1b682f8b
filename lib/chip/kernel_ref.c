// SPDX-License-Identifier: MIT
/*
 * The reference: uapi/ctrans_insn.h in plain loops, to be read beside it and to
 * hold the fast kernels to. Nothing here is chosen for speed.
 */
#include <stdlib.h>
#include <string.h>

#include "chip/energy.h"
#include "chip/fp.h"
#include "chip/kernel_ref.h"
#include "chip/kernel_variants.h"
#include "chip/train.h"

#define N_OUT CTRANS_TILE_OUT

static void ref_sums(const struct chip_sums *s)
{
	chip_ref_sums(&chip_ref_domains, s);
}

static void ref_quantise(const float *x, uint32_t n, struct chip_qrow *row)
{
	float inv = 1.0f / row->theta;
	uint32_t padded = (n + 63) / 64 * 64;

	row->n = n;
	row->n_outliers = 0;
	row->n_clamped = 0;
	for (uint32_t k = 0; k < n; k++) {
		float v = x[k] * inv;
		int32_t a;

		v = v == v ? v : 0.0f;
		/* one beyond the limits, so that rounding still decides */
		a = (int32_t)chip_rint(chip_clamp(v, -32768.0f, 32768.0f));
		if (abs(a) > 32767) {
			a = a < 0 ? -32767 : 32767;
			row->n_clamped++;
		}
		row->a[k] = (int16_t)a;
		row->u8[k] = (uint8_t)(abs(a) > 127 ? 128 : 128 + a);
		if (abs(a) > 127)
			row->outliers[row->n_outliers++] =
				(struct chip_outlier){ .k = k, .a = a };
	}
	for (uint32_t k = n; k < padded; k++) {
		row->a[k] = 0;
		row->u8[k] = 128;
	}
}

static void ref_planes(const uint8_t *u8, uint32_t n, const struct chip_dispatch *d,
		       struct chip_planes *c)
{
	enum chip_domain unit = CHIP_ZERO, last = CHIP_ZERO;

	memset(c, 0, sizeof(*c));
	for (uint32_t k = 0; k < n; k += CTRANS_UNIT_INPUTS) {
		int16_t a[CTRANS_UNIT_INPUTS];
		uint64_t spiking;

		for (uint32_t i = 0; i < CTRANS_UNIT_INPUTS; i++)
			a[i] = (int16_t)(u8[k + i] - 128);
		unit = chip_train_unit(d, a, CTRANS_UNIT_INPUTS, unit);
		spiking = unit == CHIP_SPIKING;
		for (uint32_t i = 0; i < CTRANS_UNIT_INPUTS; i++) {
			enum chip_domain to = chip_train_domain(d, a[i], i, &spiking);

			if (to == CHIP_ZERO)
				continue;
			c->nonzero++;
			c->switches += last != CHIP_ZERO && last != to;
			last = to;
			if (to != CHIP_SPIKING)
				continue;
			c->spiking++;
			for (uint32_t p = 0; p < CHIP_PLANES; p++)
				c->plane[p] += chip_train_at(d, (uint32_t)abs(a[i]),
							     p) != 0;
		}
	}
	if (d->by == CTRANS_BY_VALUE)
		c->switches = c->spiking && c->spiking < c->nonzero;
}

/* ---- Compressed weights ------------------------------------------------ */

static bool ref_unpack(const uint8_t *block, uint32_t m, uint32_t granules, int8_t *w)
{
	const uint8_t *sign = block + m / 8 * 64, *list = sign + m / 4 * 8;
	uint32_t entries = (granules - CTRANS_ESC_BASE(m)) * 32;
	bool good = true;

	for (uint32_t g = 0; g < m / 4; g++) {
		for (uint32_t i = 0; i < 64; i++) {
			uint8_t low = block[g / 2 * 64 + i] >> g % 2 * 4 & 15;
			bool minus = sign[g * 8 + i / 8] >> i % 8 & 1;

			w[64 * g + i] = (int8_t)(minus ? low - 16 : low);
		}
	}
	for (uint32_t e = 0; e < entries; e++) {
		uint32_t v = list[2 * e] | (uint32_t)list[2 * e + 1] << 8;
		uint32_t i = v & 0xfff;

		if (i < 16 * m)
			w[i] = (int8_t)((w[i] & 15) | (v >> 12 << 4));
		else
			good = false;
	}
	return good;
}

/* ---- The vector unit -------------------------------------------------- */

/* The tree of sum16. */
static float tree16(float p[16])
{
	for (unsigned int step = 8; step; step /= 2)
		for (unsigned int j = 0; j < step; j++)
			p[j] += p[j + step];
	return p[0];
}

static float ref_sumsq(const float *x, uint32_t n)
{
	float p[16] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		p[i % 16] = chip_fma(x[i], x[i], p[i % 16]);
	return tree16(p);
}

static void put(uint8_t act, enum chip_put how, float y, float *out)
{
	float f = chip_act(act, y);

	*out = how == CHIP_PUT_ADD ? *out + f : how == CHIP_PUT_MUL ? *out * f : f;
}

static void ref_epilogue(const struct chip_epilogue *e)
{
	for (uint32_t j = 0; j < e->n; j++) {
		float bias = e->bias ? e->bias[j] : 0.0f;

		/* offset 0: S is the sum itself */
		put(e->act, e->put, chip_fma((float)e->s[j],
					     e->theta * e->scale[j], bias),
		    &e->out[j]);
	}
}

static void ref_sample(const struct chip_sample *s, uint32_t n, float *y)
{
	for (uint32_t j = 0; j < n; j++) {
		float v = chip_f32(chip_bits(y[j]) & 0x7fffffffu) * (1.0f / s->theta);
		uint32_t key = chip_mix(s->key + s->first + j);
		uint32_t left, seen = 0, more = 0;

		if (!(v <= 128.5f))
			continue;
		left = (uint32_t)chip_rint(v);
		for (uint32_t t = 0; t < CHIP_TIMESTEPS; t++) {
			uint32_t u = chip_mix(key + 0x9e3779b9u * t) >> 8;

			if (t >= s->steps) {
				more += u * s->steps < seen << 24;
			} else if (u * (CHIP_TIMESTEPS - t) < left << 24) {
				left--;
				seen++;
			}
		}
		y[j] = chip_f32(chip_bits((float)(seen + more) * s->theta) |
				(chip_bits(y[j]) & 0x80000000u));
	}
}

static void ref_sums_f32(const float *x, const float *w, uint32_t n, float s[16])
{
	for (unsigned int j = 0; j < N_OUT; j++) {
		float p[16] = { 0 };

		for (uint32_t k = 0; k < n; k++)
			p[k % 16] = chip_fma(x[k], w[(size_t)k * N_OUT + j],
					     p[k % 16]);
		s[j] = tree16(p);
	}
}

static void ref_epilogue_f32(const float s[16], const float *bias, uint8_t act,
			     enum chip_put how, uint32_t n, float *out)
{
	for (uint32_t j = 0; j < n; j++)
		put(act, how, s[j] + (bias ? bias[j] : 0.0f), &out[j]);
}

static void ref_layernorm(const float *x, const float *gain, const float *bias,
			  float eps, uint32_t n, float *y)
{
	float p[16] = { 0 }, q[16] = { 0 };
	float mean, var, r;

	for (uint32_t i = 0; i < n; i++)
		p[i % 16] += x[i];
	mean = tree16(p) / (float)n;
	for (uint32_t i = 0; i < n; i++) {
		float d = x[i] - mean;

		q[i % 16] = chip_fma(d, d, q[i % 16]);
	}
	var = tree16(q) / (float)n;
	r = 1.0f / __builtin_sqrtf(var + eps);
	for (uint32_t i = 0; i < n; i++)
		y[i] = chip_fma((x[i] - mean) * r, gain[i], bias ? bias[i] : 0.0f);
}

static void ref_rmsnorm(const float *x, const float *gain, const float *bias,
			float eps, uint32_t n, float *y)
{
	float var = ref_sumsq(x, n) / (float)n;
	float r = 1.0f / __builtin_sqrtf(var + eps);

	for (uint32_t i = 0; i < n; i++)
		y[i] = chip_fma(x[i] * r, gain[i], bias ? bias[i] : 0.0f);
}

static void ref_embed(const int8_t *w, float scale, const float *p, uint32_t n,
		      float *y)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = chip_fma((float)w[i], scale, p ? p[i] : 0.0f);
}

/* Element i of a tile of keys or values, and the scale of its position. */
static float kv_at(const void *tile, uint8_t type, size_t i)
{
	const uint8_t *p = (const uint8_t *)tile + CTRANS_KV_SCALES(type);

	if (type == CTRANS_KV_F32)
		return ((const float *)p)[i];
	if (type == CTRANS_KV_S8)
		return (float)((const int8_t *)p)[i];
	return chip_f32_from_f16(((const uint16_t *)p)[i]);
}

static float kv_scale(const void *tile, uint8_t type, uint32_t position)
{
	return type == CTRANS_KV_S8 ? ((const float *)tile)[position] : 1.0f;
}

static void ref_scores(const float *q, const void *key_tile, uint32_t head_dim,
		       uint32_t n, float scale, uint8_t kv_type, float *s)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t group = (size_t)(i / 16) * head_dim * 16;
		float p[16] = { 0 };

		for (uint32_t d = 0; d < head_dim; d++)
			p[d % 16] = chip_fma(q[d],
					     kv_at(key_tile, kv_type,
						   group + d * 16 + i % 16),
					     p[d % 16]);
		s[i] = tree16(p) * kv_scale(key_tile, kv_type, i) * scale;
	}
}

static float ref_max(const float *x, uint32_t n)
{
	float m = x[0];

	for (uint32_t i = 0; i < n; i++) {
		if (x[i] != x[i])
			return x[i];
		m = x[i] > m ? x[i] : m;
	}
	return m + 0.0f;	/* of two zeros, +0 */
}

static float ref_exp_block(float *e, uint32_t n, float m)
{
	float p[16] = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		e[i] = chip_exp(e[i] - m);
		p[i % 16] += e[i];
	}
	return tree16(p);
}

static void ref_weigh(const float *e, const void *value_tile, uint32_t head_dim,
		      uint32_t n, uint8_t kv_type, float *o)
{
	for (uint32_t d = 0; d < head_dim; d++) {
		float p[16] = { 0 };

		for (uint32_t i = 0; i < n; i++)
			p[i % 16] = chip_fma(e[i] * kv_scale(value_tile, kv_type, i),
					     kv_at(value_tile, kv_type,
						   (size_t)i * head_dim + d),
					     p[i % 16]);
		o[d] += tree16(p);
	}
}

static void ref_scores_rows(const struct chip_attend *a, float scale)
{
	for (uint32_t r = 0; r < a->n_rows; r++)
		ref_scores(a->in + r * a->in_stride, a->tile, a->head_dim, a->n,
			   scale, a->kv_type, a->out + r * a->out_stride);
}

static void ref_weigh_rows(const struct chip_attend *a)
{
	for (uint32_t r = 0; r < a->n_rows; r++)
		ref_weigh(a->in + r * a->in_stride, a->tile, a->head_dim, a->n,
			  a->kv_type, a->out + r * a->out_stride);
}

static void ref_divide(float *o, uint32_t n, float z)
{
	for (uint32_t i = 0; i < n; i++)
		o[i] /= z;
}

static float ref_sumexp(const float *x, uint32_t n, float m)
{
	float p[16] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		p[i % 16] += chip_exp(x[i] - m);
	return tree16(p);
}

static void ref_to_f16(const float *x, uint32_t n, uint16_t *y)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = chip_f16_from_f32(x[i]);
}

static float ref_to_s8(const float *x, uint32_t n, int8_t *y)
{
	float m = 0.0f, scale, inv;

	for (uint32_t i = 0; i < n; i++) {
		float a = chip_f32(chip_bits(x[i]) & 0x7fffffffu);

		m = a > m ? a : m;
	}
	scale = m / 127.0f;
	if (!(scale >= 0x1p-100f && scale < __builtin_inff()))
		scale = 1.0f;
	inv = 1.0f / scale;
	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] * inv;

		v = v == v ? v : 0.0f;
		y[i] = (int8_t)chip_rint(chip_clamp(v, -127.0f, 127.0f));
	}
	return scale;
}

static bool ref_supported(void)
{
	return true;
}

const struct chip_kernel chip_kernel_reference = {
	.name = "reference",
	.offset = 0,
	.supported = ref_supported,
	.sumsq = ref_sumsq,
	.quantise = ref_quantise,
	.planes = ref_planes,
	.sums = ref_sums,
	.epilogue = ref_epilogue,
	.unpack = ref_unpack,
	.sample = ref_sample,
	.sums_f32 = ref_sums_f32,
	.epilogue_f32 = ref_epilogue_f32,
	.layernorm = ref_layernorm,
	.rmsnorm = ref_rmsnorm,
	.embed = ref_embed,
	.scores = ref_scores,
	.max = ref_max,
	.exp_block = ref_exp_block,
	.weigh = ref_weigh,
	.scores_rows = ref_scores_rows,
	.weigh_rows = ref_weigh_rows,
	.divide = ref_divide,
	.sumexp = ref_sumexp,
	.to_f16 = ref_to_f16,
	.to_s8 = ref_to_s8,
};
