// SPDX-License-Identifier: MIT
#include "engine/turn.h"

#include <errno.h>
#include <stdlib.h>

/* Go past what others have run before token @held, and count it. */
static void reuse(struct ct_turn *turn, size_t held)
{
	struct ctrans_session *session = turn->session;
	size_t from = ct_seq_position(turn->seq), to;

	if (from >= held)
		return;
	to = from + ct_seq_reuse(turn->seq, session->ids.data + from, held - from);
	if (turn->seq != session->seq)
		return;
	if (from < turn->lined_up)
		from = turn->lined_up;
	if (to > from)
		turn->reused += (uint32_t)(to - from);
	turn->lined_up = held;
}

int ct_turn_prepare(struct ct_turn *turn, struct ct_err *err)
{
	struct ctrans_session *session = turn->session;
	const struct ct_wanted *want = &turn->want;
	uint32_t vocab = ct_core_config(session->model->core)->n_vocab;
	size_t held = session->ids.n + turn->ahead, first, from, i;
	struct ct_step_row *rows = &turn->one;

	/* the first token after which something is wanted */
	first = held;
	if ((want->logits || want->best) && held)
		first = held - 1 - want->earlier;
	if (ct_seq_position(turn->seq) > first)
		ct_seq_truncate(turn->seq, (uint32_t)first);
	reuse(turn, first < held ? first + 1 : held);
	from = ct_seq_position(turn->seq);
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
			.seq = turn->seq,
			.token = session->ids.data[i],
		};
		if (i < first)
			continue;
		if (want->logits)
			rows[i - from].logits = want->logits + (i - first) * vocab;
		if (want->best)
			rows[i - from].best = want->best + (i - first);
		if (i + 1 < held) {
			rows[i - from].want_target = true;
			rows[i - from].target = session->ids.data[i + 1];
		}
	}
	return 0;
}

struct ct_step_row *ct_turn_row(const struct ct_turn *turn, uint32_t at)
{
	return &turn->call.rows[turn->call.n - 1 - turn->want.earlier + at];
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
		*ret = ct_session_read(turns[i].session, turns[i].seq,
				       turns[i].call.spent, err);
		if (!*ret)
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
