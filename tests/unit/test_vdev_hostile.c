// SPDX-License-Identifier: MIT
/*
 * Monitors that do not behave, and the sockets themselves: whatever comes, the
 * server lives, keeps no descriptor and serves the next one.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "vdev_client.h"

#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define EVENTFDS (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define ALL_MAPS VFIO_DMA_UNMAP_FLAG_ALL

static struct vdev_test t;

static void setup(void)
{
	struct vdev_options o = { .threads = 2, .kernel = "auto", .irq = VDEV_MSIX };

	vt_open(&t, &o);
}

static void teardown(void)
{
	/* whatever has been done, the next client is served */
	vt_hang_up(&t);
	vt_connect(&t);
	ck_assert_int_eq(vt_version(&t), 0);
	ck_assert_uint_eq(t.v->dma.n, 0);
	vt_close(&t);
}

static unsigned int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void raw(const void *data, size_t size)
{
	(void)!send(t.fd, data, size, MSG_NOSIGNAL);
}

static bool hung_up(void)
{
	char c;

	return recv(t.fd, &c, 1, 0) <= 0;
}

/* ---- Framing ------------------------------------------------------------------ */

START_TEST(headers)
{
	struct vdev_header h[] = {
		{ .command = VDEV_VERSION, .size = 0 },
		{ .command = VDEV_VERSION, .size = sizeof(h[0]) - 1 },
		{ .command = VDEV_VERSION, .size = VDEV_MESSAGE_MAX + 1 },
		{ .command = VDEV_VERSION, .size = UINT32_MAX },
		/* an answer, though nothing was asked; types and flags there are not */
		{ .command = VDEV_VERSION, .size = sizeof(h[0]), .flags = VDEV_FLAG_REPLY },
		{ .command = VDEV_VERSION, .size = sizeof(h[0]), .flags = 2 },
		{ .command = VDEV_VERSION, .size = sizeof(h[0]), .flags = VDEV_FLAG_ERROR },
		{ .command = VDEV_VERSION, .size = sizeof(h[0]), .flags = 0x80000000 },
	};

	for (size_t i = 0; i < sizeof(h) / sizeof(h[0]); i++) {
		raw(&h[i], sizeof(h[i]));
		ck_assert_msg(hung_up(), "header %zu is accepted", i);
		vt_hang_up(&t);
		vt_connect(&t);
	}
	/* unfinished ones, left */
	raw(&h[2], 7);
	vt_hang_up(&t);
	vt_connect(&t);
	h[0].size = 100;
	raw(&h[0], sizeof(h[0]));
}
END_TEST

/* Bytes one by one, two messages at once: neither is the server's business. */
START_TEST(pieces)
{
	struct {
		struct vdev_header h;
		struct vdev_version v;
	} m = { { 1, VDEV_VERSION, sizeof(m), 0, 0 }, { VDEV_MAJOR, 0 } };
	struct {
		struct vdev_header h;
		struct vdev_info info;
	} two[2] = {
		{ { 7, VDEV_GET_INFO, sizeof(two[0]), VDEV_FLAG_NO_REPLY, 0 }, { .argsz = 16 } },
		{ { 8, VDEV_GET_INFO, sizeof(two[0]), 0, 0 }, { .argsz = 16 } },
	};

	t.id = 1;
	for (size_t i = 0; i < sizeof(m); i++) {
		raw((const uint8_t *)&m + i, 1);
		usleep(300);
	}
	ck_assert_int_eq(vt_answer(&t, NULL, 0), 0);
	raw(two, sizeof(two));
	t.id = 8;
	ck_assert_int_eq(vt_answer(&t, NULL, sizeof(struct vdev_info) - 16), 0);
}
END_TEST

START_TEST(too_many_descriptors)
{
	struct vdev_info info = { .argsz = sizeof(info) };
	unsigned int before;
	int fds[40];

	ck_assert_int_eq(vt_version(&t), 0);
	for (unsigned int i = 0; i < 40; i++)
		fds[i] = t.memfd;
	before = open_fds();
	/* where none belong they are closed, with an error; too many are the end */
	vt_send(&t, VDEV_GET_INFO, &info, sizeof(info), fds, 3);
	ck_assert_int_eq(vt_answer(&t, NULL, 0), EINVAL);
	vt_send(&t, VDEV_DMA_MAP, &info, sizeof(info), fds, 16);
	ck_assert_int_eq(vt_answer(&t, NULL, 0), EINVAL);
	ck_assert_uint_eq(open_fds(), before);
	vt_send(&t, VDEV_GET_INFO, &info, sizeof(info), fds, 40);
	ck_assert(hung_up());
	/* its connection has gone as well */
	ck_assert_uint_eq(open_fds(), before - 1);
}
END_TEST

