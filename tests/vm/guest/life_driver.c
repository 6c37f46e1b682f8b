// SPDX-License-Identifier: MIT
/*
 * The driver taken off the chip under its users, and put back. From the moment
 * it is gone they get -ENODEV, and no signal ends them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "jobs.h"
#include "pci.h"
#include "power.h"
#include "test_life.h"

static int unload(void)
{
	return syscall(SYS_delete_module, "ctrans", O_NONBLOCK) ? -errno : 0;
}

/*
 * The module cannot go while anything of it is open or mapped. That it can once
 * nothing is, the end of each machine shows.
 */
void module_held(void)
{
	struct rig rig;
	char *map;
	int dmabuf, err;

	rig_open(&rig);
	err = unload();
	ok(err == -EWOULDBLOCK || err == -EBUSY, "while a file is open: %d", err);
	must(!drmPrimeHandleToFD(rig.fd, rig.mem.handle, DRM_CLOEXEC | DRM_RDWR,
				 &dmabuf));
	close(rig.fd);
	err = unload();
	ok(err == -EWOULDBLOCK || err == -EBUSY, "while all is mapped: %d", err);
	munmap(rig.mem.map, rig.mem.size);
	munmap((void *)rig.q.status, rig.q.status_size);
	err = unload();
	ok(err == -EWOULDBLOCK || err == -EBUSY, "while a doorbell is: %d", err);
	munmap((void *)rig.q.doorbell, PAGE);
	err = unload();
	ok(err == -EWOULDBLOCK || err == -EBUSY, "while a dma-buf is open: %d", err);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	must(map != MAP_FAILED);
	close(dmabuf);
	err = unload();
	ok(err == -EWOULDBLOCK || err == -EBUSY, "while a dma-buf is mapped: %d",
	   err);
	ok(chip_works(), "and jobs work");
	map[0] = 1;
	munmap(map, PAGE);
}

struct sleeper {
	pthread_t thread;
	struct rig *rig;
	int err;
};

static void *sleep_on(void *arg)
{
	struct sleeper *s = arg;

	s->err = queue_wait_until(s->rig->fd, s->rig->q.id, 100000, INT64_MAX, NULL);
	return NULL;
}

#define LONG_JOBS	30u

/* Of so many parts, which are a fortieth of a second or more. */
static void send_parts(struct rig *rig, unsigned int parts)
{
	struct ctrans_sqe sqe = rig_long(rig, parts);

	for (unsigned int i = 0; i < LONG_JOBS; i++)
		queue_fill(&rig->q, &sqe);
	queue_ring(&rig->q);
}

static void send_long(struct rig *rig)
{
	send_parts(rig, 16);
}

void unbound_once(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), dmabuf;
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_dev_query query = { 0 };
	struct pollfd p = { .events = POLLIN };
	struct rig rig, again;
	struct sleeper s;
	uint32_t handle;
	uint64_t n;

	pci_name();
	rig_open_in(&rig, accel_open(), event, 0);
	ok(rig_works(&rig), "it works");
	must(!drmPrimeHandleToFD(rig.fd, rig.mem.handle, DRM_CLOEXEC | DRM_RDWR,
				 &dmabuf));
	strcpy(rig_page(&rig, RIG_FREE + 5), "kept");
	send_long(&rig);
	s = (struct sleeper){ .rig = &rig };
	must(!pthread_create(&s.thread, NULL, sleep_on, &s));
	usleep(100000);
	while (read(event, &n, sizeof(n)) == sizeof(n))
		;
	is(pci_unbind(), 0, "unbound under a job");
	pthread_join(s.thread, NULL);
	is(s.err, -ENODEV, "who waited is told");
	p.fd = event;
	is(poll(&p, 1, 30000), 1, "the eventfd is signalled");
	p.fd = rig.fd;
	is(poll(&p, 1, 0) == 1 ? p.revents & POLLHUP : 0, POLLHUP, "POLLHUP");
	is(call(rig.fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query), -ENODEV, "DEV_QUERY");
	is(bo_create(rig.fd, PAGE, &handle), -ENODEV, "BO_CREATE");
	is(vm_create(rig.fd, &handle), -ENODEV, "VM_CREATE");
	is(vm_unmap(rig.fd, rig.vm, RIG_VA, RIG_SIZE), -ENODEV, "VM_BIND");
	is(queue_wait_until(rig.fd, rig.q.id, 0, 0, NULL), -ENODEV, "QUEUE_WAIT");
	is(queue_get_state(rig.fd, rig.q.id, &st), -ENODEV, "QUEUE_GET_STATE");
	is(queue_restart(rig.fd, rig.q.id), -ENODEV, "QUEUE_RESTART");
	is(queue_destroy(rig.fd, rig.q.id), -ENODEV, "QUEUE_DESTROY");
	rig.q.doorbell[0] = 12345;
	ok(true, "its doorbell takes stores");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_LOST, "its kernel line says LOST");
	is(strcmp(rig_page(&rig, RIG_FREE + 5), "kept"), 0, "its memory is there");
	memset(rig.mem.map, 1, rig.mem.size);
	fails(accel_try_open(), "the node is gone, or does not open");
	is(pci_bind(), 0, "bound again");
	again.fd = accel_open_within(30);
	rig_open_in(&again, again.fd, -1, 0);
	ok(rig_works(&again), "a new file works");
	rig.q.doorbell[0] = 54321;
	rig.q.doorbell[1] = 54321;
	ok(rig_works(&again), "whatever the old one stores");
	is(call(rig.fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query), -ENODEV,
	   "the old file stays without a device");
	/* its memory, exported before, for the new one */
	is(drmPrimeFDToHandle(again.fd, dmabuf, &handle), 0,
	   "a dma-buf of before is imported");
	close(dmabuf);
	rig_close(&again);
	rig_unmap(&rig);
	close(rig.fd);
	ok(chip_works(), "all closed: others work");
	ctl("clear", NULL, 0);
}

