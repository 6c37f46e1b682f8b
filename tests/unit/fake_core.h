/* SPDX-License-Identifier: MIT */
/*
 * A core without chip: logits are a hash of all tokens of the sequence, so
 * that a token too many, too few or in another place shows at once, and steps
 * fail when they are told to. Linked instead of the real one, it shows what
 * engine/ makes of it: which rows it runs, what it sums, how it gets over
 * failures.
 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include "engine/core.h"

#define FAKE_VOCAB	259u	/* 256 bytes, "<|endoftext|>", a hole, "<word>" */
#define FAKE_EOS	256u
#define FAKE_HOLE	257u
#define FAKE_WORD	258u

struct fake_core {
	uint32_t context;	/* default 64 */
	bool no_bpe, no_weights, no_bos;
	/* The step with this number (from 1) fails with this code. */
	unsigned long fail_at;
	int fail_code;
	/* A step with this token in it fails with -EIO. */
	uint32_t poison;
	/* What sequences are forced to continue with, then the hash; or NULL. */
	const char *script;
	uint32_t script_from;	/* position that its first byte follows */
	/* Positions there is memory for, of all sequences; 0: no limit. */
	unsigned long room;
	unsigned int sleep_us;	/* a step takes */
	uint32_t known;		/* tokens that others are said to have run */
	/* Per cent of texts that a little core goes on with otherwise. */
	unsigned int noise;
	uint32_t little_context;	/* 0: as the other's */
	int little_fail;	/* what a little core's steps fail with; 0: they do not */
	/* seen */
	unsigned long steps, rows, most_rows, open_seqs;
	unsigned long little_steps;	/* among them */
	unsigned long held;	/* positions of all sequences */
};

extern struct fake_core fake;

/* As new. */
void fake_reset(void);
/* While threads are running. */
void fake_sleep(unsigned int us);
unsigned long fake_open_seqs(void);

/* The logits after @n tokens, but for a little core's noise. */
void fake_logits(const uint32_t *tokens, size_t n, float logits[FAKE_VOCAB]);

#endif
