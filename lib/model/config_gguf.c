// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>

#include "model/config.h"
#include "model/gguf.h"

static int get_u32(const struct ct_gguf *gguf, const char *key,
		   uint32_t *value, struct ct_err *err)
{
	uint64_t v;
	int code = ct_gguf_u64(gguf, key, &v, err);

	if (!code && v > UINT32_MAX)
		code = ct_fail(err, -E2BIG, "metadata key %s is %" PRIu64, key,
			       v);
	if (!code)
		*value = (uint32_t)v;
	return code;
}

static int get_id(const struct ct_gguf *gguf, const char *key,
		  uint32_t n_vocab, int64_t *id, struct ct_err *err)
{
	uint64_t v = UINT64_MAX;
	int code = ct_gguf_u64_opt(gguf, key, &v, err);

	/* UINT32_MAX is how some writers say "none". */
	*id = v < n_vocab ? (int64_t)v : -1;
	if (!code && v >= n_vocab && v < UINT32_MAX)
		code = ct_fail(err, -EBADMSG, "metadata key %s is %" PRIu64
			       ", but the vocabulary has %u tokens", key, v,
			       n_vocab);
	return code;
}

/* Grouped heads and other lengths than n_embd / n_head are not GPT-2. */
static int refuse(const struct ct_gguf *gguf, const struct ct_config *c,
		  struct ct_err *err)
{
	uint64_t kv = c->n_head, vocab = c->n_vocab;
	int code;

	code = ct_gguf_u64_opt(gguf, "gpt2.attention.head_count_kv", &kv, err);
	if (!code)
		code = ct_gguf_u64_opt(gguf, "gpt2.vocab_size", &vocab, err);
	if (code)
		return code;
	if (kv != c->n_head)
		return ct_fail(err, -ENOTSUP,
			       "%" PRIu64 " key heads for %u query heads are not supported",
			       kv, c->n_head);
	if (vocab != c->n_vocab)
		return ct_fail(err, -EBADMSG, "gpt2.vocab_size is %" PRIu64
			       ", but token_embd.weight has %u rows", vocab,
			       c->n_vocab);
	return 0;
}

int ct_config_gguf(const struct ct_gguf *gguf, uint64_t n_vocab,
			struct ct_config *cfg, struct ct_err *err)
{
	/* The activation is not in the metadata: GPT-2's own is meant. */
	struct ct_config c = {
		.act = CT_ACT_GELU_TANH,
		.biases = true,
		.scale_attn = true,
		.embed_factor = 1.0f,
		.head_factor = 1.0f,
		.start_id = -1,
		.pad_id = -1,
	};
	double eps = 1e-5;
	uint64_t inner;
	int code;

	if (n_vocab > CT_MAX_VOCAB)
		return ct_fail(err, -E2BIG, "token_embd.weight has %" PRIu64
			       " rows, beyond the limit of %u", n_vocab,
			       CT_MAX_VOCAB);
	c.n_vocab = (uint32_t)n_vocab;
	code = get_u32(gguf, "gpt2.context_length", &c.n_ctx, err);
	if (!code)
		code = get_u32(gguf, "gpt2.embedding_length", &c.n_embd, err);
	if (!code)
		code = get_u32(gguf, "gpt2.block_count", &c.n_layer, err);
	if (!code)
		code = get_u32(gguf, "gpt2.attention.head_count", &c.n_head,
			       err);
	inner = 4 * (uint64_t)c.n_embd;
	if (!code)
		code = ct_gguf_u64_opt(gguf, "gpt2.feed_forward_length",
				       &inner, err);
	if (!code)
		code = ct_gguf_float_opt(gguf,
					 "gpt2.attention.layer_norm_epsilon",
					 &eps, err);
	if (code)
		return code;
	c.n_inner = inner < UINT32_MAX ? (uint32_t)inner : UINT32_MAX;
	c.head_dim = c.n_head ? c.n_embd / c.n_head : 0;
	c.ln_eps = eps >= 0 && eps < 1 ? (float)eps : -1.0f;
	code = ct_config_check(&c, err);
	if (!code)
		code = refuse(gguf, &c, err);
	if (!code)
		code = get_id(gguf, "tokenizer.ggml.bos_token_id", c.n_vocab,
			      &c.bos_id, err);
	if (!code)
		code = get_id(gguf, "tokenizer.ggml.eos_token_id", c.n_vocab,
			      &c.eos_id, err);
	if (code)
		return code;
	if (c.eos_id >= 0)
		c.eos_ids[c.n_eos++] = (uint32_t)c.eos_id;
	*cfg = c;
	return 0;
}
