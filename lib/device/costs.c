// SPDX-License-Identifier: MIT
/* The chip model's table of constants, as the rest of the library sees it. */
#include "device/device.h"

#include <errno.h>

#include "chip/energy.h"

int ct_device_costs(const struct ct_device *dev, unsigned int opp,
		    struct ctrans_chip_costs *costs, struct ct_err *err)
{
	struct chip_costs c;

	(void)dev;
	if (opp >= CHIP_OPPS)
		return ct_fail(err, -EINVAL,
			       "operating point %u: the chip has 0 to %u", opp,
			       CHIP_OPPS - 1);
	chip_costs_at(opp, &c);
	*costs = (struct ctrans_chip_costs){
		.size = sizeof(*costs),
		.opp = opp, .mv = c.mv, .khz = c.khz,
		.cores = c.cores, .rows = c.rows, .cols = c.cols,
		.spikes_per_cycle = c.spikes_per_cycle,
		.lanes = c.lanes, .reuse = c.reuse,
		.external_mbps = c.ext_mbps,
		.fill_cycles = c.fill, .switch_cycles = c.switch_cycles,
		.clock_percent = c.clock_percent,
		.sram_weights = c.sram_weights,
		.sram_activations = c.sram_activations,
		.mac8_aj = c.mac8_aj, .spike_aj = c.spike_aj,
		.mac16_aj = c.mac16_aj, .vector_aj = c.vector_aj,
		.sram_read_aj = c.sram_read_aj, .sram_write_aj = c.sram_write_aj,
		.external_aj = c.external_aj,
		.leak_uw = c.leak_uw,
		.check_aj = c.check_aj, .draw_aj = c.draw_aj,
	};
	return 0;
}

int ct_device_constant(unsigned int index, struct ctrans_constant *constant)
{
	static const char *const provenance[] = {
		[CHIP_PUBLISHED] = "published",
		[CHIP_LITERATURE] = "literature",
		[CHIP_COMPUTED] = "computed",
		[CHIP_ASSUMED] = "assumed",
	};
	const struct chip_constant *c;

	if (index >= CHIP_CONSTANTS)
		return -ENOENT;
	c = &chip_constants[index];
	*constant = (struct ctrans_constant){
		.size = sizeof(*constant),
		.name = c->name,
		.value = c->value,
		.unit = c->unit,
		.provenance = provenance[c->provenance],
		.source = c->source,
	};
	return 0;
}
