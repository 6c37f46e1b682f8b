// SPDX-License-Identifier: MIT
/* What a prompt adds to a session: of text or tokens, to be gone on with or read. */
#include <errno.h>
#include <string.h>

#include "engine/generation.h"
#include "text/tokenizer.h"

/* The tokens of a text with the task's words before it, and its end. */
static int encode_source(const struct ct_generation *g, const char *prompt,
			 const char *prefix, struct ct_ids *ids, struct ct_err *err)
{
	const struct ct_core *core = g->session->model->core;
	int64_t eos = ct_generation_config(g)->eos_id;
	struct ct_buf text = { 0 };
	int ret = 0;

	if (ct_buf_append(&text, prefix, strlen(prefix)) ||
	    ct_buf_append(&text, prompt, strlen(prompt) + 1))
		ret = ct_fail(err, -ENOMEM, "no memory for a source");
	if (!ret)
		ret = ct_tokenizer_source(ct_core_tokenizer(core), text.data, text.n - 1,
					  g->p.special, ids, err);
	if (!ret && eos >= 0 && ct_ids_append(ids, (uint32_t)eos))
		ret = ct_fail(err, -ENOMEM, "no memory for a source");
	if (!ret && !ids->n)
		ret = ct_fail(err, -EINVAL,
			      "the prompt is empty, and the model has no token to end a text with");
	ct_buf_free(&text);
	return ret;
}

/* Of a text that goes on, with what begins one. */
static int encode_prompt(const struct ct_generation *g, const char *prompt,
			 struct ct_ids *ids, struct ct_err *err)
{
	const struct ctrans_model *model = g->session->model;
	const struct ct_tokenizer *tokenizer = ct_core_tokenizer(model->core);
	int64_t bos = ct_model_bos(model);
	size_t len = strlen(prompt);

	if (!g->held && (!len || ct_tokenizer_adds_bos(tokenizer))) {
		if (bos < 0)
			return ct_fail(err, -EINVAL,
				       "the prompt is empty, and the model has no token to begin a text with");
		if (ct_ids_append(ids, (uint32_t)bos))
			return ct_fail(err, -ENOMEM, "no memory for a prompt");
	}
	return len ? ct_tokenizer_encode(tokenizer, prompt, len, g->p.special, ids, err) :
		     0;
}

/* The caller's own, which are neither begun nor ended for him. */
static int copy_tokens(const struct ct_generation *g, struct ct_ids *ids,
		       struct ct_err *err)
{
	const struct ct_ids given = {
		.data = (uint32_t *)g->p.prompt_tokens, .n = g->p.n_prompt_tokens,
	};

	if (!given.n && (!g->held || ct_has_encoder(ct_generation_config(g))))
		return ct_fail(err, -EINVAL, "a prompt of no tokens");
	/* before there is memory for them */
	if (given.n > ct_core_context(g->session->model->core))
		return ct_fail(err, -E2BIG, "%zu tokens do not fit: the context is %u",
			       given.n, ct_core_context(g->session->model->core));
	if (ct_ids_append_all(ids, &given))
		return ct_fail(err, -ENOMEM, "no memory for a prompt");
	return 0;
}

static int add_source(struct ct_generation *g, const struct ct_ids *ids,
		      struct ct_err *err)
{
	const struct ct_core *core = g->session->model->core;
	uint32_t start = (uint32_t)ct_generation_config(g)->start_id;
	int ret;

	if (ids->n > CT_SOURCE_MOST)
		return ct_fail(err, -E2BIG,
			       "the source has %zu tokens, and there may be %u: give it a part of the text",
			       ids->n, CT_SOURCE_MOST);
	if (ids->n > ct_core_context(core))
		return ct_fail(err, -E2BIG,
			       "the source has %zu tokens and the context is %u: open the model with a longer one, or give it a part of the text",
			       ids->n, ct_core_context(core));
	ret = ct_session_begin(g->session, ids, err);
	if (!ret)
		ret = ct_session_add(g->session, &start, 1, 1, err);
	g->held = 0;
	return ret;
}

int ct_generation_prompt(struct ct_generation *g, const char *prompt, const char *prefix,
			 struct ct_err *err)
{
	bool encoder = ct_has_encoder(ct_generation_config(g));
	struct ct_ids ids = { 0 };
	int ret;

	if (!prompt)
		ret = copy_tokens(g, &ids, err);
	else if (encoder)
		ret = encode_source(g, prompt, prefix, &ids, err);
	else
		ret = encode_prompt(g, prompt, &ids, err);
	if (!ret)
		ret = encoder ? add_source(g, &ids, err) :
				ct_session_add(g->session, ids.data, ids.n, 1, err);
	ct_ids_free(&ids);
	g->first = g->session->ids.n;
	return ret;
}
