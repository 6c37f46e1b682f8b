// SPDX-License-Identifier: MIT
/* From a row's values to counts; see energy.h. */
#include "chip/energy.h"

#include <string.h>

#include "chip/kernel.h"

#define PLANES 7u

static uint32_t magnitude(int16_t a)
{
	return (uint32_t)(a < 0 ? -a : a);
}

static bool spikes_at(const uint64_t mask[2], uint32_t m)
{
	return mask[m >> 6] >> (m & 63) & 1;
}

/* Outliers and padding stand as zero in the bytes. */
static void count_radix(const struct chip_kernel *k, const struct chip_qrow *row,
			const uint64_t mask[2], struct chip_row_counts *c)
{
	struct chip_planes p;

	k->planes(row->u8, (row->n + 63) / 64 * 64, mask, &p);
	c->spiking = p.spiking;
	c->dense = p.nonzero - p.spiking;
	c->zero = row->n - p.nonzero - row->n_outliers;
	c->timesteps = PLANES;
	for (unsigned int t = 0; t < PLANES; t++) {
		c->at_step[t] = p.plane[t];
		c->spikes += p.plane[t];
	}
}

static void count_rate(const struct chip_qrow *row, const uint64_t mask[2],
		       struct chip_row_counts *c)
{
	/* by the byte; in turn, as equal values follow each other */
	uint32_t hist[2][256] = { { 0 } }, h[128], n = row->n, left;

	for (uint32_t i = 0; i < n; i++)
		hist[i % 2][row->u8[i]]++;
	h[0] = hist[0][128] + hist[1][128];
	for (uint32_t m = 1; m < 128; m++)
		h[m] = hist[0][128 + m] + hist[1][128 + m] +
		       hist[0][128 - m] + hist[1][128 - m];
	c->zero = h[0] - row->n_outliers;
	for (uint32_t m = 1; m < 128; m++) {
		if (spikes_at(mask, m)) {
			c->spiking += h[m];
			c->spikes += (uint64_t)m * h[m];
			if (h[m])
				c->timesteps = m;
		} else {
			c->dense += h[m];
		}
	}
	/* value m fires in each of the first m timesteps */
	left = c->spiking;
	for (uint32_t t = 0; t < c->timesteps; t++) {
		c->at_step[t] = left;
		if (spikes_at(mask, t + 1))
			left -= h[t + 1];
	}
}

void chip_count_row(const struct chip_kernel *k, const struct chip_qrow *row,
		    const struct chip_dispatch *d,
		    struct chip_row_counts *c)
{
	memset(c, 0, offsetof(struct chip_row_counts, at_step));
	c->outlier = row->n_outliers;
	c->clamped = row->n_clamped;
	if (d->code == CTRANS_CODE_RADIX)
		count_radix(k, row, d->spike_mask, c);
	else
		count_rate(row, d->spike_mask, c);
	c->switches = c->dense && c->spiking;
}

/* The same by definition: ask every value in every timestep. */
void chip_count_row_reference(const int16_t *a, uint32_t n,
			      const struct chip_dispatch *d,
			      struct chip_row_counts *c)
{
	uint32_t steps = d->code == CTRANS_CODE_RADIX ? PLANES : CHIP_TIMESTEPS;

	memset(c, 0, sizeof(*c));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t m = magnitude(a[i]);

		if (m == 0)
			c->zero++;
		else if (m > 127)
			c->outlier++;
		else if (spikes_at(d->spike_mask, m))
			c->spiking++;
		else
			c->dense++;
	}
	for (uint32_t t = 0; t < steps; t++) {
		for (uint32_t i = 0; i < n; i++) {
			uint32_t m = magnitude(a[i]);

			if (m > 127 || !m || !spikes_at(d->spike_mask, m))
				continue;
			if (d->code == CTRANS_CODE_RADIX ? m >> t & 1 : t < m)
				c->at_step[t]++;
		}
		c->spikes += c->at_step[t];
		if (d->code == CTRANS_CODE_RADIX || c->at_step[t])
			c->timesteps = t + 1;
	}
	c->switches = c->dense && c->spiking;
}
