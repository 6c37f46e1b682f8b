/* SPDX-License-Identifier: MIT */
/* A loop whose turns do not depend on each other, by several threads. */
#ifndef CT_BASE_PARALLEL_H
#define CT_BASE_PARALLEL_H

#include <stddef.h>

/*
 * fn(ctx, i) for each i < @n, each once, in any order, by @threads threads, the
 * calling one among them; by fewer where the system refuses. All is done, and
 * seen by the caller, when this returns.
 */
void ct_parallel(unsigned int threads, size_t n, void (*fn)(void *ctx, size_t i),
		 void *ctx);

#endif
