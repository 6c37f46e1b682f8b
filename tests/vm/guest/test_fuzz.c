// SPDX-License-Identifier: MIT
/*
 * Several processes do random things to the device, and are killed at random;
 * in the end it has to work for a new one.
 *
 *	FUZZ_SECONDS	how long (20)
 *	FUZZ_SEED	a number printed by another run, to do it again; the
 *			kernel's and the chip's timing is not part of it
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define PROCESSES	4

static unsigned int limit;
static uint64_t seed;
static uint64_t *steps;

static void fuzz_process(uint64_t from, volatile uint64_t *count)
{
	struct fuzz f = { .seed = from | 1, .kit.fd = -1 };

	/* a store to where a buffer could not get memory ends this process */
	signal(SIGBUS, SIG_DFL);
	f.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; i < FUZZ_FILES; i++)
		f.file[i].fd = accel_open();
	for (int i = 0; i < FUZZ_NAMES; i++)
		f.dmabuf[i] = -1;
	for (;;) {
		fuzz_step(&f);
		++*count;
	}
}

static void fuzz(void)
{
	int64_t until = guest_now() + limit * SECOND;
	unsigned int born = 0, killed = 0, died = 0;
	uint64_t total = 0, state = seed | 1;
	pid_t pid[PROCESSES] = { 0 };

	while (guest_now() < until) {
		unsigned int i = (unsigned int)(guest_random(&state) % PROCESSES);
		int status;

		if (!pid[i]) {
			uint64_t from = guest_random(&state);

			steps[i] = 0;
			pid[i] = fork();
			must(pid[i] >= 0);
			if (!pid[i])
				fuzz_process(from, &steps[i]);
			born++;
		} else if (waitpid(pid[i], &status, WNOHANG) == pid[i]) {
			/* by its own stores: mappings that were cut */
			died++;
			total += steps[i];
			pid[i] = 0;
		} else if (guest_random(&state) % 8 == 0) {
			kill(pid[i], SIGKILL);
			must(waitpid(pid[i], NULL, 0) == pid[i]);
			killed++;
			total += steps[i];
			pid[i] = 0;
		}
		usleep(20000);
	}
	for (int i = 0; i < PROCESSES; i++) {
		if (!pid[i])
			continue;
		kill(pid[i], SIGKILL);
		must(waitpid(pid[i], NULL, 0) == pid[i]);
		total += steps[i];
	}
	guest_note("%u processes, %u killed, %u ended by themselves", born, killed,
		   died);
	ok(total > 100, "%llu steps in %u s", (unsigned long long)total, limit);
}

/* Of buffers, also of those that nobody can name any more; kB. */
static unsigned long shared_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];

	must(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Shmem: %lu kB", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

static unsigned long memory_before;

static void afterwards(void)
{
	unsigned long kb = 0;

	for (int i = 0; i < 20; i++)
		must(chip_works());
	ok(true, "new processes get right results");
	/* files are put to rest by a worker */
	for (int i = 0; i < 100; i++) {
		kb = shared_memory();
		if (kb <= memory_before + 1024)
			break;
		usleep(100000);
	}
	ok(kb <= memory_before + 1024, "%lu kB in buffers before, %lu after",
	   memory_before, kb);
}

int main(int argc, char **argv)
{
	const char *s = getenv("FUZZ_SECONDS");
	const char *from = getenv("FUZZ_SEED");
	const struct guest_test tests[] = {
		{ "fuzz", fuzz, 240 + (s ? (unsigned int)atoi(s) : 0) },
		{ "afterwards", afterwards },
	};

	limit = s ? (unsigned int)atoi(s) : 20;
	seed = from ? strtoull(from, NULL, 0) : (uint64_t)time(NULL) ^
	       (uint64_t)guest_now();
	steps = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (steps == MAP_FAILED)
		return 1;
	memory_before = shared_memory();
	printf("# FUZZ_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return guest_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
