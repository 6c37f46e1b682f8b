// SPDX-License-Identifier: MIT
/* ctrans: run, score and measure language models on the C-Transformer chip. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "ctrans.h"

static const struct command *const commands[] = {
	&command_run, &command_translate, &command_summarize, &command_eval,
	&command_tokenize, &command_convert,
	&command_info, &command_bench, &command_devices,
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int no_command(const char *name)
{
	return usage_error(NULL, "there is no command \"%s\"", name);
}

static int print_help(void)
{
	puts("usage: ctrans COMMAND [OPTION...] [MODEL]\n\n"
	     "Language models on the C-Transformer chip, or on its model in this process.\n"
	     "\nCommands:");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
	puts("  version     the versions of this program and of the library\n"
	     "  help        this text; help COMMAND: that command's\n\n"
	     "MODEL is a Hugging Face directory or a GGUF file of GPT-2 architecture, or one\n"
	     "that \"ctrans convert\" has written.\n\n"
	     "Example: ctrans run models/demo -p \"Once upon a time\"\n\n"
	     "See ctrans(1) for exit codes and details.");
	return finish_output();
}

static int help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return print_help();
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "version"))
		return print_help();
	command = find(argv[1]);
	if (!command)
		return no_command(argv[1]);
	options_help(command);
	return finish_output();
}

static int version(void)
{
	printf("ctrans %s (libctrans API %u)\n", ctrans_version(),
	       ctrans_api_version());
	return finish_output();
}

int main(int argc, char **argv)
{
	const struct command *command;
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name)
		return usage_error(NULL, "no command given");
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(name, "version") || !strcmp(name, "--version") ||
	    !strcmp(name, "-V"))
		return version();
	command = find(name);
	if (!command)
		return no_command(name);
	return command->run(argc - 1, argv + 1);
}
