// SPDX-License-Identifier: MIT
/* ctrans bench: how fast, beside how fast this machine's memory allows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "model_options.h"
#include "terminal.h"

struct bench_options bench_options = {
	.prompt = 128, .gen = 64, .batch = 1, .beams = 4, .reps = 5,
};

/* Of a model that reads a source before it writes: a sentence, and another. */
#define SENTENCE	32

static const char *const shapes[] = {
	"gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "t5-small", "t5-base",
	"mt5-small", "fsmt", NULL,
};

static const char *const weights[] = { "s8", "esc", NULL };

static const struct option_spec specs[] = {
	{ OPTION_CHOICE, 0, "shape", "NAME", &bench_options.shape, .choices = shapes,
	  .help = "instead of a model random weights of gpt2, gpt2-medium, "
		  "gpt2-large, gpt2-xl, t5-small, t5-base, mt5-small or fsmt" },
	{ OPTION_CHOICE, 0, "weights", "KIND", &model_options.weights, .choices = weights,
	  .help = "of a shape: s8, 8 bits each (default), or esc, compressed" },
	{ OPTION_UINT, 0, "prompt", "N", &bench_options.prompt,
	  &bench_options.prompt_given, 0, 1e6,
	  .help = "tokens of a prompt (default 128), or of a source (32)" },
	{ OPTION_UINT, 0, "gen", "N", &bench_options.gen,
	  &bench_options.gen_given, 0, 1e6,
	  .help = "tokens to decode (default 64; after a source 32)" },
	{ OPTION_UINT, 0, "depth", "N", &bench_options.depth, NULL, 0, 1e6,
	  .help = "tokens in the context before either begins (default 0)" },
	{ OPTION_UINT, 0, "batch", "N", &bench_options.batch, NULL, 1, 256,
	  .help = "sequences, which share one pass over the weights (default 1)" },
	{ OPTION_UINT, 0, "beams", "N", &bench_options.beams,
	  &bench_options.beams_given, 1, 32,
	  .help = "after a source: of a beam search (default 4, fsmt 5); 1: none" },
	{ OPTION_UINT, 0, "callers", "N", &bench_options.callers, NULL, 1, 256,
	  .help = "instead of --batch: threads, each with a session, which the "
		  "library brings together" },
	{ OPTION_UINT, 0, "reps", "N", &bench_options.reps, NULL, 0, 1000,
	  .help = "repetitions, of which the median counts (default 5); 0: "
		  "nothing but the round before them" },
	{ OPTION_FLAG, 0, "json", NULL, &bench_options.json,
	  .help = "one JSON object on standard output" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "What to measure", specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_bench = {
	.name = "bench",
	.summary = "tokens a second on this machine, beside its memory bound",
	.synopsis = "MODEL | --shape NAME [OPTION...]",
	.about =
	"Measure tokens a second of prompts (prefill) and of new text (decode), after\n"
	"one round that does not count. Beside them stands the bound: the rate at which\n"
	"this machine's memory, measured in the same run, yields the weights and the\n"
	"keys and values that a token takes; a chip's memory is not this program's to\n"
	"measure, and has none. What is outside the device is the library's\n"
	"part of a decoding step: all but the time from doorbell to completion. Of a\n"
	"model with an encoder sources are timed, texts after them and beam searches.",
	.examples =
	"  ctrans bench --shape gpt2 --threads 2\n"
	"  ctrans bench models/demo --depth 128 --batch 8 --json\n"
	"  ctrans bench --shape t5-small --beams 4",
	.takes_model = true,
	.groups = groups,
	.run = run,
};

static double **figures(struct bench *b, int i)
{
	double **const all[] = {
		&b->prefill_tps, &b->decode_tps, &b->bandwidth, &b->fairness,
		&b->outside, &b->encode_ms, &b->steps, &b->sentences,
	};

	return i < (int)(sizeof(all) / sizeof(*all)) ? all[i] : NULL;
}

static void free_bench(struct bench *b)
{
	for (uint32_t s = 0; s < bench_options.batch; s++) {
		if (b->sessions)
			ctrans_session_close(b->sessions[s]);
		if (b->logits)
			free(b->logits[s]);
	}
	free(b->sessions);
	free(b->logits);
	free(b->tokens);
	for (int i = 0; figures(b, i); i++)
		free(*figures(b, i));
	probe_close(b->probe);
	ctrans_model_close(b->model);
}

static bool allocate(struct bench *b)
{
	uint32_t n = bench_options.depth > bench_options.prompt ?
		     bench_options.depth : bench_options.prompt;

	n = n > bench_options.batch ? n : bench_options.batch;
	b->tokens = calloc(n, sizeof(*b->tokens));
	b->sessions = calloc(bench_options.batch, sizeof(struct ctrans_session *));
	b->logits = calloc(bench_options.batch, sizeof(*b->logits));
	if (!b->tokens || !b->sessions || !b->logits)
		return false;
	for (int i = 0; figures(b, i); i++) {
		/* one more: with none to come, calloc() may answer NULL */
		*figures(b, i) = calloc(bench_options.reps + 1, sizeof(double));
		if (!*figures(b, i))
			return false;
	}
	for (uint32_t s = 0; s < bench_options.batch; s++) {
		b->logits[s] = calloc(b->info.vocab, sizeof(float));
		if (!b->logits[s])
			return false;
	}
	b->callers = (struct callers){
		.sessions = b->sessions, .logits = b->logits,
		.n = bench_options.batch, .vocab = b->info.vocab, .random = 2,
	};
	return true;
}

/* Before it is loaded, as its context depends on it. What fails fails again then. */
static bool has_encoder(const char *path)
{
	struct ctrans_model_info info = { 0 };
	struct ctrans_model_params params;
	struct ctrans_model *model;

	ctrans_model_params_init(&params, sizeof(params));
	params.flags = CTRANS_MODEL_NO_WEIGHTS;
	if (ctrans_model_open(path, &params, &model))
		return false;
	if (ctrans_model_info(model, &info, sizeof(info)))
		info.encoder_layers = 0;
	ctrans_model_close(model);
	return info.encoder_layers;
}

/* An exit status. */
static int set_up_source(const char *path)
{
	if (bench_options.depth || bench_options.callers)
		return usage_error(&command_bench,
			"--depth and --callers are for models that go on with a text: %s reads a source",
			path);
	if (!bench_options.prompt_given)
		bench_options.prompt = SENTENCE;
	if (!bench_options.gen_given)
		bench_options.gen = SENTENCE;
	if (!bench_options.beams_given && !strcmp(path, "shape:fsmt"))
		bench_options.beams = 5;
	if (!bench_options.prompt || !bench_options.gen)
		return usage_error(&command_bench,
			"a source of --prompt 0 or a text of --gen 0 is nothing to measure");
	return EXIT_OK;
}

/* No more room than is used, as a server of such requests would have. */
static uint32_t context(bool source)
{
	/* the token that its texts begin with */
	uint32_t gen = bench_options.gen + source;

	return bench_options.depth + (bench_options.prompt > gen ?
				      bench_options.prompt : gen);
}

static int report(const struct bench *b, const char *path, bool source)
{
	if (source)
		return bench_options.json ? bench_source_json(b, path) :
					    bench_source_print(b, path);
	return bench_options.json ? bench_text_json(b, path) : bench_text_print(b, path);
}

static int run(int argc, char **argv)
{
	struct bench b = { .random = 1 };
	const char *path;
	char shape[32];
	uint64_t start;
	int ret, status;
	bool source;

	if (!options_parse(&command_bench, argc, argv, &path, &status))
		return status;
	if (!path == !bench_options.shape)
		return usage_error(&command_bench, path ?
			"MODEL and --shape exclude each other" :
			"MODEL is missing (or --shape NAME)");
	if (!bench_options.prompt && !bench_options.gen)
		return usage_error(&command_bench,
			"--prompt 0 and --gen 0 leave nothing to measure");
	if (bench_options.callers && bench_options.batch != 1)
		return usage_error(&command_bench,
			"--batch and --callers exclude each other");
	/* either way so many sequences at once */
	if (bench_options.callers)
		bench_options.batch = bench_options.callers;
	if (bench_options.shape) {
		snprintf(shape, sizeof(shape), "shape:%s", bench_options.shape);
		path = shape;
	}
	catch_interrupt();
	if (bench_options.json)
		progress_off();
	source = has_encoder(path);
	status = source ? set_up_source(path) : EXIT_OK;
	if (status)
		return status;
	model_options.context = context(source);
	start = now_ns();
	/* every token that is counted is run */
	status = model_load(&command_bench, path, CTRANS_MODEL_NO_SHARING,
			    &b.model);
	b.load = (double)(now_ns() - start) * 1e-9;
	if (status == EXIT_USAGE)
		fprintf(stderr, "hint: the context needed is --depth and the larger of --prompt and --gen\n");
	if (status)
		return status;
	ret = ctrans_model_info(b.model, &b.info, sizeof(b.info));
	if (!ret && bench_options.beams_given && !source) {
		status = usage_error(&command_bench,
			"--beams is for models that read a source, which %s does not", path);
		goto out;
	}
	if (!ret && !allocate(&b)) {
		status = fail(EXIT_MEMORY, "out of memory");
		goto out;
	}
	if (!ret)
		ret = source ? bench_source(&b) : bench_text(&b);
	progress_clear();
	if (ret && b.callers.message[0] && ret != -ECANCELED)
		status = fail(EXIT_FAILED, "%s", b.callers.message);
	else if (ret)
		status = fail_library(ret, EXIT_FAILED);
	else
		status = report(&b, path, source);
out:
	free_bench(&b);
	return status;
}
