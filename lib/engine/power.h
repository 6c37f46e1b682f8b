/* SPDX-License-Identifier: MIT */
/*
 * A whole number to any power, with the same bits on every machine.
 *
 * A C library's pow may give either of two neighbours, and hypotheses that are
 * nearly equal would change places. This one works with twice the precision and
 * rounds once, so its result is the nearest number but in one of some 2^40 cases.
 */
#ifndef CT_ENGINE_POWER_H
#define CT_ENGINE_POWER_H

#include <stdint.h>

/* No result is beyond the range below this. */
#define CT_POWER_MAX	30.0

/*
 * @n at least 1, @power at most CT_POWER_MAX either way. Needs round to nearest
 * even (the caller's affair) and no contraction (the build's).
 */
double ct_power(uint32_t n, double power);

#endif
