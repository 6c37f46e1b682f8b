// SPDX-License-Identifier: MIT
/* The register contract of uapi/ctrans_regs.h, register by register. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip/energy.h"
#include "chip_bench.h"
#include "chip_must.h"

static struct bench b;

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
}

static void teardown(void)
{
	bench_close(&b);
}

static uint32_t rd(uint32_t reg)
{
	return bench_reg(&b, reg);
}

static void wr(uint32_t reg, uint32_t value)
{
	chip_write(b.chip, reg, value);
}

START_TEST(identity)
{
	ck_assert_uint_eq(rd(CTRANS_REG_ID), CTRANS_ID);
	ck_assert_uint_eq(rd(CTRANS_REG_VERSION), CTRANS_VERSION);
	ck_assert_uint_eq(rd(CTRANS_REG_CAPS), CTRANS_CAP_S8 | CTRANS_CAP_ESC | CTRANS_CAP_F32 |
			  CTRANS_CAP_RATE | CTRANS_CAP_RADIX | CTRANS_CAP_KV_S8 |
			  CTRANS_CAP_NAF | CTRANS_CAP_FLIP | CTRANS_CAP_UNIT |
			  CTRANS_CAP_SPECULATION | CTRANS_CAP_SEQ2SEQ);
	ck_assert_uint_eq(rd(CTRANS_REG_CORES), 48);
	ck_assert_uint_eq(rd(CTRANS_REG_ROWS), 8);
	ck_assert_uint_eq(rd(CTRANS_REG_COLS), 16);
	ck_assert_uint_eq(rd(CTRANS_REG_SRAM_KIB), 500);
	ck_assert_uint_eq(rd(CTRANS_REG_LIMITS), CTRANS_CONTEXTS << 16 | CTRANS_QUEUES);
	ck_assert_uint_eq(rd(CTRANS_REG_EXT_MBPS), 1600);
	for (uint32_t reg = 0; reg <= CTRANS_REG_EXT_MBPS; reg += 4) {
		uint32_t was = rd(reg);

		wr(reg, 0x12345678);
		ck_assert_uint_eq(rd(reg), was);
	}
}
END_TEST

static uint32_t at_most(unsigned int opp)
{
	struct chip_costs c;

	chip_costs_at(opp, &c);
	return (uint32_t)chip_most_uw(&c);
}

/* What a register reads after reset where it is not zero. */
static uint32_t reset_value(uint32_t reg)
{
	switch (reg) {
	case CTRANS_REG_ID:		return CTRANS_ID;
	case CTRANS_REG_VERSION:	return CTRANS_VERSION;
	case CTRANS_REG_CAPS:		return 0xffb;
	case CTRANS_REG_CORES:		return 48;
	case CTRANS_REG_ROWS:		return 8;
	case CTRANS_REG_COLS:		return 16;
	case CTRANS_REG_SRAM_KIB:	return 500;
	case CTRANS_REG_LIMITS:		return 64 << 16 | 64;
	case CTRANS_REG_EXT_MBPS:	return 1600;
	case CTRANS_REG_IRQ_STATUS:	return CTRANS_IRQ_RESET_DONE;
	case CTRANS_REG_OPP:		return CTRANS_OPP_RESET;
	case CTRANS_REG_OPP_COUNT:	return 5;
	case CTRANS_REG_OPP_MV:		return 700;
	case CTRANS_REG_OPP_KHZ:	return 50000;
	case CTRANS_REG_OPP_UW:		return at_most(0);
	/* 40 degrees, and 35 for each watt that leaks */
	case CTRANS_REG_TEMP_MC:	return 40105;
	case CTRANS_REG_POWER_UW:	return 3000;
	case CTRANS_REG_TEMP_MAX_MC:	return 85000;
	case CTRANS_REG_TEMP_CRIT_MC:	return 105000;
	default:
		break;
	}
	if (reg >= CTRANS_REG_Q(0) && reg < CTRANS_REG_Q(CTRANS_QUEUES) &&
	    (reg - CTRANS_REG_Q(0)) % 0x80 == CTRANS_Q_SIZES)
		return CTRANS_QUEUE_LOG2_MIN << 8 | CTRANS_QUEUE_LOG2_MIN;
	return 0;
}

static void all_at_reset(void)
{
	for (uint32_t reg = 0; reg < CTRANS_BAR0_SIZE; reg += 4) {
		uint32_t is = rd(reg);

		if (is != reset_value(reg))
			ck_abort_msg("register %#x reads %#x after reset, not %#x", reg,
				     is, reset_value(reg));
	}
}

