/* SPDX-License-Identifier: MIT */
/*
 * What a linear layer costs on the chip, from how its inputs are distributed.
 *
 * The same laws by which the chip counts (lib/chip/account.c, from the same table
 * of constants), applied to mean counts in place of a row's own, so figures are
 * real numbers. With a profile of one row they are the chip's but for the rounding
 * of each to an integer. Work units need more than a profile knows, where in a row
 * its values lie: they are taken to lie anywhere.
 */
#ifndef CT_DISPATCH_COST_H
#define CT_DISPATCH_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrans_dispatch.h"
#include "dispatch/count.h"

/* What is added up over the rows of a step, as in struct ctrans_stat. */
struct ct_work {
	double cycles_compute, cycles_stall;
	double values_zero, values_dense, values_spiking, values_outlier, spikes;
	double ops_dense, ops_spiking, ops_outlier, ops_vector;
	double stall_fj;		/* of an array that waits */
	double bytes_sram, bytes_written, bytes_external;
};

/* The layer, and how a step uses it. */
struct ct_linear {
	const struct ctrans_layer_profile *profile;
	const struct ctrans_dispatch *dispatch;
	uint32_t rows;			/* of the step, at least 1 */
	uint64_t weight_bytes;		/* its weights', as they lie in memory */
	bool packed;			/* they are not S8 there */
	uint32_t output_bytes;		/* of scales, sums and bias, an output */
	bool multiplies;		/* what was there by its output */
};

/* Bytes of 8-bit weights, and of what an output has beside them with a bias. */
uint64_t ct_s8_bytes(uint32_t n_in, uint32_t n_out);
#define CT_S8_OUTPUT_BYTES	12u

/* The work of a linear, whose row is counted already; and what work costs. */
void ct_linear_work(const struct ctrans_chip_costs *costs,
		    const struct ct_linear *linear, struct ct_work *work);
void ct_counted_work(const struct ctrans_chip_costs *costs,
		     const struct ct_linear *linear, const struct ct_counts *counts,
		     struct ct_work *work);
/*
 * @ahead: cycles by which external memory is ahead of computing, before and after:
 * while an instruction computes longer than its own bytes take, those of the next
 * ones come in, as many as half of the weight memory holds.
 */
void ct_work_cost(const struct ctrans_chip_costs *costs, const struct ct_work *work,
		  double *ahead, struct ctrans_layer_cost *cost);

/* Both at once, with 8-bit weights and a bias, by itself. */
void ct_layer_cost(const struct ctrans_chip_costs *costs,
		   const struct ctrans_layer_profile *profile,
		   const struct ctrans_dispatch *dispatch, uint32_t rows,
		   struct ctrans_layer_cost *cost);

double ct_cost_energy(const struct ctrans_layer_cost *cost);

/* Less than 0: @a is the better by the objective, the less energy on a tie. */
int ct_cost_compare(const struct ctrans_layer_cost *a,
		    const struct ctrans_layer_cost *b, uint32_t objective);

#endif
