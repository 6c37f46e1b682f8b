// SPDX-License-Identifier: MIT
#include "convert/spiking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/values.h"

/* ---- Trains ----------------------------------------------------------- */

unsigned int ct_train_steps(uint32_t code)
{
	return code == CTRANS_SPIKES_RATE ? 127 : code == CTRANS_SPIKES_RADIX ? 7 : 8;
}

unsigned int ct_train_shift(uint32_t code, unsigned int t)
{
	return code == CTRANS_SPIKES_RATE ? 0 : t;
}

int ct_train_spike(uint32_t code, int a, unsigned int t)
{
	unsigned int m = (unsigned int)abs(a), digits;
	int sign = a < 0 ? -1 : 1;

	switch (code) {
	case CTRANS_SPIKES_RATE:
		return t < m ? sign : 0;
	case CTRANS_SPIKES_RADIX:
		return m >> t & 1 ? sign : 0;
	default:
		/* digit t is bit t + 1 of 3m less that of m */
		digits = (m >> 1) ^ (m + (m >> 1));
		if (!(digits >> t & 1))
			return 0;
		return (3 * m) >> (t + 1) & 1 ? sign : -sign;
	}
}

/* ---- Neurons ---------------------------------------------------------- */

/* What count c stands for: a spike moves the membrane from one to the next. */
static int64_t held(const struct ct_ladder *ladder, int32_t c)
{
	return c ? ladder->rung(ladder, c) : 0;
}

int ct_neuron_step(struct ct_neuron *n, const struct ct_ladder *ladder, int64_t input)
{
	int64_t at = held(ladder, n->count);
	int64_t sum = n->membrane + at + input;
	int32_t to = n->count;

	if (n->count >= 0 && n->count < CT_VALUE_MAX &&
	    sum >= ladder->rung(ladder, n->count + 1))
		to++;
	else if (n->count > 0 && sum < at)
		to--;
	else if (n->count <= 0 && n->count > -CT_VALUE_MAX &&
		 sum <= ladder->rung(ladder, n->count - 1))
		to--;
	else if (n->count < 0 && sum > at)
		to++;
	n->membrane = sum - held(ladder, to);
	if (to != n->count) {
		n->spikes++;
		n->taken_back += abs(to) < abs(n->count);
	}
	input = to - n->count;
	n->count = to;
	return (int)input;
}

uint32_t ct_neuron_settle(struct ct_neuron *n, const struct ct_ladder *ladder)
{
	uint32_t steps = 0;

	while (ct_neuron_step(n, ladder, 0))
		steps++;
	return steps;
}

int64_t ct_encoder_membrane(float scaled)
{
	/* beyond the last rung nothing changes */
	if (scaled > 32768.0f)
		scaled = 32768.0f;
	if (scaled < -32768.0f)
		scaled = -32768.0f;
	/* 2^30 times it is an integer from 2^-7 on; below, no rung is near */
	return (int64_t)((double)scaled * (double)CT_MEMBRANE_ONE);
}

static int64_t encoder_rung(const struct ct_ladder *ladder, int32_t c)
{
	int64_t m = c < 0 ? -(int64_t)c : c;
	/* m - 1/2 rounds to m where m is even, and to m - 1 where it is odd */
	int64_t rung = (2 * m - 1) * (CT_MEMBRANE_ONE / 2) + (m & 1);

	(void)ladder;
	return c < 0 ? -rung : rung;
}

const struct ct_ladder ct_encoder_ladder = { .rung = encoder_rung };

static int32_t value_of(const struct ct_sum_ladder *l, int64_t sum)
{
	float y = fmaf((float)sum, l->scale, l->bias);
	int16_t a;

	if (l->relu)
		y = y > 0.0f ? y : 0.0f;
	ct_values_quantise(&y, 1, l->theta, &a);
	return a;
}

/* Sums are below 2^49: 2^17 inputs of 2^15 by 2^7, with room. */
#define SUM_MAX		(INT64_C(1) << 50)

int64_t ct_sum_rung(const struct ct_ladder *ladder, int32_t c)
{
	const struct ct_sum_ladder *l = (const struct ct_sum_ladder *)ladder;
	int64_t low = -SUM_MAX, high = SUM_MAX;

	if (c > 0) {
		if (value_of(l, high) < c)
			return INT64_MAX;
		while (low < high) {
			int64_t middle = low + (high - low) / 2;

			if (value_of(l, middle) >= c)
				high = middle;
			else
				low = middle + 1;
		}
		return low;
	}
	if (value_of(l, low) > c)
		return INT64_MIN;
	while (low < high) {
		int64_t middle = high - (high - low) / 2;

		if (value_of(l, middle) <= c)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* ---- A layer ---------------------------------------------------------- */

static void add_scaled(int64_t *to, const int8_t *w, uint32_t n, int64_t by)
{
	for (uint32_t j = 0; j < n; j++)
		to[j] += w[j] * by;
}

static void add_spike(int32_t *to, const int8_t *w, uint32_t n, int sign)
{
	if (sign > 0)
		for (uint32_t j = 0; j < n; j++)
			to[j] += w[j];
	else
		for (uint32_t j = 0; j < n; j++)
			to[j] -= w[j];
}

static bool is_outlier(int a)
{
	return a > CT_ARRAY_MAX || a < -CT_ARRAY_MAX;
}

static void deliver(const struct ct_synapses *s, int64_t *sums)
{
	for (uint32_t j = 0; j < s->n_out; j++)
		sums[j] += s->added[j];
	if (s->after)
		s->after(s->arg, s->added);
}

void ct_synapses_run(const struct ct_synapses *s, const int16_t *a, int64_t *sums,
		     struct ct_spike_counts *counts)
{
	unsigned int steps = ct_train_steps(s->code);

	memset(sums, 0, s->n_out * sizeof(*sums));
	memset(s->added, 0, s->n_out * sizeof(*s->added));
	for (uint32_t k = 0; k < s->n_in; k++) {
		if (!is_outlier(a[k]))
			continue;
		add_scaled(s->added, s->w + (size_t)k * s->n_out, s->n_out, a[k]);
		counts->outliers++;
	}
	deliver(s, sums);
	for (unsigned int i = 0; i < steps; i++) {
		unsigned int t = s->order ? s->order[i] : i;
		unsigned int shift = ct_train_shift(s->code, t);

		/* of one timestep: at most 127 for each input, so 32 bits do */
		memset(s->step, 0, s->n_out * sizeof(*s->step));
		for (uint32_t k = 0; k < s->n_in; k++) {
			int spike = is_outlier(a[k]) ? 0 :
				    ct_train_spike(s->code, a[k], t);

			if (!spike)
				continue;
			add_spike(s->step, s->w + (size_t)k * s->n_out, s->n_out, spike);
			counts->spikes++;
			counts->events += s->n_out;
		}
		for (uint32_t j = 0; j < s->n_out; j++)
			s->added[j] = (int64_t)s->step[j] * (INT64_C(1) << shift);
		deliver(s, sums);
	}
}
