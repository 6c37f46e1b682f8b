// SPDX-License-Identifier: MIT
/* From a row's values to counts; see energy.h. */
#include "chip/energy.h"

#include <string.h>

#include "chip/kernel.h"
#include "chip/train.h"

#define UNIT CTRANS_UNIT_INPUTS

static bool spikes_at(const uint64_t mask[2], uint32_t m)
{
	return mask[m >> 6] >> (m & 63) & 1;
}

/* Outliers and padding stand as zero in the bytes. */
static void count_planes(const struct chip_kernel *k, const struct chip_qrow *row,
			 const struct chip_dispatch *d, struct chip_row_counts *c)
{
	struct chip_planes p;

	k->planes(row->u8, (row->n + UNIT - 1) / UNIT * UNIT, d, &p);
	c->spiking = p.spiking;
	c->dense = p.nonzero - p.spiking;
	c->zero = row->n - p.nonzero - row->n_outliers;
	c->switches = p.switches;
	for (uint32_t t = 0; t < CHIP_PLANES; t++) {
		c->at_step[t] = p.plane[t];
		c->spikes += p.plane[t];
		if (p.plane[t])
			c->timesteps = t + 1;
	}
}

/* ---- The rate code, from how many values have each byte ---------------- */

/* In turn, as equal values follow each other. */
struct bytes {
	uint32_t n[2][256];
};

static void add_bytes(struct bytes *b, const uint8_t *u8, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		b->n[i % 2][u8[i]]++;
}

static uint32_t of_byte(const struct bytes *b, uint32_t byte)
{
	return b->n[0][byte] + b->n[1][byte];
}

/* Those whose units spike into @b; dense ones are counted here. */
static void add_units(struct bytes *b, const struct chip_qrow *row,
		      const struct chip_dispatch *d, struct chip_row_counts *c)
{
	enum chip_domain last = CHIP_ZERO;

	for (uint32_t k = 0; k < row->n; k += UNIT) {
		const uint8_t *u8 = row->u8 + k;
		uint32_t values = 0, spikes = 0;
		enum chip_domain now;

		for (uint32_t i = 0; i < UNIT; i++) {
			uint16_t m = (uint16_t)(u8[i] > 128 ? u8[i] - 128 :
							      128 - u8[i]);

			values += m != 0;
			spikes += d->flip && m > 64 ? 129u - m : m;
		}
		if (!values)
			continue;
		now = 8 * spikes < values * (last == CHIP_SPIKING ? d->unit_high :
					     d->unit_low) ? CHIP_SPIKING : CHIP_DENSE;
		c->switches += last != CHIP_ZERO && last != now;
		last = now;
		if (now == CHIP_SPIKING)
			add_bytes(b, u8, UNIT);
		else
			c->dense += values;
	}
}

static void count_rate(const struct chip_qrow *row, const struct chip_dispatch *d,
		       struct chip_row_counts *c)
{
	bool by_unit = d->by == CTRANS_BY_UNIT;
	uint32_t fires[129] = { 0 };	/* values by their spikes of one weight */
	struct bytes b = { 0 };
	uint32_t left, flipped = 0;

	if (by_unit)
		add_units(&b, row, d, c);
	else
		add_bytes(&b, row->u8, row->n);
	for (uint32_t m = 1; m < 128; m++) {
		uint32_t n = of_byte(&b, 128 + m) + of_byte(&b, 128 - m);
		bool flip = d->flip && m > 64;

		if (!by_unit && !spikes_at(d->spike_mask, m)) {
			c->dense += n;
			continue;
		}
		c->spiking += n;
		flipped += flip ? n : 0;
		fires[flip ? 128 - m : m] += n;
	}
	c->zero = row->n - c->dense - c->spiking - row->n_outliers;
	if (!by_unit)
		c->switches = c->dense && c->spiking;
	/* who fires n times does so in each of the first n timesteps */
	left = c->spiking;
	for (uint32_t t = 0; left; t++) {
		c->at_step[t] = left;
		c->spikes += left;
		c->timesteps = t + 1;
		left -= fires[t + 1];
	}
	if (!flipped)
		return;
	memset(c->at_step + c->timesteps, 0,
	       (CHIP_TIMESTEPS - c->timesteps) * sizeof(c->at_step[0]));
	c->at_step[CHIP_TIMESTEPS - 1] = flipped;
	c->spikes += flipped;
	c->timesteps = CHIP_TIMESTEPS;
}

static void leave_out(const struct chip_dispatch *d, struct chip_row_counts *c)
{
	for (uint32_t t = 0; t < c->timesteps; t++) {
		if (chip_train_integrated(d, t))
			continue;
		c->skipped += c->at_step[t];
		c->at_step[t] = 0;
	}
}

void chip_count_row(const struct chip_kernel *k, const struct chip_qrow *row,
		    const struct chip_dispatch *d, struct chip_row_counts *c)
{
	memset(c, 0, offsetof(struct chip_row_counts, at_step));
	c->outlier = row->n_outliers;
	c->clamped = row->n_clamped;
	if (d->code == CTRANS_CODE_RATE)
		count_rate(row, d, c);
	else
		count_planes(k, row, d, c);
	if (d->steps)
		leave_out(d, c);
}

/* The same by definition: ask every value in every timestep. */
void chip_count_row_reference(const int16_t *a, uint32_t n,
			      const struct chip_dispatch *d,
			      struct chip_row_counts *c)
{
	enum chip_domain last = CHIP_ZERO;
	uint64_t units[CHIP_UNIT_WORDS];
	uint32_t changes = 0;

	memset(c, 0, sizeof(*c));
	chip_train_units(d, a, n, units);
	for (uint32_t i = 0; i < n; i++) {
		enum chip_domain domain = chip_train_domain(d, a[i], i, units);

		c->zero += domain == CHIP_ZERO;
		c->dense += domain == CHIP_DENSE;
		c->spiking += domain == CHIP_SPIKING;
		c->outlier += domain == CHIP_OUTLIER;
		if (domain != CHIP_DENSE && domain != CHIP_SPIKING)
			continue;
		changes += last != CHIP_ZERO && last != domain;
		last = domain;
	}
	c->switches = d->by == CTRANS_BY_UNIT ? changes : c->dense && c->spiking;
	for (uint32_t t = 0; t < chip_train_steps(d); t++) {
		uint32_t spikes = 0;

		for (uint32_t i = 0; i < n; i++)
			if (chip_train_domain(d, a[i], i, units) == CHIP_SPIKING)
				spikes += chip_train_at(d, (uint32_t)(a[i] < 0 ?
							-a[i] : a[i]), t) != 0;
		c->spikes += spikes;
		if (spikes)
			c->timesteps = t + 1;
		if (chip_train_integrated(d, t))
			c->at_step[t] = spikes;
		else
			c->skipped += spikes;
	}
}
