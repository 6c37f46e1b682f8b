// SPDX-License-Identifier: MIT
/* Interrupts of queues: arming, clearing, vectors, and that none is lost. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "chip_bench.h"

static struct bench b;

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 2 << 20, BENCH_ORDERED);
}

static void teardown(void)
{
	bench_close(&b);
}

static uint32_t raised(unsigned int vector)
{
	return atomic_exchange(&b.raised[vector], 0);
}

static void one_nop(unsigned int slot)
{
	bench_fill_nops(&b, slot, 0, 1);
	bench_ring(&b, slot);
	bench_work(&b);
	bench_take(&b, slot);
}

static void clear_pending(unsigned int slot)
{
	chip_write(b.chip, slot < 32 ? CTRANS_REG_QPEND_LO : CTRANS_REG_QPEND_HI,
		   1u << slot % 32);
}

static bool pending(unsigned int slot)
{
	return bench_reg(&b, slot < 32 ? CTRANS_REG_QPEND_LO : CTRANS_REG_QPEND_HI) >>
	       slot % 32 & 1;
}

START_TEST(arming)
{
	unsigned int q = _i ? 40 : 5;

	bench_queue(&b, q, 0, 3, 3, 7);
	/* starting arms with what the words hold, the index that was set */
	ck_assert_uint_eq(raised(1 + q), 0);
	chip_doorbell(b.chip, q, CTRANS_DB_ARM, 7);
	one_nop(q);
	ck_assert_uint_eq(raised(1 + q), 1);
	ck_assert(pending(q));
	clear_pending(q);
	ck_assert_uint_eq(raised(1 + q), 0);
	ck_assert(!pending(q));

	/* nobody asked: no interrupt */
	one_nop(q);
	ck_assert_uint_eq(raised(1 + q), 0);
	/* one for the next completion, and only that */
	chip_doorbell(b.chip, q, CTRANS_DB_ARM, 9);
	ck_assert_uint_eq(raised(1 + q), 0);
	one_nop(q);
	ck_assert_uint_eq(raised(1 + q), 1);
	one_nop(q);
	clear_pending(q);
	one_nop(q);
	ck_assert_uint_eq(raised(1 + q), 0);
	/* at once if the index has moved on already */
	chip_doorbell(b.chip, q, CTRANS_DB_ARM, 11);
	ck_assert_uint_eq(raised(1 + q), 1);
	clear_pending(q);
	/* an equal store means nothing */
	chip_doorbell(b.chip, q, CTRANS_DB_ARM, 11);
	ck_assert_uint_eq(raised(1 + q), 0);
	ck_assert_uint_eq(raised(0), 0);
}
END_TEST

START_TEST(kernel_arm)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	ck_assert_uint_eq(raised(1), 0);
	/* both words armed since the start: one interrupt */
	one_nop(0);
	ck_assert_uint_eq(raised(1), 1);
	clear_pending(0);
	ck_assert_uint_eq(raised(1), 0);

	bench_qset(&b, 0, CTRANS_Q_ARM, 1);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_ARM), 1);
	one_nop(0);
	ck_assert_uint_eq(raised(1), 1);
	/* the user arms while it is pending: nothing until it is cleared */
	chip_doorbell(b.chip, 0, CTRANS_DB_ARM, 1);
	ck_assert_uint_eq(raised(1), 0);
	one_nop(0);
	ck_assert_uint_eq(raised(1), 0);
	clear_pending(0);
	ck_assert_uint_eq(raised(1), 1);
	clear_pending(0);
	ck_assert_uint_eq(raised(1), 0);
	/* writing other bits clears nothing */
	bench_qset(&b, 0, CTRANS_Q_ARM, 2);
	ck_assert_uint_eq(raised(1), 1);
	chip_write(b.chip, CTRANS_REG_QPEND_LO, ~1u);
	chip_write(b.chip, CTRANS_REG_QPEND_HI, ~0u);
	ck_assert(pending(0));
}
END_TEST

