// SPDX-License-Identifier: MIT
/* Completions as events: eventfd, poll(), epoll and io_uring. */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "jobs.h"
#include "power.h"
#include "test_wait.h"

/* What poll() says of a file within so many milliseconds. */
static int events_of(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? p.revents : 0;
}

/* How often it was signalled since it was read last. */
static uint64_t signalled(int event)
{
	uint64_t n = 0;

	return read(event, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void arm(struct rig *rig, uint32_t value)
{
	rig->q.doorbell[CTRANS_DB_ARM / 4] = value;
}

void eventfd_armed(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct rig rig;

	rig_open_in(&rig, accel_open(), event, 0);
	/* a queue starts armed with 0 */
	queue_nops(&rig.q, 1);
	is(events_of(event, 30000), POLLIN, "the first completion");
	ok(signalled(event) >= 1, "signalled");
	must(queue_take_all(&rig.q) == 1);
	queue_nops(&rig.q, 1);
	must(!queue_finish(&rig.q, 60 * SECOND));
	must(queue_take_all(&rig.q) == 1);
	usleep(100000);
	/* the kernel's own waits may signal it, too: no more than that is said */
	signalled(event);
	arm(&rig, 2);
	is(events_of(event, 200), 0, "armed, nothing new: silence");
	queue_nops(&rig.q, 1);
	is(events_of(event, 30000), POLLIN, "armed, a completion");
	signalled(event);
	/* armed with what is past: at once */
	arm(&rig, 1);
	is(events_of(event, 30000), POLLIN, "armed for the past: at once");
	rig_close(&rig);
	signalled(event);
	is(events_of(event, 100), 0, "after its file silence");
}

void eventfd_of_fault(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct ctrans_sqe bad = { .op = 99 };
	struct rig rig;

	rig_open_in(&rig, accel_open(), event, 0);
	queue_nops(&rig.q, 1);
	is(events_of(event, 30000), POLLIN, "the first completion");
	must(!queue_finish(&rig.q, 60 * SECOND));
	usleep(100000);
	signalled(event);
	/* not armed: it is the state that is told */
	queue_send(&rig.q, &bad);
	is(events_of(event, 30000), POLLIN, "the queue leaves READY");
	must(!queue_finish(&rig.q, 60 * SECOND));
	must(!queue_restart(rig.fd, rig.q.id));
	usleep(100000);
	signalled(event);
	rig.q.doorbell[0] = rig.q.tail + 1000;
	is(events_of(event, 30000), POLLIN, "again, for its tail");
	rig_close(&rig);
	close(event);
}

/* Sleeping on the eventfd alone, 3000 times: no wake is lost. */
void eventfd_no_lost(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	unsigned int n = 3000, lost = 0, woken = 0;
	struct rig rig;

	rig_open_in(&rig, accel_open(), event, 0);
	for (unsigned int i = 0; i < n && !lost; i++) {
		queue_nops(&rig.q, 1 + i % 3);
		while (rig.q.head != rig.q.tail) {
			if (queue_take_all(&rig.q))
				continue;
			/* armed with what is taken: if more came, at once */
			arm(&rig, rig.q.head);
			if (!events_of(event, 20000)) {
				lost++;
				break;
			}
			signalled(event);
			woken++;
		}
	}
	is(lost, 0, "wakes lost, of %u", woken);
	is(rig.q.head, rig.q.tail, "all completions taken");
	rig_close(&rig);
}

void poll_file(void)
{
	struct ctrans_sqe bad = { .op = 99 };
	struct rig rig;

	rig_open(&rig);
	is(events_of(rig.fd, 0), 0, "nothing to say");
	is(events_of(rig.fd, 100), 0, "for a while");
	queue_nops(&rig.q, 2);
	is(events_of(rig.fd, 30000), POLLIN, "completions to take");
	must(!queue_finish(&rig.q, 60 * SECOND));
	is(events_of(rig.fd, 0), POLLIN, "still");
	must(queue_take_all(&rig.q) == 2);
	is(events_of(rig.fd, 100), 0, "taken: nothing");
	queue_send(&rig.q, &bad);
	must(!queue_finish(&rig.q, 60 * SECOND));
	is(events_of(rig.fd, 30000) & (POLLERR | POLLHUP), POLLERR,
	   "a queue that stands");
	must(!queue_restart(rig.fd, rig.q.id));
	queue_take_all(&rig.q);
	is(events_of(rig.fd, 100), 0, "RESTART and taken: nothing");
	ok(rig_works(&rig), "the queue works");
	queue_send(&rig.q, &bad);
	must(!queue_finish(&rig.q, 60 * SECOND));
	is(events_of(rig.fd, 30000) & POLLERR, POLLERR, "it stands again");
	queue_close(&rig.q);
	is(events_of(rig.fd, 100), 0, "destroyed: nothing");
	close(rig.fd);
}

/* Two files in one epoll set, and a sleeper that a job wakes. */
void epoll_file(void)
{
	struct epoll_event ev = { .events = EPOLLIN }, got;
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct rig a, b;

	rig_open(&a);
	rig_open(&b);
	ev.data.u32 = 1;
	must(!epoll_ctl(set, EPOLL_CTL_ADD, a.fd, &ev));
	ev.data.u32 = 2;
	must(!epoll_ctl(set, EPOLL_CTL_ADD, b.fd, &ev));
	is(epoll_wait(set, &got, 1, 100), 0, "nothing of either");
	for (int i = 0; i < 50; i++) {
		struct rig *rig = i & 1 ? &b : &a;

		queue_nops(&rig->q, 1);
		if (epoll_wait(set, &got, 1, 30000) != 1 ||
		    got.data.u32 != 1u + (i & 1)) {
			ok(false, "round %d: epoll_wait", i);
			break;
		}
		while (!queue_take_all(&rig->q))
			;
	}
	is(epoll_wait(set, &got, 1, 100), 0, "50 in turn, and all taken");
	/* closed while it is watched */
	rig_close(&a);
	is(epoll_wait(set, &got, 1, 100), 0, "a closed file says nothing");
	queue_nops(&b.q, 1);
	is(epoll_wait(set, &got, 1, 30000), 1, "the other does");
	rig_close(&b);
	close(set);
}

/* An event for each news, though nothing was taken since the last. */
void epoll_edges(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	int set = epoll_create1(EPOLL_CLOEXEC);
	unsigned int seen = 0;
	struct rig rig;

	rig_open(&rig);
	must(!epoll_ctl(set, EPOLL_CTL_ADD, rig.fd, &ev));
	is(epoll_wait(set, &got, 1, 100), 0, "nothing");
	for (int i = 0; i < 5; i++) {
		/* no QUEUE_WAIT: that would arm for us */
		queue_nops(&rig.q, 1);
		seen += epoll_wait(set, &got, 1, 5000) == 1;
	}
	is(seen, 5, "events of 5 completions, none taken");
	is(queue_take_all(&rig.q), 5, "all at once");
	queue_nops(&rig.q, 1);
	is(epoll_wait(set, &got, 1, 5000), 1, "and of the next");
	rig_close(&rig);
	close(set);
}

static int uring_one(struct io_uring *ring, int fd, int ms)
{
	struct __kernel_timespec limit = { .tv_sec = ms / 1000,
					   .tv_nsec = ms % 1000 * 1000000ll };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int err, res;

	must(sqe);
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	must(io_uring_submit(ring) == 1);
	err = io_uring_wait_cqe_timeout(ring, &cqe, &limit);
	if (err)
		return err;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

void uring_poll(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct io_uring ring;
	unsigned int good = 0;
	struct rig rig;
	int err;

	err = io_uring_queue_init(8, &ring, 0);
	if (err == -ENOSYS || err == -EPERM) {
		guest_skip("this kernel has no io_uring");
		return;
	}
	must(!err);
	rig_open_in(&rig, accel_open(), event, 0);
	for (int i = 0; i < 200; i++) {
		queue_nops(&rig.q, 1);
		good += (uring_one(&ring, rig.fd, 30000) & POLLIN) != 0;
		must(!queue_finish(&rig.q, 60 * SECOND));
		queue_take_all(&rig.q);
	}
	is(good, 200, "POLL_ADD on the device file");
	good = 0;
	signalled(event);
	for (int i = 0; i < 200; i++) {
		arm(&rig, rig.q.head);
		queue_nops(&rig.q, 1);
		good += (uring_one(&ring, event, 30000) & POLLIN) != 0;
		must(!queue_finish(&rig.q, 60 * SECOND));
		signalled(event);
		queue_take_all(&rig.q);
	}
	is(good, 200, "POLL_ADD on the eventfd");
	/* a request that is under way when its file is closed */
	err = uring_one(&ring, rig.fd, 100);
	is(err, -ETIME, "nothing to say");
	rig_close(&rig);
	io_uring_queue_exit(&ring);
	ok(chip_works(), "a poll under way when all was closed");
}

/* Words are states: storing what is there already asks for nothing. */
void arm_rules(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct drm_ctrans_queue_get_state st;
	struct rig rig;

	/* a chip that slept has forgotten what it was armed with */
	power_on();
	rig_open_in(&rig, accel_open(), event, 0);
	arm(&rig, 0);
	arm(&rig, 0);
	is(events_of(event, 100), 0, "armed twice with what is: silence");
	queue_nops(&rig.q, 1);
	is(events_of(event, 30000), POLLIN, "a completion");
	must(!queue_finish(&rig.q, 60 * SECOND));
	usleep(100000);
	signalled(event);
	for (int i = 0; i < 100; i++)
		arm(&rig, 0);
	is(events_of(event, 100), 0, "the same value again: silence");
	/* a storm of new values is as many interrupts at most, and ends */
	for (uint32_t i = 0; i < 2000; i++)
		arm(&rig, 100 + i);
	usleep(100000);
	ok(signalled(event) <= 2001, "2000 values: no more signals");
	is(events_of(event, 300), 0, "and then silence");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "READY");
	ok(rig_works(&rig), "the queue works");
	power_default();
	rig_close(&rig);
}
