// SPDX-License-Identifier: MIT
/*
 * What is malformed or not mapped: one wrong field at a time in a program that
 * is otherwise right, the documented status for it, and nothing written.
 */
#include <check.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_bad.h"

/* A value in a field of 1, 2, 4 or 8 bytes. */
struct wrong {
	const char *name;
	size_t offset, size;
	uint64_t value;
	int status;
	uint32_t insn;		/* in which, or that is blamed */
};

static void put(void *at, const struct wrong *w)
{
	memcpy((uint8_t *)at + w->offset, &w->value, w->size);
}

/* ---- Entries ---------------------------------------------------------- */

#define SQE(field, value, status)						\
	{ #field " = " #value, offsetof(struct ctrans_sqe, field),		\
	  sizeof(((struct ctrans_sqe *)0)->field), value, status, UINT32_MAX }

static const struct wrong bad_sqe[] = {
	SQE(op, 2, CTRANS_ST_BAD_ENTRY),
	SQE(op, 255, CTRANS_ST_BAD_ENTRY),
	/* NOP with a program */
	SQE(op, CTRANS_OP_NOP, CTRANS_ST_BAD_ENTRY),
	SQE(flags, 1, CTRANS_ST_BAD_ENTRY),
	SQE(rsvd0, 0x100, CTRANS_ST_BAD_ENTRY),
	SQE(rsvd1, 1, CTRANS_ST_BAD_ENTRY),
	SQE(rsvd2[0], 1, CTRANS_ST_BAD_ENTRY),
	SQE(rsvd2[1], 1ull << 63, CTRANS_ST_BAD_ENTRY),
	SQE(prog_len, 0, CTRANS_ST_BAD_ENTRY),
	SQE(prog_len, 127, CTRANS_ST_BAD_ENTRY),
	SQE(prog_len, 129, CTRANS_ST_BAD_ENTRY),
	SQE(prog_len, 128 * 4097, CTRANS_ST_BAD_ENTRY),
	SQE(prog_len, 0xffffff80, CTRANS_ST_BAD_ENTRY),
	SQE(prog_va, BENCH_VA + 1, CTRANS_ST_BAD_ENTRY),
	SQE(prog_va, BENCH_VA + 32, CTRANS_ST_BAD_ENTRY),
	SQE(args_va, BENCH_VA + 8, CTRANS_ST_BAD_ENTRY),
	SQE(stats_va, BENCH_VA + 63, CTRANS_ST_BAD_ENTRY),
	SQE(args_va, 0, CTRANS_ST_FAULT),
	SQE(args_va, CTRANS_VA_MIN - 64, CTRANS_ST_FAULT),
	SQE(args_va, 1ull << 39, CTRANS_ST_FAULT),
	SQE(args_va, ~63ull, CTRANS_ST_FAULT),
	SQE(args_va, 1ull << 38, CTRANS_ST_FAULT),
	SQE(stats_va, 64, CTRANS_ST_FAULT),
	SQE(stats_va, (1ull << 39) - 64, CTRANS_ST_FAULT),
	SQE(stats_va, 1ull << 40, CTRANS_ST_FAULT),
};

START_TEST(entry)
{
	struct ctrans_sqe sqe = tiny_sqe(&t, true);

	tiny_args(&b, &t, some_rows, SOME);
	put(&sqe, &bad_sqe[_i]);
	now = bad_sqe[_i].name;
	ends(&sqe, bad_sqe[_i].status, bad_sqe[_i].insn);
	still_good();
}
END_TEST

START_TEST(program_address)
{
	static const uint64_t bad[] = { 0, CTRANS_VA_MIN - 64, 1ull << 39, ~63ull,
					(1ull << 39) - 64 };
	struct ctrans_sqe sqe = tiny_sqe(&t, true);

	tiny_args(&b, &t, some_rows, SOME);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sqe.prog_va = bad[i];
		ends(&sqe, CTRANS_ST_FAULT, 0);
		ck_assert_uint_eq(bench_line(&b, 0)->fault_va, bad[i]);
	}
	/* the second of two instructions is beyond what is mapped */
	sqe.prog_va = b.mapped_va[0] - 128;
	bench_write(&b, 0, sqe.prog_va, bench_at(&b, 0, t.prog), 128);
	sqe.prog_len = 256;
	ends(&sqe, CTRANS_ST_FAULT, 1);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_va, b.mapped_va[0]);
	still_good();
}
END_TEST

