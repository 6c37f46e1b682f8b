// SPDX-License-Identifier: MIT
/*
 * The ways of asking. Whichever a caller takes, it gets what the request gives
 * alone; or, where it stops half way, the beginning of that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Ears of a request: what came through callbacks, and when they say stop. */
struct ears {
	struct caller *caller;
	uint64_t start;
	size_t n_tokens, len;
	size_t stop_token, stop_text;	/* 0: never */
	bool by_word;			/* stop through the cancel word instead */
	size_t pieces;
};

static int on_token(void *arg, uint32_t token)
{
	struct ears *e = arg;

	(void)token;
	if (!e->n_tokens++)
		tally_add(&e->caller->first, now_ns() - e->start);
	atomic_fetch_add(&e->caller->tokens, 1);
	if (e->n_tokens != e->stop_token)
		return 0;
	if (!e->by_word)
		return 1;
	set_cancel(e->caller, 1);
	return 0;
}

static int on_text(void *arg, const char *text, size_t len)
{
	struct ears *e = arg;

	(void)text;
	e->len += len;
	return ++e->pieces == e->stop_text;
}

static struct ctrans_generate_params listen(struct caller *c,
					    const struct request *q,
					    struct ears *ears)
{
	struct ctrans_generate_params p = q->params;

	*ears = (struct ears){ .caller = c, .start = now_ns() };
	p.token_fn = on_token;
	p.text_fn = on_text;
	p.arg = ears;
	return p;
}

/* The counts that no sharing changes: work on the caller's own values. */
static bool same_work(const struct ctrans_cost *a, const struct ctrans_cost *b)
{
	return a->spikes == b->spikes && a->values_zero == b->values_zero &&
	       a->values_dense == b->values_dense &&
	       a->values_spiking == b->values_spiking &&
	       a->values_outlier == b->values_outlier &&
	       a->ops_dense == b->ops_dense &&
	       a->ops_spiking == b->ops_spiking &&
	       a->ops_outlier == b->ops_outlier &&
	       a->dense_fj == b->dense_fj && a->spiking_fj == b->spiking_fj &&
	       a->outlier_fj == b->outlier_fj;
}

/* Is @r what @q gives alone, or if it was stopped the beginning of that? */
static int compare(struct caller *c, const struct request *q, int ret,
		   const struct ctrans_result *r, const struct ears *e)
{
	const struct ctrans_result *want = q->result;

	if (ret != q->ret)
		return complain(c, q, "%d instead of %d: %s", ret, q->ret,
				ctrans_message());
	if (ret)
		return 0;
	if (r->n_tokens > want->n_tokens ||
	    memcmp(r->tokens, want->tokens, r->n_tokens * sizeof(*r->tokens)))
		return complain(c, q, "other tokens than alone: \"%s\" instead of \"%s\"",
				r->text, want->text);
	if (e->n_tokens != r->n_tokens || e->len != r->text_len)
		return complain(c, q, "callbacks heard %zu tokens and %zu bytes of %zu and %zu",
				e->n_tokens, e->len, r->n_tokens, r->text_len);
	if (r->finish == CTRANS_FINISH_CANCELED) {
		c->canceled++;
		/* The last piece of a text that ends may be half a character. */
		if (r->n_tokens == want->n_tokens ||
		    !memcmp(r->text, want->text, MIN(r->text_len, want->text_len)))
			return 0;
		return complain(c, q, "a stopped text that is no beginning: \"%s\" of \"%s\"",
				r->text, want->text);
	}
	if (r->finish != want->finish || r->n_tokens != want->n_tokens ||
	    strcmp(r->text, want->text))
		return complain(c, q, "%zu tokens, %s, \"%s\" instead of %zu, %s, \"%s\"",
				r->n_tokens, ctrans_finish_name(r->finish), r->text,
				want->n_tokens, ctrans_finish_name(want->finish),
				want->text);
	if (!same_work(&r->usage.decode, &want->usage.decode))
		return complain(c, q, "its decoding cost other work than alone");
	return 0;
}

