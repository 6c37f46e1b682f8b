// SPDX-License-Identifier: MIT
/* From counts to cycles and energy; see energy.h. */
#include "chip/energy.h"

#include "uapi/ctrans_regs.h"

static uint64_t div_up(uint64_t n, uint64_t d)
{
	return (n + d - 1) / d;
}

static uint64_t fj(uint64_t count, uint64_t aj)
{
	return (uint64_t)((unsigned __int128)count * aj / 1000);
}

/*
 * Cycles in which a group's array does not work. The feed brings each HMAU one
 * weight a cycle in either mode. A product takes one; an HMAU that takes eight
 * spikes takes eight, so spiking values, of which each needs its weight once for
 * all timesteps and for the rows that share it, may be fed more slowly than their
 * spikes are taken.
 */
static uint64_t stalled(const struct chip_costs *c, const struct chip_row_counts *k,
			uint32_t reuse, uint64_t spiking_cycles)
{
	uint64_t feed = div_up(k->spiking, (uint64_t)c->rows * reuse);
	uint64_t wait = feed > spiking_cycles ? feed - spiking_cycles : 0;

	return wait + (uint64_t)k->switches * c->switch_cycles;
}

void chip_charge_linear_row(const struct chip_costs *c,
			    const struct chip_row_counts *k, uint32_t n_in,
			    uint32_t n_out, uint32_t n_rows,
			    struct ctrans_stat *st)
{
	uint64_t n_pad = div_up(n_out, CTRANS_TILE_OUT) * CTRANS_TILE_OUT;
	uint64_t groups = div_up(n_out, (uint64_t)c->cols * c->cores);
	uint64_t width = (uint64_t)c->rows * c->spikes_per_cycle;
	uint64_t spiking = 0, stall, array, outlier = k->outlier;
	uint32_t reuse = n_rows < c->reuse ? n_rows : c->reuse;

	for (uint32_t t = 0; t < k->timesteps; t++)
		spiking += div_up(k->at_step[t], width);
	stall = stalled(c, k, reuse, spiking);
	array = div_up(k->dense, c->rows) + spiking + stall;
	/* the INT16 unit works beside the array, one input a cycle */
	st->cycles_compute = groups * (array > outlier ? array : outlier);
	st->cycles_stall = groups * stall;
	/* an array that waits is clocked: a share of what it would use working */
	st->energy_spiking_fj = fj(stall * width * n_pad,
				   c->spike_aj * c->clock_percent) / 100;

	st->values_zero = k->zero;
	st->values_dense = k->dense;
	st->values_spiking = k->spiking;
	st->values_outlier = k->outlier;
	st->values_clamped = k->clamped;
	st->spikes = k->spikes;
	st->ops_dense = k->dense * n_pad;
	st->ops_spiking = (k->spikes - k->skipped) * n_pad;
	st->ops_skipped = k->skipped * n_pad;
	st->ops_outlier = k->outlier * n_pad;
	/* scale, round and clamp each input; convert, scale and add each output */
	st->ops_vector = 3ull * n_in + 3ull * n_out;
	st->bytes_sram = div_up((uint64_t)(n_in - k->zero) * n_pad, reuse) +
			 2ull * n_in;
}

uint64_t chip_part(uint64_t total, uint32_t n, uint32_t i)
{
	return total / n + (i < total % n);
}

/*
 * Rows lie in the activation memory with their inputs, 16 bits each, and the
 * 32-bit partial sums of a group of outputs. Those that do not fit go in passes,
 * each of which reads all weights; or only the inputs that the array takes at once
 * lie there beside the sums, so that passes are fewer, and all inputs are read for
 * each group of outputs. Whichever is less to read. On the chip weights are what
 * they unpack to, read by who unpacks them.
 */
void chip_linear_bytes(const struct chip_costs *c, uint32_t n_in, uint32_t n_out,
		       uint32_t n_rows, uint64_t packed, struct chip_shared *shared)
{
	uint64_t n_pad = div_up(n_out, CTRANS_TILE_OUT) * CTRANS_TILE_OUT;
	uint64_t weights = div_up(n_in, 4) * 4 * n_pad, stored = packed ? packed : weights;
	uint64_t group = (uint64_t)c->cols * c->cores;
	uint64_t sums = 4 * (n_pad < group ? n_pad : group);
	uint64_t fit = c->sram_activations / (2ull * n_in + sums);
	uint64_t fit_streamed = c->sram_activations /
				(2ull * c->rows * c->spikes_per_cycle + sums);
	uint64_t passes = div_up(n_rows, fit ? fit : 1);
	uint64_t streamed = div_up(n_rows, fit_streamed);
	uint64_t inputs = div_up(n_pad, group) * 2 * n_in * n_rows;

	if (passes > 1 && streamed * stored + inputs < passes * stored) {
		passes = streamed;
		shared->bytes_external += inputs;
		shared->bytes_sram_written += inputs;
	}
	shared->bytes_external += passes * stored;
	shared->bytes_sram_written += passes * weights;
	shared->bytes_sram_read += passes * packed;
}

