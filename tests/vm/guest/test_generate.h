/* SPDX-License-Identifier: MIT */
/* Tests of test_generate.c that live in other files. */
#ifndef TEST_GENERATE_H
#define TEST_GENERATE_H

/* generate_share.c: a chip for several processes */
void two_processes(void);
void killed(void);
void memory_is_given_back(void);

/* generate_loss.c: a chip that goes */
void unbound(void);
void unbound_in_line(void);
void timed_out(void);

#endif
