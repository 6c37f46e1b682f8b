// SPDX-License-Identifier: MIT
/*
 * What rows of encoders and decoders go through beside attention: factors of
 * embeddings, RMS norms, also in place, linears that multiply. Each against plain
 * arithmetic on what the chip read, for every kernel, encoding and order of pages.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip/internal.h"
#include "chip_bench_model.h"
#include "chip_must.h"
#include "device/device.h"
#include "dispatch/estimate.h"

#define WIDEST	80u

static const struct tiny shapes[] = {
	{ .heads = 3, .head_dim = 13, .inner = 70, .vocab = 53, .act = CTRANS_ACT_GELU_TANH,
	  .code = CTRANS_CODE_RADIX, .theta_mode = CTRANS_THETA_DYNAMIC },
	{ .heads = 2, .head_dim = 16, .inner = 48, .vocab = 40, .act = CTRANS_ACT_RELU,
	  .enc = CTRANS_ENC_ESC, .theta_mode = CTRANS_THETA_DYNAMIC },
	{ .heads = 2, .head_dim = 12, .inner = 33, .vocab = 21, .act = CTRANS_ACT_SILU,
	  .enc = CTRANS_ENC_F32, .theta_mode = CTRANS_THETA_DYNAMIC },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static struct bench b;
static struct tiny t;

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

/* Instructions [first, first + n) for as many rows, whose sequences differ. */
static void run(uint32_t first, uint32_t n, uint32_t rows)
{
	struct ctrans_sqe sqe = tiny_sqe(&t, true);
	struct tiny_row row[TINY_ROWS];

	for (uint32_t r = 0; r < rows; r++)
		row[r] = (struct tiny_row){ (7 * r + 3) % t.vocab, 5 + r, r % TINY_SEQS,
					    true };
	tiny_args(&b, &t, row, rows);
	sqe.prog_va += first * sizeof(struct ctrans_insn);
	sqe.prog_len = n * sizeof(struct ctrans_insn);
	bench_run(&b, 0, &sqe);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_OK);
}

static void get(uint64_t va, uint32_t stride, uint32_t r, float *x, uint32_t n)
{
	bench_read(&b, 0, va + (uint64_t)r * stride, x, 4ull * n);
}

static void set(uint64_t va, uint32_t stride, uint32_t r, const float *x, uint32_t n)
{
	bench_write(&b, 0, va + (uint64_t)r * stride, x, 4ull * n);
}

static void near(const char *what, float is, double want)
{
	if (!(fabs((double)is - want) <= 4e-6 * fmax(1, fabs(want))))
		ck_abort_msg("%s: %.9g, not %.9g", what, (double)is, want);
}

static void factor(uint32_t rows)
{
	struct ctrans_insn was, i;
	const float f = -3.3f;

	tiny_get(&b, &t, TINY_EMBED, &was);
	for (uint32_t r = 0; r < rows; r++) {
		float plain[WIDEST], with[WIDEST], both[WIDEST];
		uint32_t stride = was.embed.out_stride;

		i = was;
		i.embed.position_va = 0;
		i.embed.n_positions = 0;
		tiny_set(&b, &t, TINY_EMBED, &i);
		run(TINY_EMBED, 1, rows);
		get(t.x, stride, r, plain, t.width);
		tiny_set(&b, &t, TINY_EMBED, &was);
		run(TINY_EMBED, 1, rows);
		get(t.x, stride, r, with, t.width);
		i = was;
		i.embed.factor_f32 = bits(f);
		tiny_set(&b, &t, TINY_EMBED, &i);
		run(TINY_EMBED, 1, rows);
		get(t.x, stride, r, both, t.width);
		for (uint32_t k = 0; k < t.width; k++)
			near("embedding", both[k], (double)f * (double)plain[k] +
			     ((double)with[k] - (double)plain[k]));
		i.embed.factor_f32 = bits(1.0f);
		tiny_set(&b, &t, TINY_EMBED, &i);
		run(TINY_EMBED, 1, rows);
		get(t.x, stride, r, both, t.width);
		ck_assert(!memcmp(both, with, 4ull * t.width));
	}
	tiny_set(&b, &t, TINY_EMBED, &was);
}

