// SPDX-License-Identifier: MIT
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that takes no answers for so long is not there. */
#define SEND_MS		10000

int vdev_connection_init(struct vdev_connection *c)
{
	*c = (struct vdev_connection){ .fd = -1, .message = malloc(VDEV_MESSAGE_MAX) };
	return c->message ? 0 : -ENOMEM;
}

void vdev_connection_open(struct vdev_connection *c, int fd)
{
	c->fd = fd;
	c->got = 0;
	c->n_fds = 0;
}

void vdev_connection_next(struct vdev_connection *c)
{
	for (unsigned int i = 0; i < c->n_fds; i++)
		if (c->fds[i] >= 0)
			close(c->fds[i]);
	c->n_fds = 0;
	c->got = 0;
}

void vdev_connection_close(struct vdev_connection *c)
{
	if (c->fd < 0)
		return;
	vdev_connection_next(c);
	close(c->fd);
	c->fd = -1;
}

void vdev_connection_free(struct vdev_connection *c)
{
	vdev_connection_close(c);
	free(c->message);
}

/* False: more than a message may bring. Those are closed at once. */
static bool take_fds(struct vdev_connection *c, struct msghdr *m)
{
	bool fit = !(m->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
			if (c->n_fds < VDEV_FDS_MAX) {
				c->fds[c->n_fds++] = fd;
			} else {
				close(fd);
				fit = false;
			}
		}
	}
	return fit;
}

/* More of the first @want bytes. 1: all are there; 0: not yet. */
static int fill(struct vdev_connection *c, size_t want)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(VDEV_FDS_MAX * sizeof(int))];
	} control;
	struct iovec io = { c->message + c->got, want - c->got };
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (!io.iov_len)
		return 1;
	n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (!take_fds(c, &m))
		return -EPROTO;
	if (!n)
		return -EPIPE;
	c->got += (size_t)n;
	return c->got == want;
}

int vdev_connection_read(struct vdev_connection *c)
{
	struct vdev_header header;
	int ret;

	if (c->got < sizeof(header)) {
		ret = fill(c, sizeof(header));
		if (ret <= 0)
			return ret;
	}
	memcpy(&header, c->message, sizeof(header));
	if (header.size < sizeof(header) || header.size > VDEV_MESSAGE_MAX)
		return -EPROTO;
	ret = fill(c, header.size);
	return ret > 0 ? (int)header.size : ret;
}

int vdev_connection_send(struct vdev_connection *c, const uint8_t *data, size_t size)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	while (size) {
		ssize_t n = send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			size -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || poll(&p, 1, SEND_MS) <= 0)
			return -EPIPE;
	}
	return 0;
}
