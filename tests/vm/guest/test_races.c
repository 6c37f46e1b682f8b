// SPDX-License-Identifier: MIT
/* Users whose end, or whose chip's, comes at the worst moment. */
#include "test_races.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "passed_on", passed_on },
	{ "traced", traced },
	{ "stopped_owner", stopped_owner },
	{ "killed_in_calls", killed_in_calls, 300 },
	{ "unloaded_under", unloaded_under },
	{ "unbound_under", unbound_under, 300 },
	{ "removed_and_found", removed_and_found, 600 },
	{ "reset_at_work", reset_at_work, 600 },
	{ "in_memcg", in_memcg },
	{ "no_memlock", no_memlock },
};

GUEST_MAIN(tests)
