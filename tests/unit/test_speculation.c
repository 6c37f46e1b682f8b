// SPDX-License-Identifier: MIT
/*
 * Output spike speculation. By a bound: never another result, the same accounts
 * whether spikes are executed or counted, and something is saved. By sampling: the
 * same draws on every kernel and in any company, about as far from the exact
 * spikes as statistics say.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip/bound.h"
#include "chip/kernel_ref.h"
#include "chip/train.h"
#include "chip_bench_model.h"
#include "kernel_help.h"

/* ---- Sampling: outputs -------------------------------------------------- */

START_TEST(same_draws)
{
	const struct chip_kernel *ref = chip_kernel_at(0);

	for (uint32_t round = 0; round < 400; round++) {
		uint32_t n = 1 + rnd() % 70;
		float *y = floats(n, round % N_STYLES), *want = copy_of(y, n);
		struct chip_sample s = {
			.key = rnd(), .first = rnd() % 5000, .steps = 1 + rnd() % 127,
			.theta = round % 9 ? 0.001f * (float)(1 + rnd() % 100) : 1e-42f,
		};

		ref->sample(&s, n, want);
		for (unsigned int i = 1; chip_kernel_at(i); i++) {
			float *got;

			if (!chip_kernel_at(i)->supported())
				continue;
			got = copy_of(y, n);
			chip_kernel_at(i)->sample(&s, n, got);
			same_f("sample", chip_kernel_at(i), want, got, n);
			free(got);
		}
		free(want);
		free(y);
	}
}
END_TEST

/* Mean and spread of what becomes of m spikes when n of 128 timesteps are seen. */
static void draw_many(uint32_t m, uint32_t steps, double *mean, double *spread)
{
	enum { DRAWS = 20000 };
	struct chip_sample s = { .key = 77 * m + steps, .steps = steps, .theta = 0.5f };
	static float y[DRAWS];
	double sum = 0, square = 0;

	for (uint32_t i = 0; i < DRAWS; i++)
		y[i] = i % 2 ? -0.5f * (float)m : 0.5f * (float)m;
	chip_kernel_get(NULL)->sample(&s, DRAWS, y);
	for (uint32_t i = 0; i < DRAWS; i++) {
		double spikes = (i % 2 ? -2.0 : 2.0) * (double)y[i];

		ck_assert(spikes >= 0 && spikes <= 128 && spikes == rint(spikes));
		sum += spikes;
		square += spikes * spikes;
	}
	*mean = sum / DRAWS;
	*spread = sqrt(fmax(square / DRAWS - *mean * *mean, 0));
}

START_TEST(statistics)
{
	static const uint32_t some[] = { 0, 1, 5, 32, 64, 100, 127, 128 };
	static const uint32_t steps[] = { 1, 32, 52, 96, 127 };

	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
			double p = some[i] / 128.0, n = steps[j], rest = 128 - n;
			/* seen without replacement, the rest drawn at the seen rate */
			double seen = n * p * (1 - p) * rest / 127;
			double rate = p * (1 - p) - seen / (n * n);
			double want = sqrt(seen * 128 * 128 / (n * n) +
					   rest * fmax(rate, 0));
			double mean, spread;

			draw_many(some[i], steps[j], &mean, &spread);
			ck_assert_double_le(fabs(mean - some[i]), 0.001 + want / 20);
			ck_assert_double_le(fabs(spread - want), 0.001 + want / 20);
		}
	}
}
END_TEST

/* What has more spikes than timesteps, or is no number, stays. */
START_TEST(beyond)
{
	float y[] = { 64.25f, 64.26f, -1000.0f, __builtin_inff(), -__builtin_inff(),
		      __builtin_nanf("") };
	float was[ARRAY_LEN(y)];
	struct chip_sample s = { .steps = 3, .theta = 0.5f };

	memcpy(was, y, sizeof(y));
	for (unsigned int i = 0; chip_kernel_at(i); i++) {
		if (!chip_kernel_at(i)->supported())
			continue;
		memcpy(y, was, sizeof(y));
		chip_kernel_at(i)->sample(&s, ARRAY_LEN(y), y);
		ck_assert(y[0] == 64.0f);	/* 128 of 128: nothing to be wrong about */
		ck_assert(!memcmp(y + 1, was + 1, sizeof(y) - sizeof(y[0])));
	}
}
END_TEST

