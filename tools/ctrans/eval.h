/* SPDX-License-Identifier: MIT */
/* What the parts of ctrans eval share: a text in windows, and what it gave. */
#ifndef CTRANS_TOOL_EVAL_H
#define CTRANS_TOOL_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"
#include "input.h"
#include "json.h"
#include "options.h"

struct eval_text {
	const char *file;
	struct text bytes;
	bool are_ids;		/* @bytes is a list of token ids */
	uint32_t *ids;		/* of the model that is scored */
	size_t n;
	uint32_t ctx, stride;	/* 0 until eval_windows() */
};

/*
 * Functions here print what is wrong and return an exit status.
 *
 * Read @file; then, as tokens of @model; free both.
 */
int eval_read(struct eval_text *text, const char *file, bool are_ids);
int eval_tokens(struct eval_text *text, const struct ctrans_model *model);
void eval_text_free(struct eval_text *text);

/* Refuse a model with an encoder, whose texts are scored in pairs (eval_pairs.h). */
int eval_takes_text(const char *path, const struct ctrans_model_info *info);

/* Fill in @text's windows where they were not given, and check them. */
int eval_windows(struct eval_text *text, const struct ctrans_model_info *info);

/* Score all of @text, a bar that says @what meanwhile; @seconds of wall time. */
int eval_score(struct ctrans_model *model, const struct eval_text *text,
	       const char *what, struct ctrans_score *score, double *seconds);

/* A way to run the model; none changes a token. */
struct eval_variant {
	const char *name;	/* unique, at most 15 bytes */
	const char *policy, *code;
	bool flip;
};

#define EVAL_VARIANTS	11
extern const struct eval_variant eval_variants[EVAL_VARIANTS];	/* all dense first */

/* Modelled costs, and the wall time it took. */
struct eval_cost {
	struct ctrans_cost sum, kind[CTRANS_KINDS];
	uint64_t tokens;	/* that were run */
	double chip_seconds;	/* of all of them */
	double seconds;
};

struct eval_row {
	const struct eval_variant *variant;
	struct eval_cost amortised, decode;
	double nll;
	uint64_t scored, top1;
	uint64_t logits;	/* hash of all logits while decoding */
};

/* What no dispatch of the same values can go below, femtojoules of the arrays. */
struct eval_bound {
	bool known;
	double dense_fj, spiking_fj, outlier_fj;
};

/* A figure of quality: the model in one of its number formats. */
struct eval_quality {
	const char *name;
	bool known;
	double perplexity, top1;
	double bytes, bits;	/* in the chip's memory: all, and a parameter */
	double seconds;
};

/* Texts written with a little model's drafts; costs are of both models. */
struct eval_draft {
	const char *name;
	struct ctrans_cost sum;
	uint64_t tokens;	/* that it is the cost of: all but each text's first */
	uint64_t written, same;	/* same: as by the model alone */
	uint64_t drafted, accepted, passes;
	double nll;		/* of all that was written, by the model itself */
	double seconds;
};

#define EVAL_DRAFTS	4
#define EVAL_PLACES	8u

/* With output spike speculation; ratios are to the same spike code without. */
struct eval_speculation {
	const char *name;
	double nll, perplexity, to_off;
	double skipped;		/* share of FFN-up's operations */
	double arrays, on_chip;	/* energy of FFN-up */
	double all;		/* energy of everything */
};

#define EVAL_SPECULATIONS	6

struct eval_comparison {
	const char *path, *reference;	/* reference: NULL where there is none */
	struct ctrans_model_info info;
	const struct eval_text *text;
	uint32_t decoded;		/* tokens run one at a time */
	struct eval_quality fp32, plain, own;	/* plain: the reference in 8 bits */
	struct eval_row plain_row;
	struct eval_row row[EVAL_VARIANTS];	/* the first is all dense */
	size_t n;
	struct eval_bound oracle, oracle_decode;
	struct eval_draft draft[EVAL_DRAFTS];	/* the first is without drafts */
	size_t n_drafts;	/* 0: there is no little model */
	bool drafts_equal;	/* the exact mode's texts are those of the model alone */
	struct eval_speculation speculation[EVAL_SPECULATIONS];
	size_t n_speculations;
	bool exact_equal;	/* exact speculation has changed nothing */
	bool equal;		/* every row gave the same results, to the bit */
};

/* Measure everything in @c but what the caller has set: the first four. */
int eval_compare(const struct command *command, struct eval_comparison *c,
		 struct eval_text *text);

/* What @measured says of the model at @path, on @text. */
int eval_measure(const struct command *command, const char *path,
		 struct eval_text *text, struct ctrans_measured *measured);

/* Energy of the arrays: products, spikes and outliers, femtojoules. */
double eval_compute_fj(const struct ctrans_cost *cost);
/* As if a spiking cycle cost @kappa of a dense one. */
double eval_compute_kappa_fj(const struct ctrans_cost *cost, double kappa);
/* What an all-dense run would take that does not skip zeros. */
double eval_zeros_fj(const struct eval_cost *dense);

/*
 * The oracle for the first @n tokens, on the scale of @dense, what all-dense runs
 * of them or of a longer text took.
 */
int eval_oracle(struct ctrans_model *model, const uint32_t *ids, size_t n,
		const struct eval_cost *dense, struct eval_bound *bound);
/* External memory for a token, with the exact mode's drafts to without. */
double eval_little_ratio(const struct eval_comparison *c);
double eval_bound_fj(const struct eval_bound *bound);

/* The row of a variant of the model at @path, for @c's text; and its @info. */
int eval_measure_row(const struct command *command, struct eval_comparison *c,
		     const char *path, const struct eval_variant *variant,
		     struct eval_row *row, struct ctrans_model_info *info);

/* Open the model at @path so; and in binary32, whatever the options say of 8 bits. */
int eval_open(const struct command *command, const char *path,
	      const struct eval_variant *v, struct ctrans_model **model);
int eval_open_f32(const struct command *command, const char *path,
		  struct ctrans_model **model);
bool eval_converted(const struct ctrans_model_info *info);
void eval_add_usage(struct eval_cost *cost, const struct ctrans_usage *u);

/* Fill in @c's speculations, as far as its model is made for them. */
int eval_speculate(const struct command *command, struct eval_comparison *c);

/* Fill in @c's drafts, if its model has a little one. */
int eval_little(const struct command *command, struct eval_comparison *c);

int eval_print(const struct eval_comparison *c);
/* Its two tables of one way of running: decode where it is @one. */
void eval_print_block(const struct eval_comparison *c, bool one);
/* "@key": one way of running, beside all @dense; an unknown oracle is null */
void eval_json_cost(cJSON *parent, const char *key, const struct eval_cost *c,
		    const struct eval_cost *dense, const struct eval_bound *oracle);
int eval_print_json(const struct eval_comparison *c);

/* Published figures beside ours; @path: the model that was measured, or NULL. */
int eval_paper(const struct ctrans_measured *measured, const char *path, bool json);

#endif
