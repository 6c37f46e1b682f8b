// SPDX-License-Identifier: MIT
/* Mappings of the device file, and buffers as dma-bufs. */
#include "test_mmap.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "bo_maps", bo_maps },
	{ "bo_outlives", bo_outlives },
	{ "bo_fork", bo_fork },
	{ "queue_remap", queue_remap },
	{ "queue_advice", queue_advice },
	{ "queue_fork", queue_fork },
	{ "queue_exec", queue_exec },
	{ "queue_outlives", queue_outlives },
	{ "status_short", status_short },
	{ "prime_two_files", prime_two_files },
	{ "prime_self", prime_self },
	{ "prime_bad", prime_bad },
	{ "prime_outlives", prime_outlives },
	{ "prime_foreign", prime_foreign },
	{ "prime_jobs", prime_jobs },
};

GUEST_MAIN(tests)
