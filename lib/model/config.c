// SPDX-License-Identifier: MIT
#include "model/config_impl.h"

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

static int check_counts(const struct ct_config *c, struct ct_err *err)
{
	const struct ct_encoder *e = &c->enc;
	const struct {
		const char *what;
		uint64_t v, max;
	} counts[] = {
		{ "vocabulary size", c->n_vocab, CT_MAX_VOCAB },
		{ "context length", c->n_ctx, CT_MAX_CTX },
		{ "embedding length", c->n_embd, CT_MAX_EMBD },
		{ "layer count", c->n_layer, CT_MAX_LAYER },
		{ "head count", c->n_head, CT_MAX_EMBD },
		{ "head length", c->head_dim, CT_MAX_EMBD },
		{ "inner length", c->n_inner, CT_MAX_INNER },
		{ "encoder's vocabulary size", e->n_vocab, CT_MAX_VOCAB },
		{ "encoder's layer count", e->n_layer, CT_MAX_LAYER },
		{ "encoder's head count", e->n_head, CT_MAX_EMBD },
		{ "encoder's head length", e->head_dim, CT_MAX_EMBD },
		{ "encoder's inner length", e->n_inner, CT_MAX_INNER },
	};
	size_t n = ct_has_encoder(c) ? 12 : 7;

	for (size_t i = 0; i < n; i++) {
		int code = check_range(counts[i].what, counts[i].v,
				       counts[i].max, err);

		if (code)
			return code;
	}
	return 0;
}

static int check_width(const struct ct_config *c, uint32_t n_head, uint32_t head_dim,
		       struct ct_err *err)
{
	uint64_t width = (uint64_t)n_head * head_dim;

	if (c->arch != CT_ARCH_T5 && width != c->n_embd)
		return ct_fail(err, -EBADMSG,
			       "head count %u does not divide the embedding length %u",
			       n_head, c->n_embd);
	if (width > CT_MAX_EMBD)
		return ct_fail(err, -E2BIG, "%u heads of %u are wider than the limit of %u",
			       n_head, head_dim, CT_MAX_EMBD);
	return 0;
}

static int check_relative(const struct ct_config *c, struct ct_err *err)
{
	int code;

	if (c->positions != CT_POSITIONS_RELATIVE)
		return 0;
	code = check_range("number of distance buckets", c->rel_buckets,
			   CT_MAX_REL_BUCKETS, err);
	if (!code)
		code = check_range("largest distance", c->rel_span, CT_MAX_REL_SPAN, err);
	/* of both signs half, and of them half one by one */
	if (!code && (c->rel_buckets % 4 || c->rel_span <= c->rel_buckets / 2))
		code = ct_fail(err, -EBADMSG,
			       "%u distance buckets up to a distance of %u",
			       c->rel_buckets, c->rel_span);
	return code;
}

int ct_config_check(const struct ct_config *c, struct ct_err *err)
{
	int code = check_counts(c, err);

	if (!code)
		code = check_width(c, c->n_head, c->head_dim, err);
	if (!code && ct_has_encoder(c))
		code = check_width(c, c->enc.n_head, c->enc.head_dim, err);
	if (!code)
		code = check_relative(c, err);
	if (code)
		return code;
	if (!(c->ln_eps >= 0.0f && c->ln_eps < 1.0f))
		return ct_fail(err, -EBADMSG,
			       "layer norm epsilon %g is not in [0, 1)",
			       (double)c->ln_eps);
	if (ct_has_encoder(c) &&
	    !(c->start_id >= 0 && c->start_id < (int64_t)c->n_vocab))
		return ct_fail(err, -EBADMSG,
			       "decoder_start_token_id is missing, or not in the vocabulary");
	return 0;
}

/*
 * A count under one of two names: GPT2Config's own, or the one that all
 * models share (its attribute_map). *found stays false when neither is there.
 */
