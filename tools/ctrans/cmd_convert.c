// SPDX-License-Identifier: MIT
/* ctrans convert: a model to a file that loads faster. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "convert_report.h"
#include "input.h"
#include "model_options.h"
#include "terminal.h"

static struct {
	const char *out, *calibrate, *task, *thresholds, *weights, *little;
	uint32_t tokens;
	float levels, noise, smooth, sigma;
	bool tokens_given, levels_given, noise_given, smooth_given, sigma_given;
	bool no_correct, report, json;
} options;

static const char *const thresholds[] = { "search", "rms", NULL };
static const char *const encodings[] = { "esc", "s8", NULL };

static const struct option_spec specs[] = {
	{ OPTION_TEXT, 'o', "output", "FILE", &options.out,
	  .help = "the file to write; it is replaced as a whole, or not at all" },
	{ OPTION_TEXT, 0, "little", "MODEL", &options.little,
	  .help = "a little model to put into the file, which drafts tokens for this "
		  "one: converted in the same way" },
	{ OPTION_FLAG, 0, "report", NULL, &options.report,
	  .help = "a table of what was found and decided for each layer" },
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "the same as one JSON object on standard output" },
	{ OPTION_END },
};

static const struct option_spec calibration_specs[] = {
	{ OPTION_TEXT, 0, "calibrate", "FILE", &options.calibrate,
	  .help = "a text to run the model on; thresholds and correction follow from "
		  "what it shows of activations; of models with an encoder lines, "
		  "SOURCE<TAB>TARGET or SOURCE alone" },
	{ OPTION_TEXT, 0, "task", "NAME", &options.task,
	  .help = "what sources begin with the words of (default: the model's first "
		  "task)" },
	{ OPTION_UINT, 0, "tokens", "N", &options.tokens, &options.tokens_given,
	  16, 1e9, .help = "tokens of it at most (default 10240)" },
	{ OPTION_CHOICE, 0, "thresholds", "HOW", &options.thresholds,
	  .choices = thresholds,
	  .help = "fixed for each layer: search (default), of least energy at a "
		  "noise; or rms, its root mean square over --levels" },
	{ OPTION_FLOAT, 0, "noise", "DB", &options.noise, &options.noise_given, 1, 90,
	  .help = "search: signal to noise of the layers' outputs" },
	{ OPTION_FLOAT, 0, "levels", "X", &options.levels, &options.levels_given,
	  1, 32767, .help = "rms: levels of it (default 24)" },
	{ OPTION_FLOAT, 0, "smooth", "A", &options.smooth, &options.smooth_given, 0, 1,
	  .help = "move outliers of activations into weights: 0 (default) none, 1 "
		  "all of them" },
	{ OPTION_END },
};

static const struct option_spec weight_specs[] = {
	{ OPTION_CHOICE, 0, "weights", "TYPE", &options.weights, .choices = encodings,
	  .help = "esc (default), compressed to little over five bits each; or s8, a "
		  "byte each" },
	{ OPTION_FLOAT, 0, "sigma", "K", &options.sigma, &options.sigma_given, 1, 64,
	  .help = "esc: scales such that weights have a standard deviation of K steps "
		  "(default: by output, as it pays)" },
	{ OPTION_FLAG, 0, "no-correct", NULL, &options.no_correct,
	  .help = "round each weight for itself, where with a calibration text later "
		  "ones make up for earlier ones" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Output", specs },
	{ "Calibration", calibration_specs },
	{ "Weights", weight_specs },
	{ "Device", device_option_specs },
	{ "Messages", message_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_convert = {
	.name = "convert",
	.summary = "a model to a file that the chip runs at its best",
	.synopsis = "MODEL -o FILE [OPTION...]",
	.about =
	"Write a model to one GGUF file as the chip has it in memory: weights packed,\n"
	"the tokenizer with them. It loads several times as fast as what it was made\n"
	"from. With a text to calibrate on, firing thresholds are in it, what the text\n"
	"shows of activations, and weights whose errors make up for each other. Only\n"
	"ctrans reads such files.",
	.examples =
	"  ctrans convert models/demo -o demo.gguf --calibrate story.txt\n"
	"  ctrans convert models/demo -o demo.gguf --weights s8",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = run,
};

static int on_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	char note[48];

	(void)arg;
	snprintf(note, sizeof(note), "%.0f of %.0f MB", (double)done / 1e6,
		 (double)total / 1e6);
	/* what is no bytes counts to less */
	progress_show(phase, done, total, total < 1000000 ? NULL : note);
	return interrupted();
}