/* Every command with every size near its own, and none beyond it. */
START_TEST(sizes)
{
	static const size_t right[] = { 4, 32, 24, 16, 32, 0, 16, 20, 16, 16, 0, 0, 0, 4 };
	uint8_t data[64];

	ck_assert_int_eq(vt_version(&t), 0);
	for (unsigned int c = 0; c <= VDEV_DEVICE_RESET + 3; c++) {
		for (size_t size = 0; size < sizeof(data); size++) {
			int ret;

			memset(data, 0xff, sizeof(data));
			ret = vt_call(&t, c, data, size, -1, NULL, 0);
			if ((c == VDEV_DEVICE_RESET && !size) ||
			    (c == VDEV_GET_INFO && size == sizeof(struct vdev_info)))
				ck_assert_int_eq(ret, 0);
			else
				ck_assert_msg(ret == EINVAL || ret == ENOTSUP,
					      "command %u, %zu bytes: %d", c, size, ret);
			/* short or long by one, all fields zero but an honest argsz */
			memset(data, 0, sizeof(data));
			data[0] = sizeof(data);
			ret = vt_call(&t, c, data, size, -1, NULL, 0);
			if (c >= 1 && c <= VDEV_DEVICE_RESET && size != right[c - 1] &&
			    c != VDEV_DEVICE_RESET)
				ck_assert_msg(ret > 0, "command %u, %zu bytes", c, size);
		}
	}
}
END_TEST

/* ---- Memory --------------------------------------------------------------------- */

