// SPDX-License-Identifier: MIT
/* Queues: indices, stopping, and whose turn it is. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "chip_bench.h"
#include "chip_must.h"

static struct bench b;

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 2 << 20, BENCH_ORDERED);
	bench_grow(&b, 1, 1 << 20, BENCH_SHUFFLED);
}

static void teardown(void)
{
	bench_close(&b);
}

static void fails_with(unsigned int slot, uint32_t error)
{
	ck_assert_uint_eq(bench_qreg(&b, slot, CTRANS_Q_STATE), CTRANS_QSTATE_ERROR);
	ck_assert_uint_eq(bench_qreg(&b, slot, CTRANS_Q_ERROR), error);
	ck_assert_uint_eq(bench_line(&b, slot)->state, CTRANS_QSTATE_ERROR);
	ck_assert_uint_eq(bench_line(&b, slot)->error, error);
	ck_assert_uint_ne(bench_reg(&b, slot < 32 ? CTRANS_REG_QERR_LO :
					 CTRANS_REG_QERR_HI) >> slot % 32 & 1, 0);
	ck_assert_uint_ne(bench_reg(&b, CTRANS_REG_IRQ_STATUS) & CTRANS_IRQ_QUEUE_ERR, 0);
}

/* ---- Indices ---------------------------------------------------------- */

/* Through the wrap of the 32-bit indices, in bursts of all sizes. */
START_TEST(wraps)
{
	uint64_t sent = 0, seen = 0;

	bench_queue(&b, 63, 0, 4, 3, 0xffffffd0);
	ck_assert_uint_eq(bench_line(&b, 63)->sq_head, 0xffffffd0);
	ck_assert_uint_eq(bench_line(&b, 63)->cq_tail, 0xffffffd0);
	ck_assert_uint_eq(bench_line(&b, 63)->fault_insn, 0xffffffff);
	for (uint32_t burst = 1; seen < 200; burst = burst % 16 + 1) {
		bench_fill_nops(&b, 63, sent, burst);
		sent += burst;
		bench_ring(&b, 63);
		while (seen < sent) {
			bench_work(&b);
			/* the completion queue has 8: not more wait in it */
			ck_assert_uint_le(bench_line(&b, 63)->cq_tail - b.q[63].head, 8);
			ck_assert_uint_eq(bench_take(&b, 63).user_data, seen);
			seen++;
		}
	}
	ck_assert_uint_eq(bench_qreg(&b, 63, CTRANS_Q_CQ_TAIL),
			  0xffffffd0 + (uint32_t)seen);
	ck_assert_uint_eq(bench_qreg(&b, 63, CTRANS_Q_SQ_HEAD), b.q[63].tail);
	ck_assert_uint_eq(bench_qreg(&b, 63, CTRANS_Q_SQ_TAIL), b.q[63].tail);
}
END_TEST

START_TEST(full_completions)
{
	bench_queue(&b, 0, 0, 5, 3, 100);
	bench_fill_nops(&b, 0, 0, 32);
	bench_ring(&b, 0);
	bench_work(&b);
	/* admitted no more than there is room for */
	ck_assert_uint_eq(bench_line(&b, 0)->cq_tail, 108);
	ck_assert_uint_eq(bench_line(&b, 0)->sq_head, 108);
	ck_assert_int_eq(bench_work(&b), 0);
	for (uint64_t i = 0; i < 32; i++) {
		ck_assert_uint_eq(bench_take(&b, 0).user_data, i);
		bench_work(&b);
		ck_assert_uint_le(bench_line(&b, 0)->cq_tail, 100 + 9 + i);
	}
	ck_assert_uint_eq(bench_line(&b, 0)->cq_tail, 132);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
}
END_TEST

START_TEST(equal_stores)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	chip_doorbell(b.chip, 0, CTRANS_DB_SQ_TAIL, 0);
	ck_assert_int_eq(bench_work(&b), 0);
	bench_fill_nops(&b, 0, 0, 2);
	bench_ring(&b, 0);
	bench_ring(&b, 0);
	ck_assert_int_eq(bench_work(&b), 2);
	for (int i = 0; i < 5; i++) {
		bench_ring(&b, 0);
		chip_doorbell(b.chip, 0, CTRANS_DB_CQ_HEAD, 0);
		ck_assert_int_eq(bench_work(&b), 0);
	}
	ck_assert_uint_eq(bench_line(&b, 0)->cq_tail, 2);
	/* nothing else decodes */
	for (uint32_t off = 0xc; off < CTRANS_DB_PAGE_SIZE; off += 4)
		chip_doorbell(b.chip, 0, off, 77);
	chip_doorbell(b.chip, CTRANS_QUEUES, CTRANS_DB_SQ_TAIL, 77);
	ck_assert_int_eq(bench_work(&b), 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
}
END_TEST

