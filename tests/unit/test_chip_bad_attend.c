// SPDX-License-Identifier: MIT
/*
 * Attention that is malformed: fields that do not go together, and sources that
 * are not what they say. Nothing is written then, not even by the instructions before.
 */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "chip_bad.h"

#define BAD	CTRANS_ST_BAD_INSN
#define ARGS	CTRANS_ST_BAD_ARGS
#define FAULT	CTRANS_ST_FAULT
#define OK	CTRANS_ST_OK
#define NONE	UINT32_MAX

/* Two key/value blocks, of which a table for them says so. */
static uint64_t source, biases;

static void setup_source(void)
{
	struct ctrans_source src = { .n_positions = 65, .n_blocks = 2 };

	setup();
	source = bench_va(&b, 0, sizeof(src) + 16);
	bench_write(&b, 0, source, &src, sizeof(src));
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t va = bench_va(&b, 0, t.block_bytes);

		bench_write(&b, 0, source + sizeof(src) + 8 * i, &va, 8);
	}
	biases = bench_va(&b, 0, 2 * 4160);
}

static struct ctrans_insn_attention of_kind(const struct ctrans_insn_attention *was,
					    uint8_t attend)
{
	struct ctrans_insn_attention a = *was;

	a.attend = attend;
	if (attend == CTRANS_ATTEND_STORE) {
		a.q_va = a.out_va = 0;
		a.q_stride = a.out_stride = 0;
	} else if (attend == CTRANS_ATTEND_SOURCE) {
		a.k_va = a.v_va = 0;
		a.kv_stride = 0;
	} else {
		a.bias_va = biases;
		a.bias_span = 500;
	}
	return a;
}

/* All rows' sources. */
static void set_sources(uint64_t va)
{
	for (uint32_t r = 0; r < SOME; r++)
		bench_write(&b, 0, t.args + sizeof(struct ctrans_args) +
			    r * sizeof(struct ctrans_row) +
			    offsetof(struct ctrans_row, source_va), &va, 8);
}

static void expect(int status, uint32_t insn)
{
	struct ctrans_sqe sqe = tiny_sqe(&t, true);

	if (status != OK) {
		ends(&sqe, status, insn);
		return;
	}
	bench_run(&b, 0, &sqe);
	ck_assert_msg(bench_take(&b, 0).status == OK, "%s", now);
}

#define CASE(attend, field, value, status)					\
	{ #attend ": " #field " = " #value, CTRANS_ATTEND_##attend,		\
	  offsetof(struct ctrans_insn_attention, field),			\
	  sizeof(((struct ctrans_insn_attention *)0)->field), value, status }

static const struct {
	const char *name;
	uint8_t attend;
	size_t offset, size;
	uint64_t value;
	int status;
} cases[] = {
	CASE(CAUSAL, kv_type, 0, OK),
	CASE(FULL, kv_type, 0, OK),
	CASE(SOURCE, kv_type, 0, OK),
	CASE(STORE, kv_type, 0, OK),
	CASE(CAUSAL, attend, 4, BAD),
	CASE(CAUSAL, attend, 255, BAD),
	CASE(FULL, bias_va, BENCH_VA + 4, BAD),
	CASE(FULL, bias_va, 0, BAD),
	CASE(FULL, bias_va, 1ull << 38, FAULT),
	CASE(CAUSAL, bias_va, (1ull << 39) - 4160, FAULT),
	CASE(FULL, bias_span, 0, BAD),
	CASE(CAUSAL, bias_span, CTRANS_BIAS_SPAN_MAX + 1, BAD),
	CASE(CAUSAL, bias_span, UINT32_MAX, BAD),
	CASE(FULL, n_positions, 1, ARGS),
	CASE(FULL, q_va, 0, FAULT),
	CASE(FULL, k_va, 0, FAULT),
	CASE(FULL, out_va, 0, FAULT),
	CASE(SOURCE, bias_va, BENCH_VA, BAD),
	CASE(SOURCE, bias_span, 1, BAD),
	CASE(SOURCE, q_va, 0, FAULT),
	CASE(SOURCE, q_va, BENCH_VA + 2, BAD),
	CASE(SOURCE, q_stride, 0, BAD),
	CASE(SOURCE, out_va, 0, FAULT),
	CASE(SOURCE, out_stride, 4, BAD),
	CASE(SOURCE, k_va, BENCH_VA, BAD),
	CASE(SOURCE, v_va, BENCH_VA, BAD),
	CASE(SOURCE, kv_stride, 128, BAD),
	CASE(SOURCE, n_positions, 64, ARGS),
	CASE(SOURCE, n_positions, 65, OK),
	/* blocks of sources reach as far as sources are read */
	CASE(SOURCE, layer_offset, 1u << 30, FAULT),
	CASE(STORE, layer_offset, 1u << 30, FAULT),
	CASE(STORE, bias_va, BENCH_VA, BAD),
	CASE(STORE, bias_span, 1, BAD),
	CASE(STORE, q_va, BENCH_VA, BAD),
	CASE(STORE, q_stride, 128, BAD),
	CASE(STORE, out_va, BENCH_VA, BAD),
	CASE(STORE, out_stride, 128, BAD),
	CASE(STORE, k_va, 0, FAULT),
	CASE(STORE, v_va, 0, FAULT),
	CASE(STORE, kv_stride, 0, BAD),
	CASE(STORE, n_positions, 1, ARGS),
};

