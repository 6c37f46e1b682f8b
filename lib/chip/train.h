/* SPDX-License-Identifier: MIT */
/*
 * Spike trains and work units as uapi/ctrans_insn.h defines them, spike by spike:
 * what the reference executes, and what the fast counts are held to.
 */
#ifndef CHIP_TRAIN_H
#define CHIP_TRAIN_H

#include "chip/kernel.h"

/*
 * The spike that a value of magnitude @m, 1..127, sends in timestep @t: 1, none
 * 0, an inhibitory one -1; and the power of two that a spike then weighs.
 */
int chip_train_at(const struct chip_dispatch *d, uint32_t m, uint32_t t);
unsigned int chip_train_shift(const struct chip_dispatch *d, uint32_t t);

/* Timesteps that any train of the code may have. */
uint32_t chip_train_steps(const struct chip_dispatch *d);

/* Is timestep @t one of those that outputs integrate? */
bool chip_train_integrated(const struct chip_dispatch *d, uint32_t t);

/* Spikes of a whole train. */
uint32_t chip_train_spikes(const struct chip_dispatch *d, uint32_t m);

enum chip_domain { CHIP_ZERO, CHIP_DENSE, CHIP_SPIKING, CHIP_OUTLIER };

/*
 * Where the values of a unit go that are not zero and not beyond 127, given where
 * those before went; CHIP_ZERO is for none yet.
 */
enum chip_domain chip_train_unit(const struct chip_dispatch *d, const int16_t *a,
				 uint32_t n, enum chip_domain before);

#define CHIP_UNIT_WORDS	(CTRANS_WIDTH_MAX / CTRANS_UNIT_INPUTS / 64)

/* By unit: bit u of @spiking for unit u of a row of @n. */
void chip_train_units(const struct chip_dispatch *d, const int16_t *a, uint32_t n,
		      uint64_t spiking[CHIP_UNIT_WORDS]);

/* Of value @a at input @k; @spiking is looked at by unit only. */
enum chip_domain chip_train_domain(const struct chip_dispatch *d, int32_t a,
				   uint32_t k, const uint64_t *spiking);

#endif
