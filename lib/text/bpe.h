/* SPDX-License-Identifier: MIT */
/*
 * GPT-2 byte-level BPE: bytes <-> token ids.
 *
 * A vocabulary is a set of names. A name is a string as the files spell it:
 * for an ordinary token one printable character for each byte (GPT-2's byte
 * alphabet, text/alphabet.h), for an added token the literal text. Merges name
 * pairs of them, best first. A finished struct ct_bpe never changes: any
 * number of threads may use it at once.
 *
 * Encoding is defined for every byte string, and decoding its ids gives the
 * same bytes back. The exceptions are what a tokenizer file asks for: tokens
 * that swallow the white space beside them (lstrip, rstrip), a prefix space,
 * and an unknown token standing for bytes the vocabulary lacks.
 */
#ifndef CT_TEXT_BPE_H
#define CT_TEXT_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/buf.h"

/* Ids are below this: a hostile id must not buy a gigabyte of table. */
#define CT_BPE_MAX_IDS	(1u << 20)
#define CT_BPE_NO_ID	UINT32_MAX

enum ct_bpe_kind {
	CT_BPE_HOLE,		/* no token has this id */
	CT_BPE_NORMAL,		/* made of bytes by merging */
	CT_BPE_ADDED,		/* found in the text as it stands */
	CT_BPE_SPECIAL,		/* the same, and means something to the model */
};

struct ct_bpe;

/* --- making one ------------------------------------------------------- */

/* How an added token is found in a text; Hugging Face's meanings. */
enum {
	CT_BPE_ADD_SPECIAL	= 1 << 0,	/* kind SPECIAL, else ADDED */
	CT_BPE_ADD_LSTRIP	= 1 << 1,	/* takes white space before it */
	CT_BPE_ADD_RSTRIP	= 1 << 2,	/* takes white space after it */
	CT_BPE_ADD_SINGLE_WORD	= 1 << 3,	/* not inside a word */
	CT_BPE_ADD_NORMALIZED	= 1 << 4,	/* sought after the others */
	CT_BPE_ADD_ALL		= (1 << 5) - 1,
};

struct ct_bpe_options {
	uint32_t bos_id;	/* or CT_BPE_NO_ID, as the next two */
	uint32_t eos_id;
	uint32_t unk_id;	/* for bytes that have no token */
	bool add_bos;		/* the model expects bos before a text */
	bool add_prefix_space;
	bool no_split;		/* whole text is one piece: no pattern */
	bool ignore_merges;	/* a piece that is a token is not merged up */
	bool fuse_unk;		/* one unknown token for a run of such bytes */
};

#define CT_BPE_OPTIONS_INIT {						\
	.bos_id = CT_BPE_NO_ID, .eos_id = CT_BPE_NO_ID,			\
	.unk_id = CT_BPE_NO_ID,						\
}

/*
 * The builder takes ordinary tokens before added ones, and merges, best rank
 * first, when all their names are known; otherwise in any order. Ids come in any
 * order and may leave holes. Names must be UTF-8 and unique (-EBADMSG else);
 * no pointer is kept. A refusal (-EBADMSG, -E2BIG) changes nothing; after any
 * other failure only ct_bpe_builder_free() makes sense.
 *
 * For a GGUF file: token types NORMAL and BYTE through _token(), CONTROL
 * through _added(ADD_SPECIAL), UNKNOWN and USER_DEFINED through _added(0),
 * UNUSED not at all (it becomes a hole).
 */
struct ct_bpe_builder;

int ct_bpe_builder_new(struct ct_bpe_builder **out, struct ct_err *err);
void ct_bpe_builder_free(struct ct_bpe_builder *b);

int ct_bpe_builder_token(struct ct_bpe_builder *b, uint32_t id,
			 const char *name, size_t len, struct ct_err *err);
/*
 * An added token may repeat an ordinary one with the same id; it then becomes
 * an added token. Should its literal text and the bytes it spells differ
 * ("é" is also the spelling of byte 0xe9), it stays ordinary: otherwise
 * decoding could not give the bytes back.
 */
int ct_bpe_builder_added(struct ct_bpe_builder *b, uint32_t id,
			 const char *text, size_t len, unsigned int flags,
			 struct ct_err *err);
int ct_bpe_builder_merge(struct ct_bpe_builder *b,
			 const char *left, size_t left_len,
			 const char *right, size_t right_len,
			 struct ct_err *err);
