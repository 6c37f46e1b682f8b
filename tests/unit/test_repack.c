// SPDX-License-Identifier: MIT
/*
 * Scales by what their bits buy, and weights whose errors make up for each other:
 * against plain counting and rounding, and the same in any order of storage and with
 * any number of threads.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "chip_must.h"
#include "convert/esc.h"
#include "convert/pack.h"
#include "convert/repack.h"

#define N_IN	300u	/* a block and some of another */
#define N_OUT	45u	/* two tiles and some of another */
#define ROWS	400u

static uint64_t state = 1;

/* Normal, near enough: twelve uniform numbers. */
static float normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(ct_splitmix(&state) >> 11) * 0x1p-53;
	return (float)sum;
}

struct made {
	float *w, *x;			/* [n_in][n_out], [rows][n_in] */
	struct ct_calibration *c;
	int8_t *packed;
	float *scale, *bias;
	int32_t *colsum;
	struct ct_repack r;
};

/* Inputs that go together: each is half the one before it, and outlier channels. */
static void make(struct made *m, uint32_t n_in, uint32_t n_out)
{
	const struct ct_calibration_shape shape = { 0, 0, n_in, n_out, ROWS };
	struct ct_calibration_rows rows = { .stride = n_in };

	m->w = malloc(4ull * n_in * n_out);
	m->x = malloc(4ull * ROWS * n_in);
	m->packed = calloc(1, ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out));
	m->scale = calloc(1, ct_pack_output_bytes(n_out));
	m->bias = calloc(1, ct_pack_output_bytes(n_out));
	m->colsum = calloc(1, ct_pack_output_bytes(n_out));
	MUST(m->w && m->x && m->packed && m->scale && m->bias && m->colsum);
	for (uint32_t i = 0; i < n_in * n_out; i++)
		m->w[i] = normal() * 0.02f * (float)(1 + i % n_out % 5);
	for (uint32_t r = 0; r < ROWS; r++)
		for (uint32_t k = 0; k < n_in; k++)
			m->x[r * n_in + k] = 0.3f + normal() +
				(k ? 0.7f * m->x[r * n_in + k - 1] : 0) +
				(k == 17 ? 20 * normal() : 0);
	MUST(!ct_calibration_open(&shape, 1, true, &m->c, NULL));
	rows.x = m->x;
	MUST(!ct_calibration_add(m->c, 0, 1, &rows, ROWS, 1, NULL));
	m->r = (struct ct_repack){
		.n_in = n_in, .n_out = n_out, .weights = m->w, .in_major = true,
		.seen = &m->c->layers[0], .threads = 1, .packed = m->packed,
		.scale = m->scale, .colsum = m->colsum,
	};
}

static void drop(struct made *m)
{
	ct_calibration_close(m->c);
	free(m->w);
	free(m->x);
	free(m->packed);
	free(m->scale);
	free(m->bias);
	free(m->colsum);
}

static int8_t weight(const struct made *m, uint32_t k, uint32_t n)
{
	size_t tile = (m->r.n_in + 3) / 4 * 4 * 16;

	return m->packed[n / 16 * tile + k / 4 * 64 + n % 16 * 4 + k % 4];
}

/* Squares of what outputs are wrong by, on all rows. */
static double wrong(const struct made *m)
{
	double sum = 0;

	for (uint32_t n = 0; n < m->r.n_out; n++)
		for (uint32_t r = 0; r < ROWS; r++) {
			double e = -(double)m->bias[n];

			for (uint32_t k = 0; k < m->r.n_in; k++)
				e += (double)m->x[r * m->r.n_in + k] *
				     ((double)m->w[k * m->r.n_out + n] -
				      (double)m->scale[n] * weight(m, k, n));
			sum += e * e;
		}
	return sum;
}

static void rounds(struct made *m, float sigma)
{
	struct ct_repack_scales s = { .sigma = sigma };
	struct ct_repack_result result;

	memset(m->packed, 0, ct_pack_weight_bytes(CTRANS_ENC_S8, m->r.n_in, m->r.n_out));
	memset(m->bias, 0, ct_pack_output_bytes(m->r.n_out));
	ck_assert_int_eq(ct_repack_round(&m->r, &s, &result, NULL), 0);
	ck_assert(result.signal > 0 && result.noise > 0 &&
		  result.noise < result.signal);
}

