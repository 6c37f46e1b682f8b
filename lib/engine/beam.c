// SPDX-License-Identifier: MIT
#include "engine/beam.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"
#include "engine/power.h"

#define NO_NODE		UINT32_MAX
/* All beams but the first: so that their equal texts are not chosen K times. */
#define SCORE_OTHERS	-1e9f
#define WORST_NONE	1e9
/* Steps that nodes are allocated for at first. */
#define STEPS_FIRST	128u

struct ct_beam_ranked {
	float score;
	uint32_t beam, token;
	uint32_t order;		/* among equals of a beam */
};

static int check(const struct ct_beam_params *p, uint32_t n_start,
		 struct ct_err *err)
{
	if (!p->beams || p->beams > CT_BEAMS_MAX)
		return ct_fail(err, -EINVAL, "num_beams is %u: 1 to %u",
			       p->beams, CT_BEAMS_MAX);
	if (!p->n_best || p->n_best > p->beams)
		return ct_fail(err, -EINVAL,
			       "num_return_sequences is %u: at least 1, and at most num_beams, %u",
			       p->n_best, p->beams);
	if (p->n_eos > CT_ENDS_MAX)
		return ct_fail(err, -E2BIG, "%u tokens that end a text: at most %u",
			       p->n_eos, CT_ENDS_MAX);
	if (!(fabs(p->length_penalty) <= CT_POWER_MAX))
		return ct_fail(err, -EINVAL, "length_penalty is %g: -%g to %g",
			       p->length_penalty, CT_POWER_MAX, CT_POWER_MAX);
	if (p->max_length > CT_BEAM_LENGTH_MAX)
		return ct_fail(err, -E2BIG, "max_length is %u: at most %u",
			       p->max_length, CT_BEAM_LENGTH_MAX);
	if (!n_start || n_start >= p->max_length)
		return ct_fail(err, -EINVAL,
			       "a text of %u tokens to go on from: at least 1, and fewer than max_length, %u",
			       n_start, p->max_length);
	return 0;
}

/* Each once: the room for candidates counts them. */
static int take_eos(struct ct_beam *b, const struct ct_beam_params *p,
		    struct ct_err *err)
{
	uint32_t i, j;

	b->p.eos = NULL;
	b->p.n_eos = 0;
	for (i = 0; i < p->n_eos; i++) {
		if (p->eos[i] >= p->vocab)
			return ct_fail(err, -EINVAL,
				       "eos_token_id %u: the vocabulary has %u tokens",
				       p->eos[i], p->vocab);
		for (j = 0; j < b->p.n_eos && b->eos[j] != p->eos[i]; j++)
			;
		if (j == b->p.n_eos)
			b->eos[b->p.n_eos++] = p->eos[i];
	}
	if (p->vocab <= b->p.n_eos)
		return ct_fail(err, -EINVAL,
			       "all %u tokens of the vocabulary end a text: nothing can be searched",
			       p->vocab);
	return 0;
}

/* How many continuations hold the K best that do not end. */
static uint32_t most_ranked(const struct ct_beam *b)
{
	return b->p.beams + b->p.beams * b->p.n_eos;
}

int ct_beam_init(struct ct_beam *b, const struct ct_beam_params *p,
		 const uint32_t *start, uint32_t n_start, struct ct_err *err)
{
	uint32_t i, steps;
	int ret;

	*b = (struct ct_beam){ .p = *p, .worst = WORST_NONE };
	ret = check(p, n_start, err);
	if (!ret)
		ret = take_eos(b, p, err);
	if (ret)
		return ret;

	b->length = b->n_start = n_start;
	for (i = 0; i < p->beams; i++) {
		b->scores[i] = i ? SCORE_OTHERS : 0;
		b->at[i] = NO_NODE;
	}
	steps = p->max_length - n_start;
	b->room = (size_t)p->beams * (steps < STEPS_FIRST ? steps : STEPS_FIRST);
	b->nodes = malloc(b->room * sizeof(*b->nodes));
	b->ranked = malloc(most_ranked(b) * sizeof(*b->ranked));
	b->start = malloc(n_start * sizeof(*b->start));
	if (!b->nodes || !b->ranked || !b->start) {
		ct_beam_free(b);
		return ct_fail(err, -ENOMEM, "no memory to search with %u beams",
			       p->beams);
	}
	memcpy(b->start, start, n_start * sizeof(*start));
	return 0;
}

