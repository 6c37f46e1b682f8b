// SPDX-License-Identifier: MIT
/* The thread that lends itself to the chip, asleep while there is nothing to do. */
#include "vdev.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool enough(void *arg)
{
	return atomic_load(&((struct vdev *)arg)->quit);
}

static void *work(void *arg)
{
	struct vdev *v = arg;

	while (!atomic_load(&v->quit)) {
		uint32_t seen = atomic_load(&v->kicks);

		chip_work(v->chip, enough, v);
		/* the flag is up before the count is looked at, by this one or the kernel */
		atomic_store(&v->asleep, 1);
		if (atomic_load(&v->kicks) == seen && !atomic_load(&v->quit))
			syscall(SYS_futex, &v->kicks, FUTEX_WAIT_PRIVATE, seen, NULL,
				NULL, 0);
		atomic_store(&v->asleep, 0);
	}
	return NULL;
}

/* Any thread, the chip's locks held or not. */
void vdev_worker_kick(void *ctx)
{
	struct vdev *v = ctx;

	atomic_fetch_add(&v->kicks, 1);
	if (atomic_load(&v->asleep))
		syscall(SYS_futex, &v->kicks, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int vdev_worker_start(struct vdev *v)
{
	return -pthread_create(&v->worker, NULL, work, v);
}

void vdev_worker_stop(struct vdev *v)
{
	atomic_store(&v->quit, true);
	vdev_worker_kick(v);
	pthread_join(v->worker, NULL);
}
