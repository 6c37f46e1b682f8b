/* SPDX-License-Identifier: MIT */
/* The control socket: a command a line in, a JSON object a line out. */
#ifndef VDEV_CONTROL_H
#define VDEV_CONTROL_H

#include <poll.h>

#include "vdev.h"

#define VDEV_CONTROL_CLIENTS	8u
#define VDEV_CONTROL_LINE	128u

struct vdev_control {
	struct vdev *v;
	int listener;		/* -1: no socket was asked for */
	struct {
		int fd;
		size_t got;
		char line[VDEV_CONTROL_LINE];
	} client[VDEV_CONTROL_CLIENTS];
	bool attached;		/* is a machine, for "state" */
	bool quit;		/* was asked for */
};

void vdev_control_init(struct vdev_control *c, struct vdev *v, int listener);
void vdev_control_free(struct vdev_control *c);

/* What to wait for: fills in 1 + VDEV_CONTROL_CLIENTS, which come back polled. */
void vdev_control_poll(const struct vdev_control *c, struct pollfd *p);
void vdev_control_serve(struct vdev_control *c, const struct pollfd *p);

/* One command, without its newline; the answer with one. */
void vdev_control_command(struct vdev_control *c, const char *line, char *answer,
			  size_t size);

#endif
