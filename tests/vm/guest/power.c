// SPDX-License-Identifier: MIT
#include "power.h"

#include <stdio.h>
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
