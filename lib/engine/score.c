// SPDX-License-Identifier: MIT
/*
 * The negative log-likelihood of a text, in windows.
 *
 * Windows of at most @context tokens start at 0, @stride, 2 @stride, ...; the
 * last is the first that reaches the end of the text. Each scores the tokens
 * after the end of the one before, but never its own first token, before which
 * it knows nothing. So no token is scored twice, and with @stride < @context
 * none is left out but the text's first.
 *
 * The rows of windows fill steps one after the other, several windows sharing
 * a step; the sum is taken in the order of the text whatever the steps were.
 */
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "engine/api.h"
#include "engine/session.h"

/* Sequences that short windows may keep going at once. */
#define SLOTS_MAX	16u

struct slot {
	struct ct_seq *seq;
	uint64_t step;		/* the last that has rows of it; 0: none */
};

struct scoring {
	struct ctrans_model *model;
	const uint32_t *tokens;
	size_t n, context, stride;

	/* The window that rows are taken from. */
	size_t start, end, scored_to;	/* scored_to: the end of the one before */
	size_t next;			/* token of the next row */
	size_t window;			/* its number */

	struct slot slot[SLOTS_MAX];
	size_t n_slots;
	uint64_t step;
	struct ct_step_row *rows;	/* [CT_STEP_ROWS], as the next */
	struct ct_best *best;
	size_t n_rows;

	double sum, lost;		/* lost: what rounding took from sum */
	uint64_t done, total, top1;
	struct ct_account account;
};

static size_t window_end(const struct scoring *s, size_t start)
{
	return s->n - start < s->context ? s->n : start + s->context;
}

/* The first token that the window scores. */
static size_t window_first(size_t start, size_t scored_to)
{
	return scored_to > start ? scored_to : start + 1;
}

static uint64_t count_scored(const struct scoring *s)
{
	size_t start, end, scored_to = 0, first;
	uint64_t total = 0;

	for (start = 0; scored_to < s->n; start += s->stride) {
		end = window_end(s, start);
		first = window_first(start, scored_to);
		total += end > first ? end - first : 0;
		scored_to = end;
	}
	return total;
}

static void window_set(struct scoring *s, size_t start)
{
	s->start = start;
	s->end = window_end(s, start);
	s->next = start;
}

/* Whether rows of the window can go into the step being filled. */
static bool slot_take(struct scoring *s)
{
	struct slot *slot = &s->slot[s->window % s->n_slots];

	if (s->next == s->start) {
		if (slot->step == s->step)
			return false;
		ct_seq_truncate(slot->seq, 0);
	}
	slot->step = s->step;
	return true;
}

/* Fill a step. The last token of a window predicts nothing: no row. */
static void fill(struct scoring *s)
{
	struct ct_step_row *row;
	size_t wants = 0, first;
	bool want;

	s->step++;
	s->n_rows = 0;
	while (s->scored_to < s->n) {
		first = window_first(s->start, s->scored_to);
		while (first < s->end && s->next + 1 < s->end) {
			want = s->next + 1 >= first;
			if (s->n_rows == CT_STEP_ROWS ||
			    wants + want > CT_STEP_LOGITS || !slot_take(s))
				return;
			row = &s->rows[s->n_rows];
			*row = (struct ct_step_row){
				.seq = s->slot[s->window % s->n_slots].seq,
				.token = s->tokens[s->next],
				.best = want ? &s->best[s->n_rows] : NULL,
				.want_target = want,
				.target = s->tokens[s->next + 1],
			};
			wants += want;
			s->n_rows++;
			s->next++;
		}
		s->scored_to = s->end;
		s->window++;
		if (s->end < s->n)
			window_set(s, s->start + s->stride);
	}
}

/* Neumaier's sum: the same for every cut of the text, and good to the end. */
static void add(struct scoring *s, double x)
{
	double sum = s->sum + x;

	s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x :
					     (x - sum) + s->sum;
	s->sum = sum;
}

static int run_step(struct scoring *s, struct ct_err *err)
{
	struct ct_gather_call call = {
		.rows = s->rows, .n = s->n_rows,
		.spent = &s->account.prefill, .err = err,
	};
	const struct ct_step_row *row;
	fenv_t env;
	size_t i;
	int ret;

	ret = ct_gather_step(&s->model->gather, &call);
	if (ret)
		return ret;

	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	for (i = 0; i < s->n_rows; i++) {
		row = &s->rows[i];
		if (!row->want_target)
			continue;
		add(s, (double)row->best->lse - (double)row->target_logit);
		s->top1 += row->best->n && row->best->top[0].id == row->target;
		s->done++;
	}
	fesetenv(&env);
	s->account.prefill.tokens += s->n_rows;
	return 0;
}

static int check(struct scoring *s, uint32_t context, uint32_t stride,
		 struct ct_err *err)
{
	const struct ct_core *core = s->model->core;
	uint32_t most = ct_core_context(core);
	uint32_t vocab = ct_core_config(core)->n_vocab;
	size_t i;
	int ret;