START_TEST(maps)
{
	struct vdev_dma_unmap all = { sizeof(all), ALL_MAPS, 0, 0 };
	const uint64_t top = UINT64_MAX - 4095;
	int small = memfd_create("small", MFD_CLOEXEC), null = open("/dev/null", O_RDWR),
	    disk = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), pipes[2];
	unsigned int before;

	ck_assert_int_eq(ftruncate(small, 5000), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(vt_version(&t), 0);
	before = open_fds();
	/* sizes and places there cannot be */
	ck_assert_int_eq(vt_map(&t, 0, 0, t.memfd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4095, t.memfd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 1, 4096, t.memfd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, t.memfd, 2048, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, top, 8192, t.memfd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 4096, top, t.memfd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, t.memfd, 0, 8 | RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, t.memfd, 0, 0), EINVAL);
	/* more than the file has */
	ck_assert_int_eq(vt_map(&t, 0, 4096, small, 4096, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 8192, small, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, small, 1ull << 40, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, small, top, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 1ull << 62, t.memfd, 0, RW), EINVAL);
	/* files that are no memory */
	ck_assert_int_eq(vt_map(&t, 0, 4096, null, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, pipes[0], 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, 0, 4096, t.stop, 0, RW), EINVAL);
	ck_assert_int_ne(vt_map(&t, 0, 4096, disk, 0, VFIO_DMA_MAP_FLAG_READ), 0);
	ck_assert_uint_eq(open_fds(), before);
	ck_assert_uint_eq(t.v->dma.n, 0);

	/* without a file: there, but nothing answers; the last page there is */
	ck_assert_int_eq(vt_map(&t, 0, 4096, -1, 0, RW), 0);
	ck_assert_int_eq(vt_map(&t, top, 4096, t.memfd, 0, RW), 0);
	ck_assert_int_eq(vt_map(&t, 8192, 8192, t.memfd, 0, RW), 0);
	/* over others */
	ck_assert_int_eq(vt_map(&t, 0, 4096, t.memfd, 0, RW), EEXIST);
	ck_assert_int_eq(vt_map(&t, 4096, 8192, t.memfd, 0, RW), EEXIST);
	ck_assert_int_eq(vt_map(&t, 12288, 8192, t.memfd, 0, RW), EEXIST);
	ck_assert_int_eq(vt_map(&t, 4096, 65536, t.memfd, 0, RW), EEXIST);
	ck_assert_uint_eq(t.v->dma.n, 3);

	/* parts do not go; what is not there may */
	ck_assert_int_eq(vt_unmap(&t, 8192, 4096), EINVAL);
	ck_assert_int_eq(vt_unmap(&t, 12288, 4096), EINVAL);
	ck_assert_int_eq(vt_unmap(&t, 12288, 1ull << 40), EINVAL);
	ck_assert_int_eq(vt_unmap(&t, 0, 0), EINVAL);
	ck_assert_int_eq(vt_unmap(&t, top, 8192), EINVAL);
	ck_assert_int_eq(vt_unmap(&t, 1ull << 40, 1ull << 40), 0);
	ck_assert_uint_eq(t.v->dma.n, 3);
	ck_assert_int_eq(vt_unmap(&t, 0, 1ull << 63), 0);
	ck_assert_uint_eq(t.v->dma.n, 1);
	all.size = 4096;
	ck_assert_int_eq(vt_call(&t, VDEV_DMA_UNMAP, &all, sizeof(all), -1, NULL, 0), EINVAL);
	all.size = 0;
	ck_assert_int_eq(vt_call(&t, VDEV_DMA_UNMAP, &all, sizeof(all), -1, NULL, 0), 0);
	ck_assert_uint_eq(t.v->dma.n, 0);
	ck_assert_uint_eq(open_fds(), before);
	close(small);
	close(null);
	close(disk);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

START_TEST(many_maps)
{
	ck_assert_int_eq(vt_version(&t), 0);
	/* without files, which the kernel has fewer of; from the end, which is slowest */
	for (uint64_t i = VDEV_MAPS_MAX; i-- > 0;)
		ck_assert_int_eq(vt_map(&t, i * 8192, 4096, -1, 0, RW), 0);
	ck_assert_int_eq(vt_map(&t, 1ull << 40, 4096, -1, 0, RW), ENOSPC);
	ck_assert_int_eq(vt_unmap(&t, 0, 4096), 0);
	ck_assert_int_eq(vt_map(&t, 1ull << 40, 4096, -1, 0, RW), 0);
}
END_TEST

/* ---- Interrupts ------------------------------------------------------------------ */

START_TEST(interrupts)
{
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE, flag = VFIO_IRQ_SET_DATA_BOOL,
		       trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	struct {
		struct vdev_irq_set set;
		uint8_t data[8];
	} m = { { sizeof(m.set), flag | trigger, VDEV_MSIX, 0, 4 }, { 1, 1, 1, 1 } };
	int fd[VDEV_VECTORS], pipes[2];
	unsigned int before;

	ck_assert_int_eq(vt_version(&t), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	for (unsigned int i = 0; i < VDEV_VECTORS; i++)
		fd[i] = eventfd(0, EFD_CLOEXEC);
	before = open_fds();
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 16, 2, fd, 2), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 18, 0, fd, 0), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, UINT32_MAX, 2, fd, 2), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 2, UINT32_MAX, fd, 2), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 0, 3, fd, 2), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSI, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, 5, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS | none, VDEV_MSIX, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, trigger, VDEV_MSIX, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, none | trigger, VDEV_MSIX, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, 1u << 31 | EVENTFDS, VDEV_MSIX, 0, 1, fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, none, VDEV_MSIX, 0, 1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, none | VFIO_IRQ_SET_ACTION_MASK, VDEV_MSIX, 0, 1, NULL, 0),
			 ENOTSUP);
	/* a pipe would make the workers wait; all or none are taken */
	fd[1] = pipes[1];
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 0, 2, fd, 2), EINVAL);
	fd[1] = t.memfd;
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 0, 2, fd, 2), EINVAL);
	ck_assert_uint_eq(open_fds(), before);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 2, 2, fd + 2, 2), 0);
	ck_assert_uint_eq(open_fds(), before + 2);
	/* by flags, as many as are said */
	ck_assert_int_eq(vt_call(&t, VDEV_SET_IRQS, &m, sizeof(m.set) + 3, -1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_call(&t, VDEV_SET_IRQS, &m, sizeof(m.set) + 5, -1, NULL, 0), EINVAL);
	m.data[2] = 0;
	ck_assert_int_eq(vt_call(&t, VDEV_SET_IRQS, &m, sizeof(m.set) + 4, -1, NULL, 0), 0);
	ck_assert_uint_eq(vt_signals(fd[3], 1000), 1);
	ck_assert_uint_eq(vt_signals(fd[2], 10), 0);
	/* one that is full makes nobody wait */
	ck_assert_int_eq(eventfd_write(fd[3], UINT64_MAX - 1), 0);
	ck_assert_int_eq(vt_call(&t, VDEV_SET_IRQS, &m, sizeof(m.set) + 4, -1, NULL, 0), 0);
	ck_assert_uint_eq(vt_signals(fd[3], 1000), UINT64_MAX - 1);
	/* the client's notifiers are taken and dropped */
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, fd, 1), 0);
	ck_assert_uint_eq(open_fds(), before + 2);
	for (unsigned int i = 0; i < VDEV_VECTORS; i++)
		if (i != 1)
			close(fd[i]);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* A client that dies in the middle of a job leaves nothing behind. */
