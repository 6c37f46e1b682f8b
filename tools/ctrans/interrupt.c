// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stddef.h>

#include "cli.h"

static volatile int word;

static void on_interrupt(int sig)
{
	(void)sig;
	word = 1;
}

void catch_interrupt(void)
{
	struct sigaction old, action = {
		.sa_handler = on_interrupt,
		/*
		 * The second one ends the program. No SA_RESTART: a read of
		 * the prompt is to come back.
		 */
		.sa_flags = SA_RESETHAND,
	};

	sigemptyset(&action.sa_mask);
	if (!sigaction(SIGINT, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

bool interrupted(void)
{
	return word;
}

const volatile int *interrupt_word(void)
{
	return &word;
}
