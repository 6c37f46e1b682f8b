/* SPDX-License-Identifier: MIT */
#ifndef TEST_MMAP_H
#define TEST_MMAP_H

/* mmap_maps.c: buffers, doorbells, status under the calls of memory management */
void bo_maps(void);
void bo_outlives(void);
void bo_fork(void);
void queue_remap(void);
void queue_advice(void);
void queue_fork(void);
void queue_exec(void);
void queue_outlives(void);
void status_short(void);

/* mmap_prime.c: buffers that change hands */
void prime_two_files(void);
void prime_self(void);
void prime_bad(void);
void prime_outlives(void);
void prime_foreign(void);
void prime_jobs(void);

#endif
