/* SPDX-License-Identifier: MIT */
/*
 * FSMT's tokenizer (the wmt19 models): Moses' rules, then BPE on each word
 * with "</w>" at its end. It has a vocabulary for each of its two languages
 * and merges for both. A finished one never changes: any number of threads may
 * use it at once.
 *
 * The reference is FSMTTokenizer of transformers 4.25 as its constructor makes
 * it: "<s>" in a text is text. Other than there, what is special among the
 * target's tokens is judged by the target's names.
 */
#ifndef CT_TEXT_FSMT_H
#define CT_TEXT_FSMT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/buf.h"

/* Ids are below this, and CT_FSMT_NO_ID stands for none. */
#define CT_FSMT_MAX_IDS	(1u << 20)
#define CT_FSMT_NO_ID	UINT32_MAX

enum ct_fsmt_side {
	CT_FSMT_SOURCE,
	CT_FSMT_TARGET,
	CT_FSMT_SIDES,
};

enum ct_fsmt_kind {
	CT_FSMT_HOLE,		/* no token has this id */
	CT_FSMT_NORMAL,
	CT_FSMT_UNKNOWN,	/* stands for what has no token; special too */
	CT_FSMT_SPECIAL,	/* bos, pad, eos */
};

struct ct_fsmt;

/* --- making one ------------------------------------------------------- */

/* Not NUL-terminated. */
struct ct_fsmt_files {
	struct {
		const char *data;
		size_t len;
	} src, tgt, merges, config;
};

/*
 * A Hugging Face directory: vocab-src.json, vocab-tgt.json, merges.txt,
 * tokenizer_config.json; where that lacks "langs", config.json's, and where it
 * lacks the names of special tokens, those of special_tokens_map.json.
 *
 * -ENOENT if there is none of the first three; -EBADMSG for a damaged or
 * half-present one; -ENOTSUP for a language whose rules are not here.
 */
int ct_fsmt_open_hf(const char *dir, struct ct_fsmt **out, struct ct_err *err);

/* The same from what ct_fsmt_files() gave. Nothing of @files is kept. */
int ct_fsmt_open(const struct ct_fsmt_files *files, struct ct_fsmt **out,
		 struct ct_err *err);

/*
 * All that it was made of, as long as @fsmt. The config is not the file, but
 * what counts of all those that were read.
 */
const struct ct_fsmt_files *ct_fsmt_files(const struct ct_fsmt *fsmt);

void ct_fsmt_free(struct ct_fsmt *fsmt);

/* --- text and ids ----------------------------------------------------- */

/*
 * Append the ids of a text in the source language to @out; on failure @out is
 * as it was. Nothing is added at either end: the model wants eos after a text.
 * Any bytes will do; what is no UTF-8 is taken for U+FFFD. Time is n log n at
 * worst.
 *
 * -EINVAL if a part of a word has no token and there is no unknown token.
 */
int ct_fsmt_encode(const struct ct_fsmt *fsmt, const char *text, size_t len,
		   struct ct_ids *out, struct ct_err *err);
/*
 * The same for a text in the target language, with its vocabulary. -ENOTSUP if
 * that language can be put together here, but not cut up.
 */
int ct_fsmt_encode_target(const struct ct_fsmt *fsmt, const char *text,
			  size_t len, struct ct_ids *out, struct ct_err *err);

enum {
	CT_FSMT_SKIP_SPECIAL = 1 << 0,	/* special tokens give no text */
};

/*
 * Append the text of ids of the target vocabulary to @out; on failure @out is
 * as it was. An id that has no token reads as the unknown token.
 */
int ct_fsmt_decode(const struct ct_fsmt *fsmt, const uint32_t *ids, size_t n,
		   unsigned int flags, struct ct_buf *out, struct ct_err *err);

/* --- lookups ---------------------------------------------------------- */

/* One more than the highest id. */
uint32_t ct_fsmt_size(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);
enum ct_fsmt_kind ct_fsmt_kind(const struct ct_fsmt *fsmt,
			       enum ct_fsmt_side side, uint32_t id);
/* As the file spells it. 0 or -ENOENT. Valid as long as @fsmt. */
int ct_fsmt_name(const struct ct_fsmt *fsmt, enum ct_fsmt_side side,
		 uint32_t id, const char **name, size_t *len);
int ct_fsmt_find(const struct ct_fsmt *fsmt, enum ct_fsmt_side side,
		 const char *name, size_t len, uint32_t *id);
/* Or CT_FSMT_NO_ID. */
uint32_t ct_fsmt_bos(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);
uint32_t ct_fsmt_pad(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);
uint32_t ct_fsmt_eos(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);
uint32_t ct_fsmt_unk(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);
/* The language's code, "en". */
const char *ct_fsmt_lang(const struct ct_fsmt *fsmt, enum ct_fsmt_side side);

#endif
