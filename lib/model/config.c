// SPDX-License-Identifier: MIT
#include "model/config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

/* The names that Hugging Face's ACT2FN gives to what we have. */
static const struct {
	const char *name;
	enum ct_act act;
} acts[] = {
	{ "gelu_new", CT_ACT_GELU_TANH },
	{ "gelu", CT_ACT_GELU_ERF },
	{ "relu", CT_ACT_RELU },
	{ "silu", CT_ACT_SILU },
	{ "gelu_fast", CT_ACT_GELU_TANH },
	{ "gelu_pytorch_tanh", CT_ACT_GELU_TANH },
	{ "gelu_accurate", CT_ACT_GELU_TANH },
	{ "gelu_python", CT_ACT_GELU_ERF },
	{ "swish", CT_ACT_SILU },
};

#define N_ACTS	(sizeof(acts) / sizeof(acts[0]))

static int check_range(const char *what, uint64_t v, uint64_t max,
		       struct ct_err *err)
{
	if (v < 1)
		return ct_fail(err, -EBADMSG, "%s is 0", what);
	if (v > max)
		return ct_fail(err, -E2BIG, "%s is %" PRIu64
			       ", beyond the limit of %" PRIu64, what, v, max);
	return 0;
}

int ct_config_check(const struct ct_config *c, struct ct_err *err)
{
	const struct {
		const char *what;
		uint64_t v, max;
	} counts[] = {
		{ "vocabulary size", c->n_vocab, CT_MAX_VOCAB },
		{ "context length", c->n_ctx, CT_MAX_CTX },
		{ "embedding length", c->n_embd, CT_MAX_EMBD },
		{ "layer count", c->n_layer, CT_MAX_LAYER },
		{ "head count", c->n_head, c->n_embd },
		{ "inner length", c->n_inner, CT_MAX_INNER },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int code = check_range(counts[i].what, counts[i].v,
				       counts[i].max, err);

		if (code)
			return code;
	}
	if (c->n_embd % c->n_head)
		return ct_fail(err, -EBADMSG,
			       "head count %u does not divide the embedding length %u",
			       c->n_head, c->n_embd);
	if (!(c->ln_eps >= 0.0f && c->ln_eps < 1.0f))
		return ct_fail(err, -EBADMSG,
			       "layer norm epsilon %g is not in [0, 1)",
			       (double)c->ln_eps);
	return 0;
}

/*
 * A count under one of two names: GPT2Config's own, or the one that all
 * models share (its attribute_map). *found stays false when neither is there.
 */
static int get_count(const cJSON *root, const char *key, const char *alias,
		     uint32_t *value, bool *found, struct ct_err *err)
{
	const cJSON *item;
	uint64_t v;
	int code;

	code = ct_json_find(root, key, &item, err);
	if (!code && alias && (!item || cJSON_IsNull(item)))
		code = ct_json_find(root, alias, &item, err);
	if (code || !item || cJSON_IsNull(item))
		return code;
	code = ct_json_u64(item, item->string, &v, err);
	if (code)
		return code;
	if (v > UINT32_MAX)
		return ct_fail(err, -E2BIG, "%s is %" PRIu64, item->string, v);
	*value = (uint32_t)v;
	*found = true;
	return 0;
}

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
		int code = get_count(root, counts[i].key, counts[i].alias,
				     counts[i].value, &found, err);

		if (code)
			return code;
		if (!found && counts[i].required)
			return ct_fail(err, -ENOENT, "\"%s\" is missing",
				       counts[i].key);
		have_ctx |= found && counts[i].value == &c->n_ctx;
		if (!found && counts[i].value == &c->n_inner) {
			if (c->n_embd > CT_MAX_EMBD)
				return check_range("n_embd", c->n_embd,
						   CT_MAX_EMBD, err);
			c->n_inner = 4 * c->n_embd;
		}
	}
	return have_ctx ? 0 : ct_fail(err, -ENOENT,
				      "\"n_positions\" is missing");
}

static int get_arch(const cJSON *root, struct ct_err *err)
{
	const cJSON *archs, *first;
	const char *type = NULL;
	int code;

	code = ct_json_string_opt(root, "model_type", &type, err);
	if (code)
		return code;
	if (!type) {
		/* Very old files have the class name alone. */
		code = ct_json_find(root, "architectures", &archs, err);
		if (code)
			return code;
		first = cJSON_IsArray(archs) ? archs->child : NULL;
		if (!cJSON_IsString(first))
			return ct_fail(err, -ENOENT,
				       "\"model_type\" is missing");
		type = first->valuestring;
		if (!strncmp(type, "GPT2", 4))
			return 0;
	}
	if (strcmp(type, "gpt2"))
		return ct_fail(err, -ENOTSUP,
			       "architecture \"%s\" is not supported (gpt2 is)",
			       ct_show(type, strlen(type)).s);
	return 0;
}

