// SPDX-License-Identifier: MIT
/*
 * What a little model saves: greedy text after places of the text, by the model
 * alone, with drafts of which it keeps its own, and with those that it tolerates.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "eval.h"
#include "model_options.h"
#include "report.h"
#include "terminal.h"

#define PLACES	EVAL_PLACES
#define PROMPT	32u
#define NEW	64u

static const struct {
	const char *name;
	uint32_t draft;
	float rollback;
} modes[EVAL_DRAFTS] = {
	{ "alone", 0, 0 },
	{ "exact", 8, 0 },
	{ "2 nats", 8, 2 },
	{ "5 nats", 8, 5 },	/* BiLD's default */
};

/* Room for a place's prompt and new tokens. */
struct place {
	uint32_t ids[PROMPT + NEW];
	uint32_t prompt, n;
};

static void add_usage(struct eval_draft *d, const struct ctrans_usage *u)
{
	d->tokens += u->new_tokens > 1 ? u->new_tokens - 1 : 0;
	cost_add(&d->sum, &u->decode);
	d->drafted += u->drafted;
	d->accepted += u->accepted;
	d->passes += u->passes;
	d->written += u->new_tokens;
	d->seconds += (double)u->decode_ns * 1e-9;
}

static int write_place(struct ctrans_model *model, size_t mode, struct place *p,
		       uint32_t most, struct eval_draft *d)
{
	struct ctrans_generate_params params;
	struct ctrans_session *session;
	struct ctrans_result *r = NULL;
	int ret;

	ctrans_generate_params_init(&params, sizeof(params));
	params.max_tokens = most;
	params.temperature = 0;
	params.ignore_eos = 1;
	params.draft = modes[mode].draft;
	params.rollback = modes[mode].rollback;
	params.cancel = interrupt_word();
	ret = ctrans_session_open(model, &session);
	if (ret)
		return ret;
	ret = ctrans_session_eval(session, p->ids, p->prompt, NULL);
	if (!ret)
		ret = ctrans_session_generate(session, "", &params, &r);
	if (!ret && r->finish == CTRANS_FINISH_CANCELED)
		ret = -ECANCELED;
	if (!ret) {
		memcpy(p->ids + p->prompt, r->tokens, r->n_tokens * sizeof(*p->ids));
		p->n = p->prompt + (uint32_t)r->n_tokens;
		add_usage(d, &r->usage);
	}
	ctrans_result_free(r);
	ctrans_session_close(session);
	return ret;
}

/* Negative log-likelihood, by the model itself, of what was written. */
static int judge(struct ctrans_model *model, const struct place *p, double *nll)
{
	struct ctrans_score all, prompt = { .nll = 0 };
	int ret;

	ret = ctrans_score_tokens(model, p->ids, p->n, 0, 0, NULL, NULL, &all,
				  sizeof(all));
	if (!ret && p->prompt > 1)
		ret = ctrans_score_tokens(model, p->ids, p->prompt, 0, 0, NULL,
					  NULL, &prompt, sizeof(prompt));
	*nll += all.nll - prompt.nll;
	return ret;
}

static int write_all(struct ctrans_model *model, struct eval_comparison *c,
		     size_t mode, struct place alone[PLACES])
{
	struct eval_draft *d = &c->draft[mode];
	const struct eval_text *text = c->text;
	uint32_t prompt, most = NEW;

	d->name = modes[mode].name;
	prompt = text->n < PROMPT ? (uint32_t)text->n : PROMPT;
	if (prompt + most > c->info.context) {
		prompt = c->info.context / 3;
		most = c->info.context - prompt;
	}
	for (uint32_t i = 0; i < PLACES; i++) {
		const uint32_t *at = text->ids + i * (text->n - prompt) / PLACES;
		struct place p = { .prompt = prompt };
		int ret;

		progress_show("Writing", mode * PLACES + i, EVAL_DRAFTS * PLACES,
			      modes[mode].name);
		memcpy(p.ids, at, prompt * sizeof(*at));
		ret = write_place(model, mode, &p, most, d);
		if (!ret)
			ret = judge(model, &p, &d->nll);
		if (ret)
			return ret;
		if (!mode)
			alone[i] = p;
		for (uint32_t k = prompt; k < p.n; k++)
			d->same += k < alone[i].n && p.ids[k] == alone[i].ids[k];
	}
	return 0;
}

int eval_little(const struct command *command, struct eval_comparison *c)
{
	struct ctrans_model *model = NULL;
	struct place *alone;
	int ret = 0, status;

	if (!c->info.little_parameters || c->text->n < 2)
		return EXIT_OK;
	alone = calloc(PLACES, sizeof(*alone));
	if (!alone)
		return fail(EXIT_MEMORY, "out of memory");
	/* each row is to pay for its own prompt, and take over none */
	status = model_load(command, c->path, CTRANS_MODEL_NO_SHARING, &model);
	for (size_t mode = 0; !status && !ret && mode < EVAL_DRAFTS; mode++) {
		ret = write_all(model, c, mode, alone);
		if (!ret)
			c->n_drafts++;
	}
	progress_clear();
	if (!status && ret)
		status = fail_library(ret, EXIT_FAILED);
	if (!status)
		c->drafts_equal = c->draft[1].same == c->draft[1].written &&
				  c->draft[1].written == c->draft[0].written;
	ctrans_model_close(model);
	free(alone);
	return status;
}

double eval_little_ratio(const struct eval_comparison *c)
{
	const struct eval_draft *alone = &c->draft[0], *exact = &c->draft[1];

	if (!c->n_drafts || !alone->tokens || !exact->tokens)
		return 0;
	return (double)exact->sum.bytes_external / (double)exact->tokens /
	       ((double)alone->sum.bytes_external / (double)alone->tokens);
}
