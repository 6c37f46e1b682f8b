// SPDX-License-Identifier: MIT
#include "engine/sample.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>

#include "base/exp.h"
#include "base/splitmix.h"
#include "engine/core.h"

/* Where top-p is the only limit its set is sought in this many first. */
#define TOP_P_FIRST	64u

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* Blackman and Vigna's xoshiro256** 1.0, from its published definition. */
uint64_t ct_sampler_random(struct ct_sampler *s)
{
	uint64_t *r = s->rng;
	uint64_t value = rotate(r[1] * 5, 7) * 9, t = r[1] << 17;

	r[2] ^= r[0];
	r[3] ^= r[1];
	r[1] ^= r[2];
	r[0] ^= r[3];
	r[2] ^= t;
	r[3] = rotate(r[3], 45);
	return value;
}

/* splitmix64, as its authors ask for seeding; never gives four zeros. */
static void seed(struct ct_sampler *s, uint64_t from)
{
	size_t i;

	for (i = 0; i < 4; i++)
		s->rng[i] = ct_splitmix(&from);
}

static bool limits_k(const struct ct_sampler *s)
{
	return s->p.top_k && s->p.top_k < s->vocab;
}

static bool is_greedy(const struct ct_sampler *s)
{
	return s->p.temperature == 0 || s->p.top_k == 1;
}

bool ct_sampler_needs_top(const struct ct_sampler *s, uint32_t n)
{
	/* a penalty may bring any other to the top */
	return s->p.penalty == 1 &&
	       (is_greedy(s) || (limits_k(s) && s->p.top_k <= n));
}

int ct_sampler_init(struct ct_sampler *s, const struct ct_sample_params *p,
		    uint32_t vocab, struct ct_err *err)
{
	size_t room;

	*s = (struct ct_sampler){ .p = *p, .vocab = vocab };
	seed(s, p->seed);
	if (p->penalty != 1) {
		s->seen = calloc(1, ct_seen_bytes(vocab));
		if (!s->seen)
			goto nomem;
	}
	if (!is_greedy(s)) {
		room = limits_k(s) ? p->top_k : vocab;
		s->cand = malloc(room * sizeof(*s->cand));
		if (!s->cand)
			goto nomem;
	}
	return 0;

nomem:
	ct_sampler_free(s);
	return ct_fail(err, -ENOMEM, "no memory to sample from %u tokens",
		       vocab);
}

void ct_sampler_free(struct ct_sampler *s)
{
	free(s->cand);
	free(s->seen);
	s->cand = NULL;
	s->seen = NULL;
}

size_t ct_seen_bytes(uint32_t vocab)
{
	return (vocab + 63) / 64 * sizeof(uint64_t);
}

void ct_penalise(float *scores, float penalty, uint32_t window, uint64_t *seen,
		 const uint32_t *text, size_t n)
{
	size_t i, first = window && n > window ? n - window : 0;
	uint64_t bit;

	for (i = first; i < n; i++) {
		bit = UINT64_C(1) << text[i] % 64;
		if (seen[text[i] / 64] & bit)
			continue;
		seen[text[i] / 64] |= bit;
		if (scores[text[i]] < 0)
			scores[text[i]] *= penalty;
		else
			scores[text[i]] /= penalty;
	}
	for (i = first; i < n; i++)
		seen[text[i] / 64] = 0;
}

static int no_logits(struct ct_err *err)
{
	return ct_fail(err, -EBADMSG,
		       "the model gives no logit that is a number: its weights are damaged");
}

static int find_best(const float *logits, uint32_t vocab, uint32_t *token,
		     struct ct_err *err)
{
	float best = -INFINITY;
	uint32_t i;

	for (i = 0; i < vocab && !(logits[i] > -INFINITY); i++)
		;
	if (i == vocab)
		return no_logits(err);
	for (; i < vocab; i++) {
		if (logits[i] > best) {
			best = logits[i];
			*token = i;
		}
	}
	return 0;
}

static bool before(const struct ct_candidate *a, const struct ct_candidate *b)
{
	return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

/* A heap with the last of the chosen on top. */
static void sink(struct ct_candidate *heap, uint32_t n, uint32_t at)
{
	struct ct_candidate c = heap[at];
	uint32_t child;

	while ((child = 2 * at + 1) < n) {
		if (child + 1 < n && before(&heap[child], &heap[child + 1]))
			child++;
		if (!before(&c, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = c;
}

/*
 * The @k likeliest, likeliest first. Returns how many there are: fewer where
 * others are no numbers or impossible.
 */
static uint32_t select_top(struct ct_candidate *cand, const float *logits,
			   uint32_t vocab, uint32_t k)
{
	struct ct_candidate last;
	uint32_t i, n = 0;
	float worst;

	for (i = 0; i < vocab && n < k; i++) {
		if (logits[i] > -INFINITY)
			cand[n++] = (struct ct_candidate){ logits[i], i, 0 };
	}
	for (k = n / 2; k-- > 0;)
		sink(cand, n, k);
	if (i < vocab) {
		worst = cand[0].logit;
		for (; i < vocab; i++) {
			/* Of equals the one that came first has the lower id. */
			if (!(logits[i] > worst))
				continue;
			cand[0] = (struct ct_candidate){ logits[i], i, 0 };
			sink(cand, n, 0);
			worst = cand[0].logit;
		}
	}
	for (k = n; k-- > 1;) {
		last = cand[0];
		cand[0] = cand[k];
		cand[k] = last;
		sink(cand, k, 0);
	}
	return n;
}

static double weigh(struct ct_candidate *cand, uint32_t n, float highest,
		    float temperature)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		cand[i].weight = ct_exp(((double)cand[i].logit - highest) /
					temperature);
		sum += cand[i].weight;
	}
	return sum;
}

/* How many from the start on reach the share @p of @total; 0: not even all. */
static uint32_t reach(const struct ct_candidate *cand, uint32_t n, double p,
		      double total)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		sum += cand[i].weight;
		if (sum >= p * total)
			return i + 1;
	}
	return 0;
}

