// SPDX-License-Identifier: MIT
/*
 * Compressed weights on the chip: the same bits as the S8 bytes they stand for,
 * the same accounts but for what was read of them, and a fault, never more, for
 * whatever else their memory may hold.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip/kernel.h"
#include "chip_bench_model.h"
#include "chip_must.h"

static struct bench b;

static const struct tiny shapes[] = {
	{ .heads = 2, .head_dim = 13, .inner = 37, .vocab = 53, .act = CTRANS_ACT_GELU_TANH,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC,
	  .spike_mask = { ~0ull, ~0ull }, .top_k = 3 },
	{ .heads = 4, .head_dim = 64, .inner = 300, .vocab = 90, .act = CTRANS_ACT_RELU,
	  .code = CTRANS_CODE_RATE, .theta_mode = CTRANS_THETA_STATIC,
	  .spike_mask = { 0xff, 0 }, .top_k = 5 },
	{ .heads = 3, .head_dim = 64, .inner = 768, .vocab = 257,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC, .top_k = 1 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static const uint32_t steps[] = { 1, 2, 3, 8, 9, 24, 1 };

#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct seen {
	float logits[STEPS][TINY_ROWS][257];
	struct ctrans_stat stats[STEPS][TINY_ROWS][TINY_INSNS];
	struct ctrans_insn insn[TINY_INSNS];
	uint32_t granules[TINY_INSNS];
};

static uint32_t granules_of(const struct ctrans_insn *i)
{
	return i->op == CTRANS_INSN_EMBED ? i->embed.weight_granules :
	       i->op == CTRANS_INSN_LINEAR || i->op == CTRANS_INSN_LOGITS ?
	       i->linear.weight_granules : 0;
}

static void run(struct tiny *t, enum bench_order order, struct seen *s)
{
	uint32_t at = 0;

	bench_renew(&b);
	bench_grow(&b, 0, 4 << 20, order);
	tiny_build(&b, 0, t);
	bench_queue(&b, 0, 0, 3, 3, 0);
	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < TINY_INSNS; i++)
		tiny_get(&b, t, i, &s->insn[i]);
	for (size_t n = 0; n < STEPS; n++) {
		struct tiny_row rows[TINY_ROWS];

		for (uint32_t i = 0; i < steps[n]; i++, at++)
			rows[i] = (struct tiny_row){ at * 7 % t->vocab, at, 0, true };
		ck_assert_int_eq(tiny_step(&b, 0, t, rows, steps[n]).status, CTRANS_ST_OK);
		for (uint32_t i = 0; i < steps[n]; i++) {
			bench_read(&b, 0, t->logits + (uint64_t)i * t->logits_stride,
				   s->logits[n][i], 4 * t->vocab);
			bench_read(&b, 0, t->stats + i * sizeof(s->stats[n][i]),
				   s->stats[n][i], sizeof(s->stats[n][i]));
		}
	}
}

/* What is the same for the same bytes, however they are stored. */
static void same_work(const struct ctrans_stat *s8, const struct ctrans_stat *esc)
{
	ck_assert_uint_eq(s8->cycles_compute, esc->cycles_compute);
	ck_assert_uint_eq(s8->cycles_stall, esc->cycles_stall);
	ck_assert_uint_eq(s8->values_zero, esc->values_zero);
	ck_assert_uint_eq(s8->values_dense, esc->values_dense);
	ck_assert_uint_eq(s8->values_spiking, esc->values_spiking);
	ck_assert_uint_eq(s8->values_outlier, esc->values_outlier);
	ck_assert_uint_eq(s8->spikes, esc->spikes);
	ck_assert_uint_eq(s8->ops_dense, esc->ops_dense);
	ck_assert_uint_eq(s8->ops_spiking, esc->ops_spiking);
	ck_assert_uint_eq(s8->ops_outlier, esc->ops_outlier);
	ck_assert_uint_eq(s8->ops_vector, esc->ops_vector);
}

static uint64_t sum_bytes(const struct seen *s, size_t step, uint32_t insn)
{
	uint64_t sum = 0;

	for (uint32_t r = 0; r < steps[step]; r++)
		sum += s->stats[step][r][insn].bytes_external;
	return sum;
}

static uint64_t sum_sram(const struct seen *s, size_t step, uint32_t insn)
{
	uint64_t sum = 0;

	for (uint32_t r = 0; r < steps[step]; r++)
		sum += s->stats[step][r][insn].bytes_sram;
	return sum;
}

