/* SPDX-License-Identifier: MIT */
/*
 * SentencePiece: text <-> token ids, as T5 and mT5 do it.
 *
 * A tokenizer is a SentencePiece model (unigram or BPE, a serialised ModelProto)
 * and tokens added to it by name, most of them with ids beyond the model's. The
 * SentencePiece library does the encoding; decoding is done here. A finished
 * struct ct_spm never changes: any number of threads may use it at once.
 *
 * Encoding is defined for every byte string, but loses what the model's
 * normalisation does not keep, such as runs of spaces, and characters that no
 * piece has. Bytes that are no UTF-8 count as U+FFFD, one for each.
 *
 * Built without the library, opening is -ENOTSUP with a sentence that says so.
 */
#ifndef CT_TEXT_SPM_H
#define CT_TEXT_SPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/buf.h"

/* Ids are below this: a hostile id must not buy a gigabyte of table. */
#define CT_SPM_MAX_IDS		(1u << 20)
#define CT_SPM_MAX_ADDED	8192
/* Of a piece or an added token. The library recurses for each byte of one. */
#define CT_SPM_MAX_NAME		1024
#define CT_SPM_NO_ID		UINT32_MAX

enum ct_spm_kind {
	CT_SPM_HOLE,		/* no token has this id */
	CT_SPM_NORMAL,		/* stands for a piece of text */
	CT_SPM_BYTE,		/* for one byte of a character without piece */
	CT_SPM_ADDED,		/* found in the text as it stands */
	CT_SPM_SPECIAL,		/* means something to the model, no text */
	CT_SPM_UNKNOWN,		/* for text that has no piece; special, too */
};

struct ct_spm;

/* --- making one ------------------------------------------------------- */

/*
 * A token beside the model's pieces, or in the place of one, that may be written
 * in a text and that decoding shows by its name. It may take a piece's id and have
 * another name: encoding a text still gives that id for the piece.
 */
struct ct_spm_added {
	const char *text;
	size_t len;
	uint32_t id;
	bool special;
};

/*
 * A Hugging Face directory: spiece.model (or sentencepiece.bpe.model,
 * tokenizer.model), else a tokenizer.json whose model is Unigram; with
 * added_tokens.json, special_tokens_map.json and tokenizer_config.json where
 * they are. </s>, <unk> and <pad> are special where no file says other names.
 * <extra_id_0> to <extra_id_99> are T5's, the first with the highest id, where
 * no file lists them and config.json (if there) has room for them.
 *
 * Returns -ENOENT when there is no such file; -EBADMSG for a damaged one;
 * -ENOTSUP, naming it, for a model type, normalizer, pre-tokenizer, decoder,
 * post-processor or tokenizer class that is not T5's.
 */
int ct_spm_open_hf(const char *dir, struct ct_spm **out, struct ct_err *err);

/* From memory, as a converted file keeps it; no pointer is kept. */
int ct_spm_open(const void *proto, size_t len,
		const struct ct_spm_added *added, size_t n,
		struct ct_spm **out, struct ct_err *err);

void ct_spm_free(struct ct_spm *spm);

/* --- text to ids ------------------------------------------------------ */

enum {
	/* Find added tokens in the text; else they are ordinary text. */
	CT_SPM_PARSE_SPECIAL = 1 << 0,
};

/*
 * Append the ids of a text to @out; on failure @out is as it was. Nothing is
 * added at either end. What stands between two added tokens is encoded as a
 * text of its own, with a space put before it if the model asks for that.
 *
 * -E2BIG for a text so long that the library's 32-bit sizes might not do.
 */
int ct_spm_encode(const struct ct_spm *spm, const char *text, size_t len,
		  unsigned int flags, struct ct_ids *out, struct ct_err *err);

/* --- ids to text ------------------------------------------------------ */

/*
 * One token's bytes, valid as long as @spm: U+2581 is a space, a byte piece its
 * byte. They need not be whole characters: see text/stream.h. The bytes of a
 * text's tokens without the first space are the decoded text, unless special
 * or added tokens are in between or the text has U+2581 itself. Returns -ENOENT, and no bytes, for a hole or
 * an id beyond the vocabulary.
 */
int ct_spm_bytes(const struct ct_spm *spm, uint32_t id, const char **bytes,
		 size_t *len);

enum {
	CT_SPM_SKIP_SPECIAL = 1 << 0,	/* special tokens give no bytes */
};

/*
 * Append the text of many ids to @out; on failure (-ENOENT for an id that is no
 * token) @out is as it was.
 *
 * It is the text that transformers' T5Tokenizer.decode() (4.34 and later, the
 * Python one) gives without clean_up_tokenization_spaces: stripped of white
 * space at both ends, with a space on either side of an added token, and with
 * none after a special one that is a piece, such as <unk>.
 */
int ct_spm_decode(const struct ct_spm *spm, const uint32_t *ids, size_t n,
		  unsigned int flags, struct ct_buf *out, struct ct_err *err);

/* --- lookups ---------------------------------------------------------- */

/* One more than the highest id. */
uint32_t ct_spm_size(const struct ct_spm *spm);
enum ct_spm_kind ct_spm_kind(const struct ct_spm *spm, uint32_t id);
/* By name, as the files spell it. Returns 0 or -ENOENT. */
int ct_spm_find(const struct ct_spm *spm, const char *name, size_t len,
		uint32_t *id);
/* CT_SPM_NO_ID where there is none; there always is an unknown token. */
uint32_t ct_spm_pad(const struct ct_spm *spm);
uint32_t ct_spm_eos(const struct ct_spm *spm);
uint32_t ct_spm_unk(const struct ct_spm *spm);
uint32_t ct_spm_bos(const struct ct_spm *spm);

/* --- writing one down ------------------------------------------------- */

/*
 * What ct_spm_open() takes to make the same: a ModelProto with no more in it
 * than encoding needs, and the added tokens by rising id. Valid as long as @spm.
 */
const void *ct_spm_proto(const struct ct_spm *spm, size_t *len);
size_t ct_spm_added_list(const struct ct_spm *spm,
			 const struct ct_spm_added **added);

#endif
