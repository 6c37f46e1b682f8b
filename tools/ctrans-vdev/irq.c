// SPDX-License-Identifier: MIT
/*
 * Interrupts: eventfds that the client has given, by kind and vector.
 *
 * A vector that has none falls to vector 0, as "one vector for everything" has
 * it; with none there either it stays pending until one comes. INTx is a level
 * that the client sees as edges: it masks itself when raised, and when the client
 * unmasks it the level is looked at again.
 */
#include "vdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void vdev_irq_init(struct vdev_irq *q)
{
	pthread_mutex_init(&q->lock, NULL);
	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int i = 0; i < VDEV_VECTORS; i++)
			q->fd[k][i] = -1;
}

uint32_t vdev_irq_count(const struct vdev *v, uint32_t index)
{
	/* the client's own errors and requests: taken, and never raised */
	if (index == VFIO_PCI_ERR_IRQ_INDEX || index == VFIO_PCI_REQ_IRQ_INDEX)
		return 1;
	if (index != (uint32_t)v->options.irq)
		return 0;
	switch (index) {
	case VDEV_INTX:
		return 1;
	case VDEV_MSI:
		return VDEV_MSI_VECTORS;
	default:
		return VDEV_VECTORS;
	}
}

/* ---- Raising ------------------------------------------------------------ */

/* Lock held. A counter that is full has been raised often enough. */
static void signal_fd(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t one = 1;

	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT)
		(void)!write(fd, &one, sizeof(one));
}

static bool line_blocked(const struct vdev_irq *q)
{
	return q->masked || q->disabled || q->fd[VDEV_INTX][0] < 0;
}

static void raise_line(struct vdev_irq *q)
{
	if (line_blocked(q))
		return;
	q->masked = true;
	signal_fd(q->fd[VDEV_INTX][0]);
}

/* Lock held. */
static void deliver(struct vdev *v, unsigned int vector)
{
	struct vdev_irq *q = &v->irq;
	const int *fd = q->fd[v->options.irq];

	if (v->options.irq == VDEV_INTX)
		raise_line(q);
	else if (fd[vector] < 0)
		q->pending |= 1u << vector;
	else
		signal_fd(fd[vector]);
}

/* Lock held. True: this one is among the next so many that @n asks for. */
static bool counted(uint32_t *n)
{
	if (!*n)
		return false;
	if (*n != VDEV_IRQ_ALL)
		--*n;
	return true;
}

/* The vector that it comes on. Lock held. */
static unsigned int takes(const struct vdev *v, unsigned int vector)
{
	const int *fd = v->irq.fd[v->options.irq];

	if (v->options.irq == VDEV_INTX)
		return 0;
	if (vector < VDEV_VECTORS && (fd[vector] >= 0 || fd[0] < 0))
		return vector;
	return 0;
}

void vdev_irq_raise(void *ctx, unsigned int vector)
{
	struct vdev *v = ctx;
	struct vdev_irq *q = &v->irq;

	pthread_mutex_lock(&q->lock);
	/* a line that is up already is no interrupt */
	if (v->options.irq == VDEV_INTX && line_blocked(q)) {
		pthread_mutex_unlock(&q->lock);
		return;
	}
	vector = takes(v, vector);
	if (!counted(&q->drop)) {
		deliver(v, vector);
		if (counted(&q->duplicate))
			atomic_fetch_or(&q->again, 1u << vector);
	}
	pthread_mutex_unlock(&q->lock);
}

void vdev_irq_spurious(struct vdev *v, unsigned int vector)
{
	pthread_mutex_lock(&v->irq.lock);
	deliver(v, takes(v, vector));
	pthread_mutex_unlock(&v->irq.lock);
}

void vdev_irq_again(struct vdev *v)
{
	uint32_t again;

	if (!atomic_load(&v->irq.again))
		return;
	again = atomic_exchange(&v->irq.again, 0);
	for (unsigned int i = 0; i < VDEV_VECTORS; i++)
		if (again >> i & 1)
			vdev_irq_spurious(v, i);
}

/* The line, after something that may have let it through. */
static void look_at_line(struct vdev *v)
{
	if (v->options.irq != VDEV_INTX || !v->powered || !chip_interrupting(v->chip))
		return;
	vdev_irq_raise(v, 0);
}

void vdev_irq_disable_intx(struct vdev *v, bool disable)
{
	bool was;

	pthread_mutex_lock(&v->irq.lock);
	was = v->irq.disabled;
	v->irq.disabled = disable;
	pthread_mutex_unlock(&v->irq.lock);
	if (was && !disable)
		look_at_line(v);
}

uint32_t vdev_irq_pending(struct vdev *v)
{
	uint32_t pending;

	pthread_mutex_lock(&v->irq.lock);
	pending = v->irq.pending;
	pthread_mutex_unlock(&v->irq.lock);
	return pending;
}

