/* SPDX-License-Identifier: MIT */
/* Which operating point, under a cap on power or with a deadline. */
#ifndef CT_DISPATCH_POINT_H
#define CT_DISPATCH_POINT_H

#include "base/err.h"

#define CT_POINTS_MAX	16u

/* What a token costs at one. */
struct ct_point {
	double volts, mhz;
	double seconds, joules;
};

/*
 * Of @n points, slowest clock first, those of at most @watts in the mean and
 * @deadline seconds a token (0: any): the one of least energy if there is a
 * deadline, else the fastest. -EINVAL with the nearest one if there is none.
 */
int ct_point_choose(const struct ct_point *points, unsigned int n, double watts,
		    double deadline, unsigned int *best, struct ct_err *err);

#endif