/* ---- The bound: rows ---------------------------------------------------- */

struct layer {
	int8_t *w;
	int32_t colsum[64];
	float scale[64], bias[64];
	uint32_t norm[64];
	struct chip_qrow row;
	uint8_t *room;
	struct chip_dispatch d;
	uint32_t n_in, n;
};

static int8_t weight(const struct layer *l, uint32_t k, uint32_t j)
{
	return l->w[(size_t)(j / 16) * l->n_in * 16 + k / 4 * 64 + j % 16 * 4 + k % 4];
}

static void make(struct layer *l, uint32_t round)
{
	uint32_t n_in = 1 + rnd() % 400;

	memset(l, 0, sizeof(*l));
	l->n_in = (n_in + 3) / 4 * 4;
	l->n = 1 + rnd() % 64;
	l->w = weights(l->n_in * 64, round % 7 ? 0 : 3);
	new_row(&l->row, n_in);
	l->row.theta = 0.05f;
	for (uint32_t k = 0; k < n_in; k++) {
		int32_t a = (int32_t)(rnd() % 255) - 127;

		if (rnd() % 40 == 0)
			a *= 7;
		else if (round % 2)
			a /= 4;
		l->row.a[k] = (int16_t)a;
		if (abs(a) <= 127)
			l->row.u8[k] = (uint8_t)(128 + a);
		else
			l->row.outliers[l->row.n_outliers++] =
				(struct chip_outlier){ .k = k, .a = a };
	}
	for (uint32_t j = 0; j < 64; j++) {
		uint64_t square = 0;

		for (uint32_t k = 0; k < l->n_in; k++) {
			square += (uint64_t)(weight(l, k, j) * weight(l, k, j));
			l->colsum[j] += weight(l, k, j);
		}
		l->norm[j] = rnd() % 9 ? (uint32_t)ceil(sqrt((double)square)) :
			     65000 + rnd() % 1000;
		l->scale[j] = rnd() % 16 ? 0.01f : value(5);
		l->bias[j] = rnd() % 16 ? (float)(rnd() % 2000) * -0.1f : value(5);
	}
	do
		l->d = any_dispatch(rnd());
	while (l->d.code != CTRANS_CODE_RADIX || l->d.flip);
	l->room = xmalloc64(chip_parts_bytes(n_in));
}

static void drop(struct layer *l)
{
	free(l->w);
	free(l->room);
	free_row(&l->row);
}

static void finish(const struct chip_kernel *k, const struct layer *l,
		   const int64_t *s, float out[64])
{
	for (uint32_t j = 0; j < l->n; j += 16) {
		struct chip_epilogue e = {
			.s = s + j, .colsum = l->colsum + j, .scale = l->scale + j,
			.bias = l->bias + j, .theta = l->row.theta,
			.act = CTRANS_ACT_RELU, .n = l->n - j < 16 ? l->n - j : 16,
			.out = out + j,
		};

		k->epilogue(&e);
	}
}

/* The whole sums, by definition. */
static void plain(const struct layer *l, float out[64])
{
	int64_t s[64] = { 0 };

	for (uint32_t j = 0; j < l->n; j++)
		for (uint32_t k = 0; k < l->row.n; k++)
			s[j] += l->row.a[k] * weight(l, k, j);
	finish(chip_kernel_at(0), l, s, out);
}

START_TEST(bounds)
{
	uint64_t done = 0, seen = 0;

	for (uint32_t round = 0; round < 1500; round++) {
		struct chip_domain_counts want = { 0 };
		float exact[64], out[64];
		int64_t s[64];
		struct layer l;
		struct chip_bounded b;

		make(&l, round);
		b = (struct chip_bounded){
			.row = &l.row, .dispatch = &l.d, .w = l.w,
			.tile_stride = l.n_in * 16, .n_in = l.n_in, .n = l.n,
			.colsum = l.colsum, .scale = l.scale, .bias = l.bias,
			.norm = l.norm, .s = s, .counts = &want,
		};
		plain(&l, exact);
		chip_ref_bound(&b);
		finish(chip_kernel_at(0), &l, s, out);
		same_f("bound", chip_kernel_at(0), exact, out, l.n);
		for (unsigned int i = 1; chip_kernel_at(i); i++) {
			const struct chip_kernel *k = chip_kernel_at(i);
			struct chip_domain_counts got = { 0 };
			struct chip_parts parts;

			if (!k->supported())
				continue;
			b.counts = &got;
			chip_parts_make(&l.row, &l.d, l.room, &parts);
			chip_bound(k, &b, &parts);
			finish(k, &l, s, out);
			same_f("bound", k, exact, out, l.n);
			for (uint32_t p = 0; p < CTRANS_BOUND_PLANES; p++)
				CHECK(got.done[p] == want.done[p],
				      "%s: other outputs done before plane %u",
				      k->name, p);
		}
		for (uint32_t p = 0; p < CTRANS_BOUND_PLANES; p++)
			done += want.done[p];
		seen += l.n;
		drop(&l);
	}
	/* neither never nor always */
	ck_assert_uint_gt(done, seen / 20);
	ck_assert_uint_lt(done, seen * 19 / 20);
}
END_TEST

