// SPDX-License-Identifier: MIT
/* The chip asleep: nothing rewinds, nothing is lost. */
#include "test_power.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "sleeps", sleeps },
	{ "sleeps_often", sleeps_often },
	{ "kept_awake", kept_awake },
	{ "works_on", works_on },
	{ "asked", asked },
	{ "waited_for", waited_for },
	{ "stopped_queue", stopped_queue },
	{ "timed_out_queue", timed_out_queue },
	{ "queues_change", queues_change },
	{ "bindings_change", bindings_change },
	{ "owner_goes", owner_goes },
	{ "mappings_move", mappings_move },
	{ "unbound_asleep", unbound_asleep },
	{ "storm", storm },
	{ "storm_of_calls", storm_of_calls },
};

GUEST_MAIN(tests)
