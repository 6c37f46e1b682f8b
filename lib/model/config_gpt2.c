// SPDX-License-Identifier: MIT
/* config.json of GPT-2. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "model/config_impl.h"

static int get_counts(const cJSON *root, struct ct_config *c,
		      struct ct_err *err)
{
	const struct {
		const char *key, *alias;
		uint32_t *value;
		bool required;
	} counts[] = {
		{ "vocab_size", NULL, &c->n_vocab, true },
		{ "n_embd", "hidden_size", &c->n_embd, true },
		{ "n_layer", "num_hidden_layers", &c->n_layer, true },
		{ "n_head", "num_attention_heads", &c->n_head, true },
		{ "n_inner", NULL, &c->n_inner, false },
		/* n_ctx is an old copy of n_positions, which decides. */
		{ "n_ctx", NULL, &c->n_ctx, false },
		{ "n_positions", "max_position_embeddings", &c->n_ctx, false },
	};
	bool have_ctx = false;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		bool found = false;
		int code = ct_config_count(root, counts[i].key, counts[i].alias,
				     counts[i].value, &found, err);

		if (code)
			return code;
		if (!found && counts[i].required)
			return ct_fail(err, -ENOENT, "\"%s\" is missing",
				       counts[i].key);
		have_ctx |= found && counts[i].value == &c->n_ctx;
		if (!found && counts[i].value == &c->n_inner) {
			if (c->n_embd > CT_MAX_EMBD)
				return ct_fail(err, -E2BIG,
					       "n_embd is %u, beyond the limit of %u",
					       c->n_embd, CT_MAX_EMBD);
			c->n_inner = 4 * c->n_embd;
		}
	}
	return have_ctx ? 0 : ct_fail(err, -ENOENT,
				      "\"n_positions\" is missing");
}

/* Settings that would add arithmetic. */
static int refuse(const cJSON *root, struct ct_err *err)
{
	const cJSON *pruned;
	bool cross = false, encdec = false;
	int code;

	code = ct_json_bool_opt(root, "add_cross_attention", &cross, err);
	if (!code)
		code = ct_json_bool_opt(root, "is_encoder_decoder", &encdec,
					err);
	if (!code)
		code = ct_json_find(root, "pruned_heads", &pruned, err);
	if (code)
		return code;
	if (cross || encdec)
		return ct_fail(err, -ENOTSUP,
			       "GPT-2 with cross attention is not supported");
	if (pruned && pruned->child)
		return ct_fail(err, -ENOTSUP,
			       "GPT-2 with pruned heads is not supported");
	return 0;
}

int ct_config_gpt2_json(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const char *act = "gelu_new";
	double eps = 1e-5;
	int code;

	c->biases = true;
	c->tied_head = true;
	c->scale_attn = true;
	code = refuse(root, err);
	if (!code)
		code = get_counts(root, c, err);
	if (!code)
		code = ct_json_string_opt(root, "activation_function", &act, err);
	if (!code)
		code = ct_config_act(act, &c->act, err);
	if (!code)
		code = ct_json_double_opt(root, "layer_norm_epsilon", &eps,
					  err);
	if (!code)
		code = ct_json_bool_opt(root, "tie_word_embeddings",
					&c->tied_head, err);
	if (!code)
		code = ct_json_bool_opt(root, "scale_attn_weights",
					&c->scale_attn, err);
	if (!code)
		code = ct_json_bool_opt(root, "scale_attn_by_inverse_layer_idx",
					&c->scale_attn_by_inverse_layer, err);
	if (code)
		return code;
	/* Out of float's range is the check's to refuse, not a cast's. */
	c->ln_eps = eps >= 0 && eps < 1 ? (float)eps : -1.0f;
	c->head_dim = c->n_head ? c->n_embd / c->n_head : 0;
	code = ct_config_check(c, err);
	if (code)
		return code;
	/* What GPT2Config has where the file is silent. */
	if (c->n_vocab > 50256) {
		c->bos_id = 50256;
		ct_config_add_eos(c, 50256);
	}
	return ct_config_ids(root, c, err);
}

