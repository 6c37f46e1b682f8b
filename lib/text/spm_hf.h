/* SPDX-License-Identifier: MIT */
/* Between the files that read Hugging Face's SentencePiece tokenizers. */
#ifndef CT_TEXT_SPM_HF_H
#define CT_TEXT_SPM_HF_H

#include <cjson/cJSON.h>

#include "text/spm.h"
#include "text/spm_model.h"

/* Tokens gathered by name. Their texts are the caller's, who keeps them. */
struct ct_spm_names {
	struct ct_spm_added v[CT_SPM_MAX_ADDED];
	size_t n;
};

/*
 * One more name; one that is there may become special. -EBADMSG if it has
 * another id, or the id another name; -E2BIG.
 */
int ct_spm_names_add(struct ct_spm_names *names, const char *text, uint32_t id,
		     bool special, struct ct_err *err);
/* NULL if it is not there. */
struct ct_spm_added *ct_spm_names_find(struct ct_spm_names *names,
				       const char *text);

/*
 * A whole tokenizer.json as a model and added tokens. The strings are the
 * tree's, but for the charsmap, which goes to @charsmap.
 */
int ct_spm_hf_json(const cJSON *root, struct ct_spm_model *m,
		   struct ct_spm_names *names, struct ct_buf *charsmap,
		   struct ct_err *err);

#endif