/* What users do until their device is gone, and with it in between. */
static void user(void)
{
	struct rig rig;
	int fd;

	for (;;) {
		fd = accel_try_open();
		if (fd < 0) {
			usleep(1000);
			continue;
		}
		if (vm_create(fd, &rig.vm)) {
			close(fd);
			continue;
		}
		vm_destroy(fd, rig.vm);
		/* its musts may well fail here: a process of its own */
		if (!fork()) {
			guest_unheard();
			rig_open_in(&rig, fd, -1, 0);
			send_long(&rig);
			for (int i = 0; i < 50; i++) {
				queue_wait_until(fd, rig.q.id, i,
						 guest_now() + 5 * MS, NULL);
				rig.q.doorbell[1] = queue_line(&rig.q)->cq_tail;
				memset(rig_page(&rig, RIG_FREE), i, PAGE);
			}
			_exit(0);
		}
		close(fd);
		wait(NULL);
	}
}

void unbound_often(void)
{
	unsigned int rounds = guest_loops(30), good = 0;
	pid_t pid[3];

	pci_name();
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			user();
	}
	for (unsigned int i = 0; i < rounds; i++) {
		struct rig rig;
		int fd;

		fd = accel_open_within(30);
		rig_open_in(&rig, fd, -1, 0);
		send_long(&rig);
		usleep(10000 * (i % 7));
		good += !pci_unbind();
		rig.q.doorbell[0] = i;
		good += queue_kernel(&rig.q)->state == CTRANS_KQ_LOST;
		if (i & 1)
			rig_close(&rig);
		good += !pci_bind();
		if (!(i & 1))
			rig_close(&rig);
	}
	is(good, 3 * rounds, "times unbound in use, and bound");
	for (int i = 0; i < 3; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	close(accel_open_within(30));
	ok(chip_works(), "and it works");
	ctl("clear", NULL, 0);
}

static void import_on(int heaps)
{
	struct dma_heap_allocation_data heap = { .len = 128 << 20,
						 .fd_flags = O_RDWR | O_CLOEXEC };
	uint32_t handle;
	int fd;

	guest_unheard();
	must(!ioctl(heaps, DMA_HEAP_IOCTL_ALLOC, &heap));
	for (;;) {
		fd = accel_try_open();
		if (fd < 0) {
			usleep(1000);
			continue;
		}
		while (!drmPrimeFDToHandle(fd, (int)heap.fd, &handle))
			drmCloseBufferHandle(fd, handle);
		close(fd);
	}
}

#define IMPORTING_NS	20000000000

/*
 * Others' buffers are imported, over and over, while the driver comes and goes.
 * What stays mapped for a chip without a driver is seen by kernels that look.
 */
void unbound_importing(void)
{
	int heaps = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	unsigned int rounds = 0, good = 0;
	int64_t start = guest_now();
	pid_t pid[2];

	if (heaps < 0) {
		guest_skip("no /dev/dma_heap/system in this kernel");
		return;
	}
	pci_name();
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			import_on(heaps);
	}
	/* behind an IOMMU of this machine an import takes seconds */
	for (; rounds < 40 && guest_now() - start < IMPORTING_NS; rounds++) {
		usleep(5000 + 1000 * (rounds % 7));
		good += !pci_unbind();
		good += !pci_bind();
	}
	is(good, 2 * rounds, "times unbound while importing, and bound");
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	close(heaps);
	close(accel_open_within(30));
	ok(chip_works(), "and it works");
}

