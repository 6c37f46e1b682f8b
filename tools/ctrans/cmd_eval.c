// SPDX-License-Identifier: MIT
/* ctrans eval: how well a model predicts a text, and what that costs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "eval.h"
#include "eval_metrics.h"
#include "eval_pairs.h"
#include "eval_plot.h"
#include "eval_spikes.h"
#include "model_options.h"
#include "report.h"
#include "terminal.h"

static struct {
	const char *text, *ids, *reference, *plot;
	uint32_t ctx, stride, decode, spikes;
	bool json, stats, paper, decode_given;
} options = { .decode = 64 };

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
	{ OPTION_TEXT, 0, "plot", "FILE.svg", &options.plot,
	  .help = "draw what values cost, and where each layer's went" },
	{ OPTION_FLAG, 0, "paper", NULL, &options.paper,
	  .help = "figures published about the chip beside those of this model of "
		  "it; with MODEL and a text, with that model's ratios" },
	{ OPTION_UINT, 0, "spikes", "N", &options.spikes, NULL, 1, 1e9,
	  .help = "run N tokens of the text as a network of integrate-and-fire "
		  "neurons too, and compare it with the chip value by value" },
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object on standard output" },
	{ OPTION_FLAG, 0, "stats", NULL, &options.stats,
	  .help = "tables of modelled time and energy, on standard error" },
	{ OPTION_END },
};

static const struct option_spec compare_specs[] = {
	{ OPTION_TEXT, 0, "reference", "MODEL", &options.reference,
	  .help = "what perplexities are compared with, in binary32: the model "
		  "that MODEL was converted from (default: MODEL, where it is "
		  "not converted); also with --sources alone" },
	{ OPTION_TEXT, 0, "little", "MODEL", &model_options.little,
	  .help = "with --paper and --sources too: a little model, to see what its drafts save "
		  "(default: the one in a converted file; \"\": none)" },
	{ OPTION_UINT, 0, "decode", "N", &options.decode, &options.decode_given, 1,
	  1e6,
	  .help = "tokens to run one at a time as well (default 64)" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Text", specs },
	{ "With --policy all", compare_specs },
	{ "Sources and references", pairs_specs },
	{ "Lines against references", metrics_specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_eval = {
	.name = "eval",
	.summary = "perplexity of a text, BLEU and ROUGE, energy by policy",
	.synopsis = "MODEL --text FILE [OPTION...]\n"
		    "MODEL --sources FILE --ref FILE [--task TASK] [OPTION...]\n"
		    "--paper [MODEL --text FILE]\n"
		    "--bleu|--rouge FILE --ref FILE [--ref FILE...]",
	.about =
	"Print the perplexity of a text: windows of C tokens start at 0, S, 2S, ...;\n"
	"in each, the tokens after the previous window's end are scored, the very first\n"
	"token of the text is not; the result is exp of the mean negative log-likelihood.\n"
	"Special tokens that the text names, such as <|endoftext|>, are tokens.\n"
	"\n"
	"With --policy all the text is scored under each dispatch policy and spike code,\n"
	"and its first tokens are run once more one at a time: tables of modelled energy\n"
	"by domain and of time, both ways. That no result depends on them is checked.\n"
	"\n"
	"With --paper what is published about the chip stands beside what its model here\n"
	"gives for the same shapes; what was fitted is told from what is predicted.\n"
	"\n"
	"With --sources a model that has an encoder writes a text for each line of a\n"
	"file: BLEU and ROUGE against references, the perplexity of these, modelled\n"
	"energy of encoder and decoder. --reference compares all that with a model in\n"
	"binary32, and with --policy all every policy has to write the same texts.\n"
	"\n"
	"With --bleu or --rouge no model is run: translations or summaries, one a line,\n"
	"are scored against the same lines of reference files.",
	.examples =
	"  ctrans eval models/demo --text book.txt\n"
	"  ctrans eval models/demo --text book.txt --ctx 128 --stride 32 --json\n"
	"  ctrans eval model.gguf --text book.txt --policy all --reference models/demo\n"
	"  ctrans eval model.gguf --text book.txt --plot dispatch.svg\n"
	"  ctrans eval --paper\n"
	"  ctrans eval models/demo-t5 --task summarize --sources long.txt --ref short.txt\n"
	"  ctrans eval --bleu translated.txt --ref reference.txt",
	.takes_model = true,
	.groups = groups,
	.run = run,
};

static double wall_seconds(const struct ctrans_usage *u)
{
	return (double)(u->prefill_ns + u->decode_ns) * 1e-9;
}

static double joule(const struct ctrans_usage *u)
{
	return cost_joule(&u->prefill) + cost_joule(&u->decode);
}

static int print_json(const char *path, const struct ctrans_model_info *info,
		      const struct eval_text *text, const struct ctrans_score *s,
		      double seconds)
{
	cJSON *object = json_object();
	double tokens = (double)s->tokens;

	json_add_number(object, "nll", s->nll);
	json_add_count(object, "tokens", s->tokens);
	json_add_number(object, "ppl", s->perplexity);
	json_add_count(object, "top1", s->top1);
	json_add_number(object, "top1_agreement", (double)s->top1 / tokens);
	json_add_count(object, "ctx", text->ctx);
	json_add_count(object, "stride", text->stride);
	json_add_count(object, "text_tokens", text->n);
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

static int print_text(const struct eval_text *text, const struct ctrans_score *s,
		      double seconds)
{
	char energy[24], chip[24];
	double tokens = (double)s->tokens;

	show_energy(energy, sizeof(energy), joule(&s->usage) / tokens);
	show_time(chip, sizeof(chip), s->usage.chip_seconds);
	printf("perplexity   %.4f\n", s->perplexity);
	printf("nll          %.5f a token, %.2f in all\n", s->nll / tokens, s->nll);
	printf("tokens       %llu scored, windows of %u, stride %u\n",
	       (unsigned long long)s->tokens, text->ctx, text->stride);
	printf("top-1        %.2f %% of them were the model's first choice\n",
	       100 * (double)s->top1 / tokens);
	printf("energy       %s for each scored token (modelled)\n", energy);
	printf("chip time    %s (modelled)\n", chip);
	printf("wall time    %.2f s, %.1f tokens/s\n", seconds, tokens / seconds);
	return finish_output();
}

static int score(struct ctrans_model *model, const char *path,
		 struct eval_text *text)
{
	struct ctrans_model_info info;
	struct ctrans_score s;
	double seconds;
	int ret, status;

	ret = ctrans_model_info(model, &info, sizeof(info));
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	status = eval_windows(text, &info);
	if (!status)
		status = eval_score(model, text, "Scoring", &s, &seconds);
	if (status)
		return status;
	if (wall_seconds(&s.usage) > 0)
		seconds = wall_seconds(&s.usage);
	status = options.json ? print_json(path, &info, text, &s, seconds) :
				print_text(text, &s, seconds);
	if (options.stats)
		print_stats(&s.usage, &info.device);
	return status;
}

/* Plots are of the dispatch that is asked for; of all, of the default. */
static int plot(const char *path, const struct eval_text *text)
{
	struct ctrans_model *model = NULL;
	bool all = model_options.policy && !strcmp(model_options.policy, "all");
	int status;

	if (all)
		model_options.policy = NULL;
	status = model_load(&command_eval, path, CTRANS_MODEL_NO_SHARING, &model);
	if (!status)
		status = eval_plot(model, path, text, options.plot);
	ctrans_model_close(model);
	return status;
}

