// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_INTERVAL_NS	50000000u
#define BAR_MAX	40

static bool off, shown;
static uint64_t shown_at;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDERR_FILENO))
		return 0;
	/* A serial line knows no size. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

void progress_off(void)
{
	off = true;
}

void progress_clear(void)
{
	if (!shown)
		return;
	fputs("\r\033[K", stderr);
	shown = false;
	shown_at = 0;
}

void progress_show(const char *what, uint64_t done, uint64_t total,
		   const char *note)
{
	char line[256], tail[64];
	unsigned int width, room, bar, filled;
	uint64_t now;
	double part;

	if (off)
		return;
	width = terminal_width();
	now = now_ns();
	if (!width || (shown && now - shown_at < PROGRESS_INTERVAL_NS))
		return;
	part = total ? (double)done / (double)total : 0;
	part = part > 1 ? 1 : part;
	snprintf(tail, sizeof(tail), "%3.0f %%%s%s", 100 * part,
		 note ? "  " : "", note ? note : "");

	/* The last column stays free: some terminals wrap there. */
	room = width - 1 < sizeof(line) - 1 ? width - 1 :
					      (unsigned int)sizeof(line) - 1;
	bar = (unsigned int)(strlen(what) + strlen(tail)) + 6;
	bar = room > bar ? room - bar : 0;
	bar = bar > BAR_MAX ? BAR_MAX : bar;
	if (bar >= 5) {
		int at = snprintf(line, sizeof(line), "%s  [", what);

		filled = (unsigned int)(part * bar + 0.5);
		memset(line + at, '#', filled);
		memset(line + at + filled, ' ', bar - filled);
		snprintf(line + at + bar, sizeof(line) - (size_t)at - bar,
			 "]  %s", tail);
	} else {
		snprintf(line, sizeof(line), "%s", tail);
	}
	fprintf(stderr, "\r%.*s\033[K", (int)room, line);
	shown = true;
	shown_at = now;
}

void print_pieces(const char *const *pieces, unsigned int n)
{
	unsigned int width = terminal_width(), column = 0;

	flockfile(stderr);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int len = pieces[i] ? (unsigned int)strlen(pieces[i]) : 0;

		if (!len)
			continue;
		if (column && width && column + 2 + len + 1 > width) {
			fputs(";\n", stderr);
			column = 0;
		}
		fprintf(stderr, "%s%s", column ? "; " : "", pieces[i]);
		column += len + (column ? 2 : 0);
	}
	fputc('\n', stderr);
	funlockfile(stderr);
}
