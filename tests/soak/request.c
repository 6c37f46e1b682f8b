// SPDX-License-Identifier: MIT
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a step's rows a prompt takes several, and some cross a block of keys. */
#define MAX_PROMPT	320
/* Bytes that are more than the demo model's context more often than not. */
#define TOO_LONG	3000
#define N_STARTS	4
#define SCORED		48

uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t draw_below(uint64_t *state, uint64_t n)
{
	return draw(state) % n;
}

uint64_t digest(const float *values, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		h = (h ^ bits) * 0x100000001b3u;
		h ^= h >> 29;
	}
	return h;
}

static bool failed(const char *what)
{
	fprintf(stderr, "soak: %s: %s\n", what, ctrans_message());
	return false;
}

/* A piece of @text, from a word's start, at most @most bytes long. */
static size_t piece(const char *text, uint64_t *state, size_t most,
		    const char **start)
{
	size_t len = strlen(text), at = draw_below(state, len);

	while (at && text[at - 1] != ' ' && text[at - 1] != '\n')
		at--;
	*start = text + at;
	len -= at;
	most = 1 + draw_below(state, most);
	return len < most ? len : most;
}

/*
 * Half of all prompts begin with one of a few texts, as those of one
 * application do, so that the library finds prefixes to share.
 */
static char *make_prompt(const char *text, uint64_t seed, uint64_t *state)
{
	char *prompt = malloc(MAX_PROMPT + TOO_LONG + 1);
	const char *start;
	size_t len = 0, n;

	if (!prompt)
		return NULL;
	if (draw(state) & 1) {
		uint64_t which = seed + draw_below(state, N_STARTS);

		n = piece(text, &which, MAX_PROMPT, &start);
		memcpy(prompt, start, n);
		len = n;
	}
	n = piece(text, state, draw_below(state, 16) ? MAX_PROMPT : TOO_LONG,
		  &start);
	memcpy(prompt + len, start, n);
	prompt[len + n] = '\0';
	return prompt;
}

static void draw_params(struct request *q, uint64_t *state)
{
	static const float temperatures[] = { 0, 0, 0.5f, 0.8f, 1.3f };
	static const uint32_t tops[] = { 0, 1, 5, 40 };
	static const float top_ps[] = { 0.5f, 0.95f, 1 };
	static const float penalties[] = { 1, 1, 1.2f };
	static const char *const stops[] = {
		".", "\n", " and", "the ", "\n\n", " said", "\"", "? ", "zzz",
	};
	struct ctrans_generate_params *p = &q->params;

#define ONE_OF(list) list[draw_below(state, sizeof(list) / sizeof(list[0]))]
	ctrans_generate_params_init(p, sizeof(*p));
	p->temperature = ONE_OF(temperatures);
	p->top_k = ONE_OF(tops);
	p->top_p = ONE_OF(top_ps);
	p->repetition_penalty = ONE_OF(penalties);
	p->min_p = draw(state) & 1 ? 0.05f : 0;
	p->seed = draw(state);
	p->ignore_eos = draw(state) & 1;
	/* short ones come and go while long ones go on */
	p->max_tokens = 1 + (uint32_t)draw_below(state, draw(state) & 3 ? 24 : 96);
	p->n_stop = draw(state) & 1 ? draw_below(state, MAX_STOPS + 1) : 0;
	for (size_t i = 0; i < p->n_stop; i++)
		q->stop[i] = ONE_OF(stops);
	p->stop = q->stop;
#undef ONE_OF
}

static bool run_alone(struct request *q, struct ctrans_model *model,
		      uint32_t vocab)
{
	struct ctrans_session *session;
	float *logits;
	size_t n;
	int ret;

	q->ret = ctrans_generate(model, q->prompt, &q->params, &q->result);
	if (q->ret && q->ret != -E2BIG)
		return failed("a request alone");

	ret = ctrans_tokenize(model, q->prompt, strlen(q->prompt), 0, NULL, 0, &n);
	if (ret && ret != -E2BIG)
		return failed("tokens of a prompt");
	q->tokens = calloc(n, sizeof(*q->tokens));
	logits = calloc(vocab, sizeof(*logits));
	if (!q->tokens || !logits ||
	    ctrans_tokenize(model, q->prompt, strlen(q->prompt), 0, q->tokens, n,
			    &q->n_tokens) ||
	    ctrans_session_open(model, &session)) {
		free(logits);
		return failed("a session alone");
	}
	q->eval_ret = ctrans_session_eval(session, q->tokens, q->n_tokens,
					  logits);
	ctrans_session_close(session);
	q->logits = digest(logits, vocab);
	free(logits);
	if (q->eval_ret && (q->eval_ret != -E2BIG || !q->ret))
		return failed("a prompt alone");
	return true;
}

static bool score_alone(struct request_set *set, struct ctrans_model *model,
			const char *text)
{
	size_t n = strlen(text) < 4096 ? strlen(text) : 4096;
	struct ctrans_score score;

	set->text = calloc(n, sizeof(*set->text));
	if (!set->text ||
	    ctrans_tokenize(model, text, n, 0, set->text, n, &set->n_text))
		return failed("a text to score");
	if (set->n_text > SCORED)
		set->n_text = SCORED;
	if (ctrans_score_tokens(model, set->text, set->n_text, SCORED_CONTEXT,
				SCORED_STRIDE, NULL, NULL, &score, sizeof(score)))
		return failed("a score alone");
	set->nll = score.nll;
	return true;
}

bool request_set_make(struct request_set *set, struct ctrans_model *model,
		      const char *text, size_t n, uint64_t seed)
{
	struct ctrans_model_info info;
	uint64_t state = seed;

	*set = (struct request_set){ 0 };
	if (ctrans_model_info(model, &info, sizeof(info)))
		return failed("the model");
	set->vocab = info.vocab;
	set->context = info.context;
	set->requests = calloc(n, sizeof(*set->requests));
	if (!set->requests)
		return failed("no memory");
	set->n = n;
	for (size_t i = 0; i < n; i++) {
		struct request *q = &set->requests[i];

		q->prompt = make_prompt(text, seed, &state);
		if (!q->prompt)
			return failed("no memory");
		draw_params(q, &state);
		if (!run_alone(q, model, info.vocab))
			return false;
	}
	return score_alone(set, model, text);
}

void request_set_free(struct request_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		ctrans_result_free(set->requests[i].result);
		free(set->requests[i].tokens);
		free(set->requests[i].prompt);
	}
	free(set->requests);
	free(set->text);
}
