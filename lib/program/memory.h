/* SPDX-License-Identifier: MIT */
/* Does a model's program fit the chip's on-chip memory? */
#ifndef CT_PROGRAM_MEMORY_H
#define CT_PROGRAM_MEMORY_H

#include "base/err.h"
#include "ctrans_dispatch.h"
#include "model/config.h"

/*
 * Of each instruction one row must fit the activation memory, and of a linear's
 * weights two blocks the weight memory, one in use and one on its way. Rows beyond
 * those that fit go in passes, which costs external memory, not the answer. -E2BIG.
 */
int ct_program_fits(const struct ct_config *cfg, uint32_t n_ctx,
		    const struct ctrans_chip_costs *costs, struct ct_err *err);

#endif
