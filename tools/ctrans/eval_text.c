// SPDX-License-Identifier: MIT
/* A text as tokens in windows, and its score. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "eval.h"
#include "terminal.h"

int eval_read(struct eval_text *text, const char *file, bool are_ids)
{
	text->file = file;
	text->are_ids = are_ids;
	return read_text(file, &text->bytes);
}

int eval_tokens(struct eval_text *text, const struct ctrans_model *model)
{
	int status;

	if (text->are_ids)
		status = parse_ids(&text->bytes, text->file, &text->ids, &text->n);
	else
		/* <|endoftext|> in a text is the token, as Hugging Face has it */
		status = tokenize_text(model, &text->bytes,
				       CTRANS_TOKENIZE_SPECIAL, &text->ids,
				       &text->n);
	if (!status && text->n < 2)
		status = fail(EXIT_FAILED,
			"%s has %zu token%s, and scoring takes two at least",
			text->file, text->n, text->n == 1 ? "" : "s");
	return status;
}

void eval_text_free(struct eval_text *text)
{
	free(text->ids);
	text_free(&text->bytes);
	*text = (struct eval_text){ 0 };
}

int eval_takes_text(const char *path, const struct ctrans_model_info *info)
{
	if (!info->encoder_layers)
		return EXIT_OK;
	return usage_error(&command_eval,
		"%s reads one text and writes another, so that a text alone has no perplexity: score it on pairs, --sources FILE --ref FILE",
		path);
}

int eval_windows(struct eval_text *text, const struct ctrans_model_info *info)
{
	if (text->ctx > info->context)
		return usage_error(&command_eval,
			"--ctx %u is more than the model's context, %u",
			text->ctx, info->context);
	if (!text->ctx)
		text->ctx = info->context;
	if (!text->stride)
		text->stride = text->ctx > 1 ? text->ctx / 2 : 1;
	if (text->stride > text->ctx)
		return usage_error(&command_eval,
			"--stride %u is more than a window's %u tokens: some would be left out",
			text->stride, text->ctx);
	return EXIT_OK;
}

static int on_score(void *arg, uint64_t done, uint64_t total, double nll)
{
	char note[48];

	snprintf(note, sizeof(note), "perplexity %.3f",
		 done ? exp(nll / (double)done) : 0);
	progress_show(arg, done, total, note);
	return interrupted();
}

int eval_score(struct ctrans_model *model, const struct eval_text *text,
	       const char *what, struct ctrans_score *score, double *seconds)
{
	uint64_t start = now_ns();
	int ret;

	ret = ctrans_score_tokens(model, text->ids, text->n, text->ctx,
				  text->stride, on_score, (void *)(uintptr_t)what,
				  score, sizeof(*score));
	*seconds = (double)(now_ns() - start) * 1e-9;
	progress_clear();
	return ret ? fail_library(ret, EXIT_FAILED) : EXIT_OK;
}
