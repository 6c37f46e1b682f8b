// SPDX-License-Identifier: MIT
/* Page tables, as uapi/ctrans_regs.h has them: what translates and what faults. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip_bench_model.h"
#include "chip_must.h"
#include "fail_alloc.h"

static struct bench b;
static uint64_t prog, args, gain;

/* One NORM of one row of 16; prog and args lie in memory that always maps. */
static void setup(void)
{
	struct ctrans_args a = { .n_rows = 1 };

	bench_open(&b, 2, NULL);
	bench_grow(&b, 0, 64 << 10, BENCH_ORDERED);
	prog = bench_va(&b, 0, 128);
	args = bench_va(&b, 0, 4096);
	gain = bench_va(&b, 0, 1024);
	bench_write(&b, 0, args, &a, sizeof(a));
	bench_queue(&b, 0, 0, 3, 3, 0);
}

static void teardown(void)
{
	bench_close(&b);
}

static int norm(uint64_t in, uint64_t out, uint32_t n)
{
	struct ctrans_sqe sqe = { .op = CTRANS_OP_RUN, .prog_va = prog,
				  .prog_len = 128, .args_va = args };
	struct ctrans_insn i = { .op = CTRANS_INSN_NORM };
	int status;

	i.norm = (struct ctrans_insn_norm){ .in_va = in, .out_va = out, .gain_va = gain,
		.in_stride = 64 * n, .out_stride = 64 * n, .n = 16 * n };
	bench_write(&b, 0, prog, &i, sizeof(i));
	bench_run(&b, 0, &sqe);
	status = bench_take(&b, 0).status;
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	return status;
}

static void faults(uint64_t va, bool write)
{
	ck_assert_uint_eq(bench_line(&b, 0)->fault_va, va);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_insn, 0);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_VA_LO), (uint32_t)va);
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_VA_HI), (uint32_t)(va >> 32));
	ck_assert_uint_eq(bench_qreg(&b, 0, CTRANS_Q_FAULT_INFO),
			  write ? 0x80000000 : 0);
}

static void invalidate(void)
{
	chip_write(b.chip, CTRANS_REG_TLB_INVAL, 0);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_TLB_ACK),
			  bench_reg(&b, CTRANS_REG_TLB_SEQ));
}

#define TOP (1ull << CTRANS_VA_BITS)

START_TEST(limits)
{
	uint64_t page = bench_page(&b, 4096), in = args + 1024;

	/* the first and the last page there can be, and what is below and above */
	bench_map(&b, 0, CTRANS_VA_MIN - 4096, page, CTRANS_PTE_WRITE);
	bench_map(&b, 0, CTRANS_VA_MIN, page, CTRANS_PTE_WRITE);
	bench_map(&b, 0, TOP - 4096, page, CTRANS_PTE_WRITE);
	ck_assert_int_eq(norm(in, CTRANS_VA_MIN, 1), CTRANS_ST_OK);
	ck_assert_int_eq(norm(in, CTRANS_VA_MIN - 64, 1), CTRANS_ST_FAULT);
	faults(CTRANS_VA_MIN - 64, true);
	ck_assert_int_eq(norm(in, TOP - 64, 1), CTRANS_ST_OK);
	ck_assert_int_eq(norm(in, TOP - 64, 2), CTRANS_ST_FAULT);
	ck_assert_int_eq(norm(in, TOP, 1), CTRANS_ST_FAULT);
	ck_assert_int_eq(norm(TOP + CTRANS_VA_MIN, in, 1), CTRANS_ST_FAULT);
	faults(TOP + CTRANS_VA_MIN, false);
	ck_assert_int_eq(norm(UINT64_MAX - 63, in, 1), CTRANS_ST_FAULT);
	ck_assert_int_eq(norm(in, 64, 1), CTRANS_ST_FAULT);
}
END_TEST

START_TEST(entries)
{
	uint64_t page = bench_page(&b, 4096), va = 1ull << 35, in = args + 1024;
	uint64_t *root, *middle, *last;

	bench_map(&b, 0, va, page, CTRANS_PTE_WRITE);
	root = bench_pte(&b, 0, va, 0);
	middle = bench_pte(&b, 0, va, 1);
	last = bench_pte(&b, 0, va, 2);
	ck_assert_int_eq(norm(in, va + 128, 1), CTRANS_ST_OK);
	/* a leaf or the write bit in a table entry, and every reserved bit */
	for (int bit = 0; bit < 64; bit++) {
		uint64_t *level[] = { root, middle, last };

		for (int l = 0; l < 3; l++) {
			uint64_t was = *level[l], flip = was ^ 1ull << bit;

			if (bit >= 12 && bit < CTRANS_BUS_BITS)
				continue;	/* the address */
			*level[l] = flip;
			invalidate();
			ck_assert_int_eq(norm(in, va + 128, 1), CTRANS_ST_FAULT);
			faults(va + 128, true);
			*level[l] = was;
		}
	}
	/* 2 MiB: its low address bits are reserved */
	*middle = CTRANS_PTE_VALID | CTRANS_PTE_LEAF | CTRANS_PTE_WRITE | CTRANS_PAGE_2M;
	for (int bit = 12; bit < 21; bit++) {
		*middle ^= 1ull << bit;
		invalidate();
		ck_assert_int_eq(norm(in, va + 128, 1), CTRANS_ST_FAULT);
		*middle ^= 1ull << bit;
	}
}
END_TEST

