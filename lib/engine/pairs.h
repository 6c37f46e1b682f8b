/* SPDX-License-Identifier: MIT */
/*
 * Texts to look at a model with, each with the source that it is made from. A model
 * without encoder has one, whose source is empty.
 */
#ifndef CT_ENGINE_PAIRS_H
#define CT_ENGINE_PAIRS_H

#include "base/err.h"
#include "ctrans_dispatch.h"
#include "engine/core.h"
#include "text/buf.h"

struct ct_pairs {
	struct ct_ids ids;		/* what all of them are in */
	struct ctrans_pair *v;
	size_t n, cap;
};

/* Tokens of sources, and of texts; and of the longest source. */
uint64_t ct_pairs_sources(const struct ctrans_pair *pairs, size_t n);
uint64_t ct_pairs_texts(const struct ctrans_pair *pairs, size_t n);
size_t ct_pairs_longest(const struct ctrans_pair *pairs, size_t n);

/* Has each a text, and a source if and only if the model has an encoder? */
int ct_pairs_check(const struct ct_core *core, const struct ctrans_pair *pairs, size_t n,
		   struct ct_err *err);

/*
 * The first @most tokens of a text. With an encoder it is lines, SOURCE<TAB>TARGET
 * or a SOURCE alone, whose target is then what the model writes greedily. Pairs are
 * taken whole until the next is too much; what is longer than the context is cut.
 * Sources begin with the words of @task (NULL or "": the model's first, if it has
 * any) and end with eos; targets begin with what the decoder begins with, and eos,
 * of which nothing is computed, is no part of them.
 */
int ct_pairs_read(struct ct_core *core, const char *text, size_t len, const char *task,
		  size_t most, struct ct_pairs *pairs, struct ct_err *err);
void ct_pairs_free(struct ct_pairs *pairs);

#endif
