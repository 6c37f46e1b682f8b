// SPDX-License-Identifier: MIT
/*
 * What every call does when memory is short and when user memory does not answer:
 * it says so or it works, and nothing is left half done. See inject.h.
 */
#include "inject.h"

static const struct guest_test tests[] = {
	{ "calls", inject_calls, 1200 },
	{ "queues", inject_queues, 1200 },
	{ "maps", inject_maps, 1200 },
	{ "power", inject_power, 1200 },
	{ "unbind", inject_unbind, 1200 },
	{ "probe", inject_probe, 2400 },
};

GUEST_MAIN(tests)
