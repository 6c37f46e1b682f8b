// SPDX-License-Identifier: MIT
/* A chip that hangs and disobeys, and what the driver makes of it. */
#include "test_recovery.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "queue_abort", queue_abort },
	{ "context_reset", context_reset },
	{ "chip_reset", chip_reset },
	{ "bus_reset", bus_reset },
	{ "wedged", wedged },
	{ "woken_disobeying", woken_disobeying },
	{ "starved", starved },
	{ "destroyed_hanging", destroyed_hanging, 200 },
	{ "killed_hanging", killed_hanging, 200 },
	{ "reset_hanging", reset_hanging, 300 },
	{ "unbound_hanging", unbound_hanging, 300 },
	{ "suspended_hanging", suspended_hanging, 300 },
};

GUEST_MAIN(tests)
