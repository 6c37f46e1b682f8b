// SPDX-License-Identifier: MIT
#include "ears.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

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

struct ctrans_generate_params listen(struct caller *c, const struct request *q,
				     struct ears *ears)
{
	struct ctrans_generate_params p = q->params;

	*ears = (struct ears){ .caller = c, .start = now_ns() };
	p.token_fn = on_token;
	p.text_fn = on_text;
	p.arg = ears;
	/* which never changes a token */
	p.priority = (int32_t)draw_below(&c->random, 3) - 1;
	return p;
}

/*
 * The counts that no sharing changes: work on the caller's own values. What spikes
 * cost is not one, as they wait for weights, the less the more rows share them.
 */
static bool same_work(const struct ctrans_cost *a, const struct ctrans_cost *b)
{
	return a->spikes == b->spikes && a->values_zero == b->values_zero &&
	       a->values_dense == b->values_dense &&
	       a->values_spiking == b->values_spiking &&
	       a->values_outlier == b->values_outlier &&
	       a->ops_dense == b->ops_dense &&
	       a->ops_spiking == b->ops_spiking &&
	       a->ops_outlier == b->ops_outlier &&
	       a->dense_fj == b->dense_fj && a->outlier_fj == b->outlier_fj;
}

static int check(struct caller *c, const struct request *q, int ret,
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

int compare(struct caller *c, const struct request *q, int ret,
	    struct ctrans_result *r, const struct ears *e)
{
	ret = check(c, q, ret, r, e);
	ctrans_result_free(r);
	return ret;
}
