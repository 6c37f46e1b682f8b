/* SPDX-License-Identifier: MIT */
/* What goes into a step, and how it is run. For gather.c alone. */
#ifndef CT_ENGINE_GATHER_STEP_H
#define CT_ENGINE_GATHER_STEP_H

#include "engine/gather.h"

/* Whether a call decodes: a few rows at most for each of its sequences. */
bool ct_gather_is_short(const struct ct_gather_call *call);

/*
 * Choose the next step's rows from the line, which is not empty; lock held.
 * Until the step is settled the calls taken stay where they are.
 */
void ct_gather_compose(struct ct_gather *g);

/*
 * Run them and leave what became of each part with it; no lock. A step that
 * fails has advanced nobody: each part is then run alone, so that only those
 * whose fault it was fail.
 */
void ct_gather_run_parts(struct ct_gather *g);

#endif
