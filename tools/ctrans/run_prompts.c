// SPDX-License-Identifier: MIT
/* ctrans run --prompts: many texts at once, through a queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "report.h"
#include "run_prompts.h"

struct line {
	char *prompt;
	struct ctrans_request *request;	/* NULL: refused */
	char refused[256];
};

/* Lines, and their ends as terminators; the last needs none. */
static int cut(struct text *prompts, struct line **lines, size_t *n)
{
	char *at = prompts->bytes, *end = at + prompts->len, *newline;
	size_t i;

	*n = 0;
	for (i = 0; i < prompts->len; i++)
		*n += prompts->bytes[i] == '\n';
	*n += prompts->len && end[-1] != '\n';
	*lines = calloc(*n + 1, sizeof(**lines));
	if (!*lines)
		return fail(EXIT_MEMORY, "no memory for %zu prompts", *n);
	for (i = 0; i < *n; i++) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			newline = end;
		*newline = '\0';
		if (memchr(at, '\0', (size_t)(newline - at)))
			return fail(EXIT_FAILED,
				    "line %zu is no text: it has a NUL", i + 1);
		if (newline > at && newline[-1] == '\r')
			newline[-1] = '\0';
		(*lines)[i].prompt = at;
		at = newline + 1;
	}
	return EXIT_OK;
}

/* From *@next on as many as the queue takes. */
static void submit(struct ctrans_queue *queue, struct line *lines, size_t n,
		   const struct ctrans_generate_params *params, size_t *next)
{
	struct line *line;
	int ret;

	for (; *next < n && !interrupted(); ++*next) {
		line = &lines[*next];
		ret = ctrans_submit(queue, NULL, line->prompt, params, NULL,
				    &line->request);
		if (ret == -EAGAIN)
			return;
		if (ret)
			strncpy(line->refused, ctrans_message(),
				sizeof(line->refused) - 1);
	}
}

static void add_result(cJSON *object, const struct ctrans_result *r)
{
	cJSON *tokens;

	json_add_bytes(object, "text", r->text, r->text_len);
	tokens = json_add_array(object, "tokens");
	for (size_t i = 0; i < r->n_tokens; i++)
		json_append_count(tokens, r->tokens[i]);
	json_add_string(object, "finish", ctrans_finish_name(r->finish));
	json_add_usage(object, &r->usage);
}

/* Wait for one and print it. */
static int print_line(struct line *line, size_t index, uint64_t seed,
		      bool *failed)
{
	struct ctrans_result *r = NULL;
	const char *error = line->refused;
	cJSON *object = json_object();

	json_add_count(object, "index", index);
	json_add_string(object, "prompt", line->prompt);
	if (line->request) {
		error = NULL;
		if (ctrans_request_wait(line->request, -1) ||
		    ctrans_request_result(line->request, &r))
			error = ctrans_message();
	}
	if (error) {
		json_add_string(object, "error", error);
		*failed = true;
	} else {
		json_add_count(object, "seed", seed);
		add_result(object, r);
	}
	ctrans_result_free(r);
	ctrans_request_free(line->request);
	line->request = NULL;
	return json_print(object);
}

int run_prompts(struct ctrans_model *model, struct text *prompts,
		const struct ctrans_generate_params *params)
{
	struct ctrans_queue *queue = NULL;
	struct line *lines = NULL;
	size_t n, i, next = 0;
	bool failed = false;
	int ret, status;

	status = cut(prompts, &lines, &n);
	if (status)
		goto out;
	ret = ctrans_queue_open(model, NULL, &queue);
	if (ret) {
		status = ret == -ENOTSUP ? fail_no_tokenizer() :
					   fail_library(ret, EXIT_FAILED);
		goto out;
	}
	for (i = 0; i < n && !status; i++) {
		submit(queue, lines, n, params, &next);
		if (i == next)
			break;
		status = print_line(&lines[i], i, params->seed, &failed);
	}
	if (!status && interrupted())
		status = EXIT_INTERRUPTED;
	else if (!status && failed)
		status = EXIT_FAILED;
out:
	ctrans_queue_close(queue);
	free(lines);
	return status;
}
