// SPDX-License-Identifier: MIT
/*
 * Taps show what a program cut off before each linear shows; what is added up of
 * them is what plain loops add up, with any number of threads.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "chip_must.h"
#include "engine/calibrate.h"
#include "engine/taps.h"
#include "small_model.h"

#define TURNS	1000u

static void turn(void *ctx, size_t i)
{
	__atomic_fetch_add((int *)ctx + i, 1, __ATOMIC_RELAXED);
}

START_TEST(parallel)
{
	static const unsigned int threads[] = { 0, 1, 2, 7, 1000 };

	for (size_t t = 0; t < 5; t++)
		for (size_t n = 0; n <= TURNS; n += n < 3 ? 1 : 997) {
			int seen[TURNS] = { 0 };

			ct_parallel(threads[t], n, turn, seen);
			for (size_t i = 0; i < TURNS; i++)
				ck_assert_int_eq(seen[i], i < n);
		}
}
END_TEST

static struct ct_core *open_small(const char *device)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	if (ct_core_open(small_model(), &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

static uint32_t token(size_t i)
{
	return (uint32_t)(i * i + 3 * i) % SMALL_VOCAB;
}

/* The first @n_insns instructions for the next rows of @seq. */
static void run_prefix(struct ct_core *core, struct ct_seq *seq, size_t n_insns,
		       size_t n)
{
	struct ct_step_row rows[CT_STEP_ROWS] = { 0 };

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){
			.seq = seq, .token = token(seq->position + i),
		};
	pthread_mutex_lock(&core->lock);
	MUST(!ct_seq_reserve(seq, seq->position + (uint32_t)n, NULL));
	MUST(!ct_core_run(core, core->prog_va, n_insns, rows, n, false, NULL));
	pthread_mutex_unlock(&core->lock);
}

static const float *work(const struct ct_core *core, uint64_t va, uint32_t stride,
			 size_t row)
{
	return (const float *)((const uint8_t *)core->work.cpu +
			       (va - core->work.va) + row * stride);
}

/* Steps of one row, of two (which chips run in another way), and of many. */
START_TEST(taps)
{
	static const size_t steps[] = { 1, 2, 5, 64, 3 };
	struct ct_core *core = open_small("sim:threads=2");
	struct ct_taps t;
	struct ct_seq *seq;
	uint32_t ids[64];

	MUST(!ct_taps_open(core, CT_STEP_ROWS, 0, true, &t, NULL));
	MUST(!ct_seq_open(core, &seq, NULL));
	ct_seq_unshared(seq);
	ck_assert_uint_eq(t.n, 9);
	for (size_t s = 0; s < 5; s++) {
		size_t n = steps[s];

		for (size_t i = 0; i < n; i++)
			ids[i] = token(seq->position + i);
		ck_assert_int_eq(ct_taps_run(&t, seq, ids, n, NULL), 0);
		ct_seq_truncate(seq, seq->position - (uint32_t)n);
		for (size_t j = 0; j < t.n; j++) {
			const struct ctrans_insn_linear *l = &ct_taps_insn(&t, j)->linear;
			uint8_t kind = (uint8_t)ct_tag_kind(ct_taps_insn(&t, j)->tag);

			run_prefix(core, seq, t.tap[j].insn, n);
			for (size_t r = 0; r < n; r++)
				ck_assert_msg(!memcmp(ct_taps_in(&t, j, r),
						      work(core, l->in_va, l->in_stride, r),
						      4ull * l->n_in),
					      "linear %zu, row %zu", j, r);
			if (kind != CT_INSN_QKV)
				continue;
			run_prefix(core, seq, t.tap[j].insn + 1, n);
			for (size_t r = 0; r < n; r++)
				ck_assert(!memcmp(ct_taps_out(&t, j, r),
						  work(core, l->out_va, l->out_stride, r),
						  4ull * l->n_out));
		}
		ct_seq_truncate(seq, seq->position);
		run_prefix(core, seq, core->n_insns - 1, n);
		seq->position += (uint32_t)n;
	}
	ck_assert_int_eq(ct_taps_run(&t, seq, ids, 0, NULL), -EINVAL);
	ids[0] = SMALL_VOCAB;
	ck_assert_int_eq(ct_taps_run(&t, seq, ids, 1, NULL), -EINVAL);
	ct_seq_close(seq);
	ct_taps_close(&t);
	ct_core_close(core);
}
END_TEST

#define ROWS	700u
#define IN	300u	/* a whole block and some */

