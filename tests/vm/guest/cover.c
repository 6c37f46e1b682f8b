// SPDX-License-Identifier: MIT
/*
 * What a process's calls reached in the driver (kcov: only the driver is compiled
 * for it), as pairs of one place and the next.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cover.h"
#include "guest.h"

#define PLACES	(256u << 10)
/* Pairs, by hash. */
#define EDGES	(64u << 10)

static int kcov = -1;
static unsigned long *places;	/* how many, and they */
static uint64_t seen[EDGES / 64];
static unsigned int edges;

bool cover_open(void)
{
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0)
		return false;
	must(!ioctl(kcov, KCOV_INIT_TRACE, PLACES));
	places = mmap(NULL, PLACES * sizeof(*places), PROT_READ | PROT_WRITE,
		      MAP_SHARED, kcov, 0);
	must(places != MAP_FAILED);
	return true;
}

void cover_clear(void)
{
	if (places)
		__atomic_store_n(&places[0], 0, __ATOMIC_RELAXED);
}

/* Until this process ends. */
void cover_this(void)
{
	if (places)
		must(!ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC));
}

unsigned int cover_take(void)
{
	unsigned long n = places ? places[0] : 0, before = 0;
	unsigned int fresh = 0;

	for (unsigned long i = 1; i <= n && i < PLACES; i++) {
		uint64_t pair = (places[i] ^ before << 21) * 0x9e3779b97f4a7c15ull;
		unsigned int bit = (unsigned int)(pair >> 48) % EDGES;

		before = places[i];
		if (seen[bit / 64] & 1ull << bit % 64)
			continue;
		seen[bit / 64] |= 1ull << bit % 64;
		fresh++;
	}
	edges += fresh;
	return fresh;
}

unsigned long cover_place(unsigned int i)
{
	return places && i < places[0] ? places[1 + i] : 0;
}

unsigned int cover_edges(void)
{
	return edges;
}
