// SPDX-License-Identifier: MIT
#include "dispatch/point.h"

#include <errno.h>
#include <stdbool.h>

/* Points as fast as each other: where external memory sets the pace. */
#define AS_FAST		1.001

static double power(const struct ct_point *p)
{
	return p->joules / p->seconds;
}

static bool faster(const struct ct_point *a, const struct ct_point *b)
{
	if (a->seconds * AS_FAST < b->seconds)
		return true;
	return a->seconds < b->seconds * AS_FAST && a->joules < b->joules;
}

/* By how much a point is beside what is wanted: 1 and less is not at all. */
static double excess(const struct ct_point *p, double watts, double deadline)
{
	double w = watts > 0 ? power(p) / watts : 0;
	double s = deadline > 0 ? p->seconds / deadline : 0;

	return w > s ? w : s;
}

static int none(const struct ct_point *p, unsigned int opp, double watts,
		double deadline, struct ct_err *err)
{
	if (!(deadline > 0))
		return ct_fail(err, -EINVAL,
			"no operating point decodes below %.3g W: the nearest is %u (%.1f V, %.1f MHz) with %.3g W, modelled",
			watts, opp, p->volts, p->mhz, power(p));
	if (!(watts > 0))
		return ct_fail(err, -EINVAL,
			"no operating point decodes a token in %.3g ms: the nearest is %u (%.1f V, %.1f MHz) with %.3g ms, modelled",
			1e3 * deadline, opp, p->volts, p->mhz, 1e3 * p->seconds);
	return ct_fail(err, -EINVAL,
		"no operating point decodes a token in %.3g ms below %.3g W: the nearest is %u (%.1f V, %.1f MHz) with %.3g ms and %.3g W, modelled",
		1e3 * deadline, watts, opp, p->volts, p->mhz, 1e3 * p->seconds,
		power(p));
}

int ct_point_choose(const struct ct_point *points, unsigned int n, double watts,
		    double deadline, unsigned int *best, struct ct_err *err)
{
	unsigned int nearest = 0;
	bool found = false;

	for (unsigned int i = 0; i < n; i++) {
		const struct ct_point *p = &points[i];

		if (excess(p, watts, deadline) <
		    excess(&points[nearest], watts, deadline))
			nearest = i;
		if (excess(p, watts, deadline) > 1)
			continue;
		if (!found || (deadline > 0 ? p->joules < points[*best].joules :
					      faster(p, &points[*best])))
			*best = i;
		found = true;
	}
	return found ? 0 : none(&points[nearest], nearest, watts, deadline, err);
}