/* ---- Whole programs ----------------------------------------------------- */

#define ROWS 4u
#define LOGITS 512u	/* bytes of a row */

struct rig {
	struct bench b;
	struct tiny t;
};

struct result {
	uint8_t logits[ROWS][LOGITS];
	struct ctrans_stat stat[ROWS][TINY_INSNS];
};

static void set_up(struct rig *rig, const char *kernel, unsigned int threads,
		   enum bench_order order)
{
	bench_open(&rig->b, threads, kernel);
	bench_grow(&rig->b, 0, 2 << 20, order);
	rig->t = (struct tiny){ .heads = 3, .head_dim = 50, .inner = 200, .vocab = 99,
				.act = CTRANS_ACT_RELU,
				.theta_mode = CTRANS_THETA_DYNAMIC,
				.spike_mask = { ~0ull, ~0ull } };
	tiny_build(&rig->b, 0, &rig->t);
	bench_queue(&rig->b, 0, 0, 3, 3, 0);
}

/* Norms of UP's weights into context memory, and biases that are below 0. */
static uint64_t norms(struct rig *rig, struct ctrans_insn_linear *l)
{
	uint32_t quads = (l->n_in + 3) / 4, pad = (l->n_out + 15) / 16 * 16;
	size_t bytes = 4ull * quads * pad;
	int8_t *w = xmalloc(bytes);
	uint32_t norm[256] = { 0 };
	float bias[256];
	uint64_t va = bench_va(&rig->b, 0, 4 * pad);

	ck_assert_uint_le(pad, ARRAY_LEN(norm));
	bench_read(&rig->b, 0, l->weight_va, w, bytes);
	for (uint32_t j = 0; j < pad; j++) {
		uint64_t square = 0;

		for (uint32_t k = 0; k < 4 * quads; k++) {
			int v = w[(size_t)(j / 16) * quads * 64 + k / 4 * 64 +
				  j % 16 * 4 + k % 4];

			square += (uint64_t)(v * v);
		}
		norm[j] = (uint32_t)ceil(sqrt((double)square));
		bias[j] = (float)(j % 5) * -0.3f;
	}
	bench_write(&rig->b, 0, va, norm, 4 * pad);
	bench_write(&rig->b, 0, l->bias_va, bias, 4 * pad);
	free(w);
	return va;
}

static void speculate(struct rig *rig, enum ctrans_speculation how)
{
	struct ctrans_insn i;
	uint64_t va;

	tiny_get(&rig->b, &rig->t, TINY_UP, &i);
	va = norms(rig, &i.linear);
	i.linear.code = how == CTRANS_SPEC_SAMPLE ? CTRANS_CODE_RATE :
						    CTRANS_CODE_RADIX;
	i.linear.speculation = (uint8_t)how;
	i.linear.norm_va = how == CTRANS_SPEC_BOUND ? va : 0;
	i.linear.spec_theta_f32 = how == CTRANS_SPEC_SAMPLE ? chip_bits(0.02f) : 0;
	i.linear.spec_steps = how == CTRANS_SPEC_SAMPLE ? 52 : 0;
	tiny_set(&rig->b, &rig->t, TINY_UP, &i);
}

