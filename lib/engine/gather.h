/* SPDX-License-Identifier: MIT */
/*
 * Steps of several callers put together.
 *
 * A step costs one pass over the weights however many rows it has, so callers
 * that come while one is running share the next. No row's result depends on
 * what else is in a step: gathering changes time only.
 *
 * Who goes first. A call with a row or a few for each text (decoding), or with
 * those of a draft, goes before one with many (a prompt, a text to score), which
 * gets what is left of the step: all of it when nobody decodes, a small share
 * when somebody does, so that no prompt makes others wait long. Among decoders,
 * and among prompts, the
 * higher priority goes first and at equal priority the older call. A call that
 * many steps in a row had no room for goes before all others of its kind, the
 * oldest first, and a prompt with its share before the decoders: nobody waits
 * for ever.
 *
 * Who is waited for. Decoders come back for their next token moments after
 * their last. A step that started without them would serve one of eight, the
 * next the other seven, and each would take as long as one for all. So a step
 * waits a little for those who were in the last: a share of that one's time,
 * which shrinks while they are late and grows while they come.
 *
 * The thread that finds no step running and nobody worth waiting for runs the
 * next, whoever's rows it has: there is no thread for it.
 */
#ifndef CT_ENGINE_GATHER_H
#define CT_ENGINE_GATHER_H

#include <pthread.h>

#include "engine/core.h"
#include "engine/usage.h"

/* Rows for one sequence up to which a call decodes. */
#define CT_GATHER_SHORT		8u
/* Rows of prompts in a step while others decode. */
#define CT_GATHER_SHARE		32u
/* Steps that may pass a call over. */
#define CT_GATHER_PATIENCE	8u

struct ct_gather_party;

/*
 * Rows that go through steps in their order, perhaps in several parts. Tokens
 * must be in range, sequences in no other call and with room: others' rows are
 * in the same step. The caller's until it is in line, and again when handed
 * back or withdrawn.
 */
struct ct_gather_call {
	struct ct_step_row *rows;
	size_t n;
	struct ct_spent *spent;	/* what the rows cost is added to it; or NULL */
	struct ct_err *err;
	int32_t priority;
	bool decodes;		/* however many rows it has */
	struct ct_gather_call *next;	/* in a list of calls */

	/* Set when it is handed back: 0 if all rows have been run. */
	int ret;

	/* gather's */
	struct ct_gather_party *party;
	size_t at;		/* rows that have been run */
	unsigned int passed;	/* steps that had no room for it, in a row */
	bool taken;		/* by the step that is running */
	bool shorter;		/* than a prompt: it decodes */
};

/* One thread with any number of calls in line. All zero is one without. */
struct ct_gather_party {
	uint32_t word;		/* it sleeps on; see gather.c */
	struct ct_gather_call *finished, *last;
	size_t in_line;
	bool news;		/* rows of it were in a step since it came */
};

struct ct_gather_part {
	struct ct_gather_call *call;
	size_t n;
	int ret;
	struct ct_gather_party *party;	/* to be woken for it; or NULL */
};

struct ct_gather {
	struct ct_core *core;
	pthread_mutex_t lock;
	struct ct_gather_call *first, **end;	/* the line, in order of arrival */
	bool running;
	struct ct_gather_party *timer;	/* it watches the clock for the others */
	size_t expected;	/* parties that may come back */
	uint64_t until;		/* when to stop waiting for them */
	unsigned int patience;	/* how much of a step's time: 2^-patience */
	bool decoding;		/* the last step had rows of decoders */

	/* The step being made or run, each of CT_STEP_ROWS. */
	struct ct_gather_part *parts;
	size_t n_parts;
	struct ct_step_row *rows;
	size_t n_rows, n_wants;
	struct ctrans_cost (*cost)[CTRANS_KINDS];
};

int ct_gather_init(struct ct_gather *g, struct ct_core *core,
		   struct ct_err *err);
void ct_gather_free(struct ct_gather *g);

/*
 * Put a list of new calls (or none) in line, and wait until a step has had rows
 * of the party's. Returns the list of those that are finished, well or not,
 * which may be none. There must be a call in line.
 */
struct ct_gather_call *ct_gather_run(struct ct_gather *g,
				     struct ct_gather_party *party,
				     struct ct_gather_call *calls);

/*
 * Take a call back that ct_gather_run() has not handed back, when the step that
 * has rows of it is over. Its sequence holds what has been run by then.
 */
void ct_gather_withdraw(struct ct_gather *g, struct ct_gather_call *call);

/* One call from its beginning to its end. Returns its ret. */
int ct_gather_step(struct ct_gather *g, struct ct_gather_call *call);

#endif
