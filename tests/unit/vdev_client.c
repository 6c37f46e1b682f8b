// SPDX-License-Identifier: MIT
#include "vdev_client.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "chip_must.h"
#include "server.h"

static void *serve(void *arg)
{
	struct vdev_test *t = arg;

	t->served = vdev_serve(t->v, t->listener, t->control_listener, t->stop);
	return NULL;
}

void vt_open(struct vdev_test *t, const struct vdev_options *options)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->dir, "/tmp/vdev-test-XXXXXX");
	MUST(mkdtemp(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/socket", t->dir);
	snprintf(t->control, sizeof(t->control), "%s/control", t->dir);
	MUST(!vdev_create(options, &t->v));
	t->listener = vdev_listen(t->path);
	t->control_listener = vdev_listen(t->control);
	t->stop = eventfd(0, EFD_CLOEXEC);
	MUST(t->listener >= 0 && t->control_listener >= 0 && t->stop >= 0);
	MUST(!pthread_create(&t->server, NULL, serve, t));
	t->memfd = memfd_create("guest", MFD_CLOEXEC);
	MUST(t->memfd >= 0 && !ftruncate(t->memfd, BENCH_BUS));
	t->b.mem = mmap(NULL, BENCH_BUS, PROT_READ | PROT_WRITE, MAP_SHARED, t->memfd, 0);
	MUST(t->b.mem != MAP_FAILED);
	t->b.chip = t->v->chip;
	vt_connect(t);
}

void vt_close(struct vdev_test *t)
{
	uint64_t one = 1;

	MUST(write(t->stop, &one, sizeof(one)) == sizeof(one));
	pthread_join(t->server, NULL);
	MUST(!t->served);
	vdev_destroy(t->v);
	munmap(t->b.mem, BENCH_BUS);
	close(t->memfd);
	close(t->fd);
	close(t->listener);
	close(t->control_listener);
	close(t->stop);
	unlink(t->path);
	unlink(t->control);
	rmdir(t->dir);
}

void vt_connect(struct vdev_test *t)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, t->path);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(t->fd >= 0 && !connect(t->fd, (struct sockaddr *)&a, sizeof(a)));
}

void vt_hang_up(struct vdev_test *t)
{
	close(t->fd);
	t->fd = -1;
}

/* ---- Messages --------------------------------------------------------------- */

void vt_send(struct vdev_test *t, unsigned int command, const void *data, size_t size,
	     const int *fds, unsigned int n_fds)
{
	struct vdev_header h = {
		.id = ++t->id,
		.command = (uint16_t)command,
		.size = (uint32_t)(sizeof(h) + size),
	};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec io[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)data, size } };
	struct msghdr m = { .msg_iov = io, .msg_iovlen = 2 };

	if (n_fds) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	/* a server that has hung up is seen in the answer */
	(void)!sendmsg(t->fd, &m, MSG_NOSIGNAL);
}

static bool receive(int fd, void *to, size_t size)
{
	return !size || recv(fd, to, size, MSG_WAITALL) == (ssize_t)size;
}

int vt_answer(struct vdev_test *t, void *to, size_t size)
{
	static uint8_t any[VDEV_MESSAGE_MAX];
	struct vdev_header h;
	size_t n;

	if (!receive(t->fd, &h, sizeof(h)))
		return -1;
	MUST(h.id == t->id && h.size >= sizeof(h) && h.size <= VDEV_MESSAGE_MAX);
	MUST((h.flags & VDEV_FLAG_TYPE) == VDEV_FLAG_REPLY);
	MUST(!(h.flags & VDEV_FLAG_ERROR) == !h.error);
	n = h.size - sizeof(h);
	MUST(receive(t->fd, any, n));
	if (h.error) {
		MUST(!n);
		return (int)h.error;
	}
	MUST(!size || n == size);
	if (size)
		memcpy(to, any, n);
	return 0;
}

int vt_call(struct vdev_test *t, unsigned int command, const void *data, size_t size,
	    int fd, void *to, size_t to_size)
{
	vt_send(t, command, data, size, &fd, fd >= 0);
	return vt_answer(t, to, to_size);
}

int vt_version(struct vdev_test *t)
{
	struct {
		struct vdev_version v;
		char text[32];
	} m = { { VDEV_MAJOR, 0 }, "{\"capabilities\":{}}" };

	return vt_call(t, VDEV_VERSION, &m, sizeof(m), -1, NULL, 0);
}

