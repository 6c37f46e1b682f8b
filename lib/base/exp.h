/* SPDX-License-Identifier: MIT */
/*
 * exp() and log() with the same bits on every machine.
 *
 * A C library's are accurate, but which of the two nearest numbers it gives
 * differs between versions and CPUs, and one different bit can be a different
 * word of text. These are made of IEEE operations only, in a fixed order. exp() is
 * wrong by at most 1 unit in the last place.
 */
#ifndef CT_BASE_EXP_H
#define CT_BASE_EXP_H

/*
 * Needs round to nearest even (the caller's affair) and no contraction (the
 * build's). Gives 0 and infinity beyond the range, and NaN for NaN.
 */
double ct_exp(double x);

/* Of a normal number above 0; to 2^-50 of it, or of 1 where that is more. */
double ct_ln(double x);

#endif
