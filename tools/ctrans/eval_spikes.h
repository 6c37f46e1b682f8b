/* SPDX-License-Identifier: MIT */
#ifndef EVAL_SPIKES_H
#define EVAL_SPIKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

/* Compare in every spike code and print; fails if a value differs. */
int eval_spikes(struct ctrans_model *model, const char *path, const uint32_t *ids,
		size_t n, bool json);

#endif
