// SPDX-License-Identifier: MIT
/* Faults on request: each does what it says, nothing besides, and goes again. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_bench.h"

#define Q	7u

static struct bench b;
static struct ctrans_sqe longest;

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
	longest = bench_long_job(&b, 0);
}

static void teardown(void)
{
	bench_close(&b);
}

static uint32_t q(uint32_t reg)
{
	return bench_qreg(&b, Q, reg);
}

/* A job of queue Q that lasts, on a thread of its own. */
static pthread_t start(void)
{
	pthread_t t;

	bench_queue(&b, Q, 0, 3, 3, 0);
	bench_fill(&b, Q, &longest);
	bench_ring(&b, Q);
	t = bench_lend(&b);
	bench_wait_active(&b, Q, true);
	return t;
}

static bool moves(void)
{
	uint32_t before = q(CTRANS_Q_PROGRESS);

	for (int i = 0; i < 10000; i++) {
		usleep(1000);
		if (q(CTRANS_Q_PROGRESS) != before)
			return true;
	}
	return false;
}

/* From a boundary on, which may take its time. */
static bool stands(void)
{
	for (int i = 0; i < 100; i++) {
		uint32_t before = q(CTRANS_Q_PROGRESS);

		usleep(100000);
		if (q(CTRANS_Q_PROGRESS) == before)
			return q(CTRANS_Q_ACTIVE);
	}
	return false;
}

static void expect_aborted(void)
{
	bench_wait_active(&b, Q, false);
	ck_assert_uint_eq(q(CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_uint_eq(q(CTRANS_Q_CQ_TAIL), 1);
	ck_assert_int_eq(bench_cqe(&b, Q, 0)->status, CTRANS_ST_ABORTED);
}

static void expect_dropped(void)
{
	bench_wait_active(&b, Q, false);
	ck_assert_uint_eq(q(CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_uint_eq(q(CTRANS_Q_SQ_HEAD), 1);
	ck_assert_uint_eq(q(CTRANS_Q_CQ_TAIL), 0);
}

static void off(uint32_t fault)
{
	ck_assert_uint_eq(chip_faults(b.chip) & fault, fault);
	chip_change_faults(b.chip, fault, 0);
	ck_assert_uint_eq(chip_faults(b.chip) & fault, 0);
}

START_TEST(hang)
{
	pthread_t t;

	/* another queue's jobs only */
	chip_change_faults(b.chip, 0, CHIP_FAULT_HANG | CHIP_FAULT_HANG_ONE |
			   CHIP_FAULT_HANG_SLOT(Q + 1));
	t = start();
	ck_assert(moves());
	chip_change_faults(b.chip, CHIP_FAULT_HANG_SLOT(0xff), CHIP_FAULT_HANG_SLOT(Q));
	ck_assert(stands());
	off(CHIP_FAULT_HANG | CHIP_FAULT_HANG_ONE);
	ck_assert(moves());
	chip_change_faults(b.chip, 0, CHIP_FAULT_HANG);
	ck_assert(stands());
	bench_qset(&b, Q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	expect_aborted();
	/* as with a job that has no boundary */
	bench_queue(&b, Q, 0, 3, 3, 0);
	bench_fill_nops(&b, Q, 0, 1);
	bench_ring(&b, Q);
	bench_wait_active(&b, Q, true);
	ck_assert_uint_eq(q(CTRANS_Q_CQ_TAIL), 0);
	bench_qset(&b, Q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	expect_aborted();
	bench_end(&b, t);
}
END_TEST

START_TEST(ignore_abort)
{
	pthread_t t;

	chip_change_faults(b.chip, 0, CHIP_FAULT_IGNORE_ABORT | CHIP_FAULT_HANG);
	t = start();
	bench_qset(&b, Q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	usleep(20000);
	ck_assert_uint_eq(q(CTRANS_Q_ACTIVE), 1);
	/* the next rung takes it */
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	expect_dropped();
	off(CHIP_FAULT_IGNORE_ABORT | CHIP_FAULT_HANG);
	bench_end(&b, t);
	t = start();
	bench_qset(&b, Q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	expect_aborted();
	bench_end(&b, t);
}
END_TEST

START_TEST(ignore_context)
{
	pthread_t t;

	chip_change_faults(b.chip, 0, CHIP_FAULT_IGNORE_CTX);
	t = start();
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	ck_assert(moves());
	ck_assert_uint_eq(q(CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
	off(CHIP_FAULT_IGNORE_CTX);
	ck_assert(moves());
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	expect_dropped();
	bench_end(&b, t);
}
END_TEST

static void expect_reset(void)
{
	while (bench_reg(&b, CTRANS_REG_STATE) != CTRANS_STATE_READY)
		usleep(20);
	ck_assert_uint_eq(q(CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_uint_eq(q(CTRANS_Q_SQ_HEAD), 0);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_OPP), CTRANS_OPP_RESET);
}

/* Until a reset that cannot be ignored, or until it is made up for; idle and busy. */
START_TEST(ignore_reset)
{
	bool busy = _i & 1, by_bus = _i & 2;
	pthread_t t;

	t = busy ? start() : bench_lend(&b);
	chip_write(b.chip, CTRANS_REG_OPP, 1);
	chip_change_faults(b.chip, 0, CHIP_FAULT_IGNORE_RESET);
	chip_write(b.chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	usleep(20000);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_STATE), CTRANS_STATE_RESETTING);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_OPP), 1);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_IRQ_STATUS), 0);
	if (busy)
		ck_assert(moves());
	if (by_bus)
		chip_reset(b.chip);
	else
		off(CHIP_FAULT_IGNORE_RESET);
	expect_reset();
	/* off without a reset that waits for it is none */
	chip_write(b.chip, CTRANS_REG_OPP, 3);
	chip_change_faults(b.chip, CHIP_FAULT_IGNORE_RESET, 0);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_OPP), 3);
	chip_write(b.chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	expect_reset();
	bench_end(&b, t);
}
END_TEST

static void wait_acknowledged(void)
{
	while (bench_reg(&b, CTRANS_REG_TLB_ACK) != bench_reg(&b, CTRANS_REG_TLB_SEQ))
		usleep(20);
}

START_TEST(no_acknowledgement)
{
	pthread_t t = _i ? start() : bench_lend(&b);

	chip_write(b.chip, CTRANS_REG_TLB_INVAL, 0);
	wait_acknowledged();
	chip_change_faults(b.chip, 0, CHIP_FAULT_NO_TLB_ACK);
	for (uint32_t i = 0; i < 3; i++)
		chip_write(b.chip, CTRANS_REG_TLB_INVAL, i);
	usleep(20000);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_TLB_SEQ), 4);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_TLB_ACK), 1);
	/* the job is none the worse, and who runs the model is still told */
	if (_i)
		ck_assert(moves());
	for (uint64_t n = chip_forget(b.chip); !chip_forgotten(b.chip, n);)
		usleep(20);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_TLB_ACK), 1);
	off(CHIP_FAULT_NO_TLB_ACK);
	wait_acknowledged();
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	bench_end(&b, t);
}
END_TEST

