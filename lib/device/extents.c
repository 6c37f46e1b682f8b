// SPDX-License-Identifier: MIT
#include "device/extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int insert(struct ct_extents *x, size_t at, uint64_t start, uint64_t len)
{
	if (x->n == x->room) {
		size_t room = x->room ? 2 * x->room : 32;
		struct ct_extent *v = realloc(x->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		x->v = v;
		x->room = room;
	}
	memmove(x->v + at + 1, x->v + at, (x->n - at) * sizeof(*x->v));
	x->v[at] = (struct ct_extent){ start, len };
	x->n++;
	return 0;
}

static void erase(struct ct_extents *x, size_t at)
{
	x->n--;
	memmove(x->v + at, x->v + at + 1, (x->n - at) * sizeof(*x->v));
}

int ct_extents_give(struct ct_extents *x, uint64_t start, uint64_t len)
{
	size_t i = 0;

	while (i < x->n && x->v[i].start < start)
		i++;
	if (i && x->v[i - 1].start + x->v[i - 1].len == start) {
		x->v[i - 1].len += len;
		if (i < x->n && x->v[i].start == start + len) {
			x->v[i - 1].len += x->v[i].len;
			erase(x, i);
		}
		return 0;
	}
	if (i < x->n && x->v[i].start == start + len) {
		x->v[i].start = start;
		x->v[i].len += len;
		return 0;
	}
	return insert(x, i, start, len);
}

int ct_extents_take(struct ct_extents *x, uint64_t len, uint64_t align,
		    uint64_t *start)
{
	for (size_t i = 0; i < x->n; i++) {
		struct ct_extent *e = &x->v[i];
		uint64_t skip = -e->start & (align - 1), at = e->start + skip, rest;

		if (e->len < skip || e->len - skip < len)
			continue;
		rest = e->len - skip - len;
		if (skip && rest) {
			if (insert(x, i + 1, at + len, rest))
				return -ENOMEM;
			x->v[i].len = skip;
		} else if (skip) {
			e->len = skip;
		} else if (rest) {
			e->start += len;
			e->len = rest;
		} else {
			erase(x, i);
		}
		*start = at;
		return 0;
	}
	return -ENOSPC;
}

void ct_extents_free(struct ct_extents *x)
{
	free(x->v);
	*x = (struct ct_extents){ 0 };
}
