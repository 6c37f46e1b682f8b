/* SPDX-License-Identifier: MIT */
/*
 * A SentencePiece model as data: the fields of a ModelProto that encoding and
 * decoding need, read from and written to the protobuf wire format.
 *
 * The library trusts what it loads: a piece too long overflows its stack, a
 * damaged double array makes it read anywhere. So it never sees a file: a model
 * is read here, checked here, and written anew for it.
 */
#ifndef CT_TEXT_SPM_MODEL_H
#define CT_TEXT_SPM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/buf.h"

/* The numbers are the file's. */
enum ct_spm_piece_type {
	CT_SPM_PIECE_NORMAL	= 1,
	CT_SPM_PIECE_UNKNOWN	= 2,
	CT_SPM_PIECE_CONTROL	= 3,
	CT_SPM_PIECE_USER	= 4,	/* found in the text before all else */
	CT_SPM_PIECE_UNUSED	= 5,
	CT_SPM_PIECE_BYTE	= 6,
};

enum ct_spm_model_type {
	CT_SPM_UNIGRAM	= 1,
	CT_SPM_BPE	= 2,
};

struct ct_spm_piece {
	const char *text;
	uint32_t len;
	float score;
	uint32_t type;		/* enum ct_spm_piece_type */
};

/* Strings are somebody else's. */
struct ct_spm_model {
	struct ct_spm_piece *pieces;
	size_t n, cap;

	uint64_t type;		/* enum ct_spm_model_type */
	bool byte_fallback;
	bool whitespace_suffix;
	bool whitespace_only;
	int32_t unk_id, bos_id, eos_id, pad_id;		/* -1: none */
	const char *unk_surface;
	size_t unk_surface_len;

	const char *charsmap;
	size_t charsmap_len;
	bool add_dummy_prefix;
	bool remove_extra_whitespaces;
	bool escape_whitespaces;
};

/* The format's defaults, and no pieces. */
void ct_spm_model_init(struct ct_spm_model *m);
void ct_spm_model_free(struct ct_spm_model *m);
/* Returns 0, or -E2BIG at CT_SPM_MAX_IDS, or -ENOMEM. */
int ct_spm_model_add(struct ct_spm_model *m, const char *text, size_t len,
		     float score, uint32_t type, struct ct_err *err);

/*
 * Read a ModelProto; strings point into @data. -EBADMSG for what is none,
 * -ENOTSUP for a model or a denormalizer that is not supported. Frees nothing:
 * ct_spm_model_free() in either case.
 */
int ct_spm_model_parse(struct ct_spm_model *m, const void *data, size_t len,
		       struct ct_err *err);
/* Append it as a ModelProto. -ENOMEM, or -E2BIG if it would be too large. */
int ct_spm_model_write(const struct ct_spm_model *m, struct ct_buf *out,
		       struct ct_err *err);

/*
 * Whether the library can be given it, and works within bounds on any text.
 * *@growth is how many bytes of normalised text one byte may become at most.
 */
int ct_spm_model_check(const struct ct_spm_model *m, size_t *growth,
		       struct ct_err *err);
/* The part of it that is about the precompiled charsmap (spm_charsmap.c). */
int ct_spm_charsmap_check(const void *map, size_t len, size_t *longest,
			  struct ct_err *err);

/* The byte that a piece "<0xA9>" stands for, or -1. */
int ct_spm_piece_byte(const char *text, size_t len);

#endif
