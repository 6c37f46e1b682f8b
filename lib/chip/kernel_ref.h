/* SPDX-License-Identifier: MIT */
/*
 * The reference kernel's domains, open to tests: one of them replaced by a
 * broken one must show in every comparison.
 */
#ifndef CHIP_KERNEL_REF_H
#define CHIP_KERNEL_REF_H

#include "chip/kernel.h"

/* What one domain does for one row and one tile of 16 outputs. */
struct chip_ref_work {
	const int16_t *a;	/* every value of the row */
	const int8_t *w;	/* the tile, from input k0 on */
	uint32_t k0, k1;
	const struct chip_dispatch *dispatch;	/* or NULL: all dense */
	const uint64_t *units;	/* of the row, see chip_train_units() */
};

/*
 * Each adds its own values' part to s and returns the operations it executed,
 * all 16 outputs counted.
 */
struct chip_ref_domains {
	uint64_t (*dense)(const struct chip_ref_work *work, int64_t s[16]);
	uint64_t (*spiking)(const struct chip_ref_work *work, int64_t s[16]);
	uint64_t (*outlier)(const struct chip_ref_work *work, int64_t s[16]);
};

extern const struct chip_ref_domains chip_ref_domains;

/* Plane by plane; an output that is done takes no further part. */
void chip_ref_bound(const struct chip_bounded *b);

/* The reference's sums over any domains. */
void chip_ref_sums(const struct chip_ref_domains *domains,
		   const struct chip_sums *sums);

#endif
