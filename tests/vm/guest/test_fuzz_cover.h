/* SPDX-License-Identifier: MIT */
#ifndef TEST_FUZZ_COVER_H
#define TEST_FUZZ_COVER_H

#include <stdint.h>

extern unsigned int fuzz_seconds;
extern uint64_t fuzz_seed;

/* test_fuzz_cover.c: programs led by what they reach */
void cover(void);
/* fuzz_evil.c: a chip whose registers say anything, under ordinary users */
void evil(void);

#endif
