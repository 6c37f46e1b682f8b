// SPDX-License-Identifier: MIT
/*
 * A queue's owner hands its file on, is traced, is stopped, is killed in every
 * call: nobody gets more than is his, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "jobs.h"
#include "test_races.h"

/* All queues of the chip can be had again. */
static bool nothing_left(void)
{
	unsigned int good = 0;

	for (int i = 0; i < 64; i++)
		good += chip_works();
	return good == 64;
}

/* ---- SCM_RIGHTS ------------------------------------------------------------------ */

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_rig(int socket, struct rig *rig)
{
	union control control = { 0 };
	struct iovec data = { rig, sizeof(*rig) };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &rig->fd, sizeof(int));
	must(sendmsg(socket, &msg, 0) == sizeof(*rig));
}

/* With the file alone: mappings are made here. */
static void receive_rig(int socket, struct rig *rig)
{
	union control control = { 0 };
	struct iovec data = { rig, sizeof(*rig) };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	uint64_t offset;
	int fd;

	must(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == sizeof(*rig));
	must(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	rig->fd = rig->q.fd = rig->mem.fd = fd;
	must(!bo_offset(fd, rig->mem.handle, &offset));
	rig->mem.map = mmap(NULL, rig->mem.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, (off_t)offset);
	rig->q.sq = rig->mem.map;
	rig->q.doorbell = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			       (off_t)rig->q.doorbell_offset);
	rig->q.status = mmap(NULL, rig->q.status_size, PROT_READ, MAP_SHARED, fd,
			     (off_t)rig->q.status_offset);
	must(rig->mem.map != MAP_FAILED && rig->q.doorbell != MAP_FAILED &&
	     rig->q.status != MAP_FAILED);
}

static void give_away(int socket)
{
	struct rig rig;
	char go;

	rig_open(&rig);
	must(rig_works(&rig));
	send_rig(socket, &rig);
	must(read(socket, &go, 1) == 1);
	/* jobs of the giver's in hand when it dies */
	queue_nops(&rig.q, 20);
	must(write(socket, "", 1) == 1);
	pause();
}

/* The file is whoever's holds it; the queue goes with the last holder. */
void passed_on(void)
{
	unsigned int good = 0, rounds = 8;

	for (unsigned int i = 0; i < rounds; i++) {
		struct rig rig;
		int ends[2];
		char byte;
		pid_t pid;

		must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
		pid = fork();
		must(pid >= 0);
		if (!pid)
			give_away(ends[1]);
		receive_rig(ends[0], &rig);
		/* two processes with one queue, in turns */
		good += rig_works(&rig);
		must(write(ends[0], "", 1) == 1);
		must(read(ends[0], &byte, 1) == 1);
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		/* the giver did not see ours; its tail is one behind, and its 20 */
		must(!queue_wait_until(rig.fd, rig.q.id, rig.q.tail,
				       guest_now() + 60 * SECOND, NULL));
		rig.q.tail = queue_line(&rig.q)->cq_tail;
		while (rig.q.tail != 21) {
			usleep(1000);
			rig.q.tail = queue_line(&rig.q)->cq_tail;
		}
		rig.q.head = rig.q.tail;
		rig.q.doorbell[CTRANS_DB_CQ_HEAD / 4] = rig.q.head;
		good += rig_works(&rig);
		/* closed with its mappings still there, or the other way */
		if (i & 1)
			close(rig.fd);
		rig_unmap(&rig);
		if (!(i & 1))
			close(rig.fd);
		close(ends[0]);
		close(ends[1]);
	}
	is(good, 2 * rounds, "a queue handed on, before and after its maker's end");

	/* in a message that nobody reads: the file is the socket's */
	for (int i = 0; i < 4; i++) {
		struct rig rig;
		int ends[2];

		must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
		rig_open(&rig);
		queue_nops(&rig.q, 5);
		send_rig(ends[1], &rig);
		rig_unmap(&rig);
		close(rig.fd);
		close(ends[0]);
		close(ends[1]);
	}
	ok(nothing_left(), "nothing of them is left");
}

/* ---- ptrace ------------------------------------------------------------------------ */