START_TEST(read_only)
{
	uint64_t page = bench_page(&b, 4096), va = 1ull << 35, in = args + 1024;

	bench_map(&b, 0, va, page, 0);
	ck_assert_int_eq(norm(va, in, 1), CTRANS_ST_OK);
	ck_assert_int_eq(norm(in, va, 1), CTRANS_ST_FAULT);
	faults(va, true);
	/* writable, then not: at the byte where it ends */
	bench_map(&b, 0, va - 4096, bench_page(&b, 4096), CTRANS_PTE_WRITE);
	ck_assert_int_eq(norm(in, va - 64, 2), CTRANS_ST_FAULT);
	faults(va, true);
	/* the TLB keeps what it knows until it is told otherwise */
	*bench_pte(&b, 0, va, 2) |= CTRANS_PTE_WRITE;
	invalidate();
	ck_assert_int_eq(norm(in, va - 64, 2), CTRANS_ST_OK);
	*bench_pte(&b, 0, va, 2) = 0;
	invalidate();
	ck_assert_int_eq(norm(in, va - 64, 2), CTRANS_ST_FAULT);
	faults(va, true);
	ck_assert_int_eq(norm(va - 64, in, 2), CTRANS_ST_FAULT);
	faults(va, false);
}
END_TEST

/* Large and small pages side by side, read-only and writable. */
START_TEST(mixed)
{
	uint64_t large = bench_page(&b, CTRANS_PAGE_2M), va = (1ull << 33) + CTRANS_PAGE_2M;
	float *first, *second;

	bench_map(&b, 0, va, large, CTRANS_PTE_WRITE | CTRANS_PTE_LEAF);
	bench_map(&b, 0, va - 4096, bench_page(&b, 4096), CTRANS_PTE_WRITE);
	bench_map(&b, 0, va + CTRANS_PAGE_2M, bench_page(&b, 4096), CTRANS_PTE_WRITE);
	/* in from the last small page into the large one, out from it into the next */
	first = bench_at(&b, 0, va - 64);
	second = bench_at(&b, 0, va);
	for (int i = 0; i < 16; i++) {
		first[i] = 1.0f;
		second[i] = -1.0f;
		((float *)bench_at(&b, 0, gain))[i] = 1.0f;
		((float *)bench_at(&b, 0, gain))[16 + i] = 1.0f;
	}
	ck_assert_int_eq(norm(va - 64, va + CTRANS_PAGE_2M - 64, 2), CTRANS_ST_OK);
	first = bench_at(&b, 0, va + CTRANS_PAGE_2M - 64);
	second = bench_at(&b, 0, va + CTRANS_PAGE_2M);
	for (int i = 0; i < 16; i++) {
		ck_assert_float_eq(first[i], 1.0f);
		ck_assert_float_eq(second[i], -1.0f);
	}
}
END_TEST

/* The bus refuses: memory, then the tables themselves. */
START_TEST(bus)
{
	uint64_t page = bench_page(&b, 4096), va = 1ull << 35, in = args + 1024;

	bench_map(&b, 0, va, page, CTRANS_PTE_WRITE);
	bench_map(&b, 0, va + 4096, BENCH_BUS + 4096, CTRANS_PTE_WRITE);
	ck_assert_int_eq(norm(in, va + 4096 - 64, 2), CTRANS_ST_BUS);
	faults(va + 4096, true);
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_IRQ_STATUS) & CTRANS_IRQ_MMU, 0);
	/* part of a page answers: so far and no farther, on a granule */
	b.hole = page + 1000;
	b.hole_end = page + 4096;
	invalidate();
	ck_assert_int_eq(norm(in, va + 896, 1), CTRANS_ST_OK);
	ck_assert_int_eq(norm(in, va + 960, 1), CTRANS_ST_BUS);
	faults(va + 960, true);
	ck_assert_int_eq(norm(in, va + 896, 2), CTRANS_ST_BUS);
	faults(va + 960, true);
	/* the other end of it */
	b.hole = page;
	b.hole_end = page + 1024;
	invalidate();
	ck_assert_int_eq(norm(in, va + 960, 1), CTRANS_ST_BUS);
	ck_assert_int_eq(norm(in, va + 1024, 3), CTRANS_ST_OK);
	/* tables */
	b.hole = 0;
	b.hole_end = 0;
	*bench_pte(&b, 0, va, 1) = (uint64_t)BENCH_BUS | CTRANS_PTE_VALID;
	invalidate();
	ck_assert_int_eq(norm(in, va, 1), CTRANS_ST_BUS);
	ck_assert_uint_ne(bench_reg(&b, CTRANS_REG_IRQ_STATUS) & CTRANS_IRQ_MMU, 0);
}
END_TEST

