// SPDX-License-Identifier: MIT
/* Sentences for people, on standard error, and the exit code that goes along. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "ctrans.h"
#include "terminal.h"

int fail(int status, const char *fmt, ...)
{
	va_list ap;

	progress_clear();
	fflush(stdout);
	flockfile(stderr);
	fputs("ctrans: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
	return status;
}

int usage_error(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	fputs("ctrans: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nhint: see \"ctrans help%s%s\"\n", command ? " " : "",
		command ? command->name : "");
	return EXIT_USAGE;
}

/* What else could be done, where the library's sentence cannot know it. */
static const struct {
	int err, status;
	const char *hint;
} statuses[] = {
	{ -ENODEV, EXIT_DEVICE, "\"ctrans devices\" lists what this machine has" },
	{ -EIO, EXIT_DEVICE, NULL },
	{ -EBUSY, EXIT_DEVICE, NULL },
	{ -ENOMEM, EXIT_MEMORY, "a smaller model or context takes less memory" },
	{ -ECANCELED, EXIT_INTERRUPTED, NULL },
};

int fail_library(int err, int other)
{
	const char *message = ctrans_message();
	const char *hint = NULL;
	int status = other;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].err != err)
			continue;
		status = statuses[i].status;
		hint = statuses[i].hint;
	}
	/* Interruption is no error, and needs no sentence. */
	if (status == EXIT_INTERRUPTED)
		return status;
	fail(status, "%s", *message ? message : ctrans_strerror(err));
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
	return status;
}

int fail_no_tokenizer(void)
{
	fail(EXIT_FAILED, "the model has no tokenizer, so it takes no text");
	fprintf(stderr, "hint: \"ctrans eval --ids\" and \"ctrans bench\" do without\n");
	return EXIT_FAILED;
}

int finish_output(void)
{
	bool failed = ferror(stdout);
	int err = 0;

	errno = 0;
	if (fflush(stdout)) {
		failed = true;
		err = errno;
	}
	if (!failed)
		return EXIT_OK;
	if (err == EPIPE)
		return EXIT_FAILED;
	return fail(EXIT_FAILED, "standard output could not be written%s%s",
		    err ? ": " : "", err ? strerror(err) : "");
}
