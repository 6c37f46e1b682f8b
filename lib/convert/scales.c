// SPDX-License-Identifier: MIT
#include "convert/scales.h"

#include <math.h>
#include <string.h>

#define TILE		CTRANS_TILE_OUT
/* Steps from which a weight is an exception: 15.5 above zero, 16.5 below. */
#define EDGE		16.0f
#define LEAST_STEPS	2.0f
#define CHOICES		CT_SCALE_CHOICES
#define ENTRY_BITS	16.0
#define STEPS_MAX	127.5f
/* Above it an exception would cost more precision than any that has been seen. */
#define WORTH_MAX	6.25f

/* Choice c has LEAST_STEPS * (1 + c % 8 / 8) * 2^(c / 8) steps to the rms. */
static float steps(uint32_t choice)
{
	return LEAST_STEPS * ldexpf(1.0f + (float)(choice % 8) / 8.0f,
				    (int)(choice / 8));
}

/*
 * The first choice at which a weight of @x times the rms is an exception: those
 * whose bins, eights of an octave of EDGE / x, are reached. A float's top bits are
 * such bins.
 */
static uint32_t first_beyond(float x)
{
	static const float one = EDGE / LEAST_STEPS;
	float ratio = one / x;	/* steps(c) / LEAST_STEPS at least */
	uint32_t bits, bin;

	if (!(ratio > 1.0f))
		return 0;
	memcpy(&bits, &ratio, sizeof(bits));
	/* from 1.0 on, rounded up */
	bin = (bits - 0x3f800000u + 0xfffffu) >> 20;
	return bin < CHOICES ? bin : CHOICES;
}

void ct_scale_curves(const float *tile, uint32_t n_in, uint32_t n_out,
		     struct ct_scale_curve *curves)
{
	double squares[TILE] = { 0 };
	float max[TILE] = { 0 }, inverse[TILE];

	for (uint32_t k = 0; k < n_in; k++)
		for (uint32_t j = 0; j < TILE; j++) {
			float w = fabsf(tile[(size_t)k * TILE + j]);

			squares[j] += (double)w * (double)w;
			max[j] = w > max[j] ? w : max[j];
		}
	for (uint32_t j = 0; j < n_out; j++) {
		curves[j] = (struct ct_scale_curve){
			.rms = (float)sqrt(squares[j] / n_in), .max = max[j],
		};
		inverse[j] = curves[j].rms > 0 ? 1.0f / curves[j].rms : 0.0f;
	}
	for (uint32_t j = 0; j < n_out; j++) {
		uint32_t hist[CHOICES + 1] = { 0 }, sum = 0;
		/* what the finest scale takes is no exception at any */
		float none = EDGE / steps(CHOICES - 1);

		for (uint32_t k = 0; k < n_in; k++) {
			float x = fabsf(tile[(size_t)k * TILE + j]) * inverse[j];

			if (x > none)
				hist[first_beyond(x)]++;
		}
		for (uint32_t c = 0; c < CHOICES; c++)
			curves[j].beyond[c] = sum += hist[c];
	}
}

/* Its weights in such steps reach no further than a byte; or it is the coarsest. */
static int fits(const struct ct_scale_curve *v, uint32_t choice)
{
	return !choice || v->max * steps(choice) <= STEPS_MAX * v->rms;
}

static uint32_t choose(const struct ct_scale_matrix *m, uint32_t output,
		       double multiplier)
{
	const struct ct_scale_curve *v = &m->curves[output];
	double error = (double)v->rms * v->rms * m->n_in / 12.0 / m->squares;
	double least = INFINITY;
	uint32_t best = 0;

	for (uint32_t c = 0; c < CHOICES && fits(v, c); c++) {
		double s = steps(c);
		double cost = error / (s * s) + multiplier * ENTRY_BITS * v->beyond[c];

		if (cost < least) {
			least = cost;
			best = c;
		}
	}
	return best;
}

/* As stored: padding, tables and lists' last granules, half full. */
static double bits_without_list(const struct ct_scale_matrix *m)
{
	double in = (m->n_in + 63) / 64 * 64;
	double out = (m->n_out + TILE - 1) / TILE * TILE;
	double blocks = (double)((m->n_in + CTRANS_ESC_INPUTS - 1) /
				 CTRANS_ESC_INPUTS) * out / TILE;

	return 5.0 * in * out + blocks * (32 + 8 * CTRANS_GRANULE / 2.0);
}

static double stored(const struct ct_scale_matrix *matrices, size_t n,
		     double multiplier)
{
	double bits = 0, weights = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ct_scale_matrix *m = &matrices[i];
		uint64_t beyond = 0;

		for (uint32_t j = 0; j < m->n_out && m->squares > 0; j++)
			beyond += m->curves[j].beyond[choose(m, j, multiplier)];
		bits += bits_without_list(m) + ENTRY_BITS * (double)beyond;
		weights += (double)m->n_in * m->n_out;
	}
	return bits / weights;
}

double ct_scales_balance(const struct ct_scale_matrix *matrices, size_t n, double bits)
{
	/* exponents of two: of worthless bits, and of ones worth any error */
	double low = -100, high = 20;

	for (unsigned int i = 0; i < 40; i++) {
		double mid = (low + high) / 2;

		if (stored(matrices, n, exp2(mid)) > bits)
			low = mid;
		else
			high = mid;
	}
	return exp2(high);
}

float ct_scale_choose(const struct ct_scale_matrix *m, uint32_t output,
		      double multiplier)
{
	const struct ct_scale_curve *v = &m->curves[output];

	/* below this one over a scale would overflow; such weights are nothing */
	if (v->max < 1e-35f || !(v->rms > 0))
		return 0.0f;
	return v->rms / steps(choose(m, output, multiplier));
}

float ct_scale_worth(const struct ct_scale_matrix *m, float scale, double multiplier)
{
	double worth = multiplier * ENTRY_BITS * m->squares /
		       ((double)scale * (double)scale);

	return worth < WORTH_MAX ? (float)worth : WORTH_MAX;
}

/*
 * Of a normal distribution: error falls by n s^2 / 6 for each e-fold of steps, and
 * exceptions grow by n * 2 z phi(z), z = EDGE / steps.
 */
float ct_scale_worth_at(float sigma_steps)
{
	double z = (double)EDGE / (double)sigma_steps;
	double grows = 2 * z * exp(-z * z / 2) / sqrt(2 * 3.14159265358979323846);
	double worth = 1 / (6 * grows);

	return worth < WORTH_MAX ? (float)worth : WORTH_MAX;
}
