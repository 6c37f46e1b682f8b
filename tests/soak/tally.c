// SPDX-License-Identifier: MIT
#include "tally.h"

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int power;

	if (ns < TALLY_PARTS)
		return (unsigned int)ns;
	power = 63 - (unsigned int)__builtin_clzll(ns);
	/* the four bits below the leading one */
	return (power - 3) * TALLY_PARTS +
	       (unsigned int)(ns >> (power - 4) & (TALLY_PARTS - 1));
}

static double end_of(unsigned int bucket)
{
	unsigned int power = bucket / TALLY_PARTS;
	double part = bucket % TALLY_PARTS + 1;

	if (!power)
		return part;
	return (TALLY_PARTS + part) * (double)(1ull << (power - 1));
}

void tally_add(struct tally *tally, uint64_t ns)
{
	tally->n++;
	tally->bucket[bucket_of(ns)]++;
	if (ns > tally->most)
		tally->most = ns;
}

void tally_merge(struct tally *sum, const struct tally *part)
{
	sum->n += part->n;
	if (part->most > sum->most)
		sum->most = part->most;
	for (unsigned int i = 0; i < TALLY_BUCKETS; i++)
		sum->bucket[i] += part->bucket[i];
}

double tally_quantile_ms(const struct tally *tally, double part)
{
	uint64_t below = 0, rank = (uint64_t)(part * (double)tally->n);

	for (unsigned int i = 0; i < TALLY_BUCKETS; i++) {
		below += tally->bucket[i];
		if (below > rank && end_of(i) < (double)tally->most)
			return end_of(i) * 1e-6;
	}
	return (double)tally->most * 1e-6;
}
