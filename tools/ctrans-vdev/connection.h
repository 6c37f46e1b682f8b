/* SPDX-License-Identifier: MIT */
/* Whole messages and their file descriptors off a socket, and answers onto it. */
#ifndef VDEV_CONNECTION_H
#define VDEV_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

struct vdev_connection {
	int fd;
	uint8_t *message;	/* VDEV_MESSAGE_MAX bytes */
	size_t got;
	int fds[VDEV_FDS_MAX];
	unsigned int n_fds;
};

int vdev_connection_init(struct vdev_connection *c);
/* Takes @fd over. */
void vdev_connection_open(struct vdev_connection *c, int fd);
void vdev_connection_close(struct vdev_connection *c);
void vdev_connection_free(struct vdev_connection *c);

/*
 * What has come of the next message. Its size when it is whole; 0: not yet;
 * -EPIPE: the peer has gone; -EPROTO: it does not talk as it should. Takes in
 * nothing that belongs to the message after it.
 */
int vdev_connection_read(struct vdev_connection *c);
/* The message has been dealt with: close what is left of its descriptors. */
void vdev_connection_next(struct vdev_connection *c);
/* 0, or -EPIPE: gone, or it does not take answers. */
int vdev_connection_send(struct vdev_connection *c, const uint8_t *data, size_t size);

#endif
