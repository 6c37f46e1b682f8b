// SPDX-License-Identifier: MIT
/*
 * What a family's models all have in common (norms, positions, biases) is not in the
 * file: the architecture says it. What is, is checked against it.
 */
#define XXH_INLINE_ALL
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model/converted.h"
#include "model/le.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const archs[] = {
	[CT_ARCH_GPT2] = "ctrans-gpt2",
	[CT_ARCH_T5] = "ctrans-t5",
	[CT_ARCH_FSMT] = "ctrans-fsmt",
};

static const char *const acts[] = {
	[CT_ACT_GELU_TANH] = "gelu_tanh",
	[CT_ACT_GELU_ERF] = "gelu_erf",
	[CT_ACT_RELU] = "relu",
	[CT_ACT_SILU] = "silu",
};

/* In the order in which they are written; the last of each kind not for GPT-2. */
static const struct item {
	const char *key;
	size_t at;
	bool encoder;
} counts[] = {
	{ "vocab_size", offsetof(struct ct_config, n_vocab), false },
	{ "context_length", offsetof(struct ct_config, n_ctx), false },
	{ "embedding_length", offsetof(struct ct_config, n_embd), false },
	{ "block_count", offsetof(struct ct_config, n_layer), false },
	{ "attention.head_count", offsetof(struct ct_config, n_head), false },
	{ "feed_forward_length", offsetof(struct ct_config, n_inner), false },
	{ "attention.key_length", offsetof(struct ct_config, head_dim), true },
	{ "encoder.vocab_size", offsetof(struct ct_config, enc.n_vocab), true },
	{ "encoder.block_count", offsetof(struct ct_config, enc.n_layer), true },
	{ "encoder.attention.head_count", offsetof(struct ct_config, enc.n_head), true },
	{ "encoder.attention.key_length", offsetof(struct ct_config, enc.head_dim), true },
	{ "encoder.feed_forward_length", offsetof(struct ct_config, enc.n_inner), true },
	/* 0 where positions are not relative */
	{ "attention.relative_buckets", offsetof(struct ct_config, rel_buckets), true },
	{ "attention.relative_span", offsetof(struct ct_config, rel_span), true },
	{ "first_position", offsetof(struct ct_config, first_position), true },
}, switches[] = {
	{ "tied_head", offsetof(struct ct_config, tied_head), false },
	{ "attention.scale", offsetof(struct ct_config, scale_attn), false },
	{ "attention.scale_by_inverse_layer",
	  offsetof(struct ct_config, scale_attn_by_inverse_layer), false },
	{ "feed_forward_gated", offsetof(struct ct_config, gated), true },
};

const char *ct_act_name(enum ct_act act)
{
	return acts[act];
}

static bool is(const struct ct_str *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->ptr, text, s->len);
}

const char *ct_converted_arch(enum ct_arch arch)
{
	return archs[arch];
}

bool ct_converted_arch_find(const struct ct_str *name, enum ct_arch *arch)
{
	for (size_t i = 0; i < N(archs); i++)
		if (is(name, archs[i])) {
			*arch = (enum ct_arch)i;
			return true;
		}
	return false;
}

/* A key of the configuration. */
struct key {
	char s[64];
};

static struct key key_of(const struct ct_config *c, const char *name)
{
	struct key key;

	snprintf(key.s, sizeof(key.s), "%s.%s", archs[c->arch], name);
	return key;
}

static bool has(const struct ct_config *c, const struct item *item)
{
	return !item->encoder || c->arch != CT_ARCH_GPT2;
}

static int check_version(const struct ct_gguf *gguf, enum ct_arch arch,
			 struct ct_err *err)
{
	uint64_t version = 0;
	int code = ct_gguf_u64(gguf, CT_KEY_VERSION, &version, err);

