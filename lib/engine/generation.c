// SPDX-License-Identifier: MIT
#include "engine/generation.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/params.h"
#include "model/tasks.h"
#include "text/tokenizer.h"

/* ---- Beginning ------------------------------------------------------------ */

static void generation_free(struct ct_generation *g)
{
	ct_turn_free(&g->turn);
	ct_writer_free(&g->writer);
	ct_sampler_free(&g->sampler);
	ct_draft_free(&g->draft);
	ct_beams_close(g->beams);
	ct_bans_free(&g->bans);
	free(g->logits);
	free(g->best);
}

/* How long the text may be, with what was there before it. */
static uint32_t max_length(const struct ct_generation *g)
{
	uint32_t context = ct_core_context(g->session->model->core);

	if (!g->p.max_tokens || g->p.max_tokens > context - g->first)
		return context;
	return (uint32_t)g->first + g->p.max_tokens;
}

/* Of all tokens, as rules count them; no more than there is room for. */
static uint32_t min_length(const struct ct_generation *g)
{
	uint32_t room = max_length(g) - (uint32_t)g->first;

	if (!g->p.min_tokens)
		return 0;
	return (uint32_t)g->first + (g->p.min_tokens < room ? g->p.min_tokens : room);
}

static struct ct_constraint_params rules_of(const struct ct_generation *g,
					    const struct ct_search *own)
{
	const struct ct_config *cfg = ct_generation_config(g);

	return (struct ct_constraint_params){
		.no_repeat_ngram = g->p.no_repeat_ngram,
		.min_length = min_length(g),
		.max_length = max_length(g),
		.forced_bos = own->forced_bos,
		.forced_eos = g->p.ignore_eos ? -1 : own->forced_eos,
		.eos = cfg->eos_ids,
		.n_eos = g->p.ignore_eos ? 0 : cfg->n_eos,
	};
}

static int set_rules(struct ct_generation *g, const struct ct_search *own,
		     struct ct_err *err)
{
	struct ct_constraint_params rules = rules_of(g, own);

	if (g->p.max_tokens && g->p.min_tokens > g->p.max_tokens)
		return ct_fail(err, -EINVAL,
			       "min_tokens is %u and max_tokens %u: no text can have both",
			       g->p.min_tokens, g->p.max_tokens);
	g->ruled = rules.no_repeat_ngram || rules.min_length || rules.forced_bos >= 0 ||
		   rules.forced_eos >= 0;
	return ct_constraints_init(&g->rules, &rules, ct_generation_config(g)->n_vocab, err);
}

/* The task's prefix and what it says of searching; without one the model's. */
static int find_task(const struct ct_generation *g, struct ct_task *task,
		     struct ct_err *err)
{
	const struct ct_core *core = g->session->model->core;
	const struct ct_tasks *tasks = ct_core_tasks(core);

	*task = (struct ct_task){ .search = tasks->search };
	if (!g->p.task || !*g->p.task)
		return 0;
	return ct_tasks_find(tasks, ct_core_config(core), g->p.task, task, err);
}

int ct_generation_init(struct ct_generation *g, struct ctrans_session *session,
		       const char *prompt,
		       const struct ctrans_generate_params *params,
		       struct ct_err *err)
{
	const struct ct_config *cfg = ct_core_config(session->model->core);
	struct ct_sample_params sample;
	struct ct_task task;
	int ret;

	*g = (struct ct_generation){
		.session = session, .turn.session = session,
		.held = session->ids.n, .start_ns = ct_now_ns(),
	};
	ret = ct_generate_params_take(&g->p, params, err);
	if (ret)
		return ret;
	if (!prompt && !g->p.prompt_tokens)
		return ct_fail(err, -EINVAL,
			       "the prompt is NULL, and so are prompt_tokens; an empty one is \"\"");
	if (prompt && !ct_core_tokenizer(session->model->core))
		return ct_fail(err, -ENOTSUP,
			       "the model has no tokenizer: give it prompt_tokens, or run token ids with ctrans_session_eval()");
	ret = find_task(g, &task, err);
	if (ret)
		return ret;
	ct_generate_params_search(&g->p, &task.search, ct_has_encoder(cfg));

