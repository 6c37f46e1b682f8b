/* SPDX-License-Identifier: MIT */
/* ctrans eval --bleu, --rouge: lines of text against references, without a model. */
#ifndef CTRANS_TOOL_EVAL_METRICS_H
#define CTRANS_TOOL_EVAL_METRICS_H

#include <stdbool.h>

#include "options.h"

extern const struct option_spec metrics_specs[];

/* One of the options above is given. */
bool eval_metrics_wanted(void);

/* Score, print, and return an exit status. */
int eval_metrics(bool json);

#endif
