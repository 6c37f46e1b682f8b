// SPDX-License-Identifier: MIT
/*
 * The same program gives the same bytes wherever its pages lie, for every
 * kernel and any number of threads; and a position's result does not depend on
 * what else is in the step.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip/kernel.h"
#include "chip_bench_model.h"
#include "chip_must.h"

/* What can be seen of a run, to be compared byte for byte. */
struct record {
	uint8_t *data;
	size_t n, room;
};

static void *more(struct record *r, size_t n)
{
	if (r->n + n > r->room) {
		r->room = 2 * (r->n + n);
		r->data = realloc(r->data, r->room);
		MUST(r->data);
	}
	r->n += n;
	return r->data + r->n - n;
}

static const struct tiny shapes[] = {
	/* n_in and n_out not multiples of 4 or 16; heads of 13 */
	{ .heads = 2, .head_dim = 13, .inner = 37, .vocab = 53, .act = CTRANS_ACT_GELU_TANH,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC,
	  .spike_mask = { ~0ull, ~0ull }, .top_k = 3 },
	{ .heads = 2, .head_dim = 12, .inner = 100, .vocab = 90, .act = CTRANS_ACT_GELU_ERF,
	  .code = CTRANS_CODE_RATE, .kv = CTRANS_KV_F32, .theta_mode = CTRANS_THETA_STATIC,
	  .spike_mask = { 0xff, 0 }, .top_k = 64 },
	{ .heads = 3, .head_dim = 20, .inner = 240, .vocab = 1100, .act = CTRANS_ACT_RELU,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC, .top_k = 5 },
	{ .heads = 2, .head_dim = 64, .inner = 513, .vocab = 257, .act = CTRANS_ACT_SILU,
	  .code = CTRANS_CODE_RATE, .theta_mode = CTRANS_THETA_DYNAMIC,
	  .spike_mask = { 0x5555, 0xaaaa }, .top_k = 0 },
	{ .heads = 3, .head_dim = 20, .inner = 65, .vocab = 70, .enc = CTRANS_ENC_F32,
	  .kv = CTRANS_KV_F32, .theta_mode = CTRANS_THETA_DYNAMIC, .top_k = 1 },
	{ .heads = 1, .head_dim = 64, .inner = 31, .vocab = 17, .enc = CTRANS_ENC_F32,
	  .kv = CTRANS_KV_F16, .theta_mode = CTRANS_THETA_STATIC, .top_k = 17 },
	{ .heads = 2, .head_dim = 37, .inner = 31, .vocab = 17, .kv = CTRANS_KV_S8,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC, .top_k = 2 },
	/* blocks of all inputs and of some, lists that straddle pages */
	{ .heads = 3, .head_dim = 20, .inner = 513, .vocab = 253, .enc = CTRANS_ENC_ESC,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC,
	  .spike_mask = { ~0ull, 0 }, .top_k = 2 },
	/* theta so small that values are outliers, and sums beyond 32 bits */
	{ .heads = 4, .head_dim = 64, .inner = 37, .vocab = 53, .enc = CTRANS_ENC_ESC,
	  .code = CTRANS_CODE_RATE, .theta_mode = CTRANS_THETA_STATIC,
	  .spike_mask = { 0xff, 0 }, .top_k = 64 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void observe(struct bench *b, const struct tiny *t, struct ctrans_cqe cqe,
		    const struct tiny_row *rows, uint32_t n, struct record *r)
{
	uint32_t logits = 0;

	MUST(cqe.status == CTRANS_ST_OK);
	memcpy(more(r, sizeof(cqe)), &cqe, sizeof(cqe));
	for (uint32_t i = 0; i < n; i++) {
		if (!rows[i].logits)
			continue;
		bench_read(b, t->ctx, t->logits + (uint64_t)logits * t->logits_stride,
			   more(r, 4 * t->vocab), 4 * t->vocab);
		bench_read(b, t->ctx, t->topk + (uint64_t)logits * t->topk_stride,
			   more(r, 16 + 8u * t->top_k), 16 + 8u * t->top_k);
		logits++;
	}
	n *= TINY_INSNS * (uint32_t)sizeof(struct ctrans_stat);
	bench_read(b, t->ctx, t->stats, more(r, n), n);
}

static void observe_cache(struct bench *b, const struct tiny *t, struct record *r)
{
	for (uint32_t s = 0; s < TINY_SEQS; s++)
		for (uint32_t j = 0; j < TINY_BLOCKS; j++) {
			uint64_t va;

			bench_read(b, t->ctx, t->table[s] + 8ull * j, &va, 8);
			bench_read(b, t->ctx, va, more(r, t->block_bytes), t->block_bytes);
		}
}

/* Rows 1..20 of two sequences, in steps of all sizes, some without logits. */
static void scenario(struct bench *b, enum bench_order order, uint64_t piece,
		     const struct tiny *shape, struct record *r)
{
	static const uint32_t sizes[] = { 1, 2, 3, 20, 8, 9, 1, 17, 2, 5 };
	struct tiny t = *shape;
	uint32_t at[2] = { 0 };

	bench_renew(b);
	bench_grow(b, 0, 3 << 20, order);
	b->piece = piece;
	tiny_build(b, 0, &t);
	bench_queue(b, 0, 0, 3, 3, 0xfffffffd);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct tiny_row rows[TINY_ROWS];

		for (uint32_t i = 0; i < sizes[s]; i++) {
			uint32_t seq = i * 2 >= sizes[s];

			rows[i] = (struct tiny_row){
				.token = (s * 31 + i * 7) % t.vocab,
				.position = at[seq]++, .seq = seq,
				.logits = s != 4 && (i % 3 == 0 || i + 1 == sizes[s]),
			};
		}
		observe(b, &t, tiny_step(b, 0, &t, rows, sizes[s]), rows, sizes[s], r);
	}
	observe_cache(b, &t, r);
}

static void compare(const struct record *is, const struct record *want,
		    const char *kernel, unsigned int threads, int order, size_t shape)
{
	ck_assert_uint_eq(is->n, want->n);
	for (size_t i = 0; i < is->n; i++)
		if (is->data[i] != want->data[i])
			ck_abort_msg("kernel %s, %u threads, order %d, shape %zu: byte %zu differs",
				     kernel, threads, order, shape, i);
}

START_TEST(anywhere)
{
	const struct tiny *shape = &shapes[_i];
	struct record want = { 0 }, is = { 0 };
	const struct chip_kernel *k;
	struct bench b;

	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		if (!k->supported())
			continue;
		for (unsigned int threads = 1; threads <= 4; threads++) {
			bench_open(&b, threads, k->name);
			for (int o = BENCH_LARGE; o <= BENCH_SHUFFLED; o++) {
				is.n = 0;
				scenario(&b, (enum bench_order)o, 0, shape, &is);
				if (!want.n) {
					want = is;
					is = (struct record){ 0 };
				} else {
					compare(&is, &want, k->name, threads, o,
						(size_t)_i);
				}
			}
			/* a bus that breaks off inside pages */
			is.n = 0;
			scenario(&b, threads % 2 ? BENCH_SHUFFLED : BENCH_LARGE,
				 threads % 2 ? 1024 : 65536, shape, &is);
			compare(&is, &want, k->name, threads, 9, (size_t)_i);
			bench_close(&b);
		}
	}
	ck_assert_uint_gt(want.n, 1000);
	free(want.data);
	free(is.data);
}
END_TEST

