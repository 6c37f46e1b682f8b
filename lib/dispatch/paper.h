/* SPDX-License-Identifier: MIT */
/* Published figures beside what the chip's model gives, told apart by what it is worth. */
#ifndef CT_DISPATCH_PAPER_H
#define CT_DISPATCH_PAPER_H

#include "ctrans_dispatch.h"

/* Costs at the lowest, the nominal and the highest operating point. */
struct ct_paper_costs {
	struct ctrans_chip_costs low, nominal, high;
};

/* @measured: 0 for defaults. -ENOENT past the end. */
int ct_paper_line(unsigned int index, const struct ct_paper_costs *costs,
		  const struct ctrans_measured *measured,
		  struct ctrans_published *line);

#endif
