// SPDX-License-Identifier: MIT
/* A chip for several processes: none notices the others, however they end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answers.h"
#include "guest.h"

/* In a process of its own; its status is 0 if all was as alone. */
static pid_t start_asking(const struct answer *expected, unsigned int rounds)
{
	struct ctrans_model *model;
	struct answer a;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid)
		return pid;
	if (open_on("accel", demo_model(), NULL, &model))
		_exit(3);
	for (unsigned int i = 0; i < rounds * ANSWERS; i++) {
		if (answer_on(model, i % ANSWERS, &a))
			_exit(4);
		if (!same_answer(&a, &expected[i % ANSWERS]))
			_exit(5);
	}
	ctrans_model_close(model);
	_exit(0);
}

static int end_of(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void two_processes(void)
{
	struct answer expected[ANSWERS];
	pid_t a, b;

	expected_answers(demo_model(), NULL, expected);
	a = start_asking(expected, 3);
	b = start_asking(expected, 3);
	is(end_of(a), 0, "one process gets what it would get alone");
	is(end_of(b), 0, "and so does the other, at the same time");
}

/* One after the other dies, at any moment of its life, while one works on. */
static void killed(void)
{
	struct answer expected[ANSWERS];
	uint64_t seed = 88172645463325252ull;
	unsigned int died = 0;
	pid_t survivor;

	expected_answers(demo_model(), NULL, expected);
	survivor = start_asking(expected, 12);
	for (unsigned int i = 0; i < 12; i++) {
		pid_t victim = start_asking(expected, 1000);

		usleep((useconds_t)(guest_random(&seed) % 1500000));
		must(!kill(victim, SIGKILL));
		died += end_of(victim) == -SIGKILL;
	}
	is(died, 12, "killed at any moment, they are gone");
	is(end_of(survivor), 0, "the one that stays is not harmed");
	is(end_of(start_asking(expected, 1)), 0, "nor is one that comes after");
}

/* KiB of a line of /proc/meminfo. */
static long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "re");
	size_t n = strlen(name);
	char line[128];
	long kib = -1;

	must(f);
	while (kib < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && line[n] == ':')
			kib = atol(line + n + 1);
	fclose(f);
	must(kib >= 0);
	return kib;
}

/* Opened and closed more often than the chip has queues and address spaces. */
static void memory_is_given_back(void)
{
	const char *data = getenv("CTRANS_TEST_DATA");
	const uint32_t token = 1;
	struct ctrans_session *session;
	struct ctrans_model *model;
	long before, after;
	char path[512];

	must(!open_on("accel", demo_model(), NULL, &model));
	before = meminfo("Shmem");
	ctrans_model_close(model);
	after = meminfo("Shmem");
	ok(before - after >= 2048, "a model takes device memory (%ld KiB) and gives it back",
	   before - after);
	snprintf(path, sizeof(path), "%s/model/f16.gguf", data ? data : "tests/data");
	before = meminfo("Shmem");
	for (unsigned int i = 0; i < 100; i++) {
		must(!open_on("accel", path, NULL, &model));
		must(!ctrans_session_open(model, &session));
		must(!ctrans_session_eval(session, &token, 1, NULL));
		ctrans_session_close(session);
		ctrans_model_close(model);
	}
	after = meminfo("Shmem");
	ok(after - before < 512, "a hundred models leave nothing behind (%ld KiB)",
	   after - before);
}

static const struct guest_test tests[] = {
	{ "two_processes", two_processes, 240 },
	{ "killed", killed, 240 },
	{ "memory_is_given_back", memory_is_given_back, 240 },
};

GUEST_MAIN(tests)
