/* SPDX-License-Identifier: MIT */
/*
 * Which tokens may come next.
 *
 * The rules are those of Hugging Face's transformers 4.25, in its order (each
 * overrules those before it):
 *
 *	no_repeat_ngram	what would complete, a second time, n tokens in a row
 *			that are in the text already, may not come
 *	min_length	no end while the text is shorter
 *	forced_bos	comes first, after the one token that a text starts from
 *	forced_eos	comes as the token that makes a text max_length long
 *
 * Lengths count all tokens, also the one that the decoder started from. A forced
 * token has the score 0 whatever the model says, that is, the probability 1.
 */
#ifndef CT_ENGINE_CONSTRAIN_H
#define CT_ENGINE_CONSTRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ct_ranked;

/* Tokens that end a text. */
#define CT_ENDS_MAX	16u

struct ct_constraint_params {
	uint32_t no_repeat_ngram;	/* 0: no such rule, and so below */
	uint32_t min_length;
	uint32_t max_length;
	int64_t forced_bos;		/* -1: none */
	int64_t forced_eos;
	const uint32_t *eos;
	uint32_t n_eos;
};

struct ct_constraints {
	struct ct_constraint_params p;	/* p.eos is not used */
	uint32_t vocab;
	uint32_t eos[CT_ENDS_MAX];
};

/* What the rules say of one place in a text. Starts as zeros. */
struct ct_bans {
	bool forced;
	uint32_t only;		/* if forced */
	uint32_t n;		/* if not: so many may not come, */
	uint32_t *ids;		/* in ascending order, each once */
	uint32_t room;
};

/* Nothing is kept of @p. -EINVAL, -E2BIG for more ends than CT_ENDS_MAX. */
int ct_constraints_init(struct ct_constraints *c,
			const struct ct_constraint_params *p, uint32_t vocab,
			struct ct_err *err);

/* Whether it matters which tokens a text has, not only how many. */
bool ct_constraints_look_back(const struct ct_constraints *c);

/*
 * After the @n tokens of @text (NULL will do if no rule looks back). It is read
 * once. Memory of @bans is used again; the one failure is -ENOMEM.
 */
int ct_constraints_next(const struct ct_constraints *c, const uint32_t *text,
			size_t n, struct ct_bans *bans, struct ct_err *err);
void ct_bans_free(struct ct_bans *bans);

/*
 * Whether the @best highest logits of a row hold the @wanted highest of those
 * that may come (or all). If not, the whole row is needed: ct_bans_apply() and
 * ct_rank().
 */
bool ct_bans_leave(const struct ct_bans *bans, uint32_t best, uint32_t wanted,
		   uint32_t vocab);

/*
 * The highest logits without those that may not come, in the same order.
 * Returns how many; @out may be @top. Nothing is left where a token is forced.
 */
uint32_t ct_bans_filter(const struct ct_bans *bans, const struct ct_ranked *top,
			uint32_t n, struct ct_ranked *out);

/* On a row of all logits: -INFINITY for what may not come, 0 for what must. */
void ct_bans_apply(const struct ct_bans *bans, float *logits, uint32_t vocab);

/*
 * The @k highest of a row as the chip would name them: highest first, the lower
 * id on a tie, without NaN and -INFINITY. Returns how many.
 */
uint32_t ct_rank(const float *logits, uint32_t vocab, uint32_t k,
		 struct ct_ranked *out);

#endif
