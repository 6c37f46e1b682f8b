// SPDX-License-Identifier: MIT
/* Packed weights against the layout of uapi/ctrans_layout.h, element by element. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/pack.h"

static uint32_t rnd(void)
{
	static uint64_t x = 0x2545f4914f6cdd1dull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

struct packed {
	uint32_t n_in, n_out;
	float *w;		/* [n_out][n_in], as it should be */
	int8_t *s8;
	float *f32, *scale;
	int32_t *colsum;
};

static uint32_t up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

static int pack(struct packed *p, enum ctrans_encoding enc, bool in_major,
		uint32_t chunk)
{
	uint32_t rows = in_major ? p->n_in : p->n_out, cols = in_major ? p->n_out : p->n_in;
	uint64_t bytes = ct_pack_weight_bytes(enc, p->n_in, p->n_out);
	float *rowmajor = malloc(4ull * rows * cols);
	struct ct_pack_dst dst;
	struct ct_packer *packer;
	int ret = 0, end;

	ck_assert_uint_eq(bytes, enc == CTRANS_ENC_S8 ?
			  (uint64_t)up(p->n_in, 4) * up(p->n_out, 16) :
			  4ull * up(p->n_in, 16) * up(p->n_out, 16));
	ck_assert_uint_eq(ct_pack_output_bytes(p->n_out), 4ull * up(p->n_out, 16));
	p->s8 = calloc(1, bytes);
	p->f32 = (float *)p->s8;
	p->scale = calloc(up(p->n_out, 16), 4);
	p->colsum = calloc(up(p->n_out, 16), 4);
	MUST(rowmajor && p->s8 && p->scale && p->colsum);
	for (uint32_t n = 0; n < p->n_out; n++)
		for (uint32_t k = 0; k < p->n_in; k++)
			rowmajor[in_major ? (size_t)k * cols + n : (size_t)n * cols + k] =
				p->w[(size_t)n * p->n_in + k];
	dst = (struct ct_pack_dst){ p->s8, p->scale, p->colsum };
	MUST(!ct_packer_open(enc, p->n_in, p->n_out, in_major, &dst, &packer, NULL));
	for (unsigned int pass = 0; pass < ct_packer_passes(packer) && !ret; pass++) {
		uint32_t n = (rows + chunk - 1) / chunk;

		/* from the last chunk to the first: the order must not matter */
		for (uint32_t i = n; i-- > 0 && !ret;) {
			uint32_t r = i * chunk;

			ret = ct_packer_rows(packer, pass, r,
					     rows - r < chunk ? rows - r : chunk,
					     rowmajor + (size_t)r * cols, NULL);
		}
	}
	end = ct_packer_close(packer, NULL);
	free(rowmajor);
	return ret ? ret : end;
}

static void release(struct packed *p)
{
	free(p->s8);
	free(p->scale);
	free(p->colsum);
}

static int8_t at(const struct packed *p, uint32_t n, uint32_t k)
{
	return p->s8[((size_t)(n / 16) * (up(p->n_in, 4) / 4) + k / 4) * 64 + n % 16 * 4 +
		     k % 4];
}

static void check_s8(const struct packed *p)
{
	for (uint32_t n = 0; n < up(p->n_out, 16); n++) {
		float max = 0.0f;
		int64_t sum = 0;

		for (uint32_t k = 0; n < p->n_out && k < p->n_in; k++)
			max = fmaxf(max, fabsf(p->w[(size_t)n * p->n_in + k]));
		/* a row of nothing, or so little that no scale can be had for it */
		if (max < 1e-35f) {
			MUST(p->scale[n] == 0.0f && p->colsum[n] == 0);
			for (uint32_t k = 0; k < up(p->n_in, 4); k++)
				MUST(at(p, n, k) == 0);
			continue;
		}
		MUST(p->scale[n] == max / 127.0f);
		for (uint32_t k = 0; k < up(p->n_in, 4); k++) {
			int8_t q = at(p, n, k);
			float w = k < p->n_in ? p->w[(size_t)n * p->n_in + k] : 0.0f;

			MUST(q >= -127);
			sum += q;
			/* the nearest integer, or the other one at a half */
			MUST(fabs((double)w / (double)p->scale[n] - q) <= 0.5 + 1e-4);
			if (fabsf(w) == max)
				MUST(q == (w < 0 ? -127 : 127));
		}
		MUST(sum == p->colsum[n]);
	}
}

