// SPDX-License-Identifier: MIT
#include "engine/constrain.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"

static int check_forced(const char *what, int64_t id, uint32_t vocab,
			struct ct_err *err)
{
	if (id < -1 || id >= (int64_t)vocab)
		return ct_fail(err, -EINVAL,
			       "%s is %lld: the vocabulary has 0 to %u, and -1 is none",
			       what, (long long)id, vocab - 1);
	return 0;
}

int ct_constraints_init(struct ct_constraints *c,
			const struct ct_constraint_params *p, uint32_t vocab,
			struct ct_err *err)
{
	uint32_t i;
	int ret;

	if (!vocab)
		return ct_fail(err, -EINVAL, "a vocabulary of no tokens");
	if (p->n_eos > CT_ENDS_MAX)
		return ct_fail(err, -E2BIG, "%u tokens that end a text: at most %u",
			       p->n_eos, CT_ENDS_MAX);
	if (p->max_length && p->min_length > p->max_length)
		return ct_fail(err, -EINVAL,
			       "min_length %u is above max_length %u: no text can have both",
			       p->min_length, p->max_length);
	ret = check_forced("forced_bos_token_id", p->forced_bos, vocab, err);
	if (!ret)
		ret = check_forced("forced_eos_token_id", p->forced_eos, vocab, err);
	if (ret)
		return ret;

	*c = (struct ct_constraints){ .p = *p, .vocab = vocab };
	c->p.eos = NULL;
	for (i = 0; i < p->n_eos; i++) {
		if (p->eos[i] >= vocab)
			return ct_fail(err, -EINVAL,
				       "eos_token_id %u: the vocabulary has 0 to %u",
				       p->eos[i], vocab - 1);
		c->eos[i] = p->eos[i];
	}
	return 0;
}

bool ct_constraints_look_back(const struct ct_constraints *c)
{
	return c->p.no_repeat_ngram;
}

static int ban(const struct ct_constraints *c, struct ct_bans *bans, uint32_t id,
	       struct ct_err *err)
{
	size_t room = bans->room ? 2 * (size_t)bans->room : 32;
	uint32_t *ids;

	/* what a text starts from need not be a token that can come */
	if (id >= c->vocab)
		return 0;
	if (bans->n == bans->room) {
		ids = room > UINT32_MAX ? NULL :
		      realloc(bans->ids, room * sizeof(*ids));
		if (!ids)
			return ct_fail(err, -ENOMEM,
				       "no memory for %zu tokens that may not come",
				       room);
		bans->ids = ids;
		bans->room = (uint32_t)room;
	}
	bans->ids[bans->n++] = id;
	return 0;
}

/* What has followed the last n - 1 tokens before. */
static int ban_ngrams(const struct ct_constraints *c, const uint32_t *text,
		      size_t n, struct ct_bans *bans, struct ct_err *err)
{
	size_t i, same = c->p.no_repeat_ngram - 1;
	int ret = 0;

	if (n <= same)
		return 0;
	for (i = 0; i + same < n && !ret; i++) {
		if (!memcmp(text + i, text + n - same, same * sizeof(*text)))
			ret = ban(c, bans, text[i + same], err);
	}
	return ret;
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_once(struct ct_bans *bans)
{
	uint32_t i, n = 0;

	if (bans->n)
		qsort(bans->ids, bans->n, sizeof(*bans->ids), by_id);
	for (i = 0; i < bans->n; i++) {
		if (!n || bans->ids[n - 1] != bans->ids[i])
			bans->ids[n++] = bans->ids[i];
	}
	bans->n = n;
}

int ct_constraints_next(const struct ct_constraints *c, const uint32_t *text,
			size_t n, struct ct_bans *bans, struct ct_err *err)
{
	uint32_t i;
	int ret = 0;

	bans->n = 0;
	bans->forced = true;
	if (c->p.forced_eos >= 0 && c->p.max_length && n == c->p.max_length - 1) {
		bans->only = (uint32_t)c->p.forced_eos;
		return 0;
	}
	if (c->p.forced_bos >= 0 && n == 1) {
		bans->only = (uint32_t)c->p.forced_bos;
		return 0;
	}
	bans->forced = false;
	if (c->p.no_repeat_ngram)
		ret = ban_ngrams(c, text, n, bans, err);
	if (n < c->p.min_length) {
		for (i = 0; i < c->p.n_eos && !ret; i++)
			ret = ban(c, bans, c->eos[i], err);
	}
	sort_once(bans);
	return ret;
}

void ct_bans_free(struct ct_bans *bans)
{
	free(bans->ids);
	*bans = (struct ct_bans){ 0 };
}

bool ct_bans_leave(const struct ct_bans *bans, uint32_t best, uint32_t wanted,
		   uint32_t vocab)
{
	if (bans->forced || best >= vocab)
		return true;
	return best >= bans->n && best - bans->n >= wanted;
}

uint32_t ct_bans_filter(const struct ct_bans *bans, const struct ct_ranked *top,
			uint32_t n, struct ct_ranked *out)
{
	uint32_t i, kept = 0;

	if (bans->forced)
		return 0;
	for (i = 0; i < n; i++) {
		if (!bans->n || !bsearch(&top[i].id, bans->ids, bans->n,
					 sizeof(*bans->ids), by_id))
			out[kept++] = top[i];
	}
	return kept;
}

void ct_bans_apply(const struct ct_bans *bans, float *logits, uint32_t vocab)
{
	uint32_t i;

	if (bans->forced) {
		for (i = 0; i < vocab; i++)
			logits[i] = i == bans->only ? 0 : -INFINITY;
		return;
	}
	for (i = 0; i < bans->n && bans->ids[i] < vocab; i++)
		logits[bans->ids[i]] = -INFINITY;
}

uint32_t ct_rank(const float *logits, uint32_t vocab, uint32_t k,
		 struct ct_ranked *out)
{
	uint32_t i, at, n = 0;

	for (i = 0; i < vocab && k; i++) {
		if (!(logits[i] > (n < k ? -INFINITY : out[n - 1].logit)))
			continue;
		for (at = n < k ? n++ : n - 1;
		     at && logits[i] > out[at - 1].logit; at--)
			out[at] = out[at - 1];
		out[at] = (struct ct_ranked){ .id = i, .logit = logits[i] };
	}
	return n;
}