int ct_config_count(const cJSON *root, const char *key, const char *alias,
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

int ct_config_act(const char *name, enum ct_act *act, struct ct_err *err)
{
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

/*
 * One id. Negative or not in the vocabulary: none, as no step can produce
 * it; small test models often keep GPT-2's 50256.
 */
int ct_config_id(const cJSON *item, const char *key, uint32_t n_vocab,
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

void ct_config_add_eos(struct ct_config *c, int64_t id)
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
		int code = ct_config_id(it, "eos_token_id", c->n_vocab, &id, err);

		if (code)
			return code;
		if (c->n_eos == CT_MAX_EOS)
			return ct_fail(err, -E2BIG,
				       "eos_token_id lists more than %d ids",
				       CT_MAX_EOS);
		ct_config_add_eos(c, id);
	}
	return 0;
}

/* null is "none"; absent leaves what is there. */
static int get_one(const cJSON *root, const char *key, uint32_t n_vocab, int64_t *id,
		   struct ct_err *err)
{
	const cJSON *item;
	int code = ct_json_find(root, key, &item, err);

	if (code || !item)
		return code;
	if (cJSON_IsNull(item)) {
		*id = -1;
		return 0;
	}
	return ct_config_id(item, key, n_vocab, id, err);
}

int ct_config_ids(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const cJSON *eos;
	int64_t start = c->start_id;
	int code;

	code = ct_json_find(root, "eos_token_id", &eos, err);
	if (!code)
		code = get_one(root, "bos_token_id", c->n_vocab, &c->bos_id, err);
	if (!code)
		code = get_one(root, "pad_token_id", c->n_vocab, &c->pad_id, err);
	if (!code)
		code = get_one(root, "decoder_start_token_id", c->n_vocab, &start, err);
	if (code)
		return code;
	/* a generation's file that has none does not take it away */
	if (start >= 0)
		c->start_id = start;
	if (eos && cJSON_IsNull(eos)) {
		c->eos_id = -1;
		c->n_eos = 0;
	} else if (eos) {
		code = get_eos(eos, c, err);
	}
	return code;
}

int ct_config_counts(const cJSON *root, const struct ct_config_item *items, size_t n,
		     struct ct_err *err)
{
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		int code = ct_config_count(root, items[i].key, NULL, items[i].value,
					   &found, err);

		if (code)
			return code;
		if (!found && items[i].required)
			return ct_fail(err, -ENOENT, "\"%s\" is missing", items[i].key);
	}
	return 0;
}

static const char *const arch_names[] = {
	[CT_ARCH_GPT2] = "gpt2",
	[CT_ARCH_T5] = "t5",
	[CT_ARCH_FSMT] = "fsmt",
};

const char *ct_arch_name(enum ct_arch arch)
{
	return arch_names[arch];
}

static const struct {
	const char *type;
	enum ct_arch arch;
	int (*read)(const cJSON *root, struct ct_config *cfg, struct ct_err *err);
} families[] = {
	{ "gpt2", CT_ARCH_GPT2, ct_config_gpt2_json },
	{ "t5", CT_ARCH_T5, ct_config_t5_json },
	{ "mt5", CT_ARCH_T5, ct_config_t5_json },
	{ "fsmt", CT_ARCH_FSMT, ct_config_fsmt_json },
};

#define N_FAMILIES	(sizeof(families) / sizeof(families[0]))

/* "model_type", or of very old files the class. */
static int get_type(const cJSON *root, const char **type, struct ct_err *err)
{
	const cJSON *archs, *first;
	int code;

	*type = NULL;
	code = ct_json_string_opt(root, "model_type", type, err);
	if (code || *type)
		return code;
	code = ct_json_find(root, "architectures", &archs, err);
	if (code)
		return code;
	first = cJSON_IsArray(archs) ? archs->child : NULL;
	if (!cJSON_IsString(first))
		return ct_fail(err, -ENOENT, "\"model_type\" is missing");
	*type = first->valuestring;
	if (!strncmp(*type, "GPT2", 4))
		*type = "gpt2";
	return 0;
}

static int read_family(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const char *type;
	int code = get_type(root, &type, err);

	if (code)
		return code;
	for (size_t i = 0; i < N_FAMILIES; i++) {
		if (strcmp(type, families[i].type))
			continue;
		c->arch = families[i].arch;
		return families[i].read(root, c, err);
	}
	return ct_fail(err, -ENOTSUP,
		       "architecture \"%s\" is not supported (gpt2, t5, mt5 and fsmt are)",
		       ct_show(type, strlen(type)).s);
}

int ct_config_json(const char *text, size_t len, struct ct_config *cfg,
		   struct ct_err *err)
{
	struct ct_config c = {
		.bos_id = -1, .eos_id = -1, .start_id = -1, .pad_id = -1,
		.embed_factor = 1.0f, .head_factor = 1.0f,
	};
	cJSON *root;
	int code;

	code = ct_json_parse(text, len, &root, err);
	if (code)
		return code;
	code = read_family(root, &c, err);
	cJSON_Delete(root);
	if (!code)
		*cfg = c;
	return code;
}

int ct_config_generation(const char *text, size_t len, struct ct_config *cfg,
			 struct ct_err *err)
{
	struct ct_config c = *cfg;
	cJSON *root;
	int code;

	code = ct_json_parse(text, len, &root, err);
	if (code)
		return code;
	code = ct_config_ids(root, &c, err);
	cJSON_Delete(root);
	if (!code)
		*cfg = c;
	return code;
}