START_TEST(adding)
{
	const struct ct_calibration_shape shapes[2] = {
		{ 0, CTRANS_KIND_QKV, IN, 7, ROWS },
		{ 3, CTRANS_KIND_FFN_DOWN, 10, 3, ROWS },
	};
	float *x = malloc(ROWS * (IN + 4) * sizeof(*x));
	static const uint32_t cuts[] = { 0, 1, 9, 256, 257, 600, ROWS };
	struct ct_calibration *c;
	uint32_t m, sample = 0;
	double squares = 0;

	MUST(x);
	for (size_t i = 0; i < ROWS * (IN + 4); i++)
		x[i] = (float)(random() % 2001 - 1000) * 1e-3f;
	x[5] = NAN;
	for (unsigned int threads = 1; threads < 4; threads += 2) {
		MUST(!ct_calibration_open(shapes, 2, true, &c, NULL));
		for (size_t i = 0; i + 1 < sizeof(cuts) / sizeof(cuts[0]); i++) {
			const float *at = x + cuts[i] * (IN + 4);
			const struct ct_calibration_rows in[2] = {
				{ at, IN + 4 }, { at + 50, IN + 4 },
			};

			MUST(!ct_calibration_add(c, 0, 2, in, cuts[i + 1] - cuts[i],
						 threads, NULL));
		}
		ck_assert_int_eq(ct_calibration_add(c, 0, 1,
					&(struct ct_calibration_rows){ 0 }, 1, 1, NULL), -EINVAL);
		x[5] = 0;
		for (uint32_t k = 0; k < IN; k += 37) {
			double sum = 0, sq = 0;
			float max = 0;

			for (uint32_t r = 0; r < ROWS; r++) {
				float v = x[r * (IN + 4) + k];

				sum += (double)v;
				sq += (double)v * (double)v;
				max = fabsf(v) > max ? fabsf(v) : max;
			}
			ck_assert(c->layers[0].max[k] == max);
			ck_assert(c->layers[0].sum[k] == sum);
			ck_assert(c->layers[0].squares[k] == sq);
		}
		for (uint32_t k = 256; k < IN; k++)
			for (uint32_t j = 256; j < IN; j++) {
				const float *g = ct_calibration_gram(&c->layers[0], 256, &m);
				double want = 0;

				ck_assert_uint_eq(m, IN - 256);
				for (uint32_t r = 0; r < ROWS; r++)
					want += (double)x[r * (IN + 4) + k] *
						(double)x[r * (IN + 4) + j];
				ck_assert_double_eq_tol((double)g[(k - 256) * m + j - 256],
							want, 1e-3);
			}
		ck_assert_uint_eq(c->layers[0].n_samples, CT_CALIBRATION_SAMPLES);
		for (sample = 0; sample < c->layers[0].n_samples; sample++) {
			/* the row whose coming made it one more */
			uint32_t r = ((sample + 1) * ROWS + c->layers[0].n_samples - 1) /
				     c->layers[0].n_samples - 1;

			ck_assert(!memcmp(c->layers[1].samples + 10 * sample,
					  x + r * (IN + 4) + 50, 40));
		}
		for (uint32_t r = 0; r < ROWS; r++)
			for (uint32_t k = 0; k < 10; k++)
				squares += (double)x[r * (IN + 4) + 50 + k] *
					   (double)x[r * (IN + 4) + 50 + k];
		ck_assert_double_eq_tol(ct_calibration_rms(c, 1, true),
					sqrt(squares / (10 * ROWS)), 1e-9);
		squares = 0;
		x[5] = NAN;
		ct_calibration_close(c);
	}
	free(x);
}
END_TEST

static int stop_at(void *arg, uint64_t done, uint64_t total)
{
	ck_assert_uint_le(done, total);
	return done >= *(uint64_t *)arg;
}

/* Windows of the context one after the other; threads do not matter; cancelled. */
START_TEST(observe)
{
	static const uint32_t kinds[] = {
		CTRANS_KIND_QKV, CTRANS_KIND_PROJECTION, CTRANS_KIND_FFN_UP,
		CTRANS_KIND_FFN_DOWN,
	};
	uint32_t ids[SMALL_CONTEXT + 40];
	const size_t n = sizeof(ids) / sizeof(ids[0]);
	struct ct_calibrate how = { .tokens = n, .gram = true };
	struct ct_calibration *c[2];
	uint64_t most = 256;

	for (size_t i = 0; i < n; i++)
		ids[i] = token(i);
	for (int t = 0; t < 2; t++) {
		struct ct_core *core = open_small(t ? "sim:threads=3" : "sim:threads=1");

		ck_assert_int_eq(ct_core_observe_tokens(core, ids, n, &how, &c[t], NULL), 0);
		ck_assert_uint_eq(c[t]->layers[0].rows, n);
		how.progress = stop_at;
		how.arg = &most;
		if (t)
			ck_assert_int_eq(ct_core_observe_tokens(core, ids, n, &how, &c[0],
								NULL), -ECANCELED);
		how.progress = NULL;
		ct_core_close(core);
	}
	for (size_t i = 0; i < c[0]->n; i++) {
		const struct ct_calibration_layer *a = &c[0]->layers[i], *b = &c[1]->layers[i];

		ck_assert_uint_eq(a->kind, i == 8 ? CTRANS_KIND_HEAD : kinds[i % 4]);
		ck_assert_uint_eq(a->layer, i == 8 ? 0 : i / 4);
		ck_assert(!memcmp(a->squares, b->squares, a->n_in * sizeof(double)));
		ck_assert(!memcmp(a->gram, b->gram, 4ull * a->n_in * a->n_in));
		ck_assert(!memcmp(a->samples, b->samples, 4ull * a->n_in * a->n_samples));
		ck_assert(ct_calibration_rms(c[0], i, true) > 0);
	}
	ct_calibration_close(c[0]);
	ct_calibration_close(c[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("calibration");
	TCase *t = tcase_create("taps");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, parallel);
	tcase_add_test(t, taps);
	tcase_add_test(t, adding);
	tcase_add_test(t, observe);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
