// SPDX-License-Identifier: MIT
#include "engine/draft.h"

#include <errno.h>
#include <fenv.h>
#include <stdlib.h>

#include "base/exp.h"

void ct_draft_init(struct ct_draft *d, struct ctrans_session *session,
		   const struct ctrans_generate_params *p)
{
	const struct ctrans_model *little = session->model->little;

	*d = (struct ct_draft){ .fallback = p->fallback };
	if (!little || !p->draft)
		return;
	if (!session->little && ct_seq_open(little->core, &session->little, NULL))
		return;
	d->most = p->draft;
}

void ct_draft_free(struct ct_draft *d)
{
	free(d->logits);
}

bool ct_draft_is_next(const struct ct_draft *d, const struct ctrans_session *session,
		      bool prompt, uint32_t room)
{
	if (!d->most || d->over)
		return false;
	if (prompt)
		return ct_seq_position(session->little) < session->ids.n;
	return d->n < d->most && d->n < room;
}

static int find_room(struct ct_draft *d, struct ctrans_session *session,
		     struct ct_err *err)
{
	if (!d->logits && !ct_sampler_needs_top(&d->sampler, CT_STEP_TOPK)) {
		d->logits = malloc(d->sampler.vocab * sizeof(*d->logits));
		if (!d->logits)
			goto nomem;
	}
	/* and for the one that comes when all of the draft stands */
	if (!ct_ids_reserve(&session->ids, d->most + 1))
		return 0;
nomem:
	return ct_fail(err, -ENOMEM, "no memory for a draft");
}

int ct_draft_prepare(struct ct_draft *d, struct ct_turn *turn, bool prompt,
		     const struct ct_sampler *sampler, struct ct_err *err)
{
	int ret;

	ret = ct_session_read(turn->session, turn->session->little, turn->call.spent,
			      err);
	if (ret)
		return ret;
	turn->seq = turn->session->little;
	turn->ahead = d->n;
	turn->want = (struct ct_wanted){ 0 };
	if (!d->n)
		d->sampler = *sampler;
	if (!prompt) {
		ret = find_room(d, turn->session, err);
		if (ret)
			return ret;
		/* the best say how likely the choice is */
		turn->want.best = &d->best;
		turn->want.logits = d->logits;
	}
	return ct_turn_prepare(turn, err);
}

/* How likely the little model says that @token is. */
static double probability(const struct ct_best *best, uint32_t token)
{
	uint32_t i;

	for (i = 0; i < best->n; i++) {
		if (best->top[i].id == token)
			return ct_exp((double)best->top[i].logit - best->lse);
	}
	return 0;	/* less than one of CT_STEP_TOPK */
}

static bool is_sure(const struct ct_draft *d, uint32_t token)
{
	fenv_t env;
	bool sure;

	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	sure = probability(&d->best, token) >= (double)d->fallback;
	fesetenv(&env);
	return sure;
}

void ct_draft_take(struct ct_draft *d, struct ct_turn *turn, bool ignore_eos)
{
	struct ctrans_session *session = turn->session;
	struct ct_ids *ids = &session->ids;
	uint32_t token;
	int ret;

	d->its_turn = false;
	d->over = true;
	if (!turn->want.best)
		return;
	if (d->logits)
		ret = ct_sampler_pick(&d->sampler, d->logits, ids->data,
				      ids->n + d->n, &token, NULL);
	else
		ret = ct_sampler_pick_top(&d->sampler, d->best.top, d->best.n,
					  &token, NULL);
	/* An end of text is nothing to go on from: it comes to light anyway. */
	if (ret || !is_sure(d, token) ||
	    (!ignore_eos && ct_model_is_eos(session->model, token)))
		return;
	ids->data[ids->n + d->n++] = token;
	d->over = false;
}

void ct_draft_drop(struct ct_draft *d, struct ctrans_session *session)
{
	d->n = 0;
	d->over = false;
	if (d->most && session->ids.n)
		ct_session_trim(session, session->ids.n - 1);
}

void ct_draft_stop(struct ct_draft *d, struct ctrans_session *session)
{
	ct_draft_drop(d, session);
	d->most = 0;
	d->its_turn = false;
	if (session->little)
		ct_seq_truncate(session->little, 0);
}
