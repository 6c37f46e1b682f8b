// SPDX-License-Identifier: MIT
/* Ends: of processes, of jobs, of the driver's hold on the chip. */
#include "test_life.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "killed", killed, 300 },
	{ "closed", closed },
	{ "two_processes", two_processes },
	{ "timed_out", timed_out },
	{ "starved", starved },
	{ "told_once", told_once },
	{ "destroyed_at_work", destroyed_at_work },
	{ "module_held", module_held },
	{ "unbound_once", unbound_once },
	{ "unbound_often", unbound_often, 600 },
	{ "unbound_importing", unbound_importing },
	{ "function_reset", function_reset },
	{ "fallen_off", fallen_off },
};

GUEST_MAIN(tests)
