// SPDX-License-Identifier: MIT
/*
 * The module, the driver's hold on the function, or the function itself goes, or is
 * reset, under users of every kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "sleepers.h"
#include "test_races.h"

/* ---- The module --------------------------------------------------------- */

static bool unload_refused(void)
{
	int err = syscall(SYS_delete_module, "ctrans", O_NONBLOCK) ? -errno : 0;

	return err == -EWOULDBLOCK || err == -EBUSY;
}

void unloaded_under(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct sleeper s[WAYS];
	unsigned int refused = 0;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct rig rig, other;

	rig_open(&other);
	rig_open_in(&rig, accel_open(), event, 0);
	sleepers_start(s, &rig, event, 1000);
	for (int i = 0; i < 50; i++)
		refused += unload_refused();
	is(refused, 50, "unloading refused under sleepers of every kind");
	queue_ring(&rig.q);
	rig.q.doorbell[CTRANS_DB_ARM / 4] = 0;
	for (int i = 0; i < 5; i++)
		queue_nops(&rig.q, 4);
	for (int way = BY_POLL; way < WAYS; way++) {
		sleeper_join(&s[way]);
		ok(s[way].got == -ENOSYS || s[way].got & POLLIN,
		   "who sleeps in %s is woken by jobs", sleeper_ways[way]);
	}
	queue_close(&rig.q);
	sleeper_join(&s[BY_WAIT]);
	ok(s[BY_WAIT].got == -EIO || s[BY_WAIT].got == -ENOENT,
	   "who sleeps in QUEUE_WAIT by the queue's end");

	/* all closed and unmapped, but for a request under way */
	munmap(rig.mem.map, rig.mem.size);
	rig_close(&other);
	if (io_uring_queue_init(4, &ring, 0)) {
		close(rig.fd);
		guest_skip("this kernel has no io_uring");
		return;
	}
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, rig.fd, POLLIN);
	must(io_uring_submit(&ring) == 1);
	close(rig.fd);
	refused = 0;
	for (int i = 0; i < 50; i++)
		refused += unload_refused();
	is(refused, 50, "and under a request of io_uring, with its file closed");
	other.fd = accel_open();
	io_uring_queue_exit(&ring);
	ok(chip_works(), "others work");
	close(other.fd);
}

/* ---- The driver's hold -------------------------------------------------- */

void unbound_under(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	unsigned int rounds = 5, told[WAYS] = { 0 };

	pci_name();
	for (unsigned int i = 0; i < rounds; i++) {
		struct sleeper s[WAYS];
		struct rig rig;

		rig_open_in(&rig, accel_open_within(30), event, 0);
		usleep(50000);
		event_drain(event);
		sleepers_start(s, &rig, event, 1000);
		must(!pci_unbind());
		for (int way = 0; way < WAYS; way++)
			sleeper_join(&s[way]);
		told[BY_WAIT] += s[BY_WAIT].got == -ENODEV;
		told[BY_EVENTFD] += s[BY_EVENTFD].got == POLLIN;
		told[BY_POLL] += (s[BY_POLL].got & POLLHUP) != 0 && s[BY_POLL].got > 0;
		told[BY_EPOLL] += (s[BY_EPOLL].got & EPOLLHUP) != 0 &&
				  s[BY_EPOLL].got > 0;
		told[BY_URING] += s[BY_URING].got == -ENOSYS ||
				  (s[BY_URING].got > 0 &&
				   s[BY_URING].got & POLLHUP);
		rig_unmap(&rig);
		close(rig.fd);
		must(!pci_bind());
	}
	for (int way = 0; way < WAYS; way++)
		is(told[way], rounds, "unbound: who sleeps in %s is told", sleeper_ways[way]);
	close(accel_open_within(30));
	ok(chip_works(), "and it works");
	ctl("clear", NULL, 0);
}

/* ---- The function ------------------------------------------------------- */

/* A user until its device is gone, over and over. */
static void use_on(void)
{
	guest_unheard();
	for (;;) {
		int fd = accel_try_open();
		struct ctrans_sqe sqe;
		struct rig rig;

		if (fd < 0) {
			accel_node();
			usleep(1000);
			continue;
		}
		/* its musts may well fail here: a process of its own */
		if (!fork()) {
			rig_open_in(&rig, fd, -1, 0);
			sqe = rig_long(&rig, 4);
			for (int i = 0; i < 50; i++)
				queue_fill(&rig.q, &sqe);
			queue_ring(&rig.q);
			while (!queue_wait_until(rig.fd, rig.q.id, 50,
						 guest_now() + 60 * SECOND, NULL))
				;
			/* what was mapped stays, whatever it maps */
			rig.q.doorbell[0] = 99;
			memset(rig.mem.map, 1, rig.mem.size);
			_exit(queue_kernel(&rig.q)->state != CTRANS_KQ_LOST);
		}
		close(fd);
		wait(NULL);
	}
}

