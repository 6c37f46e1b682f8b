/* SPDX-License-Identifier: MIT */
/*
 * From logits to a token.
 *
 * In this order, which is Hugging Face's: the repetition penalty (a positive
 * logit of a token already there is divided by it, a negative one multiplied),
 * temperature, top-k, top-p over what top-k left (the fewest tokens that reach
 * it), min-p (against the likeliest). Then one random number chooses.
 *
 * The same logits, history and seed give the same token everywhere: every
 * operation is IEEE, in a fixed order and rounding mode, with exp our own. On
 * equal logits the lower id comes first.
 */
#ifndef CT_ENGINE_SAMPLE_H
#define CT_ENGINE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ct_ranked;

struct ct_sample_params {
	float temperature;	/* 0: the likeliest */
	uint32_t top_k;		/* 0: no limit */
	float top_p, min_p;
	float penalty;		/* 1: none */
	uint32_t window;	/* tokens it looks back; 0: all */
	uint64_t seed;
};

struct ct_candidate {
	float logit;
	uint32_t id;
	double weight;		/* exp((logit - highest) / temperature) */
};

struct ct_sampler {
	struct ct_sample_params p;
	uint32_t vocab;
	uint64_t rng[4];
	struct ct_candidate *cand;	/* [vocab], or [top_k] if that is less */
	uint64_t *seen;			/* a bit for each token; for the penalty */
};

/* Parameters are checked by the caller: finite and in range. */
int ct_sampler_init(struct ct_sampler *s, const struct ct_sample_params *p,
		    uint32_t vocab, struct ct_err *err);
void ct_sampler_free(struct ct_sampler *s);

/*
 * The penalty for being among the last @window (0: all) of the @n tokens of @text, on
 * logits or log-probabilities; each token once, however often it is there. @seen has a
 * bit for each token of the vocabulary, and none is set before and after.
 */
void ct_penalise(float *scores, float penalty, uint32_t window, uint64_t *seen,
		 const uint32_t *text, size_t n);
size_t ct_seen_bytes(uint32_t vocab);

/* Whether the @n highest logits are all that it chooses by. */
bool ct_sampler_needs_top(const struct ct_sampler *s, uint32_t n);

/*
 * Choose. @logits are overwritten; NaN is never chosen. @text are the @n tokens
 * so far. -EBADMSG when no logit is a number: damaged weights.
 */
int ct_sampler_pick(struct ct_sampler *s, float *logits, const uint32_t *text,
		    size_t n, uint32_t *token, struct ct_err *err);

/*
 * The same choice from the highest logits alone, in order: at least as many as
 * ct_sampler_needs_top() was asked about, or all that are a number.
 */
int ct_sampler_pick_top(struct ct_sampler *s, const struct ct_ranked *top,
			uint32_t n, uint32_t *token, struct ct_err *err);

/* As if it had chosen: the next choice is made with the next random number. */
void ct_sampler_skip(struct ct_sampler *s);

/* The generator: xoshiro256**, seeded through splitmix64. For tests. */
uint64_t ct_sampler_random(struct ct_sampler *s);

#endif