/* What was raised before a reset is not to be heard after it. */
void vdev_irq_forget(struct vdev *v)
{
	pthread_mutex_lock(&v->irq.lock);
	v->irq.pending = 0;
	v->irq.disabled = false;
	atomic_store(&v->irq.again, 0);
	pthread_mutex_unlock(&v->irq.lock);
}

/* ---- Setting up ---------------------------------------------------------- */

/* Only what a worker can write to without ever waiting. */
static int check_eventfd(int fd)
{
	char path[32], name[32];
	ssize_t n;
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name));
	if (n < 0)
		return -errno;
	if (n != sizeof("anon_inode:[eventfd]") - 1 ||
	    memcmp(name, "anon_inode:[eventfd]", (size_t)n))
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

/* Lock held. */
static void set_fd(struct vdev_irq *q, uint32_t kind, uint32_t vector, int fd)
{
	int *at = &q->fd[kind][vector];

	if (*at >= 0)
		close(*at);
	*at = fd;
	if (fd >= 0 && q->pending >> vector & 1) {
		q->pending &= ~(1u << vector);
		signal_fd(fd);
	}
}

static int trigger(struct vdev *v, const struct vdev_irq_set *set, const uint8_t *bools)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int fd = v->irq.fd[set->index][set->start + i];

		if (fd >= 0 && (!bools || bools[i]))
			signal_fd(fd);
	}
	return 0;
}

static int set_fds(struct vdev *v, const struct vdev_irq_set *set, int *fds,
		   unsigned int n_fds)
{
	int ret;

	/* none at all: these vectors have none from now */
	if (n_fds && n_fds != set->count)
		return -EINVAL;
	for (unsigned int i = 0; i < n_fds; i++) {
		ret = check_eventfd(fds[i]);
		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		set_fd(&v->irq, set->index, set->start + i, n_fds ? fds[i] : -1);
		if (n_fds)
			fds[i] = -1;
	}
	if (set->index == VDEV_INTX)
		v->irq.masked = false;
	return 0;
}

/* Lock held. */
static int action(struct vdev *v, const struct vdev_irq_set *set, const uint8_t *data,
		  int *fds, unsigned int n_fds)
{
	uint32_t what = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	uint32_t from = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;

	switch (what) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		if (from == VFIO_IRQ_SET_DATA_EVENTFD)
			return set_fds(v, set, fds, n_fds);
		if (!set->count) {
			for (uint32_t i = 0; i < VDEV_VECTORS; i++)
				set_fd(&v->irq, set->index, i, -1);
			return 0;
		}
		return trigger(v, set, from == VFIO_IRQ_SET_DATA_BOOL ? data : NULL);
	case VFIO_IRQ_SET_ACTION_MASK:
	case VFIO_IRQ_SET_ACTION_UNMASK:
		/* the message-signalled ones are masked in their table */
		if (set->index != VDEV_INTX || from == VFIO_IRQ_SET_DATA_EVENTFD)
			return -ENOTSUP;
		if (set->count && (from == VFIO_IRQ_SET_DATA_NONE || data[0]))
			v->irq.masked = what == VFIO_IRQ_SET_ACTION_MASK;
		return 0;
	default:
		return -EINVAL;
	}
}

int vdev_irq_set(struct vdev *v, const struct vdev_irq_set *set, const uint8_t *data,
		 size_t size, int *fds, unsigned int n_fds)
{
	const uint32_t known = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK;
	uint32_t from = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK, have;
	int ret;

	if (set->flags & ~known || !from || (from & (from - 1)) || set->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	have = vdev_irq_count(v, set->index);
	if (set->start > have || set->count > have - set->start)
		return -EINVAL;
	if (from == VFIO_IRQ_SET_DATA_BOOL ? size != set->count : size)
		return -EINVAL;
	if (n_fds && from != VFIO_IRQ_SET_DATA_EVENTFD)
		return -EINVAL;
	if (set->index > VDEV_MSIX)
		return 0;
	pthread_mutex_lock(&v->irq.lock);
	ret = action(v, set, data, fds, n_fds);
	pthread_mutex_unlock(&v->irq.lock);
	if (!ret)
		look_at_line(v);
	return ret;
}

/* The client has gone. */
void vdev_irq_drop(struct vdev *v)
{
	pthread_mutex_lock(&v->irq.lock);
	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int i = 0; i < VDEV_VECTORS; i++)
			set_fd(&v->irq, k, i, -1);
	v->irq.pending = 0;
	atomic_store(&v->irq.again, 0);
	v->irq.masked = false;
	v->irq.disabled = false;
	pthread_mutex_unlock(&v->irq.lock);
}

void vdev_irq_free(struct vdev_irq *q)
{
	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int i = 0; i < VDEV_VECTORS; i++)
			if (q->fd[k][i] >= 0)
				close(q->fd[k][i]);
	pthread_mutex_destroy(&q->lock);
}
