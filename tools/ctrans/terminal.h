/* SPDX-License-Identifier: MIT */
/* Where people watch: widths, and a bar on the last line of standard error. */
#ifndef CTRANS_TOOL_TERMINAL_H
#define CTRANS_TOOL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Columns of the terminal on standard error; 0: it is none. */
unsigned int terminal_width(void);

/* No bars from now on (--quiet, --json). */
void progress_off(void);

/*
 * "WHAT  [#####     ]  45 %  NOTE" if standard error is a terminal, at most
 * every 50 ms; @note may be NULL. From one thread at a time.
 */
void progress_show(const char *what, uint64_t done, uint64_t total,
		   const char *note);

/* Take the bar away, before anything else is printed. */
void progress_clear(void);

/*
 * Pieces, joined by "; ", on standard error, broken between pieces where the
 * terminal is too narrow; one line where it is none. NULL pieces are left out.
 */
void print_pieces(const char *const *pieces, unsigned int n);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

#endif
