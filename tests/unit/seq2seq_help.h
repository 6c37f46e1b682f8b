/* SPDX-License-Identifier: MIT */
/* Models with an encoder: how they are opened, and what is known of them. */
#ifndef SEQ2SEQ_HELP_H
#define SEQ2SEQ_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "ctrans.h"
#include "engine/core.h"

/* Of tests/data/model; lasts until the next call. */
const char *seq2seq_data(const char *name);
/* Below CTRANS_SHARED_DIR; NULL, with a line that says so, where there is none. */
const char *seq2seq_shared(const char *name);

/* A file of JSON, to be freed with cJSON_Delete(); what is wrong ends the test. */
cJSON *seq2seq_json(const char *path);
/* Member @name, which must be there. */
const cJSON *seq2seq_get(const cJSON *object, const char *name);
double seq2seq_number(const cJSON *object, const char *name, double otherwise);
/* An array of ids, to be freed. */
uint32_t *seq2seq_ids(const cJSON *array, size_t *n);
/* Of tests/data/model/seq2seq.json that of model @name; @root is to be deleted. */
const cJSON *seq2seq_golden(const char *name, cJSON **root);

/* On the chip model with two threads; @device NULL: as said. */
struct ctrans_model *seq2seq_open(const char *path, uint32_t flags, const char *device);
struct ct_core *seq2seq_core(const char *path, uint32_t flags);

/*
 * The decoder's logits of one source and target, [n][vocabulary], to be freed;
 * @at_once rows in a step.
 */
float *seq2seq_decode(struct ct_core *core, const uint32_t *source, size_t n_source,
		      const uint32_t *target, size_t n, size_t at_once);

/* What must succeed, to be freed. */
struct ctrans_result *seq2seq_generate(struct ctrans_model *model, const char *prompt,
				       const struct ctrans_generate_params *p);
/* The tokens of both. */
void seq2seq_same(const struct ctrans_result *a, const struct ctrans_result *b);
/* The last error has @words in it. */
void seq2seq_says(const char *words);

#endif