START_TEST(reset_values)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP };

	bench_queue(&b, 3, 0, 3, 3, 77);
	bench_run(&b, 3, &nop);
	chip_doorbell(b.chip, 3, CTRANS_DB_ARM, 9);
	bench_qset(&b, 3, CTRANS_Q_ARM, 9);
	wr(CTRANS_REG_OPP, 4);
	wr(CTRANS_REG_OPP_INDEX, 4);
	wr(CTRANS_REG_IRQ_MASK, ~0u);
	wr(CTRANS_REG_TLB_INVAL, 0);
	wr(CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	all_at_reset();
	/* W1C */
	wr(CTRANS_REG_IRQ_STATUS, CTRANS_IRQ_QUEUE_ERR);
	ck_assert_uint_eq(rd(CTRANS_REG_IRQ_STATUS), CTRANS_IRQ_RESET_DONE);
	wr(CTRANS_REG_IRQ_STATUS, CTRANS_IRQ_RESET_DONE);
	ck_assert_uint_eq(rd(CTRANS_REG_IRQ_STATUS), 0);
	/* a value that is not RESET_CHIP resets nothing */
	wr(CTRANS_REG_OPP, 1);
	wr(CTRANS_REG_RESET, 2);
	ck_assert_uint_eq(rd(CTRANS_REG_OPP), 1);
	ck_assert_uint_eq(rd(CTRANS_REG_RESET), 0);
}
END_TEST

START_TEST(unlisted)
{
	static const uint32_t beyond[] = { CTRANS_BAR0_SIZE, CTRANS_BAR0_SIZE + 4,
					   0xfffffffc, 0x80000000 };

	wr(CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	for (uint32_t reg = 1; reg < 0x200; reg++) {
		if (reg % 4 == 0)
			continue;
		ck_assert_uint_eq(rd(reg), UINT32_MAX);
		wr(reg, UINT32_MAX);
	}
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		ck_assert_uint_eq(rd(beyond[i]), UINT32_MAX);
		wr(beyond[i], UINT32_MAX);
	}
	all_at_reset();
	/* holes, and past the last queue */
	for (uint32_t reg = 0x28; reg < 0x40; reg += 4)
		wr(reg, UINT32_MAX);
	for (uint32_t reg = 0x114; reg < 0x4000; reg += 4)
		wr(reg, UINT32_MAX);
	for (uint32_t reg = CTRANS_REG_Q(CTRANS_QUEUES); reg < CTRANS_BAR0_SIZE; reg += 4)
		wr(reg, UINT32_MAX);
	for (uint32_t reg = 0x54; reg < 0x80; reg += 4)
		wr(CTRANS_REG_Q(5) + reg, UINT32_MAX);
	all_at_reset();
}
END_TEST

START_TEST(operating_points)
{
	static const uint32_t mv[] = { 700, 800, 900, 1000, 1100 };
	uint32_t khz = 0, uw = 0;

	ck_assert_uint_eq(rd(CTRANS_REG_OPP_COUNT), 5);
	for (uint32_t i = 0; i < 5; i++) {
		wr(CTRANS_REG_OPP_INDEX, i);
		ck_assert_uint_eq(rd(CTRANS_REG_OPP_MV), mv[i]);
		ck_assert_uint_gt(rd(CTRANS_REG_OPP_KHZ), khz);
		khz = rd(CTRANS_REG_OPP_KHZ);
		ck_assert_uint_gt(rd(CTRANS_REG_OPP_UW), uw);
		uw = rd(CTRANS_REG_OPP_UW);
		ck_assert_uint_eq(uw, at_most(i));
		wr(CTRANS_REG_OPP, i);
		ck_assert_uint_eq(rd(CTRANS_REG_OPP), i);
	}
	ck_assert_uint_eq(khz, 200000);
	wr(CTRANS_REG_OPP, 5);
	wr(CTRANS_REG_OPP_INDEX, UINT32_MAX);
	ck_assert_uint_eq(rd(CTRANS_REG_OPP), 4);
	ck_assert_uint_eq(rd(CTRANS_REG_OPP_INDEX), 4);
}
END_TEST

