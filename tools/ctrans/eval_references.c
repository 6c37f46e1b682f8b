// SPDX-License-Identifier: MIT
/*
 * What a model makes of the references: the likelihood of their tokens, each after
 * those before it. Some sources at a time, a token of each in a step.
 *
 * A source is read as the texts' own were, with the task's words before it: a text of
 * one token is asked for and taken back. What that token's row cost is known from
 * running the row again, and the rest is the encoder's.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "eval_pairs.h"
#include "report.h"
#include "terminal.h"

#define AT_ONCE	32u

/* One reference being read. */
struct reader {
	struct ctrans_session *session;
	uint32_t *ids;		/* of the reference, with its end */
	size_t n, at;		/* at: the one that @logits predict */
	float *logits;
};

struct reading {
	struct ctrans_model *model;
	const struct pairs *p;
	struct pairs_run *run;
	struct reader readers[AT_ONCE];
	double nll, lost;	/* lost: what rounding took from it */
};

static void add_nll(struct reading *r, double x)
{
	double sum = r->nll + x;

	r->lost += fabs(r->nll) >= fabs(x) ? (r->nll - sum) + x : (x - sum) + r->nll;
	r->nll = sum;
}

static void score_token(struct reading *r, const struct reader *one)
{
	uint32_t vocab = r->run->info.vocab, best = 0;
	double sum = 0;

	for (uint32_t i = 1; i < vocab; i++)
		if (one->logits[i] > one->logits[best])
			best = i;
	for (uint32_t i = 0; i < vocab; i++)
		sum += exp((double)one->logits[i] - (double)one->logits[best]);
	add_nll(r, log(sum) + (double)one->logits[best] -
		   (double)one->logits[one->ids[one->at]]);
	r->run->scored++;
	r->run->top1 += best == one->ids[one->at];
}

/* The target's tokens and their end, as far as there is room for them. */
static int target_tokens(const struct reading *r, size_t line, struct reader *one)
{
	const struct ctrans_model_info *info = &r->run->info;
	const struct span text = words_strip_end(r->p->ref[line * r->p->n_refs]);
	size_t n = 0;
	int ret = ctrans_tokenize(r->model, text.s, text.len, 0, NULL, 0, &n);

	if (ret && ret != -E2BIG)
		return ret;
	one->ids = malloc((n + 1) * sizeof(*one->ids));
	if (!one->ids)
		return -ENOMEM;
	ret = ctrans_tokenize(r->model, text.s, text.len, 0, one->ids, n, &n);
	if (!ret && info->eos >= 0)
		one->ids[n++] = (uint32_t)info->eos;
	one->n = n < info->context ? n : info->context;
	return ret;
}

/* What @after is more than @before, but the head, which no encoder has. */
static void add_difference(struct eval_cost *to, const struct ctrans_usage *first,
			   const struct ctrans_usage *both)
{
	for (int k = 0; k < CTRANS_KINDS; k++) {
		const uint64_t *a = (const uint64_t *)&first->kind[k];
		const uint64_t *b = (const uint64_t *)&both->kind[k];
		struct ctrans_cost part;
		uint64_t *out = (uint64_t *)&part;

		if (k == CTRANS_KIND_HEAD)
			continue;
		/* first is source and row, both is first and the row again */
		for (size_t i = 0; i < sizeof(part) / sizeof(*out); i++)
			out[i] = 2 * a[i] > b[i] ? 2 * a[i] - b[i] : 0;
		cost_add(&to->kind[k], &part);
		cost_add(&to->sum, &part);
	}
	to->chip_seconds += 2 * first->chip_seconds - both->chip_seconds;
}

