/* SPDX-License-Identifier: MIT */
/*
 * ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) as Google Research's rouge_score computes them:
 * words of ASCII letters and digits, in lower case. Lines are scored one by one, and a
 * file by the mean.
 */
#ifndef CTRANS_TOOL_ROUGE_H
#define CTRANS_TOOL_ROUGE_H

#include <stdbool.h>

#include "words.h"

enum rouge_kind { ROUGE_1, ROUGE_2, ROUGE_L, ROUGE_KINDS };

/* 0 to 1 */
struct rouge_score {
	double precision, recall, f1;
};

struct rouge_sum {
	struct rouge_score sum[ROUGE_KINDS];
	uint64_t lines;
};

/*
 * Score a text, in UTF-8, against the references, of which there is at least one: of
 * several the one with the highest F1 counts, the first of them, for each kind by itself.
 * @stem: words of more than three letters by porter_stem(). 0, -ENOMEM or -E2BIG.
 */
int rouge_score(struct span hypothesis, const struct span *refs, size_t n_refs,
		bool stem, struct rouge_score scores[ROUGE_KINDS]);

void rouge_add(struct rouge_sum *sum, const struct rouge_score scores[ROUGE_KINDS]);
/* 0 of no lines */
struct rouge_score rouge_mean(const struct rouge_sum *sum, enum rouge_kind kind);

#endif
