// SPDX-License-Identifier: MIT
/* What the driver tells of the chip, in files that tools read. */
#include "guest.h"
#include "test_telemetry.h"

static const struct guest_test tests[] = {
	{ "counts_of_files", counts_of_files, 0 },
	{ "counts_of_memory", counts_of_memory, 0 },
	{ "counts_go_on", counts_go_on, 0 },
	{ "trace_events", trace_events, 0 },
	{ "debugfs_files", debugfs_files, 0 },
	{ "clock_pinned", clock_pinned, 0 },
	{ "clock_capped", clock_capped, 0 },
	{ "clock_follows", clock_follows, 0 },
	{ "clock_warm", clock_warm, 0 },
	{ "sensors_plausible", sensors_plausible, 0 },
	{ "sensors_garbage", sensors_garbage, 0 },
	{ "asleep_untouched", asleep_untouched, 0 },
};

GUEST_MAIN(tests)
