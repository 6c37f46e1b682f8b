// SPDX-License-Identifier: MIT
/* ctrans tokenize: text to token ids and back. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "input.h"
#include "json.h"
#include "model_options.h"
#include "utf8.h"

static struct {
	const char *prompt, *file;
	bool special, decode, json;
} options;

static const struct option_spec specs[] = {
	{ OPTION_TEXT, 'p', "prompt", "TEXT", &options.prompt,
	  .help = "this text" },
	{ OPTION_TEXT, 'f', "file", "FILE", &options.file,
	  .help = "this file's, every byte of it; - or neither -p nor -f: "
		  "standard input" },
	{ OPTION_FLAG, 0, "special", NULL, &options.special,
	  .help = "take <|endoftext|> and the like for the tokens they name" },
	{ OPTION_FLAG, 'D', "decode", NULL, &options.decode,
	  .help = "the other way: token ids, between spaces or commas, to text" },
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object: ids and pieces" },
	{ OPTION_END },
};

static const struct option_spec message_specs[] = {
	{ OPTION_COUNT, 'v', "verbose", NULL, &model_options.verbose,
	  .help = "a table: place, id, bytes and piece of each token" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Text", specs },
	{ "Messages", message_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_tokenize = {
	.name = "tokenize",
	.summary = "text to token ids, and back",
	.synopsis = "MODEL [-p TEXT | -f FILE] [OPTION...]",
	.about =
	"Print the token ids of a text in one line. Only the model's tokenizer is\n"
	"loaded. Every byte counts, newlines at the end of a file included.",
	.examples =
	"  ctrans tokenize models/demo -p \"Once upon a time\" -v\n"
	"  ctrans tokenize models/demo -f a.txt | ctrans tokenize models/demo --decode",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = run,
};

/* A piece between quotes; what is no character, or controls terminals, in hex. */
static void print_piece(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t n;

	putchar('"');
	for (size_t i = 0; i < len; i += n) {
		unsigned char c = s[i];

		n = utf8_char(s + i, len - i);
		/* U+0080 to U+009F are controls, too */
		if (n > 1 && !(c == 0xc2 && s[i + 1] < 0xa0)) {
			fwrite(s + i, 1, n, stdout);
			continue;
		}
		n = 1;
		if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	puts("\"");
}

static int print_table(const struct ctrans_model *model, const uint32_t *ids,
		       size_t n)
{
	printf("%8s %8s %6s  %s\n", "place", "id", "bytes", "piece");
	for (size_t i = 0; i < n; i++) {
		const char *bytes;
		size_t len;
		int ret = ctrans_token_bytes(model, ids[i], &bytes, &len);

		if (ret)
			return fail_library(ret, EXIT_FAILED);
		printf("%8zu %8u %6zu  ", i, ids[i], len);
		print_piece(bytes, len);
	}
	return finish_output();
}

static int print_json(const struct ctrans_model *model, const uint32_t *ids,
		      size_t n)
{
	cJSON *object = json_object(), *array;

	json_add_count(object, "count", n);
	array = json_add_array(object, "tokens");
	for (size_t i = 0; i < n; i++)
		json_append_count(array, ids[i]);
	array = json_add_array(object, "pieces");
	for (size_t i = 0; i < n; i++) {
		const char *bytes;
		size_t len;
		int ret = ctrans_token_bytes(model, ids[i], &bytes, &len);

		if (ret) {
			cJSON_Delete(object);
			return fail_library(ret, EXIT_FAILED);
		}
		json_append_bytes(array, bytes, len);
	}
	return json_print(object);
}

static int print_ids(const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%u", i ? " " : "", ids[i]);
	putchar('\n');
	return finish_output();
}

static int encode(const struct ctrans_model *model, const struct text *text)
{
	uint32_t *ids;
	size_t n;
	int status;

	status = tokenize_text(model, text, options.special ?
			       CTRANS_TOKENIZE_SPECIAL : 0, &ids, &n);
	if (status)
		return status;
	if (options.json)
		status = print_json(model, ids, n);
	else if (model_options.verbose)
		status = print_table(model, ids, n);
	else
		status = print_ids(ids, n);
	free(ids);
	return status;
}

static int decode_ids(const struct ctrans_model *model, const uint32_t *ids,
		      size_t n, FILE *to)
{
	for (size_t i = 0; i < n; i++) {
		const char *bytes;
		size_t len;
		int ret = ctrans_token_bytes(model, ids[i], &bytes, &len);

		if (ret)
			return fail_library(ret, EXIT_FAILED);
		fwrite(bytes, 1, len, to);
	}
	return EXIT_OK;
}

/* Characters may be cut between tokens, so the text is put together first. */
static int decode_json(const struct ctrans_model *model, const uint32_t *ids,
		       size_t n)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&bytes, &len);
	cJSON *object;
	int status;

	if (!to)
		return fail(EXIT_MEMORY, "out of memory");
	status = decode_ids(model, ids, n, to);
	if (fclose(to) && !status)
		status = fail(EXIT_MEMORY, "out of memory");
	if (!status) {
		object = json_object();
		json_add_count(object, "count", n);
		json_add_bytes(object, "text", bytes, len);
		status = json_print(object);
	}
	free(bytes);
	return status;
}

static int decode(const struct ctrans_model *model, const struct text *text)
{
	const char *what = options.prompt ? "-p" : options.file ? options.file :
			   "standard input";
	uint32_t *ids;
	size_t n;
	int status;

	status = parse_ids(text, what, &ids, &n);
	if (status)
		return status;
	if (options.json)
		status = decode_json(model, ids, n);
	else if (model_options.verbose)
		status = print_table(model, ids, n);
	else
		status = decode_ids(model, ids, n, stdout);
	free(ids);
	return status ? status : finish_output();
}

static int run(int argc, char **argv)
{
	struct ctrans_model *model;
	const char *path;
	struct text text;
	int status;

	if (!options_parse(&command_tokenize, argc, argv, &path, &status))
		return status;
	if (options.prompt && options.file)
		return usage_error(&command_tokenize, "-p and -f exclude each other");
	/* -v asks for the table here. */
	model_options.quiet = true;
	status = read_prompt(options.prompt, options.file, &text);
	if (status)
		return status;
	status = model_load(&command_tokenize, path, CTRANS_MODEL_TOKENIZER,
			    &model);
	if (!status) {
		status = options.decode ? decode(model, &text) :
					  encode(model, &text);
		ctrans_model_close(model);
	}
	text_free(&text);
	return status;
}