static int check_model(const struct ctrans_model *model, const char *path)
{
	struct ctrans_model_info info;
	int ret = ctrans_model_info(model, &info, sizeof(info));

	return ret ? fail_library(ret, EXIT_FAILED) : eval_takes_text(path, &info);
}

static int score_one(const char *path, struct eval_text *text)
{
	struct ctrans_model *model = NULL;
	int status;

	if (options.plot && model_options.f32)
		return usage_error(&command_eval,
			"--plot shows where values of 8 bits go, and --f32 has none");
	status = model_load(&command_eval, path, 0, &model);
	if (!status)
		status = check_model(model, path);
	if (!status)
		status = eval_tokens(text, model);
	if (!status && options.spikes)
		status = eval_spikes(model, path, text->ids,
				     text->n < options.spikes ? text->n : options.spikes,
				     options.json);
	else if (!status)
		status = score(model, path, text);
	ctrans_model_close(model);
	return status;
}

/* What excludes comparing policies. */
static int check_all(const char *what)
{
	if (options.stats)
		return usage_error(&command_eval,
			"--stats is of one policy: %s has tables of its own", what);
	if (model_options.f32)
		return usage_error(&command_eval,
			"%s runs binary32 itself: leave out --f32", what);
	if (model_options.code || model_options.flip)
		return usage_error(&command_eval,
			"%s runs every spike code itself: leave out --%s", what,
			model_options.code ? "code" : "flip");
	return EXIT_OK;
}

static int results_differ(void)
{
	return fail(EXIT_FAILED,
		"results differ between policies, which must not be: please report this, with the model and the text");
}

