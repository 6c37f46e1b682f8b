// SPDX-License-Identifier: MIT
#include "engine/turn.h"

#include <errno.h>
#include <stdlib.h>

/* Go past what others have run, and count it. */
static void reuse(struct ct_turn *turn)
{
	struct ctrans_session *session = turn->session;
	size_t from = ct_seq_position(session->seq), held = session->ids.n, to;

	if (from == held)
		return;
	to = from + ct_seq_reuse(session->seq, session->ids.data + from, held - from);
	if (from < turn->lined_up)
		from = turn->lined_up;
	if (to > from)
		turn->reused += (uint32_t)(to - from);
	turn->lined_up = held;
}

int ct_turn_prepare(struct ct_turn *turn, struct ct_err *err)
{
	struct ctrans_session *session = turn->session;
	bool wants = turn->want.logits || turn->want.best;
	size_t held = session->ids.n, from, i;
	struct ct_step_row *rows = &turn->one;

	if (wants && held && ct_seq_position(session->seq) == held)
		ct_seq_truncate(session->seq, (uint32_t)held - 1);
	reuse(turn);
	from = ct_seq_position(session->seq);
	turn->call.n = held - from;
	turn->call.err = err;
	if (held - from > 1) {
		if (ct_array_grow(&turn->rows, &turn->room, held - from,
				  sizeof(*turn->rows)))
			return ct_fail(err, -ENOMEM,
				       "no memory for the rows of %zu tokens",
				       held - from);
		rows = turn->rows;
	}
	turn->call.rows = rows;
	for (i = from; i < held; i++) {
		rows[i - from] = (struct ct_step_row){
			.seq = session->seq,
			.token = session->ids.data[i],
			.logits = i + 1 == held ? turn->want.logits : NULL,
			.best = i + 1 == held ? turn->want.best : NULL,
		};
	}
	return 0;
}

void ct_turn_free(struct ct_turn *turn)
{
	free(turn->rows);
	turn->rows = NULL;
	turn->room = 0;
}

static struct ct_gather_call *prepare_all(struct ct_turn *turns, size_t n,
					  int *ret, struct ct_err *err)
{
	struct ct_gather_call *first = NULL, **end = &first;
	size_t i;

	*ret = 0;
	for (i = 0; i < n && !*ret; i++) {
		*ret = ct_turn_prepare(&turns[i], err);
		if (!turns[i].call.n)
			continue;
		*end = &turns[i].call;
		end = &turns[i].call.next;
	}
	*end = NULL;
	return *ret ? NULL : first;
}

int ct_turns_run(struct ct_turn *turns, size_t n, struct ct_err *err)
{
	struct ct_gather *gather = &turns[0].session->model->gather;
	struct ct_gather_party party = { 0 };
	struct ct_gather_call *calls, *call;
	size_t i, left = 0;
	int ret;

	calls = prepare_all(turns, n, &ret, err);
	for (call = calls; call; call = call->next)
		left++;
	/* All of them, even if one fails: its sentence is the last in @err. */
	while (left) {
		call = ct_gather_run(gather, &party, calls);
		calls = NULL;
		for (; call; call = call->next) {
			left--;
			if (call->ret)
				ret = call->ret;
		}
	}
	for (i = 0; i < n; i++)
		ct_turn_free(&turns[i]);
	return ret;
}