static void norm(uint32_t rows)
{
	struct ctrans_insn was, i;

	run(TINY_EMBED, 1, rows);
	tiny_get(&b, &t, TINY_NORM_1, &was);
	i = was;
	i.norm.kind = CTRANS_NORM_RMS;
	for (int with = 0; with < 2; with++) {
		float x[WIDEST], y[WIDEST], gain[WIDEST], bias[WIDEST] = { 0 };
		struct ctrans_stat st;

		i.norm.bias_va = with ? was.norm.bias_va : 0;
		tiny_set(&b, &t, TINY_NORM_1, &i);
		run(TINY_NORM_1, 1, rows);
		bench_read(&b, 0, t.stats, &st, sizeof(st));
		ck_assert_uint_eq(st.ops_vector, 5ull * t.width);
		get(was.norm.gain_va, 0, 0, gain, t.width);
		if (with)
			get(was.norm.bias_va, 0, 0, bias, t.width);
		for (uint32_t r = 0; r < rows; r++) {
			double sum = 0;

			get(t.x, was.norm.in_stride, r, x, t.width);
			get(was.norm.out_va, was.norm.out_stride, r, y, t.width);
			for (uint32_t k = 0; k < t.width; k++)
				sum += (double)x[k] * (double)x[k];
			for (uint32_t k = 0; k < t.width; k++)
				near("norm", y[k], (double)x[k] /
				     sqrt(sum / t.width + (double)1e-5f) *
				     (double)gain[k] + (double)bias[k]);
		}
	}
	tiny_set(&b, &t, TINY_NORM_1, &was);
}

/* Exactly what it is without the flag, times or plus what was there. */
static void put(uint32_t rows)
{
	static float y[TINY_ROWS][WIDEST];
	struct ctrans_insn was, i;
	uint64_t plain = 0;

	run(TINY_EMBED, 2, rows);
	tiny_get(&b, &t, TINY_UP, &was);
	for (unsigned int flags = 0; flags <= CTRANS_LINEAR_MUL; flags++) {
		float before[WIDEST], after[WIDEST];
		struct ctrans_stat st;

		if (flags & CTRANS_LINEAR_FLIP ||
		    flags == (CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL))
			continue;
		i = was;
		i.linear.flags = (uint8_t)flags;
		tiny_set(&b, &t, TINY_UP, &i);
		for (uint32_t k = 0; k < t.inner; k++)
			before[k] = (float)(k + 1) / -7.0f;
		for (uint32_t r = 0; r < rows; r++)
			set(was.linear.out_va, was.linear.out_stride, r, before, t.inner);
		run(TINY_UP, 1, rows);
		for (uint32_t r = 0; r < rows; r++) {
			get(was.linear.out_va, was.linear.out_stride, r, after, t.inner);
			if (!flags)
				memcpy(y[r], after, sizeof(after));
			for (uint32_t k = 0; flags && k < t.inner; k++) {
				float want = flags & CTRANS_LINEAR_ADD ?
					before[k] + y[r][k] : before[k] * y[r][k];

				ck_assert(bits(after[k]) == bits(want));
			}
		}
		bench_read(&b, 0, t.stats, &st, sizeof(st));
		if (!flags)
			plain = st.ops_vector;
		ck_assert_uint_eq(st.ops_vector, plain + (flags & CTRANS_LINEAR_MUL ?
							  t.inner : 0));
	}
	tiny_set(&b, &t, TINY_UP, &was);
}

START_TEST(arithmetic)
{
	static const uint32_t rows[] = { 1, 2, 3, 19 };
	const struct chip_kernel *k;

	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		if (!k->supported())
			continue;
		bench_open(&b, 1 + n % 2, k->name);
		for (int order = BENCH_LARGE; order <= BENCH_SHUFFLED; order++) {
			t = shapes[_i];
			bench_renew(&b);
			bench_grow(&b, 0, 2 << 20, (enum bench_order)order);
			tiny_build(&b, 0, &t);
			bench_queue(&b, 0, 0, 3, 3, 0);
			for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
				if (r < 2)
					factor(rows[r]);
				norm(rows[r]);
				put(rows[r]);
			}
		}
		bench_close(&b);
	}
}
END_TEST

/*
 * A norm and the linear that reads it, in one job and in two. In place the input is
 * gone once one of the workers has written it, so that none may compute it again.
 */
