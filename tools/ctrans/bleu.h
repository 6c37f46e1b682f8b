/* SPDX-License-Identifier: MIT */
/*
 * BLEU (Papineni et al. 2002) as sacreBLEU 2.6.0 computes it by default: up to 4-grams,
 * exponential smoothing, the reference length that is closest. A corpus is scored by
 * adding up its sentences:
 *
 *	struct bleu_sum sum = { 0 };
 *	struct bleu_score score;
 *
 *	for each sentence:
 *		ret = bleu_add(&sum, &options, hypothesis, references, n);
 *	bleu_compute(&sum, false, &score);
 */
#ifndef CTRANS_TOOL_BLEU_H
#define CTRANS_TOOL_BLEU_H

#include <stdbool.h>

#include "ngrams.h"

#define BLEU_ORDERS	NGRAMS_MAX

struct bleu_options {
	bool lowercase;		/* by lower_text() */
	bool split;		/* at white space only, no tok13a(): "none" */
};

/* What a score is computed from. All zero: no sentence yet. */
struct bleu_sum {
	uint64_t hyp_len, ref_len;	/* tokens */
	uint64_t correct[BLEU_ORDERS], total[BLEU_ORDERS];
};

struct bleu_score {
	double score;		/* 0 to 100, as the precisions */
	double precisions[BLEU_ORDERS];
	double bp, ratio;	/* brevity penalty; hyp_len to ref_len, 0 of none */
};

/*
 * Add a sentence, in UTF-8; white space at its end does not count. An empty reference is
 * one. @n_refs is at least 1. 0; or -ENOMEM, or -E2BIG for 2^32 tokens, and nothing is
 * added.
 */
int bleu_add(struct bleu_sum *sum, const struct bleu_options *options,
	     struct span hypothesis, const struct span *refs, size_t n_refs);

void bleu_add_sum(struct bleu_sum *sum, const struct bleu_sum *part);

/*
 * @effective: leave out orders that the hypotheses are too short for, which is meant for
 * single sentences ("eff:yes").
 */
void bleu_compute(const struct bleu_sum *sum, bool effective, struct bleu_score *score);

#endif
