// SPDX-License-Identifier: MIT
#include "engine/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/turn.h"

/*
 * Closed while it is in use, as by a callback, or with a request that was freed
 * but goes on until its step is over: then whoever uses it frees it.
 */
enum { IDLE, IN_USE, CLOSED };

int ct_session_open(struct ctrans_model *model, struct ctrans_session **out,
		    struct ct_err *err)
{
	struct ctrans_session *session;
	int ret;

	*out = NULL;
	ret = ct_model_needs_weights(model, err);
	if (ret)
		return ret;
	session = calloc(1, sizeof(*session));
	if (!session)
		return ct_fail(err, -ENOMEM, "no memory for a session");
	ret = ct_seq_open(model->core, &session->seq, err);
	if (ret) {
		free(session);
		return ret;
	}
	session->model = model;
	*out = session;
	return 0;
}

/* The session is this call's. */
static int fork_session(const struct ctrans_session *session,
			struct ctrans_session **out, struct ct_err *err)
{
	struct ctrans_session *copy = calloc(1, sizeof(*copy));
	int ret;

	if (!copy)
		return ct_fail(err, -ENOMEM, "no memory for a session");
	copy->model = session->model;
	if (ct_ids_reserve(&copy->ids, session->ids.n)) {
		ret = ct_fail(err, -ENOMEM, "no memory for %zu tokens",
			      session->ids.n);
		goto fail;
	}
	for (; copy->ids.n < session->ids.n; copy->ids.n++)
		copy->ids.data[copy->ids.n] = session->ids.data[copy->ids.n];
	if (ct_ids_append_all(&copy->source, &session->source)) {
		ret = ct_fail(err, -ENOMEM, "no memory for a source");
		goto fail;
	}
	ret = ct_seq_fork(session->seq, &copy->seq, err);
	if (ret)
		goto fail;
	/* without memory for it the copy's little model reads the text again */
	if (session->little && ct_seq_fork(session->little, &copy->little, NULL))
		copy->little = NULL;
	*out = copy;
	return 0;

fail:
	ct_ids_free(&copy->source);
	ct_ids_free(&copy->ids);
	free(copy);
	return ret;
}

int ctrans_session_fork(struct ctrans_session *session,
			struct ctrans_session **copy)
{
	struct ct_err err = { 0 };
	int ret;

