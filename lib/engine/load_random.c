// SPDX-License-Identifier: MIT
/*
 * Random weights of a shape, for benchmarks: bytes as conversion makes them of
 * trained models for compression, whose weights have a standard deviation of about
 * six steps of their scale, and one in a hundred more than five bits. A matrix is
 * the same bytes however it is stored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "convert/esc.h"
#include "convert/pack.h"
#include "engine/load.h"

/* A weight is the sum of so many coins: a standard deviation of 6.3. */
#define COINS	160
#define DRAWS	65536u		/* 16 bits choose one */

struct source {
	struct ct_core *core;
	const struct ctrans_model_params *params;
	uint64_t done, total;	/* matrices, each time they are made */
	int8_t *weights;	/* S8: room for the largest */
	int8_t value[DRAWS];	/* as often as it is likely */
};

/* Doubles, and operations on them that are the same everywhere. */
static void fill_values(int8_t *value)
{
	double p = 1, sum = 0;
	uint32_t n = 0;

	for (int i = 0; i < COINS; i++)
		p /= 2;
	for (int k = 0; k <= COINS; k++) {
		sum += p;
		while (n < DRAWS && n + 0.5 < sum * DRAWS)
			value[n++] = (int8_t)(k - COINS / 2);
		p = p * (COINS - k) / (k + 1);
	}
}

/* One of the matrices of the shape as S8, for its place in the model always the same. */
static void make(const struct source *s, enum ct_role role, uint32_t layer,
		 uint32_t n_in, uint32_t n_out, int8_t *w)
{
	uint64_t bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out);
	uint64_t state = (uint64_t)ct_weight_slot(role, layer) << 32, r;
	uint32_t quads = (n_in + 3) / 4, used = n_out % CTRANS_TILE_OUT;

	for (uint64_t i = 0; i < bytes; i += 4) {
		r = ct_splitmix(&state);
		for (uint32_t j = 0; j < 4; j++)
			w[i + j] = s->value[r >> 16 * j & (DRAWS - 1)];
	}
	if (!used)
		return;
	w += bytes - (uint64_t)quads * CTRANS_GRANULE;
	for (uint32_t k = 0; k < quads; k++)
		memset(w + (uint64_t)k * CTRANS_GRANULE + 4 * used, 0,
		       CTRANS_GRANULE - 4 * used);
}

static void sums(const int8_t *w, uint32_t n_in, uint32_t n_out, int32_t *colsum)
{
	uint32_t quads = (n_in + 3) / 4;

	for (uint32_t t = 0; t * CTRANS_TILE_OUT < n_out; t++) {
		int32_t sum[CTRANS_GRANULE] = { 0 };

		for (uint32_t k = 0; k < quads; k++, w += CTRANS_GRANULE)
			for (uint32_t i = 0; i < CTRANS_GRANULE; i++)
				sum[i] += w[i];
		for (uint32_t j = 0; j < CTRANS_TILE_OUT; j++)
			colsum[t * CTRANS_TILE_OUT + j] = sum[4 * j] + sum[4 * j + 1] +
							  sum[4 * j + 2] + sum[4 * j + 3];
	}
}

static int open_source(struct source **out, struct ct_core *core,
		       const struct ctrans_model_params *params, struct ct_err *err)
{
	uint64_t most = 0;
	struct source *s = calloc(1, sizeof(*s));

	for (int r = 0; r < CT_N_ROLES; r++) {
		uint32_t n_out, n_in;
		uint64_t bytes;

		ct_role_shape(&core->cfg, (enum ct_role)r, &n_out, &n_in);
		bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out);
		if (ct_role_packed((enum ct_role)r) && bytes > most)
			most = bytes;
	}
	if (s)
		s->weights = malloc(most);
	if (!s || !s->weights) {
		free(s);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	s->core = core;
	s->params = params;
	fill_values(s->value);
	*out = s;
	return 0;
}

static void close_source(struct source *s)
{
	free(s->weights);
	free(s);
}

static int made(struct source *s, struct ct_err *err)
{
	s->done++;
	if (s->params->progress &&
	    s->params->progress(s->params->progress_arg, s->done, s->total))
		return ct_fail(err, -ECANCELED, "loading was cancelled");
	return 0;
}

static bool compresses(const struct ctrans_model_params *params)
{
	return params->weights && !strcmp(params->weights, "esc");
}