static int finish(struct text *calibration, int ret)
{
	progress_clear();
	text_free(calibration);
	if (!ret)
		return EXIT_OK;
	if (ret == -EINVAL)
		return fail_library(ret, EXIT_USAGE);
	/* A file, not the device, could not be read. */
	if (ret == -EIO)
		return fail(EXIT_MODEL, "%s", ctrans_message());
	return fail_library(ret, EXIT_MODEL);
}

static int take_text(struct ctrans_convert_params *p, struct text *calibration)
{
	int status = read_text(options.calibrate, calibration);

	if (status)
		return status;
	if (!calibration->len) {
		text_free(calibration);
		return fail(EXIT_FAILED, "%s is empty, and calibration takes text",
			    options.calibrate);
	}
	p->calibration = calibration->bytes;
	p->calibration_len = calibration->len;
	return EXIT_OK;
}

static void take_options(struct ctrans_convert_params *p)
{
	if (options.tokens_given)
		p->calibration_tokens = options.tokens;
	if (options.thresholds)
		p->thresholds = options.thresholds;
	if (options.noise_given)
		p->noise_db = options.noise;
	if (options.levels_given)
		p->levels = options.levels;
	if (options.smooth_given)
		p->smooth = options.smooth;
	if (options.weights)
		p->weights = options.weights;
	if (options.sigma_given)
		p->weight_sigma = options.sigma;
	p->correct = !options.no_correct;
	p->task = options.task;
	p->little = options.little;
	p->progress = on_progress;
}

static int convert(const char *path)
{
	struct convert_report report = { 0 };
	struct ctrans_convert_params p;
	struct text calibration = { 0 };
	char device[256];
	int status;

	set_log();
	if (options.json)
		progress_off();
	ctrans_convert_params_init(&p, sizeof(p));
	status = device_name(&command_convert, device, sizeof(device), &p.device);
	if (!status && options.calibrate)
		status = take_text(&p, &calibration);
	if (status)
		return status;
	take_options(&p);
	if (options.report || options.json) {
		p.report = convert_report_take;
		p.report_arg = &report;
	}
	status = finish(&calibration, ctrans_convert(path, &p, options.out));
	if (!status && (options.report || options.json))
		status = options.json ? convert_report_json(&report, path, options.out) :
					convert_report_print(&report);
	convert_report_free(&report);
	return status;
}

/* What says nothing without a text that says it. */
static int check_options(void)
{
	const struct {
		bool given;
		const char *name;
	} calibrated[] = {
		{ options.task, "task" }, { options.tokens_given, "tokens" },
		{ options.thresholds, "thresholds" },
		{ options.noise_given, "noise" }, { options.levels_given, "levels" },
		{ options.smooth_given, "smooth" }, { options.no_correct, "no-correct" },
	};

	if (!options.out || !*options.out)
		return usage_error(&command_convert,
			"-o FILE is missing: where to write the converted model");
	for (size_t i = 0; i < sizeof(calibrated) / sizeof(calibrated[0]); i++)
		if (calibrated[i].given && !options.calibrate)
			return usage_error(&command_convert,
				"--%s means something only with --calibrate FILE",
				calibrated[i].name);
	if (options.sigma_given && options.weights && strcmp(options.weights, "esc"))
		return usage_error(&command_convert,
			"--sigma is for --weights esc: s8 takes the largest weight as 127");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *path;
	int status;

	if (!options_parse(&command_convert, argc, argv, &path, &status))
		return status;
	status = check_options();
	if (status)
		return status;
	catch_interrupt();
	return convert(path);
}
