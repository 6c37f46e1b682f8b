// SPDX-License-Identifier: MIT
/* ctrans info: what a model is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "model_options.h"
#include "report.h"

static struct {
	bool json;
} options;

static const struct option_spec specs[] = {
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object on standard output" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Output", specs },
	{ "Messages", message_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_info = {
	.name = "info",
	.summary = "what a model is: shape, types, tokenizer",
	.synopsis = "MODEL [OPTION...]",
	.about = "Print what a model is. Its files are checked, weights are not loaded.",
	.examples = "  ctrans info models/demo",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = run,
};

static void add_id(cJSON *object, const char *key, int64_t id)
{
	if (id < 0)
		json_add_null(object, key);
	else
		json_add_count(object, key, (uint64_t)id);
}

static int print_json(const char *path, const struct ctrans_model_info *i)
{
	cJSON *object = json_object();

	json_add_string(object, "model", path);
	json_add_string(object, "format", i->format);
	json_add_string(object, "architecture", i->architecture);
	json_add_string(object, "tokenizer", i->tokenizer);
	json_add_string(object, "types", i->types);
	json_add_count(object, "parameters", i->parameters);
	json_add_count(object, "layers", i->layers);
	json_add_count(object, "width", i->width);
	json_add_count(object, "heads", i->heads);
	json_add_count(object, "inner", i->inner);
	json_add_count(object, "vocabulary", i->vocab);
	json_add_count(object, "context", i->context);
	json_add_string(object, "activation", i->activation);
	json_add_bool(object, "tied_head", i->tied_head != 0);
	add_id(object, "bos", i->bos);
	add_id(object, "eos", i->eos);
	json_add_count(object, "file_bytes", i->file_bytes);
	json_add_count(object, "little_parameters", i->little_parameters);
	json_add_string(object, "kv", i->kv);
	json_add_count(object, "kv_block_bytes", i->kv_bytes);
	json_add_string(object, "thresholds", i->thresholds);
	json_add_count(object, "encoder_layers", i->encoder_layers);
	json_add_count(object, "source_vocabulary", i->encoder_vocab);
	json_add_count(object, "source_kv_block_bytes", i->source_kv_bytes);
	json_add_string(object, "tasks", i->tasks);
	add_id(object, "start", i->start);
	return json_print(object);
}

static int print_text(const char *path, const struct ctrans_model_info *i)
{
	bool small = i->parameters < 1000000;
	char bytes[24];

	printf("model         %s\n", path);
	show_bytes(bytes, sizeof(bytes), (double)i->file_bytes);
	if (i->file_bytes)
		printf("format        %s, %s (%s of weights)\n", i->format,
		       i->types, bytes);
	else
		printf("format        %s\n", i->format);
	printf("architecture  %s, %.*f %s parameters\n", i->architecture,
	       small ? 0 : 1, (double)i->parameters * (small ? 1e-3 : 1e-6),
	       small ? "thousand" : "million");
	if (i->little_parameters)
		printf("little model  %.0f thousand parameters, in the file\n",
		       (double)i->little_parameters * 1e-3);
	if (i->encoder_layers)
		printf("encoder       %u layers\n", i->encoder_layers);
	printf("%s%u layers, width %u, %u heads, inner width %u\n",
	       i->encoder_layers ? "decoder       " : "shape         ", i->layers,
	       i->width, i->heads, i->inner);
	printf("activation    %s\n", i->activation);
	printf("head          %s\n", i->tied_head ? "the token table (tied)" :
						    "of its own");
	printf("context       %u tokens\n", i->context);
	show_bytes(bytes, sizeof(bytes), (double)i->kv_bytes);
	printf("memory        %s for 64 tokens (keys and values, %s)\n", bytes, i->kv);
	if (i->encoder_layers) {
		show_bytes(bytes, sizeof(bytes), (double)i->source_kv_bytes);
		printf("              %s for 64 tokens of a source\n", bytes);
	}
	if (i->encoder_layers && i->encoder_vocab != i->vocab)
		printf("vocabulary    %u tokens of a source, %u of a text\n",
		       i->encoder_vocab, i->vocab);
	else
		printf("vocabulary    %u tokens\n", i->vocab);
	if (*i->tasks)
		printf("tasks         %s\n", i->tasks);
	if (!strcmp(i->thresholds, "calibrated"))
		printf("thresholds    calibrated\n");
	printf("tokenizer     %s\n", i->tokenizer);
	if (i->start >= 0)
		printf("begins with   token %" PRId64 "\n", i->start);
	else if (i->bos >= 0)
		printf("begins with   token %" PRId64 "\n", i->bos);
	if (i->eos >= 0)
		printf("ends with     token %" PRId64 "\n", i->eos);
	return finish_output();
}

static int run(int argc, char **argv)
{
	struct ctrans_model_info info;
	struct ctrans_model *model;
	const char *path;
	int ret, status;

	if (!options_parse(&command_info, argc, argv, &path, &status))
		return status;
	status = model_load(&command_info, path, CTRANS_MODEL_NO_WEIGHTS, &model);
	if (status)
		return status;
	ret = ctrans_model_info(model, &info, sizeof(info));
	if (ret)
		status = fail_library(ret, EXIT_FAILED);
	else
		status = options.json ? print_json(path, &info) :
					print_text(path, &info);
	ctrans_model_close(model);
	return status;
}
