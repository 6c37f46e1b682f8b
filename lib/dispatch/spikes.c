// SPDX-License-Identifier: MIT
#include "dispatch/spikes.h"

#include "ctrans_dispatch.h"
#include "uapi/ctrans_job.h"

_Static_assert((int)CTRANS_SPIKES_RATE == CTRANS_CODE_RATE &&
	       (int)CTRANS_SPIKES_RADIX == CTRANS_CODE_RADIX &&
	       (int)CTRANS_SPIKES_NAF == CTRANS_CODE_NAF, "one list of codes");

/* From here on a rate train is sent as its complement. */
#define RATE_FLIPS	65u

static unsigned int ones(unsigned int bits)
{
	return (unsigned int)__builtin_popcount(bits);
}

unsigned int ct_spike_planes(uint32_t code, bool flip)
{
	switch (code) {
	case CTRANS_CODE_RADIX:	return flip ? 8 : 7;
	case CTRANS_CODE_NAF:	return 8;
	default:		return 0;
	}
}

unsigned int ct_spike_plane_bits(uint32_t code, bool flip, unsigned int m)
{
	unsigned int whole, rest;

	if (!m || m >= CT_MAGNITUDES)
		return 0;
	if (code == CTRANS_CODE_NAF)
		return (m >> 1) ^ (m + (m >> 1));
	if (!flip)
		return m;
	whole = 2u << (31 - __builtin_clz(m));
	rest = whole - m;
	return ones(rest) + 2 <= ones(m) ? rest | whole : m;
}

bool ct_rate_flips(bool flip, unsigned int m)
{
	return flip && m >= RATE_FLIPS && m < CT_MAGNITUDES;
}

bool ct_spike_at(uint32_t code, bool flip, unsigned int m, unsigned int t)
{
	if (!m || m >= CT_MAGNITUDES || t >= CT_TIMESTEPS)
		return false;
	if (code != CTRANS_CODE_RATE)
		return t < 8 && ct_spike_plane_bits(code, flip, m) >> t & 1;
	if (ct_rate_flips(flip, m))
		return t < 128 - m || t == 127;
	return t < m;
}

unsigned int ctrans_spikes(uint32_t code, uint32_t flip, unsigned int magnitude)
{
	if (!magnitude || magnitude >= CT_MAGNITUDES)
		return 0;
	switch (code) {
	case CTRANS_SPIKES_RATE:
		return ct_rate_flips(flip, magnitude) ? 129 - magnitude : magnitude;
	case CTRANS_SPIKES_RADIX:
	case CTRANS_SPIKES_NAF:
		return ones(ct_spike_plane_bits(code, flip, magnitude));
	default:
		return 0;
	}
}