/* To the nearest, at the scale that was said; sums; nothing beyond the matrix. */
START_TEST(nearest)
{
	struct made m;

	make(&m, N_IN, N_OUT);
	rounds(&m, 5);
	for (uint32_t n = 0; n < N_OUT; n++) {
		double squares = 0;
		int32_t sum = 0;

		for (uint32_t k = 0; k < N_IN; k++) {
			double w = (double)m.w[k * N_OUT + n];
			double v = w / (double)m.scale[n];
			int q = weight(&m, k, n);

			squares += w * w;
			sum += q;
			/* one that only just is an exception is none */
			if (q == 15 || q == -16)
				ck_assert(fabs(v - q) < 3.1);
			else
				ck_assert(fabs(v - q) < 0.5001);
		}
		ck_assert_int_eq(sum, m.colsum[n]);
		ck_assert(fabs(sqrt(squares / N_IN) / (double)m.scale[n] - 5) < 1e-4);
	}
	for (uint32_t n = N_OUT; n < 48; n++)
		for (uint32_t k = 0; k < N_IN; k++)
			ck_assert_int_eq(weight(&m, k, n), 0);
	drop(&m);
}
END_TEST

/* The largest weight is 127, where nothing is said of scales: as packing has it. */
START_TEST(as_packed)
{
	struct made m;

	make(&m, N_IN, N_OUT);
	rounds(&m, 0);
	for (uint32_t n = 0; n < N_OUT; n++) {
		float max = 0;

		for (uint32_t k = 0; k < N_IN; k++)
			max = fmaxf(max, fabsf(m.w[k * N_OUT + n]));
		ck_assert(m.scale[n] == max / 127.0f);
		for (uint32_t k = 0; k < N_IN; k++)
			ck_assert(fabs((double)m.w[k * N_OUT + n] /
				       (double)m.scale[n] - weight(&m, k, n)) < 0.5001);
	}
	drop(&m);
}
END_TEST

/* Much better on what was seen, at each number of steps. */
START_TEST(correction)
{
	struct made m;

	make(&m, N_IN, N_OUT);
	for (int sigma = 3; sigma < 9; sigma++) {
		double plain, corrected, biased;

		m.r.correct = false;
		m.r.bias = NULL;
		rounds(&m, (float)sigma);
		plain = wrong(&m);
		m.r.correct = true;
		rounds(&m, (float)sigma);
		corrected = wrong(&m);
		m.r.bias = m.bias;
		rounds(&m, (float)sigma);
		biased = wrong(&m);
		ck_assert_msg(corrected < 0.6 * plain, "%d: %g of %g", sigma, corrected,
			      plain);
		ck_assert_msg(biased < 1.0001 * corrected, "%d: %g of %g", sigma, biased,
			      corrected);
	}
	drop(&m);
}
END_TEST

/* Of inputs whose squares overflow nothing is known: weights are as uncorrected. */
START_TEST(overflowed)
{
	size_t bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, N_IN, N_OUT);
	struct made m;
	int8_t *plain;
	uint32_t first;
	float *g;

	make(&m, N_IN, N_OUT);
	rounds(&m, 5);
	plain = malloc(bytes);
	MUST(plain);
	memcpy(plain, m.packed, bytes);
	for (uint32_t at = 0; at < N_IN; at += CTRANS_ESC_INPUTS) {
		g = ct_calibration_gram(&m.c->layers[0], at, &first);
		for (uint32_t i = 0; i < first * first; i++)
			g[i] = i % 2 ? -INFINITY : INFINITY;
	}
	m.r.correct = true;
	rounds(&m, 5);
	ck_assert(!memcmp(m.packed, plain, bytes));
	free(plain);
	drop(&m);
}
END_TEST

/* By output or by input, one thread or several: the same bytes. */
START_TEST(same_bytes)
{
	struct made m;
	int8_t *packed;
	float *turned;
	size_t bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, N_IN, N_OUT);

	make(&m, N_IN, N_OUT);
	packed = malloc(bytes);
	turned = malloc(4ull * N_IN * N_OUT);
	MUST(packed && turned);
	for (uint32_t k = 0; k < N_IN; k++)
		for (uint32_t n = 0; n < N_OUT; n++)
			turned[n * N_IN + k] = m.w[k * N_OUT + n];
	m.r.correct = true;
	rounds(&m, 6);
	memcpy(packed, m.packed, bytes);
	for (unsigned int threads = 2; threads < 6; threads++) {
		m.r.threads = threads;
		m.r.in_major = threads % 2;
		m.r.weights = m.r.in_major ? m.w : turned;
		rounds(&m, 6);
		ck_assert(!memcmp(packed, m.packed, bytes));
	}
	free(packed);
	free(turned);
	drop(&m);
}
END_TEST