	if (!code && version > CT_CONVERTED_VERSION)
		return ct_fail(err, -ENOTSUP,
			       "converted by a newer libctrans (format %" PRIu64
			       ", this one reads up to %d): update it, or convert the model again",
			       version, CT_CONVERTED_VERSION);
	if (!code && !version)
		return ct_fail(err, -EBADMSG, "metadata key %s is 0",
			       CT_KEY_VERSION);
	if (!code && arch != CT_ARCH_GPT2 && version < CT_CONVERTED_VERSION_ENCODER)
		return ct_fail(err, -EBADMSG, "metadata key %s is %" PRIu64
			       ", but models with an encoder came with %d",
			       CT_KEY_VERSION, version, CT_CONVERTED_VERSION_ENCODER);
	return code;
}

/* The sum is of a header that has 0 where the sum is. */
static int check_header(const struct ct_gguf *gguf, struct ct_err *err)
{
	static const uint8_t zero[8];
	const struct ct_gguf_kv *kv = ct_gguf_find(gguf, CT_KEY_SUM_HEADER);
	XXH3_state_t state;

	if (!kv || kv->is_array || kv->type != CT_GGUF_U64)
		return ct_fail(err, -EBADMSG,
			       "metadata key %s is missing, or no 64-bit number",
			       CT_KEY_SUM_HEADER);
	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, gguf->header, kv->value);
	XXH3_64bits_update(&state, zero, sizeof(zero));
	XXH3_64bits_update(&state, gguf->header + kv->end,
			   gguf->header_len - kv->end);
	if (XXH3_64bits_digest(&state) != ct_load_le(gguf->header + kv->value, 8))
		return ct_fail(err, -EBADMSG,
			       "its header is damaged (wrong checksum): convert the model again");
	return 0;
}

static int get_arch(const struct ct_gguf *gguf, enum ct_arch *arch, struct ct_err *err)
{
	struct ct_str name = { "", 0 };
	int code = ct_gguf_string_opt(gguf, "general.architecture", &name, err);

	if (!code && !ct_converted_arch_find(&name, arch))
		return ct_fail(err, -ENOTSUP, "architecture \"%s\" is no converted file's",
			       ct_show(name.ptr, name.len).s);
	return code;
}

/* What there is to know before any key has been read. */
static void set_family(struct ct_config *c)
{
	*c = (struct ct_config){
		.arch = c->arch,
		.positions = c->arch == CT_ARCH_T5 ? CT_POSITIONS_RELATIVE :
			     c->arch == CT_ARCH_FSMT ? CT_POSITIONS_SINUSOID :
						       CT_POSITIONS_LEARNED,
		.rms_norm = c->arch == CT_ARCH_T5,
		.shared_table = c->arch == CT_ARCH_T5,
		.post_norm = c->arch == CT_ARCH_FSMT,
		.biases = c->arch != CT_ARCH_T5,
		.embed_factor = 1.0f,
		.head_factor = 1.0f,
		.bos_id = -1, .eos_id = -1, .start_id = -1, .pad_id = -1,
	};
}

static int get_counts(const struct ct_gguf *gguf, struct ct_config *c,
		      struct ct_err *err)
{
	for (size_t i = 0; i < N(counts) && has(c, &counts[i]); i++) {
		struct key key = key_of(c, counts[i].key);
		uint64_t v = 0;
		int code = ct_gguf_u64(gguf, key.s, &v, err);

		if (code)
			return code;
		if (v > UINT32_MAX)
			return ct_fail(err, -E2BIG, "metadata key %s is %" PRIu64,
				       key.s, v);
		*(uint32_t *)((char *)c + counts[i].at) = (uint32_t)v;
	}
	if (c->arch == CT_ARCH_GPT2)
		c->head_dim = c->n_head ? c->n_embd / c->n_head : 0;
	return 0;
}

static int get_act(const struct ct_gguf *gguf, const char *key, enum ct_act *act,
		   struct ct_err *err)
{
	struct ct_str name = { "", 0 };
	int code = ct_gguf_string_opt(gguf, key, &name, err);

