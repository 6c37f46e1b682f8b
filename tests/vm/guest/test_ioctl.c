// SPDX-License-Identifier: MIT
/* Every ioctl: used well, and abused in each field. */
#include "test_ioctl.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "version", version },
	{ "requests", requests },
	{ "pointers", pointers },
	{ "grown", grown },
	{ "shrunk", shrunk },
	{ "readonly_argument", readonly_argument },
	{ "dev_query", dev_query },
	{ "bo_good", bo_good },
	{ "bo_bad", bo_bad },
	{ "bo_zeroed", bo_zeroed },
	{ "bo_huge", bo_huge },
	{ "bo_foreign", bo_foreign },
	{ "vm_good", vm_good },
	{ "vm_bad", vm_bad },
	{ "bind_good", bind_good },
	{ "bind_bad", bind_bad },
	{ "bind_ranges", bind_ranges },
	{ "bind_partial", bind_partial },
	{ "bind_stride", bind_stride },
	{ "bind_readonly", bind_readonly },
	{ "queue_good", queue_good },
	{ "queue_bad", queue_bad },
	{ "queue_ids", queue_ids },
	{ "queue_ring_place", queue_ring_place },
	{ "queue_restarts", queue_restarts },
	{ "limit_vms", limit_vms },
	{ "limit_bindings", limit_bindings },
	{ "limit_tables", limit_tables },
	{ "limit_queues", limit_queues },
	{ "limit_chip", limit_chip },
	{ "no_leak", no_leak },
	{ "no_leak_of_failures", no_leak_of_failures },
};

GUEST_MAIN(tests)