/* What is moved from inputs to weights changes no output but by its rounding. */
START_TEST(smoothing)
{
	float by_input[N_IN], by_output[N_OUT];
	struct made m;
	double plain, smoothed = 0;

	make(&m, N_IN, N_OUT);
	m.r.correct = true;
	rounds(&m, 8);
	plain = wrong(&m);
	for (uint32_t k = 0; k < N_IN; k++)
		by_input[k] = k == 17 ? 8.0f : k % 3 ? 1.0f : 2.0f;
	for (uint32_t n = 0; n < N_OUT; n++)
		by_output[n] = n % 2 ? 4.0f : 0.5f;
	m.r.by_input = by_input;
	m.r.by_output = by_output;
	rounds(&m, 8);
	for (uint32_t n = 0; n < N_OUT; n++)
		for (uint32_t r = 0; r < ROWS; r++) {
			double e = 0;

			for (uint32_t k = 0; k < N_IN; k++)
				e += (double)m.x[r * N_IN + k] *
				     ((double)m.w[k * N_OUT + n] -
				      (double)m.scale[n] * weight(&m, k, n) /
				      (double)by_input[k] * (double)by_output[n]);
			smoothed += e * e;
		}
	ck_assert_msg(smoothed < 4 * plain, "%g, and %g", smoothed, plain);
	drop(&m);
}
END_TEST

/* ---- Scales ----------------------------------------------------------- */

START_TEST(curves)
{
	struct ct_scale_matrix s;
	struct made m;

	make(&m, N_IN, N_OUT);
	/* a heavy tail, an output of nothing, one of a single weight */
	for (uint32_t k = 0; k < N_IN; k++) {
		m.w[k * N_OUT + 3] *= m.w[k * N_OUT + 3] * m.w[k * N_OUT + 3] * 1e4f;
		m.w[k * N_OUT + 4] = 0;
		m.w[k * N_OUT + 5] = k == 7 ? 3.0f : 0.0f;
	}
	ck_assert_int_eq(ct_repack_curves(&m.r, &s, NULL), 0);
	for (uint32_t n = 0; n < N_OUT; n++)
		for (uint32_t c = 0; c < CT_SCALE_CHOICES; c++) {
			double steps = 2 * (1 + c % 8 / 8.0) * (double)(1 << c / 8);
			uint32_t few = 0, many = 0;

			for (uint32_t k = 0; k < N_IN; k++) {
				double x = fabs((double)m.w[k * N_OUT + n]) * steps;

				few += x > 16.001 * (double)s.curves[n].rms;
				many += x >= 15.999 * (double)s.curves[n].rms && x > 0;
			}
			ck_assert_msg(s.curves[n].beyond[c] >= few &&
				      s.curves[n].beyond[c] <= many,
				      "%u at %u: %u, not %u", n, c,
				      s.curves[n].beyond[c], few);
		}
	ck_assert(ct_scale_choose(&s, 4, 1) == 0);
	/* no weight is cut off where another scale would do */
	for (double at = 1e-12; at < 1; at *= 10)
		for (uint32_t n = 0; n < N_OUT; n++)
			ck_assert(s.curves[n].max <=
				  127.5f * ct_scale_choose(&s, n, at) || n == 5);
	free(s.curves);
	drop(&m);
}
END_TEST

/* Bits as asked for, as stored; more of them, less error. */
START_TEST(balance)
{
	struct ct_repack_result result;
	struct ct_scale_matrix s;
	struct ct_esc_size size;
	struct made m;
	double last = INFINITY;

	make(&m, 1024, 256);
	ck_assert_int_eq(ct_repack_curves(&m.r, &s, NULL), 0);
	for (double bits = 5.15; bits < 6.5; bits += 0.3) {
		struct ct_repack_scales scales = {
			.curves = &s, .multiplier = ct_scales_balance(&s, 1, bits),
		};
		double got;

		ck_assert_int_eq(ct_repack_round(&m.r, &scales, &result, NULL), 0);
		ck_assert_int_eq(ct_esc_bytes(m.packed, 1024, 256, &size, NULL), 0);
		got = 8.0 * (double)size.bytes / (1024 * 256);
		ck_assert_msg(got < bits + 0.05 && got > bits - 0.25, "%g, not %g", got,
			      bits);
		ck_assert(result.noise < last);
		last = result.noise;
	}
	free(s.curves);
	drop(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repack");
	TCase *t = tcase_create("repack");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, nearest);
	tcase_add_test(t, as_packed);
	tcase_add_test(t, correction);
	tcase_add_test(t, overflowed);
	tcase_add_test(t, same_bytes);
	tcase_add_test(t, smoothing);
	tcase_add_test(t, curves);
	tcase_add_test(t, balance);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
