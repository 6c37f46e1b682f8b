// SPDX-License-Identifier: MIT
/*
 * What the kernel needs to put a chip to sleep and to take a context off it: which
 * queues are busy, the words of their doorbells, CTX_RESET.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "chip_bench.h"

static struct bench b;

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
	bench_grow(&b, 1, 1 << 20, BENCH_SHUFFLED);
}

static void teardown(void)
{
	bench_close(&b);
}

static uint64_t busy(void)
{
	uint64_t lo = bench_reg(&b, CTRANS_REG_QBUSY_LO);

	return lo | (uint64_t)bench_reg(&b, CTRANS_REG_QBUSY_HI) << 32;
}

/* ---- Busy --------------------------------------------------------------- */

START_TEST(by_words)
{
	static const unsigned int slots[] = { 0, 31, 32, 63 };

	ck_assert_uint_eq(busy(), 0);
	for (int i = 0; i < 4; i++) {
		uint64_t bit = 1ull << slots[i];
		uint32_t start = 0xfffffffe;

		bench_queue(&b, slots[i], 0, 3, 3, start);
		ck_assert_uint_eq(busy(), 0);
		bench_fill_nops(&b, slots[i], 0, 3);
		bench_ring(&b, slots[i]);
		ck_assert_uint_eq(busy(), bit);
		/* looking has changed nothing: neither register nor line */
		ck_assert_uint_eq(busy(), bit);
		ck_assert_uint_eq(bench_qreg(&b, slots[i], CTRANS_Q_SQ_HEAD), start);
		ck_assert_uint_eq(bench_line(&b, slots[i])->sq_head, start);
		/* who is not RUNNING is not */
		bench_qset(&b, slots[i], CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
		ck_assert_uint_eq(busy(), 0);
		bench_qset(&b, slots[i], CTRANS_Q_CTRL, CTRANS_QCTRL_START);
		ck_assert_uint_eq(busy(), bit);
		ck_assert_int_eq(bench_work(&b), 3);
		ck_assert_uint_eq(busy(), 0);
	}
}
END_TEST

/* Nobody takes the completions: nothing moves until somebody does. */
START_TEST(by_completions)
{
	bench_queue(&b, 5, 0, 5, 3, 100);
	bench_fill_nops(&b, 5, 0, 10);
	bench_ring(&b, 5);
	ck_assert_int_eq(bench_work(&b), 8);
	ck_assert_uint_eq(busy(), 0);
	bench_take(&b, 5);
	ck_assert_uint_eq(busy(), 1 << 5);
	ck_assert_int_eq(bench_work(&b), 1);
	ck_assert_uint_eq(busy(), 0);
}
END_TEST

/* A word that is about to stop the queue: told before, and not after. */
START_TEST(by_bad_words)
{
	uint32_t word = _i ? CTRANS_DB_CQ_HEAD : CTRANS_DB_SQ_TAIL;

	bench_queue(&b, 9, 0, 3, 3, 7);
	chip_doorbell(b.chip, 9, word, 1000);
	ck_assert_uint_eq(busy(), 1 << 9);
	ck_assert_uint_eq(bench_qreg(&b, 9, CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_QERR_LO), 0);
	ck_assert_int_eq(bench_work(&b), 0);
	ck_assert_uint_eq(bench_qreg(&b, 9, CTRANS_Q_ERROR),
			  _i ? CTRANS_QERR_CQ_HEAD : CTRANS_QERR_SQ_TAIL);
	ck_assert_uint_eq(busy(), 0);
}
END_TEST

START_TEST(by_job)
{
	struct ctrans_sqe sqe = bench_long_job(&b, 0);
	pthread_t t;

	bench_queue(&b, 40, 0, 3, 3, 0);
	bench_fill(&b, 40, &sqe);
	bench_ring(&b, 40);
	t = bench_lend(&b);
	bench_wait_active(&b, 40, true);
	ck_assert_uint_eq(busy(), 1ull << 40);
	/* still, until the job has left */
	bench_qset(&b, 40, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	ck_assert_uint_eq(busy(), 1ull << 40);
	bench_qset(&b, 40, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	bench_wait_active(&b, 40, false);
	ck_assert_uint_eq(busy(), 0);
	bench_end(&b, t);
}
END_TEST

/* ---- Words --------------------------------------------------------------- */

static uint32_t sq_tail(void)
{
	return bench_qreg(&b, 0, CTRANS_Q_SQ_TAIL);
}

static uint32_t cq_head(void)
{
	return bench_qreg(&b, 0, CTRANS_Q_CQ_HEAD);
}

/* What nobody has looked at yet is carried over; what is impossible is not. */
START_TEST(words)
{
	bench_queue(&b, 0, 0, 3, 3, 0xfffffffd);
	bench_fill_nops(&b, 0, 0, 4);
	bench_ring(&b, 0);
	ck_assert_uint_eq(sq_tail(), 1);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	ck_assert_uint_eq(sq_tail(), 1);
	bench_qset(&b, 0, CTRANS_Q_SQ_TAIL, sq_tail());
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	ck_assert_int_eq(bench_work(&b), 4);
	ck_assert_uint_eq(bench_line(&b, 0)->cq_tail, 1);

	chip_doorbell(b.chip, 0, CTRANS_DB_CQ_HEAD, 0xffffffff);
	ck_assert_uint_eq(cq_head(), 0xffffffff);
	for (int i = 0; i < 2; i++) {
		/* the last that was taken, before and after it has stopped the queue */
		chip_doorbell(b.chip, 0, CTRANS_DB_SQ_TAIL, i ? 0 : 10);
		ck_assert_uint_eq(sq_tail(), 1);
		bench_work(&b);
		ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_ERROR), CTRANS_QERR_SQ_TAIL);
		ck_assert_uint_eq(sq_tail(), 1);
		/* written back it heals */
		bench_qset(&b, 0, CTRANS_Q_SQ_TAIL, sq_tail());
		bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
		ck_assert_int_eq(bench_work(&b), 0);
		ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_STATE),
				  CTRANS_QSTATE_RUNNING);
	}
	chip_doorbell(b.chip, 0, CTRANS_DB_CQ_HEAD, 2);
	ck_assert_uint_eq(cq_head(), 0xffffffff);
}
END_TEST

