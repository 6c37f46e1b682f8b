/* SPDX-License-Identifier: MIT */
/*
 * libctrans: C-DNN dispatch, which values are computed densely and which as spikes.
 * Included by ctrans.h.
 *
 * A policy decides for each linear layer of a model, before its program is built,
 * from what is known of the activations that enter it and from what the chip's
 * operations cost. It changes energy and time; the sums are the same integers
 * whatever it says. dnn, snn, static, tile and fine come with the library
 * (ctrans_model_params.policy); one of your own is a struct ctrans_policy, passed
 * as ctrans_model_params.dispatch: tests/unit/test_policy.c has one of a page.
 */
#ifndef CTRANS_DISPATCH_H
#define CTRANS_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * The energy and time model at one operating point. Energies in attojoules (1e-18
 * J), all modelled; the constants they come from, with a source each, are
 * ctrans_constant_get()'s.
 */
struct ctrans_chip_costs {
	size_t size;
	uint32_t opp, mv, khz;
	uint32_t cores, rows, cols;	/* HMAUs: 48 x 8 x 16 */
	uint32_t spikes_per_cycle;	/* that one takes */
	uint32_t lanes;			/* of the vector unit */
	uint32_t reuse;			/* rows that share a read of a weight */
	uint32_t external_mbps;
	uint32_t fill_cycles, switch_cycles;
	uint32_t clock_percent;		/* of on-chip dynamic energy */
	uint32_t sram_weights, sram_activations;	/* bytes */
	uint64_t mac8_aj, spike_aj, mac16_aj, vector_aj;
	uint64_t sram_read_aj, sram_write_aj, external_aj;	/* a byte */
	uint64_t leak_uw;
	uint64_t check_aj, draw_aj;	/* of output spike speculation */
};

/* What is known of the values that enter a linear layer. */
struct ctrans_layer_profile {
	size_t size;
	uint32_t layer;		/* of the model, from 0 */
	uint32_t kind;		/* enum ctrans_kind */
	uint32_t n_in, n_out;
	float threshold;	/* firing threshold, or 0: each row has its own */
	uint64_t rows;		/* that were looked at; 0: magnitudes are assumed */
	uint64_t magnitude[128];	/* values of each |a|, of rows * n_in */
	uint64_t outliers;	/* beyond 127 */
	uint64_t clamped;	/* of them */
};

enum ctrans_code {
	CTRANS_SPIKES_RATE = 0,		/* |a| spikes */
	CTRANS_SPIKES_RADIX = 1,	/* one for each bit of |a| */
	CTRANS_SPIKES_NAF = 2,		/* one for each signed digit */
};

/* How the chip is to treat one layer: uapi/ctrans_insn.h has each to the letter. */
struct ctrans_dispatch {
	size_t size;
	uint32_t code;		/* enum ctrans_code */
	uint32_t flip;		/* 1: dense trains as their complement */
	uint32_t by_unit;	/* 0: by magnitude; 1: by units of 64 inputs */
	uint64_t spike_mask[2];	/* by magnitude: bit m, those that spike */
	uint32_t unit_low, unit_high;	/* by unit: eighths of a spike a value */
};

enum ctrans_objective {
	CTRANS_LEAST_ENERGY = 0,
	CTRANS_LEAST_LATENCY = 1,
	CTRANS_LEAST_ENERGY_DELAY = 2,
};

struct ctrans_dispatch_goal {
	size_t size;
	uint32_t objective;	/* enum ctrans_objective */
	uint32_t rows;		/* rows that a step usually has: 1 decodes */
	uint32_t code, flip;	/* what was asked for */
};

/*
 * A policy. @linear is called once for each linear layer, in program order, and
 * fills @out, which comes filled with: all dense, code and flip as the goal has
 * them. Return 0, or a negative errno, which the model's opening then fails with.
 */
struct ctrans_policy {
	size_t size;
	const char *name;	/* for reports, at most 15 bytes */
	int (*linear)(void *arg, const struct ctrans_layer_profile *profile,
		      const struct ctrans_chip_costs *costs,
		      const struct ctrans_dispatch_goal *goal,
		      struct ctrans_dispatch *out);
	void *arg;
};

struct ctrans_model;

/*
 * Run @n tokens, in windows of the model's context one after the other, and count
 * what enters each linear layer as the chip quantises it, with the thresholds that
 * the model has. Layers come in program order, the head, of every token, last.
 * Writes at most @room profiles, and sets *@n_profiles to how many layers there
 * are; -E2BIG if that is more (@profiles may be NULL with @room 0 to ask: nothing
 * is run then). profiles[0].size says how large the caller's elements are. Other
 * calls on the model may go on meanwhile.
 */
int ctrans_profile_tokens(struct ctrans_model *model, const uint32_t *tokens, size_t n,
			  struct ctrans_layer_profile *profiles, size_t room,
			  size_t *n_profiles);

