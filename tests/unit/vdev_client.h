/* SPDX-License-Identifier: MIT */
/*
 * The other end of ctrans-vdev, as a virtual machine monitor is it: messages over
 * a socket, guest memory in a memfd, eventfds. And around both a server with a
 * thread of its own.
 */
#ifndef VDEV_CLIENT_H
#define VDEV_CLIENT_H

#include <pthread.h>

#include "chip_bench.h"
#include "vdev.h"

#define VDEV_TEST_BUS	((uint64_t)BENCH_BUS)

struct vdev_test {
	struct vdev *v;
	char dir[32], path[64], control[64];
	int listener, control_listener, stop;
	pthread_t server;
	int served;		/* what vdev_serve() returned */

	int fd;			/* the connection */
	uint16_t id;
	int memfd;		/* the guest's memory, bus address 0 on */
	struct bench b;		/* in that memory, on the server's chip */
};

void vt_open(struct vdev_test *t, const struct vdev_options *options);
void vt_close(struct vdev_test *t);
void vt_connect(struct vdev_test *t);
void vt_hang_up(struct vdev_test *t);

/* A message with a header of @flags and @size made up if not 0. */
void vt_send(struct vdev_test *t, unsigned int command, const void *data, size_t size,
	     const int *fds, unsigned int n_fds);
/*
 * Its answer: the errno in it, or -1: the server has hung up. What follows the
 * header goes to @to, which must have just that size unless @size is 0.
 */
int vt_answer(struct vdev_test *t, void *to, size_t size);
int vt_call(struct vdev_test *t, unsigned int command, const void *data, size_t size,
	    int fd, void *to, size_t to_size);

int vt_version(struct vdev_test *t);
int vt_map(struct vdev_test *t, uint64_t addr, uint64_t size, int fd, uint64_t offset,
	   uint32_t flags);
int vt_unmap(struct vdev_test *t, uint64_t addr, uint64_t size);
uint32_t vt_read(struct vdev_test *t, uint32_t region, uint64_t offset, uint32_t bytes);
void vt_write(struct vdev_test *t, uint32_t region, uint64_t offset, uint32_t bytes,
	      uint32_t value);
uint32_t vt_reg(struct vdev_test *t, uint32_t reg);
int vt_irqs(struct vdev_test *t, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const int *fds, unsigned int n_fds);
/* Version, memory mapped, decoding and bus mastering on, a bench in it. */
void vt_bring_up(struct vdev_test *t);

/* The control socket: a connection, and what it answers to lines (static). */
int vt_control(struct vdev_test *t);
const char *vt_ask(int control, const char *lines);

/* Where a capability of @id is in the configuration space; 0: nowhere. */
unsigned int vt_capability(struct vdev_test *t, uint8_t id);
void vt_set_command(struct vdev_test *t, uint32_t value);
/* @n of that kind have been counted, and none of another. */
void vt_expect_violations(struct vdev_test *t, uint64_t n, enum vdev_violation what);

/* How often @fd was signalled since the last look; waits for the first up to @ms. */
uint64_t vt_signals(int fd, int ms);
/* Until @condition() or for ten seconds; false: the latter. */
bool vt_until(struct vdev_test *t, bool (*condition)(struct vdev_test *t));

#endif
