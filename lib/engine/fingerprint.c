// SPDX-License-Identifier: MIT
/*
 * Weights are hashed matrix by matrix as they are packed for the chip, a layout
 * that uapi/ctrans_layout.h fixes, and not as they lie in memory, which may differ
 * from one release to the next. The same file gives the same fingerprint however
 * it was loaded; column sums follow from the weights.
 */
#define XXH_INLINE_ALL
#include "engine/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "engine/core_impl.h"

struct hasher {
	const struct ct_core *core;
	XXH3_state_t state;
};

static void bytes(struct hasher *h, uint64_t va, uint64_t len)
{
	const struct ct_buf_dev *w = &h->core->weights;

	if (va)
		XXH3_128bits_update(&h->state,
				    (const uint8_t *)w->cpu + (va - w->va), len);
}

static void matrix(struct hasher *h, const struct ct_weight_va *w, uint32_t n_out)
{
	bytes(h, w->weights, w->bytes);
	bytes(h, w->scale, 4ull * n_out);
	bytes(h, w->bias, 4ull * n_out);
}

static void norm(struct hasher *h, const struct ct_norm_va *n)
{
	uint64_t row = 4ull * h->core->cfg.n_embd;

	bytes(h, n->gain, row);
	bytes(h, n->bias, row);
}

/* What a decoder alone does not have. */
static void encoder_config(struct hasher *h)
{
	const struct ct_config *c = &h->core->cfg;
	uint32_t words[] = {
		c->arch, c->head_dim, c->enc.n_vocab, c->enc.n_layer, c->enc.n_head,
		c->enc.head_dim, c->enc.n_inner, c->positions, c->rms_norm,
		c->post_norm, c->biases, c->gated, c->shared_table, 0, c->rel_span,
	};

	memcpy(&words[13], &c->embed_factor, sizeof(c->embed_factor));
	XXH3_128bits_update(&h->state, words, sizeof(words));
}

static void config(struct hasher *h)
{
	const struct ct_config *c = &h->core->cfg;
	uint32_t words[] = {
		c->n_vocab, c->n_ctx, c->n_embd, c->n_layer, c->n_head,
		c->n_inner, 0, c->act, c->tied_head, c->scale_attn,
		c->scale_attn_by_inverse_layer, h->core->at.enc,
	};

	memcpy(&words[6], &c->ln_eps, sizeof(c->ln_eps));
	XXH3_128bits_update(&h->state, words, sizeof(words));
	if (ct_has_encoder(c))
		encoder_config(h);
}

static void layer(struct hasher *h, const struct ct_layer_va *v, uint32_t width,
		  uint32_t inner)
{
	uint32_t d = h->core->cfg.n_embd;

	norm(h, &v->ln_1);
	matrix(h, &v->qkv, 3 * width);
	matrix(h, &v->proj, d);
	norm(h, &v->ln_x);
	matrix(h, &v->xq, width);
	matrix(h, &v->xkv, 2 * width);
	matrix(h, &v->xout, d);
	norm(h, &v->ln_2);
	matrix(h, &v->up, inner);
	matrix(h, &v->gate, inner);
	matrix(h, &v->down, d);
}

static void hash_model(const struct ct_core *core, char text[33])
{
	const struct ct_config *c = &core->cfg;
	uint64_t distances = ct_image_distance_stride(c);
	struct hasher h = { .core = core };
	XXH128_hash_t sum;

	XXH3_128bits_reset(&h.state);
	config(&h);
	for (uint32_t i = 0; i < c->enc.n_layer; i++)
		layer(&h, &core->at.enc_layer[i], c->enc.n_head * c->enc.head_dim,
		      c->enc.n_inner);
	for (uint32_t i = 0; i < c->n_layer; i++)
		layer(&h, &core->layer_va[i], c->n_head * c->head_dim, c->n_inner);
	norm(&h, &core->at.enc_ln_f);
	norm(&h, &core->at.ln_f);
	bytes(&h, core->at.enc_distances, c->enc.n_head * distances);
	bytes(&h, core->at.distances, c->n_head * distances);
	bytes(&h, core->at.wpe, (uint64_t)c->n_ctx * ct_granules(4ull * c->n_embd));
	if (ct_has_encoder(c) && !c->shared_table)
		matrix(&h, &core->at.enc_wte, c->enc.n_vocab);
	matrix(&h, &core->at.wte, c->n_vocab);
	if (!c->tied_head)
		matrix(&h, &core->at.head, c->n_vocab);
	sum = XXH3_128bits_digest(&h.state);
	snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, (uint64_t)sum.high64,
		 (uint64_t)sum.low64);
}

static void hash_thresholds(const struct ct_core *core, char *text, size_t size)
{
	const float *theta = core->at.theta;
	size_t n = theta ? ct_program_linears(&core->cfg) : 1;

	if (core->at.enc == CTRANS_ENC_F32) {	/* nothing is quantised */
		snprintf(text, size, "none");
		return;
	}
	if (!theta)
		theta = &core->at.theta_factor;
	n = (size_t)snprintf(text, size, "%s:%016" PRIx64,
			     core->at.theta ? "calibrated" : "dynamic",
			     (uint64_t)XXH3_64bits(theta, n * sizeof(*theta)));
	/* the one speculation that changes results */
	if (core->at.speculation == CTRANS_SPEC_SAMPLE && n < size)
		snprintf(text + n, size - n, ":%u/128", core->at.spec_steps);
}

const char *ct_kv_name(enum ctrans_kv_type kv)
{
	switch (kv) {
	case CTRANS_KV_F16:	return "f16";
	case CTRANS_KV_F32:	return "f32";
	case CTRANS_KV_S8:	return "s8";
	}
	return "unknown";
}

void ct_core_fingerprint(struct ct_core *core, struct ct_fingerprint *fp)
{
	pthread_mutex_lock(&core->lock);
	memcpy(fp->model, core->fingerprint, sizeof(fp->model));
	pthread_mutex_unlock(&core->lock);
	if (!fp->model[0]) {
		/* Two threads may both do so: steps need not wait for either. */
		hash_model(core, fp->model);
		pthread_mutex_lock(&core->lock);
		memcpy(core->fingerprint, fp->model, sizeof(fp->model));
		pthread_mutex_unlock(&core->lock);
	}
	hash_thresholds(core, fp->thresholds, sizeof(fp->thresholds));
	fp->kv = ct_kv_name(core->at.kv);
}
