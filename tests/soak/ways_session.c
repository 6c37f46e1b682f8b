// SPDX-License-Identifier: MIT
/* Ways of asking that go through sessions. */
#include "ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ears.h"

int open_session(struct caller *c, const struct request *q,
		 struct ctrans_session **session)
{
	if (ctrans_session_open(c->model, session))
		return complain(c, q, "no session: %s", ctrans_message());
	return 0;
}

int eval_pieces(struct caller *c, const struct request *q,
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

/* A text, all of it forgotten, and again: by the seed the same. */
int way_again(struct caller *c, const struct request *q)
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
		if (!ret && ctrans_session_truncate(s, 0))
			ret = complain(c, q, "not truncated: %s",
				       ctrans_message());
	}
	ctrans_session_close(s);
	return ret;
}

/* The prompt in pieces of any size: its logits have the same bits. */
int way_pieces(struct caller *c, const struct request *q)
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
int way_batch(struct caller *c, const struct request *q)
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

/* @session anew from its bytes; the old one is closed in any case. */
static int through_bytes(struct caller *c, const struct request *q,
			 struct ctrans_session **session)
{
	struct ctrans_session *old = *session;
	void *bytes = NULL;
	size_t len;
	int ret = ctrans_session_export(old, NULL, 0, &len);

	*session = NULL;
	if (ret == -E2BIG) {
		bytes = malloc(len);
		ret = bytes ? ctrans_session_export(old, bytes, len, &len) : -ENOMEM;
	}
	if (!ret)
		ret = ctrans_session_import(c->model, bytes, len, session);
	free(bytes);
	ctrans_session_close(old);
	return ret ? complain(c, q, "a session's bytes: %s", ctrans_message()) : 0;
}

/* From where @session is, the whole text. */
static int go_on(struct caller *c, const struct request *q,
		 struct ctrans_session *session)
{
	struct ctrans_result *r;
	struct ears ears;
	struct ctrans_generate_params p = listen(c, q, &ears);
	int ret = ctrans_session_generate(session, "", &p, &r);

	return compare(c, q, ret, r, &ears);
}

/*
 * The prompt run by hand, the session perhaps sent through bytes or forked, and
 * the text from there: as if it had never stopped.
 */
int way_carried(struct caller *c, const struct request *q)
{
	struct ctrans_session *s, *fork = NULL;
	int ret;

	if (q->eval_ret || q->ret)
		return 0;
	if (open_session(c, q, &s))
		return -1;
	ret = eval_pieces(c, q, s, q->n_tokens, NULL);
	if (!ret && draw(&c->random) & 1)
		ret = through_bytes(c, q, &s);
	if (!ret && draw(&c->random) & 1 && ctrans_session_fork(s, &fork))
		ret = complain(c, q, "no fork: %s", ctrans_message());
	if (!ret)
		ret = go_on(c, q, s);
	if (!ret && fork)
		ret = go_on(c, q, fork);
	ctrans_session_close(fork);
	ctrans_session_close(s);
	return ret;
}
