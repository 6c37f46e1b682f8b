// SPDX-License-Identifier: MIT
#include "engine/generation.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/params.h"
#include "text/bpe.h"

/* ---- Beginning ------------------------------------------------------------ */

/* Tokens that the prompt adds to the session, without running them. */
static int add_prompt(struct ct_generation *g, const char *prompt,
		      struct ct_err *err)
{
	struct ctrans_model *model = g->session->model;
	const struct ct_bpe *bpe = ct_core_bpe(model->core);
	int64_t bos = ct_model_bos(model);
	size_t len = strlen(prompt);
	struct ct_ids ids = { 0 };
	int ret = 0;

	if (!g->held && (!len || ct_bpe_adds_bos(bpe))) {
		if (bos < 0)
			return ct_fail(err, -EINVAL,
				       "the prompt is empty, and the model has no token to begin a text with");
		if (ct_ids_append(&ids, bos))
			return ct_fail(err, -ENOMEM, "no memory for a prompt");
	}
	if (len)
		ret = ct_bpe_encode(bpe, prompt, len, g->p.special ?
				    CT_BPE_PARSE_SPECIAL : 0, &ids, err);
	if (!ret)
		ret = ct_session_add(g->session, ids.data, ids.n, 1, err);
	ct_ids_free(&ids);
	g->first = g->session->ids.n;
	return ret;
}

static void generation_free(struct ct_generation *g)
{
	ct_turn_free(&g->turn);
	ct_writer_free(&g->writer);
	ct_sampler_free(&g->sampler);
	ct_draft_free(&g->draft);
	free(g->logits);
	free(g->best);
}

int ct_generation_init(struct ct_generation *g, struct ctrans_session *session,
		       const char *prompt,
		       const struct ctrans_generate_params *params,
		       struct ct_err *err)
{
	uint32_t vocab = ct_core_config(session->model->core)->n_vocab;
	struct ct_sample_params sample;
	int ret;

	*g = (struct ct_generation){
		.session = session, .turn.session = session,
		.held = session->ids.n, .start_ns = ct_now_ns(),
	};
	ret = ct_generate_params_take(&g->p, params, err);
	if (ret)
		return ret;
	if (!prompt)
		return ct_fail(err, -EINVAL,
			       "the prompt is NULL; an empty one is \"\"");
	if (!ct_core_bpe(session->model->core))
		return ct_fail(err, -ENOTSUP,
			       "the model has no tokenizer: run token ids with ctrans_session_eval()");

	ret = ct_writer_init(&g->writer, &g->p, err);
	ct_generate_params_sample(&g->p, &sample);
	if (!ret)
		ret = ct_sampler_init(&g->sampler, &sample, vocab, err);
	if (!ret)
		ret = add_prompt(g, prompt, err);
	if (ret)
		generation_free(g);
	else
		ct_draft_init(&g->draft, session, &g->p);
	g->turn.call.priority = g->p.priority;
	return ret;
}

/* ---- Steps ---------------------------------------------------------------- */

static void finish(struct ct_generation *g, enum ctrans_finish why)
{
	/* The first reason counts. */
	if (!g->finished)
		g->finish = why;
	g->finished = true;
}

bool ct_generation_canceled(const struct ct_generation *g)
{
	return g->p.cancel && __atomic_load_n(g->p.cancel, __ATOMIC_RELAXED);
}

void ct_generation_cancel(struct ct_generation *g)
{
	finish(g, CTRANS_FINISH_CANCELED);
}

struct ct_gather *ct_generation_gather(const struct ct_generation *g)
{
	struct ctrans_model *model = g->session->model;

	return g->draft.its_turn ? &model->little->gather : &model->gather;
}

/* Not before its turn has come: many may wait for theirs. */
static int find_room(struct ct_generation *g, struct ct_err *err)
{
	size_t n = (size_t)g->draft.most + 1, vocab = g->sampler.vocab;

	if (!g->logits && !ct_sampler_needs_top(&g->sampler, CT_STEP_TOPK)) {
		g->logits = malloc(n * vocab * sizeof(*g->logits));
		if (!g->logits)
			return ct_fail(err, -ENOMEM, "no memory for %zu logits",
				       n * vocab);
	}
	if (g->draft.most && !g->best && (!g->logits || g->p.rollback > 0)) {
		g->best = malloc(n * sizeof(*g->best));
		if (!g->best)
			return ct_fail(err, -ENOMEM,
				       "no memory for the best of %zu tokens", n);
	}
	return 0;
}