/* ---- A context's reset ---------------------------------------------------- */

START_TEST(context_reset)
{
	struct ctrans_sqe sqe = bench_long_job(&b, 0), nop = { .op = CTRANS_OP_NOP };
	uint32_t errors;
	pthread_t t;

	/* in context 0 a job, entries, an error; one that is stopped; and a neighbour */
	bench_queue(&b, 7, 0, 3, 3, 5);
	bench_queue(&b, 8, 0, 3, 3, 0);
	bench_queue(&b, 9, 0, 3, 3, 0);
	bench_queue(&b, 10, 0, 3, 3, 0);
	bench_queue(&b, 11, 1, 3, 3, 0);
	bench_qset(&b, 10, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	chip_doorbell(b.chip, 9, CTRANS_DB_SQ_TAIL, 1000);
	bench_work(&b);
	ck_assert_uint_eq(bench_qreg(&b, 9, CTRANS_Q_STATE), CTRANS_QSTATE_ERROR);
	errors = atomic_load(&b.raised[1 + 7]);
	bench_fill(&b, 7, &sqe);
	bench_fill_nops(&b, 7, 0, 1);
	bench_ring(&b, 7);
	t = bench_lend(&b);
	bench_wait_active(&b, 7, true);
	bench_fill(&b, 8, &nop);
	bench_ring(&b, 8);
	bench_fill(&b, 11, &nop);
	bench_ring(&b, 11);

	/* not theirs */
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 2);
	chip_write(b.chip, CTRANS_REG_CTX_RESET, CTRANS_CONTEXTS);
	chip_write(b.chip, CTRANS_REG_CTX_RESET, UINT32_MAX);
	usleep(1000);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_ACTIVE), 1);
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	bench_wait_active(&b, 7, false);
	for (unsigned int i = 7; i < 11; i++) {
		ck_assert_uint_eq(bench_qreg(&b, i, CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
		ck_assert_uint_eq(bench_line(&b, i)->state, CTRANS_QSTATE_STOPPED);
	}
	/* fetched, and never completed; what followed it is where it was */
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_SQ_HEAD), 6);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_SQ_TAIL), 7);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_CQ_TAIL), 5);
	ck_assert_uint_eq(bench_line(&b, 7)->cq_tail, 5);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_ERROR), CTRANS_QERR_NONE);
	ck_assert_uint_eq(atomic_load(&b.raised[1 + 7]), errors);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_ENERGY_LO), 0);
	ck_assert_uint_eq(bench_qreg(&b, 8, CTRANS_Q_SQ_HEAD), 0);
	/* the neighbour's job is done */
	while (bench_qreg(&b, 11, CTRANS_Q_CQ_TAIL) != 1)
		usleep(20);
	ck_assert_uint_eq(bench_qreg(&b, 11, CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
	bench_end(&b, t);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_CTX_RESET), 0);
	/* and the context's queues can be started again */
	bench_qset(&b, 7, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_work(&b);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_SQ_HEAD), 7);
	ck_assert_int_eq(bench_take(&b, 7).status, CTRANS_ST_OK);
}
END_TEST

/* After an abort that is not obeyed, and beside a reset of everything. */
START_TEST(context_reset_and_others)
{
	struct ctrans_sqe sqe = bench_long_job(&b, 0);
	pthread_t t;

	for (int i = 0; i < 2; i++) {
		bench_queue(&b, 7, 0, 3, 3, 0);
		bench_fill(&b, 7, &sqe);
		bench_ring(&b, 7);
		t = bench_lend(&b);
		bench_wait_active(&b, 7, true);
		bench_qset(&b, 7, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
		chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
		if (i)
			chip_write(b.chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
		bench_wait_active(&b, 7, false);
		ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_SQ_HEAD), i ? 0 : 1);
		ck_assert_uint_eq(bench_line(&b, 7)->cq_tail, 0);
		ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_STATE), CTRANS_STATE_READY);
		bench_end(&b, t);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_idle");
	TCase *t = tcase_create("idle");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, by_words);
	tcase_add_test(t, by_completions);
	tcase_add_loop_test(t, by_bad_words, 0, 2);
	tcase_add_test(t, by_job);
	tcase_add_test(t, words);
	tcase_add_test(t, context_reset);
	tcase_add_test(t, context_reset_and_others);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
