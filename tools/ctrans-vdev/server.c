// SPDX-License-Identifier: MIT
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "connection.h"
#include "control.h"

/* Whether somebody listens there: another server would lose its clients to us. */
static bool socket_used(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool used;

	if (fd < 0)
		return false;
	used = !connect(fd, (const struct sockaddr *)a, sizeof(*a)) || errno == EAGAIN;
	close(fd);
	return used;
}

int vdev_listen(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, ret;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode)) {
		if (socket_used(&a))
			return -EADDRINUSE;
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static void say(const struct vdev *v, const char *what)
{
	if (v->options.verbose)
		fprintf(stderr, "ctrans-vdev: %s\n", what);
}

static void part(struct vdev *v, struct vdev_connection *c, const char *why)
{
	say(v, why);
	vdev_connection_close(c);
	vdev_detach(v);
}

/* Everything that has come in; a client that sends without end leaves gaps. */
static void serve_client(struct vdev *v, struct vdev_connection *c)
{
	for (int n = 0; n < 64; n++) {
		int ret = vdev_connection_read(c);

		if (!ret)
			return;
		if (ret > 0)
			ret = vdev_message(v, c->message, (size_t)ret, c->fds, c->n_fds);
		if (ret < 0) {
			part(v, c, ret == -EPIPE ? "the machine has gone" :
			     ret == -EFAULT ? "the machine has shortened its memory: dropped" :
			     "the machine does not speak vfio-user: dropped");
			return;
		}
		if (v->options.verbose && ret && v->reply_size == sizeof(struct vdev_header) &&
		    ((const struct vdev_header *)v->reply)->error)
			fprintf(stderr, "ctrans-vdev: command %u refused: %s\n",
				((const struct vdev_header *)v->reply)->command,
				strerror((int)((const struct vdev_header *)v->reply)->error));
		/* before the answer, which is the word that it is over */
		vdev_connection_next(c);
		if (ret && vdev_connection_send(c, v->reply, v->reply_size)) {
			part(v, c, "the machine takes no answers: dropped");
			return;
		}
	}
}

enum { STOP, LISTENER, CLIENT, CONTROL, POLLED = CONTROL + 1 + VDEV_CONTROL_CLIENTS };

int vdev_serve(struct vdev *v, int listener, int control, int stop)
{
	struct pollfd p[POLLED];
	struct vdev_connection c;
	struct vdev_control k;
	int ret = vdev_connection_init(&c);

	if (ret)
		return ret;
	vdev_control_init(&k, v, control);
	while (!k.quit) {
		k.attached = c.fd >= 0;
		p[STOP] = (struct pollfd){ .fd = stop, .events = POLLIN };
		p[LISTENER] = (struct pollfd){ .fd = k.attached ? -1 : listener,
					       .events = POLLIN };
		p[CLIENT] = (struct pollfd){ .fd = c.fd, .events = POLLIN };
		vdev_control_poll(&k, p + CONTROL);
		if (poll(p, POLLED, -1) < 0) {
			if (errno == EINTR)
				continue;
			ret = -errno;
			break;
		}
		if (p[STOP].revents)
			break;
		vdev_control_serve(&k, p + CONTROL);
		if (p[CLIENT].revents)
			serve_client(v, &c);
		if (p[LISTENER].revents & POLLIN) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0) {
				vdev_connection_open(&c, fd);
				say(v, "a machine has connected");
			}
		}
	}
	if (c.fd >= 0)
		part(v, &c, "leaving the machine");
	vdev_connection_free(&c);
	vdev_control_free(&k);
	return ret;
}
