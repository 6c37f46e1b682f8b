// SPDX-License-Identifier: MIT
/*
 * config.json of T5 1.0, T5 1.1 and mT5 (configuration_t5.py, configuration_mt5.py
 * of Hugging Face transformers).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/config_impl.h"

/* Where neither says how long texts are; distances have no end. */
#define CONTEXT		512

static int get_shape(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const struct ct_config_item items[] = {
		{ "vocab_size", &c->n_vocab, true },
		{ "d_model", &c->n_embd, true },
		{ "d_kv", &c->head_dim, true },
		{ "d_ff", &c->n_inner, true },
		{ "num_layers", &c->enc.n_layer, true },
		{ "num_decoder_layers", &c->n_layer, false },
		{ "num_heads", &c->n_head, true },
		{ "relative_attention_num_buckets", &c->rel_buckets, false },
		{ "relative_attention_max_distance", &c->rel_span, false },
		{ "n_positions", &c->n_ctx, false },
	};
	int code;

	c->rel_buckets = 32;
	c->rel_span = 128;
	c->n_ctx = CONTEXT;
	code = ct_config_counts(root, items, sizeof(items) / sizeof(items[0]), err);
	if (code)
		return code;
	if (!c->enc.n_layer)
		return ct_fail(err, -EBADMSG, "\"num_layers\" is 0");
	if (!c->n_layer)
		c->n_layer = c->enc.n_layer;
	c->enc.n_vocab = c->n_vocab;
	c->enc.n_head = c->n_head;
	c->enc.head_dim = c->head_dim;
	c->enc.n_inner = c->n_inner;
	return 0;
}

/* "relu", "gated-gelu": the last is the function, and this gelu is gelu_new. */
static int get_ffn(const cJSON *root, bool mt5, struct ct_config *c, struct ct_err *err)
{
	static const char gate[] = "gated-";
	const char *name = mt5 ? "gated-gelu" : "relu", *act;
	int code = ct_json_string_opt(root, "feed_forward_proj", &name, err);

	if (code)
		return code;
	c->gated = !strncmp(name, gate, strlen(gate));
	act = c->gated ? name + strlen(gate) : name;
	if (!strcmp(name, "gated-gelu"))
		act = "gelu_new";
	code = ct_config_act(act, &c->act, err);
	if (code)
		ct_err_prefix(err, "feed_forward_proj \"%s\"", ct_show(name, strlen(name)).s);
	return code;
}

int ct_config_t5_json(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const char *type = "t5";
	bool mt5;
	double eps = 1e-6;
	int code;

	code = ct_json_string_opt(root, "model_type", &type, err);
	if (code)
		return code;
	mt5 = !strcmp(type, "mt5");
	c->positions = CT_POSITIONS_RELATIVE;
	c->rms_norm = true;
	c->shared_table = true;
	c->tied_head = !mt5;
	code = get_shape(root, c, err);
	if (!code)
		code = get_ffn(root, mt5, c, err);
	if (!code)
		code = ct_json_double_opt(root, "layer_norm_epsilon", &eps, err);
	if (!code)
		code = ct_json_bool_opt(root, "tie_word_embeddings", &c->tied_head, err);
	if (code)
		return code;
	c->ln_eps = eps >= 0 && eps < 1 ? (float)eps : -1.0f;
	if (c->tied_head && c->n_embd)
		c->head_factor = (float)(1.0 / sqrt((double)c->n_embd));
	/* T5Config's defaults */
	if (c->n_vocab > 1) {
		c->pad_id = c->start_id = 0;
		ct_config_add_eos(c, 1);
	}
	code = ct_config_ids(root, c, err);
	return code ? code : ct_config_check(c, err);
}