static const struct {
	uint32_t start;		/* of all indices */
	uint32_t sq_tail, cq_head;	/* stored, relative to start */
	uint32_t error;
} bad_indices[] = {
	{ 0, 9, 0, CTRANS_QERR_SQ_TAIL },
	{ 0, 0x80000000, 0, CTRANS_QERR_SQ_TAIL },
	{ 0, 0xffffffff, 0, CTRANS_QERR_SQ_TAIL },
	{ 0xfffffffe, 9, 0, CTRANS_QERR_SQ_TAIL },
	{ 0xfffffffe, 0xffffffff, 0, CTRANS_QERR_SQ_TAIL },
	{ 5, 0, 1, CTRANS_QERR_CQ_HEAD },
	{ 5, 0, 0xffffffff, CTRANS_QERR_CQ_HEAD },
	{ 0xffffffff, 0, 1, CTRANS_QERR_CQ_HEAD },
	{ 0xffffffff, 0, 0xffffffff, CTRANS_QERR_CQ_HEAD },
};

START_TEST(impossible_indices)
{
	uint32_t start = bad_indices[_i].start;

	bench_queue(&b, 9, 0, 3, 3, start);
	bench_queue(&b, 10, 0, 3, 3, 0);
	chip_doorbell(b.chip, 9, CTRANS_DB_SQ_TAIL, start + bad_indices[_i].sq_tail);
	chip_doorbell(b.chip, 9, CTRANS_DB_CQ_HEAD, start + bad_indices[_i].cq_head);
	bench_fill_nops(&b, 10, 0, 1);
	bench_ring(&b, 10);
	bench_work(&b);
	fails_with(9, bad_indices[_i].error);
	ck_assert_uint_eq(bench_line(&b, 9)->cq_tail, start);
	ck_assert_uint_eq(bench_qreg(&b, 9, CTRANS_Q_CQ_TAIL), start);
	ck_assert_uint_eq(bench_take(&b, 10).user_data, 0);
	/* the kernel puts the indices right and starts it again */
	bench_qset(&b, 9, CTRANS_Q_SQ_TAIL, start);
	bench_qset(&b, 9, CTRANS_Q_CQ_HEAD, start);
	bench_qset(&b, 9, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	ck_assert_uint_eq(bench_line(&b, 9)->error, CTRANS_QERR_NONE);
	bench_fill_nops(&b, 9, 50, 1);
	bench_ring(&b, 9);
	bench_work(&b);
	ck_assert_uint_eq(bench_take(&b, 9).user_data, 50);
}
END_TEST

/* Backwards within what has been taken but not yet fetched. */
START_TEST(backwards)
{
	bench_queue(&b, 0, 0, 4, 3, 0);
	bench_fill_nops(&b, 0, 0, 12);
	bench_ring(&b, 0);
	bench_work(&b);		/* 8 of 12: no room for more completions */
	ck_assert_uint_eq(bench_line(&b, 0)->sq_head, 8);
	chip_doorbell(b.chip, 0, CTRANS_DB_SQ_TAIL, 10);
	bench_work(&b);
	fails_with(0, CTRANS_QERR_SQ_TAIL);

	bench_queue(&b, 1, 0, 4, 3, 0);
	bench_fill_nops(&b, 1, 0, 4);
	bench_ring(&b, 1);
	bench_work(&b);
	chip_doorbell(b.chip, 1, CTRANS_DB_CQ_HEAD, 3);
	bench_work(&b);
	chip_doorbell(b.chip, 1, CTRANS_DB_CQ_HEAD, 2);
	bench_work(&b);
	fails_with(1, CTRANS_QERR_CQ_HEAD);
}
END_TEST

/* ---- Stopping --------------------------------------------------------- */

START_TEST(stop_start)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	bench_fill_nops(&b, 0, 0, 3);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	bench_ring(&b, 0);
	ck_assert_int_eq(bench_work(&b), 0);
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_STOPPED);
	bench_qset(&b, 0, CTRANS_Q_CTRL, 99);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_STOPPED);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	ck_assert_int_eq(bench_work(&b), 3);
	ck_assert_uint_eq(bench_line(&b, 0)->cq_tail, 3);
}
END_TEST