/* Every writable register of a queue: what it reads once @value is written. */
static const struct {
	uint32_t reg, value, reads;
} queue_regs[] = {
	{ CTRANS_Q_SQ_VA_LO, 0x12345678, 0x12345640 },
	{ CTRANS_Q_SQ_VA_HI, 0x5, 0x5 },
	{ CTRANS_Q_STATUS_LO, 0x87654321, 0x87654300 },
	{ CTRANS_Q_STATUS_HI, 0x12, 0x12 },
	{ CTRANS_Q_SIZES, 0x0c03, 0x0c03 },
	{ CTRANS_Q_CTX, 63, 63 },
	{ CTRANS_Q_VEC, 63, 63 },
	{ CTRANS_Q_SQ_HEAD, 0xfffffff0, 0xfffffff0 },
	{ CTRANS_Q_SQ_TAIL, 0xfffffff1, 0xfffffff1 },
	{ CTRANS_Q_CQ_HEAD, 0xffffffe0, 0xffffffe0 },
	{ CTRANS_Q_CQ_TAIL, 0xfffffff0, 0xfffffff0 },
};

#define QUEUE_REGS (sizeof(queue_regs) / sizeof(queue_regs[0]))

START_TEST(queue_registers)
{
	static const uint32_t read_only[] = { CTRANS_Q_STATE, CTRANS_Q_ERROR,
		CTRANS_Q_ACTIVE, CTRANS_Q_PROGRESS, CTRANS_Q_FAULT_VA_LO,
		CTRANS_Q_FAULT_VA_HI, CTRANS_Q_FAULT_INFO, CTRANS_Q_BUSY_LO(0),
		CTRANS_Q_BUSY_HI(3), CTRANS_Q_ENERGY_LO, CTRANS_Q_ENERGY_HI };
	static const uint32_t bad_sizes[] = { 0, 0x0302, 0x0203, 0x0d03, 0x030d,
					      0x10303, 0xffffffff };

	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot += 21) {
		for (size_t i = 0; i < QUEUE_REGS; i++) {
			bench_qset(&b, slot, queue_regs[i].reg, queue_regs[i].value);
			ck_assert_uint_eq(bench_qreg(&b, slot, queue_regs[i].reg),
					  queue_regs[i].reads);
		}
		for (size_t i = 0; i < sizeof(read_only) / 4; i++) {
			bench_qset(&b, slot, read_only[i], UINT32_MAX);
			ck_assert_uint_eq(bench_qreg(&b, slot, read_only[i]), 0);
		}
		for (size_t i = 0; i < sizeof(bad_sizes) / 4; i++) {
			bench_qset(&b, slot, CTRANS_Q_SIZES, bad_sizes[i]);
			ck_assert_uint_eq(bench_qreg(&b, slot, CTRANS_Q_SIZES), 0x0c03);
		}
		bench_qset(&b, slot, CTRANS_Q_CTX, CTRANS_CONTEXTS);
		ck_assert_uint_eq(bench_qreg(&b, slot, CTRANS_Q_CTX), 63);
		ck_assert_uint_eq(bench_qreg(&b, slot, CTRANS_Q_CTRL), 0);
	}
	/* neighbours are untouched */
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_SQ_HEAD), 0);
}
END_TEST

START_TEST(only_while_stopped)
{
	uint32_t was[QUEUE_REGS];

	bench_queue(&b, 0, 0, 3, 3, 5);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_STATE), CTRANS_QSTATE_RUNNING);
	for (size_t i = 0; i < QUEUE_REGS; i++)
		was[i] = bench_qreg(&b, 0, queue_regs[i].reg);
	for (size_t i = 0; i < QUEUE_REGS; i++)
		bench_qset(&b, 0, queue_regs[i].reg, queue_regs[i].value);
	for (size_t i = 0; i < QUEUE_REGS; i++)
		ck_assert_uint_eq(bench_qreg(&b, 0, queue_regs[i].reg), was[i]);

	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_STOPPED);
	for (size_t i = 0; i < QUEUE_REGS; i++)
		ck_assert_uint_eq(bench_qreg(&b, 0, queue_regs[i].reg), was[i]);
	bench_qset(&b, 0, CTRANS_Q_SQ_HEAD, 9);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_SQ_HEAD), 9);
}
END_TEST

