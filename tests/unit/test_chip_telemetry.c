// SPDX-License-Identifier: MIT
/* Telemetry: of queues and of the chip, power and temperature. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "chip/energy.h"
#include "chip_bench_model.h"

static struct bench b;
static struct tiny tiny;

static const struct tiny_row rows[3] = {
	{ 1, 0, 0, true }, { 2, 1, 0, true }, { 3, 0, 1, true }
};

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
	tiny = (struct tiny){ .heads = 2, .head_dim = 16, .inner = 64, .vocab = 40,
			      .top_k = 1, .theta_mode = CTRANS_THETA_DYNAMIC };
	tiny_build(&b, 0, &tiny);
	tiny_args(&b, &tiny, rows, 3);
	for (unsigned int slot = 0; slot < 3; slot++)
		bench_queue(&b, slot, 0, 3, 3, 0);
}

static void teardown(void)
{
	bench_close(&b);
}

static uint64_t pair(uint32_t lo)
{
	uint64_t v = bench_reg(&b, lo);

	return v | (uint64_t)bench_reg(&b, lo + 4) << 32;
}

static uint64_t used(unsigned int slot, uint32_t lo)
{
	return pair(CTRANS_REG_Q(slot) + lo);
}

static struct ctrans_cqe run(unsigned int slot)
{
	struct ctrans_sqe sqe = tiny_sqe(&tiny, true);
	struct ctrans_cqe cqe;

	bench_run(&b, slot, &sqe);
	cqe = bench_take(&b, slot);
	ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
	return cqe;
}

/* Of a job, by its record: microwatts. */
static double power(const struct ctrans_cqe *cqe, unsigned int opp)
{
	return (double)cqe->energy_pj * chip_opps[opp].khz / 1000 / (double)cqe->cycles;
}

/* ---- Queues ---------------------------------------------------------------- */

START_TEST(of_queues)
{
	uint64_t pj[2] = { 0 }, before[4];

	for (int i = 0; i < 30; i++) {
		bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
		pj[i % 3 == 0] += run(i % 3 == 0).energy_pj;
	}
	ck_assert_uint_eq(used(2, CTRANS_Q_ENERGY_LO), 0);
	for (unsigned int slot = 0; slot < 2; slot++) {
		ck_assert_uint_ge(used(slot, CTRANS_Q_ENERGY_LO), pj[slot] / 1000);
		ck_assert_uint_le(used(slot, CTRANS_Q_ENERGY_LO), (pj[slot] + 30) / 1000);
	}
	ck_assert_uint_gt(pj[0], pj[1]);
	for (uint32_t d = 0; d < 4; d++) {
		uint64_t ns = used(0, CTRANS_Q_BUSY_LO(d)) + used(1, CTRANS_Q_BUSY_LO(d));

		ck_assert_uint_eq(used(2, CTRANS_Q_BUSY_LO(d)), 0);
		before[d] = used(0, CTRANS_Q_BUSY_LO(d));
		/* each of the three has kept less than a nanosecond for the next time */
		ck_assert_uint_ge(pair(CTRANS_REG_BUSY_LO(d)), ns / 1000);
		ck_assert_uint_le(pair(CTRANS_REG_BUSY_LO(d)), (ns + 2) / 1000);
	}
	/* equal jobs, of which one queue ran twice as many as the other */
	ck_assert_uint_ne(before[CTRANS_DOMAIN_VECTOR], 0);
	ck_assert_uint_ne(before[CTRANS_DOMAIN_EXTERNAL], 0);
	for (uint32_t d = 0; d < 4; d++)
		ck_assert_uint_le(before[d] - 2 * used(1, CTRANS_Q_BUSY_LO(d)) + 2, 4);

	/* another owner of the slot goes on, a NOP adds nothing */
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	bench_queue(&b, 0, 0, 4, 4, 77);
	bench_fill_nops(&b, 0, 0, 1);
	bench_ring(&b, 0);
	bench_work(&b);
	ck_assert_uint_ge(used(0, CTRANS_Q_ENERGY_LO), pj[0] / 1000);
	for (uint32_t d = 0; d < 4; d++)
		ck_assert_uint_eq(used(0, CTRANS_Q_BUSY_LO(d)), before[d]);
	chip_write(b.chip, CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	for (uint32_t d = 0; d < 4; d++)
		ck_assert_uint_eq(used(0, CTRANS_Q_BUSY_LO(d)), 0);
	ck_assert_uint_eq(used(0, CTRANS_Q_ENERGY_LO), 0);
}
END_TEST

/* The same work takes longer at a slower clock, by the clocks' ratio. */
START_TEST(by_clock)
{
	uint64_t ns[CHIP_OPPS], last = 0;

	for (unsigned int opp = 0; opp < CHIP_OPPS; opp++) {
		chip_write(b.chip, CTRANS_REG_OPP, opp);
		run(0);
		ns[opp] = used(0, CTRANS_Q_BUSY_LO(CTRANS_DOMAIN_VECTOR)) - last;
		last += ns[opp];
	}
	for (unsigned int opp = 1; opp < CHIP_OPPS; opp++)
		ck_assert_double_eq_tol((double)ns[opp] * chip_opps[opp].khz,
					(double)ns[0] * chip_opps[0].khz,
					2.0 * chip_opps[opp].khz);
}
END_TEST

/* Each pair has a latch of its own: others are read between its two halves. */
START_TEST(latches)
{
	static const uint32_t wide[] = {
		CTRANS_REG_ENERGY_LO, CTRANS_REG_CYCLES_LO, CTRANS_REG_JOBS_LO,
		CTRANS_REG_BUSY_LO(0), CTRANS_REG_BUSY_LO(3),
		CTRANS_REG_Q(0) + CTRANS_Q_BUSY_LO(0), CTRANS_REG_Q(0) + CTRANS_Q_ENERGY_LO,
		CTRANS_REG_Q(2) + CTRANS_Q_BUSY_LO(2), CTRANS_REG_Q(63) + CTRANS_Q_ENERGY_LO,
	};
	struct ctrans_sqe sqe = { .op = CTRANS_OP_RUN, .prog_va = 1ull << 40, .prog_len = 128,
				  .args_va = tiny.args };

	/* the only one whose high half a test can fill */
	bench_run(&b, 1, &sqe);
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_FAULT_VA_LO), 0);
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		ck_assert_uint_eq(pair(wide[i]) >> 32, 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_VA_LO), 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_VA_HI), 0);
	ck_assert_uint_eq(bench_qreg(&b, 1, CTRANS_Q_FAULT_VA_HI), 1 << 8);
}
END_TEST

