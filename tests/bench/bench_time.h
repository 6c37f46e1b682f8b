/* SPDX-License-Identifier: MIT */
/* Seconds, and what is said of several of them. */
#ifndef BENCH_TIME_H
#define BENCH_TIME_H

#include <stdlib.h>
#include <time.h>

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median; the least, which other work on the machine disturbs less, in best. */
static inline double median(double *t, int n, double *best)
{
	qsort(t, (size_t)n, sizeof(*t), by_value);
	if (best)
		*best = t[0];
	return t[n / 2];
}

#endif
