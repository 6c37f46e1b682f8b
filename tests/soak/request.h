/* SPDX-License-Identifier: MIT */
/*
 * Requests drawn at random, and what each gives when it is the only one: what
 * every later caller has to get, whoever else calls meanwhile.
 */
#ifndef CTRANS_SOAK_REQUEST_H
#define CTRANS_SOAK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

#define MAX_STOPS	3
/* How the text is scored. */
#define SCORED_CONTEXT	24
#define SCORED_STRIDE	16

struct request {
	char *prompt;
	const char *stop[MAX_STOPS];
	struct ctrans_generate_params params;
	/* what came of it alone; a result where it is 0 */
	int ret;
	struct ctrans_result *result;
	/* the prompt's tokens, and a digest of the logits after them */
	uint32_t *tokens;
	size_t n_tokens;
	int eval_ret;
	uint64_t logits;
};

struct request_set {
	struct request *requests;
	size_t n;
	uint32_t vocab, context;
	/* a text to score, and its sum alone */
	uint32_t *text;
	size_t n_text;
	double nll;
};

/* splitmix64: the next of @state's numbers, and one below @n */
uint64_t draw(uint64_t *state);
uint64_t draw_below(uint64_t *state, uint64_t n);

/* Of @n floats, such that one bit's difference changes it. */
uint64_t digest(const float *values, size_t n);

/* @text: what prompts are cut from. False, and a sentence on stderr. */
bool request_set_make(struct request_set *set, struct ctrans_model *model,
		      const char *text, size_t n, uint64_t seed);
void request_set_free(struct request_set *set);

#endif
