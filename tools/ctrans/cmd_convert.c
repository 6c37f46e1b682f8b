// SPDX-License-Identifier: MIT
/* ctrans convert: a model to a file that loads faster. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "input.h"
#include "model_options.h"
#include "terminal.h"

static struct {
	const char *out, *calibrate;
	float levels;
	bool levels_given;
} options;

static const struct option_spec specs[] = {
	{ OPTION_TEXT, 'o', "output", "FILE", &options.out,
	  .help = "the file to write; it is replaced as a whole, or not at all" },
	{ OPTION_END },
};

static const struct option_spec threshold_specs[] = {
	{ OPTION_TEXT, 0, "calibrate", "FILE", &options.calibrate,
	  .help = "fixed thresholds for each layer, from running this text once; "
		  "they become part of the file" },
	{ OPTION_FLOAT, 0, "levels", "X", &options.levels,
	  &options.levels_given, 1, 32767,
	  .help = "such a threshold: a layer's root mean square over X (default "
		  "24)" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Output", specs },
	{ "Thresholds", threshold_specs },
	{ "Device", device_option_specs },
	{ "Messages", message_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_convert = {
	.name = "convert",
	.summary = "a model to a file that loads faster",
	.synopsis = "MODEL -o FILE [OPTION...]",
	.about =
	"Write a model to one GGUF file as the chip has it in memory: weights packed,\n"
	"the tokenizer with them. It loads several times as fast as what it was made\n"
	"from, and gives the same tokens. Only ctrans reads such files.",
	.examples = "  ctrans convert models/demo -o demo.gguf",
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

static int convert(const char *path)
{
	struct ctrans_convert_params p;
	struct text calibration = { 0 };
	char device[256];
	int status;

	set_log();
	ctrans_convert_params_init(&p, sizeof(p));
	status = device_name(&command_convert, device, sizeof(device), &p.device);
	if (!status && options.calibrate)
		status = read_text(options.calibrate, &calibration);
	if (status)
		return status;
	if (options.calibrate && !calibration.len) {
		text_free(&calibration);
		return fail(EXIT_FAILED, "%s is empty, and calibration takes text",
			    options.calibrate);
	}
	if (options.levels_given)
		p.levels = options.levels;
	if (options.calibrate) {
		p.calibration = calibration.bytes;
		p.calibration_len = calibration.len;
	}
	p.progress = on_progress;
	return finish(&calibration, ctrans_convert(path, &p, options.out));
}

static int run(int argc, char **argv)
{
	const char *path;
	int status;

	if (!options_parse(&command_convert, argc, argv, &path, &status))
		return status;
	if (!options.out || !*options.out)
		return usage_error(&command_convert,
			"-o FILE is missing: where to write the converted model");
	if (options.levels_given && !options.calibrate)
		return usage_error(&command_convert,
			"--levels is part of the file only with --calibrate; else give it where the file is run");
	catch_interrupt();
	return convert(path);
}
