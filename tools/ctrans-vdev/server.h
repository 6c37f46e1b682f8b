/* SPDX-License-Identifier: MIT */
/* The loop: one machine at a time, the control socket, and an end when asked. */
#ifndef VDEV_SERVER_H
#define VDEV_SERVER_H

#include "vdev.h"

/*
 * A listening socket at @path, or a negative errno. One that nobody listens at any
 * more is replaced; -EADDRINUSE when somebody does.
 */
int vdev_listen(const char *path);

/*
 * Serve machines that connect to @listener, one after the other, until @stop, a
 * signalfd or the like, can be read, or "quit" comes in on @control (-1: none).
 * 0, or a negative errno.
 */
int vdev_serve(struct vdev *v, int listener, int control, int stop);

#endif
