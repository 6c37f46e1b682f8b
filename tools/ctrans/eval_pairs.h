/* SPDX-License-Identifier: MIT */
/*
 * ctrans eval --sources: texts that a model with an encoder writes for the lines of a
 * file, beside references. Functions print what is wrong and return an exit status.
 */
#ifndef CTRANS_TOOL_EVAL_PAIRS_H
#define CTRANS_TOOL_EVAL_PAIRS_H

#include "bleu.h"
#include "ctrans.h"
#include "eval.h"
#include "lines.h"
#include "rouge.h"

/* What is to be done, and the lines. */
struct pairs {
	const char *path, *task;
	uint32_t beams, tokens;		/* 0: the task's; as many as it takes */
	struct lines sources, *refs;	/* their text, in memory */
	const char **source;		/* terminated, without the end of the line */
	struct span *ref;		/* n_refs of line 0, of line 1, ... */
	size_t n, n_refs;
};

struct pairs_drafts {
	uint32_t draft;			/* 0: none */
	float rollback;
};

/* What a model made of them. All zero: nothing yet. */
struct pairs_run {
	const char *name;
	struct ctrans_model_info info;
	struct ctrans_result **result;	/* of each line; newlines are spaces in texts */
	uint64_t drafted, accepted, passes;
	/* Modelled cost of all, and of its two halves; tokens: read, and written. */
	struct eval_cost all, encoder, decoder;
	struct bleu_sum sum;
	struct bleu_score bleu;
	struct rouge_score rouge[ROUGE_KINDS];
	/* Of the first reference's lines, with their ends. */
	double nll, seconds;
	uint64_t scored, top1;
};

/* Write a text for each line with @model, a bar that says @what meanwhile. */
int pairs_write(struct ctrans_model *model, const struct pairs *p, const char *what,
		const struct pairs_drafts *drafts, struct pairs_run *run);
/*
 * Let @model read each source and give the reference its likelihood, and tell the
 * encoder's cost of what pairs_write() found.
 */
int pairs_read(struct ctrans_model *model, const struct pairs *p, const char *what,
	       struct pairs_run *run);
/* Score what was written. */
int pairs_score(const struct pairs *p, struct pairs_run *run);
void pairs_run_free(const struct pairs *p, struct pairs_run *run);

/* Lines whose tokens are the same. */
size_t pairs_same(const struct pairs *p, const struct pairs_run *a,
		  const struct pairs_run *b);
bool pairs_equal(const struct pairs *p, const struct pairs_run *a,
		 const struct pairs_run *b);
double pairs_perplexity(const struct pairs_run *run);

#define PAIRS_DRAFTS	4

/* All that was found; what was not asked for has a NULL name, or 0 of it. */
struct pairs_report {
	const struct pairs *pairs;
	const char *reference;		/* --reference, or what stands for it */
	struct pairs_run own, fp32, plain;	/* plain: the reference in 8 bits */
	size_t own_same, plain_same;	/* lines that are written as in binary32 */
	struct eval_comparison *table;	/* --policy all: of rows and costs */
	bool equal;			/* rows wrote the same, token for token */
	struct pairs_run draft[PAIRS_DRAFTS];	/* the first is without */
	size_t n_drafts, draft_same[PAIRS_DRAFTS];
};

int pairs_little(struct ctrans_model *model, const struct pairs *p,
		 struct pairs_report *r);

int pairs_print(const struct pairs_report *r);
int pairs_print_json(const struct pairs_report *r);

/* ---- The command's part ---- */

extern const struct option_spec pairs_specs[];

/* One of the options above is given. */
bool eval_pairs_wanted(void);
/* @reference: NULL where none is named; @all: --policy all */
int eval_pairs(const char *path, const char *reference, bool all, bool json);

#endif
