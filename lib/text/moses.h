/* SPDX-License-Identifier: MIT */
/*
 * Moses' rules for a text before and after BPE, as sacremoses (0.0.53 to
 * 0.1.1) and Hugging Face's FSMTTokenizer apply them: punctuation made plain,
 * text cut into tokens with XML entities for what has a meaning to Moses, and
 * tokens put together again.
 *
 * The original is a list of regular expressions, each applied to the whole
 * text. Here each is a pass over an array of characters, and is the original's
 * to the last of its oddities: a model has learnt from texts that have them.
 * Every pass takes time in proportion to the text.
 */
#ifndef CT_TEXT_MOSES_H
#define CT_TEXT_MOSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/buf.h"

/* --- languages -------------------------------------------------------- */

struct ct_moses_prefix;

/* What depends on a language, by its code ("en"). */
struct ct_moses_lang {
	/* Words that keep their full stop; NULL if this library has none. */
	const struct ct_moses_prefix *prefixes;
	size_t n_prefixes;

	bool quotes_en, quotes_de;	/* commas and stops beside a quote */
	uint32_t decimal_mark;		/* for a no-break space in a number */
	bool apostrophe_en;		/* don 't */
	bool apostrophe_fr;		/* l' homme */

	bool english, french, korean;	/* putting together */
	bool elides;			/* l' goes to the next word */
	bool can_tokenize, can_join;
};

/*
 * The rules of a language; of one that Moses does not know, those of English
 * without its contractions, as sacremoses has it. Where Moses has rules that
 * are not here, can_tokenize or can_join is false, rather than other tokens.
 */
void ct_moses_lang(const char *code, struct ct_moses_lang *lang);

/* --- texts ------------------------------------------------------------ */

/* Characters. All zero is an empty text; the owner frees it. */
struct ct_moses_text {
	struct ct_ids now;
	struct ct_ids next;	/* what a pass writes */
	bool full;		/* no memory: what is here is not whole */
};

/* Bytes that are no UTF-8 become U+FFFD, one for each maximal subpart. */
int ct_moses_text_set(struct ct_moses_text *t, const char *utf8, size_t len,
		      struct ct_err *err);
/* Append as UTF-8. */
int ct_moses_text_get(const struct ct_moses_text *t, struct ct_buf *out,
		      struct ct_err *err);
void ct_moses_text_free(struct ct_moses_text *t);

/* --- passes ----------------------------------------------------------- */

/* Each character's lower case by itself, as str.lower() without context. */
int ct_moses_lower(struct ct_moses_text *t, struct ct_err *err);

/*
 * FSMTTokenizer.moses_pipeline(): full-width punctuation to ASCII, then
 * MosesPunctNormalizer with its defaults, then no character of category C.
 */
int ct_moses_normalize(const struct ct_moses_lang *lang,
		       struct ct_moses_text *t, struct ct_err *err);

/*
 * MosesTokenizer.tokenize(aggressive_dash_splits=True, escape=True). The
 * tokens are left with one space between. -ENOTSUP unless can_tokenize.
 */
int ct_moses_tokenize(const struct ct_moses_lang *lang,
		      struct ct_moses_text *t, struct ct_err *err);

/*
 * MosesDetokenizer.detokenize() of tokens with white space between. -ENOTSUP
 * unless can_join.
 */
int ct_moses_detokenize(const struct ct_moses_lang *lang,
			struct ct_moses_text *t, struct ct_err *err);

/* --- for the files of these ------------------------------------------- */

struct ct_moses_prefix {
	const char *word;
	bool before_digit;	/* only where the next token begins with one */
};

/* The prefix @word of @n characters, or NULL. */
const struct ct_moses_prefix *
ct_moses_prefix_find(const struct ct_moses_lang *lang, const uint32_t *word,
		     size_t n);

static inline void ct_moses_put(struct ct_moses_text *t, uint32_t c)
{
	if (ct_ids_append(&t->next, c))
		t->full = true;
}

void ct_moses_puts(struct ct_moses_text *t, const char *ascii);
void ct_moses_copy(struct ct_moses_text *t, size_t from, size_t to);
/* What was written is the text. */
void ct_moses_flip(struct ct_moses_text *t);
/* One space for each run of white space, none at the ends. */
void ct_moses_squeeze(struct ct_moses_text *t);
/* 0, or the failure that t->full means. */
int ct_moses_done(const struct ct_moses_text *t, struct ct_err *err);

#endif
