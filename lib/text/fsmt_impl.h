/* SPDX-License-Identifier: MIT */
/* What the files of FSMT's tokenizer share. Others include text/fsmt.h. */
#ifndef CT_TEXT_FSMT_IMPL_H
#define CT_TEXT_FSMT_IMPL_H

#include <stdbool.h>

#include "text/fsmt.h"
#include "text/moses.h"
#include "text/strtab.h"

/* --- merging (fsmt_bpe.c) --------------------------------------------- */

/* (left, right) -> rank: open addressing, at most half full. */
struct ct_fsmt_pair {
	uint32_t left, right, rank;
};

struct ct_fsmt_merges {
	struct ct_strtab symbols;	/* all that the merges speak of */
	struct ct_fsmt_pair *slot;
	size_t n, n_slots;
	struct ct_ids products;		/* by rank; rank is the line's number */
};

/* What one thread works with, kept between words. */
struct ct_fsmt_work {
	struct ct_fsmt_node *nodes;
	size_t cap_nodes;
	uint64_t *heap;
	size_t cap_heap;
	struct ct_ids starts;
};

int ct_fsmt_merges_read(struct ct_fsmt_merges *m, const char *text, size_t len,
			struct ct_err *err);
void ct_fsmt_merges_free(struct ct_fsmt_merges *m);

/*
 * Merge the characters of a word, which is UTF-8 and ends in "</w>". Where
 * each symbol of the result begins is left in @work->starts.
 */
int ct_fsmt_merge(const struct ct_fsmt_merges *m, const char *word, size_t len,
		  struct ct_fsmt_work *work, struct ct_err *err);
void ct_fsmt_work_free(struct ct_fsmt_work *work);

extern const char ct_fsmt_end[];	/* "</w>" */
#define CT_FSMT_END_LEN	4

/* --- all -------------------------------------------------------------- */

enum {
	CT_FSMT_BOS,
	CT_FSMT_PAD,
	CT_FSMT_EOS,
	CT_FSMT_UNK,
	CT_FSMT_ROLES,
};

struct ct_fsmt_vocab {
	struct ct_strtab names;
	struct ct_ids ids;		/* by number of the name */
	struct ct_ids numbers;		/* by id; CT_FSMT_NO_ID for a hole */
	uint32_t role[CT_FSMT_ROLES];	/* ids */
	char *code;			/* of the language */
	struct ct_moses_lang lang;
};

struct ct_fsmt {
	struct ct_fsmt_vocab side[CT_FSMT_SIDES];
	struct ct_fsmt_merges merges;
	bool lower;
	char *names[CT_FSMT_ROLES];
	struct ct_fsmt_files files;	/* all to be freed */
};

#endif
