/* SPDX-License-Identifier: MIT */
/* ctrans eval --bleu, --rouge: lines of text against references, without a model. */
#ifndef CTRANS_TOOL_EVAL_METRICS_H
#define CTRANS_TOOL_EVAL_METRICS_H

#include <stdbool.h>

#include "bleu.h"
#include "json.h"
#include "options.h"
#include "rouge.h"

extern struct metrics_options {
	const char *bleu, *rouge, *tok;
	struct text_list refs;
	bool lowercase, stem, sentences;
} metrics;

extern const struct option_spec metrics_specs[];

/* One of the options above is given. */
bool eval_metrics_wanted(void);

/* Score, print, and return an exit status. */
int eval_metrics(bool json);

/* Scores under these options, of any lines. */
struct bleu_options metrics_bleu_options(void);
void metrics_signature(char *buf, size_t size, size_t n_refs, bool effective);
void metrics_print_bleu(const struct bleu_sum *sum, const struct bleu_score *s);
/* @between: what follows each of the three but the last */
void metrics_print_rouge(const struct rouge_score *scores, const char *between);
void metrics_json_bleu(cJSON *object, const struct bleu_sum *sum,
		       const struct bleu_score *s);
void metrics_json_rouge(cJSON *object, const struct rouge_score *scores);

/* The sentence for @ret of bleu_add() or rouge_score(); returns an exit status. */
int metrics_fail_line(int ret, size_t line);

#endif