/* Weights of the @n that top-k left, and how many of them top-p keeps. */
static uint32_t keep_top_p(struct ct_sampler *s, uint32_t n, float highest)
{
	double total = weigh(s->cand, n, highest, s->p.temperature);
	uint32_t kept = s->p.top_p < 1 ? reach(s->cand, n, s->p.top_p, total) : n;

	return kept ? kept : n;
}

/* Top-p over the whole vocabulary, without sorting all of it. */
static uint32_t select_top_p(struct ct_sampler *s, const float *logits,
			     float highest)
{
	uint32_t i, n, k, kept;
	double total = 0;

	for (i = 0; i < s->vocab; i++) {
		if (logits[i] > -INFINITY)
			total += ct_exp(((double)logits[i] - highest) /
					s->p.temperature);
	}
	for (k = TOP_P_FIRST; ; k = k > s->vocab / 8 ? s->vocab : k * 8) {
		if (k > s->vocab)
			k = s->vocab;
		n = select_top(s->cand, logits, s->vocab, k);
		weigh(s->cand, n, highest, s->p.temperature);
		kept = reach(s->cand, n, s->p.top_p, total);
		if (kept)
			return kept;
		/* Rounding may keep even all of them below 1. */
		if (k == s->vocab)
			return n;
	}
}

/* All possible ones in the order of ids: nothing asks for another. */
static uint32_t select_all(struct ct_sampler *s, const float *logits,
			   float highest)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->vocab; i++) {
		if (logits[i] > -INFINITY)
			s->cand[n++] = (struct ct_candidate){ logits[i], i, 0 };
	}
	weigh(s->cand, n, highest, s->p.temperature);
	return n;
}

static uint32_t draw(struct ct_sampler *s, uint32_t n)
{
	double sum = 0, at;
	uint32_t i, kept = 0, last = 0;

	for (i = 0; i < n; i++) {
		if (s->cand[i].weight < s->p.min_p)
			continue;
		s->cand[kept] = s->cand[i];
		sum += s->cand[kept++].weight;
	}
	at = (double)(ct_sampler_random(s) >> 11) * 0x1p-53 * sum;
	sum = 0;
	for (i = 0; i < kept; i++) {
		if (s->cand[i].weight > 0)
			last = i;
		sum += s->cand[i].weight;
		if (at < sum)
			break;
	}
	return s->cand[last].id;
}

static int pick(struct ct_sampler *s, float *logits, const uint32_t *text,
		size_t n_text, uint32_t *token, struct ct_err *err)
{
	float highest;
	uint32_t n;
	int ret;

	if (s->seen)
		ct_penalise(logits, s->p.penalty, s->p.window, s->seen, text, n_text);
	ret = find_best(logits, s->vocab, token, err);
	if (ret || !s->cand)
		return ret;
	highest = logits[*token];
	if (highest == INFINITY)
		return 0;

	if (limits_k(s)) {
		n = select_top(s->cand, logits, s->vocab, s->p.top_k);
		n = keep_top_p(s, n, highest);
	} else if (s->p.top_p < 1) {
		n = select_top_p(s, logits, highest);
	} else {
		n = select_all(s, logits, highest);
	}
	*token = draw(s, n);
	return 0;
}

int ct_sampler_pick(struct ct_sampler *s, float *logits, const uint32_t *text,
		    size_t n, uint32_t *token, struct ct_err *err)
{
	fenv_t env;
	int ret;

	/* The caller's rounding mode and flush-to-zero are not ours. */
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	ret = pick(s, logits, text, n, token, err);
	fesetenv(&env);
	return ret;
}

int ct_sampler_pick_top(struct ct_sampler *s, const struct ct_ranked *top,
			uint32_t n, uint32_t *token, struct ct_err *err)
{
	uint32_t i, kept = 0;
	fenv_t env;

	if (!n || !(top[0].logit > -INFINITY))
		return no_logits(err);
	*token = top[0].id;
	if (!s->cand || top[0].logit == INFINITY)
		return 0;
	for (i = 0; i < n && kept < s->p.top_k && top[i].logit > -INFINITY; i++)
		s->cand[kept++] = (struct ct_candidate){ top[i].logit, top[i].id, 0 };
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	*token = draw(s, keep_top_p(s, kept, top[0].logit));
	fesetenv(&env);
	return 0;
}

void ct_sampler_skip(struct ct_sampler *s)
{
	if (s->cand)
		ct_sampler_random(s);
}
