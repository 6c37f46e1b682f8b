// SPDX-License-Identifier: MIT
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* No context holds more, and no text to score has to be longer. */
#define TEXT_MAX	((size_t)1 << 30)
#define FIRST_ROOM	((size_t)1 << 16)

static int read_all(int fd, const char *what, struct text *text)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (text->len + 1 >= room) {
			char *more;

			room = room ? 2 * room : FIRST_ROOM;
			more = realloc(text->bytes, room);
			if (!more)
				return fail(EXIT_MEMORY, "%s: out of memory", what);
			text->bytes = more;
		}
		got = read(fd, text->bytes + text->len, room - text->len - 1);
		if (got < 0 && errno == EINTR && !interrupted())
			continue;
		if (got < 0 && errno == EINTR)
			return EXIT_INTERRUPTED;
		if (got < 0)
			return fail(EXIT_FAILED, "%s cannot be read: %s", what,
				    strerror(errno));
		if (!got)
			break;
		text->len += (size_t)got;
		if (text->len > TEXT_MAX)
			return fail(EXIT_FAILED, "%s is longer than 1 GiB", what);
	}
	text->bytes[text->len] = '\0';
	return EXIT_OK;
}

int read_text(const char *path, struct text *text)
{
	int fd, status;

	*text = (struct text){ 0 };
	if (!path || !strcmp(path, "-")) {
		if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
			fputs("Type the text; end it with Ctrl-D on a line of its own.\n",
			      stderr);
		status = read_all(STDIN_FILENO, "standard input", text);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail(EXIT_FAILED, "%s cannot be read: %s", path,
				    strerror(errno));
		status = read_all(fd, path, text);
		close(fd);
	}
	if (status)
		text_free(text);
	return status;
}

int read_prompt(const char *given, const char *path, struct text *text)
{
	if (!given)
		return read_text(path, text);
	text->len = strlen(given);
	text->bytes = strdup(given);
	if (!text->bytes)
		return fail(EXIT_MEMORY, "out of memory");
	return EXIT_OK;
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

int parse_ids(const struct text *text, const char *what, uint32_t **ids_out,
	      size_t *n_out)
{
	const char *p = text->bytes, *end = p + text->len;
	uint32_t *ids;
	size_t n = 0;

	/* Two ids have something between them. */
	ids = malloc((text->len / 2 + 1) * sizeof(*ids));
	if (!ids)
		return fail(EXIT_MEMORY, "%s: out of memory", what);
	for (;;) {
		const char *start;
		uint64_t id = 0;

		/* memchr, not strchr: a NUL is no separator */
		while (p < end && memchr(" \t\r\n,[]", *p, 8))
			p++;
		if (p == end)
			break;
		for (start = p; p < end && *p >= '0' && *p <= '9'; p++)
			if (id <= UINT32_MAX)
				id = 10 * id + (uint64_t)(*p - '0');
		if (p == start || id > UINT32_MAX ||
		    (p < end && !memchr(" \t\r\n,[]", *p, 8))) {
			free(ids);
			return fail(EXIT_FAILED,
				"%s: no token id at byte %zu (ids are whole numbers between spaces or commas)",
				what, (size_t)(start - text->bytes));
		}
		ids[n++] = (uint32_t)id;
	}
	*ids_out = ids;
	*n_out = n;
	return EXIT_OK;
}

int tokenize_text(const struct ctrans_model *model, const struct text *text,
		  uint32_t flags, uint32_t **ids_out, size_t *n)
{
	/* Nearly always enough: a token is at least a byte. */
	size_t room = text->len + 1;

	for (;;) {
		uint32_t *ids = malloc(room * sizeof(*ids));
		int ret;

		if (!ids)
			return fail(EXIT_MEMORY, "out of memory");
		ret = ctrans_tokenize(model, text->bytes, text->len, flags, ids,
				      room, n);
		if (!ret) {
			*ids_out = ids;
			return EXIT_OK;
		}
		free(ids);
		if (ret == -ENOTSUP)
			return fail_no_tokenizer();
		if (ret != -E2BIG || *n <= room)
			return fail_library(ret, EXIT_FAILED);
		room = *n;
	}
}