int vt_map(struct vdev_test *t, uint64_t addr, uint64_t size, int fd, uint64_t offset,
	   uint32_t flags)
{
	struct vdev_dma_map m = { sizeof(m), flags, offset, addr, size };

	return vt_call(t, VDEV_DMA_MAP, &m, sizeof(m), fd, NULL, 0);
}

int vt_unmap(struct vdev_test *t, uint64_t addr, uint64_t size)
{
	struct vdev_dma_unmap m = { sizeof(m), 0, addr, size };

	return vt_call(t, VDEV_DMA_UNMAP, &m, sizeof(m), -1, &m, sizeof(m));
}

uint32_t vt_read(struct vdev_test *t, uint32_t region, uint64_t offset, uint32_t bytes)
{
	struct vdev_access a = { offset, region, bytes };
	struct {
		struct vdev_access a;
		uint32_t value;
	} r = { 0 };

	MUST(bytes <= 4);
	MUST(!vt_call(t, VDEV_REGION_READ, &a, sizeof(a), -1, &r, sizeof(a) + bytes));
	return r.value;
}

void vt_write(struct vdev_test *t, uint32_t region, uint64_t offset, uint32_t bytes,
	      uint32_t value)
{
	struct {
		struct vdev_access a;
		uint32_t value;
	} m = { { offset, region, bytes }, value };

	MUST(bytes <= 4);
	MUST(!vt_call(t, VDEV_REGION_WRITE, &m, sizeof(m.a) + bytes, -1, &m.a, sizeof(m.a)));
}

uint32_t vt_reg(struct vdev_test *t, uint32_t reg)
{
	return vt_read(t, 0, reg, 4);
}

int vt_irqs(struct vdev_test *t, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const int *fds, unsigned int n_fds)
{
	struct vdev_irq_set m = { sizeof(m), flags, index, start, count };

	vt_send(t, VDEV_SET_IRQS, &m, sizeof(m), fds, n_fds);
	return vt_answer(t, NULL, 0);
}

void vt_bring_up(struct vdev_test *t)
{
	MUST(!vt_version(t));
	MUST(!vt_map(t, 0, VDEV_TEST_BUS, t->memfd, 0,
		     VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE));
	vt_write(t, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 2,
		 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	t->b.next_page = BENCH_BUS;
	bench_renew(&t->b);
	bench_grow(&t->b, 0, 4 << 20, BENCH_ORDERED);
}

/* ---- Waiting ---------------------------------------------------------------- */

unsigned int vt_capability(struct vdev_test *t, uint8_t id)
{
	uint32_t config = VFIO_PCI_CONFIG_REGION_INDEX;
	uint32_t at = vt_read(t, config, PCI_CAPABILITY_LIST, 1);

	while (at && vt_read(t, config, at, 1) != id)
		at = vt_read(t, config, at + 1, 1);
	return at;
}

void vt_set_command(struct vdev_test *t, uint32_t value)
{
	vt_write(t, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 2, value);
}

void vt_expect_violations(struct vdev_test *t, uint64_t n, enum vdev_violation what)
{
	for (unsigned int i = 0; i < VDEV_VIOLATIONS; i++) {
		uint64_t counted = atomic_load(&t->v->violations[i]);

		if (counted != (i == what ? n : 0))
			fprintf(stderr, "%s: %llu counted\n", vdev_violation_name(i),
				(unsigned long long)counted);
		MUST(counted == (i == what ? n : 0));
	}
}

uint64_t vt_signals(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, ms) == 1)
		MUST(read(fd, &n, sizeof(n)) == sizeof(n));
	return n;
}

bool vt_until(struct vdev_test *t, bool (*condition)(struct vdev_test *t))
{
	for (int i = 0; i < 50000; i++) {
		if (condition(t))
			return true;
		usleep(200);
	}
	return false;
}

int vt_control(struct vdev_test *t)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, t->control);
	MUST(fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

const char *vt_ask(int control, const char *lines)
{
	static char answer[2048];
	size_t n = 0;

	MUST(send(control, lines, strlen(lines), MSG_NOSIGNAL) == (ssize_t)strlen(lines));
	while (!n || answer[n - 1] != '\n') {
		ssize_t got = recv(control, answer + n, sizeof(answer) - 1 - n, 0);

		if (got <= 0)
			return "";
		n += (size_t)got;
	}
	answer[n] = '\0';
	return answer;
}