START_TEST(reconnects)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP };
	unsigned int before;
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert_int_eq(vt_version(&t), 0);
	before = open_fds();
	vt_hang_up(&t);
	vt_connect(&t);
	for (int i = 0; i < 10; i++) {
		vt_bring_up(&t);
		ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 1, 1, &fd, 1), 0);
		ck_assert_int_eq(vdev_fault(t.v, i % 2 ? "hang" : "hang off"), 0);
		bench_queue(&t.b, 0, 0, 3, 3, 0);
		bench_fill(&t.b, 0, &nop);
		bench_ring(&t.b, 0);
		if (i % 3)
			usleep(2000);
		vt_hang_up(&t);
		vt_connect(&t);
	}
	ck_assert_int_eq(vdev_fault(t.v, "hang off"), 0);
	ck_assert_int_eq(vt_version(&t), 0);
	ck_assert_uint_eq(vt_read(&t, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2), 0);
	ck_assert_uint_eq(open_fds(), before);
	ck_assert_uint_eq(vdev_violations(t.v), 0);
	close(fd);
}
END_TEST

/* ---- The control socket ------------------------------------------------------------ */

START_TEST(control)
{
	int fd = vt_control(&t), others[12];
	char longest[2 * VDEV_CONTROL_LINE];

	ck_assert_str_eq(vt_ask(fd, "violations\n"),
			 "{\"total\":0,\"powered_down\":0,\"no_bus_master\":0,\"unbound\":0,"
			 "\"stopped_doorbell\":0}\n");
	vdev_count(t.v, VDEV_UNBOUND, 0);
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "violations\n"), "\"unbound\":1,"));
	ck_assert_str_eq(vt_ask(fd, "clear\n"), "{\"ok\":true}\n");
	ck_assert_uint_eq(vdev_violations(t.v), 0);
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "state\n"), "\"attached\":true,\"power\":\"D0\""));
	ck_assert_str_eq(vt_ask(fd, "stall on\n"), "{\"ok\":true}\n");
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "state\n"), "\"stalled\":true"));
	ck_assert_str_eq(vt_ask(fd, "stall off\n"), "{\"ok\":true}\n");
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "state\n"), "\"stalled\":false"));
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "\n"), "\"error\""));
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "stall\n"), "\"error\""));
	/* in pieces, two at once */
	(void)!send(fd, "cle", 3, MSG_NOSIGNAL);
	usleep(5000);
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "ar\nviolations\n"), "ok"));
	/* a line without end is no command; more talkers than chairs wait */
	for (int i = 0; i < 12; i++)
		others[i] = vt_control(&t);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_str_eq(vt_ask(others[0], longest), "");
	for (int i = 0; i < 12; i++)
		close(others[i]);
	close(fd);
	fd = vt_control(&t);
	ck_assert_ptr_nonnull(strstr(vt_ask(fd, "state\n"), "\"attached\":true"));
	close(fd);
}
END_TEST

START_TEST(quit)
{
	struct vdev_options o = { .threads = 1, .irq = VDEV_MSIX };
	int fd;

	vt_close(&t);
	vt_open(&t, &o);
	vt_bring_up(&t);
	fd = vt_control(&t);
	ck_assert_str_eq(vt_ask(fd, "quit\n"), "{\"ok\":true}\n");
	close(fd);
	pthread_join(t.server, NULL);
	ck_assert_int_eq(t.served, 0);
	ck_assert(hung_up());
	vdev_destroy(t.v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vdev_hostile");
	TCase *c = tcase_create("clients"), *q = tcase_create("quit");
	SRunner *r;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, headers);
	tcase_add_test(c, pieces);
	tcase_add_test(c, too_many_descriptors);
	tcase_add_test(c, sizes);
	tcase_add_test(c, maps);
	tcase_add_test(c, many_maps);
	tcase_add_test(c, interrupts);
	tcase_add_test(c, reconnects);
	tcase_add_test(c, control);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(q, setup, NULL);
	tcase_add_test(q, quit);
	suite_add_tcase(s, q);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