static int score_all(const char *path, struct eval_text *text)
{
	struct eval_comparison c = {
		.path = path, .reference = options.reference,
		.decoded = options.decode,
	};
	int status = check_all("--policy all");

	if (!status)
		status = eval_compare(&command_eval, &c, text);
	if (status)
		return status;
	status = options.json ? eval_print_json(&c) : eval_print(&c);
	if (!c.equal)
		return results_differ();
	if (!c.exact_equal)
		return fail(EXIT_FAILED,
			"exact speculation changed the results, which must not be: please report this, with the model and the text");
	if (c.n_drafts && !c.drafts_equal)
		return fail(EXIT_FAILED,
			"the little model changed the text, which in its exact mode must not be: please report this, with the models and the text");
	return status;
}

static int paper(const char *path, struct eval_text *text)
{
	struct ctrans_measured measured = { .size = sizeof(measured) };
	int status = EXIT_OK;

	if (path) {
		status = check_all("--paper");
		if (!status)
			status = eval_measure(&command_eval, path, text, &measured);
	}
	return status ? status : eval_paper(&measured, path, options.json);
}

/* Lines are scored without a model, and without what says how to run it. */
static int score_lines(const char *path, bool all)
{
	const char *other = options.text ? "text" : options.ids ? "ids" :
		options.paper ? "paper" : options.plot ? "plot" :
		options.reference ? "reference" : options.spikes ? "spikes" :
		options.stats ? "stats" : options.ctx ? "ctx" :
		options.stride ? "stride" : all ? "policy" : NULL;

	if (path)
		return usage_error(&command_eval,
			"--bleu and --rouge run no MODEL, \"%s\": references go after --ref",
			path);
	if (other)
		return usage_error(&command_eval,
			"--bleu and --rouge score lines by themselves: leave out --%s",
			other);
	return eval_metrics(options.json);
}

/* What is of a text alone. */
static int score_pairs(const char *path, bool all)
{
	const char *other = options.text ? "text" : options.ids ? "ids" :
		options.paper ? "paper" : options.plot ? "plot" :
		options.spikes ? "spikes" : options.stats ? "stats" :
		options.ctx ? "ctx" : options.stride ? "stride" :
		options.decode_given ? "decode" : NULL;
	int status;

	if (other)
		return usage_error(&command_eval,
			"--sources has a text written for each line, and --%s is of a text alone: leave it out",
			other);
	status = all ? check_all("--policy all") : EXIT_OK;
	if (!status && options.reference && model_options.f32)
		status = usage_error(&command_eval,
			"--reference is what 8 bits are compared with: leave out --f32");
	return status ? status : eval_pairs(path, options.reference, all, options.json);
}

static int check_options(const char *path, bool all)
{
	bool text = options.text || options.ids;

	if (!path && !options.paper)
		return usage_error(&command_eval,
			"MODEL is missing: a Hugging Face directory or a GGUF file");
	if (options.paper && !path != !text)
		return usage_error(&command_eval, path ?
			"--paper measures MODEL on a text: --text FILE is missing" :
			"--paper with a text measures a model on it: MODEL is missing");
	if (options.text && options.ids)
		return usage_error(&command_eval,
			"--text and --ids exclude each other");
	if (!text && !options.paper)
		return usage_error(&command_eval,
			"--text FILE is missing (or --ids FILE)");
	if (options.paper && (all || options.plot))
		return usage_error(&command_eval,
			"--paper is a table by itself: leave out --%s",
			all ? "policy" : "plot");
	if (options.spikes && (all || options.plot || options.paper ||
			       model_options.f32))
		return usage_error(&command_eval,
			"--spikes is a run of its own, of 8 bits: leave out --%s",
			all ? "policy all" : options.plot ? "plot" :
			options.paper ? "paper" : "f32");
	if (options.reference && !all)
		return usage_error(&command_eval,
			"--reference compares, which takes --policy all");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct eval_text text = { 0 };
	const char *path;
	bool all;
	int status;

	if (!options_parse(&command_eval, argc, argv, &path, &status))
		return status;
	all = model_options.policy && !strcmp(model_options.policy, "all");
	if (eval_pairs_wanted())
		return score_pairs(path, all);
	if (eval_metrics_wanted())
		return score_lines(path, all);
	status = check_options(path, all);
	if (status)
		return status;
	catch_interrupt();
	text.ctx = options.ctx;
	text.stride = options.stride;
	if (path)
		status = eval_read(&text, options.text ? options.text : options.ids,
				   options.ids);
	if (!status && options.paper)
		status = paper(path, &text);
	else if (!status)
		status = all ? score_all(path, &text) : score_one(path, &text);
	if (!status && options.plot)
		status = plot(path, &text);
	eval_text_free(&text);
	return status;
}
