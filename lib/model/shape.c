// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "model/config.h"

/* Radford et al. 2019, table 2, and the published checkpoints' configs. */
static const struct {
	const char *name;
	uint32_t n_embd, n_layer, n_head;
} shapes[] = {
	{ "gpt2", 768, 12, 12 },
	{ "gpt2-medium", 1024, 24, 16 },
	{ "gpt2-large", 1280, 36, 20 },
	{ "gpt2-xl", 1600, 48, 25 },
};

int ct_config_shape(const char *name, struct ct_config *cfg,
			 struct ct_err *err)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (strcmp(name, shapes[i].name))
			continue;
		*cfg = (struct ct_config){
			.n_vocab = 50257,
			.n_ctx = 1024,
			.n_embd = shapes[i].n_embd,
			.n_layer = shapes[i].n_layer,
			.n_head = shapes[i].n_head,
			.n_inner = 4 * shapes[i].n_embd,
			.ln_eps = 1e-5f,
			.act = CT_ACT_GELU_TANH,
			.tied_head = true,
			.scale_attn = true,
			.bos_id = 50256,
			.eos_id = 50256,
			.n_eos = 1,
			.eos_ids = { 50256 },
		};
		return 0;
	}
	return ct_fail(err, -EINVAL,
		       "unknown shape \"%s\" (there are gpt2, gpt2-medium, gpt2-large and gpt2-xl)",
		       name);
}

uint64_t ct_config_n_params(const struct ct_config *c)
{
	uint64_t e = c->n_embd, f = c->n_inner;
	uint64_t block = 4 * e * e + 4 * e	/* attention */
		       + 2 * e * f + e + f	/* MLP */
		       + 4 * e;			/* two norms */
	uint64_t tables = c->n_vocab * e * (c->tied_head ? 1 : 2) +
			  c->n_ctx * e;

	return tables + c->n_layer * block + 2 * e;
}
