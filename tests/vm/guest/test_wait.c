// SPDX-License-Identifier: MIT
/* How to learn that jobs are done: the call, and everything that can be polled. */
#include "test_wait.h"

#include "guest.h"

static const struct guest_test tests[] = {
	{ "deadlines", deadlines },
	{ "interrupted", interrupted },
	{ "many_waiters", many_waiters },
	{ "destroyed_under_wait", destroyed_under_wait },
	{ "one_by_one", one_by_one, 400 },
	{ "backlog", backlog },
	{ "eventfd_armed", eventfd_armed },
	{ "eventfd_of_fault", eventfd_of_fault },
	{ "eventfd_no_lost", eventfd_no_lost, 400 },
	{ "poll_file", poll_file },
	{ "epoll_file", epoll_file },
	{ "epoll_edges", epoll_edges },
	{ "uring_poll", uring_poll },
	{ "arm_rules", arm_rules },
};

GUEST_MAIN(tests)
