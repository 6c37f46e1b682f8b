// SPDX-License-Identifier: MIT
#include "sleepers.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

const char *const sleeper_ways[WAYS] = {
	[BY_WAIT] = "QUEUE_WAIT",
	[BY_POLL] = "poll()",
	[BY_EPOLL] = "epoll",
	[BY_EVENTFD] = "an eventfd",
	[BY_URING] = "io_uring",
};

void event_drain(int event)
{
	uint64_t count;

	while (read(event, &count, sizeof(count)) == sizeof(count))
		;
}

static int by_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, SLEEPER_MS) == 1 ? p.revents : -ETIME;
}

/* It may be signalled for nothing; not being signalled is what counts. */
static int by_eventfd(const struct sleeper *s)
{
	int got;

	do {
		got = by_poll(s->event);
		if (got != POLLIN)
			return got;
		event_drain(s->event);
	} while (queue_line(&s->rig->q)->cq_tail == s->seen &&
		 queue_kernel(&s->rig->q)->state == CTRANS_KQ_READY);
	return got;
}

static int by_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC), n;

	must(!epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev));
	n = epoll_wait(set, &ev, 1, SLEEPER_MS);
	close(set);
	return n == 1 ? (int)ev.events : -ETIME;
}

static int by_uring(int fd)
{
	struct __kernel_timespec limit = { .tv_sec = SLEEPER_MS / 1000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int got;

	if (io_uring_queue_init(4, &ring, 0))
		return -ENOSYS;
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	must(io_uring_submit(&ring) == 1);
	got = io_uring_wait_cqe_timeout(&ring, &cqe, &limit);
	if (!got)
		got = cqe->res;
	io_uring_queue_exit(&ring);
	return got;
}

static int sleep_by(const struct sleeper *s)
{
	switch (s->way) {
	case BY_WAIT:
		return queue_wait_until(s->rig->fd, s->rig->q.id, s->seq,
					guest_now() + SLEEPER_MS * MS, NULL);
	case BY_POLL:
		return by_poll(s->rig->fd);
	case BY_EPOLL:
		return by_epoll(s->rig->fd);
	case BY_EVENTFD:
		return by_eventfd(s);
	case BY_URING:
		return by_uring(s->rig->fd);
	default:
		return -EINVAL;
	}
}

static void *sleep_on(void *arg)
{
	struct sleeper *s = arg;

	s->got = sleep_by(s);
	s->at = guest_now();
	return NULL;
}

void sleepers_start(struct sleeper s[WAYS], struct rig *rig, int event, uint64_t seq)
{
	for (int way = 0; way < WAYS; way++) {
		s[way] = (struct sleeper){
			.rig = rig, .event = event, .seq = seq, .way = way,
			.seen = queue_line(&rig->q)->cq_tail,
		};
		must(!pthread_create(&s[way].thread, NULL, sleep_on, &s[way]));
	}
	usleep(100000);
}

void sleeper_join(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
}

bool sleeper_woken(const struct sleeper *s)
{
	if (s->way == BY_WAIT)
		return !s->got;
	return s->got == POLLIN || (s->way == BY_URING && s->got == -ENOSYS);
}
