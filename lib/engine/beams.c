// SPDX-License-Identifier: MIT
#include "engine/beams.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sample.h"

_Static_assert(CT_BEAMS_MAX <= CT_STEP_LOGITS, "all beams' logits in one step");
_Static_assert(CT_BEAMS_MAX == CT_MAX_BEAMS, "as many as files may ask for");

static int find_room(struct ct_beams *b, const struct ct_beam_params *p,
		     uint32_t n_start, struct ct_err *err)
{
	size_t rows = n_start > b->n ? n_start : b->n;

	b->best = malloc(b->n * sizeof(*b->best));
	b->ranked = malloc(b->n * CT_STEP_TOPK * sizeof(*b->ranked));
	b->rows = malloc(rows * sizeof(*b->rows));
	b->text = malloc(p->max_length * sizeof(*b->text));
	if (b->penalty != 1)
		b->seen = calloc(1, ct_seen_bytes(p->vocab));
	if (!b->best || !b->ranked || !b->rows || !b->text ||
	    (b->penalty != 1 && !b->seen))
		return ct_fail(err, -ENOMEM, "no memory for %u beams", b->n);
	return 0;
}

int ct_beams_open(struct ct_core *core, const struct ct_beams_params *p,
		  const uint32_t *start, uint32_t n_start, struct ct_beams **out,
		  struct ct_err *err)
{
	struct ct_beams *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return ct_fail(err, -ENOMEM, "no memory for %u beams", p->search.beams);
	b->core = core;
	b->n = p->search.beams;
	b->n_start = n_start;
	b->penalty = p->penalty;
	b->window = p->window;
	ret = ct_constraints_init(&b->rules, &p->rules, p->search.vocab, err);
	if (!ret)
		ret = ct_beam_init(&b->search, &p->search, start, n_start, err);
	if (!ret)
		ret = find_room(b, &p->search, n_start, err);
	for (uint32_t i = 0; i < b->n && !ret; i++)
		ret = ct_seq_open(core, &b->seq[i], err);
	if (ret) {
		ct_beams_close(b);
		return ret;
	}
	*out = b;
	return 0;
}

void ct_beams_close(struct ct_beams *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < CT_BEAMS_MAX; i++) {
		ct_seq_close(b->seq[i]);
		ct_bans_free(&b->bans[i]);
	}
	ct_beam_free(&b->search);
	free(b->best);
	free(b->ranked);
	free(b->logits);
	free(b->rows);
	free(b->text);
	free(b->seen);
	free(b);
}

/* ---- Before a step ------------------------------------------------------- */

/* What the rules say of what may follow a beam. */
static int look(struct ct_beams *b, uint32_t beam, struct ct_err *err)
{
	const uint32_t *text = NULL;

	if (ct_constraints_look_back(&b->rules)) {
		ct_beam_text(&b->search, beam, b->text);
		text = b->text;
	}
	return ct_constraints_next(&b->rules, text, b->search.length, &b->bans[beam], err);
}

static bool best_do(const struct ct_beams *b, uint32_t beam)
{
	/* a penalty may bring any other to the top */
	return b->penalty == 1 &&
	       ct_bans_leave(&b->bans[beam], CT_STEP_TOPK, ct_beam_wanted(&b->search),
			     b->search.p.vocab);
}

/* What is wanted of beam @beam after @row. */
static int want(struct ct_beams *b, uint32_t beam, struct ct_step_row *row,
		struct ct_err *err)
{
	size_t vocab = b->search.p.vocab;
	int ret = look(b, beam, err);

	if (ret)
		return ret;
	row->best = &b->best[beam];
	if (best_do(b, beam))
		return 0;
	if (!b->logits)
		b->logits = malloc(b->n * vocab * sizeof(*b->logits));
	if (!b->logits)
		return ct_fail(err, -ENOMEM, "no memory for %zu logits", b->n * vocab);
	row->logits = b->logits + beam * vocab;
	return 0;
}

/* All beams are the text that they begin with: one of them runs it. */
static int prepare_first(struct ct_beams *b, const struct ct_seq *like,
			 struct ct_gather_call *call, struct ct_err *err)
{
	uint32_t at;

	if (!ct_seq_position(b->seq[0]) && like)
		ct_seq_become(b->seq[0], like);
	ct_beam_text(&b->search, 0, b->text);
	/* its last token is run, whatever has been: the first step was not finished */
	if (ct_seq_position(b->seq[0]) >= b->n_start)
		ct_seq_truncate(b->seq[0], b->n_start - 1);
	at = ct_seq_position(b->seq[0]);
	at += ct_seq_reuse(b->seq[0], b->text + at, b->n_start - at);
	call->n = b->n_start - at;
	for (uint32_t i = at; i < b->n_start; i++)
		b->rows[i - at] = (struct ct_step_row){
			.seq = b->seq[0], .token = b->text[i],
		};
	b->row_of[0] = (uint32_t)call->n - 1;
	return want(b, 0, &b->rows[call->n - 1], err);
}

