// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/config.h"
#include "model/roles.h"

/* Radford et al. 2019, table 2, and the published checkpoints' configs. */
static const struct {
	const char *name;
	uint32_t n_embd, n_layer, n_head;
} gpt2[] = {
	{ "gpt2", 768, 12, 12 },
	{ "gpt2-medium", 1024, 24, 16 },
	{ "gpt2-large", 1280, 36, 20 },
	{ "gpt2-xl", 1600, 48, 25 },
};

/* The published checkpoints' configs; t5-small's in Raffel et al. 2020, section 3.7. */
static const struct {
	const char *name;
	uint32_t n_vocab, n_embd, n_layer, n_head, n_inner;
	bool gated;
} t5[] = {
	{ "t5-small", 32128, 512, 6, 8, 2048, false },
	{ "t5-base", 32128, 768, 12, 12, 3072, false },
	{ "mt5-small", 250112, 512, 8, 6, 1024, true },
};

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void shape_gpt2(size_t i, struct ct_config *cfg)
{
	*cfg = (struct ct_config){
		.n_vocab = 50257,
		.n_ctx = 1024,
		.n_embd = gpt2[i].n_embd,
		.n_layer = gpt2[i].n_layer,
		.n_head = gpt2[i].n_head,
		.head_dim = gpt2[i].n_embd / gpt2[i].n_head,
		.n_inner = 4 * gpt2[i].n_embd,
		.ln_eps = 1e-5f,
		.act = CT_ACT_GELU_TANH,
		.biases = true,
		.tied_head = true,
		.scale_attn = true,
		.embed_factor = 1.0f,
		.head_factor = 1.0f,
		.bos_id = 50256,
		.eos_id = 50256,
		.start_id = -1,
		.pad_id = -1,
		.n_eos = 1,
		.eos_ids = { 50256 },
	};
}

static void shape_t5(size_t i, struct ct_config *cfg)
{
	bool gated = t5[i].gated;

	*cfg = (struct ct_config){
		.arch = CT_ARCH_T5,
		.n_vocab = t5[i].n_vocab,
		.n_ctx = 512,
		.n_embd = t5[i].n_embd,
		.n_layer = t5[i].n_layer,
		.n_head = t5[i].n_head,
		.head_dim = 64,
		.n_inner = t5[i].n_inner,
		.enc = { t5[i].n_vocab, t5[i].n_layer, t5[i].n_head, 64, t5[i].n_inner },
		.ln_eps = 1e-6f,
		.act = gated ? CT_ACT_GELU_TANH : CT_ACT_RELU,
		.positions = CT_POSITIONS_RELATIVE,
		.rms_norm = true,
		.gated = gated,
		.tied_head = !gated,
		.shared_table = true,
		.embed_factor = 1.0f,
		.head_factor = gated ? 1.0f : (float)(1.0 / sqrt((double)t5[i].n_embd)),
		.rel_buckets = 32,
		.rel_span = 128,
		.bos_id = -1,
		.eos_id = 1,
		.n_eos = 1,
		.eos_ids = { 1 },
	};
}

/* wmt19's, Ng et al. 2019: as facebook/wmt19-en-de has them. */
static void shape_fsmt(struct ct_config *cfg)
{
	*cfg = (struct ct_config){
		.arch = CT_ARCH_FSMT,
		.n_vocab = 42024,
		.n_ctx = 1024,
		.n_embd = 1024,
		.n_layer = 6,
		.n_head = 16,
		.head_dim = 64,
		.n_inner = 8192,
		.enc = { 42024, 6, 16, 64, 8192 },
		.ln_eps = 1e-5f,
		.act = CT_ACT_RELU,
		.positions = CT_POSITIONS_SINUSOID,
		.post_norm = true,
		.biases = true,
		.tied_head = true,
		.scale_attn = true,
		.embed_factor = 32.0f,
		.head_factor = 1.0f,
		.first_position = 2,
		.bos_id = 0,
		.pad_id = 1,
		.start_id = 2,
		.eos_id = 2,
		.n_eos = 1,
		.eos_ids = { 2 },
	};
}

int ct_config_shape(const char *name, struct ct_config *cfg, struct ct_err *err)
{
	for (size_t i = 0; i < N(gpt2); i++) {
		if (!strcmp(name, gpt2[i].name)) {
			shape_gpt2(i, cfg);
			return 0;
		}
	}
	for (size_t i = 0; i < N(t5); i++) {
		if (!strcmp(name, t5[i].name)) {
			shape_t5(i, cfg);
			return 0;
		}
	}
	if (!strcmp(name, "fsmt")) {
		shape_fsmt(cfg);
		return 0;
	}
	return ct_fail(err, -EINVAL,
		       "unknown shape \"%s\" (there are gpt2, gpt2-medium, gpt2-large, gpt2-xl, t5-small, t5-base, mt5-small and fsmt)",
		       name);
}

uint64_t ct_config_n_params(const struct ct_config *c)
{
	uint64_t sum = 0;

	for (int r = 0; r < CT_N_ROLES; r++) {
		enum ct_role role = (enum ct_role)r;
		uint32_t n_out, n_in;

		if (ct_role_made(c, role))
			continue;
		ct_role_shape(c, role, &n_out, &n_in);
		sum += (uint64_t)ct_role_layers(c, role) * n_out * n_in;
	}
	return sum;
}
