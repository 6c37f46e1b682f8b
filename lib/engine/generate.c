// SPDX-License-Identifier: MIT
/* From prompt to text: sample, run, sample, ... until something ends it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/params.h"
#include "engine/sample.h"
#include "engine/session.h"
#include "engine/writer.h"
#include "text/bpe.h"

struct generation {
	struct ctrans_session *session;
	struct ctrans_generate_params p;
	struct ct_sampler sampler;
	struct ct_writer writer;
	float *logits;		/* NULL: the chip names the likeliest itself */
	struct ct_account account;
	size_t held;		/* tokens of the session before the call */
	size_t first;		/* number of the first new token */
	enum ctrans_finish finish;
	bool finished;
};

/* Tokens that the prompt adds to the session, without running them. */
static int add_prompt(struct generation *g, const char *prompt,
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

static int generation_init(struct generation *g, struct ctrans_session *session,
			   const char *prompt,
			   const struct ctrans_generate_params *params,
			   struct ct_err *err)
{
	uint32_t vocab = ct_core_config(session->model->core)->n_vocab;
	struct ct_sample_params sample;
	int ret;

	*g = (struct generation){ .session = session, .held = session->ids.n };
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
	if (ret)
		return ret;
	ct_generate_params_sample(&g->p, &sample);
	ret = ct_sampler_init(&g->sampler, &sample, vocab, err);
	if (ret)
		return ret;
	if (!ct_sampler_is_best(&g->sampler)) {
		g->logits = malloc(vocab * sizeof(*g->logits));
		if (!g->logits)
			return ct_fail(err, -ENOMEM,
				       "no memory for %u logits", vocab);
	}
	return add_prompt(g, prompt, err);
}

static void generation_free(struct generation *g)
{
	ct_writer_free(&g->writer);
	ct_sampler_free(&g->sampler);
	free(g->logits);
}

static void finish(struct generation *g, enum ctrans_finish why)
{
	/* The first reason counts. */
	if (!g->finished)
		g->finish = why;
	g->finished = true;
}

/* Run what the chip has not seen, and choose the token that follows. */
static int next_token(struct generation *g, uint32_t *token, struct ct_err *err)
{
	struct ctrans_session *session = g->session;
	bool new = session->ids.n > g->first;
	struct ct_best best;
	struct ct_run run = {
		.session = session,
		.want = { g->logits, g->logits ? NULL : &best },
		.spent = new ? &g->account.decode : &g->account.prefill,
	};
	int ret;

	ret = ct_sessions_run(&run, 1, g->p.cancel, err);
	if (ret)
		return ret;
	if (g->logits)
		return ct_sampler_pick(&g->sampler, g->logits,
				       session->ids.data, session->ids.n,
				       token, err);
	if (!(best.logit > -INFINITY))
		return ct_sampler_no_logits(err);
	*token = best.token;
	return 0;
}

/* A new token's text; nothing for one that stands for none. */
static int write_token(struct generation *g, uint32_t token, struct ct_err *err)
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

static int take_token(struct generation *g, uint32_t token, struct ct_err *err)
{
	struct ctrans_session *session = g->session;
	uint32_t context = ct_core_context(session->model->core);
	bool told_to_stop;
	int ret;

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

static int run(struct generation *g, struct ct_err *err)
{
	uint64_t start = ct_now_ns(), first = 0;
	uint32_t token;
	int ret;

	while (!g->finished) {
		ret = next_token(g, &token, err);
		if (ret == -ECANCELED) {
			finish(g, CTRANS_FINISH_CANCELED);
			break;
		}
		if (ret)
			return ret;
		if (!first)
			first = ct_now_ns();
		ret = take_token(g, token, err);
		if (ret)
			return ret;
	}
	ret = ct_writer_end(&g->writer, err);
	if (ret)
		return ret;
	if (g->writer.stopped)
		g->finish = CTRANS_FINISH_STOP;

	if (!first)
		first = ct_now_ns();
	g->account.prefill.ns = first - start;
	g->account.decode.ns = ct_now_ns() - first;
	g->account.prefill.tokens = g->first - g->held;
	g->account.decode.tokens = g->session->ids.n - g->first;
	return 0;
}

/* On success the result has the generation's text. */
static int make_result(struct generation *g, struct ctrans_result **out,
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

/* The session is this call's. A failure leaves it as it was. */
static int generate(struct ctrans_session *session, const char *prompt,
		    const struct ctrans_generate_params *params,
		    struct ctrans_result **result, struct ct_err *err)
{
	struct generation g;
	int ret;

	ret = generation_init(&g, session, prompt, params, err);
	if (!ret)
		ret = run(&g, err);
	if (!ret)
		ret = make_result(&g, result, err);
	if (ret)
		ct_session_truncate(session, g.held);
	ct_account_add(&session->account, &g.account);
	generation_free(&g);
	return ret;
}

int ctrans_session_generate(struct ctrans_session *session, const char *prompt,
			    const struct ctrans_generate_params *params,
			    struct ctrans_result **result)
{
	struct ct_err err = { 0 };
	int ret;

	if (!result)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no place for the result: NULL"),
				     &err);
	*result = NULL;
	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = generate(session, prompt, params, result, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

int ctrans_generate(struct ctrans_model *model, const char *prompt,
		    const struct ctrans_generate_params *params,
		    struct ctrans_result **result)
{
	struct ctrans_session *session = NULL;
	struct ct_err err = { 0 };
	int ret;

	if (!model || !result)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_generate() needs a model and a place for the result: one is NULL"),
				     &err);
	*result = NULL;
	ret = ct_session_open(model, &session, &err);
	if (!ret) {
		ret = generate(session, prompt, params, result, &err);
		ctrans_session_close(session);
	}
	return ct_api_return(ret, &err);
}

void ctrans_result_free(struct ctrans_result *result)
{
	if (!result)
		return;
	free(result->text);
	free(result->tokens);
	free(result);
}
