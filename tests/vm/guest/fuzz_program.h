/* SPDX-License-Identifier: MIT */
/*
 * Programs: some steps that one process makes, as tapes; made, changed, crossed,
 * written down and read back. And which of them are worth keeping: those that
 * reached what none did before.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdio.h>

#include "fuzz.h"

#define FUZZ_STEPS	20

struct fuzz_program {
	uint32_t n;
	struct fuzz_tape step[FUZZ_STEPS];
};

/* fuzz_program.c */
void program_new(struct fuzz_program *p, uint64_t *seed);
/* p, in one to four ways different; from takes a part of it, if given. */
void program_change(struct fuzz_program *p, const struct fuzz_program *from,
		    uint64_t *seed);
/* In this process: all steps, what they draw written to their tapes. */
void program_run(struct fuzz_program *p);
/* One line for each step; read() is false for what is no such line. */
void program_write(const struct fuzz_program *p, FILE *to);
bool program_read(struct fuzz_program *p, FILE *from);

/* fuzz_corpus.c: what is kept, the latest best */
void corpus_add(const struct fuzz_program *p);
unsigned int corpus_size(void);
const struct fuzz_program *corpus_pick(uint64_t *seed);

/* fuzz_chip.c: what happens to a chip besides, by chance */
bool chip_has_faults(void);
/* A knob turned, for some programs to come; NULL: none was. */
const char *chip_fault(uint64_t *seed);
/* The driver taken off and put back, a reset, a change of its patience. */
const char *chip_disturb(uint64_t *seed);
/* All knobs off; well again within RECOVERY_S, rebound if it was given up. */
bool chip_recovers(void);
/* No one but a fault's may be there. */
bool chip_unviolated(void);

#define RECOVERY_S	30

#endif
