/* SPDX-License-Identifier: MIT */
/*
 * Latencies of any number of requests in fixed memory, so that an hour's worth
 * of them is no growth that a leak could hide behind.
 */
#ifndef CTRANS_SOAK_TALLY_H
#define CTRANS_SOAK_TALLY_H

#include <stdint.h>

/* Each power of two of nanoseconds in sixteen parts: within 7 %. */
#define TALLY_PARTS	16
#define TALLY_BUCKETS	(64 * TALLY_PARTS)

struct tally {
	uint64_t n, most;
	uint64_t bucket[TALLY_BUCKETS];
};

void tally_add(struct tally *tally, uint64_t ns);
void tally_merge(struct tally *sum, const struct tally *part);
/* At most so many ms did a @part of all take. */
double tally_quantile_ms(const struct tally *tally, double part);

#endif
