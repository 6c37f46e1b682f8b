/* SPDX-License-Identifier: MIT */
/* The normal distribution, with the same bits on every machine. */
#ifndef CT_DISPATCH_GAUSS_H
#define CT_DISPATCH_GAUSS_H

/* Share of a normal distribution below @z standard deviations; to 1e-7. */
double ct_gauss_below(double z);

#endif