/* The same from one string, "left right", as merges.txt and GGUF have it. */
int ct_bpe_builder_merge_line(struct ct_bpe_builder *b, const char *line,
			      size_t len, struct ct_err *err);
/* The id a name has so far. Returns 0 or -ENOENT. */
int ct_bpe_builder_find(const struct ct_bpe_builder *b, const char *name,
			size_t len, uint32_t *id);
/* On success the builder is empty; the caller frees it in either case. */
int ct_bpe_builder_finish(struct ct_bpe_builder *b,
			  const struct ct_bpe_options *opt,
			  struct ct_bpe **out, struct ct_err *err);

/*
 * A Hugging Face directory: tokenizer.json, else vocab.json and merges.txt
 * (or OpenAI's encoder.json and vocab.bpe), with added_tokens.json,
 * special_tokens_map.json and tokenizer_config.json where they are.
 *
 * Returns -ENOENT when there is no tokenizer at all, which a caller may take
 * for "token ids only"; -EBADMSG for a damaged or half-present one; -ENOTSUP,
 * naming it, for a model, normalizer, pre-tokenizer or post-processor that
 * this library does not have.
 */
int ct_bpe_open_hf(const char *dir, struct ct_bpe **out, struct ct_err *err);

void ct_bpe_free(struct ct_bpe *bpe);

/* --- text to ids ------------------------------------------------------ */

enum {
	/* Find special tokens in the text; else they are ordinary text. */
	CT_BPE_PARSE_SPECIAL = 1 << 0,
};

/*
 * Append the ids of a text to @out; on failure @out is as it was. Nothing is
 * added at either end (see ct_bpe_adds_bos). Time is n log n at worst.
 *
 * Bytes that belong to no well-formed UTF-8 sequence are kept as they are;
 * where pieces begin and end each counts as a control character would.
 *
 * -EINVAL if a byte has no token and the vocabulary no unknown token.
 */
int ct_bpe_encode(const struct ct_bpe *bpe, const char *text, size_t len,
		  unsigned int flags, struct ct_ids *out, struct ct_err *err);

/* --- ids to text ------------------------------------------------------ */

/*
 * The bytes of one token, valid as long as @bpe. They need not be whole
 * characters: see text/stream.h. Returns -ENOENT, and no bytes, for a hole or
 * an id beyond the vocabulary.
 */
int ct_bpe_bytes(const struct ct_bpe *bpe, uint32_t id, const char **bytes,
		 size_t *len);

enum {
	CT_BPE_SKIP_SPECIAL = 1 << 0,	/* special tokens give no bytes */
};

/* Append the bytes of many ids to @out; on failure @out is as it was. */
int ct_bpe_decode(const struct ct_bpe *bpe, const uint32_t *ids, size_t n,
		  unsigned int flags, struct ct_buf *out, struct ct_err *err);

/* --- lookups ---------------------------------------------------------- */

/* One more than the highest id. */
uint32_t ct_bpe_size(const struct ct_bpe *bpe);
enum ct_bpe_kind ct_bpe_kind(const struct ct_bpe *bpe, uint32_t id);
/* By name, as the files spell it. Returns 0 or -ENOENT. */
int ct_bpe_find(const struct ct_bpe *bpe, const char *name, size_t len,
		uint32_t *id);
/* What the tokenizer's files name, else <|endoftext|>, else CT_BPE_NO_ID. */
uint32_t ct_bpe_bos(const struct ct_bpe *bpe);
uint32_t ct_bpe_eos(const struct ct_bpe *bpe);
/* Whether the tokenizer's files ask for bos before a text. */
bool ct_bpe_adds_bos(const struct ct_bpe *bpe);

/* --- writing one down ------------------------------------------------- */

/* As the builder got it. Returns 0 or -ENOENT. Valid as long as @bpe. */
int ct_bpe_name(const struct ct_bpe *bpe, uint32_t id, const char **name,
		size_t *len);
/* CT_BPE_ADD_*, of an added token. */
unsigned int ct_bpe_flags(const struct ct_bpe *bpe, uint32_t id);
const struct ct_bpe_options *ct_bpe_options_of(const struct ct_bpe *bpe);

struct ct_bpe_merge_ids {
	uint32_t left, right, rank;
};
/* All merges, best first; an array to be freed. */
int ct_bpe_merges(const struct ct_bpe *bpe, struct ct_bpe_merge_ids **merges,
		  size_t *n, struct ct_err *err);

#endif
