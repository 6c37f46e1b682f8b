/* SPDX-License-Identifier: MIT */
/*
 * The spiking network, timestep by timestep, in integers: neurons that integrate,
 * fire and are reset by what a spike stands for; trains in each code; synapses that
 * add a weight for a spike. It is written to be compared with the quantised network,
 * which it equals to the bit, not to be fast.
 *
 * A neuron's count is what its spikes add up to. It may take every value that the
 * chip's quantisation has: ladder rung c is the least sum at which the quantised
 * value is at least c, so that a neuron which fires while its sum reaches the next
 * rung, and takes a spike back (inhibition) while it has fallen below the last, ends
 * at the quantised value, whatever came in which order. Rounding to even is in the
 * rungs: half a threshold reaches an even count, and must be exceeded for an odd one.
 */
#ifndef CT_CONVERT_SPIKING_H
#define CT_CONVERT_SPIKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans_dispatch.h"

/* ---- Trains ----------------------------------------------------------- */

/* 127, 7 or 8 */
unsigned int ct_train_steps(uint32_t code);
/* What a spike in timestep @t stands for: weights are shifted by so many bits. */
unsigned int ct_train_shift(uint32_t code, unsigned int t);
/* The spike of value @a, -127..127, in timestep @t: 1, -1 (inhibitory) or 0. */
int ct_train_spike(uint32_t code, int a, unsigned int t);

/* ---- Neurons ---------------------------------------------------------- */

/*
 * Rung @c of a ladder: for c > 0 the least sum at which the value is at least c, for
 * c < 0 the largest at which it is at most c; INT64_MAX (MIN) where there is none.
 * Ascending in c. 1 <= |c| <= CT_VALUE_MAX.
 */
struct ct_ladder {
	int64_t (*rung)(const struct ct_ladder *ladder, int32_t c);
};

struct ct_neuron {
	int64_t membrane;	/* the sum, less what its spikes stand for */
	int32_t count;
	uint32_t spikes, taken_back;
};

/*
 * A timestep: @input is added, and then one spike of either sign may be fired, which
 * moves the membrane by the distance of two rungs. Returns the spike.
 */
int ct_neuron_step(struct ct_neuron *n, const struct ct_ladder *ladder, int64_t input);

/* Timesteps without input until it is quiet. Returns how many. */
uint32_t ct_neuron_settle(struct ct_neuron *n, const struct ct_ladder *ladder);

/*
 * Encoding of a real value: membranes in 2^-30 of a threshold, which is exact for
 * every binary32 that can reach a rung. @scaled: ct_values_scaled()'s.
 */
#define CT_MEMBRANE_ONE		(INT64_C(1) << 30)
int64_t ct_encoder_membrane(float scaled);
extern const struct ct_ladder ct_encoder_ladder;

/*
 * From the integer sum of one layer straight to the value of the next, where no
 * vector operation but scale, bias and at most a ReLU lies between: the value is
 * a step function of the sum, which never descends, as no rounding does.
 */
struct ct_sum_ladder {
	struct ct_ladder ladder;	/* ct_sum_rung */
	float scale, bias;	/* theta * scale of the output, and its bias */
	bool relu;
	float theta;		/* the next layer's */
};

int64_t ct_sum_rung(const struct ct_ladder *ladder, int32_t c);

/* ---- A layer ---------------------------------------------------------- */

struct ct_spike_counts {
	uint64_t spikes;	/* in the trains that synapses saw */
	uint64_t outliers;	/* values that went to the INT16 unit */
	uint64_t events;	/* synapses' additions */
	uint64_t taken_back;	/* spikes that neurons fired too early */
};

/*
 * Sums of one row: @a are the counts of its inputs, @w the weights [n_in][n_out],
 * @order a permutation of the code's timesteps or NULL. Outliers come as products
 * before the first timestep. After each timestep @after, unless NULL, sees what it
 * has added; @sums is zeroed first.
 */
typedef void ct_timestep_fn(void *arg, const int64_t *added);

struct ct_synapses {
	const int8_t *w;
	uint32_t n_in, n_out;
	uint32_t code;
	const unsigned int *order;
	ct_timestep_fn *after;
	void *arg;
	int64_t *added;		/* [n_out], room */
	int32_t *step;		/* [n_out], room */
};

void ct_synapses_run(const struct ct_synapses *s, const int16_t *a, int64_t *sums,
		     struct ct_spike_counts *counts);

#endif
