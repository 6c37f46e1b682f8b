// SPDX-License-Identifier: MIT
#include "engine/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"

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

void ctrans_session_close(struct ctrans_session *session)
{
	if (!session)
		return;
	ct_seq_close(session->seq);
	ct_ids_free(&session->ids);
	free(session);
}

int ct_session_enter(struct ctrans_session *session, struct ct_err *err)
{
	if (!session)
		return ct_fail(err, -EINVAL, "no session: NULL");
	if (atomic_exchange(&session->in_use, true))
		return ct_fail(err, -EBUSY,
			       "another call on this session is under way: use one session for each thread");
	return 0;
}

void ct_session_leave(struct ctrans_session *session)
{
	atomic_store(&session->in_use, false);
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
	if (ct_seq_position(session->seq) > n)
		ct_seq_truncate(session->seq, n);
}

/* Tokens of a session that a run goes over. */
static size_t prepare(const struct ct_run *run)
{
	struct ctrans_session *session = run->session;
	bool wants = run->want.logits || run->want.best;
	size_t held = session->ids.n;

	if (wants && held && ct_seq_position(session->seq) == held)
		ct_seq_truncate(session->seq, held - 1);
	return held - ct_seq_position(session->seq);
}

struct rows {
	struct ct_step_row *row;
	struct ct_spent **spent;
	struct ctrans_cost (*cost)[CTRANS_KINDS];
	size_t n;
	/* Decoding is one row at a time, and then allocates nothing. */
	struct ct_step_row one_row;
	struct ct_spent *one_spent;
	struct ctrans_cost one_cost[1][CTRANS_KINDS];
};

static int rows_alloc(struct rows *rows, size_t n, struct ct_err *err)
{
	rows->n = 0;
	if (n == 1) {
		rows->row = &rows->one_row;
		rows->spent = &rows->one_spent;
		rows->cost = rows->one_cost;
		return 0;
	}
	rows->row = calloc(n, sizeof(*rows->row));
	rows->spent = calloc(n, sizeof(*rows->spent));
	rows->cost = calloc(n < CT_STEP_ROWS ? n : CT_STEP_ROWS,
			    sizeof(*rows->cost));
	if (rows->row && rows->spent && rows->cost)
		return 0;
	return ct_fail(err, -ENOMEM, "no memory for the rows of %zu tokens", n);
}

static void rows_free(struct rows *rows)
{
	if (rows->row == &rows->one_row)
		return;
	free(rows->row);
	free(rows->spent);
	free(rows->cost);
}

static void rows_add(struct rows *rows, const struct ct_run *run)
{
	struct ctrans_session *session = run->session;
	size_t i, held = session->ids.n;

	for (i = ct_seq_position(session->seq); i < held; i++) {
		rows->spent[rows->n] = run->spent;
		rows->row[rows->n++] = (struct ct_step_row){
			.seq = session->seq,
			.token = session->ids.data[i],
			.logits = i + 1 == held ? run->want.logits : NULL,
			.best = i + 1 == held ? run->want.best : NULL,
		};
	}
}

/* As many rows from @at on as one step takes. */
static size_t chunk(const struct rows *rows, size_t at)
{
	size_t i, wants = 0;

	for (i = at; i < rows->n && i - at < CT_STEP_ROWS; i++) {
		wants += ct_row_wants(&rows->row[i]);
		if (wants > CT_STEP_LOGITS)
			break;
	}
	return i - at;
}

static int run_rows(struct ct_gather *gather, struct rows *rows,
		    const volatile int *cancel, struct ct_err *err)
{
	size_t at, n, i;
	int ret;

	for (at = 0; at < rows->n; at += n) {
		if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED))
			return ct_fail(err, -ECANCELED, "canceled");
		n = chunk(rows, at);
		for (i = 0; i < n; i++)
			memset(rows->cost[i], 0, sizeof(rows->cost[i]));
		ret = ct_gather_step(gather, rows->row + at, n, rows->cost, err);
		if (ret)
			return ret;
		for (i = 0; i < n; i++)
			ct_spent_add_row(rows->spent[at + i], rows->cost[i]);
	}
	return 0;
}

int ct_sessions_run(struct ct_run *runs, size_t n, const volatile int *cancel,
		    struct ct_err *err)
{
	size_t i, total = 0;
	struct rows rows;
	int ret;

	for (i = 0; i < n; i++)
		total += prepare(&runs[i]);
	if (!total)
		return 0;
	ret = rows_alloc(&rows, total, err);
	if (!ret) {
		for (i = 0; i < n; i++)
			rows_add(&rows, &runs[i]);
		ret = run_rows(&runs[0].session->model->gather, &rows, cancel,
			       err);
	}
	rows_free(&rows);
	return ret;
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
	struct ct_run run = {
		.session = session,
		.want.logits = logits,
		.spent = &session->account.prefill,
	};
	int ret;

	if (!tokens || !n)
		return ct_fail(err, -EINVAL, "no tokens to run");
	ret = ct_session_add(session, tokens, n, 0, err);
	if (ret)
		return ret;
	ret = ct_sessions_run(&run, 1, NULL, err);
	if (ret) {
		ct_session_truncate(session, held);
		return ret;
	}
	run.spent->tokens += n;
	run.spent->ns += ct_now_ns() - start;
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
	return ct_api_return(ct_struct_give(usage, size, sizeof(full), &full,
					    sizeof(full), "ctrans_usage",
					    &err), &err);
}