/* ---- Power and temperature --------------------------------------------------- */

static void expect_heat(double uw)
{
	double mc = 1000 * chip_constants[CHIP_AMBIENT].value +
		    chip_constants[CHIP_R_THERMAL].value * uw / 1000;

	ck_assert_double_eq_tol(bench_reg(&b, CTRANS_REG_POWER_UW), uw, 1 + uw / 1000);
	ck_assert_double_eq_tol((int32_t)bench_reg(&b, CTRANS_REG_TEMP_MC), mc,
				1 + uw / 1000);
}

static bool idle_soon(double uw)
{
	for (int i = 0; i < 500; i++) {
		if (bench_reg(&b, CTRANS_REG_POWER_UW) == (uint32_t)uw)
			return true;
		usleep(1000);
	}
	return false;
}

START_TEST(heat)
{
	struct ctrans_sqe longest = bench_long_job(&b, 0);
	struct ctrans_cqe cqe;
	struct chip_costs c;
	pthread_t t;

	chip_costs_at(CTRANS_OPP_RESET, &c);
	expect_heat((double)c.leak_uw);
	cqe = run(0);
	ck_assert_double_gt(power(&cqe, CTRANS_OPP_RESET), 10 * (double)c.leak_uw);
	/* it may have ended more than 100 ms ago, if this thread had no CPU since */
	for (int i = 0; i < 100 && bench_reg(&b, CTRANS_REG_POWER_UW) == c.leak_uw; i++)
		run(0);
	expect_heat(power(&cqe, CTRANS_OPP_RESET));
	ck_assert(idle_soon((double)c.leak_uw));
	expect_heat((double)c.leak_uw);
	/* leakage goes by the point that is set, also before a job has run at it */
	chip_write(b.chip, CTRANS_REG_OPP, 4);
	chip_costs_at(4, &c);
	expect_heat((double)c.leak_uw);

	/* a job on the cores: as the last that there was */
	bench_fill(&b, 0, &longest);
	bench_ring(&b, 0);
	t = bench_lend(&b);
	bench_wait_active(&b, 0, true);
	usleep(150000);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_ACTIVE), 1);
	expect_heat(power(&cqe, CTRANS_OPP_RESET));
	chip_write(b.chip, CTRANS_REG_CTX_RESET, 0);
	bench_wait_active(&b, 0, false);
	expect_heat((double)c.leak_uw);
	bench_end(&b, t);
}
END_TEST

/* No job draws what a point may at most, and that grows with the point. */
START_TEST(at_most)
{
	for (unsigned int opp = 0; opp < CHIP_OPPS; opp++) {
		struct ctrans_cqe cqe;
		struct chip_costs c;
		double uw, products;

		chip_write(b.chip, CTRANS_REG_OPP, opp);
		chip_write(b.chip, CTRANS_REG_OPP_INDEX, opp);
		chip_costs_at(opp, &c);
		/* by floating point, from the table */
		products = 48.0 * 8 * 16 * c.khz * 1e3;
		uw = products * ((double)c.mac8_aj + (double)c.sram_read_aj / 16) * 1e-12 +
		     1600e6 * (double)c.sram_write_aj * 1e-12;
		uw = uw * 1.2 + (double)c.leak_uw + 1600e6 * 64e6 * 1e-12;
		ck_assert_double_eq_tol(bench_reg(&b, CTRANS_REG_OPP_UW), uw, uw / 1000);
		cqe = run(0);
		ck_assert_double_lt(power(&cqe, opp), uw);
		ck_assert_double_gt(power(&cqe, opp), (double)c.leak_uw);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_telemetry");
	TCase *t = tcase_create("telemetry");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, of_queues);
	tcase_add_test(t, by_clock);
	tcase_add_test(t, latches);
	tcase_add_test(t, heat);
	tcase_add_test(t, at_most);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
