/* SPDX-License-Identifier: MIT */
/*
 * The tokenizer that a GGUF file carries, as plain arrays. What they mean is
 * for text/ to know; here they are checked for being there, of one length,
 * and for ids within range.
 */
#ifndef CT_MODEL_VOCAB_H
#define CT_MODEL_VOCAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/gguf.h"

/* Values of types[] (llama.h: enum llama_token_type). */
enum ct_token_type {
	CT_TOKEN_NORMAL = 1,
	CT_TOKEN_UNKNOWN = 2,
	CT_TOKEN_CONTROL = 3,
	CT_TOKEN_USER_DEFINED = 4,
	CT_TOKEN_UNUSED = 5,
	CT_TOKEN_BYTE = 6,
};

struct ct_vocab {
	char *model;		/* "gpt2": byte-level BPE */
	char *pre;		/* pre-tokenizer, "gpt-2"; "" when not said */
	uint32_t n_tokens, n_merges;
	struct ct_str *tokens;	/* the bytes are the GGUF header's */
	struct ct_str *merges;	/* "left right" */
	int32_t *types;		/* n_tokens of them, or NULL: all normal */
	int64_t bos_id, eos_id, unk_id;	/* -1: none */
	bool add_bos;
	/* Of converted files (model/converted.h); else false and none. */
	bool add_prefix_space, no_split, ignore_merges, fuse_unk;
	uint32_t n_added;	/* pairs in: */
	int32_t *added;		/* an added token's id, ascending, and its flags (text/) */
};

/* Does the file say that it has a tokenizer? */
bool ct_vocab_present(const struct ct_gguf *gguf);

/*
 * -ENOENT when the file has no tokenizer. @gguf must outlive @vocab. Whether
 * the model is one that text/ can do is not checked here.
 */
int ct_vocab_load(const struct ct_gguf *gguf, struct ct_vocab *vocab,
		  struct ct_err *err);
void ct_vocab_free(struct ct_vocab *vocab);

#endif
