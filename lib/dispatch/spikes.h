/* SPDX-License-Identifier: MIT */
/* Spike trains by magnitude, as uapi/ctrans_insn.h defines them. */
#ifndef CT_DISPATCH_SPIKES_H
#define CT_DISPATCH_SPIKES_H

#include <stdbool.h>
#include <stdint.h>

#define CT_MAGNITUDES	128u	/* the array's: 1..127, and 0 */
#define CT_TIMESTEPS	128u	/* of the longest train */

/* Spikes that magnitude @m of 1..127 has in timestep @t: 0 or 1. */
bool ct_spike_at(uint32_t code, bool flip, unsigned int m, unsigned int t);

/* Is a rate train of @m sent as its complement, where that is asked for? */
bool ct_rate_flips(bool flip, unsigned int m);

/* Timesteps of the codes whose spikes weigh 2^t; 0 for the rate code. */
unsigned int ct_spike_planes(uint32_t code, bool flip);

/* Bit t: such a code's train of @m has a spike in timestep t. */
unsigned int ct_spike_plane_bits(uint32_t code, bool flip, unsigned int m);

#endif
