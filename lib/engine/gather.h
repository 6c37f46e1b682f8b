/* SPDX-License-Identifier: MIT */
/*
 * Steps of several threads put together.
 *
 * A step costs one pass over the weights however many rows it has, so threads
 * that come while one is running share the next. No row's result depends on
 * what else is in a step: gathering changes time only.
 */
#ifndef CT_ENGINE_GATHER_H
#define CT_ENGINE_GATHER_H

#include <pthread.h>

#include "engine/core.h"

struct ct_gather_call;

struct ct_gather {
	struct ct_core *core;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct ct_gather_call *first, **last;	/* waiting, in order of arrival */
	bool running;
	/* The running step's, of CT_STEP_ROWS each. */
	struct ct_step_row *rows;
	struct ctrans_cost (*cost)[CTRANS_KINDS];
};

int ct_gather_init(struct ct_gather *g, struct ct_core *core,
		   struct ct_err *err);
void ct_gather_free(struct ct_gather *g);

/*
 * As ct_core_step(), from any thread. Tokens must be in range and sequences
 * have room: others' rows are in the same step.
 */
int ct_gather_step(struct ct_gather *g, struct ct_step_row *rows, size_t n,
		   struct ctrans_cost (*cost)[CTRANS_KINDS],
		   struct ct_err *err);

#endif