	ret = ct_writer_init(&g->writer, &g->p, err);
	ct_generate_params_sample(&g->p, &sample);
	if (!ret)
		ret = ct_sampler_init(&g->sampler, &sample, cfg->n_vocab, err);
	if (!ret)
		ret = ct_generation_prompt(g, prompt, task.prefix, err);
	if (!ret)
		ret = set_rules(g, &task.search, err);
	if (ret) {
		/* as it was; with an encoder it holds nothing any more */
		if (session->ids.n > g->held)
			ct_session_truncate(session, g->held);
		generation_free(g);
	} else if (g->p.beams == 1) {
		ct_draft_init(&g->draft, session, &g->p);
	}
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

	if (!g->logits && (g->ruled ||
			   !ct_sampler_needs_top(&g->sampler, CT_STEP_TOPK))) {
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

/* Not before its turn has come, and again when its keys and values were given up. */
static int open_beams(struct ct_generation *g, struct ct_err *err)
{
	struct ct_beams_params p = {
		.search = {
			.beams = g->p.beams, .n_best = 1, .max_length = max_length(g),
			.vocab = ct_generation_config(g)->n_vocab,
			.length_penalty = g->p.length_penalty,
			.early_stopping = g->p.early_stopping == CTRANS_EARLY_ON,
			.eos = g->rules.eos, .n_eos = g->rules.p.n_eos,
		},
		.rules = g->rules.p,
		.penalty = g->p.repetition_penalty,
		.window = g->p.repetition_window,
	};

	p.rules.eos = g->rules.eos;
	return ct_beams_open(g->session->model->core, &p, g->session->ids.data,
			     (uint32_t)g->session->ids.n, &g->beams, err);
}

static int prepare_beams(struct ct_generation *g, struct ct_err *err)
{
	int ret = g->beams ? 0 : open_beams(g, err);

	if (ret)
		return ret;
	g->turn.call.spent = g->beams->begun ? &g->account.decode : &g->account.prefill;
	return ct_beams_prepare(g->beams, g->session->seq, &g->turn.call, err);
}

int ct_generation_prepare(struct ct_generation *g, struct ct_err *err)
{
	bool new = g->session->ids.n > g->first;
	int ret;

	ret = ct_session_read(g->session, g->session->seq, &g->account.prefill, err);
	if (ret)
		return ret;
	if (g->p.beams > 1)
		return prepare_beams(g, err);
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

/* Of place @at, with what may not come at -INFINITY. */
static float *logits_at(const struct ct_generation *g, uint32_t at)
{
	return g->logits + (size_t)at * g->sampler.vocab;
}

/* What the model gives place @at of the draft: does the drafted token do? */
static bool stands(const struct ct_generation *g, uint32_t at)
{
	const struct ct_ids *ids = &g->session->ids;
	const struct ct_step_row *row;
	fenv_t env;
	bool does;

	if (at == g->turn.ahead || !(g->p.rollback > 0))
		return false;
	if (g->ruled && logits_at(g, at)[ids->data[ids->n]] == -INFINITY)
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

	if (g->ruled) {
		int ret = ct_constraints_next(&g->rules, ids->data, ids->n, &g->bans,
					      err);

		if (ret)
			return ret;
		ct_bans_apply(&g->bans, logits_at(g, at), g->sampler.vocab);
	}
	if (stands(g, at)) {
		*token = ids->data[ids->n];
		ct_sampler_skip(&g->sampler);
		return 0;
	}
	if (g->logits)
		return ct_sampler_pick(&g->sampler, logits_at(g, at), ids->data, ids->n,
				       token, err);
	return ct_sampler_pick_top(&g->sampler, top->top, top->n, token, err);
}

static int write_bytes(struct ct_generation *g, const char *bytes, size_t len,
		       struct ct_err *err)
{
	int ret = ct_writer_push(&g->writer, bytes, len, err);

	if (!ret && g->writer.stopped)
		finish(g, CTRANS_FINISH_STOP);
	if (!ret && g->writer.canceled)
		finish(g, CTRANS_FINISH_CANCELED);
	return ret;
}

/* A new token's text; nothing for one that stands for none, or not yet. */
static int write_token(struct ct_generation *g, uint32_t token,
		       struct ct_err *err)
{
	const struct ct_tokenizer *t = ct_core_tokenizer(g->session->model->core);
	const char *bytes;
	size_t len;

	if (!t || !ct_tokenizer_streams(t) || ct_tokenizer_is_special(t, token) ||
	    ct_tokenizer_bytes(t, token, &bytes, &len))
		return 0;
	/* the space that a text's first word has, too */
	if (len && *bytes == ' ' && !g->writer.text.n && ct_tokenizer_strips(t)) {
		bytes++;
		len--;
	}
	return write_bytes(g, bytes, len, err);
}

/* All new tokens' text, of which nothing has been written. */
static int write_all(struct ct_generation *g, struct ct_err *err)
{
	const struct ct_ids *ids = &g->session->ids;
	struct ct_buf text = { 0 };
	int ret;

	ret = ct_tokenizer_decode(ct_core_tokenizer(g->session->model->core),
				  ids->data + g->first, ids->n - g->first, &text, err);
	if (!ret)
		ret = write_bytes(g, text.data, text.n, err);
	ct_buf_free(&text);
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

static int take_beams(struct ct_generation *g, struct ct_err *err)
{
	int ret;

	if (!g->first_ns)
		g->first_ns = ct_now_ns();
	g->turn.call.spent->passes++;
	ret = ct_beams_take(g->beams, err);
	if (!ret && g->beams->search.done)
		finish(g, CTRANS_FINISH_LENGTH);
	return ret;
}

int ct_generation_take(struct ct_generation *g, struct ct_err *err)
{
	int ret = 0;

	if (g->beams)
		return take_beams(g, err);
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
	/* a source is read, and a search begun, again: to the same end */
	ct_seq_attend(g->session->seq, NULL);
	if (g->session->little)
		ct_seq_attend(g->session->little, NULL);
	ct_beams_close(g->beams);
	g->beams = NULL;
}

/* ---- The end -------------------------------------------------------------- */

/* The best text found, as the session's and the caller's. */
static int take_found(struct ct_generation *g, struct ct_err *err)
{
	struct ct_beam_hyp best;
	int ret = ct_beam_best(&g->beams->search, &best, err);

	if (ret)
		return ret;
	ret = ct_session_add(g->session, best.tokens + g->first, best.n - g->first, 0, err);
	if (!ret && best.ended && g->finish != CTRANS_FINISH_CANCELED)
		g->finish = CTRANS_FINISH_EOS;
	else if (!ret && g->finish != CTRANS_FINISH_CANCELED &&
		 best.n == ct_core_context(g->session->model->core))
		g->finish = CTRANS_FINISH_CONTEXT;
	for (size_t i = g->first; i < g->session->ids.n && g->p.token_fn && !ret; i++)
		if (g->p.token_fn(g->p.arg, g->session->ids.data[i]))
			break;
	ct_beam_hyps_free(&best, 1);
	return ret;
}

static int end_text(struct ct_generation *g, struct ct_err *err)
{
	const struct ct_tokenizer *t = ct_core_tokenizer(g->session->model->core);
	uint64_t first = g->first_ns ? g->first_ns : ct_now_ns();
	int ret = 0;

	if (g->beams && g->first_ns)
		ret = take_found(g, err);
	if (!ret && t && (g->beams || !ct_tokenizer_streams(t)))
		ret = write_all(g, err);
	/* told to stop with a part of what had been found */
	if (g->writer.canceled)
		g->finish = CTRANS_FINISH_CANCELED;
	if (!ret)
		ret = ct_writer_end(&g->writer, err);
	if (ret)
		return ret;
	if (g->writer.stopped)
		g->finish = CTRANS_FINISH_STOP;

	g->account.prefill.ns = first - g->start_ns;
	g->account.decode.ns = ct_now_ns() - first;
	g->account.prefill.tokens = g->first - g->held + (uint32_t)g->session->source.n;
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
