/* SPDX-License-Identifier: MIT */
/*
 * What a job costs on the modelled chip: counts of values, spikes and bytes
 * turned into cycles and energy by one table of constants (constants.c).
 *
 * Integer arithmetic throughout, so that the figures do not depend on the
 * order of summation and equal counts give equal costs.
 */
#ifndef CHIP_ENERGY_H
#define CHIP_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_job.h"

/* Where a constant comes from. */
enum chip_provenance {
	CHIP_PUBLISHED,		/* of this chip, by its makers or their readers */
	CHIP_LITERATURE,	/* of the technology, by others */
	CHIP_COMPUTED,		/* by a tool, or from the two above */
	CHIP_ASSUMED,		/* nothing public; a parameter */
};

struct chip_constant {
	const char *name;
	double value;
	const char *unit;
	enum chip_provenance provenance;
	const char *source;
};

enum chip_constant_id {
	CHIP_E_MAC8,		/* 8-bit multiply-accumulate */
	CHIP_E_SPIKE,		/* spike accumulate in the HMAU */
	CHIP_KAPPA,		/* of which its energy is computed */
	CHIP_E_MAC16,		/* outlier multiply-accumulate */
	CHIP_E_VECTOR,		/* binary32 operation */
	CHIP_E_SRAM_READ,	/* a byte from on-chip memory */
	CHIP_E_SRAM_WRITE,
	CHIP_E_EXTERNAL,	/* a byte to or from external memory */
	CHIP_P_LEAK,
	CHIP_CLOCK_SHARE,
	CHIP_CORES,
	CHIP_ROWS,
	CHIP_COLS,
	CHIP_SPIKES_PER_CYCLE,
	CHIP_VECTOR_LANES,
	CHIP_WEIGHT_REUSE,
	CHIP_EXT_MBPS,
	CHIP_FILL_CYCLES,
	CHIP_SWITCH_CYCLES,
	CHIP_SRAM_WEIGHTS,
	CHIP_SRAM_ACTIVATIONS,
	CHIP_SRAM_ESC,
	CHIP_E_CHECK,		/* of the speculation unit */
	CHIP_E_DRAW,
	CHIP_V_NOMINAL,
	CHIP_AMBIENT,		/* of the temperature */
	CHIP_R_THERMAL,
	CHIP_TEMP_MAX,
	CHIP_TEMP_CRIT,
	CHIP_CONSTANTS
};

extern const struct chip_constant chip_constants[CHIP_CONSTANTS];

struct chip_opp {
	uint32_t mv, khz;
};

#define CHIP_OPPS	5
extern const struct chip_opp chip_opps[CHIP_OPPS];

/* The table at one operating point, in integers. */
struct chip_costs {
	uint64_t mac8_aj, spike_aj, mac16_aj, vector_aj;	/* attojoules */
	uint64_t check_aj, draw_aj;
	uint64_t sram_read_aj, sram_write_aj, external_aj;
	uint64_t leak_uw;
	uint32_t clock_percent;
	uint32_t khz, mv;
	uint32_t cores, rows, cols, spikes_per_cycle, lanes, reuse, ext_mbps, fill;
	uint32_t switch_cycles, sram_weights, sram_activations;
};

void chip_costs_at(unsigned int opp, struct chip_costs *c);
/* Microwatts at most, at this point. */
uint64_t chip_most_uw(const struct chip_costs *c);

#define CHIP_TIMESTEPS	128	/* the rate code's; the others use up to 8 */

/* How a quantised row's values fall into the domains. */
struct chip_row_counts {
	uint32_t zero, dense, spiking, outlier, clamped;
	/* of the array's mode: along the row by unit, else one if both are used */
	uint32_t switches;
	uint64_t spikes;
	uint64_t skipped;	/* of them, in timesteps that outputs do not integrate */
	uint32_t timesteps;
	uint32_t at_step[CHIP_TIMESTEPS];	/* spikes in each, if integrated */
};

struct chip_dispatch;
struct chip_kernel;
struct chip_qrow;

/*
 * Counts of a quantised row from how many values have each bit, or each
 * magnitude; and from its values, by walking timestep after timestep.
 */
void chip_count_row(const struct chip_kernel *k, const struct chip_qrow *row,
		    const struct chip_dispatch *d, struct chip_row_counts *c);
void chip_count_row_reference(const int16_t *a, uint32_t n,
			      const struct chip_dispatch *d,
			      struct chip_row_counts *c);

struct chip_totals {
	uint64_t cycles, energy_fj;
	/*
	 * Cycles by which external memory is ahead of computing: while an instruction
	 * computes longer than its own bytes take, those of the next ones come in, as
	 * many as half of the weight memory holds; the other half is in use.
	 */
	uint64_t ahead;
	uint64_t busy_cycles[4];	/* CTRANS_DOMAIN_* */
};

/* What the rows of an instruction cost together, to be divided among them. */
struct chip_shared {
	uint64_t bytes_external;
	uint64_t bytes_sram_written, bytes_sram_read;
	uint64_t checks, draws;	/* of the speculation unit */
};

/* Share @i of @total among @n; what is left over goes one each to the first. */
uint64_t chip_part(uint64_t total, uint32_t n, uint32_t i);

/*
 * Fill the records of one instruction, a row each, from what each row did
 * (ops_*, values_*, spikes, bytes_* of its own, cycles_compute, cycles_stall and,
 * as energy_spiking_fj, what stalls cost set by the caller) and what all share; add
 * to the job's totals.
 */
void chip_charge(const struct chip_costs *c, struct ctrans_stat *rows,
		 uint32_t n_rows, const struct chip_shared *shared,
		 struct chip_totals *total);

/* One row of a linear: everything chip_charge() wants from it. */
void chip_charge_linear_row(const struct chip_costs *c,
			    const struct chip_row_counts *k, uint32_t n_in,
			    uint32_t n_out, uint32_t n_rows,
			    struct ctrans_stat *st);

/*
 * Bytes of a linear's weights that its rows share, and more where not all rows fit
 * the activation memory; added to @shared. @packed: in external memory, if they are.
 */
void chip_linear_bytes(const struct chip_costs *c, uint32_t n_in, uint32_t n_out,
		       uint32_t n_rows, uint64_t packed, struct chip_shared *shared);

#endif
