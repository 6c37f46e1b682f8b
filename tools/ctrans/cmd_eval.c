// SPDX-License-Identifier: MIT
/* ctrans eval: how well a model predicts a text. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "input.h"
#include "model_options.h"
#include "report.h"
#include "terminal.h"

static struct {
	const char *text, *ids;
	uint32_t ctx, stride;
	bool json, stats;
} options;

static const struct option_spec specs[] = {
	{ OPTION_TEXT, 0, "text", "FILE", &options.text,
	  .help = "the text to score; - is standard input" },
	{ OPTION_TEXT, 0, "ids", "FILE", &options.ids,
	  .help = "instead of it token ids, between spaces or commas: for models "
		  "without a tokenizer" },
	{ OPTION_UINT, 'c', "ctx", "C", &options.ctx, NULL, 2, 1e9,
	  .help = "tokens in a window (default: the model's context)" },
	{ OPTION_UINT, 0, "stride", "S", &options.stride, NULL, 1, 1e9,
	  .help = "tokens from window to window (default: half of C)" },
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object on standard output" },
	{ OPTION_FLAG, 0, "stats", NULL, &options.stats,
	  .help = "tables of modelled time and energy, on standard error" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Text", specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_eval = {
	.name = "eval",
	.summary = "perplexity of a text",
	.synopsis = "MODEL --text FILE [OPTION...]",
	.about =
	"Print the perplexity of a text: windows of C tokens start at 0, S, 2S, ...;\n"
	"in each, the tokens after the previous window's end are scored, the very first\n"
	"token of the text is not; the result is exp of the mean negative log-likelihood.\n"
	"Special tokens that the text names, such as <|endoftext|>, are tokens.",
	.examples =
	"  ctrans eval models/demo --text book.txt\n"
	"  ctrans eval models/demo --text book.txt --ctx 128 --stride 32 --json",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = run,
};

static int on_score(void *arg, uint64_t done, uint64_t total, double nll)
{
	char note[48];

	(void)arg;
	snprintf(note, sizeof(note), "perplexity %.3f",
		 done ? exp(nll / (double)done) : 0);
	progress_show("Scoring", done, total, note);
	return interrupted();
}

static double wall_seconds(const struct ctrans_usage *u)
{
	return (double)(u->prefill_ns + u->decode_ns) * 1e-9;
}

static double joule(const struct ctrans_usage *u)
{
	return cost_joule(&u->prefill) + cost_joule(&u->decode);
}

static int print_json(const char *path, const struct ctrans_model_info *info,
		      const struct ctrans_score *s, size_t n, double seconds)
{
	cJSON *object = json_object();
	double tokens = (double)s->tokens;

	json_add_number(object, "nll", s->nll);
	json_add_count(object, "tokens", s->tokens);
	json_add_number(object, "ppl", s->perplexity);
	json_add_count(object, "top1", s->top1);
	json_add_number(object, "top1_agreement", (double)s->top1 / tokens);
	json_add_count(object, "ctx", options.ctx);
	json_add_count(object, "stride", options.stride);
	json_add_count(object, "text_tokens", n);
	json_add_number(object, "seconds", seconds);
	json_add_number(object, "energy_uj_per_token", 1e6 * joule(&s->usage) / tokens);
	json_add_string(object, "model", path);
	json_add_string(object, "policy", info->policy);
	json_add_string(object, "thresholds", info->thresholds);
	json_add_bool(object, "f32", model_options.f32);
	json_add_string(object, "kv", info->kv);
	json_add_device(object, &info->device);
	json_add_usage(object, &s->usage);
	return json_print(object);
}

static int print_text(const struct ctrans_score *s, double seconds)
{
	char energy[24], chip[24];
	double tokens = (double)s->tokens;

	show_energy(energy, sizeof(energy), joule(&s->usage) / tokens);
	show_time(chip, sizeof(chip), s->usage.chip_seconds);
	printf("perplexity   %.4f\n", s->perplexity);
	printf("nll          %.5f a token, %.2f in all\n", s->nll / tokens, s->nll);
	printf("tokens       %llu scored, windows of %u, stride %u\n",
	       (unsigned long long)s->tokens, options.ctx, options.stride);
	printf("top-1        %.2f %% of them were the model's first choice\n",
	       100 * (double)s->top1 / tokens);
	printf("energy       %s for each scored token (modelled)\n", energy);
	printf("chip time    %s (modelled)\n", chip);
	printf("wall time    %.2f s, %.1f tokens/s\n", seconds, tokens / seconds);
	return finish_output();
}

static int score(struct ctrans_model *model, const char *path,
		 const uint32_t *ids, size_t n)
{
	struct ctrans_model_info info;
	struct ctrans_score s;
	double seconds;
	uint64_t start;
	int ret, status;

	ret = ctrans_model_info(model, &info, sizeof(info));
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	if (options.ctx > info.context)
		return usage_error(&command_eval,
			"--ctx %u is more than the model's context, %u",
			options.ctx, info.context);
	if (!options.ctx)
		options.ctx = info.context;
	if (!options.stride)
		options.stride = options.ctx > 1 ? options.ctx / 2 : 1;
	if (options.stride > options.ctx)
		return usage_error(&command_eval,
			"--stride %u is more than a window's %u tokens: some would be left out",
			options.stride, options.ctx);

	start = now_ns();
	ret = ctrans_score_tokens(model, ids, n, options.ctx, options.stride,
				  on_score, NULL, &s, sizeof(s));
	seconds = (double)(now_ns() - start) * 1e-9;
	progress_clear();
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	if (wall_seconds(&s.usage) > 0)
		seconds = wall_seconds(&s.usage);
	status = options.json ? print_json(path, &info, &s, n, seconds) :
				print_text(&s, seconds);
	if (options.stats)
		print_stats(&s.usage, &info.device);
	return status;
}

static int run(int argc, char **argv)
{
	const char *path, *file;
	struct ctrans_model *model = NULL;
	struct text text = { 0 };
	uint32_t *ids = NULL;
	size_t n = 0;
	int status;

	if (!options_parse(&command_eval, argc, argv, &path, &status))
		return status;
	if (!options.text == !options.ids)
		return usage_error(&command_eval, options.text ?
			"--text and --ids exclude each other" :
			"--text FILE is missing (or --ids FILE)");
	catch_interrupt();
	file = options.text ? options.text : options.ids;
	status = read_text(file, &text);
	if (!status && options.ids)
		status = parse_ids(&text, file, &ids, &n);
	if (!status)
		status = model_load(&command_eval, path, 0, &model);
	if (!status && options.text)
		/* <|endoftext|> in a text is the token, as Hugging Face has it */
		status = tokenize_text(model, &text, CTRANS_TOKENIZE_SPECIAL,
				       &ids, &n);
	if (!status && n < 2)
		status = fail(EXIT_FAILED,
			"%s has %zu token%s, and scoring takes two at least",
			file, n, n == 1 ? "" : "s");
	if (!status)
		status = score(model, path, ids, n);
	ctrans_model_close(model);
	free(ids);
	text_free(&text);
	return status;
}