void ct_beam_free(struct ct_beam *b)
{
	free(b->nodes);
	free(b->ranked);
	free(b->start);
	b->nodes = NULL;
	b->ranked = NULL;
	b->start = NULL;
}

uint32_t ct_beam_wanted(const struct ct_beam *b)
{
	return b->p.beams + b->p.n_eos;
}

static void trace(const struct ct_beam *b, uint32_t node, uint32_t length,
		  uint32_t *tokens)
{
	for (; node != NO_NODE; node = b->nodes[node].parent)
		tokens[--length] = b->nodes[node].token;
	memcpy(tokens, b->start, b->n_start * sizeof(*tokens));
}

void ct_beam_text(const struct ct_beam *b, uint32_t beam, uint32_t *tokens)
{
	trace(b, b->at[beam], b->length, tokens);
}

static bool ends(const struct ct_beam *b, uint32_t token)
{
	uint32_t i;

	for (i = 0; i < b->p.n_eos; i++) {
		if (b->eos[i] == token)
			return true;
	}
	return false;
}

/* --- hypotheses ------------------------------------------------------- */

/* The worst goes, of equals the one that came first; then who is the worst. */
static void drop_worst(struct ct_beam *b)
{
	uint32_t i, at = 0;

	for (i = 1; i < b->n_found; i++) {
		if (b->found[i].score < b->found[at].score)
			at = i;
	}
	b->n_found--;
	memmove(b->found + at, b->found + at + 1,
		(b->n_found - at) * sizeof(*b->found));
	b->worst = b->found[0].score;
	for (i = 1; i < b->n_found; i++) {
		if (b->found[i].score < b->worst)
			b->worst = b->found[i].score;
	}
}

/* @per: length ^ penalty */
static void add_found(struct ct_beam *b, uint32_t node, float sum, double per,
		      bool ended)
{
	double score = sum / per;

	if (b->n_found >= b->p.beams && !(score > b->worst))
		return;
	b->found[b->n_found++] = (struct ct_beam_found){
		.score = score, .sum = sum, .node = node, .length = b->length,
		.ended = ended,
	};
	if (b->n_found > b->p.beams)
		drop_worst(b);
	else if (score < b->worst)
		b->worst = score;
}

static bool is_settled(const struct ct_beam *b, float best, double per)
{
	if (b->n_found < b->p.beams)
		return false;
	return b->p.early_stopping || b->worst >= best / per;
}

/* --- a step ----------------------------------------------------------- */

/*
 * One beam is greedy search: what was impossible before does not rank what comes
 * next, nor does a rounded sum.
 */
static bool is_greedy(const struct ct_beam *b)
{
	return b->p.beams == 1;
}

static bool is_dead(const struct ct_beam *b, uint32_t beam)
{
	return b->scores[beam] == -INFINITY && !is_greedy(b);
}

/* What a beam's continuations are ranked on top of. */
static float base(const struct ct_beam *b, uint32_t beam)
{
	return is_greedy(b) ? 0 : b->scores[beam];
}

static float sum_of(const struct ct_beam *b, const struct ct_beam_ranked *r)
{
	return is_greedy(b) ? r->score + b->scores[r->beam] : r->score;
}

static int check_rows(const struct ct_beam *b, const struct ct_beam_row *rows,
		      struct ct_err *err)
{
	uint32_t i, j;

	for (i = 0; i < b->p.beams; i++) {
		if (is_dead(b, i))
			continue;
		if (rows[i].forced) {
			if (rows[i].only >= b->p.vocab)
				return ct_fail(err, -EINVAL,
					       "token %u is forced: the vocabulary has %u",
					       rows[i].only, b->p.vocab);
			continue;
		}
		/* One that is not a number, or infinite, makes lse the same. */
		if (!isfinite(rows[i].lse))
			return ct_fail(err, -EBADMSG,
				       "the model gives logits that are no numbers: its weights are damaged");
		for (j = 0; j < rows[i].n; j++) {
			if (rows[i].top[j].id >= b->p.vocab)
				return ct_fail(err, -EINVAL,
					       "token %u is a candidate: the vocabulary has %u",
					       rows[i].top[j].id, b->p.vocab);
		}
	}
	return 0;
}