static struct ct_best *best(struct ct_generation *g)
{
	return g->best ? g->best : &g->one;
}

/* Tokens that can be drafted, and one more that comes of verifying them. */
static uint32_t draft_room(const struct ct_generation *g)
{
	size_t held = g->session->ids.n;
	size_t room = ct_core_context(g->session->model->core) - held;

	if (g->p.max_tokens && room > g->first + g->p.max_tokens - held)
		room = g->first + g->p.max_tokens - held;
	return room ? (uint32_t)room - 1 : 0;
}

int ct_generation_prepare(struct ct_generation *g, struct ct_err *err)
{
	bool new = g->session->ids.n > g->first;
	int ret;

	g->turn.call.spent = new ? &g->account.decode : &g->account.prefill;
	g->turn.call.decodes = new && g->draft.most;
	g->draft.its_turn = ct_draft_is_next(&g->draft, g->session, !new,
					     draft_room(g));
	if (g->draft.its_turn)
		return ct_draft_prepare(&g->draft, &g->turn, !new, &g->sampler,
					err);
	ret = find_room(g, err);
	if (ret)
		return ret;
	g->turn.seq = g->session->seq;
	g->turn.ahead = g->draft.n;
	g->turn.want = (struct ct_wanted){
		.logits = g->logits,
		.best = g->logits && !g->best ? NULL : best(g),
		.earlier = g->draft.n,
	};
	return ct_turn_prepare(&g->turn, err);
}

/* What the model gives place @at of the draft: does the drafted token do? */
static bool stands(const struct ct_generation *g, uint32_t at)
{
	const struct ct_step_row *row;
	fenv_t env;
	bool does;

	if (at == g->turn.ahead || !(g->p.rollback > 0))
		return false;
	row = ct_turn_row(&g->turn, at);
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	does = (double)row->best->lse - row->target_logit <= (double)g->p.rollback;
	fesetenv(&env);
	return does;
}

static int choose(struct ct_generation *g, uint32_t at, uint32_t *token,
		  struct ct_err *err)
{
	const struct ct_ids *ids = &g->session->ids;
	const struct ct_best *top = best(g) + at;

	if (stands(g, at)) {
		*token = ids->data[ids->n];
		ct_sampler_skip(&g->sampler);
		return 0;
	}
	if (g->logits)
		return ct_sampler_pick(&g->sampler,
				       g->logits + (size_t)at * g->sampler.vocab,
				       ids->data, ids->n, token, err);
	return ct_sampler_pick_top(&g->sampler, top->top, top->n, token, err);
}

/* A new token's text; nothing for one that stands for none. */
static int write_token(struct ct_generation *g, uint32_t token,
		       struct ct_err *err)
{
	const struct ct_bpe *bpe = ct_core_bpe(g->session->model->core);
	const char *bytes;
	size_t len;
	int ret;

	if (ct_bpe_kind(bpe, token) == CT_BPE_SPECIAL ||
	    ct_bpe_bytes(bpe, token, &bytes, &len))
		return 0;
	ret = ct_writer_push(&g->writer, bytes, len, err);
	if (!ret && g->writer.stopped)
		finish(g, CTRANS_FINISH_STOP);
	if (!ret && g->writer.canceled)
		finish(g, CTRANS_FINISH_CANCELED);
	return ret;
}

static int take_token(struct ct_generation *g, uint32_t token,
		      struct ct_err *err)
{
	struct ctrans_session *session = g->session;
	uint32_t context = ct_core_context(session->model->core);
	bool told_to_stop;
	int ret;

	if (!g->first_ns)
		g->first_ns = ct_now_ns();
	ret = ct_session_add(session, &token, 1, 0, err);
	if (ret)
		return ret;
	told_to_stop = g->p.token_fn && g->p.token_fn(g->p.arg, token);
	if (!g->p.ignore_eos && ct_model_is_eos(session->model, token)) {
		finish(g, CTRANS_FINISH_EOS);
		return 0;
	}
	ret = write_token(g, token, err);
	if (ret)
		return ret;
	if (told_to_stop)
		finish(g, CTRANS_FINISH_CANCELED);
	if (g->p.max_tokens && session->ids.n - g->first == g->p.max_tokens)
		finish(g, CTRANS_FINISH_LENGTH);
	if (session->ids.n == context)
		finish(g, CTRANS_FINISH_CONTEXT);
	return 0;
}

