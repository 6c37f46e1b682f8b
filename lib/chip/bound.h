/* SPDX-License-Identifier: MIT */
/* Output spike speculation by a bound: see uapi/ctrans_insn.h. */
#ifndef CHIP_BOUND_H
#define CHIP_BOUND_H

#include "chip/kernel.h"

/* A row without the lower bits of its spiking values: before plane p, 2^(p + 1) - 1. */
struct chip_parts {
	struct chip_qrow row[CTRANS_BOUND_PLANES];
	uint32_t left[CTRANS_BOUND_PLANES];	/* norm of the bits taken off, rounded up */
};

/* Room for rows of up to @width, aligned to 64. */
size_t chip_parts_bytes(uint32_t width);
void chip_parts_make(const struct chip_qrow *row, const struct chip_dispatch *d,
		     uint8_t *room, struct chip_parts *parts);

/* What chip_ref_bound() does, but for the operations it counts. */
void chip_bound(const struct chip_kernel *k, const struct chip_bounded *b,
		const struct chip_parts *parts);

#endif
