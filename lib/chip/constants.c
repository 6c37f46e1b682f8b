// SPDX-License-Identifier: MIT
/*
 * Every number of the energy and time model that is not counted, with its
 * source. Energies at 0.9 V. The makers publish none of the energies; what is
 * published about the chip is its geometry, its range of voltage and clock and
 * its memory's bandwidth.
 */
#include "chip/energy.h"

#include <string.h>

#define READER	"C-Transformer, ISSCC 2024 20.5, by a reader of the full text"
#define TABLE	"ISSCC 2026 31.1, comparison table"
#define MAC8_PJ	0.171
#define SPIKES	8
#define KAPPA	1.0
#define HOROWITZ "Horowitz, ISSCC 2014 (45 nm, 0.9 V) x 0.62 for 28 nm"

const struct chip_constant chip_constants[CHIP_CONSTANTS] = {
	[CHIP_E_MAC8] = { "8-bit multiply-accumulate", MAC8_PJ, "pJ", CHIP_COMPUTED,
		"0.2 multiply + 0.075 24-bit add, " HOROWITZ },
	[CHIP_E_SPIKE] = { "spike accumulate", MAC8_PJ * KAPPA / SPIKES, "pJ",
		CHIP_COMPUTED, "kappa times the product's energy, 8 spikes a cycle" },
	[CHIP_KAPPA] = { "kappa: an HMAU's spiking cycle to its dense one", KAPPA, "",
		CHIP_ASSUMED, "the same adders switch in both modes; 0.8 to 1.1 is plausible" },
	[CHIP_E_MAC16] = { "16-bit outlier multiply-accumulate", 0.558, "pJ",
		CHIP_COMPUTED, "multiplier of twice the area for 16 x 8 bits, four adds; "
		HOROWITZ },
	[CHIP_E_VECTOR] = { "binary32 operation", 2.85, "pJ", CHIP_LITERATURE,
		"3.7 multiply + 0.9 add, " HOROWITZ },
	[CHIP_E_SRAM_READ] = { "on-chip memory read, a byte", 1.85, "pJ",
		CHIP_COMPUTED, "CACTI 7, 256 KiB, 256-bit port, 28 nm LSTP" },
	[CHIP_E_SRAM_WRITE] = { "on-chip memory write, a byte", 1.73, "pJ",
		CHIP_COMPUTED, "CACTI 7, 256 KiB, 256-bit port, 28 nm LSTP" },
	[CHIP_E_EXTERNAL] = { "external memory, a byte", 64, "pJ", CHIP_LITERATURE,
		"LPDDR4 at 8 pJ/bit, Accelergy CACTI plug-in" },
	[CHIP_P_LEAK] = { "leakage power", 3000, "uW", CHIP_ASSUMED,
		"middle of 1 to 5 mW for 500 KiB LSTP and logic" },
	[CHIP_CLOCK_SHARE] = { "clock tree, of on-chip dynamic energy", 20, "%",
		CHIP_ASSUMED, "usual for a synchronous accelerator" },
	[CHIP_CORES] = { "homogeneous cores", 48, "", CHIP_PUBLISHED, READER },
	[CHIP_ROWS] = { "HMAU rows in a core", 8, "", CHIP_PUBLISHED, READER },
	[CHIP_COLS] = { "HMAU columns in a core", 16, "", CHIP_PUBLISHED, READER },
	[CHIP_SPIKES_PER_CYCLE] = { "spikes an HMAU takes in a cycle", SPIKES, "",
		CHIP_PUBLISHED, READER },
	[CHIP_VECTOR_LANES] = { "vector unit lanes", 192, "", CHIP_ASSUMED,
		"four for each core" },
	[CHIP_WEIGHT_REUSE] = { "rows sharing a read of weights, keys or values", 16, "",
		CHIP_ASSUMED, "column broadcast; one row has nothing to share with" },
	[CHIP_EXT_MBPS] = { "external memory bandwidth", 1600, "MB/s", CHIP_PUBLISHED,
		TABLE },
	[CHIP_FILL_CYCLES] = { "pipeline fill of an instruction", 64, "cycles",
		CHIP_ASSUMED, "loading eight weights, eight deep, before the first sum" },
	[CHIP_SWITCH_CYCLES] = { "change of an array's mode", 4, "cycles", CHIP_ASSUMED,
		"of eight weights loaded at once half are lost in the mean" },
	[CHIP_SRAM_WEIGHTS] = { "weight memory", 256, "KiB", CHIP_ASSUMED,
		"a part of the 500 KB of " TABLE },
	[CHIP_SRAM_ACTIVATIONS] = { "activation and partial sum memory", 192, "KiB",
		CHIP_ASSUMED, "a part of the 500 KB of " TABLE },
	[CHIP_SRAM_ESC] = { "memory of the sign compression's unit", 52, "KiB",
		CHIP_ASSUMED, "a part of the 500 KB of " TABLE },
	[CHIP_E_CHECK] = { "bound check of an output", 0.56, "pJ", CHIP_COMPUTED,
		"16-bit multiply, a quarter of 3.1 for 32 bits, + 0.1 add, " HOROWITZ
		", + 0.02 compare, Accelergy" },
	[CHIP_E_DRAW] = { "speculated timestep of an output", 0.22, "pJ", CHIP_COMPUTED,
		"32 register bits at 0.0063 + 0.02 compare, Accelergy (40 nm) x 0.7" },
	[CHIP_V_NOMINAL] = { "voltage of the energies above", 900, "mV",
		CHIP_COMPUTED, "Horowitz's and CACTI's" },
	[CHIP_AMBIENT] = { "air around the chip", 40, "C", CHIP_ASSUMED,
		"in a computer's case; 30 to 50 is usual" },
	[CHIP_R_THERMAL] = { "thermal resistance, junction to air", 35, "K/W",
		CHIP_ASSUMED, "30 to 45 is usual for a ball grid array of 10 mm, still "
		"air, four-layer board (JESD51-9)" },
	[CHIP_TEMP_MAX] = { "temperature to slow the chip down above", 85, "C",
		CHIP_ASSUMED, "LPDDR4 doubles its refresh above 85 C (JESD209-4)" },
	[CHIP_TEMP_CRIT] = { "temperature not meant to work above", 105, "C",
		CHIP_ASSUMED, "usual junction limit of 28 nm parts, commercial grade" },
};