/* LO latches HI; the context table changes when HI is written. */
START_TEST(pairs)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP };

	bench_queue(&b, 0, 0, 3, 3, 0);
	/* half a new table address is no table address */
	wr(CTRANS_REG_CTX_TABLE_LO, 0x7000);
	bench_run(&b, 0, &nop);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_OK);
	wr(CTRANS_REG_TLB_INVAL, CTRANS_TLB_ALL);
	bench_run(&b, 0, &nop);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_OK);
	wr(CTRANS_REG_CTX_TABLE_HI, 0x20001);
	ck_assert_uint_eq(rd(CTRANS_REG_CTX_TABLE_LO), 0x7000);
	ck_assert_uint_eq(rd(CTRANS_REG_CTX_TABLE_HI), 1);
	/* nothing answers there; the TLB is used until it is told */
	bench_run(&b, 0, &nop);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_OK);
	wr(CTRANS_REG_TLB_INVAL, 0);
	bench_run(&b, 0, &nop);
	ck_assert_uint_eq(bench_line(&b, 0)->error, CTRANS_QERR_SQ_FAULT);
	ck_assert_uint_eq(rd(CTRANS_REG_IRQ_STATUS) & (CTRANS_IRQ_MMU | CTRANS_IRQ_QUEUE_ERR),
			  CTRANS_IRQ_MMU | CTRANS_IRQ_QUEUE_ERR);
	ck_assert_uint_eq(rd(CTRANS_REG_QERR_LO), 1);
	wr(CTRANS_REG_QERR_LO, 1);
	ck_assert_uint_eq(rd(CTRANS_REG_QERR_LO), 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_VA_LO), (uint32_t)b.q[0].sq_va + 64 * 3);
}
END_TEST

START_TEST(tlb_counts)
{
	ck_assert_uint_eq(rd(CTRANS_REG_TLB_SEQ), 0);
	for (uint32_t c = 0; c < CTRANS_CONTEXTS; c++)
		wr(CTRANS_REG_TLB_INVAL, c);
	wr(CTRANS_REG_TLB_INVAL, CTRANS_TLB_ALL);
	ck_assert_uint_eq(rd(CTRANS_REG_TLB_SEQ), CTRANS_CONTEXTS + 1);
	ck_assert_uint_eq(rd(CTRANS_REG_TLB_ACK), CTRANS_CONTEXTS + 1);
	wr(CTRANS_REG_TLB_INVAL, CTRANS_CONTEXTS);
	ck_assert_uint_eq(rd(CTRANS_REG_TLB_SEQ), rd(CTRANS_REG_TLB_ACK));
}
END_TEST

/* ---- While a job runs ------------------------------------------------- */

static pthread_t start_long(void)
{
	struct ctrans_sqe sqe = bench_long_job(&b, 0);
	pthread_t t;

	bench_queue(&b, 7, 0, 3, 3, 0);
	bench_fill(&b, 7, &sqe);
	bench_ring(&b, 7);
	t = bench_lend(&b);
	bench_wait_active(&b, 7, true);
	return t;
}