int ct_beams_prepare(struct ct_beams *b, const struct ct_seq *like,
		     struct ct_gather_call *call, struct ct_err *err)
{
	int ret = 0;

	call->rows = b->rows;
	call->err = err;
	call->decodes = b->begun;
	if (!b->begun)
		return prepare_first(b, like, call, err);
	call->n = 0;
	for (uint32_t i = 0; i < b->n && !ret; i++) {
		b->row_of[i] = CT_BEAM_IDLE;
		if (b->n > 1 && b->search.scores[i] == -INFINITY)
			continue;
		/* run already, by the part of a step that was not run whole: once more */
		ct_seq_truncate(b->seq[i], b->search.length - 1);
		b->row_of[i] = (uint32_t)call->n;
		b->rows[call->n] = (struct ct_step_row){
			.seq = b->seq[i], .token = b->token[i],
		};
		ret = want(b, i, &b->rows[call->n++], err);
	}
	return ret;
}

/* ---- After it ------------------------------------------------------------ */

/*
 * The penalty is one of log-probabilities, which it leaves no longer a distribution:
 * the row is of them from here on.
 */
static void penalise(struct ct_beams *b, uint32_t beam, float *logits,
		     struct ct_beam_row *row)
{
	/* damaged weights, which the search will say */
	if (!isfinite(row->lse))
		return;
	for (uint32_t i = 0; i < b->search.p.vocab; i++)
		logits[i] -= row->lse;
	row->lse = 0;
	ct_beam_text(&b->search, beam, b->text);
	ct_penalise(logits, b->penalty, b->window, b->seen, b->text, b->search.length);
}

static void fill(struct ct_beams *b, uint32_t beam, struct ct_beam_row *row)
{
	const struct ct_bans *bans = &b->bans[beam];
	const struct ct_best *best = &b->best[beam];
	struct ct_ranked *ranked = b->ranked + (size_t)beam * CT_STEP_TOPK;
	uint32_t vocab = b->search.p.vocab;
	float *logits = b->logits + (size_t)beam * vocab;

	*row = (struct ct_beam_row){
		.top = ranked, .lse = best->lse, .forced = bans->forced,
		.only = bans->only,
	};
	if (bans->forced)
		return;
	if (best_do(b, beam)) {
		row->n = ct_bans_filter(bans, best->top, best->n, ranked);
		return;
	}
	if (b->penalty != 1)
		penalise(b, beam, logits, row);
	ct_bans_apply(bans, logits, vocab);
	row->n = ct_rank(logits, vocab, CT_STEP_TOPK, ranked);
}

/*
 * Each beam's sequence becomes its parent's. The first to go on from one keeps it;
 * those of parents from whom none goes on are for the others.
 */
static void move(struct ct_beams *b, const struct ct_beam_next *next)
{
	struct ct_seq *old[CT_BEAMS_MAX], *spare[CT_BEAMS_MAX];
	bool kept[CT_BEAMS_MAX] = { false }, has[CT_BEAMS_MAX] = { false };
	uint32_t n_spare = 0;

	memcpy(old, b->seq, sizeof(old));
	for (uint32_t i = 0; i < b->n; i++) {
		b->token[i] = next[i].token;
		if (kept[next[i].parent])
			continue;
		kept[next[i].parent] = true;
		has[i] = true;
		b->seq[i] = old[next[i].parent];
	}
	for (uint32_t i = 0; i < b->n; i++)
		if (!kept[i])
			spare[n_spare++] = old[i];
	for (uint32_t i = 0; i < b->n; i++) {
		if (has[i])
			continue;
		b->seq[i] = spare[--n_spare];
		ct_seq_become(b->seq[i], old[next[i].parent]);
	}
}

int ct_beams_take(struct ct_beams *b, struct ct_err *err)
{
	struct ct_beam_row rows[CT_BEAMS_MAX] = { 0 };
	struct ct_beam_next next[CT_BEAMS_MAX];
	fenv_t env;
	int ret;

	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	for (uint32_t i = 0; i < b->n; i++) {
		if (!b->begun && i)
			rows[i] = rows[0];
		else if (b->row_of[i] != CT_BEAM_IDLE)
			fill(b, i, &rows[i]);
	}
	ret = ct_beam_step(&b->search, rows, next, err);
	fesetenv(&env);
	if (ret || b->search.done)
		return ret;
	/* all have gone on from the one that ran the start */
	for (uint32_t i = 0; i < b->n && !b->begun; i++)
		next[i].parent = 0;
	b->begun = true;
	move(b, next);
	return 0;
}
