// SPDX-License-Identifier: MIT
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Numbers and results of all processes of the program. */
static struct tally {
	unsigned int lines;
	unsigned int failed;
} *tally;

static const char *test_name = "?";

int64_t guest_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

unsigned int guest_loops(unsigned int otherwise)
{
	const char *loops = getenv("LIFE_LOOPS");

	return loops && atoi(loops) > 0 ? (unsigned int)atoi(loops) : otherwise;
}

uint64_t guest_random(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dull;
}

/* One write for each line: several processes and threads print. */
static void print(const char *line)
{
	size_t done = 0, n = strlen(line);

	while (done < n) {
		ssize_t put = write(STDOUT_FILENO, line + done, n - done);

		if (put < 0 && errno != EINTR)
			_exit(3);
		if (put > 0)
			done += (size_t)put;
	}
}

static void line(bool good, const char *what)
{
	unsigned int number;
	char text[512];

	number = __atomic_add_fetch(&tally->lines, 1, __ATOMIC_RELAXED);
	if (!good)
		__atomic_add_fetch(&tally->failed, 1, __ATOMIC_RELAXED);
	snprintf(text, sizeof(text), "%sok %u - %s: %s\n", good ? "" : "not ",
		 number, test_name, what);
	print(text);
}

void guest_note(const char *text, ...)
{
	char out[512] = "# ";
	va_list ap;

	va_start(ap, text);
	vsnprintf(out + 2, sizeof(out) - 3, text, ap);
	va_end(ap);
	strcat(out, "\n");
	print(out);
}

void guest_unheard(void)
{
	static struct tally own;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	tally = &own;
	if (null >= 0)
		dup2(null, STDOUT_FILENO);
}

void guest_skip(const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "# SKIP %s", why);
	line(true, text);
}

#define NAME(name)						\
	char what[256];						\
	va_list ap;						\
								\
	va_start(ap, name);					\
	vsnprintf(what, sizeof(what), name, ap);		\
	va_end(ap)

bool guest_ok(bool good, const char *file, int at, const char *name, ...)
{
	NAME(name);
	line(good, what);
	if (!good)
		guest_note("  at %s:%d", file, at);
	return good;
}

bool guest_is(int64_t got, int64_t want, const char *file, int at,
	      const char *name, ...)
{
	NAME(name);
	line(got == want, what);
	if (got != want)
		guest_note("  at %s:%d: got %lld, want %lld", file, at,
			   (long long)got, (long long)want);
	return got == want;
}

bool guest_fails(int64_t got, const char *file, int at, const char *name, ...)
{
	NAME(name);
	line(got < 0, what);
	if (got >= 0)
		guest_note("  at %s:%d: got %lld, want an error", file, at,
			   (long long)got);
	return got < 0;
}

void guest_stop(const char *file, int at, const char *what)
{
	int error = errno;

	line(false, what);
	guest_note("  at %s:%d: cannot go on (%s)", file, at, strerror(error));
	_exit(2);
}

/* The end of a test's process within limit nanoseconds; false: not yet. */
static bool ended(pid_t pid, int *status, int64_t limit)
{
	int64_t until = guest_now() + limit;

	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if (guest_now() > until)
			return false;
		usleep(5000);
	}
}

/* False: its process cannot even be killed, and what follows means nothing. */
static bool run(const struct guest_test *test)
{
	unsigned int seconds = test->seconds ? test->seconds : GUEST_SECONDS;
	int64_t began = guest_now();
	char what[128];
	int status;
	pid_t pid;

	test_name = test->name;
	pid = fork();
	if (pid < 0) {
		line(false, "fork");
		return true;
	}
	if (!pid) {
		/* its own group: whatever it forks goes with it */
		setpgid(0, 0);
		test->run();
		_exit(0);
	}
	setpgid(pid, pid);
	if (!ended(pid, &status, seconds * SECOND)) {
		snprintf(what, sizeof(what), "not done after %u s", seconds);
		line(false, what);
		kill(-pid, SIGKILL);
		if (!ended(pid, &status, 30 * SECOND)) {
			print("Bail out! a process is stuck in the kernel\n");
			return false;
		}
	} else if (WIFSIGNALED(status)) {
		snprintf(what, sizeof(what), "died of signal %d",
			 WTERMSIG(status));
		line(false, what);
	} else if (WEXITSTATUS(status) && WEXITSTATUS(status) != 2) {
		snprintf(what, sizeof(what), "exit status %d",
			 WEXITSTATUS(status));
		line(false, what);
	}
	kill(-pid, SIGKILL);
	guest_note("%s took %lld ms", test->name,
		   (long long)((guest_now() - began) / MS));
	return true;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

int guest_main(int argc, char **argv, const struct guest_test *tests, size_t n)
{
	char plan[32];

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED) {
		print("Bail out! no memory\n");
		return 1;
	}
	print("TAP version 13\n");
	for (size_t i = 0; i < n; i++)
		if (wanted(tests[i].name, argc, argv) && !run(&tests[i]))
			return 1;
	snprintf(plan, sizeof(plan), "1..%u\n", tally->lines);
	print(plan);
	return tally->failed || !tally->lines;
}

/* ---- What the kernel says --------------------------------------------- */

int kmsg_open(void)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	must(kmsg >= 0);
	must(lseek(kmsg, 0, SEEK_END) >= 0);
	return kmsg;
}

unsigned int kmsg_count(int kmsg, const char *text, char *last, size_t size)
{
	unsigned int n = 0;
	char record[4096];
	ssize_t got;

	for (;;) {
		got = read(kmsg, record, sizeof(record) - 1);
		/* EPIPE: overwritten before we came; each such is a record, too */
		if (got < 0 && errno == EPIPE) {
			n++;
			continue;
		}
		if (got <= 0)
			return n;
		record[got] = 0;
		if (!strstr(record, text))
			continue;
		n++;
		if (last)
			snprintf(last, size, "%s", record);
	}
}
