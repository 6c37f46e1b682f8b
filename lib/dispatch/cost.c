// SPDX-License-Identifier: MIT
#include "dispatch/cost.h"

#include <math.h>
#include <string.h>

#include "dispatch/count.h"
#include "uapi/ctrans_job.h"

static double whole(double n, double d)
{
	return ceil(n / d);
}

uint64_t ct_s8_bytes(uint32_t n_in, uint32_t n_out)
{
	return (n_in + 3ull) / 4 * 4 * ((n_out + CTRANS_TILE_OUT - 1ull) /
					CTRANS_TILE_OUT * CTRANS_TILE_OUT);
}

/*
 * Rows lie in the activation memory with their inputs, 16 bits each, and 32-bit
 * sums of a group of outputs. Those that do not fit go in passes over all weights;
 * or beside the sums are only the inputs that the array takes at once, passes are
 * fewer, and all inputs come again for each group. Whichever is less, in bytes; on
 * the chip weights are what they unpack to, read by who unpacks them.
 */
static void weight_bytes(const struct ctrans_chip_costs *c, const struct ct_linear *l,
			 struct ct_work *w)
{
	uint32_t n_in = l->profile->n_in, n_out = l->profile->n_out;
	double n_pad = whole(n_out, CTRANS_TILE_OUT) * CTRANS_TILE_OUT;
	double group = (double)c->cols * c->cores, sums = 4 * fmin(n_pad, group);
	double fit = fmax(floor(c->sram_activations / (2.0 * n_in + sums)), 1);
	double fit_streamed = floor(c->sram_activations /
				    (2.0 * c->rows * c->spikes_per_cycle + sums));
	double passes = whole(l->rows, fit), streamed = whole(l->rows, fit_streamed);
	double inputs = whole(n_pad, group) * 2 * n_in * l->rows;
	double stored = (double)l->weight_bytes;

	if (passes > 1 && streamed * stored + inputs < passes * stored)
		passes = streamed;
	else
		inputs = 0;
	w->bytes_external = passes * stored + inputs;
	w->bytes_written = passes * (double)ct_s8_bytes(n_in, n_out) + inputs;
	if (l->packed)
		w->bytes_sram += passes * stored;
}

/*
 * The array waits where a row's spiking values, of which each needs its weights
 * once for the rows that share them, are fed more slowly than their spikes are
 * taken; and where it changes its mode. Cycles of one group of outputs.
 */
static double stall_cycles(const struct ctrans_chip_costs *c,
			   const struct ctrans_layer_profile *p,
			   const struct ct_counts *k, uint32_t reuse)
{
	double feed = ct_mean_ceil(p, k->spiking, (double)c->rows * reuse);
	double wait = feed > k->cycles ? feed - k->cycles : 0;

	return wait + k->switches * c->switch_cycles;
}

void ct_counted_work(const struct ctrans_chip_costs *c, const struct ct_linear *l,
		     const struct ct_counts *k, struct ct_work *w)
{
	const struct ctrans_layer_profile *p = l->profile;
	double n_pad = whole(p->n_out, CTRANS_TILE_OUT) * CTRANS_TILE_OUT;
	double groups = whole(p->n_out, (double)c->cols * c->cores);
	uint32_t reuse = l->rows < c->reuse ? l->rows : c->reuse;
	double array, stall, rows = l->rows, cycle_fj;

	stall = stall_cycles(c, p, k, reuse);
	array = ct_mean_ceil(p, k->dense, c->rows) + k->cycles + stall;
	memset(w, 0, sizeof(*w));
	w->values_zero = rows * k->zero;
	w->values_dense = rows * k->dense;
	w->values_spiking = rows * k->spiking;
	w->values_outlier = rows * k->outlier;
	w->spikes = rows * k->spikes;
	w->ops_dense = w->values_dense * n_pad;
	w->ops_spiking = w->spikes * n_pad;
	w->ops_outlier = w->values_outlier * n_pad;
	w->ops_vector = rows * (3.0 * p->n_in + (l->multiplies ? 4.0 : 3.0) * p->n_out);
	/* the INT16 unit and the vector unit work beside the array */
	w->cycles_compute = rows * fmax(groups * fmax(array, k->outlier),
					whole(w->ops_vector / rows, c->lanes));
	w->cycles_stall = rows * groups * stall;
	/* clocked, if not working: a column's share of it for each output */
	cycle_fj = (double)c->rows * c->spikes_per_cycle * (double)c->spike_aj / 1000;
	w->stall_fj = rows * stall * cycle_fj * n_pad * c->clock_percent / 100;
	w->bytes_sram = rows * ((p->n_in - k->zero) * n_pad / reuse + 2.0 * p->n_in);
	weight_bytes(c, l, w);
	w->bytes_external += l->output_bytes * n_pad;
}

