/* SPDX-License-Identifier: MIT */
/* Small SentencePiece models for tests. Failures fail the running test. */
#ifndef SPM_HELP_H
#define SPM_HELP_H

#include "text/spm.h"
#include "text/spm_model.h"

/* Whether the library was there at build time; says SKIP if not. */
bool spm_supported(void);

/*
 * <pad> 0, </s> 1, <unk> 2, then "\u2581", "a", "b", "ab", "\u2581a", "c" with
 * scores that make "ab" and "\u2581a" worth it. Free with ct_spm_model_free().
 */
void spm_small(struct ct_spm_model *m, uint64_t type);
/* The 256 byte pieces at its end, in order. */
void spm_add_bytes(struct ct_spm_model *m);
/* As a ModelProto. Free with ct_buf_free(). */
struct ct_buf spm_written(const struct ct_spm_model *m);

/* Open one, which must succeed. */
struct ct_spm *spm_opened(const struct ct_spm_model *m,
			  const struct ct_spm_added *added, size_t n);
struct ct_spm *spm_open_dir(const char *dir);

/* Ids and decoded text, as "1 2 3" and as it is; both static. */
const char *spm_ids(const struct ct_spm *spm, const char *text, size_t len,
		    unsigned int flags);
const char *spm_text(const struct ct_spm *spm, const char *ids,
		     unsigned int flags);

/* A charsmap in which the text "x" becomes @to; 1 KiB and a few bytes. */
size_t spm_charsmap(unsigned char *map, char x, const char *to);

#endif
