/* SPDX-License-Identifier: MIT */
/*
 * A model's tokenizer, of whichever kind it is: byte-level BPE (bpe.h), SentencePiece
 * (spm.h), or Moses' rules with BPE (fsmt.h). A finished one never changes: any
 * number of threads may use it at once.
 */
#ifndef CT_TEXT_TOKENIZER_H
#define CT_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/bpe.h"
#include "text/buf.h"
#include "text/fsmt.h"
#include "text/spm.h"

#define CT_TOKEN_NONE	UINT32_MAX

enum ct_tokenizer_family {
	CT_FAMILY_BPE,
	CT_FAMILY_SPM,
	CT_FAMILY_FSMT,		/* the target's ids, but where a source is encoded */
};

struct ct_tokenizer;

/* Takes what it is given over, in any case; NULL if there is no memory. */
struct ct_tokenizer *ct_tokenizer_of_bpe(struct ct_bpe *bpe);
struct ct_tokenizer *ct_tokenizer_of_spm(struct ct_spm *spm);
struct ct_tokenizer *ct_tokenizer_of_fsmt(struct ct_fsmt *fsmt);
void ct_tokenizer_free(struct ct_tokenizer *t);

enum ct_tokenizer_family ct_tokenizer_family(const struct ct_tokenizer *t);
/* NULL: it is of another family. */
const struct ct_bpe *ct_tokenizer_bpe(const struct ct_tokenizer *t);
const struct ct_spm *ct_tokenizer_spm(const struct ct_tokenizer *t);
const struct ct_fsmt *ct_tokenizer_fsmt(const struct ct_tokenizer *t);

/*
 * Append the ids of a text; on failure @out is as it was. Nothing is added at either
 * end. @special: find special tokens in the text.
 */
int ct_tokenizer_encode(const struct ct_tokenizer *t, const char *text, size_t len,
			bool special, struct ct_ids *out, struct ct_err *err);
/* The same of a source; of most families the same ids. */
int ct_tokenizer_source(const struct ct_tokenizer *t, const char *text, size_t len,
			bool special, struct ct_ids *out, struct ct_err *err);

/*
 * One token's bytes as they stand in a running text, valid as long as @t. They need
 * not be whole characters (text/stream.h). -ENOENT for a hole, and for one that
 * is no text (special).
 */
int ct_tokenizer_bytes(const struct ct_tokenizer *t, uint32_t id, const char **bytes,
		       size_t *len);
/* Are a text's bytes those of its tokens? Else only the whole text tells them. */
bool ct_tokenizer_streams(const struct ct_tokenizer *t);
/* Does the first token's space begin a word, and no text? */
bool ct_tokenizer_strips(const struct ct_tokenizer *t);
/*
 * The text of ids, without special tokens and such as the tokenizer does not have: a
 * model's table may be longer, and what is beyond be chosen.
 */
int ct_tokenizer_decode(const struct ct_tokenizer *t, const uint32_t *ids, size_t n,
			struct ct_buf *out, struct ct_err *err);

/* One more than the highest id; of a source's, and of a text's. */
uint32_t ct_tokenizer_size(const struct ct_tokenizer *t);
uint32_t ct_tokenizer_source_size(const struct ct_tokenizer *t);
bool ct_tokenizer_is_special(const struct ct_tokenizer *t, uint32_t id);
/* Or CT_TOKEN_NONE. */
uint32_t ct_tokenizer_bos(const struct ct_tokenizer *t);
uint32_t ct_tokenizer_eos(const struct ct_tokenizer *t);
bool ct_tokenizer_adds_bos(const struct ct_tokenizer *t);

/* Do both give the same text the same ids, as far as their tokens tell? */
bool ct_tokenizer_same(const struct ct_tokenizer *a, const struct ct_tokenizer *b,
		       uint32_t *differs);

#endif
