// SPDX-License-Identifier: MIT
/*
 * The time model's laws on counts made by hand: arrays that wait for weights or
 * change their mode, rows that do not fit the activation memory, external memory
 * that runs ahead, and what speculation costs.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip/energy.h"
#include "uapi/ctrans_regs.h"

static struct chip_costs costs;

static void setup(void)
{
	chip_costs_at(CTRANS_OPP_RESET, &costs);
}

/* @n spiking values of which @first fire in timestep 0 and @second in 1. */
static struct chip_row_counts spiking(uint32_t n, uint32_t first, uint32_t second)
{
	return (struct chip_row_counts){
		.spiking = n, .spikes = first + second, .timesteps = 2,
		.at_step = { first, second },
	};
}

static struct ctrans_stat linear(const struct chip_row_counts *k, uint32_t n_in,
				 uint32_t n_out, uint32_t n_rows)
{
	struct ctrans_stat st = { 0 };

	chip_charge_linear_row(&costs, k, n_in, n_out, n_rows, &st);
	return st;
}

START_TEST(stalls)
{
	static const struct {
		uint32_t rows, n_out;
		uint64_t compute, stall;
	} want[] = {
		/* 800 values: 100 cycles of the feed for 7 + 5 of spikes */
		{ 1, 768, 100, 88 },
		{ 1, 769, 200, 176 },
		{ 2, 768, 50, 38 },
		/* sixteen rows at most share a weight */
		{ 16, 768, 12, 0 },
		{ 8, 768, 13, 1 },
		{ 100, 768, 12, 0 },
	};
	struct chip_row_counts k = spiking(800, 400, 300);

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct ctrans_stat st = linear(&k, 800, want[i].n_out, want[i].rows);
		uint64_t pad = (want[i].n_out + 15) / 16 * 16;
		uint64_t groups = (want[i].n_out + 767) / 768;

		ck_assert_uint_eq(st.cycles_compute, want[i].compute);
		ck_assert_uint_eq(st.cycles_stall, want[i].stall);
		/* the clock's share of what 8 rows use with 8 spikes each */
		ck_assert_uint_eq(st.energy_spiking_fj, want[i].stall / groups * 64 *
				  pad * costs.spike_aj * 20 / 100 / 1000);
	}
}
END_TEST

START_TEST(modes)
{
	struct chip_row_counts k = spiking(160, 160, 160);
	struct ctrans_stat st;

	/* 20 cycles of the feed and of products each; 6 of them take spikes */
	k.dense = 160;
	k.switches = 1;
	st = linear(&k, 320, 16, 1);
	ck_assert_uint_eq(st.cycles_compute, 20 + 20 + costs.switch_cycles);
	ck_assert_uint_eq(st.cycles_stall, 20 - 6 + costs.switch_cycles);
	k.switches = 5;
	st = linear(&k, 320, 16, 16);
	ck_assert_uint_eq(st.cycles_compute, 20 + 6 + 5 * costs.switch_cycles);
	ck_assert_uint_eq(st.cycles_stall, 5 * costs.switch_cycles);
	/* hidden behind the outlier unit, the array waits all the same */
	k.outlier = 1000;
	st = linear(&k, 1320, 16, 16);
	ck_assert_uint_eq(st.cycles_compute, 1000);
	ck_assert_uint_eq(st.cycles_stall, 5 * costs.switch_cycles);
	/* dense alone never waits */
	k = (struct chip_row_counts){ .dense = 801 };
	st = linear(&k, 801, 16, 1);
	ck_assert_uint_eq(st.cycles_compute, 101);
	ck_assert_uint_eq(st.cycles_stall + st.energy_spiking_fj, 0);
}
END_TEST

/* Passes by their definition: reading again whatever does not stay. */
static uint64_t refetch(uint64_t in, uint64_t out, uint64_t rows, uint64_t weights)
{
	const uint64_t room = 192 << 10, sums = 4 * (out < 768 ? out : 768);
	uint64_t resident = 0, streamed = 0;

	if ((2 * in + sums) * rows <= room)
		return 0;
	for (uint64_t done = 0; done < rows; done += room / (2 * in + sums))
		resident += weights;
	for (uint64_t done = 0; done < rows; done += room / (2 * 64 + sums))
		streamed += weights;
	for (uint64_t o = 0; o < out; o += 768)
		streamed += 2 * in * rows;
	return (streamed < resident ? streamed : resident) - weights;
}

START_TEST(passes)
{
	static const uint32_t shape[][2] = {
		{ 768, 2304 }, { 768, 768 }, { 768, 3072 }, { 3072, 768 },
		{ 16, 16 }, { 5120, 1280 }, { 1280, 50272 }, { 20000, 160 },
	};
	uint64_t some = 0;

	for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		for (uint32_t rows = 1; rows <= 2048; rows = rows * 3 / 2 + 1) {
			uint32_t in = shape[i][0], out = shape[i][1];
			uint64_t w = (uint64_t)in * out, want = refetch(in, out, rows, w);
			struct chip_shared shared = { 0 };

			chip_linear_bytes(&costs, in, out, rows, 0, &shared);
			ck_assert_uint_eq(shared.bytes_external, w + want);
			ck_assert_uint_eq(shared.bytes_sram_written, w + want);
			ck_assert_uint_eq(shared.bytes_sram_read, 0);
			some += want > 0;
			ck_assert(rows > 1 || !want);
		}
	}
	ck_assert_uint_gt(some, 20);
}
END_TEST

