// SPDX-License-Identifier: MIT
/* ctrans convert: a model to a file that loads faster. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "model_options.h"

static struct {
	const char *out;
} options;

static const struct option_spec specs[] = {
	{ OPTION_TEXT, 'o', "output", "FILE", &options.out,
	  .help = "the file to write; it is replaced as a whole, or not at all" },
	{ OPTION_END },
};

static const struct option_spec threshold_specs[] = {
	{ OPTION_TEXT, 0, "calibrate", "FILE", &model_options.calibrate,
	  .help = "fixed thresholds for each layer, from running this text once; "
		  "they become part of the file" },
	{ OPTION_FLOAT, 0, "levels", "X", &model_options.levels,
	  &model_options.levels_given, 1, 32767,
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

static int run(int argc, char **argv)
{
	const char *path;
	int status;

	if (!options_parse(&command_convert, argc, argv, &path, &status))
		return status;
	if (!options.out || !*options.out)
		return usage_error(&command_convert,
			"-o FILE is missing: where to write the converted model");
	if (model_options.levels_given && !model_options.calibrate)
		return usage_error(&command_convert,
			"--levels is part of the file only with --calibrate; else give it where the file is run");
	catch_interrupt();
	return model_convert(&command_convert, path, options.out);
}
