// SPDX-License-Identifier: MIT
/* The machine asleep, and the chip with it. */
#include "test_power.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "frozen_tasks", frozen_tasks },
	{ "devices_suspended", devices_suspended },
	{ "suspended_asleep", suspended_asleep },
	{ "suspended_at_work", suspended_at_work },
	{ "suspended_stuck", suspended_stuck },
};

GUEST_MAIN(tests)
