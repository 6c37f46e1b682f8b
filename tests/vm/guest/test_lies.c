// SPDX-License-Identifier: MIT
/* A chip that says what is not so, and what the driver makes of it. */
#include "test_recovery.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "completions_jump", completions_jump },
	{ "completions_rewind", completions_rewind },
	{ "completions_garbage", completions_garbage },
	{ "interrupts_dropped", interrupts_dropped },
	{ "interrupts_many", interrupts_many },
	{ "dma_outside", dma_outside },
	{ "all_ones", all_ones, 240 },
	{ "never_idle", never_idle },
	{ "never_acknowledged", never_acknowledged },
};

GUEST_MAIN(tests)
