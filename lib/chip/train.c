// SPDX-License-Identifier: MIT
#include "chip/train.h"

#include <stdlib.h>
#include <string.h>

uint32_t chip_train_steps(const struct chip_dispatch *d)
{
	return d->code == CTRANS_CODE_RATE ? 128 : 8;
}

unsigned int chip_train_shift(const struct chip_dispatch *d, uint32_t t)
{
	if (d->code == CTRANS_CODE_RATE)
		return t == 127 ? 7 : 0;
	return t;
}

static int rate_at(bool flip, uint32_t m, uint32_t t)
{
	if (!flip || m <= 64)
		return t < m;
	return t == 127 ? 1 : -(t < 128 - m);
}

static int radix_at(bool flip, uint32_t m, uint32_t t)
{
	uint32_t top = 1, rest;

	while (top <= m)
		top *= 2;
	rest = top - m;
	if (!flip || __builtin_popcount(rest) + 2 > __builtin_popcount(m))
		return m >> t & 1;
	return top >> t & 1 ? 1 : -(int)(rest >> t & 1);
}

/* From the lowest digit: an odd rest takes the one of +-1 that leaves it even twice. */
static int naf_at(uint32_t m, uint32_t t)
{
	int digit = 0;

	for (uint32_t i = 0; i <= t; i++) {
		digit = m % 2 ? 2 - (int)(m % 4) : 0;
		m = (m - (uint32_t)digit) / 2;
	}
	return digit;
}

int chip_train_at(const struct chip_dispatch *d, uint32_t m, uint32_t t)
{
	switch (d->code) {
	case CTRANS_CODE_RATE:
		return rate_at(d->flip, m, t);
	case CTRANS_CODE_RADIX:
		return radix_at(d->flip, m, t);
	default:
		return naf_at(m, t);
	}
}

bool chip_train_integrated(const struct chip_dispatch *d, uint32_t t)
{
	return !d->steps || t * d->steps % 128 < d->steps;
}

uint32_t chip_train_spikes(const struct chip_dispatch *d, uint32_t m)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < chip_train_steps(d); t++)
		n += chip_train_at(d, m, t) != 0;
	return n;
}

enum chip_domain chip_train_unit(const struct chip_dispatch *d, const int16_t *a,
				 uint32_t n, enum chip_domain before)
{
	uint32_t limit = before == CHIP_SPIKING ? d->unit_high : d->unit_low;
	uint32_t values = 0, spikes = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t m = (uint32_t)abs(a[i]);

		if (!m || m > 127)
			continue;
		values++;
		spikes += chip_train_spikes(d, m);
	}
	if (!values)
		return before;
	return 8 * spikes < limit * values ? CHIP_SPIKING : CHIP_DENSE;
}

void chip_train_units(const struct chip_dispatch *d, const int16_t *a, uint32_t n,
		      uint64_t spiking[CHIP_UNIT_WORDS])
{
	enum chip_domain now = CHIP_ZERO;

	memset(spiking, 0, CHIP_UNIT_WORDS * sizeof(*spiking));
	if (d->by != CTRANS_BY_UNIT)
		return;
	for (uint32_t k = 0; k < n; k += CTRANS_UNIT_INPUTS) {
		uint32_t unit = k / CTRANS_UNIT_INPUTS, left = n - k;

		now = chip_train_unit(d, a + k, left < CTRANS_UNIT_INPUTS ? left :
				      CTRANS_UNIT_INPUTS, now);
		spiking[unit / 64] |= (uint64_t)(now == CHIP_SPIKING) << unit % 64;
	}
}

enum chip_domain chip_train_domain(const struct chip_dispatch *d, int32_t a,
				   uint32_t k, const uint64_t *spiking)
{
	uint32_t m = (uint32_t)abs(a), unit = k / CTRANS_UNIT_INPUTS;
	bool spikes;

	if (m == 0)
		return CHIP_ZERO;
	if (m > 127)
		return CHIP_OUTLIER;
	if (d->by == CTRANS_BY_UNIT)
		spikes = spiking[unit / 64] >> unit % 64 & 1;
	else
		spikes = d->spike_mask[m / 64] >> m % 64 & 1;
	return spikes ? CHIP_SPIKING : CHIP_DENSE;
}