/*
 * A text for a model that has an encoder, and the source that it is made from: a
 * source begins with a task's words and ends with eos, as ctrans_session_read() takes
 * it; a target is what the decoder takes in, from its start token on, so without
 * the eos that it ends with. For other models the source is NULL and 0.
 */
struct ctrans_pair {
	const uint32_t *source;
	size_t n_source;
	const uint32_t *target;
	size_t n_target;
};

/*
 * The same of @n pairs, one after the other: layers of the encoder, then those of
 * the decoder, which have other rows. -EINVAL for a model with an encoder and a pair
 * without a source, -ENOTSUP for a source without encoder, -E2BIG for one beyond the
 * context.
 */
int ctrans_profile_pairs(struct ctrans_model *model, const struct ctrans_pair *pairs,
			 size_t n, struct ctrans_layer_profile *profiles, size_t room,
			 size_t *n_profiles);

/*
 * What a layer costs in a step of some rows, as means, from its profile: by the
 * laws that the chip counts by. Energies in femtojoules, all modelled.
 */
struct ctrans_layer_cost {
	size_t size;
	double cycles;			/* elapsed, for the whole step */
	double cycles_compute, cycles_external, cycles_stall;
	double values_zero, values_dense, values_spiking, values_outlier, spikes;
	double dense_fj, spiking_fj, outlier_fj, vector_fj, sram_fj, external_fj;
	double static_fj;
};

/* What operations cost at the operating point of the model's device. */
int ctrans_model_costs(const struct ctrans_model *model,
		       struct ctrans_chip_costs *costs, size_t size);

/*
 * How the @index-th linear layer of the model is treated, in the order in which
 * profiles come: what the policy has answered. -ENOENT past the end, -EINVAL for a
 * model without weights or in binary32, which has no dispatch.
 */
int ctrans_model_dispatch(const struct ctrans_model *model, unsigned int index,
			  struct ctrans_dispatch *dispatch, size_t size);

/*
 * The cost of a layer with 8-bit weights when it is treated as @dispatch says, in
 * a step of @rows rows. For policies that search; those of the library do.
 * -EINVAL for a dispatch that the chip would not take or no rows.
 */
int ctrans_layer_cost(const struct ctrans_layer_profile *profile,
		      const struct ctrans_chip_costs *costs,
		      const struct ctrans_dispatch *dispatch, uint32_t rows,
		      struct ctrans_layer_cost *cost, size_t size);

/*
 * The oracle: least energy of the arrays, for the same rows, if each value went
 * where it costs least, to the dense domain or to spikes in any code, flipped or
 * not, and nothing ever waited for weights or changed its mode. No policy can be
 * run that does it: it is the bound that others are compared with, by dense_fj,
 * spiking_fj and outlier_fj; the other fields are 0.
 */
int ctrans_layer_bound(const struct ctrans_layer_profile *profile,
		       const struct ctrans_chip_costs *costs, uint32_t rows,
		       struct ctrans_layer_cost *cost, size_t size);

/* Spikes of magnitude 1..127 in a code; 0 for others. */
unsigned int ctrans_spikes(uint32_t code, uint32_t flip, unsigned int magnitude);

/*
 * The @index-th constant of the energy and time model, from 0, and where it comes
 * from. Values are at 0.9 V. -ENOENT past the end.
 */
struct ctrans_constant {
	size_t size;
	const char *name;	/* "8-bit multiply-accumulate" */
	double value;
	const char *unit;	/* "pJ" */
	const char *provenance;	/* published, literature, computed, assumed or fitted */
	const char *source;
};

int ctrans_constant_get(unsigned int index, struct ctrans_constant *constant,
			size_t size);

/* Ratios that were measured on some model; 0: the default in brackets. */
struct ctrans_measured {
	size_t size;
	double compute;		/* arrays' energy to that of all dense (0.265) */
	double weight_bits;	/* of a weight, as stored (5.38) */
	double little;		/* external memory with a little model to without (1) */
};

/*
 * The @index-th published figure about the chip, from 0, and what this model of it
 * gives for the same shapes: GPT-2-large's blocks, T5-large's and FSMT's decoders.
 * -ENOENT past the end. @measured NULL: all defaults. The strings stay.
 *
 * Only what is "predicted" can agree or not. "fitted": a constant was chosen so
 * that it comes out; "not reconciled": it does not follow, for no reason that is
 * public; "context": the two are not the same thing.
 */
struct ctrans_published {
	size_t size;
	const char *what;	/* "GPT-2 latency" */
	const char *source;	/* "ISSCC 2024 20.5" */
	const char *unit;	/* "s"; "" for a number, "x" for a ratio */
	const char *status;
	const char *per;	/* "amortised", "decode" (one token a pass) or "" */
	double low, high;	/* as published; equal where it is one figure */
	double half;		/* half of its last digit */
	uint32_t agrees;	/* predicted, and within 5 % or that half digit */
	double our_low, our_high;	/* NaN where the model has none */
	const char *how;	/* ours comes about, in a line */
};

int ctrans_published_get(unsigned int index, const struct ctrans_measured *measured,
			 struct ctrans_published *published, size_t size);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