	ret = ct_model_needs_weights(s->model, err);
	if (!ret && ct_has_encoder(ct_core_config(core)))
		ret = ct_fail(err, -ENOTSUP,
			      "a model with an encoder gives a text no probability without a source: there is nothing to score");
	if (ret)
		return ret;
	if (!s->tokens || s->n < 2)
		return ct_fail(err, -EINVAL,
			       "a text of %zu tokens has none to score: the first never is",
			       s->tokens ? s->n : 0);
	s->context = context ? context : most;
	if (s->context > most)
		return ct_fail(err, -EINVAL,
			       "windows of %u tokens: the model's context is %u",
			       context, most);
	if (s->context < 2)
		return ct_fail(err, -EINVAL,
			       "windows of one token have none to score: the context must be at least 2");
	s->stride = stride ? stride : s->context / 2;
	if (s->stride > s->context)
		return ct_fail(err, -EINVAL,
			       "stride %u is more than the window of %zu tokens: it would leave text out",
			       stride, s->context);
	for (i = 0; i < s->n; i++) {
		if (s->tokens[i] >= vocab)
			return ct_fail(err, -EINVAL,
				       "token %u (number %zu) is out of range: the model has %u",
				       s->tokens[i], i, vocab);
	}
	return 0;
}

static int scoring_init(struct scoring *s, struct ct_err *err)
{
	size_t i, windows = (s->n - 1) / s->stride + 1;
	int ret;

	s->rows = calloc(CT_STEP_ROWS, sizeof(*s->rows));
	s->best = calloc(CT_STEP_ROWS, sizeof(*s->best));
	if (!s->rows || !s->best)
		return ct_fail(err, -ENOMEM, "no memory for a step's rows");

	/* One more than a step can finish, and one to go on with. */
	s->n_slots = CT_STEP_ROWS / s->context + 2;
	if (s->n_slots > SLOTS_MAX)
		s->n_slots = SLOTS_MAX;
	if (s->n_slots > windows)
		s->n_slots = windows;
	for (i = 0; i < s->n_slots; i++) {
		ret = ct_seq_open(s->model->core, &s->slot[i].seq, err);
		if (ret)
			return ret;
		/* a text's cost is that of all of it, and nobody continues it */
		ct_seq_unshared(s->slot[i].seq);
	}
	s->total = count_scored(s);
	window_set(s, 0);
	return 0;
}

static void scoring_free(struct scoring *s)
{
	size_t i;

	for (i = 0; i < s->n_slots; i++) {
		if (s->slot[i].seq)
			ct_seq_close(s->slot[i].seq);
	}
	free(s->rows);
	free(s->best);
}

static int score_all(struct scoring *s, ctrans_score_fn *fn, void *arg,
		     struct ct_err *err)
{
	uint64_t start = ct_now_ns();
	int ret;

	for (fill(s); s->n_rows; fill(s)) {
		ret = run_step(s, err);
		if (ret)
			return ret;
		if (fn && fn(arg, s->done, s->total, s->sum + s->lost))
			return ct_fail(err, -ECANCELED,
				       "given up after %llu of %llu tokens",
				       (unsigned long long)s->done,
				       (unsigned long long)s->total);
	}
	s->account.prefill.ns = ct_now_ns() - start;
	return 0;
}

static void fill_score(const struct scoring *s, struct ctrans_score *score)
{
	fenv_t env;

	*score = (struct ctrans_score){
		.size = sizeof(*score), .tokens = s->done, .top1 = s->top1,
	};
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	score->nll = s->sum + s->lost;
	score->perplexity = ct_exp(score->nll / (double)s->done);
	fesetenv(&env);
	ct_account_usage(&s->account, s->model->core, &score->usage);
}

int ctrans_score_tokens(struct ctrans_model *model, const uint32_t *tokens,
			size_t n, uint32_t context, uint32_t stride,
			ctrans_score_fn *fn, void *arg,
			struct ctrans_score *score, size_t size)
{
	struct scoring s = { .model = model, .tokens = tokens, .n = n };
	const size_t least = offsetof(struct ctrans_score, usage) + CT_USAGE_LEAST;
	struct ctrans_score full = { 0 };
	struct ct_err err = { 0 };
	int ret;

	if (!model || !score || size < least) {
		if (!model)
			ret = ct_fail(&err, -EINVAL, "no model: NULL");
		else
			ret = ct_struct_give(score, size, least, &full,
					     sizeof(full), "ctrans_score", &err);
		return ct_api_return(ret, &err);
	}
	ret = check(&s, context, stride, &err);
	if (!ret)
		ret = scoring_init(&s, &err);
	if (!ret)
		ret = score_all(&s, fn, arg, &err);
	if (!ret) {
		fill_score(&s, &full);
		if (size < sizeof(full))
			full.usage.size = size - offsetof(struct ctrans_score, usage);
		ret = ct_struct_give(score, size, least, &full,
				     sizeof(full), "ctrans_score", &err);
	}
	scoring_free(&s);
	return ct_api_return(ret, &err);
}
