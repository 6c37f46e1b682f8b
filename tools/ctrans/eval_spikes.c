// SPDX-License-Identifier: MIT
/* ctrans eval --spikes: the model as a spiking network, compared with the chip. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "eval_spikes.h"
#include "report.h"
#include "terminal.h"

static const struct {
	uint32_t code;
	const char *name;
} codes[] = {
	{ CTRANS_SPIKES_RATE, "rate" },
	{ CTRANS_SPIKES_RADIX, "radix" },
	{ CTRANS_SPIKES_NAF, "naf" },
};

#define CODES	(sizeof(codes) / sizeof(codes[0]))

static int on_check(void *arg, uint64_t done, uint64_t total)
{
	progress_show("Spiking", done, total, arg);
	return interrupted();
}

static int print_json(const struct ctrans_spike_check *checks, const char *path)
{
	cJSON *object = json_object(), *list = cJSON_AddArrayToObject(object, "codes");

	json_add_string(object, "model", path);
	json_add_count(object, "tokens", checks->tokens);
	json_add_count(object, "layers", checks->layers);
	for (size_t i = 0; i < CODES; i++) {
		const struct ctrans_spike_check *c = &checks[i];
		cJSON *one = json_object();

		json_add_string(one, "code", codes[i].name);
		json_add_count(one, "values", c->values);
		json_add_count(one, "direct", c->direct);
		json_add_count(one, "differ", c->differ);
		json_add_count(one, "spikes", c->spikes);
		json_add_count(one, "outliers", c->outliers);
		json_add_count(one, "events", c->events);
		json_add_count(one, "taken_back", c->taken_back);
		cJSON_AddItemToArray(list, one);
	}
	return json_print(object);
}

static int print_text(const struct ctrans_spike_check *checks)
{
	printf("%" PRIu64 " tokens through %" PRIu64 " layers of integrate-and-fire neurons,\n"
	       "timestep by timestep, beside the chip\n\n", checks->tokens, checks->layers);
	printf("code   %14s %10s %14s %12s %12s\n", "values", "differ", "spikes",
	       "taken back", "outliers");
	for (size_t i = 0; i < CODES; i++) {
		const struct ctrans_spike_check *c = &checks[i];

		printf("%-6s %14" PRIu64 " %10" PRIu64 " %14" PRIu64 " %12" PRIu64
		       " %12" PRIu64 "\n", codes[i].name, c->values + c->direct,
		       c->differ, c->spikes, c->taken_back, c->outliers);
	}
	return finish_output();
}

int eval_spikes(struct ctrans_model *model, const char *path, const uint32_t *ids,
		size_t n, bool json)
{
	struct ctrans_spike_check checks[CODES];
	uint64_t differ = 0;
	int ret, status;

	for (size_t i = 0; i < CODES; i++) {
		ret = ctrans_check_spikes(model, ids, n, codes[i].code, on_check,
					  (void *)(uintptr_t)codes[i].name, &checks[i],
					  sizeof(checks[i]));
		progress_clear();
		if (ret)
			return fail_library(ret, EXIT_FAILED);
		differ += checks[i].differ;
	}
	status = json ? print_json(checks, path) : print_text(checks);
	if (!status && differ)
		return fail(EXIT_FAILED, "%" PRIu64
			    " values differ: the spiking network is not the chip's", differ);
	if (!status && !json)
		printf("\n%" PRIu64 " values of %" PRIu64 " layers: 0 differ\n",
		       3 * checks->values + 3 * checks->direct, checks->layers);
	return status ? status : finish_output();
}
