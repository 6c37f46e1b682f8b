/* SPDX-License-Identifier: MIT */
/* Shared by the files of conversion; convert.c is its order. */
#ifndef CT_ENGINE_CONVERT_H
#define CT_ENGINE_CONVERT_H

#include "base/err.h"
#include "ctrans.h"

/* A caller's parameters over the defaults, checked. */
int ct_convert_params_take(struct ctrans_convert_params *p,
			   const struct ctrans_convert_params *from,
			   struct ct_err *err);

/* Who hears of progress, as a ctrans_progress_fn's argument. */
struct ct_phase {
	const struct ctrans_convert_params *params;
	const char *name;
};

/* A ctrans_progress_fn. */
int ct_phase_progress(void *phase, uint64_t done, uint64_t total);

#endif
