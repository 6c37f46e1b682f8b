// SPDX-License-Identifier: MIT
/* A chip that hangs, disobeys or lies, and what the driver makes of it. */
#include "test_recovery.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "queue_abort", queue_abort },
	{ "context_reset", context_reset },
	{ "chip_reset", chip_reset },
	{ "bus_reset", bus_reset },
	{ "wedged", wedged },
	{ "starved", starved },
	{ "destroyed_hanging", destroyed_hanging, 200 },
	{ "killed_hanging", killed_hanging, 200 },
	{ "completions_jump", completions_jump },
	{ "completions_rewind", completions_rewind },
	{ "completions_garbage", completions_garbage },
	{ "interrupts_dropped", interrupts_dropped },
	{ "interrupts_many", interrupts_many },
	{ "dma_outside", dma_outside },
	{ "all_ones", all_ones, 240 },
	{ "never_idle", never_idle },
	{ "never_acknowledged", never_acknowledged },
	{ "reset_hanging", reset_hanging, 300 },
	{ "unbound_hanging", unbound_hanging, 300 },
	{ "suspended_hanging", suspended_hanging, 300 },
};

GUEST_MAIN(tests)
