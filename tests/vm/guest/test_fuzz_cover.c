// SPDX-License-Identifier: MIT
/*
 * Fuzzing led by coverage: programs of a few steps, one process for each; those
 * that reach code that none reached before are kept, changed and crossed. Besides,
 * the chip misbehaves, sleeps, is reset and loses its driver, and has to be well
 * again in time after each of these.
 *
 *	FUZZ_SECONDS	how long (20)
 *	FUZZ_SEED	a number printed by another run, to do it again; the
 *			kernel's and the chip's timing is not part of it
 *	FUZZ_REPLAY	a file with a program as it is printed when the kernel
 *			complained after it: "guest_fuzz_cover replay" runs it
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cover.h"
#include "fuzz_program.h"
#include "pci.h"
#include "test_fuzz_cover.h"

/* A program that waits for jobs that hang may take so long; then it is killed. */
#define PROGRAM_S	10
/* And then it ends, whatever the chip does: unless it is stuck. */
#define KILLED_S	30
/* Programs shown of a run: the first say most. */
#define SHOWN		5

unsigned int fuzz_seconds;
uint64_t fuzz_seed;

static struct fuzz_program *running;	/* shared with its process */

/* Where it is stuck, for whoever may look. */
static void show_stack(pid_t pid)
{
	char path[64], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		guest_note("  %s", line);
	}
	if (f)
		fclose(f);
}

/* SIGCHLD is blocked here, so that its coming ends the wait. */
static bool ends_within(pid_t pid, unsigned int seconds)
{
	int64_t until = guest_now() + seconds * SECOND;
	const struct timespec tick = { .tv_nsec = 100 * MS };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	do {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		sigtimedwait(&child, NULL, &tick);
	} while (guest_now() < until);
	return false;
}

static void hear_of_ends(int how)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(how, &child, NULL);
}

static pid_t program_start(void)
{
	pid_t pid;

	cover_clear();
	fflush(stdout);
	pid = fork();
	must(pid >= 0);
	if (pid)
		return pid;
	guest_unheard();
	hear_of_ends(SIG_UNBLOCK);
	/* a store to where a mapping has nothing ends the process */
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	cover_this();
	program_run(running);
	_exit(0);
}

/* False: it cannot even be killed. */
static bool program_end(pid_t pid)
{
	if (ends_within(pid, PROGRAM_S))
		return true;
	kill(pid, SIGKILL);
	if (ends_within(pid, KILLED_S))
		return true;
	guest_note("a program is stuck in the kernel");
	show_stack(pid);
	return false;
}

struct run {
	unsigned int programs, faults, disturbed, slow, complaints;
	int64_t worst, until, said;
	uint64_t seed;
	int kmsg;
};

/* What the kernel printed since the last look. */
static bool complained(struct run *r)
{
	char line[512];

	if (!kmsg_count(r->kmsg, "Call Trace:", line, sizeof(line)))
		return false;
	if (r->complaints++ < SHOWN) {
		guest_note("the kernel complained during this program:");
		program_write(running, stdout);
	}
	return true;
}

static void next_program(struct run *r)
{
	const struct fuzz_program *from = corpus_pick(&r->seed);

	if (!from || guest_random(&r->seed) % 8 == 0) {
		program_new(running, &r->seed);
		return;
	}
	*running = *from;
	program_change(running, corpus_pick(&r->seed), &r->seed);
}

/* A fault's time is over: is all well, and how soon? */
static void recover(struct run *r, const char *what)
{
	int64_t began = guest_now(), took;
	bool well = chip_recovers();

	took = guest_now() - began;
	if (took > r->worst)
		r->worst = took;
	if (well)
		return;
	r->slow++;
	guest_note("not well %d s after \"%s\" (%lld ms)", RECOVERY_S, what,
		   (long long)(took / MS));
}