/* Rows one after the other or at once. */
static void run(struct rig *rig, uint32_t at_once, struct result *r)
{
	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; i < ROWS; i += at_once) {
		struct tiny_row rows[ROWS];

		for (uint32_t j = 0; j < at_once; j++)
			rows[j] = (struct tiny_row){ (i + j) * 31 + 5, i + j, 0, true };
		ck_assert_int_eq(tiny_step(&rig->b, 0, &rig->t, rows, at_once).status,
				 CTRANS_ST_OK);
		ck_assert_uint_le(rig->t.logits_stride, LOGITS);
		for (uint32_t j = 0; j < at_once; j++)
			bench_read(&rig->b, 0, rig->t.logits + j * rig->t.logits_stride,
				   r->logits[i + j], rig->t.logits_stride);
		bench_read(&rig->b, 0, rig->t.stats, r->stat[i],
			   at_once * sizeof(r->stat[0]));
	}
}

static struct rig rig;

static void outcome(const char *kernel, unsigned int threads, enum bench_order order,
		    enum ctrans_speculation how, uint32_t at_once, struct result *r)
{
	set_up(&rig, kernel, threads, order);
	speculate(&rig, how);
	run(&rig, at_once, r);
	bench_close(&rig.b);
}

static void same_everywhere(enum ctrans_speculation how, uint32_t at_once,
			    const struct result *want)
{
	static struct result got;

	for (unsigned int i = 1; chip_kernel_at(i); i++) {
		if (!chip_kernel_at(i)->supported())
			continue;
		for (unsigned int threads = 1; threads <= 3; threads += 2) {
			outcome(chip_kernel_at(i)->name, threads, threads == 1 ?
				BENCH_ORDERED : BENCH_SHUFFLED, how, at_once, &got);
			ck_assert_msg(!memcmp(want, &got, sizeof(got)),
				      "%s with %u threads: other results or accounts",
				      chip_kernel_at(i)->name, threads);
		}
	}
}

START_TEST(exact)
{
	static struct result without, want;
	uint32_t at_once = _i ? ROWS : 1;

	outcome("reference", 1, BENCH_ORDERED, CTRANS_SPEC_NONE, at_once, &without);
	outcome("reference", 2, BENCH_SHUFFLED, CTRANS_SPEC_BOUND, at_once, &want);
	ck_assert(!memcmp(without.logits, want.logits, sizeof(want.logits)));
	for (uint32_t r = 0; r < ROWS; r++) {
		const struct ctrans_stat *a = &without.stat[r][TINY_UP];
		const struct ctrans_stat *b = &want.stat[r][TINY_UP];

		ck_assert_uint_eq(b->spikes, a->spikes);
		ck_assert_uint_eq(b->ops_spiking + b->ops_skipped, a->ops_spiking);
		ck_assert_uint_gt(b->ops_skipped, a->ops_spiking / 50);
		ck_assert_uint_lt(b->ops_skipped, a->ops_spiking);
		ck_assert_uint_eq(b->values_spiking, a->values_spiking);
		ck_assert_uint_eq(b->cycles_compute, a->cycles_compute);
		ck_assert_uint_eq(a->ops_skipped, 0);
	}
	same_everywhere(CTRANS_SPEC_BOUND, at_once, &want);
}
END_TEST

START_TEST(sampled)
{
	static struct result without, want, single;

	outcome("reference", 1, BENCH_ORDERED, CTRANS_SPEC_NONE, ROWS, &without);
	outcome("reference", 2, BENCH_SHUFFLED, CTRANS_SPEC_SAMPLE, ROWS, &want);
	ck_assert(memcmp(without.logits, want.logits, sizeof(want.logits)));
	for (uint32_t r = 0; r < ROWS; r++) {
		const struct ctrans_stat *b = &want.stat[r][TINY_UP];
		uint64_t all = b->spikes * 208;

		ck_assert_uint_eq(b->ops_spiking + b->ops_skipped, all);
		/* 52 of 128, as far as trains are even */
		ck_assert_uint_gt(b->ops_spiking, all * 45 / 128);
		ck_assert_uint_lt(b->ops_spiking, all * 60 / 128);
	}
	same_everywhere(CTRANS_SPEC_SAMPLE, ROWS, &want);
	/* by position, not by place in the step */
	outcome("reference", 2, BENCH_SHUFFLED, CTRANS_SPEC_SAMPLE, 1, &single);
	ck_assert(!memcmp(single.logits, want.logits, sizeof(want.logits)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("speculation");
	TCase *t = tcase_create("speculation");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, same_draws);
	tcase_add_test(t, statistics);
	tcase_add_test(t, beyond);
	tcase_add_test(t, bounds);
	tcase_add_loop_test(t, exact, 0, 2);
	tcase_add_test(t, sampled);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