static uint64_t matrices(const struct ct_core *core)
{
	uint64_t n = 0;

	for (int r = 0; r < CT_N_ROLES; r++)
		if (ct_role_packed((enum ct_role)r))
			n += ct_role_layers(&core->cfg, (enum ct_role)r);
	return n;
}

int ct_random_stored(struct ct_core *core, const struct ctrans_model_params *params,
		     struct ct_stored **out, struct ct_err *err)
{
	struct ct_image image = { 0 };
	struct ct_stored *stored;
	struct source *s;
	int ret;

	*out = NULL;
	if (!compresses(params))
		return 0;
	ret = ct_image_plan(&core->cfg, CTRANS_ENC_S8, NULL, &image, err);
	if (ret)
		return ret;
	ret = open_source(&s, core, params, err);
	if (ret) {
		ct_image_free(&image);
		return ret;
	}
	s->total = 2 * matrices(core);
	stored = calloc(ct_weight_slots(&core->cfg), sizeof(*stored));
	if (!stored)
		ret = ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < image.n && !ret; i++) {
		const struct ct_image_part *p = &image.parts[i];
		struct ct_esc_size size;
		uint32_t n_out, n_in;

		if (!ct_image_is_packed(p))
			continue;
		ct_role_shape(&core->cfg, p->role, &n_out, &n_in);
		make(s, p->role, p->layer, n_in, n_out, s->weights);
		ret = ct_esc_bytes(s->weights, n_in, n_out, &size, err);
		if (!ret)
			stored[ct_weight_slot(p->role, p->layer)] =
				(struct ct_stored){ CTRANS_ENC_ESC, size.bytes };
		if (!ret)
			ret = made(s, err);
	}
	ct_image_free(&image);
	close_source(s);
	if (ret)
		free(stored);
	else
		*out = stored;
	return ret;
}

static void *place(const struct ct_core *core, const struct ct_image_part *of,
		   enum ct_part part)
{
	const struct ct_image_part *p = ct_image_find(&core->image, of->role, of->layer,
						      part);

	return (uint8_t *)core->weights.cpu + p->at;
}

static int load_matrix(struct source *s, const struct ct_image_part *p,
		       struct ct_err *err)
{
	struct ct_core *core = s->core;
	bool esc = p->enc == CTRANS_ENC_ESC;
	int8_t *to = place(core, p, CT_PART_WEIGHTS), *w = esc ? s->weights : to;
	float *scale = place(core, p, CT_PART_SCALE);
	uint32_t n_out, n_in;
	int ret = 0;

	ct_role_shape(&core->cfg, p->role, &n_out, &n_in);
	make(s, p->role, p->layer, n_in, n_out, w);
	sums(w, n_in, n_out, place(core, p, CT_PART_COLSUM));
	/* as GPT-2 is initialised */
	for (uint32_t n = 0; n < n_out; n++)
		scale[n] = 0.02f / 6.3f;
	if (esc)
		ret = ct_esc_pack(w, n_in, n_out, to, p->bytes, err);
	return ret ? ret : made(s, err);
}

static bool is_gain(enum ct_role role)
{
	switch (role) {
	case CT_LN_1_GAIN:
	case CT_LN_X_GAIN:
	case CT_LN_2_GAIN:
	case CT_LN_F_GAIN:
	case CT_ENC_LN_1_GAIN:
	case CT_ENC_LN_2_GAIN:
	case CT_ENC_LN_F_GAIN:
		return true;
	default:
		return false;
	}
}

static void ones(const struct ct_core *core, const struct ct_image_part *p)
{
	float *f = place(core, p, CT_PART_WEIGHTS);

	for (uint32_t i = 0; i < core->cfg.n_embd; i++)
		f[i] = 1.0f;
}

int ct_load_random(struct ct_core *core, const struct ctrans_model_params *params,
		   struct ct_err *err)
{
	struct source *s;
	int ret;

	if (core->at.enc != CTRANS_ENC_S8)
		return ct_fail(err, -ENOTSUP, "a shape has no binary32 weights");
	ret = open_source(&s, core, params, err);
	if (ret)
		return ret;
	s->total = matrices(core);
	if (compresses(params)) {
		s->done = s->total;
		s->total *= 2;
	}
	for (size_t i = 0; i < core->image.n && !ret; i++) {
		const struct ct_image_part *p = &core->image.parts[i];

		if (ct_image_is_packed(p))
			ret = load_matrix(s, p, err);
		else if (is_gain(p->role))
			ones(core, p);
	}
	close_source(s);
	return ret;
}
