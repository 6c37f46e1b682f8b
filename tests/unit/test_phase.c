// SPDX-License-Identifier: MIT
/*
 * Claims: every piece of a phase goes to one worker, whoever comes and when. And
 * the end of all phases, which nobody misses.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "chip/internal.h"
#include "chip_must.h"

#define WORKERS	6u
#define MOST	3000u

static struct chip chip;
static struct chip_worker workers[WORKERS];
static struct chip_claims claims[WORKERS];
static _Atomic uint8_t taken[MOST];

static void set_up(unsigned int parts)
{
	memset(&chip, 0, sizeof(chip));
	memset(workers, 0, sizeof(workers));
	memset(claims, 0, sizeof(claims));
	chip.n_workers = WORKERS;
	chip.n_parts = parts;
	chip.workers = workers;
	chip.claims = claims;
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i].chip = &chip;
		workers[i].index = i;
	}
}

/* As entering the phase does. */
static void come(struct chip_worker *w, uint32_t phase)
{
	w->phase = phase;
	w->tried = 0;
	w->ranged = false;
}

static bool take(struct chip_worker *w, uint32_t n, uint32_t grain)
{
	uint32_t lo, hi;

	if (!chip_claim(w, n, grain, &lo, &hi))
		return false;
	MUST(lo < hi && hi <= n && lo % grain == 0 && (hi % grain == 0 || hi == n));
	MUST(hi <= w->range_end);
	for (uint32_t i = lo; i < hi; i++)
		MUST(!atomic_fetch_add(&taken[i], 1));
	return true;
}

static void all_taken(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		MUST(atomic_load(&taken[i]) == 1);
	for (uint32_t i = n; i < MOST; i++)
		MUST(atomic_load(&taken[i]) == 0);
	memset((void *)taken, 0, sizeof(taken));
}

/* In any order, some of them late or never; phase after phase. */
START_TEST(once)
{
	unsigned int seed = 3, phase = UINT32_MAX - 100;

	for (unsigned int parts = 1; parts <= WORKERS; parts++) {
		set_up(parts);
		for (int round = 0; round < 200; round++) {
			uint32_t n = (uint32_t)rand_r(&seed) % MOST;
			uint32_t grain = 1u << rand_r(&seed) % 4;
			unsigned int come_at_all = 1 + (unsigned int)rand_r(&seed) % WORKERS;
			unsigned int left = come_at_all;
			bool done[WORKERS] = { false };

			phase++;
			for (unsigned int i = 0; i < come_at_all; i++)
				come(&workers[i], phase);
			while (left) {
				unsigned int i = (unsigned int)rand_r(&seed) % come_at_all;

				if (done[i] || take(&workers[i], n, grain))
					continue;
				done[i] = true;
				left--;
			}
			all_taken(n);
		}
	}
}
END_TEST

/* Alone among absent ones a worker goes through its own range first. */
START_TEST(own_first)
{
	uint32_t lo, hi, at = 40;

	set_up(3);
	come(&workers[1], 1);
	while (at < 80) {
		ck_assert(chip_claim(&workers[1], 120, 4, &lo, &hi));
		ck_assert_uint_eq(lo, at);
		at = hi;
	}
	ck_assert_uint_eq(at, 80);
	ck_assert(chip_claim(&workers[1], 120, 4, &lo, &hi));
	ck_assert_uint_eq(lo, 80);
	/* who comes now finds what is left of its own */
	come(&workers[2], 1);
	ck_assert(chip_claim(&workers[2], 120, 4, &lo, &at));
	ck_assert_uint_eq(lo, hi);
	come(&workers[0], 1);
	ck_assert(chip_claim(&workers[0], 120, 4, &lo, &hi));
	ck_assert_uint_eq(lo, 0);
}
END_TEST

/* ---- Threads ------------------------------------------------------------ */

static pthread_barrier_t all;

static void *phases(void *arg)
{
	struct chip_worker *w = arg;

	for (uint32_t phase = 1; phase <= 300; phase++) {
		pthread_barrier_wait(&all);
		come(w, phase);
		while (take(w, MOST - phase, 1 + phase % 5))
			;
		pthread_barrier_wait(&all);
		if (!w->index)
			all_taken(MOST - phase);
	}
	return NULL;
}

START_TEST(at_once)
{
	pthread_t thread[WORKERS];

	set_up(4);
	ck_assert_int_eq(pthread_barrier_init(&all, NULL, WORKERS), 0);
	for (unsigned int i = 1; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, phases,
						&workers[i]), 0);
	phases(&workers[0]);
	for (unsigned int i = 1; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&all);
}
END_TEST

#define ROUNDS	5000u

/* Rounds begun and ended; looked at without sleeping, so that both are on time. */
static _Atomic uint32_t begun, ended;

static void await(_Atomic uint32_t *count, uint32_t n)
{
	for (unsigned int i = 1; atomic_load(count) != n; i++)
		if (i % 1000 == 0)
			sched_yield();
}

static void *help(void *arg)
{
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		await(&begun, round);
		chip_phase_help(arg);
		atomic_store(&ended, round);
	}
	return NULL;
}

/* The end comes while a helper is about to wait: it must not wait for more. */
START_TEST(quits)
{
	pthread_t thread;

	set_up(2);
	ck_assert_int_eq(pthread_create(&thread, NULL, help, &workers[1]), 0);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		set_up(2);
		chip.n_workers = 2;
		chip_phase_init(&chip);
		atomic_store(&begun, round);
		for (volatile uint32_t i = 0; i < round % 100; i++)
			;
		chip_phase_quit(&chip);
		await(&ended, round);
	}
	pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("phase");
	TCase *tc = tcase_create("phase");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, once);
	tcase_add_test(tc, own_first);
	tcase_add_test(tc, at_once);
	tcase_add_test(tc, quits);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
