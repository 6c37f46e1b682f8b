/* SPDX-License-Identifier: MIT */
/*
 * Subcommands and their options as tables: one table says what an option is
 * called, what it takes and what it does, and parsing, range checks and help
 * all follow from it.
 */
#ifndef CTRANS_TOOL_OPTIONS_H
#define CTRANS_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_END,
	OPTION_FLAG,		/* bool */
	OPTION_COUNT,		/* unsigned int, one more each time */
	OPTION_UINT,		/* uint32_t, least..most */
	OPTION_U64,		/* uint64_t */
	OPTION_FLOAT,		/* float, least..most, finite */
	OPTION_TEXT,		/* const char * */
	OPTION_DEFAULT,		/* const char *; "" where the value is left out */
	OPTION_CHOICE,		/* const char *, one of choices */
	OPTION_LIST,		/* struct text_list, one more each time, not "" */
};

struct option_spec {
	enum option_type type;
	char letter;		/* 0: none */
	const char *name;
	const char *value;	/* what help calls the value */
	void *to;
	bool *given;		/* or NULL */
	double least, most;
	const char *const *choices;	/* up to NULL */
	const char *help;
};

/* One group of options; a command has a list of them, up to { NULL, NULL }. */
struct option_group {
	const char *title;
	const struct option_spec *specs;	/* up to OPTION_END */
};

struct text_list {
	const char **items;
	size_t n;
};

struct command {
	const char *name;
	const char *summary;	/* for the list of commands */
	const char *synopsis;	/* lines after "ctrans NAME", in help */
	const char *about;	/* paragraphs */
	const char *examples;	/* lines */
	bool takes_model;	/* one operand, MODEL */
	bool needs_model;
	const struct option_group *groups;
	int (*run)(int argc, char **argv);	/* exit status */
};

/*
 * Read the command line into the places that the command's tables name. false:
 * the program is to end with *@status (help was asked for, or a usage error
 * printed). *@model, if the command takes one, is the operand or NULL.
 */
bool options_parse(const struct command *command, int argc, char **argv,
		   const char **model, int *status);

/* Help on standard output, in 80 columns. */
void options_help(const struct command *command);

/* One sentence and where to look further; returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
