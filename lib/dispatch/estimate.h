/* SPDX-License-Identifier: MIT */
/*
 * What a step of a program costs, before it is run: the chip's accounts of it, from
 * the program and from what is known of the values that enter its linears.
 */
#ifndef CT_DISPATCH_ESTIMATE_H
#define CT_DISPATCH_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ctrans_dispatch.h"
#include "uapi/ctrans_job.h"

/* Rows of one text, that follow each other. */
struct ct_estimate_step {
	uint32_t rows;		/* at least 1 */
	uint32_t logits;	/* of them, that ask for these */
	uint32_t position;	/* the first row's */
	uint32_t source;	/* positions of the source, where the program reads one */
};

/*
 * @profiles: for each LINEAR and LOGITS, in program order. @cost gets each
 * instruction's. -ENOTSUP for binary32 weights, which no chip has a cost for. What
 * speculation saves is not known before, and not taken off.
 */
int ct_estimate(const struct ctrans_chip_costs *costs, const struct ctrans_insn *prog,
		size_t n_insns, const struct ctrans_layer_profile *profiles,
		const struct ct_estimate_step *step, struct ctrans_layer_cost *cost,
		struct ct_err *err);

/* sum += part, for parts of one job. */
void ct_estimate_add(struct ctrans_layer_cost *sum,
		     const struct ctrans_layer_cost *part);

#endif
