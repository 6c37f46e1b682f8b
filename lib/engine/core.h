/* SPDX-License-Identifier: MIT */
/*
 * A model on a device: its packed weights, its program, and one operation, a
 * step: some tokens of some sequences through the model, as one job.
 *
 * Everything above (sessions, sampling, generation, scoring) is made of steps.
 * Any number of threads may call; steps are run one at a time.
 */
#ifndef CT_ENGINE_CORE_H
#define CT_ENGINE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ctrans.h"
#include "model/config.h"

struct ct_tokenizer;
struct ct_core;
struct ct_model;
struct ct_tasks;

/* Rows of one step at most; longer prompts are cut into chunks of it. */
#define CT_STEP_ROWS	256u
/* Rows of one step whose logits can be had. */
#define CT_STEP_LOGITS	128u
/* The likeliest tokens that the chip names itself. */
#define CT_STEP_TOPK	64u

/* Tokens of a source at most, which is one step of the chip. */
#define CT_SOURCE_MOST	4096u

/* "shape:gpt2": no files, random weights. */
#define CT_SHAPE_PREFIX	"shape:"

int ct_core_open(const char *path, const struct ctrans_model_params *params,
		 struct ct_core **core, struct ct_err *err);
/*
 * On the device that another one is on, whatever @params say. @path NULL: the
 * little model that the other's file holds.
 */
int ct_core_open_beside(const char *path, const struct ctrans_model_params *params,
			const struct ct_core *other, struct ct_core **core,
			struct ct_err *err);
void ct_core_close(struct ct_core *core);

const struct ct_config *ct_core_config(const struct ct_core *core);
const struct ct_tasks *ct_core_tasks(const struct ct_core *core);
/* Does its file hold a little model? */
bool ct_core_has_little(const struct ct_core *core);
/* NULL: the model has no tokenizer. */
const struct ct_tokenizer *ct_core_tokenizer(const struct ct_core *core);
/* Tokens a sequence may hold. */
uint32_t ct_core_context(const struct ct_core *core);
void ct_core_info(const struct ct_core *core, struct ctrans_model_info *info);
/* false: opened with CTRANS_MODEL_NO_WEIGHTS */
bool ct_core_has_weights(const struct ct_core *core);
/* Seconds that chip cycles take at the device's operating point. */
double ct_core_seconds(const struct ct_core *core, uint64_t cycles);

/* Keys and values of one sequence; one thread's at a time. */
struct ct_seq;

int ct_seq_open(struct ct_core *core, struct ct_seq **seq, struct ct_err *err);
void ct_seq_close(struct ct_seq *seq);
uint32_t ct_seq_position(const struct ct_seq *seq);
/* @position at most the present one. */
void ct_seq_truncate(struct ct_seq *seq, uint32_t position);

/*
 * Another sequence that holds the same, in the same memory: what either writes
 * from here on it writes into blocks of its own.
 */
int ct_seq_fork(const struct ct_seq *seq, struct ct_seq **copy, struct ct_err *err);

/*
 * Of @tokens, which are to be run next, take over as many as other sequences
 * have run after the same tokens: whole blocks, and never the last token.
 * Returns how many; the sequence is that much further. No result can tell.
 */
uint32_t ct_seq_reuse(struct ct_seq *seq, const uint32_t *tokens, size_t n);
/* Of a new sequence: what it runs is not for others to find, nor theirs for it. */
void ct_seq_unshared(struct ct_seq *seq);

/*
 * A sequence's keys and values as bytes: whole blocks in order, laid out as
 * uapi/ctrans_layout.h says, zero after the last position.
 */
size_t ct_seq_kv_bytes(const struct ct_core *core, uint32_t positions);
/* @dst: ct_seq_kv_bytes() of its position */
void ct_seq_kv_get(const struct ct_seq *seq, void *dst);
/*
 * Fill an empty sequence with @positions, at most the context. What comes from
 * elsewhere is never taken for the result of any tokens. -ENOMEM: the sequence
 * is empty still.
 */
int ct_seq_kv_set(struct ct_seq *seq, uint32_t positions, const void *src,
		  struct ct_err *err);

/* ---- Sources of models that have an encoder ------------------------------ */

/*
 * A source that has been read: its keys and values for all layers of the decoder,
 * which sequences share. Any thread's.
 */
struct ct_source;

/*
 * Read @n tokens, at most the context, in one step. @cost, unless NULL, is an array by
 * kind (added to); @device_ns as of a step's row, all of it. -ENOTSUP: the model
 * has no encoder; -E2BIG, -EINVAL, -ENOMEM, -EIO, -ENODEV as ct_core_step().
 */
int ct_core_encode(struct ct_core *core, const uint32_t *tokens, size_t n,
		   struct ctrans_cost cost[CTRANS_KINDS], uint64_t *device_ns,
		   struct ct_source **source, struct ct_err *err);
void ct_source_hold(struct ct_source *source);
/* NULL is allowed. */
void ct_source_drop(struct ct_source *source);

/* What the sequence attends to from now on, which it holds for itself; or NULL. */
void ct_seq_attend(struct ct_seq *seq, struct ct_source *source);
bool ct_seq_has_source(const struct ct_seq *seq);
/* @seq becomes what @other is, in the same memory, as a fork would. */
void ct_seq_become(struct ct_seq *seq, const struct ct_seq *other);

struct ct_ranked {
	uint32_t id;
	float logit;
};

struct ct_best {
	float lse;		/* log of the sum of exp of all logits */
	uint32_t n;		/* CT_STEP_TOPK, or all that are a number */
	/* highest logit first, the lower id on a tie */
	struct ct_ranked top[CT_STEP_TOPK];
};

struct ct_step_row {
	struct ct_seq *seq;
	uint32_t token;
	/* What is wanted after this token; NULL where it is not. */
	float *logits;		/* [vocabulary] */
	struct ct_best *best;
	/* and the logit of one token, e.g. the one that really follows */
	bool want_target;
	uint32_t target;
	float target_logit;
	uint64_t device_ns;	/* its part of the step's, doorbell to completion */
};

/* Whether a step hands something of this row out. */
static inline bool ct_row_wants(const struct ct_step_row *row)
{
	return row->logits || row->best || row->want_target;
}

/*
 * Run 1..CT_STEP_ROWS rows. Rows of one sequence follow each other, each taking
 * the sequence's next position; at most CT_STEP_LOGITS rows want something.
 * Sequences advance only if all went well. @cost, unless NULL, gets an array by
 * row of cost by kind (added to).
 * -E2BIG context full, -EINVAL token out of range, -ENOMEM, -EIO the device
 * failed the job, -ENODEV it is gone.
 */
int ct_core_step(struct ct_core *core, struct ct_step_row *rows, size_t n,
		 struct ctrans_cost (*cost)[CTRANS_KINDS], struct ct_err *err);

/* sum += part */
void ct_cost_add(struct ctrans_cost *sum, const struct ctrans_cost *part);

#endif