static int reserve(struct ct_beam *b, struct ct_err *err)
{
	size_t room = b->room + b->room / 2 + b->p.beams;
	struct ct_beam_node *nodes;

	if (b->n_nodes + b->p.beams <= b->room)
		return 0;
	nodes = realloc(b->nodes, room * sizeof(*nodes));
	if (!nodes)
		return ct_fail(err, -ENOMEM,
			       "no memory for %u beams of more than %u tokens",
			       b->p.beams, b->length);
	b->nodes = nodes;
	b->room = room;
	return 0;
}

static bool before(const struct ct_beam_ranked *a, const struct ct_beam_ranked *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	if (a->beam != b->beam)
		return a->beam < b->beam;
	return a->order < b->order;
}

/* Returns how many there are, @most at most. */
static uint32_t insert(struct ct_beam_ranked *ranked, uint32_t n, uint32_t most,
		       const struct ct_beam_ranked *r)
{
	uint32_t at;

	if (n == most && !before(r, &ranked[n - 1]))
		return n;
	for (at = n < most ? n++ : n - 1; at && before(r, &ranked[at - 1]); at--)
		ranked[at] = ranked[at - 1];
	ranked[at] = *r;
	return n;
}

/* log_softmax and the sum, each rounded */
static float score_of(const struct ct_beam *b, uint32_t beam,
		      const struct ct_beam_row *row, float logit)
{
	float p = logit - row->lse;

	return p + base(b, beam);
}

static uint32_t rank_row(struct ct_beam *b, const struct ct_beam_row *row,
			 uint32_t beam, uint32_t n)
{
	struct ct_beam_ranked r = { .beam = beam };
	uint32_t i, most = most_ranked(b);

	if (row->forced) {
		r.score = base(b, beam);
		r.token = row->only;
		return insert(b->ranked, n, most, &r);
	}
	for (i = 0; i < row->n; i++) {
		r.score = score_of(b, beam, row, row->top[i].logit);
		if (!(r.score > -INFINITY))
			continue;
		/* What follows is no better, but may be as good with a lower id. */
		if (n == most && r.score < b->ranked[n - 1].score)
			break;
		r.token = row->top[i].id;
		r.order = is_greedy(b) ? i : r.token;
		n = insert(b->ranked, n, most, &r);
	}
	return n;
}

/* Whether a token's score is -INFINITY. NaN has none, and is never chosen. */
static bool impossible(const struct ct_beam *b, const struct ct_beam_row *row,
		       uint32_t beam, uint32_t token)
{
	uint32_t i;

	if (is_dead(b, beam))
		return true;
	if (row->forced)
		return row->only != token;
	for (i = 0; i < row->n; i++) {
		if (row->top[i].id == token)
			return score_of(b, beam, row, row->top[i].logit) ==
			       -INFINITY;
	}
	return true;
}

/* Where the possible ones are not K: every row is all that its beam has. */
static uint32_t rank_impossible(struct ct_beam *b, const struct ct_beam_row *rows,
				uint32_t n, uint32_t open)
{
	struct ct_beam_ranked r = { .score = -INFINITY };
	uint32_t token;

	for (; r.beam < b->p.beams; r.beam++) {
		for (token = 0; token < b->p.vocab && open < b->p.beams; token++) {
			if (!impossible(b, &rows[r.beam], r.beam, token))
				continue;
			r.token = r.order = token;
			b->ranked[n++] = r;
			open += !ends(b, token);
		}
	}
	return n;
}

/* b->ranked: at least K continuations that do not end, and what is before them */
static int rank(struct ct_beam *b, const struct ct_beam_row *rows, uint32_t *n,
		struct ct_err *err)
{
	uint32_t i, open = 0;

	*n = 0;
	for (i = 0; i < b->p.beams; i++) {
		if (!is_dead(b, i))
			*n = rank_row(b, &rows[i], i, *n);
	}
	for (i = 0; i < *n; i++)
		open += !ends(b, b->ranked[i].token);
	if (open >= b->p.beams)
		return 0;
	i = *n;
	*n = rank_impossible(b, rows, *n, open);
	for (; i < *n; i++)
		open += !ends(b, b->ranked[i].token);
	if (open < b->p.beams)
		return ct_fail(err, -EBADMSG,
			       "the model gives fewer logits that are numbers than a search with %u beams needs: its weights are damaged",
			       b->p.beams);
	return 0;
}

