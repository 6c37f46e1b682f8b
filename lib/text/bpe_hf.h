/* SPDX-License-Identifier: MIT */
/* Between the files that read Hugging Face's tokenizer files. */
#ifndef CT_TEXT_BPE_HF_H
#define CT_TEXT_BPE_HF_H

#include <cjson/cJSON.h>

#include "text/bpe.h"

/* {"name": id, ...} */
int ct_hf_vocab(struct ct_bpe_builder *b, const cJSON *vocab,
		struct ct_err *err);

/*
 * An added token's "lstrip", "rstrip", "single_word", "normalized" and
 * "special", as CT_BPE_ADD_*.
 */
int ct_hf_flags(const cJSON *token, unsigned int *flags, struct ct_err *err);

/* A whole tokenizer.json, but for finishing. */
int ct_hf_tokenizer_json(struct ct_bpe_builder *b, const cJSON *root,
			 struct ct_bpe_options *opt, struct ct_err *err);

#endif
