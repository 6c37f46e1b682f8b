/* SPDX-License-Identifier: MIT */
/* Models of all families, small and of random weights, as Hugging Face has them. */
#ifndef SMALL_STACKS_H
#define SMALL_STACKS_H

#include <stdbool.h>

#include "ctrans.h"

enum small_family {
	SMALL_GPT2,
	SMALL_T5,		/* ReLU, and a task whose sources begin with "ab " */
	SMALL_T5_GATED,
	SMALL_FSMT,
	SMALL_FAMILIES
};

/* All of them; the encoder's have as many, or FSMT's SMALL_SOURCES. */
#define SMALL_TOKENS	44u
#define SMALL_SOURCES	40u
#define SMALL_POSITIONS	96u

static inline bool small_reads(enum small_family family)
{
	return family != SMALL_GPT2;
}

/* The directory of one, made once and removed at the end; without tokenizer. */
const char *small_stack(enum small_family family);
/* A SentencePiece model into it. */
void small_spiece(const char *dir, const void *bytes, unsigned long len);
/* One opened on two threads; what is NULL is as a caller has it who says nothing. */
struct ctrans_model *small_stack_open(enum small_family family, const char *policy,
				      const char *speculation, const char *calibration);

#endif
