// SPDX-License-Identifier: MIT
/* The tables of --stats. */
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

static void add(struct ctrans_cost *sum, const struct ctrans_cost *c)
{
	sum->cycles += c->cycles;
	sum->values_zero += c->values_zero;
	sum->values_dense += c->values_dense;
	sum->values_spiking += c->values_spiking;
	sum->values_outlier += c->values_outlier;
	sum->values_clamped += c->values_clamped;
	sum->spikes += c->spikes;
	sum->bytes_external += c->bytes_external;
	sum->dense_fj += c->dense_fj;
	sum->spiking_fj += c->spiking_fj;
	sum->outlier_fj += c->outlier_fj;
	sum->vector_fj += c->vector_fj;
	sum->sram_fj += c->sram_fj;
	sum->external_fj += c->external_fj;
	sum->static_fj += c->static_fj;
}

/* The unit in which the largest has at most four digits before the point. */
static double unit_of(double largest, const char **prefix)
{
	static const char *const prefixes[] = { "n", "u", "m", "" };
	double unit = 1e-9;
	int i = 0;

	while (i < 3 && largest >= 9999.95 * unit) {
		unit *= 1e3;
		i++;
	}
	*prefix = prefixes[i];
	return unit;
}

/* Four digits in six columns, "-" for nothing at all. */
static void cell(int width, double value)
{
	if (value < 0.0005)
		fprintf(stderr, " %*s", width, value > 0 ? "<.001" : "-");
	else
		fprintf(stderr, " %*.*f", width, value < 9.9995 ? 3 :
			value < 99.995 ? 2 : value < 999.95 ? 1 : 0, value);
}

static void cost_row(const char *name, const struct ctrans_cost *c,
		     double second_per_cycle, double time_unit,
		     double energy_unit)
{
	double joule[DOMAINS];

	energies(c, joule);
	fprintf(stderr, "%-10s", name);
	cell(7, (double)c->cycles * second_per_cycle / time_unit);
	for (int d = 0; d < DOMAINS; d++)
		cell(6, joule[d] / energy_unit);
	fputc('\n', stderr);
}

static void value_row(const char *name, const struct ctrans_cost *c)
{
	double values = (double)(c->values_zero + c->values_dense +
				 c->values_spiking + c->values_outlier);

	if (values <= 0)
		return;
	fprintf(stderr, "%-10s %9.3f %8.2f %8.2f %8.2f %8.2f %8.3g %9.2f\n", name,
		values * 1e-6, 100 * (double)c->values_zero / values,
		100 * (double)c->values_dense / values,
		100 * (double)c->values_spiking / values,
		100 * (double)c->values_outlier / values,
		(double)c->values_clamped,
		c->values_spiking ?
			(double)c->spikes / (double)c->values_spiking : 0);
}

void print_stats(const struct ctrans_usage *u,
		 const struct ctrans_device_info *device)
{
	double per_cycle = device->khz ? 1e-3 / device->khz : 0;
	double time_unit, energy_unit, joule[DOMAINS];
	struct ctrans_cost total = { 0 };
	const char *time, *energy;

	for (int k = 0; k < CTRANS_KINDS; k++)
		add(&total, &u->kind[k]);
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
		cell(6, joule[DOMAINS - 1] > 0 ?
		     100 * joule[d] / joule[DOMAINS - 1] : 0);

	fprintf(stderr, "\n\nValues that entered linear layers, in millions, and where they went\n"
		"%-10s %9s %8s %8s %8s %8s %8s %9s\n", "kind", "values", "zero %",
		"dense %", "spike %", "outl %", "clamped", "spikes/v");
	for (int k = 0; k < CTRANS_KINDS; k++)
		value_row(ctrans_kind_name((enum ctrans_kind)k), &u->kind[k]);
	value_row("total", &total);
	fprintf(stderr, "External memory: %.1f MB\n", (double)total.bytes_external * 1e-6);
	funlockfile(stderr);
}
