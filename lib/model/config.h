/* SPDX-License-Identifier: MIT */
/*
 * What a GPT-2 model is, apart from its weights.
 *
 * A struct that one of these functions has filled is consistent: every count
 * is at least 1 and within its limit, n_head divides n_embd, and token ids
 * are below n_vocab.
 */
#ifndef CT_MODEL_CONFIG_H
#define CT_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Limits: far beyond any GPT-2, and such that products of two, times 4
 * bytes, stay far from 64 bits and a row of any matrix within 1 MiB.
 */
#define CT_MAX_VOCAB	(1u << 24)
#define CT_MAX_CTX	(1u << 20)
#define CT_MAX_EMBD	(1u << 16)
#define CT_MAX_INNER	(1u << 18)
#define CT_MAX_LAYER	4096u

#define CT_MAX_EOS	8

enum ct_act {
	CT_ACT_GELU_TANH,	/* gelu_new, gelu_fast, gelu_pytorch_tanh */
	CT_ACT_GELU_ERF,	/* gelu */
	CT_ACT_RELU,
	CT_ACT_SILU,
};

struct ct_config {
	uint32_t n_vocab, n_ctx, n_embd, n_layer, n_head, n_inner;
	float ln_eps;
	enum ct_act act;
	bool tied_head;			/* the head is wte */
	bool scale_attn;		/* by 1 / sqrt(n_embd / n_head) */
	bool scale_attn_by_inverse_layer;	/* and by 1 / (layer + 1) */
	int64_t bos_id, eos_id;		/* -1: none */
	/* All ids that end a text; eos_ids[0] == eos_id when n_eos > 0. */
	uint32_t n_eos;
	uint32_t eos_ids[CT_MAX_EOS];
};

/*
 * From the text of a Hugging Face config.json, @len bytes. Another
 * architecture, or a setting that would change the arithmetic in a way
 * nothing here does, is -ENOTSUP and named.
 */
int ct_config_json(const char *text, size_t len,
			struct ct_config *cfg, struct ct_err *err);

/* bos and eos of a generation_config.json go over those of config.json. */
int ct_config_generation(const char *text, size_t len,
			      struct ct_config *cfg, struct ct_err *err);

/*
 * From GGUF metadata of architecture gpt2. The vocabulary's size is not
 * there: the caller knows it from the embedding table, and whether there is
 * an own head from the tensors.
 */
struct ct_gguf;
int ct_config_gguf(const struct ct_gguf *gguf, uint64_t n_vocab,
			struct ct_config *cfg, struct ct_err *err);

/* Everything that must hold between the fields; -EBADMSG or -E2BIG. */
int ct_config_check(const struct ct_config *cfg,
			 struct ct_err *err);

/*
 * The published sizes, "gpt2", "gpt2-medium", "gpt2-large" and "gpt2-xl", for
 * benchmarks with random weights. Another name is -EINVAL with the list.
 */
int ct_config_shape(const char *name, struct ct_config *cfg,
			 struct ct_err *err);

/* "gelu_tanh", "relu", ...: as converted files name it. */
const char *ct_act_name(enum ct_act act);

/* Weights in the model (a tied head counted once). */
uint64_t ct_config_n_params(const struct ct_config *cfg);

#endif