	if (code)
		return code;
	for (size_t i = 0; i < N(acts); i++)
		if (is(&name, acts[i])) {
			*act = (enum ct_act)i;
			return 0;
		}
	return ct_fail(err, -ENOTSUP, "activation \"%s\" is not supported",
		       ct_show(name.ptr, name.len).s);
}

/* -1 if it is missing, or not at least 0 and below @end. */
static int get_float(const struct ct_gguf *gguf, const char *key, double end, float *v,
		     struct ct_err *err)
{
	double d = -1;
	int code = ct_gguf_float_opt(gguf, key, &d, err);

	*v = d >= 0 && d < end ? (float)d : -1.0f;
	return code;
}

static int get_rest(const struct ct_gguf *gguf, struct ct_config *c,
		    struct ct_err *err)
{
	int code = get_float(gguf, key_of(c, "attention.layer_norm_epsilon").s, 1,
			     &c->ln_eps, err);

	if (!code)
		code = get_act(gguf, key_of(c, "activation").s, &c->act, err);
	for (size_t i = 0; i < N(switches) && has(c, &switches[i]) && !code; i++)
		code = ct_gguf_bool_opt(gguf, key_of(c, switches[i].key).s,
					(bool *)((char *)c + switches[i].at), err);
	if (!code && c->arch != CT_ARCH_GPT2)
		code = get_float(gguf, key_of(c, "embedding_scale").s, CT_MAX_EMBD,
				 &c->embed_factor, err);
	return code;
}

/* Whatever no model of the family has; some of it would be read out of bounds. */
static int check_family(const struct ct_config *c, struct ct_err *err)
{
	bool t5 = c->arch == CT_ARCH_T5;
	const struct {
		const char *key;
		bool wrong;
	} checks[] = {
		{ "encoder.block_count", !c->enc.n_layer },
		/* one table for both */
		{ "encoder.vocab_size", t5 && c->enc.n_vocab != c->n_vocab },
		{ "tied_head", !t5 && !c->tied_head },
		{ "attention.scale", c->scale_attn == t5 },
		{ "attention.scale_by_inverse_layer", c->scale_attn_by_inverse_layer },
		{ "feed_forward_gated", !t5 && c->gated },
		{ "embedding_scale", c->embed_factor != 1.0f &&
		  (t5 || c->embed_factor != (float)sqrt((double)c->n_embd)) },
		{ "attention.relative_buckets", !t5 && c->rel_buckets },
		{ "attention.relative_span", !t5 && c->rel_span },
		{ "first_position", c->first_position > (t5 ? 0 : CT_MAX_VOCAB) },
	};

	for (size_t i = 0; i < N(checks) && c->arch != CT_ARCH_GPT2; i++)
		if (checks[i].wrong)
			return ct_fail(err, -EBADMSG,
				       "metadata key %s is not what a model of architecture %s has",
				       key_of(c, checks[i].key).s, ct_arch_name(c->arch));
	return 0;
}

static int check_id(const struct ct_config *c, const char *key, int64_t id,
		    struct ct_err *err)
{
	if (id >= 0 && id < c->n_vocab)
		return 0;
	return ct_fail(err, -EBADMSG, "metadata key %s is %" PRId64
		       ", but the vocabulary has %u tokens", key, id, c->n_vocab);
}

/* Lists, so that none is an empty one. */
static int get_ids(const struct ct_gguf *gguf, const char *key, size_t most,
		   const struct ct_config *c, uint32_t *ids, uint32_t *n,
		   struct ct_err *err)
{
	int32_t *v;
	int code = ct_gguf_i32s_opt(gguf, key, &v, n, err);

	if (!code && *n > most)
		code = ct_fail(err, -E2BIG, "metadata key %s has %u elements",
			       key, *n);
	for (uint32_t i = 0; !code && i < *n; i++) {
		ids[i] = (uint32_t)v[i];
		code = check_id(c, key, v[i], err);
	}
	free(v);
	return code;
}