static void choose(struct ct_beam *b, uint32_t n, struct ct_beam_next *next)
{
	double per = ct_power(b->length, b->p.length_penalty);
	uint32_t i, kept = 0, at[CT_BEAMS_MAX];
	const struct ct_beam_ranked *r;

	for (i = 0; i < n && kept < b->p.beams; i++) {
		r = &b->ranked[i];
		if (!ends(b, r->token)) {
			next[kept++] = (struct ct_beam_next){
				.parent = r->beam, .token = r->token,
				.score = sum_of(b, r),
			};
		} else if (i < b->p.beams) {
			add_found(b, b->at[r->beam], sum_of(b, r), per, true);
		}
	}
	b->settled = is_settled(b, sum_of(b, &b->ranked[0]), per);

	for (i = 0; i < b->p.beams; i++) {
		at[i] = (uint32_t)b->n_nodes++;
		b->nodes[at[i]] = (struct ct_beam_node){
			.parent = b->at[next[i].parent], .token = next[i].token,
		};
		b->scores[i] = next[i].score;
	}
	memcpy(b->at, at, b->p.beams * sizeof(*at));
	b->length++;
	b->done = b->settled || b->length >= b->p.max_length;
}

int ct_beam_step(struct ct_beam *b, const struct ct_beam_row *rows,
		 struct ct_beam_next *next, struct ct_err *err)
{
	uint32_t n;
	fenv_t env;
	int ret;

	if (b->done)
		return ct_fail(err, -EINVAL, "the search is over");
	ret = check_rows(b, rows, err);
	if (!ret)
		ret = reserve(b, err);
	if (ret)
		return ret;
	/* The caller's rounding mode and flush-to-zero are not ours. */
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	ret = rank(b, rows, &n, err);
	if (!ret)
		choose(b, n, next);
	fesetenv(&env);
	return ret;
}

/* --- the end ---------------------------------------------------------- */

static int write_hyp(const struct ct_beam *b, const struct ct_beam_found *f,
		     struct ct_beam_hyp *hyp, struct ct_err *err)
{
	*hyp = (struct ct_beam_hyp){
		.n = f->length + f->ended, .ended = f->ended, .sum = f->sum,
		.score = f->score,
	};
	hyp->tokens = malloc(hyp->n * sizeof(*hyp->tokens));
	if (!hyp->tokens)
		return ct_fail(err, -ENOMEM, "no memory for a text of %u tokens",
			       hyp->n);
	trace(b, f->node, f->length, hyp->tokens);
	if (f->ended)
		hyp->tokens[f->length] = b->eos[0];
	return 0;
}

/* The best that is left, of equals the one that came last. */
static uint32_t take_best(struct ct_beam *b)
{
	uint32_t i, at = 0;

	for (i = 1; i < b->n_found; i++) {
		if (b->found[i].score >= b->found[at].score)
			at = i;
	}
	return at;
}

int ct_beam_best(const struct ct_beam *b, struct ct_beam_hyp *hyps,
		 struct ct_err *err)
{
	struct ct_beam all = *b;
	uint32_t i, at;
	fenv_t env;
	double per;
	int ret;

	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	per = ct_power(b->length, b->p.length_penalty);
	for (i = 0; i < b->p.beams && !b->settled; i++)
		add_found(&all, b->at[i], b->scores[i], per, false);
	fesetenv(&env);

	for (i = 0; i < b->p.n_best; i++) {
		at = take_best(&all);
		ret = write_hyp(b, &all.found[at], &hyps[i], err);
		if (ret) {
			ct_beam_hyps_free(hyps, i);
			return ret;
		}
		all.n_found--;
		memmove(all.found + at, all.found + at + 1,
			(all.n_found - at) * sizeof(*all.found));
	}
	return 0;
}

void ct_beam_hyps_free(struct ct_beam_hyp *hyps, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		free(hyps[i].tokens);
		hyps[i].tokens = NULL;
	}
}
