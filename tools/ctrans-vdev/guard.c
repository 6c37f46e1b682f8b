// SPDX-License-Identifier: MIT
/*
 * Surviving a client that takes away the file behind its memory. The handler
 * may run on any worker, in the middle of anything, so what it looks at are
 * atomics that never move, and what it calls is one system call.
 */
#include "vdev.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

struct stretch {
	_Atomic unsigned int turn;	/* of use, so that start and size are of one */
	_Atomic uintptr_t start;
	_Atomic size_t size;	/* 0: free; set last, cleared first */
	_Atomic bool broken;	/* counted: several workers may meet it at once */
};

static struct stretch stretches[VDEV_MAPS_MAX];
static _Atomic unsigned int used;	/* none at or above was ever taken */
static _Atomic bool broken;
static unsigned int next;		/* where to look for a free one */

int vdev_guard_blank(void *ptr, size_t size)
{
	void *p = mmap(ptr, size, PROT_READ | PROT_WRITE,
		       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

/* Whether @at is in it, which may be given back or taken anew meanwhile. */
static bool covers(struct stretch *s, uintptr_t at, uintptr_t *start, size_t *size)
{
	unsigned int turn = atomic_load(&s->turn);

	*size = atomic_load(&s->size);
	*start = atomic_load(&s->start);
	return *size && at - *start < *size && atomic_load(&s->turn) == turn;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	unsigned int n = atomic_load(&used);
	int saved = errno;

	(void)context;
	for (unsigned int i = 0; i < n; i++) {
		uintptr_t start;
		size_t size;

		if (covers(&stretches[i], at, &start, &size) &&
		    !vdev_guard_blank((void *)start, size)) {
			if (!atomic_exchange(&stretches[i].broken, true))
				atomic_store(&broken, true);
			errno = saved;
			return;
		}
	}
	/* a fault of our own: let it have its usual end */
	signal(sig, SIG_DFL);
	errno = saved;
}

int vdev_guard_install(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, NULL) ? -errno : 0;
}

int vdev_guard_add(void *ptr, size_t size, unsigned int *guard)
{
	for (unsigned int i = 0; i < VDEV_MAPS_MAX; i++) {
		struct stretch *s = &stretches[(next + i) % VDEV_MAPS_MAX];

		if (atomic_load(&s->size))
			continue;
		*guard = (unsigned int)(s - stretches);
		next = *guard + 1;
		atomic_fetch_add(&s->turn, 1);
		atomic_store(&s->start, (uintptr_t)ptr);
		atomic_store(&s->broken, false);
		atomic_store(&s->size, size);
		if (atomic_load(&used) <= *guard)
			atomic_store(&used, *guard + 1);
		return 0;
	}
	return -ENOSPC;
}

void vdev_guard_remove(unsigned int guard)
{
	atomic_store(&stretches[guard].size, 0);
	next = guard < next ? guard : next;
}

/* Since it was last asked. */
bool vdev_guard_broken(void)
{
	return atomic_exchange(&broken, false);
}