/*
 * 0.7 to 1.1 V and 50 to 200 MHz are published as ranges (ISSCC 2024 20.5); the
 * points between lie on the straight line between the ends (assumed).
 */
const struct chip_opp chip_opps[CHIP_OPPS] = {
	{ 700, 50000 }, { 800, 87500 }, { 900, 125000 },
	{ 1000, 162500 }, { 1100, 200000 },
};

static uint64_t scaled_aj(enum chip_constant_id id, double factor)
{
	return (uint64_t)(chip_constants[id].value * 1e6 * factor + 0.5);
}

static uint32_t whole(enum chip_constant_id id)
{
	return (uint32_t)(chip_constants[id].value + 0.5);
}

/*
 * Dynamic energy goes with the square of the voltage, leakage with the voltage;
 * the external memory has its own supply.
 */
void chip_costs_at(unsigned int opp, struct chip_costs *c)
{
	double v = chip_opps[opp].mv / chip_constants[CHIP_V_NOMINAL].value;

	memset(c, 0, sizeof(*c));
	c->mac8_aj = scaled_aj(CHIP_E_MAC8, v * v);
	c->spike_aj = scaled_aj(CHIP_E_SPIKE, v * v);
	c->mac16_aj = scaled_aj(CHIP_E_MAC16, v * v);
	c->vector_aj = scaled_aj(CHIP_E_VECTOR, v * v);
	c->check_aj = scaled_aj(CHIP_E_CHECK, v * v);
	c->draw_aj = scaled_aj(CHIP_E_DRAW, v * v);
	c->sram_read_aj = scaled_aj(CHIP_E_SRAM_READ, v * v);
	c->sram_write_aj = scaled_aj(CHIP_E_SRAM_WRITE, v * v);
	c->external_aj = scaled_aj(CHIP_E_EXTERNAL, 1.0);
	c->leak_uw = (uint64_t)(chip_constants[CHIP_P_LEAK].value * v + 0.5);
	c->clock_percent = whole(CHIP_CLOCK_SHARE);
	c->khz = chip_opps[opp].khz;
	c->mv = chip_opps[opp].mv;
	c->cores = whole(CHIP_CORES);
	c->rows = whole(CHIP_ROWS);
	c->cols = whole(CHIP_COLS);
	c->spikes_per_cycle = whole(CHIP_SPIKES_PER_CYCLE);
	c->lanes = whole(CHIP_VECTOR_LANES);
	c->reuse = whole(CHIP_WEIGHT_REUSE);
	c->ext_mbps = whole(CHIP_EXT_MBPS);
	c->fill = whole(CHIP_FILL_CYCLES);
	c->switch_cycles = whole(CHIP_SWITCH_CYCLES);
	c->sram_weights = 1024 * whole(CHIP_SRAM_WEIGHTS);
	c->sram_activations = 1024 * whole(CHIP_SRAM_ACTIVATIONS);
}