static int generate(struct caller *c, const struct request *q)
{
	struct ctrans_result *r;
	struct ears ears;
	struct ctrans_generate_params p = listen(c, q, &ears);
	int ret = ctrans_generate(c->model, q->prompt, &p, &r);

	ret = compare(c, q, ret, r, &ears);
	ctrans_result_free(r);
	return ret;
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
	ret = compare(c, q, ret, r, &ears);
	ctrans_result_free(r);
	return ret;
}

static int open_session(struct caller *c, const struct request *q,
			struct ctrans_session **session)
{
	if (ctrans_session_open(c->model, session))
		return complain(c, q, "no session: %s", ctrans_message());
	return 0;
}

/* A text, all of it forgotten, and again: by the seed the same. */
static int again(struct caller *c, const struct request *q)
{
	struct ctrans_session *s;
	int ret = 0;

	if (open_session(c, q, &s))
		return -1;
	for (int i = 0; i < 2 && !ret; i++) {
		struct ctrans_result *r;
		struct ears ears;
		struct ctrans_generate_params p = listen(c, q, &ears);

		ret = ctrans_session_generate(s, q->prompt, &p, &r);
		ret = compare(c, q, ret, r, &ears);
		ctrans_result_free(r);
		if (!ret && ctrans_session_truncate(s, 0))
			ret = complain(c, q, "not truncated: %s",
				       ctrans_message());
	}
	ctrans_session_close(s);
	return ret;
}

/* @n first tokens of the prompt in pieces of any size. */
static int eval_pieces(struct caller *c, const struct request *q,
		       struct ctrans_session *s, size_t n, float *logits)
{
	size_t at = 0;

	while (at < n) {
		size_t k = 1 + draw_below(&c->random, n - at);

		if (ctrans_session_eval(s, q->tokens + at, k,
					at + k == n ? logits : NULL))
			return complain(c, q, "prompt's tokens %zu to %zu: %s",
					at, at + k, ctrans_message());
		at += k;
	}
	return 0;
}

/* The prompt in pieces of any size: its logits have the same bits. */
static int pieces(struct caller *c, const struct request *q)
{
	struct ctrans_session *s;
	float *logits;
	int ret = 0;

	if (q->eval_ret)
		return 0;
	logits = malloc(c->set->vocab * sizeof(*logits));
	if (!logits || open_session(c, q, &s)) {
		free(logits);
		return complain(c, q, "no memory");
	}
	ret = eval_pieces(c, q, s, q->n_tokens, logits);
	if (!ret && digest(logits, c->set->vocab) != q->logits)
		ret = complain(c, q, "other logits than alone");
	ctrans_session_close(s);
	free(logits);
	return ret;
}

/* The last tokens of this prompt and two others', in one pass. */
static int batch(struct caller *c, const struct request *q)
{
	const struct request *all[3] = { q };
	struct ctrans_session *s[3] = { NULL };
	float *logits[3] = { NULL };
	uint32_t last[3];
	int ret = 0;

	for (int i = 0; i < 3 && !ret; i++) {
		while (!all[i] || all[i]->eval_ret)
			all[i] = &c->set->requests[draw_below(&c->random,
							      c->set->n)];
		last[i] = all[i]->tokens[all[i]->n_tokens - 1];
		logits[i] = malloc(c->set->vocab * sizeof(float));
		if (!logits[i])
			ret = complain(c, q, "no memory");
		else
			ret = open_session(c, q, &s[i]);
		if (!ret)
			ret = eval_pieces(c, all[i], s[i],
					  all[i]->n_tokens - 1, NULL);
	}
	if (!ret && ctrans_batch_eval(s, last, 3, logits))
		ret = complain(c, q, "a batch: %s", ctrans_message());
	for (int i = 0; i < 3; i++) {
		if (!ret && digest(logits[i], c->set->vocab) != all[i]->logits)
			ret = complain(c, all[i], "other logits in a batch than alone");
		ctrans_session_close(s[i]);
		free(logits[i]);
	}
	return ret;
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
	{ "session, twice", again, 2 },
	{ "eval in pieces", pieces, 2 },
	{ "batch of three", batch, 1 },
	{ "score", score, 1 },
	{ NULL, NULL, 0 },
};
