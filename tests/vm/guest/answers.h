/* SPDX-License-Identifier: MIT */
/*
 * Texts that the library writes on one device and on another, for tests that
 * they are the same. Only the library's public interface is used.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

#define ANSWER_TOKENS	24
#define ANSWERS		4u

struct answer {
	uint32_t token[ANSWER_TOKENS];
	size_t n;
};

/* $CTRANS_SOURCE/models/demo */
const char *demo_model(void);

/* As ctrans_model_open(); @kv may be NULL. */
int open_on(const char *device, const char *path, const char *kv,
	    struct ctrans_model **model);

/* The @i-th of ANSWERS requests: some greedy, some drawn. */
int answer_on(struct ctrans_model *model, unsigned int i, struct answer *a);
const char *answer_prompt(unsigned int i);
void answer_params(unsigned int i, struct ctrans_generate_params *params);

bool same_answer(const struct answer *a, const struct answer *b);

/* What the chip model in this process says to all of them. */
void expected_answers(const char *path, const char *kv, struct answer *a);

/* Are those of a model on a chip the same? One line of TAP. */
void check_answers(struct ctrans_model *model, const struct answer *expected,
		   const char *what);

#endif