static void show_rig(int socket)
{
	struct rig rig;

	rig_open(&rig);
	must(rig_works(&rig));
	must(write(socket, &rig, sizeof(rig)) == sizeof(rig));
	for (;;)
		pause();
}

static long peek(pid_t pid, volatile const void *at)
{
	errno = 0;
	ptrace(PTRACE_PEEKDATA, pid, at, NULL);
	return -errno;
}

static long poke(pid_t pid, volatile const void *at)
{
	return ptrace(PTRACE_POKEDATA, pid, at, (void *)0x7777) ? -errno : 0;
}

/* A debugger is no way around what a mapping allows. */
void traced(void)
{
	struct drm_ctrans_queue_get_state st;
	struct rig rig, mine;
	int ends[2], fd, mem;
	char path[64];
	uint32_t word;
	pid_t pid;

	rig_open(&mine);
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	pid = fork();
	must(pid >= 0);
	if (!pid)
		show_rig(ends[1]);
	must(read(ends[0], &rig, sizeof(rig)) == sizeof(rig));
	must(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	must(waitpid(pid, NULL, 0) == pid);
	/* as of any DRM buffer: no matter, but it is to be known */
	guest_note("a debugger %s a buffer",
		   peek(pid, rig.mem.map) ? "does not read" : "reads");
	ok(peek(pid, rig.q.doorbell) < 0, "a doorbell is not");
	ok(poke(pid, rig.q.doorbell) < 0, "nor written");
	ok(poke(pid, rig.q.status) < 0, "status is not written");
	ok(poke(pid, rig.q.status + CTRANS_STATUS_KERNEL) < 0,
	   "nor the kernel's line");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	must(mem >= 0);
	word = 0x7777;
	ok(pwrite(mem, &word, 4, (off_t)(uintptr_t)rig.q.doorbell) < 0,
	   "nor through /proc/PID/mem");
	ok(pwrite(mem, &word, 4, (off_t)(uintptr_t)rig.q.status) < 0, "either");
	close(mem);
	/* its file, taken from it, is its file */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0) {
		int taken = (int)syscall(SYS_pidfd_getfd, fd, rig.fd, 0);

		if (taken >= 0) {
			is(queue_get_state(taken, rig.q.id, &st), 0,
			   "a file taken by pidfd_getfd() has its queues");
			is(st.state, CTRANS_KQ_READY, "untouched");
			is(st.done, 1, "one job was done");
			is(queue_get_state(mine.fd, rig.q.id + 5, &st), -ENOENT,
			   "which are not in another's");
			close(taken);
		}
		close(fd);
	}
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
	ok(rig_works(&mine), "another's queue works");
	rig_close(&mine);
	ok(nothing_left(), "nothing is left");
}

/* Stopped with jobs at work and nobody to take completions: not a hang. */
static void fill_and_wait(int socket)
{
	struct drm_ctrans_queue_create how = { .sq_log2 = 6, .cq_log2 = 3,
					       .sq_va = RIG_VA, .timeout_ms = 200,
					       .eventfd = -1 };
	uint64_t done = 0;
	struct rig rig;
	char go;

	rig_open(&rig);
	queue_close(&rig.q);
	how.vm_id = rig.vm;
	must(!queue_open(&rig.q, rig.fd, &how, rig.mem.map));
	queue_nops(&rig.q, 40);
	must(write(socket, "", 1) == 1);
	must(read(socket, &go, 1) == 1);
	/* eight have room; each call may be stopped and goes on */
	while (rig.q.head < 40) {
		if (queue_wait_until(rig.fd, rig.q.id, rig.q.head + 1,
				     guest_now() + 60 * SECOND, &done))
			_exit(1);
		usleep(5000);
		queue_take_all(&rig.q);
	}
	/* now for what never comes */
	_exit(queue_wait_until(rig.fd, rig.q.id, 41, guest_now() + 3 * SECOND,
			       NULL) == -ETIME ? 0 : 2);
}

