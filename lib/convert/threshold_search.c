// SPDX-License-Identifier: MIT
#include <math.h>

#include "convert/threshold.h"

/* Four octaves, an eighth of one each. */
#define LEVELS_LEAST	3.0

float ct_threshold_at(double rms, unsigned int i)
{
	double levels = LEVELS_LEAST * exp2(i / 8.0);

	return rms > 1e-20 ? (float)(rms / levels) : 1.0f;
}

double ct_threshold_energy(const struct ctrans_layer_profile *p,
			   const struct ct_value_costs *costs)
{
	double energy = 0, array = 0, rows = p->rows ? (double)p->rows : 1;
	double outliers = (double)p->outliers, cycles;
	uint32_t groups = (p->n_out + costs->group - 1) / costs->group;

	for (unsigned int m = 1; m < 128; m++) {
		energy += (double)p->magnitude[m] * costs->energy[m];
		array += (double)p->magnitude[m] * costs->cycles[m];
	}
	energy = (energy + outliers * costs->outlier) * p->n_out;
	cycles = (outliers > array ? outliers : array) * groups;
	return (energy + cycles * costs->cycle) / rows;
}

/* The best of a layer for a price of noise; returns its noise. */
static double best(const struct ct_threshold_points *p, double price,
		   unsigned int *choice)
{
	double least = INFINITY;

	*choice = 0;
	for (unsigned int g = 0; g < CT_THRESHOLD_GRID; g++) {
		double j = p->energy[g] + price * p->weight * p->noise[g];

		if (j < least) {
			least = j;
			*choice = g;
		}
	}
	return p->weight * p->noise[*choice];
}

static double mean_noise(const struct ct_threshold_points *points, size_t n,
			 double price, unsigned int *choice)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < n; i++) {
		sum += best(&points[i], price, &choice[i]);
		weights += points[i].weight;
	}
	return weights > 0 ? sum / weights : 0;
}

void ct_thresholds_choose(const struct ct_threshold_points *points, size_t n,
			  double noise_db, unsigned int *choice)
{
	double target = pow(10, -noise_db / 10);
	/* powers of two of attojoules: from nothing to more than anything costs */
	double low = 0, high = 160;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (mean_noise(points, n, exp2(middle), choice) > target)
			low = middle;
		else
			high = middle;
	}
	mean_noise(points, n, exp2(high), choice);
}
