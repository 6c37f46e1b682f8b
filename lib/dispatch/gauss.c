// SPDX-License-Identifier: MIT
#include "dispatch/gauss.h"

#include "base/exp.h"

/* Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17. */
double ct_gauss_below(double z)
{
	static const double b[] = { 1.330274429, -1.821255978, 1.781477937,
				    -0.356563782, 0.319381530 };
	double x = z < 0 ? -z : z, t = 1 / (1 + 0.2316419 * x), sum = 0, above;

	for (int i = 0; i < 5; i++)
		sum = (sum + b[i]) * t;
	above = 0.3989422804014327 * ct_exp(-x * x / 2) * sum;
	return z < 0 ? above : 1 - above;
}