static const struct {
	uint32_t fault;
	int32_t least, most;	/* what is shown, less what is */
} shown[] = {
	{ CHIP_FAULT_CQ_GARBAGE, INT32_MIN, INT32_MAX },
	{ CHIP_FAULT_CQ_REWIND, -8, -1 },
	{ CHIP_FAULT_CQ_JUMP, (1 << CTRANS_QUEUE_LOG2_MAX) + 1, INT32_MAX },
};

START_TEST(completions)
{
	const struct ctrans_status_line *l;
	uint32_t tail = 0xfffffff0;

	bench_queue(&b, Q, 0, 3, 3, tail);
	l = bench_line(&b, Q);
	chip_change_faults(b.chip, 0, shown[_i].fault);
	for (uint64_t i = 0; i < 40; i++) {
		int32_t by;

		tail++;
		bench_fill_nops(&b, Q, i, 1);
		bench_ring(&b, Q);
		ck_assert_int_eq(bench_work(&b), 1);
		ck_assert_uint_eq(l->cq_tail, q(CTRANS_Q_CQ_TAIL));
		by = (int32_t)(l->cq_tail - tail);
		ck_assert_int_ne(by, 0);
		ck_assert_int_ge(by, shown[_i].least);
		ck_assert_int_le(by, shown[_i].most);
		/* the entry is where it belongs */
		ck_assert_uint_eq(bench_cqe(&b, Q, tail - 1)->user_data, i);
		chip_doorbell(b.chip, Q, CTRANS_DB_CQ_HEAD, tail);
	}
	off(shown[_i].fault);
	ck_assert_uint_eq(q(CTRANS_Q_CQ_TAIL), tail);
	ck_assert_uint_eq(q(CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
}
END_TEST

/* Once; where nothing answers the job knows nothing of it. */
START_TEST(stray)
{
	uint64_t page = bench_page(&b, CTRANS_PAGE_4K);
	uint8_t expected[64];

	memset(expected, 0xdb, sizeof(expected));
	bench_queue(&b, Q, 0, 3, 3, 0);
	for (int i = 0; i < 3; i++) {
		if (i < 2)
			chip_stray_dma(b.chip, i ? 1ull << 47 : page + 64);
		else
			memset(b.mem + page, 0, 4096);
		bench_fill_nops(&b, Q, 0, 1);
		bench_ring(&b, Q);
		ck_assert_uint_eq(chip_faults(b.chip), i < 2 ? CHIP_FAULT_STRAY_DMA : 0);
		bench_work(&b);
		ck_assert_uint_eq(chip_faults(b.chip), 0);
		ck_assert_int_eq(bench_take(&b, Q).status, CTRANS_ST_OK);
		if (!i)
			ck_assert_mem_eq(b.mem + page + 64, expected, 64);
	}
	ck_assert_uint_eq(b.mem[page + 64], 0);
	ck_assert_uint_eq(b.mem[page + 128], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_fault");
	TCase *t = tcase_create("faults");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, hang);
	tcase_add_test(t, ignore_abort);
	tcase_add_test(t, ignore_context);
	tcase_add_loop_test(t, ignore_reset, 0, 4);
	tcase_add_loop_test(t, no_acknowledgement, 0, 2);
	tcase_add_loop_test(t, completions, 0, 3);
	tcase_add_test(t, stray);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