/* Read a source; the logits after the token that a text begins with. */
static int begin(struct reading *r, size_t line, struct reader *one)
{
	struct ctrans_generate_params params;
	struct ctrans_usage first, both;
	struct ctrans_result *result = NULL;
	const uint32_t start = (uint32_t)r->run->info.start;
	int ret = target_tokens(r, line, one);

	ctrans_generate_params_init(&params, sizeof(params));
	params.task = r->p->task;
	params.max_tokens = 1;
	params.beams = 1;
	params.draft = 0;
	if (!ret)
		ret = ctrans_session_open(r->model, &one->session);
	if (!ret)
		ret = ctrans_session_generate(one->session, r->p->source[line], &params,
					      &result);
	ctrans_result_free(result);
	if (!ret)
		ret = ctrans_session_usage(one->session, &first, sizeof(first));
	if (!ret)
		ret = ctrans_session_truncate(one->session, 0);
	if (!ret)
		ret = ctrans_session_eval(one->session, &start, 1, one->logits);
	if (!ret)
		ret = ctrans_session_usage(one->session, &both, sizeof(both));
	if (ret)
		return ret;
	/* without the token that it begins with */
	r->run->encoder.tokens += first.prompt_tokens - 1;
	r->run->encoder.seconds += (double)first.prefill_ns * 1e-9;
	add_difference(&r->run->encoder, &first, &both);
	return 0;
}

/* A token of each that has one left; false: none has. */
static bool step(struct reading *r, size_t n, int *ret)
{
	struct ctrans_session *sessions[AT_ONCE];
	float *logits[AT_ONCE];
	uint32_t tokens[AT_ONCE];
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct reader *one = &r->readers[i];

		if (one->at >= one->n)
			continue;
		score_token(r, one);
		if (++one->at == one->n)
			continue;
		sessions[count] = one->session;
		tokens[count] = one->ids[one->at - 1];
		logits[count++] = one->logits;
	}
	*ret = count ? ctrans_batch_eval(sessions, tokens, count, logits) : 0;
	return count && !*ret;
}

static int read_some(struct reading *r, size_t from, size_t n, size_t *line)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		*line = from + i;
		ret = begin(r, from + i, &r->readers[i]);
	}
	while (!ret && step(r, n, &ret))
		if (interrupted())
			ret = -ECANCELED;
	for (size_t i = 0; i < n; i++) {
		struct reader *one = &r->readers[i];

		ctrans_session_close(one->session);
		free(one->ids);
		*one = (struct reader){ .logits = one->logits };
	}
	return ret;
}

static int prepare(struct reading *r)
{
	for (size_t i = 0; i < AT_ONCE; i++) {
		r->readers[i].logits = malloc(r->run->info.vocab * sizeof(float));
		if (!r->readers[i].logits)
			return fail(EXIT_MEMORY, "out of memory");
	}
	return EXIT_OK;
}

/* The decoder's part of what was written. */
static void split_costs(struct pairs_run *run)
{
	struct eval_cost *d = &run->decoder;
	const struct eval_cost *all = &run->all, *e = &run->encoder;

	*d = (struct eval_cost){
		.tokens = all->tokens, .seconds = all->seconds,
		.chip_seconds = all->chip_seconds - e->chip_seconds,
	};
	for (int k = 0; k < CTRANS_KINDS; k++) {
		const uint64_t *a = (const uint64_t *)&all->kind[k];
		const uint64_t *b = (const uint64_t *)&e->kind[k];
		uint64_t *out = (uint64_t *)&d->kind[k];

		for (size_t i = 0; i < sizeof(d->kind[k]) / sizeof(*out); i++)
			out[i] = a[i] > b[i] ? a[i] - b[i] : 0;
		cost_add(&d->sum, &d->kind[k]);
	}
}

int pairs_read(struct ctrans_model *model, const struct pairs *p, const char *what,
	       struct pairs_run *run)
{
	struct reading r = { .model = model, .p = p, .run = run };
	uint64_t start = now_ns();
	size_t line = 0;
	int ret = 0, status = prepare(&r);

	for (size_t i = 0; i < p->n && !status && !ret; i += AT_ONCE) {
		progress_show(what, i, p->n, NULL);
		ret = read_some(&r, i, p->n - i < AT_ONCE ? p->n - i : AT_ONCE, &line);
	}
	progress_clear();
	for (size_t i = 0; i < AT_ONCE; i++)
		free(r.readers[i].logits);
	if (ret == -E2BIG || ret == -EINVAL)
		return fail(EXIT_FAILED, "line %zu: %s", line + 1, ctrans_message());
	if (ret || status)
		return ret ? fail_library(ret, EXIT_FAILED) : status;
	run->nll = r.nll + r.lost;
	run->seconds = (double)(now_ns() - start) * 1e-9;
	split_costs(run);
	return EXIT_OK;
}

double pairs_perplexity(const struct pairs_run *run)
{
	return exp(run->nll / (double)run->scored);
}
