// SPDX-License-Identifier: MIT
/*
 * The ways of asking. Whichever a caller takes, it gets what the request gives
 * alone; or, where it stops half way, the beginning of that.
 */
#include "caller.h"
#include "ears.h"
#include "ways.h"

static int generate(struct caller *c, const struct request *q)
{
	struct ctrans_result *r;
	struct ears ears;
	struct ctrans_generate_params p = listen(c, q, &ears);
	int ret = ctrans_generate(c->model, q->prompt, &p, &r);

	return compare(c, q, ret, r, &ears);
}

/* Stopped by either callback, by the word from within, or from elsewhere. */
static int give_up(struct caller *c, const struct request *q)
{
	struct ctrans_result *r;
	struct ears ears;
	struct ctrans_generate_params p = listen(c, q, &ears);
	size_t at = 1 + draw_below(&c->random, p.max_tokens);
	int ret;

	set_cancel(c, 0);
	p.cancel = &c->cancel;
	switch (draw_below(&c->random, 5)) {
	case 0:
		ears.stop_token = at;
		break;
	case 1:
		ears.stop_token = at;
		ears.by_word = true;
		break;
	case 2:
		ears.stop_text = at;
		break;
	case 3:	/* before it began */
		set_cancel(c, 1);
		break;
	default: /* the main thread sets the word now and then */
		break;
	}
	ret = ctrans_generate(c->model, q->prompt, &p, &r);
	return compare(c, q, ret, r, &ears);
}

static int score(struct caller *c, const struct request *q)
{
	const struct request_set *set = c->set;
	struct ctrans_score score;

	if (ctrans_score_tokens(c->model, set->text, set->n_text,
				SCORED_CONTEXT, SCORED_STRIDE, NULL, NULL,
				&score, sizeof(score)))
		return complain(c, q, "a score: %s", ctrans_message());
	if (score.nll != set->nll)
		return complain(c, q, "scored %.17g instead of %.17g",
				score.nll, set->nll);
	return 0;
}

const struct way ways[] = {
	{ "generate", generate, 8 },
	{ "give up", give_up, 4 },
	{ "session, twice", way_again, 2 },
	{ "session, carried", way_carried, 3 },
	{ "submitted", way_submit, 6 },
	{ "six in a queue", way_queue, 2 },
	{ "eval in pieces", way_pieces, 2 },
	{ "batch of three", way_batch, 1 },
	{ "score", score, 1 },
	{ NULL, NULL, 0 },
};