/* ---- What else is in the step ----------------------------------------- */

#define LENGTH 150u	/* over two block boundaries */

static uint32_t token_at(uint32_t seq, uint32_t i, uint32_t vocab)
{
	return (seq * 101 + i * i * 13 + i) % vocab;
}

static void logits_of(struct bench *b, const struct tiny *t, uint32_t slot, float *dst)
{
	bench_read(b, 0, t->logits + (uint64_t)slot * t->logits_stride, dst,
		   4ull * t->vocab);
}

/* All logits of @n sequences of LENGTH, in steps of @chunk rows of each. */
static float *logits_in_chunks(struct bench *b, const struct tiny *shape,
			       uint32_t first, uint32_t n, uint32_t chunk)
{
	struct tiny t = *shape;
	float *out = calloc((size_t)n * LENGTH, 4ull * t.vocab);

	MUST(out);
	bench_renew(b);
	bench_grow(b, 0, 3 << 20, BENCH_SHUFFLED);
	tiny_build(b, 0, &t);
	bench_queue(b, 0, 0, 3, 3, 0);
	for (uint32_t at = 0; at < LENGTH; at += chunk) {
		uint32_t here = LENGTH - at < chunk ? LENGTH - at : chunk, m = 0;
		struct tiny_row rows[TINY_ROWS];

		for (uint32_t s = 0; s < n; s++)
			for (uint32_t i = 0; i < here; i++)
				rows[m++] = (struct tiny_row){
					.token = token_at(first + s, at + i, t.vocab),
					.position = at + i, .seq = s, .logits = true,
				};
		MUST(tiny_step(b, 0, &t, rows, m).status == CTRANS_ST_OK);
		for (uint32_t s = 0; s < n; s++)
			for (uint32_t i = 0; i < here; i++)
				logits_of(b, &t, s * here + i,
					  out + ((size_t)s * LENGTH + at + i) * t.vocab);
	}
	return out;
}

