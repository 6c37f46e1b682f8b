/* SPDX-License-Identifier: MIT */
/*
 * What a model is, apart from its weights: one stack of layers, a decoder, or two,
 * an encoder before it.
 *
 * A struct that one of these functions has filled is consistent: every count
 * is at least 1 and within its limit, heads fit the widths, and token ids are below
 * n_vocab.
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
#define CT_MAX_BEAMS	32u
#define CT_MAX_REL_BUCKETS	4096u
#define CT_MAX_REL_SPAN		4096u

enum ct_act {
	CT_ACT_GELU_TANH,	/* gelu_new, gelu_fast, gelu_pytorch_tanh */
	CT_ACT_GELU_ERF,	/* gelu */
	CT_ACT_RELU,
	CT_ACT_SILU,
};

enum ct_arch {
	CT_ARCH_GPT2,
	CT_ARCH_T5,		/* and mT5 */
	CT_ARCH_FSMT,
};

/* "gpt2", "t5", "fsmt" */
const char *ct_arch_name(enum ct_arch arch);

enum ct_positions {
	CT_POSITIONS_LEARNED,	/* a table that is added to tokens */
	CT_POSITIONS_SINUSOID,	/* another, which is computed */
	CT_POSITIONS_RELATIVE,	/* a bias of scores */
};

struct ct_encoder {
	uint32_t n_vocab, n_layer, n_head, head_dim, n_inner;
};

struct ct_config {
	enum ct_arch arch;
	/* The decoder. n_ctx: positions, of the source too; may be exceeded by T5 */
	uint32_t n_vocab, n_ctx, n_embd, n_layer, n_head, head_dim, n_inner;
	struct ct_encoder enc;		/* n_layer 0: there is none */
	float ln_eps;
	enum ct_act act;
	enum ct_positions positions;
	bool rms_norm;			/* without mean and bias */
	bool post_norm;			/* after each sum, in place of before each linear */
	bool biases;			/* of linears */
	bool gated;			/* FFN: act(gate) * up */
	bool tied_head;			/* the head is wte */
	bool shared_table;		/* the encoder's tokens are wte */
	bool scale_attn;		/* by 1 / sqrt(head_dim) */
	bool scale_attn_by_inverse_layer;	/* and by 1 / (layer + 1) */
	float embed_factor;		/* of what is read from wte; 1 */
	float head_factor;		/* of what enters the head; 1 */
	/* RELATIVE: distances share buckets, all from span on the last */
	uint32_t rel_buckets, rel_span;
	/* SINUSOID: what the first position is numbered */
	uint32_t first_position;
	int64_t bos_id, eos_id;		/* -1: none */
	int64_t start_id, pad_id;	/* with an encoder: what a target begins with */
	/* All ids that end a text; eos_ids[0] == eos_id when n_eos > 0. */
	uint32_t n_eos;
	uint32_t eos_ids[CT_MAX_EOS];
};

static inline bool ct_has_encoder(const struct ct_config *cfg)
{
	return cfg->enc.n_layer > 0;
}

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
 * The published sizes, "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "t5-small",
 * "t5-base", "mt5-small" and "fsmt", for benchmarks with random weights. Another
 * name is -EINVAL with the list.
 */
int ct_config_shape(const char *name, struct ct_config *cfg,
			 struct ct_err *err);

/* "gelu_tanh", "relu", ...: as converted files name it. */
const char *ct_act_name(enum ct_act act);

/* Weights in the model (a tied head counted once). */
uint64_t ct_config_n_params(const struct ct_config *cfg);

#endif