/* Packed weights come packed, are read to be unpacked, and lie so on the chip. */
START_TEST(packed)
{
	struct chip_shared shared = { 0 };

	/* 42 rows fit with their inputs, 61 without; three groups of outputs */
	chip_linear_bytes(&costs, 768, 2304, 42, 1000, &shared);
	ck_assert_uint_eq(shared.bytes_external, 1000);
	ck_assert_uint_eq(shared.bytes_sram_read, 1000);
	ck_assert_uint_eq(shared.bytes_sram_written, 768 * 2304);
	shared = (struct chip_shared){ 0 };
	chip_linear_bytes(&costs, 768, 2304, 61, 1000000, &shared);
	ck_assert_uint_eq(shared.bytes_external, 1000000 + 3 * 2 * 768 * 61);
	ck_assert_uint_eq(shared.bytes_sram_written, 768 * 2304 + 3 * 2 * 768 * 61);
	shared = (struct chip_shared){ 0 };
	chip_linear_bytes(&costs, 768, 2304, 61, 200000, &shared);
	ck_assert_uint_eq(shared.bytes_external, 2 * 200000);
	ck_assert_uint_eq(shared.bytes_sram_read, 2 * 200000);
	ck_assert_uint_eq(shared.bytes_sram_written, 2 * 768 * 2304);
}
END_TEST

static uint64_t instruction(struct chip_totals *total, uint64_t compute, uint64_t bytes)
{
	struct ctrans_stat st[3] = {
		{ .cycles_compute = compute / 2 },
		{ .cycles_compute = compute - compute / 2 },
		{ .bytes_external = bytes },
	};
	struct chip_shared shared = { 0 };
	uint64_t before = total->cycles, sum = 0;

	chip_charge(&costs, st, 3, &shared, total);
	for (int i = 0; i < 3; i++)
		sum += st[i].cycles;
	ck_assert_uint_eq(total->cycles - before, sum);
	return sum;
}

START_TEST(overlap)
{
	/* 125 MHz and 1600 MB/s: 12.8 bytes a cycle; half the memory is 10240 */
	const uint64_t fill = costs.fill, most = 10240;
	struct chip_totals t = { 0 };

	ck_assert_uint_eq(instruction(&t, 0, 12800), 1000 + fill);
	/* the fill was memory's, too */
	ck_assert_uint_eq(t.ahead, fill);
	ck_assert_uint_eq(instruction(&t, 0, 12800), 1000);
	ck_assert_uint_eq(t.ahead, fill);
	/* computing lets memory go ahead, up to what there is room for */
	ck_assert_uint_eq(instruction(&t, 5000, 12800), 5000 + fill);
	ck_assert_uint_eq(t.ahead, 4000 + 2 * fill);
	ck_assert_uint_eq(instruction(&t, 5000, 12800), 5000 + fill);
	ck_assert_uint_eq(t.ahead, 8000 + 3 * fill);
	ck_assert_uint_eq(instruction(&t, 50000, 12800), 50000 + fill);
	ck_assert_uint_eq(t.ahead, most);
	ck_assert_uint_eq(instruction(&t, 0, 12800 * 20), 20000 - most + fill);
	ck_assert_uint_eq(t.ahead, fill);
	/* more than fits 64 bits when multiplied by the clock */
	ck_assert_uint_eq(instruction(&t, 0, 128ull << 44), (10ull << 44));
}
END_TEST

/* Never less than either needs in all, nor more than one after the other. */
START_TEST(bounds)
{
	struct chip_totals t = { 0 };
	uint64_t compute = 0, bytes = 0, apart = 0, x = 12345;

	for (int i = 0; i < 5000; i++) {
		uint64_t c, b, ext;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		c = (x >> 33) % 20000;
		b = (x >> 20) % 300000;
		ext = (b * 10 + 127) / 128;
		compute += c;
		bytes += ext;
		apart += (c > ext ? c : ext) + costs.fill;
		instruction(&t, c, b);
		ck_assert_uint_ge(t.cycles, compute);
		ck_assert_uint_ge(t.cycles, bytes);
		ck_assert_uint_le(t.cycles, apart);
	}
	ck_assert_uint_lt(t.cycles, apart);
}
END_TEST

START_TEST(speculation)
{
	struct ctrans_stat st[2] = { { .ops_spiking = 1000 }, { .ops_spiking = 0 } };
	struct chip_shared shared = { .checks = 500, .draws = 7001 };
	struct chip_totals t = { 0 };

	chip_charge(&costs, st, 2, &shared, &t);
	ck_assert_uint_eq(st[0].energy_spiking_fj + st[1].energy_spiking_fj,
			  1000 * costs.spike_aj / 1000 + 500 * costs.check_aj / 1000 +
			  7001 * costs.draw_aj / 1000);
}
END_TEST

START_TEST(kappa)
{
	const struct chip_constant *c = chip_constants;

	ck_assert_double_eq_tol(c[CHIP_E_SPIKE].value, c[CHIP_E_MAC8].value *
				c[CHIP_KAPPA].value / c[CHIP_SPIKES_PER_CYCLE].value,
				1e-12);
	ck_assert_double_eq(c[CHIP_SRAM_WEIGHTS].value + c[CHIP_SRAM_ACTIVATIONS].value +
			    c[CHIP_SRAM_ESC].value, 500);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_time");
	TCase *t = tcase_create("laws");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, stalls);
	tcase_add_test(t, modes);
	tcase_add_test(t, passes);
	tcase_add_test(t, packed);
	tcase_add_test(t, overlap);
	tcase_add_test(t, bounds);
	tcase_add_test(t, speculation);
	tcase_add_test(t, kappa);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