START_TEST(alone)
{
	const struct tiny *t = &shapes[_i];
	static const uint32_t chunks[] = { 1, 2, 3, 7, 24 };
	float *want[3], *is;
	struct bench b;

	bench_open(&b, 2, NULL);
	for (uint32_t s = 0; s < 3; s++)
		want[s] = logits_in_chunks(&b, t, s, 1, 1);
	for (size_t c = 1; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
		is = logits_in_chunks(&b, t, 0, 1, chunks[c]);
		ck_assert(!memcmp(is, want[0], 4ull * LENGTH * t->vocab));
		free(is);
	}
	for (uint32_t chunk = 1; chunk <= 8; chunk += 7) {
		is = logits_in_chunks(&b, t, 0, 3, chunk);
		for (uint32_t s = 0; s < 3; s++)
			ck_assert(!memcmp(is + (size_t)s * LENGTH * t->vocab, want[s],
					  4ull * LENGTH * t->vocab));
		free(is);
	}
	for (uint32_t s = 0; s < 3; s++)
		free(want[s]);
	bench_close(&b);
}
END_TEST

/* Two sequences with the first block in common, read-only for both. */
START_TEST(shared_blocks)
{
	struct tiny t = shapes[0];
	struct tiny_row rows[16], fork[2];
	float *want, got[2][64];
	uint64_t first, blocks[2][TINY_BLOCKS];
	struct bench b;

	bench_open(&b, 3, NULL);
	want = logits_in_chunks(&b, &t, 0, 1, 1);

	bench_renew(&b);
	bench_grow(&b, 0, 3 << 20, BENCH_ORDERED);
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
	for (uint32_t at = 0; at < 64; at += 16) {
		for (uint32_t i = 0; i < 16; i++)
			rows[i] = (struct tiny_row){ token_at(0, at + i, t.vocab),
						     at + i, 0, false };
		ck_assert_int_eq(tiny_step(&b, 0, &t, rows, 16).status, CTRANS_ST_OK);
	}
	for (int s = 0; s < 2; s++)
		bench_read(&b, 0, t.table[s], blocks[s], sizeof(blocks[s]));
	first = blocks[0][0];
	blocks[1][0] = first;
	bench_write(&b, 0, t.table[1], blocks[1], sizeof(blocks[1]));
	for (uint64_t va = first & ~4095ull; va < first + t.block_bytes; va += 4096) {
		/* only whole pages of it: the ends are shared with what is written */
		if (va >= first && va + 4096 <= first + t.block_bytes)
			*bench_pte(&b, 0, va, 2) &= ~CTRANS_PTE_WRITE;
	}
	chip_write(b.chip, CTRANS_REG_TLB_INVAL, 0);
	for (int s = 0; s < 2; s++)
		fork[s] = (struct tiny_row){ token_at(0, 64, t.vocab), 64, (uint32_t)s,
					     true };
	ck_assert_int_eq(tiny_step(&b, 0, &t, fork, 2).status, CTRANS_ST_OK);
	for (uint32_t s = 0; s < 2; s++) {
		logits_of(&b, &t, s, got[s]);
		ck_assert(!memcmp(got[s], want + 64ull * t.vocab, 4ull * t.vocab));
	}
	/* but nobody writes there */
	fork[0].position = 3;
	ck_assert_int_eq(tiny_step(&b, 0, &t, fork, 1).status, CTRANS_ST_FAULT);
	ck_assert_uint_ge(bench_line(&b, 0)->fault_va, first);
	ck_assert_uint_lt(bench_line(&b, 0)->fault_va, first + t.block_bytes);
	ck_assert_uint_ne(bench_qreg(&b, 0, CTRANS_Q_FAULT_INFO) >> 31, 0);
	free(want);
	bench_close(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_scattered");
	TCase *t = tcase_create("programs");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 110);
	tcase_add_loop_test(t, anywhere, 0, (int)SHAPES);
	tcase_add_loop_test(t, alone, 0, (int)SHAPES);
	tcase_add_test(t, shared_blocks);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