void ct_linear_work(const struct ctrans_chip_costs *costs,
		    const struct ct_linear *linear, struct ct_work *work)
{
	struct ct_counts counts;

	ct_count(costs, linear->profile, linear->dispatch, &counts);
	ct_counted_work(costs, linear, &counts, work);
}

static double external_cycles(const struct ctrans_chip_costs *c, double bytes)
{
	return whole(bytes * c->khz, 1000.0 * c->external_mbps);
}

void ct_work_cost(const struct ctrans_chip_costs *c, const struct ct_work *w,
		  double *ahead, struct ctrans_layer_cost *cost)
{
	double most = external_cycles(c, c->sram_weights / 2.0), working;

	memset(cost, 0, sizeof(*cost));
	cost->size = sizeof(*cost);
	cost->cycles_compute = w->cycles_compute;
	cost->cycles_stall = w->cycles_stall;
	cost->cycles_external = external_cycles(c, w->bytes_external);
	cost->cycles = fmax(cost->cycles_compute,
			    fmax(cost->cycles_external - *ahead, 0)) + c->fill_cycles;
	*ahead = fmin(*ahead + cost->cycles - cost->cycles_external, most);
	cost->values_zero = w->values_zero;
	cost->values_dense = w->values_dense;
	cost->values_spiking = w->values_spiking;
	cost->values_outlier = w->values_outlier;
	cost->spikes = w->spikes;
	/* attojoules each, to femtojoules */
	cost->dense_fj = w->ops_dense * (double)c->mac8_aj / 1000;
	cost->spiking_fj = w->ops_spiking * (double)c->spike_aj / 1000 + w->stall_fj;
	cost->outlier_fj = w->ops_outlier * (double)c->mac16_aj / 1000;
	cost->vector_fj = w->ops_vector * (double)c->vector_aj / 1000;
	cost->sram_fj = w->bytes_sram * (double)c->sram_read_aj / 1000 +
			w->bytes_written * (double)c->sram_write_aj / 1000;
	cost->external_fj = w->bytes_external * (double)c->external_aj / 1000;
	/* what stalls cost is clocks already */
	working = cost->dense_fj + cost->spiking_fj - w->stall_fj + cost->outlier_fj +
		  cost->vector_fj + cost->sram_fj;
	/* microwatts times cycles over kilohertz are nanojoules */
	cost->static_fj = working * c->clock_percent / 100 +
			  (double)c->leak_uw * cost->cycles * 1e6 / c->khz;
}

void ct_layer_cost(const struct ctrans_chip_costs *costs,
		   const struct ctrans_layer_profile *profile,
		   const struct ctrans_dispatch *dispatch, uint32_t rows,
		   struct ctrans_layer_cost *cost)
{
	struct ct_linear linear = {
		.profile = profile, .dispatch = dispatch, .rows = rows,
		.weight_bytes = ct_s8_bytes(profile->n_in, profile->n_out),
		.output_bytes = CT_S8_OUTPUT_BYTES,
	};
	struct ct_work work;
	double ahead = 0;

	ct_linear_work(costs, &linear, &work);
	ct_work_cost(costs, &work, &ahead, cost);
}

double ct_cost_energy(const struct ctrans_layer_cost *c)
{
	return c->dense_fj + c->spiking_fj + c->outlier_fj + c->vector_fj +
	       c->sram_fj + c->external_fj + c->static_fj;
}

static int order(double a, double b)
{
	return (a > b) - (a < b);
}

int ct_cost_compare(const struct ctrans_layer_cost *a,
		    const struct ctrans_layer_cost *b, uint32_t objective)
{
	double ea = ct_cost_energy(a), eb = ct_cost_energy(b);
	int by = 0;

	if (objective == CTRANS_LEAST_LATENCY)
		by = order(a->cycles, b->cycles);
	else if (objective == CTRANS_LEAST_ENERGY_DELAY)
		by = order(ea * a->cycles, eb * b->cycles);
	return by ? by : order(ea, eb);
}