static int get_act(const cJSON *root, enum ct_act *act, struct ct_err *err)
{
	const char *name = "gelu_new";
	int code = ct_json_string_opt(root, "activation_function", &name, err);

	if (code)
		return code;
	for (size_t i = 0; i < N_ACTS; i++) {
		if (!strcmp(name, acts[i].name)) {
			*act = acts[i].act;
			return 0;
		}
	}
	return ct_fail(err, -ENOTSUP,
		       "activation function \"%s\" is not supported (gelu_new, gelu, relu and silu are)",
		       ct_show(name, strlen(name)).s);
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

/*
 * One id. Negative or not in the vocabulary: none, as no step can produce
 * it; small test models often keep GPT-2's 50256.
 */
static int get_id(const cJSON *item, const char *key, uint32_t n_vocab,
		  int64_t *id, struct ct_err *err)
{
	uint64_t v;
	int code;

	*id = -1;
	if (cJSON_IsNumber(item) && item->valuedouble == -1)
		return 0;
	code = ct_json_u64(item, key, &v, err);
	if (!code && v < n_vocab)
		*id = (int64_t)v;
	return code;
}

static void add_eos(struct ct_config *c, int64_t id)
{
	if (id < 0)
		return;
	for (uint32_t i = 0; i < c->n_eos; i++)
		if (c->eos_ids[i] == id)
			return;
	if (!c->n_eos)
		c->eos_id = id;
	c->eos_ids[c->n_eos++] = (uint32_t)id;
}

static int get_eos(const cJSON *item, struct ct_config *c,
		   struct ct_err *err)
{
	bool list = cJSON_IsArray(item);
	const cJSON *it = list ? item->child : item;

	c->eos_id = -1;
	c->n_eos = 0;
	for (; it; it = list ? it->next : NULL) {
		int64_t id;
		int code = get_id(it, "eos_token_id", c->n_vocab, &id, err);

		if (code)
			return code;
		if (c->n_eos == CT_MAX_EOS)
			return ct_fail(err, -E2BIG,
				       "eos_token_id lists more than %d ids",
				       CT_MAX_EOS);
		add_eos(c, id);
	}
	return 0;
}

/* null is "none"; absent leaves what is there. */
static int get_ids(const cJSON *root, struct ct_config *c,
		   struct ct_err *err)
{
	const cJSON *bos, *eos;
	int code;

	code = ct_json_find(root, "bos_token_id", &bos, err);
	if (!code)
		code = ct_json_find(root, "eos_token_id", &eos, err);
	if (code)
		return code;
	if (bos && cJSON_IsNull(bos))
		c->bos_id = -1;
	else if (bos)
		code = get_id(bos, "bos_token_id", c->n_vocab, &c->bos_id, err);
	if (code)
		return code;
	if (eos && cJSON_IsNull(eos)) {
		c->eos_id = -1;
		c->n_eos = 0;
	} else if (eos) {
		code = get_eos(eos, c, err);
	}
	return code;
}

static int read_config(const cJSON *root, struct ct_config *c,
		       struct ct_err *err)
{
	double eps = 1e-5;
	int code;

	code = get_arch(root, err);
	if (!code)
		code = refuse(root, err);
	if (!code)
		code = get_counts(root, c, err);
	if (!code)
		code = get_act(root, &c->act, err);
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
	code = ct_config_check(c, err);
	if (code)
		return code;
	/* What GPT2Config has where the file is silent. */
	if (c->n_vocab > 50256) {
		c->bos_id = 50256;
		add_eos(c, 50256);
	}
	return get_ids(root, c, err);
}

int ct_config_json(const char *text, size_t len,
			struct ct_config *cfg, struct ct_err *err)
{
	struct ct_config c = {
		.tied_head = true,
		.scale_attn = true,
		.bos_id = -1,
		.eos_id = -1,
	};
	cJSON *root;
	int code;

	code = ct_json_parse(text, len, &root, err);
	if (code)
		return code;
	code = read_config(root, &c, err);
	cJSON_Delete(root);
	if (!code)
		*cfg = c;
	return code;
}

int ct_config_generation(const char *text, size_t len,
			      struct ct_config *cfg, struct ct_err *err)
{
	struct ct_config c = *cfg;
	cJSON *root;
	int code;

	code = ct_json_parse(text, len, &root, err);
	if (code)
		return code;
	code = get_ids(root, &c, err);
	cJSON_Delete(root);
	if (!code)
		*cfg = c;
	return code;
}
