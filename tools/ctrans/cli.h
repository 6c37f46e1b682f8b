/* SPDX-License-Identifier: MIT */
/* What the subcommands share: exit codes, messages, interruption. */
#ifndef CTRANS_TOOL_CLI_H
#define CTRANS_TOOL_CLI_H

#include <stdbool.h>

#include "options.h"

/* Documented in ctrans(1), EXIT STATUS. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* the run failed, or output could not be written */
	EXIT_USAGE = 2,
	EXIT_MODEL = 3,		/* the model cannot be loaded */
	EXIT_DEVICE = 4,	/* no such device, or it failed */
	EXIT_MEMORY = 5,
	EXIT_INTERRUPTED = 130,	/* 128 + SIGINT, as shells have it */
};

extern const struct command command_translate, command_summarize;
extern const struct command command_run, command_eval, command_tokenize,
	command_convert, command_info, command_bench, command_devices;

/* "ctrans: ..." on standard error; returns @status. */
int fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The library's sentence for its last failure, @err, and a hint where there is
 * one; returns the exit status that goes with it, @other for a code without
 * one of its own.
 */
int fail_library(int err, int other);

/* A model without a tokenizer was to take text; returns EXIT_FAILED. */
int fail_no_tokenizer(void);

/*
 * Flush standard output. EXIT_OK, or EXIT_FAILED and a sentence if something
 * could not be written; a reader that went away is not worth a sentence.
 */
int finish_output(void);

/*
 * From here on SIGINT sets a word instead of ending the program; a second one
 * ends it. Where the parent had it ignored it stays ignored.
 */
void catch_interrupt(void);
bool interrupted(void);
/* For ctrans_generate_params.cancel. */
const volatile int *interrupt_word(void);

#endif
