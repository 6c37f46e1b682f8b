/* SPDX-License-Identifier: MIT */
/* Files that are read side by side, line by line. */
#ifndef CTRANS_TOOL_LINES_H
#define CTRANS_TOOL_LINES_H

#include "input.h"
#include "words.h"

/* Lines end at newlines only, as in sacreBLEU; the last one may lack its own. */
struct lines {
	const char *file;
	struct text text;
	size_t n, at;
};

/*
 * Read @file, "-" for standard input. Prints what is wrong, no line and bytes that are
 * not UTF-8 included, and returns an exit status.
 */
int lines_read(const char *file, struct lines *lines);
void lines_free(struct lines *lines);

/* The next line, of which there is one, without its newline. */
struct span lines_next(struct lines *lines);

#endif
