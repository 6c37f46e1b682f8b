/* SPDX-License-Identifier: MIT */
/* A program that is right, and what happens to one that is not; for one program each. */
#ifndef CHIP_BAD_H
#define CHIP_BAD_H

#include <check.h>
#include <string.h>

#include "chip_bench_model.h"

static struct bench b;
static struct tiny t;
static const char *now = "";	/* what is wrong in this run */

static void setup(void)
{
	bench_open(&b, 2, "auto");
	bench_grow(&b, 0, 2 << 20, BENCH_ORDERED);
	t = (struct tiny){ .heads = 2, .head_dim = 16, .inner = 48, .vocab = 40,
			   .theta_mode = CTRANS_THETA_DYNAMIC, .top_k = 3 };
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
}

static void teardown(void)
{
	bench_close(&b);
}

static const struct tiny_row some_rows[] = {
	{ 1, 0, 0, false }, { 2, 1, 0, true }, { 39, 0, 1, true },
};

#define SOME 3u

/* Run @sqe; it must end as said, and leave all of memory but its queue alone. */
static void ends(const struct ctrans_sqe *sqe, int status, uint32_t insn)
{
	static uint8_t before[BENCH_BUS];
	uint64_t status_page = b.q[0].status;
	struct ctrans_cqe cqe;

	bench_fill(&b, 0, sqe);
	memcpy(before, b.mem, b.next_page);
	bench_ring(&b, 0);
	bench_work(&b);
	if (memcmp(before, b.mem, status_page) ||
	    memcmp(before + status_page + 4096, b.mem + status_page + 4096,
		   b.next_page - status_page - 4096))
		ck_abort_msg("memory was written");
	cqe = bench_take(&b, 0);
	ck_assert_msg(cqe.status == status, "%s: status %d, not %d", now, cqe.status,
		      status);
	ck_assert_uint_eq(cqe.cycles, 0);
	ck_assert_uint_eq(cqe.energy_pj, 0);
	ck_assert_uint_eq(cqe.user_data, sqe->user_data);
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_ERROR);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_sequence, sqe->sequence);
	ck_assert_msg(bench_line(&b, 0)->fault_insn == insn, "%s: instruction %u, not %u", now,
		      bench_line(&b, 0)->fault_insn, insn);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
}

static void still_good(void)
{
	ck_assert_int_eq(tiny_step(&b, 0, &t, some_rows, SOME).status, CTRANS_ST_OK);
}

#endif