static void in_one(uint32_t first, uint32_t rows, bool in_place)
{
	struct ctrans_insn norm, next;
	float want[2][WIDEST], is[2][WIDEST], x[2][WIDEST];
	uint64_t out;

	tiny_get(&b, &t, first, &norm);
	tiny_get(&b, &t, first + 1, &next);
	out = next.linear.out_va;
	run(TINY_EMBED, 1, rows);
	for (uint32_t r = 0; r < rows; r++)
		get(t.x, norm.norm.in_stride, r, x[r], t.width);
	for (unsigned int n = 0; n < 300; n++) {
		for (uint32_t r = 0; r < rows; r++)
			set(t.x, norm.norm.in_stride, r, x[r], t.width);
		run(first, n ? 2 : 1, rows);
		if (!n)
			run(first + 1, 1, rows);
		else
			ck_assert(b.chip->job.ops[1].from_norm != in_place);
		for (uint32_t r = 0; r < rows; r++) {
			get(out, next.linear.out_stride, r, n ? is[r] : want[r], t.inner);
			ck_assert(!n || !memcmp(is[r], want[r], 4ull * t.inner));
		}
	}
}

START_TEST(in_place)
{
	static const uint32_t norms[] = { TINY_NORM_1, TINY_NORM_2 };

	bench_open(&b, 4, NULL);
	t = shapes[_i];
	t.inner = 39;
	bench_grow(&b, 0, 2 << 20, BENCH_ORDERED);
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
	for (int kind = CTRANS_NORM_LAYER; kind <= CTRANS_NORM_RMS; kind++) {
		for (int in = 0; in < 2; in++) {
			struct ctrans_insn i;

			tiny_get(&b, &t, norms[in], &i);
			i.norm.kind = (uint8_t)kind;
			if (in)
				i.norm.out_va = t.x;
			tiny_set(&b, &t, norms[in], &i);
			tiny_get(&b, &t, norms[in] + 1, &i);
			if (in)
				i.linear.in_va = t.x;
			tiny_set(&b, &t, norms[in] + 1, &i);
			for (uint32_t rows = 1; rows <= 2; rows++)
				in_one(norms[in], rows, in);
		}
	}
	bench_close(&b);
}
END_TEST

/* ---- What it costs, before and after ------------------------------------------ */

START_TEST(estimated)
{
	const struct ct_estimate_step step = { .rows = 1 };
	struct ctrans_layer_profile p = { .size = sizeof(p), .rows = 1 };
	struct ctrans_layer_cost cost[2];
	struct ctrans_chip_costs costs;
	const float none[WIDEST] = { 0 };
	struct ctrans_insn i[2];
	struct ctrans_stat st[2];
	struct ct_err err;

	bench_open(&b, 1, NULL);
	t = shapes[_i];
	bench_grow(&b, 0, 2 << 20, BENCH_ORDERED);
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
	ck_assert_int_eq(ct_device_costs(NULL, CTRANS_OPP_RESET, &costs, NULL), 0);
	/* a norm of nothing: what enters the linear is known */
	tiny_get(&b, &t, TINY_NORM_2, &i[0]);
	tiny_get(&b, &t, TINY_UP, &i[1]);
	i[0].norm.kind = CTRANS_NORM_RMS;
	i[0].norm.bias_va = 0;
	i[1].linear.flags = CTRANS_LINEAR_MUL;
	tiny_set(&b, &t, TINY_NORM_2, &i[0]);
	tiny_set(&b, &t, TINY_UP, &i[1]);
	set(i[0].norm.in_va, 0, 0, none, t.width);
	run(TINY_NORM_2, 2, 1);
	bench_read(&b, 0, t.stats, st, sizeof(st));
	p.n_in = t.width;
	p.n_out = t.inner;
	p.magnitude[0] = t.width;
	ck_assert_int_eq(ct_estimate(&costs, i, 2, &p, &step, cost, &err), 0);
	for (int n = 0; n < 2; n++) {
		ck_assert_double_eq(cost[n].cycles, (double)st[n].cycles);
		ck_assert_double_eq(cost[n].cycles_compute, (double)st[n].cycles_compute);
		ck_assert_double_eq(cost[n].cycles_external, (double)st[n].cycles_external);
		ck_assert_double_eq_tol(cost[n].vector_fj, (double)st[n].energy_vector_fj, 2);
		ck_assert_double_eq_tol(cost[n].external_fj,
					(double)st[n].energy_external_fj, 2);
	}
	bench_close(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_seq2seq");
	TCase *c = tcase_create("rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 110);
	tcase_add_loop_test(c, arithmetic, 0, (int)SHAPES);
	tcase_add_loop_test(c, in_place, 0, (int)SHAPES);
	/* binary32 weights have no cost */
	tcase_add_loop_test(c, estimated, 0, (int)SHAPES - 1);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
