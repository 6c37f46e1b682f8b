/* SPDX-License-Identifier: MIT */
/* What a conversion decided, layer by layer, for people and for machines. */
#ifndef CTRANS_TOOL_CONVERT_REPORT_H
#define CTRANS_TOOL_CONVERT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "ctrans.h"

/* All zero at first. */
struct convert_report {
	struct ctrans_layer_report *layers;
	size_t n;
	bool failed;		/* no memory for one */
};

/* A ctrans_layer_report_fn. */
void convert_report_take(void *report, const struct ctrans_layer_report *layer);
void convert_report_free(struct convert_report *r);

/* A table on standard output, 80 columns; one JSON object. Exit statuses. */
int convert_report_print(const struct convert_report *r);
int convert_report_json(const struct convert_report *r, const char *model,
			const char *out);

#endif