/* One pass over the weights reads so many bytes more of S8 than of ESC. */
static uint64_t saved(const struct seen *esc, uint32_t insn)
{
	const struct ctrans_insn_linear *l = &esc->insn[insn].linear;

	return (uint64_t)((l->n_in + 3) / 4 * 4) * ((l->n_out + 15) / 16 * 16) -
	       64ull * l->weight_granules;
}

START_TEST(same_as_s8)
{
	static const enum bench_order orders[] = { BENCH_LARGE, BENCH_SHUFFLED };
	struct seen *s8 = malloc(sizeof(*s8)), *esc = malloc(sizeof(*esc));
	const struct chip_kernel *k;

	MUST(s8 && esc);
	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		if (!k->supported())
			continue;
		bench_open(&b, 1 + n % 3, k->name);
		for (size_t o = 0; o < 2; o++) {
			struct tiny plain = shapes[_i], packed = shapes[_i];

			plain.small = true;
			packed.enc = CTRANS_ENC_ESC;
			run(&plain, orders[o], s8);
			run(&packed, orders[o], esc);
			ck_assert(!memcmp(s8->logits, esc->logits, sizeof(s8->logits)));
			for (size_t i = 0; i < STEPS; i++) {
				for (uint32_t r = 0; r < steps[i]; r++)
					for (uint32_t j = 0; j < TINY_INSNS; j++)
						same_work(&s8->stats[i][r][j],
							  &esc->stats[i][r][j]);
				for (uint32_t j = TINY_NORM_1; j < TINY_INSNS; j++) {
					uint64_t bytes = 64ull * granules_of(&esc->insn[j]);

					ck_assert_uint_eq(sum_bytes(s8, i, j),
							  sum_bytes(esc, i, j) +
							  (bytes ? saved(esc, j) : 0));
					/* who unpacks them reads them */
					ck_assert_uint_eq(sum_sram(s8, i, j) + bytes,
							  sum_sram(esc, i, j));
				}
				ck_assert_uint_ne(sum_bytes(s8, i, TINY_EMBED),
						  sum_bytes(esc, i, TINY_EMBED));
			}
		}
		bench_close(&b);
	}
	free(s8);
	free(esc);
}
END_TEST

/* ---- Malformed ----------------------------------------------------------- */

static struct tiny t;
static const struct tiny_row some_rows[] = {
	{ 1, 0, 0, false }, { 2, 1, 0, true }, { 39, 0, 1, true }, { 3, 0, 2, true },
};

static void start(unsigned int threads, const char *kernel, enum bench_order order)
{
	bench_open(&b, threads, kernel);
	bench_grow(&b, 0, 2 << 20, order);
	t = (struct tiny){ .heads = 2, .head_dim = 16, .inner = 300, .vocab = 40,
			   .enc = CTRANS_ENC_ESC, .theta_mode = CTRANS_THETA_DYNAMIC,
			   .code = CTRANS_CODE_RADIX, .top_k = 3 };
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
}