void cover(void)
{
	struct run r = { .seed = fuzz_seed | 1, .kmsg = kmsg_open() };
	bool faults = chip_has_faults(), led = cover_open();
	unsigned int wrong = 0, episode = 0;
	char what[128] = "";

	if (!led)
		guest_note("this kernel does not say what is reached: blind");
	hear_of_ends(SIG_BLOCK);
	r.until = guest_now() + fuzz_seconds * SECOND;
	while (guest_now() < r.until) {
		const char *disturbed = NULL;
		unsigned int fresh;
		pid_t pid;

		if (faults && !episode && guest_random(&r.seed) % 24 == 0) {
			const char *knob;

			wrong += !chip_unviolated();
			knob = chip_fault(&r.seed);
			if (knob) {
				snprintf(what, sizeof(what), "%s", knob);
				episode = 1 + (unsigned int)
					(guest_random(&r.seed) % 8);
				r.faults++;
			}
		}
		next_program(&r);
		pid = program_start();
		if (guest_random(&r.seed) % 24 == 0) {
			if (!episode)
				wrong += !chip_unviolated();
			usleep((useconds_t)(guest_random(&r.seed) % 20000));
			disturbed = chip_disturb(&r.seed);
			r.disturbed++;
		}
		if (!program_end(pid)) {
			program_write(running, stdout);
			ok(false, "a program ends when it is killed");
			return;
		}
		r.programs++;
		fresh = cover_take();
		if (fresh) {
			corpus_add(running);
			if (guest_now() > r.said + 10 * SECOND) {
				r.said = guest_now();
				guest_note("%u edges by %u programs, %u kept",
					   cover_edges(), r.programs,
					   corpus_size());
			}
		}
		complained(&r);
		if (episode && --episode == 0)
			recover(&r, what);
		else if (!episode && disturbed)
			recover(&r, disturbed);
	}
	if (episode)
		recover(&r, what);
	wrong += !chip_unviolated();
	if (led)
		ok(cover_edges() > 100, "%u edges by %u programs, of which %u are kept",
		   cover_edges(), r.programs, corpus_size());
	else
		ok(r.programs > 10, "%u programs", r.programs);
	ok(!r.complaints, "the kernel complained of %u programs", r.complaints);
	ok(!r.slow, "%u faults of the chip, %u disturbances: the longest recovery took %lld ms",
	   r.faults, r.disturbed, (long long)(r.worst / MS));
	is(wrong, 0, "times that the chip saw a violation without a fault");
	pci_write("power/autosuspend_delay_ms", "100");
	ok(chip_recovers() && chip_works(), "and in the end it works");
}

static void replay(void)
{
	const char *path = getenv("FUZZ_REPLAY");
	FILE *f = path ? fopen(path, "r") : NULL;
	struct run r = { .kmsg = kmsg_open() };

	must(f && program_read(running, f));
	fclose(f);
	for (int i = 0; i < 20; i++)
		must(program_end(program_start()));
	ok(!complained(&r), "%u steps, 20 times", running->n);
}

int main(int argc, char **argv)
{
	const char *s = getenv("FUZZ_SECONDS"), *from = getenv("FUZZ_SEED");
	const struct guest_test tests[] = {
		{ "cover", cover, 300 + (s ? (unsigned int)atoi(s) : 0) },
		{ "evil", evil, 300 },
		{ "replay", replay },
	};
	/* that one only by its name */
	size_t n = getenv("FUZZ_REPLAY") ? 3 : 2;

	fuzz_seconds = s ? (unsigned int)atoi(s) : 20;
	fuzz_seed = from ? strtoull(from, NULL, 0) : (uint64_t)time(NULL) ^
		    (uint64_t)guest_now();
	running = mmap(NULL, sizeof(*running), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (running == MAP_FAILED)
		return 1;
	printf("# FUZZ_SEED=%llu\n", (unsigned long long)fuzz_seed);
	fflush(stdout);
	return guest_main(argc, argv, tests, n);
}
