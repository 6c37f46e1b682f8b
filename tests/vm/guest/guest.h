/* SPDX-License-Identifier: MIT */
/*
 * The runner of the driver's tests in a guest. A program is a list of tests;
 * each runs in a process of its own with a time limit, so that one that dies or
 * hangs is one failure and no more. Every check is a line of TAP.
 *
 *	PROGRAM [TEST...]	run all tests, or those named
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_test {
	const char *name;
	void (*run)(void);
	unsigned int seconds;	/* 0: GUEST_SECONDS */
};

/* Emulated CPUs on a busy host: far above what anything takes. */
#define GUEST_SECONDS	120

int guest_main(int argc, char **argv, const struct guest_test *tests, size_t n);
#define GUEST_MAIN(tests)						\
	int main(int argc, char **argv)					\
	{								\
		return guest_main(argc, argv, tests,			\
				  sizeof(tests) / sizeof(tests[0]));	\
	}

/* One line each; they return whether it was so. */
#define ok(condition, ...) \
	guest_ok(condition, __FILE__, __LINE__, __VA_ARGS__)
#define is(got, want, ...) \
	guest_is((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, __VA_ARGS__)
/* A call that has to fail, with whichever error. */
#define fails(got, ...) \
	guest_fails((int64_t)(got), __FILE__, __LINE__, __VA_ARGS__)

/* What a test cannot go on without; no line unless it is not so. */
#define must(condition)							\
	do {								\
		if (!(condition))					\
			guest_stop(__FILE__, __LINE__, #condition);	\
	} while (0)

bool guest_ok(bool good, const char *file, int line, const char *name, ...)
	__attribute__((format(printf, 4, 5)));
bool guest_is(int64_t got, int64_t want, const char *file, int line,
	      const char *name, ...) __attribute__((format(printf, 5, 6)));
bool guest_fails(int64_t got, const char *file, int line, const char *name, ...)
	__attribute__((format(printf, 4, 5)));
void guest_stop(const char *file, int line, const char *what)
	__attribute__((noreturn));
/* From here on what this process finds is not counted, nor said. */
void guest_unheard(void);
/* A line that counts as neither, with its reason. */
void guest_skip(const char *why);
/* A remark in the log. */
void guest_note(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t guest_now(void);
#define MS	1000000ll
#define SECOND	1000000000ll

/* How often a test is to do what is done over and over: LIFE_LOOPS, if set. */
unsigned int guest_loops(unsigned int otherwise);

/* xorshift64*; *seed is never 0. */
uint64_t guest_random(uint64_t *seed);

/* ---- What the kernel says --------------------------------------------- */

/* Records of the kernel's log from here on. */
int kmsg_open(void);
/*
 * Read on; how many records have text in them ("" is in all). The last one that
 * has goes to line, if given.
 */
unsigned int kmsg_count(int kmsg, const char *text, char *line, size_t size);

/* ---- The other side ----------------------------------------------------- */

/*
 * One command for the virtual chip's control socket, by way of the host. False
 * if this guest has no such way.
 */
bool ctl(const char *command, char *answer, size_t size);

#endif