START_TEST(busy)
{
	pthread_t t = start_long();
	uint32_t beat = rd(CTRANS_REG_HEARTBEAT), p, last = 0;

	/* progress only goes up, here and over the end of the job */
	for (int i = 0; i < 100; i++) {
		p = bench_qreg(&b, 7, CTRANS_Q_PROGRESS);
		ck_assert_uint_ge(p, last);
		last = p;
		usleep(10);
	}
	ck_assert_uint_ge(rd(CTRANS_REG_HEARTBEAT), beat);
	/* an invalidation is acknowledged though the job goes on */
	for (int i = 0; i < 50; i++) {
		uint32_t seq;

		wr(CTRANS_REG_TLB_INVAL, i % 2 ? CTRANS_TLB_ALL : 0);
		seq = rd(CTRANS_REG_TLB_SEQ);
		while ((int32_t)(rd(CTRANS_REG_TLB_ACK) - seq) < 0)
			usleep(10);
	}
	/* an operating point is for the next job */
	wr(CTRANS_REG_OPP, 0);
	ck_assert_uint_eq(rd(CTRANS_REG_OPP), 0);
	/* a running queue's registers do not move */
	bench_qset(&b, 7, CTRANS_Q_SQ_HEAD, 99);
	ck_assert_uint_ne(bench_qreg(&b, 7, CTRANS_Q_SQ_HEAD), 99);

	bench_qset(&b, 7, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	bench_wait_active(&b, 7, false);
	p = bench_qreg(&b, 7, CTRANS_Q_PROGRESS);
	ck_assert_uint_ge(p, last);
	ck_assert_uint_eq(bench_qreg(&b, 7, CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_int_eq(bench_cqe(&b, 7, 0)->status, CTRANS_ST_ABORTED);
	ck_assert_uint_eq(bench_cqe(&b, 7, 0)->user_data, 42);
	ck_assert_uint_eq(bench_cqe(&b, 7, 0)->cycles, 0);
	bench_end(&b, t);
}
END_TEST

START_TEST(reset_while_busy)
{
	for (int i = 0; i < 5; i++) {
		pthread_t t = start_long();
		struct ctrans_sqe nop = { .op = CTRANS_OP_NOP, .user_data = 7 };

		usleep(100u * (unsigned int)i);
		wr(CTRANS_REG_RESET, CTRANS_RESET_CHIP);
		while (rd(CTRANS_REG_STATE) == CTRANS_STATE_RESETTING)
			usleep(20);
		all_at_reset();
		/* no completion of it, ever */
		ck_assert_uint_eq(bench_line(&b, 7)->cq_tail, 0);
		bench_end(&b, t);
		/* and it works again */
		bench_renew(&b);
		bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
		bench_queue(&b, 0, 0, 3, 3, 0);
		bench_run(&b, 0, &nop);
		ck_assert_uint_eq(bench_take(&b, 0).user_data, 7);
		bench_renew(&b);
	}
}
END_TEST

START_TEST(telemetry)
{
	struct ctrans_insn insn = { .op = CTRANS_INSN_NORM };
	struct ctrans_args args = { .n_rows = 4 };
	struct ctrans_row rows[4] = { 0 };
	uint64_t x = bench_va(&b, 0, 4096), at = bench_va(&b, 0, 512),
		 gain = bench_va(&b, 0, 1024), prog = bench_va(&b, 0, 128), cycles = 0, pj = 0;
	struct ctrans_sqe sqe = { .op = CTRANS_OP_RUN, .prog_va = prog,
				  .prog_len = 128, .args_va = at };
	struct ctrans_cqe cqe;

	insn.norm = (struct ctrans_insn_norm){ .in_va = x, .out_va = x, .gain_va = gain,
		.in_stride = 1024, .out_stride = 1024, .n = 256 };
	bench_write(&b, 0, prog, &insn, sizeof(insn));
	bench_write(&b, 0, at, &args, sizeof(args));
	bench_write(&b, 0, at + sizeof(args), rows, sizeof(rows));
	bench_queue(&b, 0, 0, 3, 3, 0);
	for (int i = 0; i < 50; i++) {
		bench_run(&b, 0, &sqe);
		cqe = bench_take(&b, 0);
		ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
		ck_assert_uint_gt(cqe.cycles, 0);
		cycles += cqe.cycles;
		pj += cqe.energy_pj;
	}
	ck_assert_uint_eq(rd(CTRANS_REG_CYCLES_LO), cycles);
	ck_assert_uint_eq(rd(CTRANS_REG_CYCLES_HI), 0);
	ck_assert_uint_ge(rd(CTRANS_REG_ENERGY_LO), pj / 1000);
	ck_assert_uint_le(rd(CTRANS_REG_ENERGY_LO), (pj + 50) / 1000);
	ck_assert_uint_eq(rd(CTRANS_REG_JOBS_LO), 50);
	ck_assert_uint_gt(rd(CTRANS_REG_BUSY_LO(CTRANS_DOMAIN_VECTOR)), 0);
	ck_assert_uint_eq(rd(CTRANS_REG_BUSY_LO(CTRANS_DOMAIN_SPIKING)), 0);
	ck_assert_uint_ge(rd(CTRANS_REG_HEARTBEAT), 50);
	/* the same job at another point: same work, other energy */
	wr(CTRANS_REG_OPP, 4);
	bench_run(&b, 0, &sqe);
	ck_assert_uint_ne(bench_take(&b, 0).energy_pj, cqe.energy_pj);
}
END_TEST

START_TEST(making)
{
	struct chip_config cfg = { .threads = 1, .kernel = "no such" };
	struct chip_bus bus = { 0 };
	struct chip *c;

	ck_assert_int_eq(chip_create(&cfg, &bus, &c), -22);
	cfg = (struct chip_config){ .threads = CHIP_THREADS_MAX + 1 };
	ck_assert_int_eq(chip_create(&cfg, &bus, &c), -22);
	cfg = (struct chip_config){ .threads = 9, .kernel = "reference" };
	ck_assert_int_eq(chip_create(&cfg, &bus, &c), 0);
	ck_assert_uint_eq(chip_threads(c), 9);
	ck_assert_str_eq(chip_kernel_name(c), "reference");
	chip_destroy(c);
	chip_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_regs");
	TCase *t = tcase_create("registers");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, identity);
	tcase_add_test(t, reset_values);
	tcase_add_test(t, unlisted);
	tcase_add_test(t, operating_points);
	tcase_add_test(t, queue_registers);
	tcase_add_test(t, only_while_stopped);
	tcase_add_test(t, pairs);
	tcase_add_test(t, tlb_counts);
	tcase_add_test(t, busy);
	tcase_add_test(t, reset_while_busy);
	tcase_add_test(t, telemetry);
	tcase_add_test(t, making);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