/* Calls that read the chip's registers, which answer nothing during a reset. */
static void ask_on(void)
{
	struct bo bo;
	uint32_t vm;
	int fd = accel_open();

	bo_must(&bo, fd, PAGE);
	vm = vm_must(fd);
	for (;;) {
		struct drm_ctrans_clock clock;
		struct drm_ctrans_dev_query query = {
			.type = DRM_CTRANS_QUERY_CLOCK,
			.size = sizeof(clock), .pointer = (uintptr_t)&clock,
		};

		if (call(fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query) || !clock.mv ||
		    clock.mv > 5000)
			_exit(1);
		if (vm_map(fd, vm, bo.handle, 16 * PAGE, 0, PAGE, 0) ||
		    vm_unmap(fd, vm, 16 * PAGE, PAGE))
			_exit(2);
	}
}

/*
 * A function-level reset by the administrator, under a job. The chip forgets
 * everything, but the job in hand may end before, and queues are carried over.
 */
void function_reset(void)
{
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_queue_create how = {
		.sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2, .sq_va = RIG_VA,
		.eventfd = -1,
	};
	uint32_t resets;
	struct rig rig;
	pid_t pid;

	if (access(pci_path("reset"), W_OK)) {
		guest_skip("the function has no reset");
		return;
	}
	rig_open(&rig);
	ok(rig_works(&rig), "it works");
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	resets = st.reset_count;
	/* short of what a reset waits for one, on any host */
	send_parts(&rig, 4);
	is(pci_write("reset", "1"), 0, "reset by the bus");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_READY, "the queue goes on");
	is(queue_kernel(&rig.q)->reset_count, resets + 1, "one reset more");
	is(queue_finish(&rig.q, 60 * SECOND), 0, "every job is done");
	is(queue_take_all(&rig.q), LONG_JOBS, "once");
	ok(rig_works(&rig), "and more work");
	queue_close(&rig.q);
	how.vm_id = rig.vm;
	is(queue_open(&rig.q, rig.fd, &how, rig.mem.map), 0,
	   "a new queue in the same space");
	ok(rig_works(&rig), "works on what is bound there");
	pid = fork();
	must(pid >= 0);
	if (!pid)
		ask_on();
	for (int i = 0; i < 5; i++) {
		usleep(20000);
		must(!pci_write("reset", "1"));
	}
	is(waitpid(pid, NULL, WNOHANG), 0, "who only asks and maps is served");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rig_close(&rig);
	ok(chip_works(), "five resets later a new file works");
	ctl("clear", NULL, 0);
}

/*
 * The registers answer no more, as those of a card that fell off the bus. Nobody
 * tells the driver: its watchdog looks while there are queues.
 */
void fallen_off(void)
{
	struct epoll_event ev = { .events = EPOLLIN }, got = { 0 };
	int set = epoll_create1(EPOLL_CLOEXEC), kmsg = kmsg_open();
	int idle = accel_open(), config;
	static const uint16_t command = 0;
	struct sleeper s;
	struct rig rig;

	pci_name();
	config = open(pci_path("config"), O_RDWR | O_CLOEXEC);
	must(config >= 0);
	must(!epoll_ctl(set, EPOLL_CTL_ADD, idle, &ev));
	/* the bus would wake one that sleeps with decoding on */
	power_on();
	rig_open(&rig);
	ok(rig_works(&rig), "it works");
	s = (struct sleeper){ .rig = &rig };
	must(!pthread_create(&s.thread, NULL, sleep_on, &s));
	usleep(100000);
	/* no decoding of addresses, no bus mastering */
	must(pwrite(config, &command, sizeof(command), 4) == sizeof(command));
	close(config);
	pthread_join(s.thread, NULL);
	is(s.err, -ENODEV, "who waited is told");
	is(epoll_wait(set, &got, 1, 30000), 1, "and who has no queue");
	is(got.events & EPOLLHUP, EPOLLHUP, "that it is gone");
	is(queue_kernel(&rig.q)->state, CTRANS_KQ_LOST, "the queue is LOST");
	rig.q.doorbell[0] = 12345;
	fails(accel_try_open(), "the node does not open");
	is(kmsg_count(kmsg, "does not answer", NULL, 0), 1, "one line in the log");
	is(pci_unbind(), 0, "unbound");
	is(pci_bind(), 0, "and bound, which has it decode again");
	close(accel_open_within(30));
	ok(chip_works(), "a new file works");
	power_default();
	rig_unmap(&rig);
	close(rig.fd);
	close(idle);
	close(set);
	close(kmsg);
	ctl("clear", NULL, 0);
}
