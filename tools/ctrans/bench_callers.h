/* SPDX-License-Identifier: MIT */
/*
 * Threads with a session each, none of which knows of the others, as in a
 * server: what they gain from sharing steps is the library's doing alone.
 */
#ifndef CTRANS_TOOL_BENCH_CALLERS_H
#define CTRANS_TOOL_BENCH_CALLERS_H

#include <stdint.h>

#include "ctrans.h"

struct callers {
	struct ctrans_session *const *sessions;	/* [n] */
	float *const *logits;			/* [n] */
	uint32_t n, vocab;
	uint32_t random;	/* state of the generator of tokens */
	char message[256];	/* of the call that failed, in whichever thread */
};

/*
 * In each of n threads, which start at once, @calls evaluations of @tokens
 * tokens each. *@seconds until the last thread is through; *@fairness, the part
 * of that time after which the first one was: 1 where all were served alike.
 * 0, a negative errno of the library or of thread creation, or -ECANCELED.
 */
int callers_run(struct callers *callers, uint32_t calls, uint32_t tokens,
		double *seconds, double *fairness);

#endif