static void one_nop(unsigned int slot)
{
	bench_fill_nops(&b, slot, 0, 1);
	bench_ring(&b, slot);
	bench_work(&b);
	bench_take(&b, slot);
}

/* Carried over a loss of power: read the indices, write them back, go on. */
START_TEST(suspend)
{
	uint32_t saved[4], regs[] = { CTRANS_Q_SQ_HEAD, CTRANS_Q_SQ_TAIL,
				      CTRANS_Q_CQ_HEAD, CTRANS_Q_CQ_TAIL };
	struct bench_queue q;

	bench_queue(&b, 0, 0, 3, 3, 0xfffffffe);
	for (int i = 0; i < 5; i++)
		one_nop(0);
	bench_fill_nops(&b, 0, 70, 2);
	bench_ring(&b, 0);
	ck_assert_int_eq(bench_work(&b), 2);	/* not consumed yet */
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	for (int i = 0; i < 4; i++)
		saved[i] = bench_qreg(&b, 0, regs[i]);
	q = b.q[0];
	chip_write(b.chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_SQ_HEAD), 0);

	chip_write(b.chip, CTRANS_REG_CTX_TABLE_LO, (uint32_t)b.ctx_table);
	chip_write(b.chip, CTRANS_REG_CTX_TABLE_HI, 0);
	bench_qset(&b, 0, CTRANS_Q_SQ_VA_LO, (uint32_t)q.sq_va);
	bench_qset(&b, 0, CTRANS_Q_SQ_VA_HI, (uint32_t)(q.sq_va >> 32));
	bench_qset(&b, 0, CTRANS_Q_STATUS_LO, (uint32_t)q.status);
	bench_qset(&b, 0, CTRANS_Q_SIZES, 0x0303);
	for (int i = 0; i < 4; i++)
		bench_qset(&b, 0, regs[i], saved[i]);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_fill_nops(&b, 0, 72, 1);
	bench_ring(&b, 0);
	ck_assert_int_eq(bench_work(&b), 1);
	for (uint64_t i = 70; i < 73; i++)
		ck_assert_uint_eq(bench_take(&b, 0).user_data, i);
}
END_TEST

START_TEST(failed_job)
{
	struct ctrans_sqe bad = { .op = 9, .user_data = 5, .sequence = 1234 };
	struct ctrans_cqe cqe;

	bench_queue(&b, 2, 0, 3, 3, 0);
	bench_fill_nops(&b, 2, 4, 1);
	bench_fill(&b, 2, &bad);
	bench_fill_nops(&b, 2, 6, 1);
	bench_ring(&b, 2);
	bench_work(&b);
	/* its completion is there, what follows has not begun */
	ck_assert_uint_eq(bench_line(&b, 2)->cq_tail, 2);
	ck_assert_uint_eq(bench_line(&b, 2)->sq_head, 2);
	fails_with(2, CTRANS_QERR_JOB);
	ck_assert_uint_eq(bench_line(&b, 2)->fault_sequence, 1234);
	ck_assert_uint_eq(bench_line(&b, 2)->fault_insn, 0xffffffff);
	ck_assert_int_eq(bench_take(&b, 2).status, CTRANS_ST_OK);
	cqe = bench_take(&b, 2);
	ck_assert_int_eq(cqe.status, CTRANS_ST_BAD_ENTRY);
	ck_assert_uint_eq(cqe.user_data, 5);
	ck_assert_uint_eq(cqe.flags, 0);
	ck_assert_uint_eq(cqe.cycles, 0);
	ck_assert_uint_eq(cqe.energy_pj, 0);
	ck_assert_int_eq(bench_work(&b), 0);
	bench_qset(&b, 2, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_work(&b);
	ck_assert_uint_eq(bench_take(&b, 2).user_data, 6);
}
END_TEST

START_TEST(unreachable)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	bench_queue(&b, 1, 0, 3, 3, 0);
	bench_fill_nops(&b, 0, 0, 1);
	bench_fill_nops(&b, 1, 0, 1);
	/* the ring goes */
	*bench_pte(&b, 0, b.q[0].sq_va, 2) = 0;
	bench_ring(&b, 0);
	bench_work(&b);
	fails_with(0, CTRANS_QERR_SQ_FAULT);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_va, b.q[0].sq_va);
	ck_assert_uint_eq(bench_line(&b, 0)->sq_head, 0);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_insn, 0xffffffff);
	bench_renew(&b);

	/* the status region goes */
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
	bench_queue(&b, 1, 0, 3, 3, 0);
	bench_fill_nops(&b, 1, 0, 1);
	bench_ring(&b, 1);
	b.hole = b.q[1].status;
	b.hole_end = b.hole + 4096;
	bench_work(&b);
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_STATE), CTRANS_QSTATE_ERROR);
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_ERROR), CTRANS_QERR_STATUS_BUS);
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_CQ_TAIL), 0);
}
END_TEST

