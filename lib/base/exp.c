// SPDX-License-Identifier: MIT
#include "base/exp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts, the first with 20 zero bits at its end: k times it is exact. */
#define LN2_HIGH	0x1.62e42feep-1
#define LN2_LOW		0x1.a39ef35793c76p-33
#define LOG2_E		0x1.71547652b82fep+0

/* 1/n! for n = 13 .. 2; the next term is below 2^-57 for |r| <= ln(2)/2. */
static const double terms[] = {
	0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26,
	0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16,
	0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10, 0x1.1111111111111p-7,
	0x1.5555555555555p-5, 0x1.5555555555555p-3, 0x1p-1,
};

static double power_of_two(int k)
{
	uint64_t bits = (uint64_t)(k + 1023) << 52;
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

double ct_exp(double x)
{
	double r, p;
	size_t i;
	int k;

	if (x != x)
		return x;
	if (x > 709.79)
		return INFINITY;
	if (x < -745.2)
		return 0;

	k = (int)(x * LOG2_E + (x < 0 ? -0.5 : 0.5));
	r = (x - k * LN2_HIGH) - k * LN2_LOW;
	p = terms[0];
	for (i = 1; i < sizeof(terms) / sizeof(terms[0]); i++)
		p = p * r + terms[i];
	p = 1 + (r + r * r * p);

	/* In two steps, as 2^k alone may be beyond the range where p 2^k is not. */
	return p * power_of_two(k / 2) * power_of_two(k - k / 2);
}

double ct_ln(double x)
{
	uint64_t bits;
	double f, s, sum = 0;
	int k;

	memcpy(&bits, &x, sizeof(bits));
	k = (int)(bits >> 52) - 1023;
	bits = (bits & (UINT64_MAX >> 12)) | (uint64_t)1023 << 52;
	memcpy(&f, &bits, sizeof(f));
	if (f > 0x1.6a09e667f3bcdp+0) {		/* the root of 2 */
		f /= 2;
		k++;
	}
	/* 2 artanh(s); |s| < 0.172, so that s^22 / 23 is below 2^-58 */
	s = (f - 1) / (f + 1);
	for (int n = 21; n > 0; n -= 2)
		sum = sum * (s * s) + 1.0 / n;
	return k * LN2_HIGH + (2 * s * sum + k * LN2_LOW);
}
