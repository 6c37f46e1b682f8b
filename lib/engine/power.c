// SPDX-License-Identifier: MIT
#include "engine/power.h"

#include <string.h>

/*
 * A number as the sum of two, the second below half a unit in the last place of
 * the first. The sums and products without error are Dekker's (1971).
 */
struct pair {
	double hi, lo;
};

static const struct pair ln2 = { 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56 };

/* |a| >= |b| */
static struct pair sum_ordered(double a, double b)
{
	double s = a + b;

	return (struct pair){ s, b - (s - a) };
}

static struct pair sum(double a, double b)
{
	double s = a + b, t = s - a;

	return (struct pair){ s, (a - (s - t)) + (b - t) };
}

/* 26 bits and the rest */
static struct pair split(double a)
{
	double t = 0x1.000002p27 * a, hi = t - (t - a);

	return (struct pair){ hi, a - hi };
}

static struct pair product(double a, double b)
{
	struct pair x = split(a), y = split(b);
	double p = a * b;

	return (struct pair){ p, ((x.hi * y.hi - p) + x.hi * y.lo +
				  x.lo * y.hi) + x.lo * y.lo };
}

static struct pair add(struct pair a, struct pair b)
{
	struct pair s = sum(a.hi, b.hi), t = sum(a.lo, b.lo);

	s = sum_ordered(s.hi, s.lo + t.hi);
	return sum_ordered(s.hi, s.lo + t.lo);
}

static struct pair multiply(struct pair a, struct pair b)
{
	struct pair p = product(a.hi, b.hi);

	return sum_ordered(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static struct pair divide(struct pair a, double b)
{
	double q = a.hi / b;
	struct pair p = product(q, b);

	return sum_ordered(q, (((a.hi - p.hi) - p.lo) + a.lo) / b);
}

static struct pair whole(double a)
{
	return (struct pair){ a, 0 };
}

/* ln n = k ln 2 + 2 artanh((m - 1) / (m + 1)) for n = m 2^k, m in [0.75, 1.5) */
static struct pair logarithm(uint32_t n)
{
	struct pair z, z2, s = { 0, 0 };
	double m = n;
	int i, k = 0;

	while (m >= 1.5) {
		m /= 2;
		k++;
	}
	z = divide(whole(m - 1), m + 1);
	z2 = multiply(z, z);
	/* z2 is at most 0.04 and the last term below 2^-120. */
	for (i = 26; i >= 0; i--)
		s = add(multiply(s, z2), divide(whole(2), 2 * i + 1));
	return add(multiply(ln2, whole(k)), multiply(z, s));
}

static double power_of_two(int k)
{
	uint64_t bits = (uint64_t)(k + 1023) << 52;
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

double ct_power(uint32_t n, double power)
{
	struct pair x = multiply(logarithm(n), whole(power)), r, s = { 1, 0 };
	double k = x.hi / ln2.hi;
	int i, e = (int)(k + (k < 0 ? -0.5 : 0.5));

	r = add(x, multiply(ln2, whole(-e)));
	/* |r| is at most 0.35; of the series r^n / n! the rest is below 2^-130. */
	for (i = 28; i >= 1; i--)
		s = add(whole(1), divide(multiply(r, s), i));
	return s.hi * power_of_two(e);
}
