// SPDX-License-Identifier: MIT
/*
 * A chip that misbehaves, and what an administrator does to it in the middle of
 * everything; how long it takes until all is well again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz_program.h"
#include "pci.h"

/* See ctrans-vdev(1); %u is drawn below the number. */
static const struct knob {
	const char *command;
	unsigned int below;
} knobs[] = {
	{ "fault hang" },
	{ "fault hang %u", 64 },
	{ "fault ignore-abort" },
	{ "fault ignore-context" },
	{ "fault ignore-reset" },
	{ "fault ignore-flr" },
	{ "fault never-idle" },
	{ "fault tlb-never-ack" },
	{ "fault drop-irq %u", 20 },
	{ "fault duplicate-irq %u", 20 },
	{ "fault spurious-irq %u", 17 },
	{ "fault completion rewind" },
	{ "fault completion jump" },
	{ "fault completion garbage" },
	{ "fault dma-outside" },
	{ "fault temperature %u", 130000 },
	{ "fault sensor none" },
	{ "fault sensor garbage" },
	{ "fault evil %u", 1000000 },
	{ "fault all-ones" },
	{ "fault all-ones bars" },
};

static unsigned int below(uint64_t *seed, unsigned int n)
{
	return (unsigned int)((guest_random(seed) >> 11) % n);
}

bool chip_has_faults(void)
{
	if (ctl("fault off", NULL, 0))
		return true;
	guest_note("no way to the knobs of the chip: it behaves");
	return false;
}

const char *chip_fault(uint64_t *seed)
{
	static char command[64];
	const struct knob *k = &knobs[below(seed, sizeof(knobs) / sizeof(knobs[0]))];
	unsigned int value = k->below ? below(seed, k->below) : 0;

	/* the format is one of ours above */
	snprintf(command, sizeof(command), k->command, value);
	return ctl(command, NULL, 0) ? command : NULL;
}

const char *chip_disturb(uint64_t *seed)
{
	static const char *const delays[] = { "0", "1", "20", "100", "1000", "-1" };

	switch (below(seed, 4)) {
	case 0:
		pci_unbind();
		usleep(below(seed, 20000));
		pci_bind();
		return "unbound and bound";
	case 1:
		pci_write("reset", "1");
		return "reset by the bus";
	default:
		pci_write("power/autosuspend_delay_ms",
			  delays[below(seed, sizeof(delays) / sizeof(delays[0]))]);
		return "another delay of sleep";
	}
}

/* By a process of its own: an answer may not come at all. */
static bool works_within(unsigned int seconds)
{
	int64_t until = guest_now() + seconds * SECOND;
	int status;
	pid_t pid;

	do {
		pid = fork();
		must(pid >= 0);
		if (!pid) {
			guest_unheard();
			close(accel_open_within(1));
			_exit(chip_works() ? 0 : 1);
		}
		while (waitpid(pid, &status, WNOHANG) == 0) {
			if (guest_now() > until) {
				kill(pid, SIGKILL);
				waitpid(pid, NULL, 0);
				return false;
			}
			usleep(1000);
		}
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return true;
		usleep(50000);
	} while (guest_now() < until);
	return false;
}

bool chip_recovers(void)
{
	int64_t began = guest_now();

	ctl("fault off", NULL, 0);
	if (!works_within(5)) {
		/* given up, as it should be; or it has not come back yet */
		pci_unbind();
		pci_bind();
		if (!works_within(RECOVERY_S))
			return false;
	}
	ctl("clear", NULL, 0);
	return guest_now() - began < RECOVERY_S * SECOND;
}

bool chip_unviolated(void)
{
	char answer[512], *total;

	if (!ctl("violations", answer, sizeof(answer)))
		return true;
	total = strstr(answer, "\"total\":");
	if (!total || !strtoul(total + 8, NULL, 10))
		return true;
	guest_note("violations: %s", answer);
	ctl("clear", NULL, 0);
	return false;
}