static void check_f32(const struct packed *p)
{
	uint32_t in = up(p->n_in, 16);

	for (uint32_t n = 0; n < up(p->n_out, 16); n++)
		for (uint32_t k = 0; k < in; k++) {
			float w = n < p->n_out && k < p->n_in ?
				  p->w[(size_t)n * p->n_in + k] : 0.0f;

			MUST(!memcmp(&p->f32[((size_t)(n / 16) * in + k) * 16 + n % 16], &w, 4));
		}
}

static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 15, 16, 17, 31, 48, 63, 64, 65, 100 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

START_TEST(layout)
{
	struct packed p = { .n_in = sizes[_i] };

	for (size_t o = 0; o < SIZES; o++) {
		p.n_out = sizes[o];
		p.w = malloc(4ull * p.n_in * p.n_out);
		MUST(p.w);
		for (uint32_t i = 0; i < p.n_in * p.n_out; i++)
			p.w[i] = ((float)(rnd() % 20001) - 10000) * 1e-4f;
		/* an output of zeros, one of subnormals, one of large numbers */
		for (uint32_t k = 0; k < p.n_in; k++) {
			if (p.n_out > 1)
				p.w[p.n_in + k] = k % 2 ? -0.0f : 0.0f;
			if (p.n_out > 2)
				p.w[2 * p.n_in + k] = 1e-40f * (float)(k + 1);
			if (p.n_out > 3)
				p.w[3 * p.n_in + k] = 1e37f * (float)(k % 20 + 1);
		}
		for (uint32_t chunk = 1; chunk < 200; chunk *= 7) {
			for (int major = 0; major < 2; major++) {
				MUST(!pack(&p, CTRANS_ENC_S8, major, chunk));
				check_s8(&p);
				release(&p);
				MUST(!pack(&p, CTRANS_ENC_F32, major, chunk));
				check_f32(&p);
				release(&p);
			}
		}
		free(p.w);
	}
}
END_TEST

START_TEST(not_finite)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	float w[20 * 19];
	struct packed p = { .n_in = 20, .n_out = 19, .w = w };

	for (uint32_t i = 0; i < 20 * 19; i += 7)
		for (int b = 0; b < 3; b++)
			for (int how = 0; how < 4; how++) {
				for (int j = 0; j < 20 * 19; j++)
					w[j] = 1.0f;
				w[i] = bad[b];
				ck_assert_int_eq(pack(&p, how & 1 ? CTRANS_ENC_S8 :
						      CTRANS_ENC_F32, how & 2, 5), -EBADMSG);
				release(&p);
			}
}
END_TEST

START_TEST(order)
{
	float w[64] = { 1 }, scale[16] = { 0 };
	int32_t colsum[16] = { 0 };
	int8_t s8[64] = { 0 };
	struct ct_pack_dst dst = { s8, scale, colsum };
	struct ct_packer *p;
	struct ct_err err;

	for (int major = 0; major < 2; major++) {
		MUST(!ct_packer_open(CTRANS_ENC_S8, 4, 4, major, &dst, &p, &err));
		ck_assert_uint_eq(ct_packer_passes(p), major ? 2 : 1);
		ck_assert_int_eq(ct_packer_rows(p, 0, 0, 5, w, &err), -EINVAL);
		ck_assert_int_eq(ct_packer_rows(p, 0, 5, 0, w, &err), -EINVAL);
		ck_assert_int_eq(ct_packer_rows(p, 0, 2, 3, w, &err), -EINVAL);
		ck_assert_int_eq(ct_packer_rows(p, 0, 2, 2, w, &err), 0);
		/* the second pass begins when the first is complete */
		ck_assert(!ct_packer_ready(p, 1));
		ck_assert_int_eq(ct_packer_rows(p, 1, 0, 2, w, &err), -EINVAL);
		ck_assert_int_eq(ct_packer_close(p, &err), -EBADMSG);

		MUST(!ct_packer_open(CTRANS_ENC_S8, 4, 4, major, &dst, &p, &err));
		ck_assert_int_eq(ct_packer_rows(p, 0, 0, 4, w, &err), 0);
		ck_assert(ct_packer_ready(p, 1));
		/* without the second pass a matrix stored by input is not packed */
		ck_assert_int_eq(ct_packer_close(p, &err), major ? -EBADMSG : 0);
	}
	ck_assert_int_eq(ct_packer_close(NULL, &err), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pack");
	TCase *t = tcase_create("weights");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, layout, 0, (int)SIZES);
	tcase_add_test(t, not_finite);
	tcase_add_test(t, order);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
