// SPDX-License-Identifier: MIT
#include "model/distance.h"

#include "base/exp.h"

/*
 * Where buckets meet, at powers of two, the quotient of logarithms is whole, and
 * rounding may have left it a little short: elsewhere it is nowhere near.
 */
#define SHORT	1e-9

static uint32_t side(uint32_t d, uint32_t n, uint32_t span)
{
	uint32_t e = n / 2, k;

	if (d < e)
		return d;
	if (d >= span)
		return n - 1;
	k = (uint32_t)(ct_ln((double)d / e) / ct_ln((double)span / e) * (n - e) + SHORT);
	return e + k < n ? e + k : n - 1;
}

uint32_t ct_distance_bucket(int32_t distance, bool both, uint32_t buckets, uint32_t span)
{
	uint32_t n = both ? buckets / 2 : buckets;

	if (!both)
		return distance > 0 ? 0 : side((uint32_t)-distance, n, span);
	if (distance > 0)
		return n + side((uint32_t)distance, n, span);
	return side((uint32_t)-distance, n, span);
}

/* ---- Sinusoids ---------------------------------------------------------- */

/* pi / 2 in two parts, the first with 24 zero bits at its end. */
#define HALF_PI_HIGH	0x1.921fb544p+0
#define HALF_PI_LOW	0x1.0b4611a626331p-34
#define TWO_BY_PI	0x1.45f306dc9c883p-1

/* 1/n! with its sign, from n = 17 and 16 down by two; of |r| <= pi / 4. */
static const double sine[] = {
	0x1.952c77030ad4ap-49, -0x1.ae7f3e733b81fp-41, 0x1.6124613a86d09p-33,
	-0x1.ae64567f544e4p-26, 0x1.71de3a556c734p-19, -0x1.a01a01a01a01ap-13,
	0x1.1111111111111p-7, -0x1.5555555555555p-3, 1,
};
static const double cosine[] = {
	0x1.ae7f3e733b81fp-45, -0x1.93974a8c07c9dp-37, 0x1.1eed8eff8d898p-29,
	-0x1.27e4fb7789f5cp-22, 0x1.a01a01a01a01ap-16, -0x1.6c16c16c16c17p-10,
	0x1.5555555555555p-5, -0x1p-1, 1,
};

static double series(const double *terms, double square)
{
	double sum = terms[0];

	for (int i = 1; i < 9; i++)
		sum = sum * square + terms[i];
	return sum;
}

/* sin(x + quarter * pi / 2), 0 <= x < 2^21. */
static double sine_of(double x, unsigned int quarter)
{
	uint32_t k = (uint32_t)(x * TWO_BY_PI + 0.5);
	double r = (x - k * HALF_PI_HIGH) - k * HALF_PI_LOW;
	double y;

	quarter += k;
	y = quarter % 2 ? series(cosine, r * r) : r * series(sine, r * r);
	return quarter & 2 ? -y : y;
}

void ct_sinusoid(uint32_t p, uint32_t n, float *out)
{
	uint32_t half = n / 2;
	float step = half > 1 ? (float)(ct_ln(10000) / (half - 1)) : 0;

	for (uint32_t i = 0; i < half; i++) {
		float angle = (float)p * (float)ct_exp(-(double)((float)i * step));

		out[i] = (float)sine_of(angle, 0);
		out[half + i] = (float)sine_of(angle, 1);
	}
	if (n % 2)
		out[n - 1] = 0;
}
