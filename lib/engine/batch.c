// SPDX-License-Identifier: MIT
/* One token for each of several sessions, in one pass over the weights. */
#include <errno.h>
#include <stdlib.h>

#include "engine/api.h"
#include "engine/turn.h"

static int check(struct ctrans_session *const *sessions,
		 const uint32_t *tokens, size_t n, struct ct_err *err)
{
	size_t i;

	if (!n || !sessions || !tokens)
		return ct_fail(err, -EINVAL,
			       "a batch needs sessions and a token for each");
	if (n > CT_STEP_ROWS)
		return ct_fail(err, -E2BIG,
			       "%zu sessions in a batch: at most %u", n,
			       CT_STEP_ROWS);
	for (i = 0; i < n; i++) {
		if (!sessions[i])
			return ct_fail(err, -EINVAL,
				       "session %zu of the batch is NULL", i);
		if (sessions[i]->model != sessions[0]->model)
			return ct_fail(err, -EINVAL,
				       "session %zu of the batch belongs to another model than the first",
				       i);
	}
	return 0;
}

static int pointer_order(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

static int check_distinct(struct ctrans_session *const *sessions, size_t n,
			  struct ct_err *err)
{
	uintptr_t sorted[CT_STEP_ROWS];
	size_t i;

	for (i = 0; i < n; i++)
		sorted[i] = (uintptr_t)sessions[i];
	qsort(sorted, n, sizeof(sorted[0]), pointer_order);
	for (i = 1; i < n; i++) {
		if (sorted[i] == sorted[i - 1])
			return ct_fail(err, -EINVAL,
				       "a session is twice in the batch: each takes one token");
	}
	return 0;
}

/* The sessions are this call's. */
static int batch(struct ctrans_session *const *sessions,
		 const uint32_t *tokens, size_t n, float *const *logits,
		 struct ct_err *err)
{
	uint64_t start = ct_now_ns(), ns;
	struct ct_turn *turns;
	size_t i, added = 0;
	int ret = 0;

	turns = calloc(n, sizeof(*turns));
	if (!turns)
		return ct_fail(err, -ENOMEM, "no memory for a batch of %zu", n);
	for (i = 0; i < n && !ret; i++) {
		turns[i] = (struct ct_turn){
			.session = sessions[i],
			.seq = sessions[i]->seq,
			.want.logits = logits ? logits[i] : NULL,
			.call.spent = &sessions[i]->account.prefill,
		};
		ret = ct_session_add(sessions[i], &tokens[i], 1, 0, err);
		if (ret)
			ct_err_prefix(err, "session %zu of the batch", i);
		else
			added++;
	}
	if (!ret)
		ret = ct_turns_run(turns, n, err);
	if (ret) {
		for (i = 0; i < added; i++)
			ct_session_truncate(sessions[i],
					    sessions[i]->ids.n - 1);
	} else {
		ns = ct_now_ns() - start;
		for (i = 0; i < n; i++) {
			turns[i].call.spent->tokens++;
			turns[i].call.spent->reused += turns[i].reused;
			turns[i].call.spent->ns += ns;
		}
	}
	free(turns);
	return ret;
}

int ctrans_batch_eval(struct ctrans_session *const *sessions,
		      const uint32_t *tokens, size_t n, float *const *logits)
{
	struct ct_err err = { 0 };
	size_t entered = 0;
	int ret;

	ret = check(sessions, tokens, n, &err);
	if (!ret)
		ret = check_distinct(sessions, n, &err);
	while (!ret && entered < n) {
		ret = ct_session_enter(sessions[entered], &err);
		if (!ret)
			entered++;
	}
	if (!ret)
		ret = batch(sessions, tokens, n, logits, &err);
	while (entered)
		ct_session_leave(sessions[--entered]);
	return ct_api_return(ret, &err);
}
