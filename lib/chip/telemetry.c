// SPDX-License-Identifier: MIT
/*
 * Telemetry: what completed jobs have used, and from that power and temperature.
 * All of it is modelled; only whether power is a job's or the idle chip's goes by
 * the host's clock, as a model has no time of its own between two jobs.
 */
#include "chip/internal.h"

#include <time.h>

/* How long a job's power is the chip's, after it has ended. */
#define POWER_MS	100

static uint64_t host_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What is left of a nanosecond goes to the next job's. */
static void add_busy(struct chip_used *u, const struct chip_totals *t, uint32_t khz)
{
	for (unsigned int d = 0; d < 4; d++) {
		unsigned __int128 ps = (unsigned __int128)t->busy_cycles[d] *
				       1000000000 / khz + u->busy_ps[d];

		u->busy_ns[d] += (uint64_t)(ps / 1000);
		u->busy_ps[d] = (uint32_t)(ps % 1000);
	}
	u->energy_fj += t->energy_fj;
}

/* A job of @q has completed. Lock held. */
void chip_account(struct chip *chip, struct chip_queue *q, const struct chip_totals *t)
{
	chip->jobs++;
	if (!t->cycles)
		return;		/* a NOP */
	chip->cycles += t->cycles;
	add_busy(&chip->used, t, chip->costs.khz);
	add_busy(&q->used, t, chip->costs.khz);
	/* fJ by cycles at so many kHz: 1e6 to the microwatt */
	chip->job_uw = (uint64_t)((unsigned __int128)t->energy_fj * chip->costs.khz /
				  t->cycles / 1000000);
	chip->job_end_ms = host_ms();
}

/*
 * The last job's mean, while one is on the cores or that one has just ended; else
 * leakage, as an idle array's clock is gated. Lock held.
 */
uint64_t chip_power_uw(const struct chip *chip)
{
	struct chip_costs idle;

	if (chip->job_uw && (chip->active >= 0 ||
			     host_ms() - chip->job_end_ms < POWER_MS))
		return chip->job_uw;
	chip_costs_at(chip->opp, &idle);
	return idle.leak_uw;
}

/*
 * In steady state: a package's time constant, of seconds, is not modelled. K/W by
 * microwatts: 1000 to the millidegree.
 */
int64_t chip_temp_mc(const struct chip *chip)
{
	return (int64_t)(1000 * chip_constants[CHIP_AMBIENT].value +
			 chip_constants[CHIP_R_THERMAL].value *
			 (double)chip_power_uw(chip) / 1000);
}

/*
 * More than any job can draw: each HMAU multiplies in each cycle by weights that as
 * many rows share as can, and memory brings others all the time, which are written to
 * the weight memory. No job does both, as weights come too slowly to keep all arrays
 * busy. The other units are not added: outliers' and vectors' energy is less than that
 * of the products which could be done meanwhile.
 *
 * Attojoules at so many kHz: 1e9 to the microwatt; at so many MB/s: 1e6.
 */
uint64_t chip_most_uw(const struct chip_costs *c)
{
	uint64_t hmaus = (uint64_t)c->cores * c->rows * c->cols;
	uint64_t spiking = c->spikes_per_cycle * c->spike_aj;
	uint64_t array = c->mac8_aj > spiking ? c->mac8_aj : spiking;
	uint64_t dynamic = hmaus * (array + c->sram_read_aj / c->reuse) * c->khz /
			   1000000000 + c->ext_mbps * c->sram_write_aj / 1000000;

	return dynamic + dynamic * c->clock_percent / 100 + c->leak_uw +
	       c->ext_mbps * c->external_aj / 1000000;
}