void stopped_owner(void)
{
	unsigned int stops = 0;
	int ends[2], status;
	struct rig mine;
	char byte;
	pid_t pid;

	rig_open(&mine);
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	pid = fork();
	must(pid >= 0);
	if (!pid)
		fill_and_wait(ends[1]);
	must(read(ends[0], &byte, 1) == 1);
	kill(pid, SIGSTOP);
	must(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	usleep(1500000);
	ok(rig_works(&mine), "an owner is stopped; another's queue works");
	kill(pid, SIGCONT);
	must(write(ends[0], "", 1) == 1);
	/* stopped and continued all through its calls */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGSTOP);
		usleep(3000);
		kill(pid, SIGCONT);
		usleep(7000);
		stops++;
	}
	is(status, 0, "it goes on where it was, %u times", stops);
	ok(stops > 100, "of many");
	rig_close(&mine);
}

/* ---- Killed in every call -------------------------------------------------------------- */

/* Every ioctl there is, in an order in which each has something to do. */
static void call_all(void)
{
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_info info;
	struct ctrans_sqe sqe;
	struct rig rig;
	uint32_t vm;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	accel_node();
	raise(SIGSTOP);
	rig_open(&rig);
	info_must(rig.fd, &info);
	sqe = rig_long(&rig, 16);
	queue_send(&rig.q, &sqe);
	queue_send(&rig.q, &sqe);
	vm_create(rig.fd, &vm);
	vm_map(rig.fd, vm, rig.mem.handle, RIG_VA, 0, RIG_SIZE, 0);
	queue_get_state(rig.fd, rig.q.id, &st);
	queue_wait_until(rig.fd, rig.q.id, 3, guest_now() + 30 * MS, NULL);
	queue_restart(rig.fd, rig.q.id);
	/* under the job that uses it */
	vm_unmap(rig.fd, rig.vm, RIG_LONG_VA, 2 * RIG_LONG_HALF);
	queue_destroy(rig.fd, rig.q.id);
	vm_unmap(rig.fd, rig.vm, RIG_VA, RIG_SIZE);
	vm_destroy(rig.fd, rig.vm);
	bo_close(rig.fd, rig.mem.handle);
	close(rig.fd);
	_exit(0);
}

enum { AT_ENTRY, INSIDE, AT_EXIT, MOMENTS };

/* False: it had no ioctl of that number. */
static bool kill_in(unsigned int nth, int moment, unsigned int us)
{
	unsigned int n = 0;
	pid_t pid = fork();
	bool found = false;
	int status;

	must(pid >= 0);
	if (!pid) {
		guest_unheard();
		call_all();
	}
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	must(!ptrace(PTRACE_SETOPTIONS, pid, NULL,
		     (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)));
	while (!found) {
		struct __ptrace_syscall_info info;

		must(!ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		must(waitpid(pid, &status, 0) == pid);
		if (!WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		must(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info),
			    &info) > 0);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    info.entry.nr == SYS_ioctl)
			found = n++ == nth;
	}
	if (moment == INSIDE) {
		must(!ptrace(PTRACE_CONT, pid, NULL, NULL));
		usleep(us);
	} else if (moment == AT_EXIT) {
		must(!ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		must(waitpid(pid, &status, 0) == pid);
	}
	kill(pid, SIGKILL);
	do {
		must(waitpid(pid, &status, 0) == pid);
	} while (WIFSTOPPED(status));
	return true;
}

void killed_in_calls(void)
{
	unsigned int calls, killed = 0, good = 0;
	uint64_t seed = 99;
	struct rig mine;

	rig_open(&mine);
	for (calls = 0; kill_in(calls, AT_ENTRY, 0); calls++) {
		killed++;
		for (int i = 0; i < 2; i++)
			killed += kill_in(calls, INSIDE,
					  guest_random(&seed) % 2000);
		killed += kill_in(calls, AT_EXIT, 0);
		good += rig_works(&mine);
	}
	is(killed, 4 * calls, "killed before, in and after each of %u ioctls",
	   calls);
	ok(calls >= 18, "which are all");
	is(good, calls, "another's jobs meanwhile");
	rig_close(&mine);
	ok(nothing_left(), "nothing of theirs is left on the chip");
}