/* As `echo 1 >remove` and `echo 1 >/sys/bus/pci/rescan` do it. */
void removed_and_found(void)
{
	unsigned int rounds = guest_loops(10), good = 0;
	pid_t pid[2];

	pci_name();
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			use_on();
	}
	for (unsigned int i = 0; i < rounds; i++) {
		struct ctrans_sqe sqe;
		struct rig rig;

		rig_open_in(&rig, accel_open_within(60), -1, 0);
		good += rig_works(&rig);
		sqe = rig_long(&rig, 8);
		for (int n = 0; n < 20; n++)
			queue_fill(&rig.q, &sqe);
		queue_ring(&rig.q);
		usleep(i % 5 * 10000);
		good += !pci_write("remove", "1");
		good += queue_kernel(&rig.q)->state == CTRANS_KQ_LOST;
		rig.q.doorbell[0] = 99;
		if (i & 1)
			rig_close(&rig);
		good += !file_write("/sys/bus/pci/rescan", "1");
		if (!(i & 1))
			rig_close(&rig);
	}
	is(good, 4 * rounds, "times removed at work, and found again");
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	close(accel_open_within(60));
	ok(chip_works(), "and it works");
	ctl("clear", NULL, 0);
}

/* ---- Resets ------------------------------------------------------------- */

#define USERS	4u
#define QUEUES	3u

struct tally {
	unsigned int batches, wrong, lost;
	bool stop;
};

/*
 * Several queues of one process, all with jobs in hand. A queue that is lost is
 * made again; what it completed has to be right, and all of any other.
 */
static void batches(struct tally *t, uint32_t seed)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2, .sq_va = RIG_VA,
		.eventfd = -1,
	};
	struct rig rig[QUEUES];
	int err;

	for (unsigned int q = 0; q < QUEUES; q++)
		rig_open(&rig[q]);
	for (; !__atomic_load_n(&t->stop, __ATOMIC_RELAXED); seed += 97) {
		for (unsigned int q = 0; q < QUEUES; q++)
			rig_batch(&rig[q], seed + q);
		for (unsigned int q = 0; q < QUEUES; q++) {
			err = queue_finish(&rig[q].q, 60 * SECOND);
			if (!err) {
				__atomic_add_fetch(&t->batches, 1, __ATOMIC_RELAXED);
				if (!rig_batch_right(&rig[q], seed + q))
					__atomic_add_fetch(&t->wrong, 1,
							   __ATOMIC_RELAXED);
				continue;
			}
			if (err != -EIO ||
			    queue_kernel(&rig[q].q)->state != CTRANS_KQ_LOST) {
				guest_note("%d, state %u", err,
					   queue_kernel(&rig[q].q)->state);
				__atomic_add_fetch(&t->wrong, 1, __ATOMIC_RELAXED);
				_exit(1);
			}
			__atomic_add_fetch(&t->lost, 1, __ATOMIC_RELAXED);
			queue_close(&rig[q].q);
			how.vm_id = rig[q].vm;
			must(!queue_open(&rig[q].q, rig[q].fd, &how,
					 rig[q].mem.map));
		}
	}
	for (unsigned int q = 0; q < QUEUES; q++)
		rig_close(&rig[q]);
	_exit(0);
}

/*
 * A reset costs the job in hand, whose queue is LOST, and nothing else: what is
 * in line in all other queues is done after it.
 */
void reset_at_work(void)
{
	unsigned int rounds = guest_loops(30), good = 0, ended = 0;
	struct drm_ctrans_queue_get_state st;
	struct tally *t;
	uint32_t before;
	pid_t pid[USERS];
	struct rig idle;
	int status;

	if (access(pci_path("reset"), W_OK)) {
		guest_skip("the function has no reset");
		return;
	}
	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(t != MAP_FAILED);
	rig_open(&idle);
	must(rig_works(&idle));
	must(!queue_get_state(idle.fd, idle.q.id, &st));
	before = st.reset_count;
	for (unsigned int i = 0; i < USERS; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			batches(t, 1000000 * (i + 1));
	}
	for (unsigned int i = 0; i < rounds; i++) {
		usleep(20000 + i % 7 * 9000);
		good += !pci_write("reset", "1");
	}
	__atomic_store_n(&t->stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < USERS; i++) {
		must(waitpid(pid[i], &status, 0) == pid[i]);
		ended += !status;
	}
	is(good, rounds, "resets under %u users of %u queues each", USERS, QUEUES);
	is(ended, USERS, "who work to their end");
	is(t->wrong, 0, "with nothing wrong in %u batches of jobs", t->batches);
	ok(t->batches > rounds, "they got on meanwhile");
	ok(t->lost <= rounds, "queues lost: %u, at most one by each reset", t->lost);
	must(!queue_get_state(idle.fd, idle.q.id, &st));
	is(st.state, CTRANS_KQ_READY, "an idle queue is never lost");
	is(st.reset_count, before + rounds, "and every reset is counted");
	ok(rig_works(&idle), "it works");
	rig_close(&idle);
	ok(chip_works(), "others work");
	ctl("clear", NULL, 0);
}
