// SPDX-License-Identifier: MIT
#include "dispatch/count.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/exp.h"
#include "dispatch/gauss.h"
#include "dispatch/spikes.h"
#include "uapi/ctrans_job.h"

/*
 * Of one row the number is known. Of many rows n / d ends anywhere between two
 * integers, (d - 1) / 2d below the next in the mean, unless n is 0 in most of them.
 */
double ct_mean_ceil(const struct ctrans_layer_profile *p, double mean, double d)
{
	if (p->rows == 1)
		return ceil(mean / d);
	return mean / d + (d - 1) / (2 * d) * (mean > 20 ? 1 : 1 - ct_exp(-2 * mean));
}

/* Values of a row with magnitude 0..127, and beyond. */
static double by_magnitude(const struct ctrans_layer_profile *p,
			   double values[CT_MAGNITUDES])
{
	double total = (double)p->outliers, share;

	for (unsigned int m = 0; m < CT_MAGNITUDES; m++)
		total += (double)p->magnitude[m];
	share = total > 0 ? p->n_in / total : 0;
	for (unsigned int m = 0; m < CT_MAGNITUDES; m++)
		values[m] = (double)p->magnitude[m] * share;
	return (double)p->outliers * share;
}

/* @values spike: how many do in each timestep. */
static void fire(const struct ctrans_dispatch *d, const double values[CT_MAGNITUDES],
		 double at[CT_TIMESTEPS])
{
	unsigned int planes = ct_spike_planes(d->code, d->flip);
	double left = 0;

	memset(at, 0, CT_TIMESTEPS * sizeof(at[0]));
	if (planes) {
		for (unsigned int m = 1; m < CT_MAGNITUDES; m++) {
			unsigned int bits = ct_spike_plane_bits(d->code, d->flip, m);

			for (unsigned int t = 0; values[m] > 0 && t < planes; t++)
				at[t] += bits >> t & 1 ? values[m] : 0;
		}
		return;
	}
	/* n spikes are in the first n timesteps; flipped trains have one in the last */
	for (unsigned int n = CT_MAGNITUDES - 1; n; n--) {
		bool flips = ct_rate_flips(d->flip, CT_TIMESTEPS - n);

		left += ct_rate_flips(d->flip, n) ? 0 : values[n];
		left += flips ? values[CT_TIMESTEPS - n] : 0;
		at[n - 1] += left;
		at[CT_TIMESTEPS - 1] += flips ? values[CT_TIMESTEPS - n] : 0;
	}
}

/* @values spike: spikes, and the cycles that they take timestep by timestep. */
static void spike(const struct ctrans_chip_costs *c,
		  const struct ctrans_layer_profile *p,
		  const struct ctrans_dispatch *d, const double values[CT_MAGNITUDES],
		  struct ct_counts *k)
{
	double room = (double)c->rows * c->spikes_per_cycle, at[CT_TIMESTEPS];

	fire(d, values, at);
	for (unsigned int t = 0; t < CT_TIMESTEPS; t++) {
		k->spikes += at[t];
		k->cycles += at[t] > 0 ? ct_mean_ceil(p, at[t], room) : 0;
	}
}

static void by_value(const struct ctrans_chip_costs *c,
		     const struct ctrans_layer_profile *p,
		     const struct ctrans_dispatch *d,
		     const double values[CT_MAGNITUDES], struct ct_counts *k)
{
	double spiking[CT_MAGNITUDES] = { 0 };

	for (unsigned int m = 1; m < CT_MAGNITUDES; m++) {
		if (!(d->spike_mask[m / 64] >> m % 64 & 1)) {
			k->dense += values[m];
			continue;
		}
		spiking[m] = values[m];
		k->spiking += values[m];
	}
	spike(c, p, d, spiking, k);
	k->switches = k->dense > 0 && k->spiking > 0;
	/* rows in which one of the domains has nothing at all */
	if (p->rows != 1 && k->switches > 0)
		k->switches = (1 - ct_exp(-k->dense)) * (1 - ct_exp(-k->spiking));
}

/* A unit of @z values of which each has spikes of @mean and @deviation. */
struct unit {
	double z, mean, deviation;
};

/*
 * Share of units that have less than @limit eighths of a spike a value, and what
 * those have in the mean: the lower part of a normal distribution, which a sum of
 * up to 64 values is close to.
 */
static double units_below(const struct unit *u, uint32_t limit, double *mean)
{
	double s = u->deviation / sqrt(u->z), z, share;

	*mean = u->mean;
	if (s <= 0)
		return 8 * u->mean < limit;
	z = (limit / 8.0 - u->mean) / s;
	share = ct_gauss_below(z);
	if (share > 1e-9)
		*mean -= s * 0.3989422804014327 * ct_exp(-z * z / 2) / share;
	if (*mean < 1)
		*mean = 1;
	return share;
}

/*
 * Dense, then spiking: a chain of two states, in which the first unit is met from
 * the dense one. Its steady state stands for the whole row.
 */
static void by_unit(const struct ctrans_chip_costs *c,
		    const struct ctrans_layer_profile *p,
		    const struct ctrans_dispatch *d,
		    const double values[CT_MAGNITUDES], struct ct_counts *k)
{
	double n = 0, sum = 0, squares = 0, units, enter, stay, share, low, high,
	       mean;
	double spiking[CT_MAGNITUDES] = { 0 };
	struct unit u;

	for (unsigned int m = 1; m < CT_MAGNITUDES; m++) {
		double s = ctrans_spikes(d->code, d->flip, m);

		n += values[m];
		sum += values[m] * s;
		squares += values[m] * s * s;
	}
	if (n <= 0)
		return;
	units = ceil((double)p->n_in / CTRANS_UNIT_INPUTS);
	u = (struct unit){ .z = n / units, .mean = sum / n };
	u.deviation = sqrt(fmax(squares / n - u.mean * u.mean, 0));
	enter = units_below(&u, d->unit_low, &low);
	stay = units_below(&u, d->unit_high, &high);
	share = enter + 1 - stay > 0 ? enter / (enter + 1 - stay) : 0;

	k->spiking = share * n;
	k->dense = n - k->spiking;
	/* of spiking units, stay of them were before; in spikes a value */
	mean = stay * high + (1 - stay) * low;
	k->switches = (units - 1) * 2 * share * (1 - stay);
	for (unsigned int m = 1; m < CT_MAGNITUDES; m++)
		spiking[m] = values[m] * share * mean / u.mean;
	spike(c, p, d, spiking, k);
}

void ct_count(const struct ctrans_chip_costs *costs,
	      const struct ctrans_layer_profile *profile,
	      const struct ctrans_dispatch *dispatch, struct ct_counts *k)
{
	double values[CT_MAGNITUDES];

	memset(k, 0, sizeof(*k));
	k->outlier = by_magnitude(profile, values);
	k->zero = values[0];
	if (dispatch->by_unit)
		by_unit(costs, profile, dispatch, values, k);
	else
		by_value(costs, profile, dispatch, values, k);
}
