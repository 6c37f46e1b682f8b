// SPDX-License-Identifier: MIT
/* The tables of --stats. */
#include <stdbool.h>
#include <stdio.h>

#include "report.h"
#include "terminal.h"

#define DOMAINS	8	/* seven and their sum */

static const char *const domain_names[DOMAINS] = {
	"dense", "spike", "outl", "vector", "sram", "ext", "static", "total",
};

static void energies(const struct ctrans_cost *c, double joule[DOMAINS])
{
	const uint64_t fj[DOMAINS] = {
		c->dense_fj, c->spiking_fj, c->outlier_fj, c->vector_fj,
		c->sram_fj, c->external_fj, c->static_fj,
		ctrans_cost_energy_fj(c),
	};

	for (int d = 0; d < DOMAINS; d++)
		joule[d] = (double)fj[d] * 1e-15;
}

/* The unit in which the largest has four to six digits: fractions say nothing. */
static double unit_of(double largest, const char **prefix)
{
	static const char *const prefixes[] = { "p", "n", "u", "m", "" };
	double unit = 1e-12;
	int i = 0;

	while (i < 4 && largest >= 999999.5 * unit) {
		unit *= 1e3;
		i++;
	}
	*prefix = prefixes[i];
	return unit;
}

/* "-" for nothing at all, and something for what is less than the last digit. */
static void cell(int width, int decimals, double value)
{
	if (value <= 0)
		fprintf(stderr, " %*s", width, "-");
	else if (value < (decimals ? 0.05 : 0.5))
		fprintf(stderr, " %*s", width, decimals ? "<0.1" : "<1");
	else
		fprintf(stderr, " %*.*f", width, decimals, value);
}

static void cost_row(const char *name, const struct ctrans_cost *c,
		     double second_per_cycle, double time_unit,
		     double energy_unit)
{
	double joule[DOMAINS];

	energies(c, joule);
	fprintf(stderr, "%-10s", name);
	cell(7, 0, (double)c->cycles * second_per_cycle / time_unit);
	for (int d = 0; d < DOMAINS; d++)
		cell(6, 0, joule[d] / energy_unit);
	fputc('\n', stderr);
}

static double values_of(const struct ctrans_cost *c)
{
	return (double)(c->values_zero + c->values_dense + c->values_spiking +
			c->values_outlier);
}

static void value_row(const char *name, const struct ctrans_cost *c, double unit)
{
	double values = values_of(c);

	if (values <= 0)
		return;
	fprintf(stderr, "%-10s", name);
	cell(9, 0, values / unit);
	fprintf(stderr, " %8.2f %8.2f %8.2f %8.2f", 100 * (double)c->values_zero / values,
		100 * (double)c->values_dense / values,
		100 * (double)c->values_spiking / values,
		100 * (double)c->values_outlier / values);
	cell(8, 0, (double)c->values_clamped / unit);
	fprintf(stderr, " %10.2f\n", c->values_spiking ?
		(double)c->spikes / (double)c->values_spiking : 0);
}

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

/* Where the values went: counts in one unit, so that rows compare. */
static void print_values(const struct ctrans_usage *u,
			 const struct ctrans_cost *total)
{
	bool many = values_of(total) >= 1e9;
	double unit = many ? 1e6 : 1;

	fprintf(stderr, "\nValues that entered linear layers%s, and where they went\n"
		"%-10s %9s %8s %8s %8s %8s %8s %10s\n",
		many ? ", in millions" : "", "kind", "values", "zero %",
		"dense %", "spike %", "outl %", "clamped", "spikes/val");
	for (int k = 0; k < CTRANS_KINDS; k++)
		value_row(ctrans_kind_name((enum ctrans_kind)k), &u->kind[k], unit);
	value_row("total", total, unit);
}

void print_stats(const struct ctrans_usage *u,
		 const struct ctrans_device_info *device)
{
	double per_cycle = device->khz ? 1e-3 / device->khz : 0;
	double time_unit, energy_unit, joule[DOMAINS];
	struct ctrans_cost total = { 0 };
	const char *time, *energy;
	char bytes[24];

	for (int k = 0; k < CTRANS_KINDS; k++)
		cost_add(&total, &u->kind[k]);
	energies(&total, joule);
	time_unit = unit_of((double)total.cycles * per_cycle, &time);
	energy_unit = unit_of(joule[DOMAINS - 1], &energy);

	progress_clear();
	flockfile(stderr);
	fprintf(stderr,
		"\nModelled on the chip at %.2f V and %.4g MHz: time in %ss, energy in %sJ\n",
		device->mv * 1e-3, device->khz * 1e-3, time, energy);
	fprintf(stderr, "%-10s %7s", "kind", "time");
	for (int d = 0; d < DOMAINS; d++)
		fprintf(stderr, " %6s", domain_names[d]);
	fputc('\n', stderr);
	for (int k = 0; k < CTRANS_KINDS; k++)
		cost_row(ctrans_kind_name((enum ctrans_kind)k), &u->kind[k],
			 per_cycle, time_unit, energy_unit);
	cost_row("total", &total, per_cycle, time_unit, energy_unit);
	fprintf(stderr, "%-10s %7s", "share, %", "");
	for (int d = 0; d < DOMAINS; d++)
		cell(6, 1, joule[DOMAINS - 1] > 0 ?
		     100 * joule[d] / joule[DOMAINS - 1] : 0);
	fputc('\n', stderr);
	print_values(u, &total);
	show_bytes(bytes, sizeof(bytes), (double)total.bytes_external);
	fprintf(stderr, "\nExternal memory: %s read and written, busy %.1f %% of the time\n",
		bytes, share_of(total.cycles_external, total.cycles));
	if (u->new_tokens > 1) {
		show_bytes(bytes, sizeof(bytes), (double)u->decode.bytes_external /
						 (u->new_tokens - 1));
		fprintf(stderr, "of it %s for each new token after the first\n",
			bytes);
	}
	fprintf(stderr, "Arrays: busy %.1f %% of the time, of that waiting for weights %.1f %%\n",
		share_of(total.cycles_compute, total.cycles),
		share_of(total.cycles_stall, total.cycles_compute));
	if (total.ops_skipped)
		fprintf(stderr, "Speculated: %.1f %% of ffn-up's operations skipped\n",
			share_of(total.ops_skipped, total.ops_skipped +
				 u->kind[CTRANS_KIND_FFN_UP].ops_dense +
				 u->kind[CTRANS_KIND_FFN_UP].ops_spiking));
	if (u->drafted)
		fprintf(stderr,
			"Drafted: %u tokens, of which %u stood; %.2f passes over the model a token\n",
			u->drafted, u->accepted,
			(double)u->passes / u->new_tokens);
	if (u->reused_tokens)
		fprintf(stderr, "Not run: %u of %u prompt tokens, known from other texts\n",
			u->reused_tokens, u->prompt_tokens);
	fputc('\n', stderr);
	funlockfile(stderr);
}
