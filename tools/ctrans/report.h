/* SPDX-License-Identifier: MIT */
/* What a run has cost, for people and for machines. All of it is modelled. */
#ifndef CTRANS_TOOL_REPORT_H
#define CTRANS_TOOL_REPORT_H

#include "ctrans.h"
#include "json.h"

/* "812 uJ", "1.23 ms": three digits and a unit. */
void show_energy(char *buf, size_t size, double joule);
void show_time(char *buf, size_t size, double seconds);
/* "23.4 MB"; powers of 1000 */
void show_bytes(char *buf, size_t size, double bytes);

/* Energy of a cost in joules. */
double cost_joule(const struct ctrans_cost *cost);

void cost_add(struct ctrans_cost *sum, const struct ctrans_cost *part);

/*
 * Energy of one token: of the decode steps where there are any, else of the
 * prompt's tokens. NaN if nothing was run.
 */
double usage_joule_per_token(const struct ctrans_usage *usage);

/* New tokens after the first in a second; NaN if there are none. */
double usage_decode_tps(const struct ctrans_usage *usage);
double usage_prefill_tps(const struct ctrans_usage *usage);

/* "@key": {...} of @parent */
void json_add_cost(cJSON *parent, const char *key, const struct ctrans_cost *cost);
/* "usage": {...} of @object */
void json_add_usage(cJSON *object, const struct ctrans_usage *usage);
/* "device": {...} */
void json_add_device(cJSON *object, const struct ctrans_device_info *device);
void json_device_fields(cJSON *object, const struct ctrans_device_info *device);

/*
 * Tables of time and energy by layer kind and domain, and of where the values
 * went, on standard error, at most 80 columns wide.
 */
void print_stats(const struct ctrans_usage *usage,
		 const struct ctrans_device_info *device);

#endif