/*
 * The tokens of a draft that stand, and the one that comes after them: where
 * there is no draft it is the only one.
 */
static int take_tokens(struct ct_generation *g, struct ct_err *err)
{
	struct ct_spent *spent = g->turn.call.spent;
	uint32_t n = g->turn.ahead, i, token, drafted = 0;
	int ret = 0;

	spent->passes++;
	spent->drafted += n;
	for (i = 0; i <= n && !ret && !g->finished; i++) {
		/* as if each had been a step of its own */
		if (i && ct_generation_canceled(g))
			break;
		if (i < n)
			drafted = g->session->ids.data[g->session->ids.n];
		ret = choose(g, i, &token, err);
		if (!ret)
			ret = take_token(g, token, err);
		if (ret || i == n || token != drafted)
			break;
		spent->accepted++;
	}
	ct_draft_drop(&g->draft, g->session);
	return ret;
}

int ct_generation_take(struct ct_generation *g, struct ct_err *err)
{
	int ret = 0;

	if (g->draft.its_turn)
		ct_draft_take(&g->draft, &g->turn, g->p.ignore_eos);
	else
		ret = take_tokens(g, err);
	/* A prompt's rows are not needed again. */
	if (g->turn.room > CT_DRAFT_MOST + 1)
		ct_turn_free(&g->turn);
	return ret;
}

bool ct_generation_alone(struct ct_generation *g)
{
	if (!g->draft.its_turn && !g->draft.n)
		return false;
	ct_draft_stop(&g->draft, g->session);
	return true;
}

void ct_generation_forget(struct ct_generation *g)
{
	ct_turn_free(&g->turn);
	ct_draft_drop(&g->draft, g->session);
	ct_session_trim(g->session, 0);
}

/* ---- The end -------------------------------------------------------------- */

static int end_text(struct ct_generation *g, struct ct_err *err)
{
	uint64_t first = g->first_ns ? g->first_ns : ct_now_ns();
	int ret;

	ret = ct_writer_end(&g->writer, err);
	if (ret)
		return ret;
	if (g->writer.stopped)
		g->finish = CTRANS_FINISH_STOP;

	g->account.prefill.ns = first - g->start_ns;
	g->account.decode.ns = ct_now_ns() - first;
	g->account.prefill.tokens = g->first - g->held;
	g->account.prefill.reused = g->turn.reused;
	g->account.decode.tokens = g->session->ids.n - g->first;
	return 0;
}

/* On success the result has the generation's text. */
static int make_result(struct ct_generation *g, struct ctrans_result **out,
		       struct ct_err *err)
{
	struct ctrans_session *session = g->session;
	size_t n = session->ids.n - g->first;
	struct ctrans_result *r;

	r = calloc(1, sizeof(*r));
	if (r)
		r->tokens = malloc((n + 1) * sizeof(*r->tokens));
	if (!r || !r->tokens) {
		free(r);
		return ct_fail(err, -ENOMEM, "no memory for the result");
	}
	r->size = sizeof(*r);
	memcpy(r->tokens, session->ids.data + g->first, n * sizeof(*r->tokens));
	r->n_tokens = n;
	r->text = g->writer.text.data;
	r->text_len = g->writer.text.n;
	g->writer.text = (struct ct_buf){ 0 };
	r->finish = g->finish;
	ct_account_usage(&g->account, session->model->core, &r->usage);
	*out = r;
	return 0;
}

int ct_generation_end(struct ct_generation *g, int ret,
		      struct ctrans_result **result, struct ct_err *err)
{
	if (!ret)
		ret = end_text(g, err);
	if (!ret)
		ret = make_result(g, result, err);
	/* a draft that was being verified when the text ended is none of it */
	ct_session_trim(g->session, g->session->ids.n);
	if (ret)
		ct_session_truncate(g->session, g->held);
	ct_account_add(&g->session->account, &g->account);
	generation_free(g);
	return ret;
}
