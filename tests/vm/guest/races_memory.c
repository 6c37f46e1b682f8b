// SPDX-License-Identifier: MIT
/* Users with little memory, or with no right to lock any. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "test_races.h"

#define CGROUPS	"/run/cgroup"
#define GROUP	CGROUPS "/ctrans"
#define LIMIT	(32u << 20)
#define PIECE	(1u << 20)

/* With the group's limit on everything this process takes. */
static int take_all(void)
{
	unsigned int n = 0, again = 0;
	struct rig rig;
	uint32_t vm, handle, handles[64];
	int err = 0;

	rig_open(&rig);
	ok(rig_works(&rig), "in a small group: it works");
	vm = vm_must(rig.fd);
	/* as much as the machine has is lent, to be refused when it is taken */
	must(!bo_create(rig.fd, 2 * (uint64_t)LIMIT, &handle));
	is(vm_map(rig.fd, vm, handle, 1 << 30, 0, 2 * (uint64_t)LIMIT, 0), -ENOMEM,
	   "a buffer beyond its limit is not bound");
	bo_close(rig.fd, handle);
	for (; n < 64 && !err; n++) {
		must(!bo_create(rig.fd, PIECE, &handles[n]));
		err = vm_map(rig.fd, vm, handles[n], (uint64_t)(n + 1) * PIECE * 4, 0,
			     PIECE, 0);
	}
	is(err, -ENOMEM, "nor are %u small ones", n);
	ok(n > 8 && n <= LIMIT / PIECE, "but some");
	ok(rig_works(&rig), "what is there works on");
	for (unsigned int i = 0; i < n; i++)
		bo_close(rig.fd, handles[i]);
	must(!vm_destroy(rig.fd, vm));
	vm = vm_must(rig.fd);
	for (err = 0; again < n - 1 && !err; again++) {
		must(!bo_create(rig.fd, PIECE, &handles[again]));
		err = vm_map(rig.fd, vm, handles[again],
			     (uint64_t)(again + 1) * PIECE * 4, 0, PIECE, 0);
	}
	/* charges go in batches: one or two may be missing */
	ok(again + 3 >= n, "closed, they can be had again: %u", again);
	/* and dies with all of it */
	raise(SIGKILL);
	return 0;
}

static void group_off(void)
{
	rmdir(GROUP);
	umount(CGROUPS);
	rmdir(CGROUPS);
}

/* Buffers are charged to who takes them; a group that is full costs others nothing. */
void in_memcg(void)
{
	char text[512] = "", *kills;
	struct rig mine;
	int status;
	pid_t pid;

	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL) ||
	    file_read(CGROUPS "/cgroup.controllers", text, sizeof(text)) ||
	    !strstr(text, "memory") ||
	    file_write(CGROUPS "/cgroup.subtree_control", "+memory")) {
		group_off();
		guest_skip("this kernel has no memory cgroups");
		return;
	}
	rig_open(&mine);
	must(!mkdir(GROUP, 0755) || errno == EEXIST);
	snprintf(text, sizeof(text), "%u", LIMIT);
	must(!file_write(GROUP "/memory.max", text));
	file_write(GROUP "/memory.swap.max", "0");
	pid = fork();
	must(pid >= 0);
	if (!pid) {
		must(!file_write(GROUP "/cgroup.procs", "0"));
		_exit(take_all());
	}
	must(waitpid(pid, &status, 0) == pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	   "it came to its end: %#x", status);
	ok(rig_works(&mine), "another's queue works");
	/* oom_kill is on a line of its own; nobody was shot for a buffer */
	{
		int fd = open(GROUP "/memory.events", O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		must(n > 0);
		text[n] = 0;
		close(fd);
		kills = strstr(text, "oom_kill ");
		ok(kills && atoi(kills + 9) == 0, "nobody was killed for memory");
	}
	rig_close(&mine);
	for (int i = 0; i < 100 && rmdir(GROUP); i++)
		usleep(50000);
	ok(access(GROUP, F_OK), "and the group goes");
	group_off();
}

/* What the chip holds in place is no locked memory of the process. */
void no_memlock(void)
{
	static const struct rlimit none = { 0, 0 };
	int fd = accel_open(), status;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		struct rig rig;

		must(!setrlimit(RLIMIT_MEMLOCK, &none));
		must(!setgid(65534) && !setuid(65534));
		rig_open_in(&rig, fd, -1, 0);
		ok(rig_works(&rig), "a user who may lock no memory: a queue works");
		rig_batch(&rig, 7);
		must(!queue_finish(&rig.q, 60 * SECOND));
		ok(rig_batch_right(&rig, 7), "and many jobs");
		rig_close(&rig);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	is(status, 0, "to the end");
	close(fd);
}
