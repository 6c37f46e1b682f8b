// SPDX-License-Identifier: MIT
#include "power.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "pci.h"

#define DEFAULT_MS	100

void power_auto(int delay_ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", delay_ms);
	must(!pci_write("power/autosuspend_delay_ms", text));
	must(!pci_write("power/control", "auto"));
}

void power_on(void)
{
	must(!pci_write("power/control", "on"));
}

void power_default(void)
{
	power_auto(DEFAULT_MS);
}

bool power_asleep(void)
{
	char text[32];

	must(!pci_read("power/runtime_status", text, sizeof(text)));
	return !strcmp(text, "suspended");
}

bool power_sleeps_within(unsigned int ms)
{
	int64_t until = guest_now() + ms * MS;

	do {
		if (power_asleep())
			return true;
		usleep(500);
	} while (guest_now() < until);
	return power_asleep();
}

long power_awake_ms(void)
{
	return pci_number("power/runtime_active_time");
}

bool power_console_dies(void)
{
	const char *kernel = getenv("CTRANS_VM_KERNEL");

	return kernel && !strcmp(kernel, "newest");
}

/* A sleep of a few milliseconds is seen in no status, but traced. */
#define TRACING	"/sys/kernel/tracing"
#define EVENT	TRACING "/events/rpm/rpm_return_int"

void power_count_sleeps(void)
{
	char filter[128];

	snprintf(filter, sizeof(filter), "name == \"%s\" && ret == 0", pci_name());
	if (file_write(EVENT "/filter", filter) || file_write(TRACING "/trace", ""))
		return;
	file_write(EVENT "/enable", "1");
}

int power_sleeps_counted(void)
{
	char line[512];
	FILE *trace;
	int n = 0;

	if (file_write(EVENT "/enable", "0"))
		return -1;
	trace = fopen(TRACING "/trace", "re");
	if (!trace)
		return -1;
	while (fgets(line, sizeof(line), trace))
		n += line[0] != '#' && strstr(line, "rpm_suspend");
	fclose(trace);
	return n;
}
