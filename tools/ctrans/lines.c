// SPDX-License-Identifier: MIT
#include "lines.h"

#include <string.h>

#include "cli.h"
#include "utf8.h"

/* Count lines; @line and @column are of the first byte that is not UTF-8. */
static bool count(struct lines *lines, size_t *line, size_t *column)
{
	const unsigned char *s = (const unsigned char *)lines->text.bytes;
	size_t len = lines->text.len, start = 0, n;

	for (size_t i = 0; i < len; i += n) {
		n = s[i] < 0x80 ? 1 : utf8_char(s + i, len - i);
		if (!n) {
			*line = lines->n + 1;
			*column = i - start + 1;
			return false;
		}
		if (s[i] == '\n') {
			lines->n++;
			start = i + 1;
		}
	}
	lines->n += start < len;
	return true;
}

int lines_read(const char *file, struct lines *lines)
{
	const char *name = strcmp(file, "-") ? file : "standard input";
	size_t line, column;
	int status;

	*lines = (struct lines){ .file = name };
	status = read_text(file, &lines->text);
	if (status)
		return status;
	if (!count(lines, &line, &column))
		return fail(EXIT_FAILED, "%s is not UTF-8: byte %zu of line %zu",
			    name, column, line);
	if (!lines->n)
		return fail(EXIT_FAILED, "%s is empty, and scoring takes a line at least",
			    name);
	return EXIT_OK;
}

void lines_free(struct lines *lines)
{
	text_free(&lines->text);
	*lines = (struct lines){ 0 };
}

struct span lines_next(struct lines *lines)
{
	struct span line = {
		lines->text.bytes + lines->at, lines->text.len - lines->at,
	};
	const char *end = memchr(line.s, '\n', line.len);

	if (end)
		line.len = (size_t)(end - line.s);
	lines->at += line.len + (end != NULL);
	return line;
}