	if (!copy)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no place for the copy: NULL"), &err);
	*copy = NULL;
	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = fork_session(session, copy, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

int ctrans_session_open(struct ctrans_model *model,
			struct ctrans_session **session)
{
	struct ct_err err = { 0 };
	int ret;

	if (!model || !session)
		ret = ct_fail(&err, -EINVAL,
			      "ctrans_session_open() needs a model and a place for the session: one is NULL");
	else
		ret = ct_session_open(model, session, &err);
	return ct_api_return(ret, &err);
}

static void session_free(struct ctrans_session *session)
{
	ct_seq_close(session->seq);
	if (session->little)
		ct_seq_close(session->little);
	ct_ids_free(&session->source);
	ct_ids_free(&session->ids);
	free(session);
}

void ctrans_session_close(struct ctrans_session *session)
{
	if (session && atomic_exchange(&session->in_use, CLOSED) == IDLE)
		session_free(session);
}

int ct_session_enter(struct ctrans_session *session, struct ct_err *err)
{
	unsigned int idle = IDLE;

	if (!session)
		return ct_fail(err, -EINVAL, "no session: NULL");
	if (!atomic_compare_exchange_strong(&session->in_use, &idle, IN_USE))
		return ct_fail(err, -EBUSY,
			       "another call on this session is under way: use one session for each thread");
	return 0;
}

void ct_session_leave(struct ctrans_session *session)
{
	unsigned int in_use = IN_USE;

	if (!atomic_compare_exchange_strong(&session->in_use, &in_use, IDLE))
		session_free(session);
}

int ct_session_begin(struct ctrans_session *session, const struct ct_ids *source,
		     struct ct_err *err)
{
	ct_session_truncate(session, 0);
	ct_seq_attend(session->seq, NULL);
	if (session->little)
		ct_seq_attend(session->little, NULL);
	session->source.n = 0;
	if (ct_ids_append_all(&session->source, source))
		return ct_fail(err, -ENOMEM, "no memory for a source");
	return 0;
}

int ct_session_read(struct ctrans_session *session, struct ct_seq *seq,
		    struct ct_spent *spent, struct ct_err *err)
{
	struct ctrans_cost cost[CTRANS_KINDS] = { 0 };
	struct ct_core *core = seq == session->little ? session->model->little->core :
							session->model->core;
	struct ct_source *source;
	uint64_t ns = 0;
	int ret;

	if (!session->source.n || ct_seq_has_source(seq))
		return 0;
	ret = ct_core_encode(core, session->source.data, session->source.n,
			     spent ? cost : NULL, &ns, &source, err);
	if (ret)
		return ret;
	ct_seq_attend(seq, source);
	ct_source_drop(source);
	if (spent) {
		ct_spent_add_row(spent, cost);
		spent->device_ns += ns;
	}
	return 0;
}

static int read_source(struct ctrans_session *session, const uint32_t *tokens, size_t n,
		       struct ct_err *err)
{
	struct ct_ids ids = { .data = (uint32_t *)tokens, .n = n };
	uint64_t start = ct_now_ns();
	struct ct_spent *spent = &session->account.prefill;
	int ret;

	if (!ct_has_encoder(ct_core_config(session->model->core)))
		return ct_fail(err, -ENOTSUP,
			       "the model has no encoder: there is nothing that reads a source");
	if (!tokens || !n)
		return ct_fail(err, -EINVAL, "a source of no tokens");
	ret = ct_session_begin(session, &ids, err);
	if (!ret)
		ret = ct_session_read(session, session->seq, spent, err);
	if (ret) {
		session->source.n = 0;
		return ret;
	}
	spent->tokens += n;
	spent->ns += ct_now_ns() - start;
	return 0;
}

int ctrans_session_read(struct ctrans_session *session, const uint32_t *tokens,
			size_t n)
{
	struct ct_err err = { 0 };
	int ret;

	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = read_source(session, tokens, n, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

int ct_session_add(struct ctrans_session *session, const uint32_t *tokens,
		   size_t n, size_t more, struct ct_err *err)
{
	const struct ct_core *core = session->model->core;
	uint32_t vocab = ct_core_config(core)->n_vocab;
	uint32_t context = ct_core_context(core);
	size_t i, held = session->ids.n;

	for (i = 0; i < n; i++) {
		if (tokens[i] >= vocab)
			return ct_fail(err, -EINVAL,
				       "token %u (number %zu of %zu) is out of range: the model has %u",
				       tokens[i], i, n, vocab);
	}
	if (n > context - held || more > context - held - n) {
		if (held)
			return ct_fail(err, -E2BIG,
				       "%zu tokens do not fit after the %zu that the session holds: the context is %u",
				       n, held, context);
		return ct_fail(err, -E2BIG,
			       more ? "the prompt's %zu tokens leave no room for a new one: the context is %u" :
				      "%zu tokens do not fit: the context is %u",
			       n, context);
	}
	if (ct_ids_reserve(&session->ids, n))
		return ct_fail(err, -ENOMEM, "no memory for %zu tokens", n);
	for (i = 0; i < n; i++)
		session->ids.data[held + i] = tokens[i];
	session->ids.n += n;
	return 0;
}

void ct_session_truncate(struct ctrans_session *session, size_t n)
{
	session->ids.n = n;
	ct_session_trim(session, n);
}

void ct_session_trim(struct ctrans_session *session, size_t n)
{
	if (ct_seq_position(session->seq) > n)
		ct_seq_truncate(session->seq, n);
	if (session->little && ct_seq_position(session->little) > n)
		ct_seq_truncate(session->little, n);
}

uint32_t ctrans_session_position(const struct ctrans_session *session)
{
	return session ? session->ids.n : 0;
}

int ctrans_session_truncate(struct ctrans_session *session, uint32_t position)
{
	struct ct_err err = { 0 };
	int ret;

	ret = ct_session_enter(session, &err);
	if (ret)
		return ct_api_return(ret, &err);
	if (position > session->ids.n)
		ret = ct_fail(&err, -EINVAL,
			      "cannot truncate to %u: the session holds %zu tokens",
			      position, session->ids.n);
	else
		ct_session_truncate(session, position);
	ct_session_leave(session);
	return ct_api_return(ret, &err);
}

static int eval(struct ctrans_session *session, const uint32_t *tokens,
		size_t n, float *logits, struct ct_err *err)
{
	size_t held = session->ids.n;
	uint64_t start = ct_now_ns();
	struct ct_spent *spent = &session->account.prefill;
	struct ct_turn turn = {
		.session = session, .seq = session->seq,
		.want.logits = logits, .call.spent = spent,
	};
	int ret;

	if (!tokens || !n)
		return ct_fail(err, -EINVAL, "no tokens to run");
	ret = ct_session_add(session, tokens, n, 0, err);
	if (ret)
		return ret;
	ret = ct_turns_run(&turn, 1, err);
	if (ret) {
		ct_session_truncate(session, held);
		return ret;
	}
	spent->tokens += n;
	spent->reused += turn.reused;
	spent->ns += ct_now_ns() - start;
	return 0;
}

int ctrans_session_eval(struct ctrans_session *session, const uint32_t *tokens,
			size_t n, float *logits)
{
	struct ct_err err = { 0 };
	int ret;

	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = eval(session, tokens, n, logits, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

int ctrans_session_usage(const struct ctrans_session *session,
			 struct ctrans_usage *usage, size_t size)
{
	struct ctrans_usage full;
	struct ct_err err = { 0 };

	if (!session)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no session: NULL"), &err);
	ct_account_usage(&session->account, session->model->core, &full);
	return ct_api_return(ct_struct_give(usage, size, CT_USAGE_LEAST, &full,
					    sizeof(full), "ctrans_usage",
					    &err), &err);
}