static int get_id(const struct ct_gguf *gguf, const char *name,
		  const struct ct_config *c, int64_t *id, struct ct_err *err)
{
	uint32_t v, n = 0;
	int code = get_ids(gguf, key_of(c, name).s, 1, c, &v, &n, err);

	if (!code && n)
		*id = v;
	return code;
}

static int get_all_ids(const struct ct_gguf *gguf, struct ct_config *c,
		       struct ct_err *err)
{
	int code = get_id(gguf, "bos", c, &c->bos_id, err);

	if (!code)
		code = get_ids(gguf, key_of(c, "eos").s, CT_MAX_EOS, c, c->eos_ids,
			       &c->n_eos, err);
	if (!code && c->n_eos)
		c->eos_id = c->eos_ids[0];
	if (!code && c->arch != CT_ARCH_GPT2)
		code = get_id(gguf, "start", c, &c->start_id, err);
	if (!code && c->arch != CT_ARCH_GPT2)
		code = get_id(gguf, "pad", c, &c->pad_id, err);
	return code;
}

int ct_config_converted(const struct ct_gguf *gguf, struct ct_config *cfg,
			struct ct_err *err)
{
	struct ct_config c = { 0 };
	int code = get_arch(gguf, &c.arch, err);

	set_family(&c);
	if (!code)
		code = check_version(gguf, c.arch, err);
	if (!code)
		code = check_header(gguf, err);
	if (!code)
		code = get_counts(gguf, &c, err);
	if (!code)
		code = get_rest(gguf, &c, err);
	if (!code)
		code = check_family(&c, err);
	/* before the check, which wants a start */
	if (!code)
		code = get_all_ids(gguf, &c, err);
	if (!code)
		code = ct_config_check(&c, err);
	if (!code)
		*cfg = c;
	return code;
}

static void put_id(struct ct_gguf_out *out, const struct ct_config *c, const char *name,
		   int64_t id)
{
	int32_t v = (int32_t)id;

	ct_gguf_put_i32s(out, key_of(c, name).s, &v, id >= 0);
}

static void put_counts(const struct ct_config *c, struct ct_gguf_out *out, bool encoder)
{
	for (size_t i = 0; i < N(counts); i++)
		if (counts[i].encoder == encoder)
			ct_gguf_put_u32(out, key_of(c, counts[i].key).s,
				*(const uint32_t *)((const char *)c + counts[i].at));
}

static void put_switches(const struct ct_config *c, struct ct_gguf_out *out, bool encoder)
{
	for (size_t i = 0; i < N(switches); i++)
		if (switches[i].encoder == encoder)
			ct_gguf_put_bool(out, key_of(c, switches[i].key).s,
				*(const bool *)((const char *)c + switches[i].at));
}

void ct_config_put(const struct ct_config *c, struct ct_gguf_out *out)
{
	int32_t ids[CT_MAX_EOS];

	put_counts(c, out, false);
	ct_gguf_put_f32(out, key_of(c, "attention.layer_norm_epsilon").s, c->ln_eps);
	ct_gguf_put_string(out, key_of(c, "activation").s, acts[c->act]);
	put_switches(c, out, false);
	put_id(out, c, "bos", c->bos_id);
	for (uint32_t i = 0; i < c->n_eos; i++)
		ids[i] = (int32_t)c->eos_ids[i];
	ct_gguf_put_i32s(out, key_of(c, "eos").s, ids, c->n_eos);
	if (c->arch == CT_ARCH_GPT2)
		return;
	put_counts(c, out, true);
	put_switches(c, out, true);
	ct_gguf_put_f32(out, key_of(c, "embedding_scale").s, c->embed_factor);
	put_id(out, c, "start", c->start_id);
	put_id(out, c, "pad", c->pad_id);
}
