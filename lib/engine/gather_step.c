// SPDX-License-Identifier: MIT
#include "engine/gather_step.h"

#include <limits.h>
#include <string.h>

bool ct_gather_is_short(const struct ct_gather_call *call)
{
	size_t i, run = 0;

	for (i = 0; i < call->n; i++) {
		run = i && call->rows[i - 1].seq == call->rows[i].seq ?
		      run + 1 : 1;
		if (run > CT_GATHER_SHORT)
			return false;
	}
	return true;
}

/* ---- Choosing ------------------------------------------------------------- */

/* As many of the call's next rows as fit, up to @most. */
static void take(struct ct_gather *g, struct ct_gather_call *call, size_t most)
{
	const struct ct_step_row *row = call->rows + call->at;
	size_t n, wants = g->n_wants;

	if (most > CT_STEP_ROWS - g->n_rows)
		most = CT_STEP_ROWS - g->n_rows;
	if (most > call->n - call->at)
		most = call->n - call->at;
	for (n = 0; n < most; n++) {
		wants += ct_row_wants(&row[n]);
		if (wants > CT_STEP_LOGITS)
			break;
		g->n_wants = wants;
	}
	if (!n)
		return;
	memcpy(g->rows + g->n_rows, row, n * sizeof(*row));
	g->n_rows += n;
	g->parts[g->n_parts++] = (struct ct_gather_part){
		.call = call, .n = n,
	};
	call->taken = true;
}

static bool full(const struct ct_gather *g)
{
	return g->n_rows == CT_STEP_ROWS;
}

#define ABOVE_ALL	((int64_t)INT32_MAX + 1)

/* The highest priority below @below that a call of the kind has. */
static bool next_priority(const struct ct_gather *g, bool shorter,
			  int64_t below, int64_t *priority)
{
	const struct ct_gather_call *call;
	bool found = false;

	for (call = g->first; call; call = call->next) {
		if (call->shorter != shorter || call->taken ||
		    call->priority >= below ||
		    (found && call->priority <= *priority))
			continue;
		*priority = call->priority;
		found = true;
	}
	return found;
}

/* Calls of one kind that have waited for long, until the step has @most rows. */
static void take_overdue(struct ct_gather *g, bool shorter, size_t most)
{
	struct ct_gather_call *call;

	for (call = g->first; call && g->n_rows < most; call = call->next) {
		if (call->shorter == shorter && !call->taken &&
		    call->passed >= CT_GATHER_PATIENCE)
			take(g, call, most - g->n_rows);
	}
}

/* Calls of one kind, until the step has @most rows. */
static void take_kind(struct ct_gather *g, bool shorter, size_t most)
{
	int64_t priority = ABOVE_ALL;
	struct ct_gather_call *call;

	take_overdue(g, shorter, most);
	while (g->n_rows < most &&
	       next_priority(g, shorter, priority, &priority)) {
		for (call = g->first; call && g->n_rows < most;
		     call = call->next) {
			if (call->shorter == shorter && !call->taken &&
			    call->priority == priority)
				take(g, call, most - g->n_rows);
		}
	}
}

void ct_gather_compose(struct ct_gather *g)
{
	struct ct_gather_call *call;
	int64_t priority = 0;
	bool decoding;
	size_t most, prompts;

	g->n_parts = 0;
	g->n_rows = 0;
	g->n_wants = 0;
	/* Decoders may be so many that they leave nothing, step after step. */
	if (next_priority(g, true, ABOVE_ALL, &priority))
		take_overdue(g, false, CT_GATHER_SHARE);
	prompts = g->n_rows;
	take_kind(g, true, CT_STEP_ROWS);
	/* They may be back for the next step, and should not find it begun. */
	decoding = g->n_rows > prompts;
	most = CT_STEP_ROWS;
	if ((decoding || g->decoding) &&
	    most > g->n_rows - prompts + CT_GATHER_SHARE)
		most = g->n_rows - prompts + CT_GATHER_SHARE;
	if (!full(g))
		take_kind(g, false, most);
	g->decoding = decoding;

	for (call = g->first; call; call = call->next) {
		if (call->taken)
			call->passed = 0;
		else if (call->passed < UINT_MAX)
			call->passed++;
	}
}

/* ---- Running -------------------------------------------------------------- */

static void keep(struct ct_gather_part *part, const struct ct_step_row *rows,
		 struct ctrans_cost (*cost)[CTRANS_KINDS])
{
	struct ct_gather_call *call = part->call;
	size_t i;

	memcpy(call->rows + call->at, rows, part->n * sizeof(*rows));
	for (i = 0; call->spent && i < part->n; i++) {
		ct_spent_add_row(call->spent, cost[i]);
		call->spent->device_ns += rows[i].device_ns;
	}
}

static void run_alone(struct ct_gather *g, struct ct_gather_part *part)
{
	struct ct_gather_call *call = part->call;

	memcpy(g->rows, call->rows + call->at, part->n * sizeof(*g->rows));
	memset(g->cost, 0, part->n * sizeof(*g->cost));
	part->ret = ct_core_step(g->core, g->rows, part->n, g->cost,
				 call->err);
	if (!part->ret)
		keep(part, g->rows, g->cost);
}

void ct_gather_run_parts(struct ct_gather *g)
{
	size_t i, at = 0;

	if (g->n_parts == 1) {
		run_alone(g, &g->parts[0]);
		return;
	}
	memset(g->cost, 0, g->n_rows * sizeof(*g->cost));
	if (ct_core_step(g->core, g->rows, g->n_rows, g->cost, NULL)) {
		for (i = 0; i < g->n_parts; i++)
			run_alone(g, &g->parts[i]);
		return;
	}
	for (i = 0; i < g->n_parts; i++) {
		keep(&g->parts[i], g->rows + at, g->cost + at);
		at += g->parts[i].n;
	}
}