/* The words of a slot's last owner are no words of the next. */
START_TEST(reused_slot)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	chip_doorbell(b.chip, 0, CTRANS_DB_ARM, 1);
	bench_qset(&b, 0, CTRANS_Q_ARM, 1);
	raised(1);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	/* both words fire: the second as soon as the first is through */
	clear_pending(0);
	clear_pending(0);
	bench_queue(&b, 0, 0, 3, 3, 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_ARM), 0);
	one_nop(0);
	raised(1);
	clear_pending(0);
	raised(1);
	/* what the last owner had stored arms now that this one stores it */
	chip_doorbell(b.chip, 0, CTRANS_DB_ARM, 1);
	one_nop(0);
	ck_assert_uint_eq(raised(1), 1);
	clear_pending(0);
	bench_qset(&b, 0, CTRANS_Q_ARM, 2);
	one_nop(0);
	ck_assert_uint_eq(raised(1), 1);
}
END_TEST

START_TEST(vectors_and_mask)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	bench_queue(&b, 1, 0, 3, 3, 0);
	bench_qset(&b, 1, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	bench_qset(&b, 1, CTRANS_Q_VEC, 20);
	bench_qset(&b, 1, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	one_nop(0);
	one_nop(1);
	ck_assert_uint_eq(raised(1), 1);
	ck_assert_uint_eq(raised(2), 0);
	ck_assert_uint_eq(raised(21), 1);
	/* events: masked after reset, raised once they are let through */
	chip_doorbell(b.chip, 0, CTRANS_DB_SQ_TAIL, 1000);
	bench_work(&b);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_ERROR), CTRANS_QERR_SQ_TAIL);
	ck_assert_uint_eq(raised(0), 0);
	chip_write(b.chip, CTRANS_REG_IRQ_MASK, CTRANS_IRQ_MMU);
	ck_assert_uint_eq(raised(0), 0);
	chip_write(b.chip, CTRANS_REG_IRQ_MASK, CTRANS_IRQ_QUEUE_ERR);
	ck_assert_uint_ge(raised(0), 1);
	chip_write(b.chip, CTRANS_REG_IRQ_STATUS, CTRANS_IRQ_QUEUE_ERR);
	chip_doorbell(b.chip, 1, CTRANS_DB_SQ_TAIL, 1000);
	bench_work(&b);
	ck_assert_uint_eq(raised(0), 1);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_QERR_LO), 3);
	chip_write(b.chip, CTRANS_REG_QERR_LO, 1);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_QERR_LO), 2);
}
END_TEST

static void *lend(void *arg)
{
	_Atomic bool *stop = arg;

	while (!atomic_load(stop)) {
		if (bench_work(&b) < 1)
			usleep(1);
	}
	return NULL;
}

/* Sleepers that trust the interrupt alone are always woken. */
START_TEST(no_lost_interrupt)
{
	_Atomic bool stop = false;
	pthread_t t;

	bench_queue(&b, 0, 0, 3, 3, 0);
	clear_pending(0);
	ck_assert_int_eq(pthread_create(&t, NULL, lend, &stop), 0);
	for (uint64_t i = 0; i < 2000; i++) {
		uint32_t index = (uint32_t)i;
		int tries = 0;

		bench_fill_nops(&b, 0, i, 1);
		bench_ring(&b, 0);
		clear_pending(0);
		chip_doorbell(b.chip, 0, CTRANS_DB_ARM, index);
		while (!atomic_load(&b.raised[1]) && tries++ < 200000)
			usleep(10);
		ck_assert_int_lt(tries, 200000);
		atomic_store(&b.raised[1], 0);
		while (__atomic_load_n(&bench_line(&b, 0)->cq_tail, __ATOMIC_ACQUIRE) ==
		       index)
			usleep(1);
		bench_take(&b, 0);
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_irq");
	TCase *t = tcase_create("interrupts");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, arming, 0, 2);
	tcase_add_test(t, kernel_arm);
	tcase_add_test(t, reused_slot);
	tcase_add_test(t, vectors_and_mask);
	tcase_add_test(t, no_lost_interrupt);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
