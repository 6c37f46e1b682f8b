// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model/converted.h"
#include "model/le.h"

#define KEY(name)	CT_CONVERTED_ARCH "." name

static const char *const acts[] = {
	[CT_ACT_GELU_TANH] = "gelu_tanh",
	[CT_ACT_GELU_ERF] = "gelu_erf",
	[CT_ACT_RELU] = "relu",
	[CT_ACT_SILU] = "silu",
};

#define N_ACTS	(sizeof(acts) / sizeof(acts[0]))

const char *ct_act_name(enum ct_act act)
{
	return acts[act];
}

static int check_version(const struct ct_gguf *gguf, struct ct_err *err)
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

static int get_counts(const struct ct_gguf *gguf, struct ct_config *c,
		      struct ct_err *err)
{
	const struct {
		const char *key;
		uint32_t *value;
	} counts[] = {
		{ KEY("vocab_size"), &c->n_vocab },
		{ KEY("context_length"), &c->n_ctx },
		{ KEY("embedding_length"), &c->n_embd },
		{ KEY("block_count"), &c->n_layer },
		{ KEY("attention.head_count"), &c->n_head },
		{ KEY("feed_forward_length"), &c->n_inner },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t v = 0;
		int code = ct_gguf_u64(gguf, counts[i].key, &v, err);

		if (code)
			return code;
		if (v > UINT32_MAX)
			return ct_fail(err, -E2BIG, "metadata key %s is %" PRIu64,
				       counts[i].key, v);
		*counts[i].value = (uint32_t)v;
	}
	return 0;
}

static int get_act(const struct ct_gguf *gguf, enum ct_act *act,
		   struct ct_err *err)
{
	struct ct_str name = { "", 0 };
	int code = ct_gguf_string_opt(gguf, KEY("activation"), &name, err);

	if (code)
		return code;
	for (size_t i = 0; i < N_ACTS; i++)
		if (name.len == strlen(acts[i]) &&
		    !memcmp(name.ptr, acts[i], name.len)) {
			*act = (enum ct_act)i;
			return 0;
		}
	return ct_fail(err, -ENOTSUP, "activation \"%s\" is not supported",
		       ct_show(name.ptr, name.len).s);
}

static int get_rest(const struct ct_gguf *gguf, struct ct_config *c,
		    struct ct_err *err)
{
	double eps = -1;
	int code;

	code = ct_gguf_float_opt(gguf, KEY("attention.layer_norm_epsilon"), &eps,
				 err);
	if (!code)
		code = get_act(gguf, &c->act, err);
	if (!code)
		code = ct_gguf_bool_opt(gguf, KEY("tied_head"), &c->tied_head, err);
	if (!code)
		code = ct_gguf_bool_opt(gguf, KEY("attention.scale"),
					&c->scale_attn, err);
	if (!code)
		code = ct_gguf_bool_opt(gguf, KEY("attention.scale_by_inverse_layer"),
					&c->scale_attn_by_inverse_layer, err);
	c->ln_eps = eps >= 0 && eps < 1 ? (float)eps : -1.0f;
	return code;
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

int ct_config_converted(const struct ct_gguf *gguf,
			     struct ct_config *cfg, struct ct_err *err)
{
	struct ct_config c = { .bos_id = -1, .eos_id = -1 };
	uint32_t bos, n_bos = 0;
	int code;

	code = check_version(gguf, err);
	if (!code)
		code = check_header(gguf, err);
	if (!code)
		code = get_counts(gguf, &c, err);
	if (!code)
		code = get_rest(gguf, &c, err);
	if (!code)
		code = ct_config_check(&c, err);
	if (!code)
		code = get_ids(gguf, KEY("bos"), 1, &c, &bos, &n_bos, err);
	if (!code)
		code = get_ids(gguf, KEY("eos"), CT_MAX_EOS, &c, c.eos_ids,
			       &c.n_eos, err);
	if (code)
		return code;
	if (n_bos)
		c.bos_id = bos;
	if (c.n_eos)
		c.eos_id = c.eos_ids[0];
	*cfg = c;
	return 0;
}

void ct_config_put(const struct ct_config *c, struct ct_gguf_out *out)
{
	int32_t ids[CT_MAX_EOS], bos = (int32_t)c->bos_id;

	ct_gguf_put_u32(out, KEY("vocab_size"), c->n_vocab);
	ct_gguf_put_u32(out, KEY("context_length"), c->n_ctx);
	ct_gguf_put_u32(out, KEY("embedding_length"), c->n_embd);
	ct_gguf_put_u32(out, KEY("block_count"), c->n_layer);
	ct_gguf_put_u32(out, KEY("attention.head_count"), c->n_head);
	ct_gguf_put_u32(out, KEY("feed_forward_length"), c->n_inner);
	ct_gguf_put_f32(out, KEY("attention.layer_norm_epsilon"), c->ln_eps);
	ct_gguf_put_string(out, KEY("activation"), acts[c->act]);
	ct_gguf_put_bool(out, KEY("tied_head"), c->tied_head);
	ct_gguf_put_bool(out, KEY("attention.scale"), c->scale_attn);
	ct_gguf_put_bool(out, KEY("attention.scale_by_inverse_layer"),
			 c->scale_attn_by_inverse_layer);
	ct_gguf_put_i32s(out, KEY("bos"), &bos, c->bos_id >= 0);
	for (uint32_t i = 0; i < c->n_eos; i++)
		ids[i] = (int32_t)c->eos_ids[i];
	ct_gguf_put_i32s(out, KEY("eos"), ids, c->n_eos);
}
