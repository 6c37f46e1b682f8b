/* SPDX-License-Identifier: MIT */
/*
 * Free stretches of a range of addresses: what arenas and address spaces are
 * given out from. First fit; the caller serialises.
 */
#ifndef CT_DEVICE_EXTENTS_H
#define CT_DEVICE_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct ct_extent {
	uint64_t start, len;
};

/* All zero is an empty one. */
struct ct_extents {
	struct ct_extent *v;	/* sorted, none adjacent */
	size_t n, room;
};

/*
 * Take @len bytes at a multiple of @align (a power of two). -ENOSPC: no stretch
 * has them; -ENOMEM: no memory to note what is left.
 */
int ct_extents_take(struct ct_extents *x, uint64_t len, uint64_t align,
		    uint64_t *start);

/* Give a stretch, joined to its neighbours. -ENOMEM: it could not be noted. */
int ct_extents_give(struct ct_extents *x, uint64_t start, uint64_t len);

void ct_extents_free(struct ct_extents *x);

#endif