/* ---- Several ---------------------------------------------------------- */

static bool after_one(void *arg)
{
	(void)arg;
	return true;
}

START_TEST(in_turn)
{
	static const unsigned int slots[] = { 0, 1, 31, 32, 63 };

	for (int i = 0; i < 5; i++) {
		bench_queue(&b, slots[i], i % 2, 4, 4, 0);
		bench_fill_nops(&b, slots[i], 0, 10);
		bench_ring(&b, slots[i]);
	}
	for (uint32_t round = 1; round <= 10; round++)
		for (int i = 0; i < 5; i++) {
			ck_assert_int_eq(chip_work(b.chip, after_one, NULL), 1);
			ck_assert_uint_eq(bench_line(&b, slots[i])->cq_tail, round);
		}
	ck_assert_int_eq(bench_work(&b), 0);
}
END_TEST

/* The same address in two contexts is two places. */
START_TEST(contexts)
{
	bench_queue(&b, 0, 0, 3, 3, 0);
	bench_queue(&b, 1, 1, 3, 3, 0);
	ck_assert_uint_eq(b.q[0].sq_va, b.q[1].sq_va);
	bench_fill_nops(&b, 0, 100, 1);
	bench_fill_nops(&b, 1, 200, 1);
	bench_ring(&b, 0);
	bench_ring(&b, 1);
	bench_work(&b);
	ck_assert_uint_eq(bench_take(&b, 0).user_data, 100);
	ck_assert_uint_eq(bench_take(&b, 1).user_data, 200);
	/* a context without a table has no memory */
	bench_queue(&b, 2, 0, 3, 3, 0);
	bench_qset(&b, 2, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	bench_qset(&b, 2, CTRANS_Q_CTX, 17);
	bench_qset(&b, 2, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_fill_nops(&b, 2, 3, 1);
	bench_ring(&b, 2);
	bench_work(&b);
	fails_with(2, CTRANS_QERR_SQ_FAULT);
}
END_TEST

/* Whoever reads the index has the completions before it. */
static void *consume(void *arg)
{
	const struct ctrans_status_line *l = bench_line(&b, 0);
	uint64_t want = *(const uint64_t *)arg, seen = 0;

	while (seen < want) {
		uint32_t tail = __atomic_load_n(&l->cq_tail, __ATOMIC_ACQUIRE);

		for (; (uint32_t)seen != tail; seen++)
			MUST(bench_cqe(&b, 0, (uint32_t)seen)->user_data == seen);
		chip_doorbell(b.chip, 0, CTRANS_DB_CQ_HEAD, tail);
	}
	return NULL;
}

START_TEST(line_after_entry)
{
	uint64_t want = 5000;
	pthread_t t;

	bench_queue(&b, 0, 0, 3, 3, 0);
	ck_assert_int_eq(pthread_create(&t, NULL, consume, &want), 0);
	for (uint64_t sent = 0; sent < want;) {
		uint32_t head = bench_line(&b, 0)->sq_head;

		for (; sent < want && (uint32_t)sent - head < 8; sent++)
			bench_fill_nops(&b, 0, sent, 1);
		bench_ring(&b, 0);
		bench_work(&b);
	}
	while (bench_line(&b, 0)->sq_head != want)
		bench_work(&b);
	pthread_join(t, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_queue");
	TCase *t = tcase_create("queues");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, wraps);
	tcase_add_test(t, full_completions);
	tcase_add_test(t, equal_stores);
	tcase_add_loop_test(t, impossible_indices, 0,
			    (int)(sizeof(bad_indices) / sizeof(bad_indices[0])));
	tcase_add_test(t, backwards);
	tcase_add_test(t, stop_start);
	tcase_add_test(t, suspend);
	tcase_add_test(t, failed_job);
	tcase_add_test(t, unreachable);
	tcase_add_test(t, in_turn);
	tcase_add_test(t, contexts);
	tcase_add_test(t, line_after_entry);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