static void ends(int status, uint32_t insn, uint32_t n_rows)
{
	struct ctrans_cqe cqe = tiny_step(&b, 0, &t, some_rows, n_rows);

	ck_assert_int_eq(cqe.status, status);
	if (status == CTRANS_ST_OK)
		return;
	ck_assert_uint_eq(bench_line(&b, 0)->state, CTRANS_QSTATE_ERROR);
	ck_assert_uint_eq(bench_line(&b, 0)->fault_insn, insn);
	bench_qset(&b, 0, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
}

/* Change a word at @va; the job faults, and is right again when it is back. */
static void bad(uint32_t insn, uint64_t va, uint32_t value, uint32_t n_rows)
{
	uint32_t was;

	bench_read(&b, 0, va, &was, 4);
	bench_write(&b, 0, va, &value, 4);
	ends(CTRANS_ST_BAD_WEIGHT, insn, n_rows);
	bench_write(&b, 0, va, &was, 4);
	ends(CTRANS_ST_OK, 0, n_rows);
}

static uint64_t weights_of(uint32_t insn, uint32_t *blocks)
{
	struct ctrans_insn i;

	tiny_get(&b, &t, insn, &i);
	*blocks = (i.linear.n_in + 255) / 256 * ((i.linear.n_out + 15) / 16);
	return i.linear.weight_va;
}

static void bad_tables(uint32_t insn, uint32_t n_rows)
{
	uint32_t blocks;
	uint64_t va = weights_of(insn, &blocks);

	for (uint32_t i = 0; i <= blocks; i++) {
		uint32_t at;

		bench_read(&b, 0, va + 4ull * i, &at, 4);
		bad(insn, va + 4ull * i, 0, n_rows);
		bad(insn, va + 4ull * i, UINT32_MAX, n_rows);
		bad(insn, va + 4ull * i, at ^ 0x80000000u, n_rows);
		/* a list of more granules than there may be, a block of too few */
		bad(insn, va + 4ull * i, at + 25, n_rows);
		if (at >= 30)
			bad(insn, va + 4ull * i, at - 25, n_rows);
	}
}

START_TEST(tables)
{
	static const enum bench_order orders[] = { BENCH_LARGE, BENCH_SHUFFLED };

	for (size_t o = 0; o < 2; o++) {
		start(1 + (unsigned int)o, o ? "auto" : "reference", orders[o]);
		for (uint32_t n = 1; n <= 4; n += 3) {
			bad_tables(TINY_QKV, n);
			bad_tables(TINY_DOWN, n);
		}
		bench_close(&b);
	}
}
END_TEST

/* The table ends where the instruction says that weights do, or before. */
START_TEST(too_short)
{
	struct ctrans_insn i;

	start(2, "auto", BENCH_LARGE);
	tiny_get(&b, &t, TINY_UP, &i);
	i.linear.weight_granules--;
	tiny_set(&b, &t, TINY_UP, &i);
	ends(CTRANS_ST_BAD_WEIGHT, TINY_UP, 1);
	i.linear.weight_granules += 3;
	tiny_set(&b, &t, TINY_UP, &i);
	ends(CTRANS_ST_OK, 0, 1);
	/* fewer than such a matrix can have */
	i.linear.weight_granules = 3;
	tiny_set(&b, &t, TINY_UP, &i);
	ends(CTRANS_ST_BAD_INSN, TINY_UP, 1);
	i.linear.weight_granules = 0;
	tiny_set(&b, &t, TINY_UP, &i);
	ends(CTRANS_ST_BAD_INSN, TINY_UP, 1);
	bench_close(&b);
}
END_TEST

/* Entries that name bytes beyond the 64 inputs of a last block. */
START_TEST(lists)
{
	const struct chip_kernel *k;

	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		uint32_t blocks, end;
		uint64_t va;

		if (!k->supported())
			continue;
		start(1, k->name, n % 2 ? BENCH_LARGE : BENCH_SHUFFLED);
		va = weights_of(TINY_DOWN, &blocks);
		for (uint32_t rows = 1; rows <= 4; rows += 3) {
			for (uint32_t i = 2; i <= blocks; i += 2) {
				bench_read(&b, 0, va + 4ull * i, &end, 4);
				bad(TINY_DOWN, va + 64ull * end - 4, 0x0fff0fffu, rows);
				bad(TINY_DOWN, va + 64ull * end - 4, 0x04000400u, rows);
			}
			/* of a whole block any entry names something */
			bench_read(&b, 0, va + 4, &end, 4);
			bench_write(&b, 0, va + 64ull * end - 4, &(uint32_t){ ~0u }, 4);
			ends(CTRANS_ST_OK, 0, rows);
		}
		bench_close(&b);
	}
}
END_TEST

/* The table of tokens is the head as well: EMBED finds it first. */
START_TEST(tokens)
{
	uint32_t blocks, at;
	uint64_t va;

	start(1, "auto", BENCH_SHUFFLED);
	va = weights_of(TINY_LOGITS, &blocks);
	bad(TINY_EMBED, va, 0, 1);
	bench_read(&b, 0, va + 4, &at, 4);
	/* 32 inputs: the first tile's only block is short */
	bad(TINY_EMBED, va + 64ull * at - 4, 0x0fff0fffu, 1);
	/* a tile of which no token is asked for: the head's to find, if it runs */
	bad(TINY_LOGITS, va + 8, 0, 2);
	bench_write(&b, 0, va + 8, &(uint32_t){ 0 }, 4);
	ends(CTRANS_ST_OK, 0, 1);
	bench_close(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_esc");
	TCase *tc = tcase_create("chip_esc");
	SRunner *r;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, same_as_s8, 0, (int)SHAPES);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, too_short);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, tokens);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
