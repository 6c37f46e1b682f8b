/* SPDX-License-Identifier: MIT */
/* Firing thresholds from what calibration has seen, and what they make of it. */
#ifndef CT_CONVERT_THRESHOLD_H
#define CT_CONVERT_THRESHOLD_H

#include "convert/calibration.h"

/* Each layer's root mean square over @levels. */
void ct_thresholds_rms(struct ct_calibration *c, float levels);

/* Fill each layer's profile: its samples at its threshold. */
int ct_thresholds_profile(struct ct_calibration *c, unsigned int threads,
			  struct ct_err *err);

/* ---- Search ----------------------------------------------------------- */
/*
 * Thresholds of least energy at a given noise. A layer's thresholds to choose from
 * are its root mean square over three to 48 levels; at each there is an energy, from
 * the histogram of its values, and a noise, the power of its output's error over that
 * of its output. Layers differ in what their noise does to the prediction: each has a
 * weight. The weighted mean of noise is what noise_db says, and the same energy would
 * buy the same drop of it in every layer: one multiplier, found by bisection.
 * (Decibels in the mean would not do: energy and decibels are nearly linear in each
 * other, so that some layers would take all.)
 */
#define CT_THRESHOLD_GRID	33

/*
 * Where perplexity stays within a tenth of a percent on the models that come with
 * trained weights, in the weighted mean: measured, with the radix code at a fifth to
 * a quarter of dense products (demo, and prose models of 2 and 6 M parameters).
 */
#define CT_THRESHOLD_NOISE_DB	36

/* What a value costs, attojoules; from the chip's costs by whoever knows the code. */
struct ct_value_costs {
	double energy[128];	/* of a magnitude, for each output */
	double cycles[128];	/* of the array, for each group of outputs */
	double outlier;		/* energy of one beyond 127, for each output */
	double cycle;		/* energy of a cycle, whatever is done in it */
	uint32_t group;		/* outputs computed at once */
};

struct ct_threshold_points {
	double energy[CT_THRESHOLD_GRID], noise[CT_THRESHOLD_GRID];
	double probe;		/* noise at CT_THRESHOLD_PROBE without smoothing */
	double weight;
};

/* Of the grid: about four levels, whose noise is seen in what the model predicts. */
#define CT_THRESHOLD_PROBE	4u

/* The @i-th threshold to choose from for a layer of that root mean square. */
float ct_threshold_at(double rms, unsigned int i);

/*
 * Energy of the values of a profile, a row. The INT16 unit works beside the array,
 * an input a cycle: when it takes longer, its time is what counts.
 */
double ct_threshold_energy(const struct ctrans_layer_profile *p,
			   const struct ct_value_costs *costs);

/* choice[i] for each of @n layers; @noise_db as far as the grid reaches. */
void ct_thresholds_choose(const struct ct_threshold_points *points, size_t n,
			  double noise_db, unsigned int *choice);

#endif
