// SPDX-License-Identifier: MIT
/* ctrans devices: what models can run on here. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
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
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_devices = {
	.name = "devices",
	.summary = "what models can run on here",
	.synopsis = "[--json]",
	.about = "List devices, chips before the chip model: the names are what --device takes,\n"
		 "the first is the default.",
	.examples = "  ctrans devices",
	.groups = groups,
	.run = run,
};

static void print_text(const struct ctrans_device_info *d, bool first)
{
	printf("%s%s\n", d->name, first ? " (default)" : "");
	printf("    %s\n", d->description);
	/* one that cannot be used says so in its description */
	if (d->cores)
		printf("    %u cores, %.2f V, %.4g MHz\n", d->cores, d->mv * 1e-3,
		       d->khz * 1e-3);
	if (d->is_model)
		printf("    %u thread%s, kernel %s\n", d->threads,
		       d->threads == 1 ? "" : "s", d->kernel);
}

static int run(int argc, char **argv)
{
	cJSON *object = NULL, *list = NULL, *entry;
	struct ctrans_device_info info;
	unsigned int n = 0;
	int ret, status;

	if (!options_parse(&command_devices, argc, argv, NULL, &status))
		return status;
	if (options.json) {
		object = json_object();
		list = json_add_array(object, "devices");
	}
	while (!(ret = ctrans_device_get(n, &info, sizeof(info)))) {
		if (options.json) {
			entry = json_append_object(list);
			json_device_fields(entry, &info);
			json_add_bool(entry, "is_default", n == 0);
		} else {
			print_text(&info, n == 0);
		}
		n++;
	}
	if (ret != -ENODEV) {
		cJSON_Delete(object);
		return fail_library(ret, EXIT_DEVICE);
	}
	return options.json ? json_print(object) : finish_output();
}