#define SCATTERED	300u
#define SCATTERED_VA	(1ull << 35)

/* What the NORM of each page comes to: half its values are 1, the others -1. */
static void each_page_is(float first)
{
	for (unsigned int i = 0; i < SCATTERED; i++) {
		uint64_t va = SCATTERED_VA + i * CTRANS_PAGE_4K;
		float got;

		ck_assert_int_eq(norm(va + 64, args + 2048, 1), CTRANS_ST_OK);
		bench_read(&b, 0, args + 2048, &got, sizeof(got));
		ck_assert_msg(got == first, "page %u: %g", i, (double)got);
	}
}

/* More regions than the TLB has places for are kept all the same. */
START_TEST(many_regions)
{
	uint64_t page[2][SCATTERED];

	for (int i = 0; i < 16; i++)
		((float *)bench_at(&b, 0, gain))[i] = 1.0f;
	for (int set = 0; set < 2; set++)
		for (unsigned int i = SCATTERED; i--;) {
			page[set][i] = bench_page(&b, CTRANS_PAGE_4K);
			for (int k = 0; k < 1024; k++)
				((float *)(b.mem + page[set][i]))[k] =
					set == k % 16 / 8 ? 1.0f : -1.0f;
		}
	for (unsigned int i = 0; i < SCATTERED; i++)
		bench_map(&b, 0, SCATTERED_VA + i * CTRANS_PAGE_4K, page[0][i], 0);
	ck_assert_int_eq(norm(SCATTERED_VA, args + 2048, 1), CTRANS_ST_OK);
	/* the first time there is no memory for the cache, the next time there is */
	fail_alloc_at(_i);
	each_page_is(1.0f);
	ck_assert_int_eq(fail_alloc_stop(), _i);
	each_page_is(1.0f);
	/* they are known until the chip is told otherwise, then none is */
	for (unsigned int i = 0; i < SCATTERED; i++)
		bench_map(&b, 0, SCATTERED_VA + i * CTRANS_PAGE_4K, page[1][i], 0);
	if (!_i)
		each_page_is(1.0f);
	invalidate();
	each_page_is(-1.0f);
	chip_forget(b.chip);
	for (unsigned int i = 0; i < SCATTERED; i++)
		*bench_pte(&b, 0, SCATTERED_VA + i * CTRANS_PAGE_4K, 2) = 0;
	for (unsigned int i = 0; i < SCATTERED; i++) {
		ck_assert_int_eq(norm(SCATTERED_VA + i * CTRANS_PAGE_4K, args + 2048, 1),
				 CTRANS_ST_FAULT);
		faults(SCATTERED_VA + i * CTRANS_PAGE_4K, false);
	}
}
END_TEST

/* Of pages so far apart many have the same place in the cache. */
#define APART		(256ull << 20)

START_TEST(same_place)
{
	uint64_t page[100], va;

	for (unsigned int i = 100; i--;)
		page[i] = bench_page(&b, CTRANS_PAGE_4K);
	for (unsigned int i = 0; i < 100; i++)
		bench_map(&b, 0, SCATTERED_VA + i * APART, page[i], 0);
	for (int round = 0; round < 3; round++)
		for (unsigned int i = 0; i < 100; i++) {
			va = SCATTERED_VA + i * APART;
			ck_assert_int_eq(norm(va, args + 2048, 1), CTRANS_ST_OK);
			/* the page after it is not mapped, whatever lies in its place */
			ck_assert_int_eq(norm(va + CTRANS_PAGE_4K, args + 2048, 1),
					 CTRANS_ST_FAULT);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_mmu");
	TCase *t = tcase_create("translation");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, limits);
	tcase_add_test(t, entries);
	tcase_add_test(t, read_only);
	tcase_add_test(t, mixed);
	tcase_add_test(t, bus);
	tcase_add_loop_test(t, many_regions, 0, 2);
	tcase_add_test(t, same_place);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