static uint64_t external_cycles(const struct chip_costs *c, uint64_t bytes)
{
	uint64_t per_ms = (uint64_t)c->ext_mbps * 1000;

	/* 2^39 bytes of weights in 4096 passes, by 2^18 */
	return (uint64_t)(((unsigned __int128)bytes * c->khz + per_ms - 1) / per_ms);
}

/* How long an instruction takes, and how far ahead memory is after it. */
static uint64_t elapse(const struct chip_costs *c, uint64_t compute, uint64_t ext,
		       uint64_t *ahead)
{
	uint64_t most = external_cycles(c, c->sram_weights / 2);
	uint64_t left = ext > *ahead ? ext - *ahead : 0;
	uint64_t cycles = (compute > left ? compute : left) + c->fill;

	*ahead += cycles - ext;
	if (*ahead > most)
		*ahead = most;
	return cycles;
}

void chip_charge(const struct chip_costs *c, struct ctrans_stat *rows,
		 uint32_t n_rows, const struct chip_shared *shared,
		 struct chip_totals *total)
{
	uint64_t compute = 0, bytes = shared->bytes_external, ext, cycles;
	uint64_t busy_dense = 0, busy_spiking = 0, vector = 0, speculation;

	for (uint32_t r = 0; r < n_rows; r++) {
		struct ctrans_stat *st = &rows[r];
		uint64_t array = st->ops_dense + st->ops_spiking /
				 c->spikes_per_cycle;

		/* vector work overlaps the array's; the longer counts */
		if (st->cycles_compute < div_up(st->ops_vector, c->lanes))
			st->cycles_compute = div_up(st->ops_vector, c->lanes);
		compute += st->cycles_compute;
		bytes += st->bytes_external;
		vector += div_up(st->ops_vector, c->lanes);
		if (array) {
			/* the widest products have 2^41 of one, 2^28 of the other */
			uint64_t dense = (uint64_t)((unsigned __int128)
				(st->cycles_compute - st->cycles_stall) *
				st->ops_dense / array);

			busy_dense += dense;
			busy_spiking += st->cycles_compute - dense;
		}
	}
	ext = external_cycles(c, bytes);
	cycles = elapse(c, compute, ext, &total->ahead);
	speculation = fj(shared->checks, c->check_aj) + fj(shared->draws, c->draw_aj);
	total->cycles += cycles;
	total->busy_cycles[CTRANS_DOMAIN_DENSE] += busy_dense;
	total->busy_cycles[CTRANS_DOMAIN_SPIKING] += busy_spiking;
	total->busy_cycles[CTRANS_DOMAIN_VECTOR] += vector;
	total->busy_cycles[CTRANS_DOMAIN_EXTERNAL] += ext;

	for (uint32_t r = 0; r < n_rows; r++) {
		struct ctrans_stat *st = &rows[r];
		uint64_t written = chip_part(shared->bytes_sram_written, n_rows, r);
		uint64_t stall = st->energy_spiking_fj, dynamic;

		st->bytes_sram += chip_part(shared->bytes_sram_read, n_rows, r);
		st->cycles = chip_part(cycles, n_rows, r);
		st->cycles_external = chip_part(ext, n_rows, r);
		st->bytes_external += chip_part(shared->bytes_external, n_rows, r);
		st->energy_dense_fj = fj(st->ops_dense, c->mac8_aj);
		st->energy_spiking_fj = stall + fj(st->ops_spiking, c->spike_aj) +
					chip_part(speculation, n_rows, r);
		st->energy_outlier_fj = fj(st->ops_outlier, c->mac16_aj);
		st->energy_vector_fj = fj(st->ops_vector, c->vector_aj);
		st->energy_sram_fj = fj(st->bytes_sram, c->sram_read_aj) +
				     fj(written, c->sram_write_aj);
		st->energy_external_fj = fj(st->bytes_external, c->external_aj);
		dynamic = st->energy_dense_fj + st->energy_spiking_fj +
			  st->energy_outlier_fj + st->energy_vector_fj +
			  st->energy_sram_fj;
		/*
		 * Stalls are clocks already. uW x cycles / kHz = nJ x 1e-3 ... = 1e6
		 * fJ each
		 */
		st->energy_static_fj = (dynamic - stall) * c->clock_percent / 100 +
			chip_part((uint64_t)((unsigned __int128)c->leak_uw * cycles *
					1000000 / c->khz), n_rows, r);
		total->energy_fj += dynamic + st->energy_external_fj +
				    st->energy_static_fj;
	}
}