/* ---- Arguments -------------------------------------------------------- */

#define ARGS(field, value, status, insn)					\
	{ #field " = " #value, offsetof(struct ctrans_args, field),		\
	  sizeof(((struct ctrans_args *)0)->field), value, status, insn }
#define ROW(r, field, value, status, insn)					\
	{ "row " #r " " #field " = " #value, sizeof(struct ctrans_args) +	\
	  (r) * sizeof(struct ctrans_row) + offsetof(struct ctrans_row, field),	\
	  sizeof(((struct ctrans_row *)0)->field), value, status, insn }
#define NONE UINT32_MAX

static const struct wrong bad_args[] = {
	ARGS(n_rows, 0, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(n_rows, CTRANS_ROWS_MAX + 1, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(n_rows, UINT32_MAX, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(n_logits, 1, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(n_logits, 3, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(n_logits, 4, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(rsvd[0], 1, CTRANS_ST_BAD_ARGS, NONE),
	ARGS(rsvd[13], 1, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, token, 40, CTRANS_ST_BAD_ARGS, TINY_EMBED),
	ROW(2, token, UINT32_MAX, CTRANS_ST_BAD_ARGS, TINY_EMBED),
	ROW(1, position, 64 * TINY_BLOCKS, CTRANS_ST_BAD_ARGS, TINY_EMBED),
	ROW(1, position, CTRANS_POSITIONS_MAX, CTRANS_ST_BAD_ARGS, NONE),
	ROW(1, position, UINT32_MAX, CTRANS_ST_BAD_ARGS, NONE),
	ROW(1, flags, 3, CTRANS_ST_BAD_ARGS, NONE),
	ROW(1, flags, 1u << 31, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, flags, 1, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, n_blocks, 0, CTRANS_ST_BAD_ARGS, TINY_ATTENTION),
	ROW(0, n_blocks, 1025, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, n_blocks, UINT32_MAX, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, blocks_va, BENCH_VA + 4, CTRANS_ST_BAD_ARGS, NONE),
	ROW(0, blocks_va, 0, CTRANS_ST_FAULT, NONE),
	ROW(0, blocks_va, 1ull << 39, CTRANS_ST_FAULT, NONE),
	ROW(0, blocks_va, ~7ull, CTRANS_ST_FAULT, NONE),
	ROW(2, source_va, 1, CTRANS_ST_BAD_ARGS, NONE),
};

START_TEST(arguments)
{
	struct ctrans_sqe sqe = tiny_sqe(&t, true);
	uint8_t args[sizeof(struct ctrans_args) + SOME * sizeof(struct ctrans_row)];

	tiny_args(&b, &t, some_rows, SOME);
	bench_read(&b, 0, t.args, args, sizeof(args));
	put(args, &bad_args[_i]);
	now = bad_args[_i].name;
	bench_write(&b, 0, t.args, args, sizeof(args));
	ends(&sqe, bad_args[_i].status, bad_args[_i].insn);
	still_good();
}
END_TEST

START_TEST(tables)
{
	static const struct {
		uint64_t va;
		int status;
	} bad[] = {
		{ BENCH_VA + 32, CTRANS_ST_BAD_ARGS }, { 0, CTRANS_ST_FAULT },
		{ 1ull << 39, CTRANS_ST_FAULT }, { ~63ull, CTRANS_ST_FAULT },
		{ (1ull << 39) - 64, CTRANS_ST_FAULT },
	};
	struct ctrans_sqe sqe = tiny_sqe(&t, true);
	uint64_t was;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bench_read(&b, 0, t.table[1], &was, 8);
		bench_write(&b, 0, t.table[1], &bad[i].va, 8);
		tiny_args(&b, &t, some_rows, SOME);
		ends(&sqe, bad[i].status, NONE);
		bench_write(&b, 0, t.table[1], &was, 8);
		still_good();
	}
}
END_TEST

/* ---- Instructions ----------------------------------------------------- */

#define FIELD(which, insn, field, value, status)				\
	{ #insn ": " #field " = " #value,					\
	  offsetof(struct ctrans_insn, which) +					\
	  offsetof(struct ctrans_insn_##which, field),				\
	  sizeof(((struct ctrans_insn_##which *)0)->field), value, status, insn }
#define BAD CTRANS_ST_BAD_INSN
#define FAULT CTRANS_ST_FAULT
#define UP TINY_UP
#define LG TINY_LOGITS
#define AT TINY_ATTENTION
#define NAN_F32 0x7fc00000
#define INF_F32 0x7f800000
#define ONE_F32 0x3f800000

static const struct wrong bad_insn[] = {
	{ "op = 0", 0, 1, 0, BAD, TINY_EMBED },
	{ "op = 6", 0, 1, 6, BAD, TINY_NORM_1 },
	{ "op = 7", 0, 1, 7, BAD, TINY_DOWN },
	{ "op = 8", 0, 1, 8, BAD, TINY_LOGITS },
	{ "op = 255", 0, 1, 255, BAD, TINY_LOGITS },
	{ "rsvd[0]", 1, 1, 1, BAD, TINY_QKV },
	{ "rsvd[2]", 3, 1, 0x80, BAD, TINY_QKV },

	FIELD(embed, TINY_EMBED, table_va, 0, FAULT),
	FIELD(embed, TINY_EMBED, table_va, BENCH_VA + 4, BAD),
	FIELD(embed, TINY_EMBED, scale_va, 0, BAD),
	FIELD(embed, TINY_EMBED, scale_va, BENCH_VA + 16, BAD),
	FIELD(embed, TINY_EMBED, position_va, BENCH_VA + 1, BAD),
	FIELD(embed, TINY_EMBED, position_va, 0, BAD),
	FIELD(embed, TINY_EMBED, out_va, 0, FAULT),
	FIELD(embed, TINY_EMBED, out_stride, 64, BAD),
	FIELD(embed, TINY_EMBED, out_stride, 132, BAD),
	FIELD(embed, TINY_EMBED, n, 0, BAD),
	FIELD(embed, TINY_EMBED, n, 33, BAD),
	FIELD(embed, TINY_EMBED, n, UINT32_MAX, BAD),
	FIELD(embed, TINY_EMBED, n_vocab, 0, BAD),
	FIELD(embed, TINY_EMBED, n_vocab, CTRANS_OUT_MAX + 1, BAD),
	FIELD(embed, TINY_EMBED, n_vocab, CTRANS_OUT_MAX, FAULT),
	FIELD(embed, TINY_EMBED, n_positions, 0, BAD),
	FIELD(embed, TINY_EMBED, n_positions, CTRANS_POSITIONS_MAX + 1, BAD),
	FIELD(embed, TINY_EMBED, n_positions, CTRANS_POSITIONS_MAX, FAULT),
	FIELD(embed, TINY_EMBED, encoding, CTRANS_ENC_ESC, BAD),
	FIELD(embed, TINY_EMBED, encoding, CTRANS_ENC_IWG, BAD),
	FIELD(embed, TINY_EMBED, encoding, CTRANS_ENC_F32, BAD),
	FIELD(embed, TINY_EMBED, encoding, 4, BAD),
	FIELD(embed, TINY_EMBED, rsvd[0], 1, BAD),
	FIELD(embed, TINY_EMBED, rsvd[62], 1, BAD),
	FIELD(embed, TINY_EMBED, factor_f32, NAN_F32, BAD),
	FIELD(embed, TINY_EMBED, factor_f32, INF_F32, BAD),
	FIELD(embed, TINY_EMBED, factor_f32, 0xff800000, BAD),

	FIELD(norm, TINY_NORM_1, in_va, 0, FAULT),
	FIELD(norm, TINY_NORM_1, in_va, BENCH_VA + 2, BAD),
	FIELD(norm, TINY_NORM_1, out_va, 0, FAULT),
	FIELD(norm, TINY_NORM_1, gain_va, 0, FAULT),
	FIELD(norm, TINY_NORM_1, gain_va, BENCH_VA + 60, BAD),
	FIELD(norm, TINY_NORM_1, bias_va, BENCH_VA + 60, BAD),
	FIELD(norm, TINY_NORM_1, bias_va, 64, FAULT),
	FIELD(norm, TINY_NORM_1, in_stride, 0, BAD),
	FIELD(norm, TINY_NORM_1, in_stride, 64, BAD),
	FIELD(norm, TINY_NORM_1, out_stride, 160, BAD),
	FIELD(norm, TINY_NORM_1, n, 0, BAD),
	FIELD(norm, TINY_NORM_1, n, 33, BAD),
	FIELD(norm, TINY_NORM_1, n, CTRANS_WIDTH_MAX + 1, BAD),
	FIELD(norm, TINY_NORM_1, eps_f32, NAN_F32, BAD),
	FIELD(norm, TINY_NORM_1, eps_f32, INF_F32, BAD),
	FIELD(norm, TINY_NORM_1, eps_f32, 0x80000001, BAD),
	FIELD(norm, TINY_NORM_1, kind, 2, BAD),
	FIELD(norm, TINY_NORM_1, rsvd[70], 1, BAD),

	FIELD(linear, UP, in_va, 0, FAULT),
	FIELD(linear, UP, in_va, BENCH_VA + 4, BAD),
	FIELD(linear, UP, out_va, 0, FAULT),
	FIELD(linear, UP, out_va, BENCH_VA + 4, BAD),
	FIELD(linear, UP, weight_va, 0, FAULT),
	FIELD(linear, UP, weight_va, BENCH_VA + 32, BAD),
	FIELD(linear, UP, weight_va, (1ull << 39) - 64, FAULT),
	FIELD(linear, UP, colsum_va, 0, BAD),
	FIELD(linear, UP, colsum_va, 4, BAD),
	FIELD(linear, UP, scale_va, 0, BAD),
	FIELD(linear, UP, scale_va, 1, BAD),
	FIELD(linear, UP, bias_va, 1, BAD),
	FIELD(linear, UP, bias_va, CTRANS_VA_MIN - 64, FAULT),
	FIELD(linear, UP, topk_va, BENCH_VA, BAD),
	FIELD(linear, UP, topk_stride, 64, BAD),
	FIELD(linear, UP, rows_max, 1, BAD),
	FIELD(linear, UP, top_k, 1, BAD),
	FIELD(linear, UP, in_stride, 64, BAD),
	FIELD(linear, UP, in_stride, 129, BAD),
	FIELD(linear, UP, out_stride, 128, BAD),
	FIELD(linear, UP, out_stride, 0xfffffffc, BAD),
	FIELD(linear, UP, out_stride, 0xffffffc0, FAULT),
	FIELD(linear, UP, n_in, 0, BAD),
	FIELD(linear, UP, n_in, 33, BAD),
	FIELD(linear, UP, n_in, CTRANS_WIDTH_MAX + 1, BAD),
	FIELD(linear, UP, n_out, 0, BAD),
	FIELD(linear, UP, n_out, 49, BAD),
	FIELD(linear, UP, n_out, UINT32_MAX, BAD),
	FIELD(linear, UP, theta_f32, 0, BAD),
	FIELD(linear, UP, theta_f32, 0x80000000, BAD),
	FIELD(linear, UP, theta_f32, 0xbf800000, BAD),
	FIELD(linear, UP, theta_f32, NAN_F32, BAD),
	FIELD(linear, UP, theta_f32, INF_F32, BAD),
	FIELD(linear, UP, encoding, CTRANS_ENC_ESC, BAD),
	FIELD(linear, UP, encoding, CTRANS_ENC_F32, BAD),
	FIELD(linear, UP, encoding, 255, BAD),
	FIELD(linear, UP, theta_mode, 2, BAD),
	FIELD(linear, UP, code, 3, BAD),
	FIELD(linear, UP, act, 5, BAD),
	FIELD(linear, UP, flags, 8, BAD),
	FIELD(linear, UP, flags, CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL, BAD),
	FIELD(linear, UP, by, 2, BAD),
	FIELD(linear, UP, speculation, CTRANS_SPEC_BOUND, BAD),
	FIELD(linear, UP, speculation, CTRANS_SPEC_SAMPLE, BAD),
	FIELD(linear, UP, speculation, 3, BAD),
	FIELD(linear, UP, spec_steps, 1, BAD),
	FIELD(linear, LG, speculation, CTRANS_SPEC_BOUND, BAD),
	FIELD(linear, LG, spec_steps, 1, BAD),
	/* by value */
	FIELD(linear, UP, unit_low, 1, BAD),
	FIELD(linear, UP, unit_high, 1, BAD),
	FIELD(linear, UP, flags, 0x80, BAD),
	FIELD(linear, UP, rsvd[0], 1, BAD),
	FIELD(linear, UP, rsvd[3], 1, BAD),

	FIELD(linear, LG, act, CTRANS_ACT_RELU, BAD),
	FIELD(linear, LG, flags, CTRANS_LINEAR_ADD, BAD),
	FIELD(linear, LG, flags, CTRANS_LINEAR_MUL, BAD),
	FIELD(linear, LG, rows_max, 0, BAD),
	FIELD(linear, LG, rows_max, 1, CTRANS_ST_BAD_ARGS),
	FIELD(linear, LG, top_k, CTRANS_TOPK_MAX + 1, BAD),
	FIELD(linear, LG, top_k, 7, BAD),
	FIELD(linear, LG, topk_stride, 0, BAD),
	FIELD(linear, LG, topk_stride, 63, BAD),
	FIELD(linear, LG, topk_va, 0, BAD),
	FIELD(linear, LG, topk_va, BENCH_VA + 4, BAD),
	FIELD(linear, LG, topk_va, (1ull << 39) - 64, FAULT),
	FIELD(linear, LG, out_va, (1ull << 39) - 256, FAULT),

	FIELD(attention, AT, q_va, 0, FAULT),
	FIELD(attention, AT, q_va, BENCH_VA + 2, BAD),
	FIELD(attention, AT, k_va, 0, FAULT),
	FIELD(attention, AT, k_va, BENCH_VA + 1, BAD),
	FIELD(attention, AT, v_va, 0, FAULT),
	FIELD(attention, AT, v_va, BENCH_VA + 3, BAD),
	FIELD(attention, AT, out_va, 0, FAULT),
	FIELD(attention, AT, out_va, BENCH_VA + 2, BAD),
	FIELD(attention, AT, layer_offset, 32, BAD),
	FIELD(attention, AT, layer_offset, 1ull << 32, BAD),
	FIELD(attention, AT, q_stride, 124, BAD),
	FIELD(attention, AT, q_stride, 130, BAD),
	FIELD(attention, AT, kv_stride, 0, BAD),
	FIELD(attention, AT, out_stride, 126, BAD),
	FIELD(attention, AT, n_head, 0, BAD),
	FIELD(attention, AT, n_head, UINT32_MAX, BAD),
	FIELD(attention, AT, n_head, 7, BAD),
	FIELD(attention, AT, head_dim, 0, BAD),
	FIELD(attention, AT, head_dim, CTRANS_HEAD_DIM_MAX + 1, BAD),
	FIELD(attention, AT, scale_f32, NAN_F32, BAD),
	FIELD(attention, AT, n_positions, 0, BAD),
	FIELD(attention, AT, n_positions, CTRANS_POSITIONS_MAX + 1, BAD),
	FIELD(attention, AT, n_positions, 1, CTRANS_ST_BAD_ARGS),
	FIELD(attention, AT, kv_type, 3, BAD),
	FIELD(attention, AT, kv_type, 255, BAD),
	FIELD(attention, AT, rsvd[0], 1, BAD),
	FIELD(attention, AT, rsvd[37], 1, BAD),
};

START_TEST(instruction)
{
	const struct wrong *w = &bad_insn[_i];
	struct ctrans_sqe sqe = tiny_sqe(&t, true);
	struct ctrans_insn was, i;

	tiny_args(&b, &t, some_rows, SOME);
	tiny_get(&b, &t, w->insn, &was);
	i = was;
	put(&i, w);
	tiny_set(&b, &t, w->insn, &i);
	now = w->name;
	ends(&sqe, w->status, w->insn);
	tiny_set(&b, &t, w->insn, &was);
	still_good();
}
END_TEST

/* Without the arrays that may be absent it is right too. */
START_TEST(optional)
{
	struct ctrans_insn i;

	tiny_get(&b, &t, TINY_EMBED, &i);
	i.embed.position_va = 0;
	i.embed.n_positions = 0;
	tiny_set(&b, &t, TINY_EMBED, &i);
	tiny_get(&b, &t, TINY_NORM_1, &i);
	i.norm.bias_va = 0;
	tiny_set(&b, &t, TINY_NORM_1, &i);
	tiny_get(&b, &t, TINY_UP, &i);
	i.linear.bias_va = 0;
	tiny_set(&b, &t, TINY_UP, &i);
	tiny_get(&b, &t, TINY_LOGITS, &i);
	i.linear.topk_va = 0;
	i.linear.topk_stride = 0;
	i.linear.top_k = 0;
	tiny_set(&b, &t, TINY_LOGITS, &i);
	still_good();
}
END_TEST

/* Nobody wants logits: their room is not needed, their records are zero. */
START_TEST(no_logits)
{
	struct tiny_row rows[2] = { { 1, 0, 0, false }, { 2, 1, 0, false } };
	struct ctrans_stat stat[2][TINY_INSNS], none = { 0 };
	struct ctrans_insn i;

	still_good();
	tiny_get(&b, &t, TINY_LOGITS, &i);
	i.linear.out_va = 1ull << 38;
	tiny_set(&b, &t, TINY_LOGITS, &i);
	ck_assert_int_eq(tiny_step(&b, 0, &t, rows, 2).status, CTRANS_ST_OK);
	bench_read(&b, 0, t.stats, stat, sizeof(stat));
	for (int r = 0; r < 2; r++)
		ck_assert(!memcmp(&stat[r][TINY_LOGITS], &none, sizeof(none)));
}
END_TEST

/* ---- Much to look at before anything runs ------------------------------- */

static void *work(void *arg)
{
	bench_work(arg);
	return NULL;
}

/* As many block tables as rows may have; the last entry of the last is wrong. */
static struct ctrans_sqe long_tables(void)
{
	struct ctrans_args args = { .n_rows = CTRANS_ROWS_MAX };
	uint64_t at = bench_va(&b, 0, 4 * CTRANS_ROWS_MAX), table, wrong = BENCH_VA + 32;
	uint64_t block = bench_va(&b, 0, 2 * CTRANS_KV_TILE(CTRANS_KV_F16, 1));
	const uint32_t most = CTRANS_POSITIONS_MAX / CTRANS_KV_POSITIONS;
	struct ctrans_insn insn = {
		.op = CTRANS_INSN_ATTENTION,
		.attention = { .q_va = at, .k_va = at, .v_va = at, .out_va = at,
			       .q_stride = 4, .kv_stride = 4, .out_stride = 4,
			       .n_head = 1, .head_dim = 1, .n_positions = 1 },
	};
	struct ctrans_sqe sqe = {
		.op = CTRANS_OP_RUN, .prog_len = sizeof(insn),
		.prog_va = bench_va(&b, 0, sizeof(insn)),
		.args_va = bench_va(&b, 0, sizeof(args) + CTRANS_ROWS_MAX *
						sizeof(struct ctrans_row)),
	};

	table = bench_va(&b, 0, 8ull * most);
	for (uint32_t i = 0; i < most; i++)
		bench_write(&b, 0, table + 8ull * i, i + 1 < most ? &block : &wrong, 8);
	for (uint32_t i = 0; i < CTRANS_ROWS_MAX; i++) {
		/* of other lengths in turn, so that none is the one before */
		struct ctrans_row row = {
			.n_blocks = i + 1 < CTRANS_ROWS_MAX ? most - 1 - i % 2 : most,
			.blocks_va = table,
		};

		bench_write(&b, 0, sqe.args_va + sizeof(args) + i * sizeof(row), &row,
			    sizeof(row));
	}
	bench_write(&b, 0, sqe.args_va, &args, sizeof(args));
	bench_write(&b, 0, sqe.prog_va, &insn, sizeof(insn));
	return sqe;
}

/* Looking is work too: it shows as progress, and an abort ends it. */
START_TEST(aborted_before)
{
	struct ctrans_sqe sqe = long_tables();
	uint32_t before = bench_qreg(&b, 0, CTRANS_Q_PROGRESS);
	pthread_t thread;

	bench_fill(&b, 0, &sqe);
	bench_ring(&b, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, work, &b), 0);
	while (bench_qreg(&b, 0, CTRANS_Q_PROGRESS) == before)
		usleep(20);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	pthread_join(thread, NULL);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_ABORTED);
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_STOPPED);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	still_good();
	/* left alone it comes to the wrong entry */
	ends(&sqe, CTRANS_ST_BAD_ARGS, NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_bad");
	TCase *c = tcase_create("malformed");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, entry, 0, (int)(sizeof(bad_sqe) / sizeof(bad_sqe[0])));
	tcase_add_test(c, program_address);
	tcase_add_loop_test(c, arguments, 0,
			    (int)(sizeof(bad_args) / sizeof(bad_args[0])));
	tcase_add_test(c, tables);
	tcase_add_loop_test(c, instruction, 0,
			    (int)(sizeof(bad_insn) / sizeof(bad_insn[0])));
	tcase_add_test(c, optional);
	tcase_add_test(c, no_logits);
	tcase_add_test(c, aborted_before);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