START_TEST(fields)
{
	struct ctrans_insn was, i;
	bool rows = cases[_i].status == FAULT && cases[_i].size == 8 &&
		    cases[_i].offset == offsetof(struct ctrans_insn_attention, layer_offset);

	tiny_get(&b, &t, TINY_ATTENTION, &was);
	i = was;
	i.attention = of_kind(&was.attention, cases[_i].attend);
	memcpy((uint8_t *)&i.attention + cases[_i].offset, &cases[_i].value, cases[_i].size);
	tiny_set(&b, &t, TINY_ATTENTION, &i);
	tiny_args(&b, &t, some_rows, SOME);
	set_sources(source);
	now = cases[_i].name;
	/* tables belong to no instruction */
	expect(cases[_i].status, rows ? NONE : TINY_ATTENTION);
	tiny_set(&b, &t, TINY_ATTENTION, &was);
	still_good();
}
END_TEST

#define SOURCE(field, value, status)						\
	{ #field " = " #value, offsetof(struct ctrans_source, field),		\
	  sizeof(((struct ctrans_source *)0)->field), value, status }

static const struct {
	const char *name;
	size_t offset, size;
	uint64_t value;
	int status;
} sources[] = {
	SOURCE(n_positions, 0, ARGS),
	SOURCE(n_positions, 1, OK),
	SOURCE(n_positions, 128, OK),
	SOURCE(n_positions, 129, ARGS),
	SOURCE(n_positions, CTRANS_POSITIONS_MAX + 1, ARGS),
	SOURCE(n_positions, UINT32_MAX, ARGS),
	SOURCE(n_blocks, 0, ARGS),
	SOURCE(n_blocks, 1, ARGS),
	SOURCE(n_blocks, 1025, ARGS),
	SOURCE(n_blocks, UINT32_MAX, ARGS),
	SOURCE(rsvd[0], 1, ARGS),
	SOURCE(rsvd[13], 0x80000000, ARGS),
	{ "block 0 = 0", 64, 8, 0, FAULT },
	{ "block 1 = 0", 72, 8, 0, FAULT },
	{ "block 1 not aligned", 72, 8, BENCH_VA + 32, ARGS },
	{ "block 1 = 2^38", 72, 8, 1ull << 38, FAULT },
	{ "block 1 = ~63", 72, 8, ~63ull, FAULT },
};

static void attend_source(void)
{
	struct ctrans_insn i;

	tiny_get(&b, &t, TINY_ATTENTION, &i);
	i.attention = of_kind(&i.attention, CTRANS_ATTEND_SOURCE);
	tiny_set(&b, &t, TINY_ATTENTION, &i);
	tiny_args(&b, &t, some_rows, SOME);
}

START_TEST(headers)
{
	attend_source();
	set_sources(source);
	expect(OK, NONE);
	bench_write(&b, 0, source + sources[_i].offset, &sources[_i].value, sources[_i].size);
	now = sources[_i].name;
	expect(sources[_i].status, NONE);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		uint64_t va;
		int status;
		uint32_t insn;
	} bad[] = {
		{ 0, ARGS, TINY_ATTENTION }, { BENCH_VA + 8, ARGS, NONE },
		{ 64, FAULT, NONE }, { 1ull << 39, FAULT, NONE }, { ~63ull, FAULT, NONE },
	};
	uint64_t row = t.args + sizeof(struct ctrans_args) + 2 * sizeof(struct ctrans_row) +
		       offsetof(struct ctrans_row, source_va), end;

	attend_source();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_sources(source);
		bench_write(&b, 0, row, &bad[i].va, 8);
		expect(bad[i].status, bad[i].insn);
	}
	/* its table is beyond what is mapped */
	end = b.mapped_va[0] - 64;
	bench_write(&b, 0, end, &(struct ctrans_source){ .n_positions = 1, .n_blocks = 1 },
		    64);
	bench_write(&b, 0, row, &end, 8);
	expect(FAULT, NONE);
	/* nobody looks where no instruction reads sources */
	tiny_build(&b, 0, &t);
	tiny_args(&b, &t, some_rows, SOME);
	set_sources(1ull << 39);
	expect(OK, NONE);
}
END_TEST

/* What is read of others may be read-only, and own tables are then of no interest. */
START_TEST(read_only)
{
	const uint64_t va = 1ull << 38, block = 4 * CTRANS_PAGE_4K;
	struct ctrans_source src = { .n_positions = 65, .n_blocks = 2 };
	uint64_t blocks[2] = { va + block, va + 2 * block }, none = 0;

	attend_source();
	ck_assert_uint_le(t.block_bytes, block);
	for (uint64_t i = 0; i < 3 * block; i += CTRANS_PAGE_4K)
		bench_map(&b, 0, va + i, bench_page(&b, CTRANS_PAGE_4K), 0);
	bench_write(&b, 0, va, &src, sizeof(src));
	bench_write(&b, 0, va + sizeof(src), blocks, sizeof(blocks));
	set_sources(va);
	for (uint32_t r = 0; r < SOME; r++)
		bench_write(&b, 0, t.args + sizeof(struct ctrans_args) +
			    r * sizeof(struct ctrans_row) +
			    offsetof(struct ctrans_row, blocks_va), &none, 8);
	expect(OK, NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_bad_attend");
	TCase *c = tcase_create("attention");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup_source, teardown);
	tcase_add_loop_test(c, fields, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_loop_test(c, headers, 0, (int)(sizeof(sources) / sizeof(sources[0])));
	tcase_add_test(c, addresses);
	tcase_add_test(c, read_only);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
