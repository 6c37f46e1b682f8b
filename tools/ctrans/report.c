// SPDX-License-Identifier: MIT
#include "report.h"

#include <math.h>
#include <stdio.h>

static void show(char *buf, size_t size, double value, const char *unit)
{
	static const struct {
		double one;
		const char *prefix;
	} prefixes[] = {
		{ 1, "" }, { 1e-3, "m" }, { 1e-6, "u" }, { 1e-9, "n" },
	};
	size_t i = 0;

	while (i < 3 && value < 0.9995 * prefixes[i].one)
		i++;
	value /= prefixes[i].one;
	/* values next to a power of ten are shown as that power is */
	snprintf(buf, size, "%.*f %s%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0,
		 value, prefixes[i].prefix, unit);
}

void show_energy(char *buf, size_t size, double joule)
{
	show(buf, size, joule, "J");
}

void show_time(char *buf, size_t size, double seconds)
{
	show(buf, size, seconds, "s");
}

void show_bytes(char *buf, size_t size, double bytes)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	for (; i < 4 && bytes >= (i ? 999.95 : 1000); i++)
		bytes *= 1e-3;
	snprintf(buf, size, "%.*f %s", i ? 1 : 0, bytes, units[i]);
}

double cost_joule(const struct ctrans_cost *cost)
{
	return (double)ctrans_cost_energy_fj(cost) * 1e-15;
}

void cost_add(struct ctrans_cost *sum, const struct ctrans_cost *part)
{
	const uint64_t *from = (const uint64_t *)part;
	uint64_t *to = (uint64_t *)sum;

	_Static_assert(sizeof(*sum) % sizeof(*to) == 0, "counts, all of them");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

/* Of the prompt: the others were taken over from another text. */
static uint32_t tokens_run(const struct ctrans_usage *u)
{
	return u->prompt_tokens - u->reused_tokens;
}

double usage_joule_per_token(const struct ctrans_usage *u)
{
	if (u->new_tokens > 1)
		return cost_joule(&u->decode) / (u->new_tokens - 1);
	return tokens_run(u) ? cost_joule(&u->prefill) / tokens_run(u) : NAN;
}

double usage_decode_tps(const struct ctrans_usage *u)
{
	if (u->new_tokens < 2 || !u->decode_ns)
		return NAN;
	return (u->new_tokens - 1) / ((double)u->decode_ns * 1e-9);
}

double usage_prefill_tps(const struct ctrans_usage *u)
{
	if (!tokens_run(u) || !u->prefill_ns)
		return NAN;
	return tokens_run(u) / ((double)u->prefill_ns * 1e-9);
}

void json_add_cost(cJSON *parent, const char *key, const struct ctrans_cost *c)
{
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{ "cycles", c->cycles },
		{ "values_zero", c->values_zero },
		{ "values_dense", c->values_dense },
		{ "values_spiking", c->values_spiking },
		{ "values_outlier", c->values_outlier },
		{ "values_clamped", c->values_clamped },
		{ "spikes", c->spikes },
		{ "ops_dense", c->ops_dense },
		{ "ops_spiking", c->ops_spiking },
		{ "ops_outlier", c->ops_outlier },
		{ "ops_vector", c->ops_vector },
		{ "bytes_sram", c->bytes_sram },
		{ "bytes_external", c->bytes_external },
		{ "dense_fj", c->dense_fj },
		{ "spiking_fj", c->spiking_fj },
		{ "outlier_fj", c->outlier_fj },
		{ "vector_fj", c->vector_fj },
		{ "sram_fj", c->sram_fj },
		{ "external_fj", c->external_fj },
		{ "static_fj", c->static_fj },
		{ "energy_fj", ctrans_cost_energy_fj(c) },
		{ "cycles_compute", c->cycles_compute },
		{ "cycles_external", c->cycles_external },
		{ "cycles_stall", c->cycles_stall },
		{ "ops_skipped", c->ops_skipped },
	};
	cJSON *cost = json_add_object(parent, key);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		json_add_count(cost, fields[i].name, fields[i].value);
}

void json_add_usage(cJSON *object, const struct ctrans_usage *u)
{
	cJSON *usage = json_add_object(object, "usage"), *modelled, *kinds;

	json_add_count(usage, "prompt_tokens", u->prompt_tokens);
	json_add_count(usage, "reused_tokens", u->reused_tokens);
	json_add_count(usage, "new_tokens", u->new_tokens);
	json_add_count(usage, "drafted", u->drafted);
	json_add_count(usage, "accepted", u->accepted);
	json_add_count(usage, "passes", u->passes);
	json_add_number(usage, "prefill_seconds", (double)u->prefill_ns * 1e-9);
	json_add_number(usage, "decode_seconds", (double)u->decode_ns * 1e-9);
	json_add_number(usage, "prefill_device_seconds",
			(double)u->prefill_device_ns * 1e-9);
	json_add_number(usage, "decode_device_seconds",
			(double)u->decode_device_ns * 1e-9);
	json_add_number(usage, "prefill_tps", usage_prefill_tps(u));
	json_add_number(usage, "decode_tps", usage_decode_tps(u));

	modelled = json_add_object(usage, "modelled");
	json_add_number(modelled, "chip_seconds", u->chip_seconds);
	json_add_number(modelled, "energy_uj", 1e6 * (cost_joule(&u->prefill) +
						     cost_joule(&u->decode)));
	json_add_number(modelled, "energy_uj_per_token",
			1e6 * usage_joule_per_token(u));
	json_add_cost(modelled, "prefill", &u->prefill);
	json_add_cost(modelled, "decode", &u->decode);
	kinds = json_add_object(modelled, "kinds");
	for (int k = 0; k < CTRANS_KINDS; k++)
		json_add_cost(kinds, ctrans_kind_name((enum ctrans_kind)k),
			      &u->kind[k]);
}

void json_device_fields(cJSON *object, const struct ctrans_device_info *d)
{
	json_add_string(object, "name", d->name);
	json_add_string(object, "description", d->description);
	json_add_string(object, "kernel", d->kernel);
	json_add_count(object, "threads", d->threads);
	json_add_count(object, "cores", d->cores);
	json_add_count(object, "millivolt", d->mv);
	json_add_count(object, "kilohertz", d->khz);
	json_add_bool(object, "is_model", d->is_model != 0);
}

void json_add_device(cJSON *object, const struct ctrans_device_info *device)
{
	json_device_fields(json_add_object(object, "device"), device);
}
