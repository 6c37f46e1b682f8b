// SPDX-License-Identifier: MIT
/* Texts for many lines, through a queue, and their scores. */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "eval_metrics.h"
#include "eval_pairs.h"
#include "report.h"
#include "terminal.h"

static void set_params(const struct pairs *p, const struct pairs_drafts *drafts,
		       struct ctrans_generate_params *params)
{
	ctrans_generate_params_init(params, sizeof(*params));
	params->task = p->task;
	params->beams = p->beams;
	params->max_tokens = p->tokens;
	params->draft = drafts->draft;
	params->rollback = drafts->rollback;
	params->cancel = interrupt_word();
}

/* Its number, and what the library says. */
static int fail_line(const struct pairs *p, int ret, size_t line)
{
	if (ret == -EINVAL || ret == -E2BIG)
		return fail(ret == -EINVAL ? EXIT_USAGE : EXIT_FAILED,
			    "line %zu of %s: %s", line + 1, p->sources.file,
			    ctrans_message());
	if (ret == -ENOTSUP)
		return fail_no_tokenizer();
	return fail_library(ret, EXIT_FAILED);
}

/* A line of a file is what a text has to be. */
static void take_newlines(struct ctrans_result *r)
{
	for (size_t i = 0; i < r->text_len; i++)
		if (r->text[i] == '\n' || r->text[i] == '\r')
			r->text[i] = ' ';
}

static void take(struct pairs_run *run, size_t line, struct ctrans_result *r)
{
	take_newlines(r);
	run->result[line] = r;
	run->drafted += r->usage.drafted;
	run->accepted += r->usage.accepted;
	run->passes += r->usage.passes;
	run->all.tokens += r->usage.new_tokens;
	eval_add_usage(&run->all, &r->usage);
}

#define DEPTH	4096u	/* a queue's greatest */

struct writing {
	const struct pairs *p;
	const struct ctrans_generate_params *params;
	struct ctrans_queue *queue;
	struct ctrans_request **request;
	size_t next;		/* line to ask for */
	sem_t gate;
	bool held;		/* by the gate: the queue */
};

static int at_gate(void *arg, uint32_t token)
{
	struct writing *w = arg;

	(void)token;
	while (sem_wait(&w->gate) && errno == EINTR)
		;
	return 0;
}

/*
 * Keep the queue from beginning before it has all lines: which of them share a step,
 * and so what a token costs, is then hardly for the system's scheduler to say. The text
 * that waits at the gate is nobody's.
 */
static int hold(struct writing *w)
{
	struct ctrans_generate_params params = *w->params;
	struct ctrans_request *request;
	int ret;

	params.beams = 1;
	params.max_tokens = 1;
	params.draft = 0;
	params.token_fn = at_gate;
	params.arg = w;
	ret = ctrans_submit(w->queue, NULL, w->p->source[0], &params, NULL, &request);
	w->held = !ret;
	return ret;
}

static void release(struct writing *w)
{
	if (w->held)
		sem_post(&w->gate);
	w->held = false;
}

/* As many as the queue takes. */
static int ask(struct writing *w)
{
	for (; w->next < w->p->n; w->next++) {
		int ret = ctrans_submit(w->queue, NULL, w->p->source[w->next], w->params,
					NULL, &w->request[w->next]);

		if (ret == -EAGAIN)
			return EXIT_OK;
		if (ret)
			return fail_line(w->p, ret, w->next);
	}
	return EXIT_OK;
}

static int write_line(struct writing *w, size_t line, struct pairs_run *run)
{
	struct ctrans_result *r = NULL;
	int ret = ctrans_request_wait(w->request[line], -1);

	if (!ret)
		ret = ctrans_request_result(w->request[line], &r);
	if (ret)
		return fail_line(w->p, ret, line);
	ctrans_request_free(w->request[line]);
	take(run, line, r);
	return interrupted() ? EXIT_INTERRUPTED : EXIT_OK;
}

static int open_queue(struct ctrans_model *model, struct writing *w)
{
	struct ctrans_queue_params params;
	int ret;

	ctrans_queue_params_init(&params, sizeof(params));
	params.depth = w->p->n < DEPTH ? (uint32_t)w->p->n + 1 : DEPTH;
	ret = ctrans_queue_open(model, &params, &w->queue);
	return ret ? ret : hold(w);
}

int pairs_write(struct ctrans_model *model, const struct pairs *p, const char *what,
		const struct pairs_drafts *drafts, struct pairs_run *run)
{
	struct ctrans_generate_params params;
	struct writing w = { .p = p, .params = &params };
	uint64_t start = now_ns();
	int ret, status = EXIT_OK;

	sem_init(&w.gate, 0, 0);
	set_params(p, drafts, &params);
	run->result = calloc(p->n, sizeof(*run->result));
	w.request = calloc(p->n, sizeof(*w.request));
	if (!run->result || !w.request) {
		free(w.request);
		return fail(EXIT_MEMORY, "out of memory");
	}
	ret = ctrans_model_info(model, &run->info, sizeof(run->info));
	if (!ret)
		ret = open_queue(model, &w);
	if (ret)
		status = fail_line(p, ret, 0);
	for (size_t i = 0; i < p->n && !status; i++) {
		progress_show(what, i, p->n, NULL);
		status = ask(&w);
		release(&w);
		if (!status)
			status = write_line(&w, i, run);
	}
	progress_clear();
	run->all.seconds = (double)(now_ns() - start) * 1e-9;
	release(&w);
	ctrans_queue_close(w.queue);
	sem_destroy(&w.gate);
	free(w.request);
	return status;
}

int pairs_score(const struct pairs *p, struct pairs_run *run)
{
	const struct bleu_options how = metrics_bleu_options();
	struct rouge_score scores[ROUGE_KINDS];
	struct rouge_sum rouge = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		const struct span text = { run->result[i]->text, run->result[i]->text_len };
		const struct span *refs = p->ref + i * p->n_refs;
		int ret = bleu_add(&run->sum, &how, text, refs, p->n_refs);

		if (!ret)
			ret = rouge_score(text, refs, p->n_refs, metrics.stem,
					  scores);
		if (ret)
			return metrics_fail_line(ret, i + 1);
		rouge_add(&rouge, scores);
	}
	bleu_compute(&run->sum, false, &run->bleu);
	for (int k = 0; k < ROUGE_KINDS; k++)
		run->rouge[k] = rouge_mean(&rouge, k);
	return EXIT_OK;
}

void pairs_run_free(const struct pairs *p, struct pairs_run *run)
{
	for (size_t i = 0; run->result && i < p->n; i++)
		ctrans_result_free(run->result[i]);
	free(run->result);
	run->result = NULL;
}

size_t pairs_same(const struct pairs *p, const struct pairs_run *a,
		  const struct pairs_run *b)
{
	size_t same = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct ctrans_result *x = a->result[i], *y = b->result[i];

		same += x->n_tokens == y->n_tokens && x->finish == y->finish &&
			!memcmp(x->tokens, y->tokens, x->n_tokens * sizeof(*x->tokens));
	}
	return same;
}

bool pairs_equal(const struct pairs *p, const struct pairs_run *a,
		 const struct pairs_run *b)
{
	return pairs_same(p, a, b) == p->n && a->scored == b->scored &&
	       a->top1 == b->top1 && !memcmp(&a->nll, &b->nll, sizeof(a->nll));
}
