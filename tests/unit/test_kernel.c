// SPDX-License-Identifier: MIT
/*
 * Every kernel the CPU supports against the reference, bit for bit, on random
 * shapes and on values chosen to break vector code. Each operand is a heap block
 * of exactly the size a kernel may touch, so that a sanitizer sees more.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "kernel_help.h"

static const struct chip_kernel *ref;

static const uint32_t lengths[] = { 1, 2, 3, 7, 8, 12, 15, 16, 17, 31, 33, 48, 63,
				    64, 65, 97, 100, 127, 129, 768, 1000 };
#define N_LENGTHS ARRAY_LEN(lengths)

/* Runs body for every kernel but the reference. */
#define EACH_KERNEL(k)                                                         \
	for (unsigned int i_ = 0; chip_kernel_at(i_); i_++)                     \
		for (const struct chip_kernel *k = chip_kernel_at(i_);          \
		     k && k != ref && k->supported(); k = NULL)

START_TEST(rows)
{
	EACH_KERNEL(k) {
		for (unsigned int s = 0; s < N_STYLES; s++) {
			for (size_t l = 0; l < N_LENGTHS; l++) {
				uint32_t n = lengths[l];
				float *x = floats(n, s), *g = floats(n, 0);
				float *b = floats(n, 1), *y = floats(n, 0);
				float *z = copy_of(y, n);

				same_f("sumsq", k, &(float){ ref->sumsq(x, n) },
				       &(float){ k->sumsq(x, n) }, 1);
				same_f("max", k, &(float){ ref->max(x, n) },
				       &(float){ k->max(x, n) }, 1);
				same_f("sumexp", k, &(float){ ref->sumexp(x, n, x[0]) },
				       &(float){ k->sumexp(x, n, x[0]) }, 1);
				ref->layernorm(x, g, b, 1e-5f, n, y);
				k->layernorm(x, g, b, 1e-5f, n, z);
				same_f("layernorm", k, y, z, n);
				memcpy(z, x, n * sizeof(*x));
				ref->layernorm(x, g, NULL, 1e-5f, n, y);
				k->layernorm(z, g, NULL, 1e-5f, n, z);
				same_f("layernorm in place", k, y, z, n);
				ref->rmsnorm(x, g, NULL, 1e-6f, n, y);
				k->rmsnorm(x, g, NULL, 1e-6f, n, z);
				same_f("rmsnorm", k, y, z, n);
				memcpy(z, x, n * sizeof(*x));
				ref->rmsnorm(x, g, b, 1e-6f, n, y);
				k->rmsnorm(z, g, b, 1e-6f, n, z);
				same_f("rmsnorm in place", k, y, z, n);
				memcpy(y, x, n * sizeof(*x));
				memcpy(z, x, n * sizeof(*x));
				ref->divide(y, n, 3.7f);
				k->divide(z, n, 3.7f);
				same_f("divide", k, y, z, n);
				free(x);
				free(g);
				free(b);
				free(y);
				free(z);
			}
		}
	}
}
END_TEST

START_TEST(embed)
{
	EACH_KERNEL(k) {
		for (size_t l = 0; l < N_LENGTHS; l++) {
			uint32_t n = lengths[l];
			float *p = floats(n, 2), *y = floats(n, 0), *z = floats(n, 0);
			int8_t *w = weights(n, 0);

			for (int with = 0; with < 2; with++) {
				ref->embed(w, 0.017f, with ? p : NULL, n, y);
				k->embed(w, 0.017f, with ? p : NULL, n, z);
				same_f("embed", k, y, z, n);
			}
			free(p);
			free(y);
			free(z);
			free(w);
		}
	}
}
END_TEST

START_TEST(quantise)
{
	static const float thetas[] = { 1.0f, 0.01f, 1e-3f, 3e-5f, 0x1p-100f, 37.0f,
					1e30f };

	EACH_KERNEL(k) {
		for (unsigned int s = 0; s < N_STYLES; s++) {
			for (size_t l = 0; l < N_LENGTHS; l++) {
				uint32_t n = lengths[l];
				float *x = floats(n, s);

				for (size_t t = 0; t < ARRAY_LEN(thetas); t++) {
					struct chip_qrow a, b;

					new_row(&a, n);
					new_row(&b, n);
					a.theta = b.theta = thetas[t];
					ref->quantise(x, n, &a);
					k->quantise(x, n, &b);
					same_row(k, &a, &b);
					free_row(&a);
					free_row(&b);
				}
				free(x);
			}
		}
	}
}
END_TEST

/* Values the rounding, the clamp and the outliers' limit turn on. */
START_TEST(quantise_edges)
{
	static const float x[] = { 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 127.4f, 127.5f,
		-127.5f, 128.5f, 32767.0f, 32767.4f, 32767.5f, -32767.4f,
		-32767.5f, 32768.0f, 1e9f, -1e9f, INFINITY, -INFINITY, NAN, -0.0f,
		1e-42f };
	static const int16_t want[] = { 0, 2, 2, 0, -2, 127, 128, -128, 128, 32767,
		32767, 32767, -32767, -32767, 32767, 32767, -32767, 32767, -32767,
		0, 0, 0 };
	uint32_t n = ARRAY_LEN(x);

	for (unsigned int i = 0; chip_kernel_at(i); i++) {
		const struct chip_kernel *k = chip_kernel_at(i);
		struct chip_qrow row;

		if (!k->supported())
			continue;
		new_row(&row, n);
		row.theta = 1.0f;
		k->quantise(x, n, &row);
		for (uint32_t j = 0; j < n; j++)
			ck_assert_msg(row.a[j] == want[j], "%s: %g gave %d",
				      k->name, (double)x[j], row.a[j]);
		ck_assert_uint_eq(row.n_clamped, 7);
		ck_assert_uint_eq(row.n_outliers, 13);
		free_row(&row);
	}
}
END_TEST

START_TEST(epilogues)
{
	EACH_KERNEL(k) {
		for (unsigned int round = 0; round < 400; round++) {
			uint32_t n = 1 + rnd() % 16, style = rnd() % N_STYLES;
			float *scale = floats(16, 0), *bias = floats(16, style);
			float *y = floats(n, style), *z = copy_of(y, n);
			float *f = floats(16, style);
			int64_t s[16], sk[16];
			int32_t colsum[16];
			struct chip_epilogue e = {
				.s = s, .colsum = colsum, .scale = scale,
				.bias = round & 1 ? bias : NULL,
				.theta = 0.013f,
				.act = (uint8_t)(round % 5),
				.put = (enum chip_put)(round / 5 % 3),
				.n = n, .out = y,
			};

			for (int j = 0; j < 16; j++) {
				unsigned int shift = rnd() % 60;

				shift = shift < 24 ? 24 : shift;
				s[j] = (int64_t)(rnd64() >> shift) - (1ll << 38) / 16;
				if (rnd() % 4 == 0)
					s[j] = (int64_t)(rnd() % 512) - 256;
				colsum[j] = (int32_t)(rnd() % (1u << 28)) - (1 << 27);
				sk[j] = s[j] + (int64_t)k->offset * colsum[j];
			}
			ref->epilogue(&e);
			e.s = sk;
			e.out = z;
			k->epilogue(&e);
			same_f("epilogue", k, y, z, n);
			ref->epilogue_f32(f, e.bias, e.act, e.put, n, y);
			k->epilogue_f32(f, e.bias, e.act, e.put, n, z);
			same_f("epilogue_f32", k, y, z, n);
			free(scale);
			free(bias);
			free(y);
			free(z);
			free(f);
		}
	}
}
END_TEST

START_TEST(f32_tiles)
{
	EACH_KERNEL(k) {
		for (unsigned int s = 0; s < N_STYLES; s++) {
			for (size_t l = 0; l < N_LENGTHS; l++) {
				uint32_t n = lengths[l];
				float *x = floats(n, s), a[16], b[16];
				float *w = floats((n + 15) / 16 * 256, s);

				ref->sums_f32(x, w, n, a);
				k->sums_f32(x, w, n, b);
				same_f("sums_f32", k, a, b, 16);
				free(x);
				free(w);
			}
		}
	}
}
END_TEST

/* Keys and values in the type's encoding; garbage where a kernel must not look. */
static void *kv_block(const float *x, size_t n, uint8_t type, unsigned int style)
{
	uint16_t *h;

	if (type == CTRANS_KV_F32)
		return copy_of(x, n);
	if (type == CTRANS_KV_S8) {
		float *scales = floats(CTRANS_KV_POSITIONS, style);
		uint8_t *t = xmalloc(CTRANS_KV_SCALES(type) + n);

		memcpy(t, scales, CTRANS_KV_SCALES(type));
		for (size_t i = 0; i < n; i++)
			t[CTRANS_KV_SCALES(type) + i] = (uint8_t)rnd();
		free(scales);
		return t;
	}
	h = xmalloc(n * 2);
	for (size_t i = 0; i < n; i++)
		h[i] = chip_f16_from_f32(x[i]);
	return h;
}

static void attend(const struct chip_kernel *k, uint32_t head_dim, uint32_t n,
		   uint8_t type, unsigned int style)
{
	size_t size = (size_t)head_dim * CTRANS_KV_POSITIONS;
	float *x = floats(size, style), *q = floats(head_dim, style);
	void *key = kv_block(x, size, type, style);
	void *value = kv_block(x, (size_t)n * head_dim, type, style);
	float *a = floats(n, 0), *b = copy_of(a, n);
	float *o = floats(head_dim, 1), *p = copy_of(o, head_dim);
	float m;

	ref->scores(q, key, head_dim, n, 0.125f, type, a);
	k->scores(q, key, head_dim, n, 0.125f, type, b);
	same_f("scores", k, a, b, n);
	m = ref->max(a, n);
	same_f("exp_block", k, &(float){ ref->exp_block(a, n, m) },
	       &(float){ k->exp_block(b, n, m) }, 1);
	same_f("exp_block's values", k, a, b, n);
	ref->weigh(a, value, head_dim, n, type, o);
	k->weigh(b, value, head_dim, n, type, p);
	same_f("weigh", k, o, p, head_dim);
	free(x);
	free(q);
	free(key);
	free(value);
	free(a);
	free(b);
	free(o);
	free(p);
}

/*
 * Rows together: each as it would be alone, on the reference. Scratch and what
 * follows a row's result begin as garbage, rows are further apart than they are
 * long, and between them nothing else is touched.
 */
static void attend_rows(const struct chip_kernel *k, uint32_t head_dim, uint32_t n,
			uint32_t n_rows, uint8_t type, unsigned int style)
{
	size_t size = (size_t)head_dim * CTRANS_KV_POSITIONS, gap = 3;
	size_t d16 = (head_dim + 15) / 16 * 16, n16 = (n + 15) / 16 * 16;
	float *x = floats(size, style), *q = floats((d16 + gap) * n_rows, style);
	float *e = floats((n16 + gap) * n_rows, style);
	void *key = kv_block(x, size, type, style);
	void *value = kv_block(x, (size_t)n * head_dim, type, style);
	float *s = floats((n16 + gap) * n_rows, 5), *o = floats((d16 + gap) * n_rows, style);
	float *s0 = copy_of(s, (n16 + gap) * n_rows), *o0 = copy_of(o, (d16 + gap) * n_rows);
	float *scratch = xmalloc64(CHIP_EXPANDED(head_dim) * sizeof(*scratch));
	struct chip_attend a = {
		.in = q, .in_stride = d16 + gap, .out = s, .out_stride = n16 + gap,
		.n_rows = n_rows, .tile = key, .head_dim = head_dim, .n = n,
		.kv_type = type, .expanded = scratch,
	};

	memset(scratch, 0xff, CHIP_EXPANDED(head_dim) * sizeof(*scratch));
	k->scores_rows(&a, 0.125f);
	memset(scratch, 0xff, CHIP_EXPANDED(head_dim) * sizeof(*scratch));
	a.in = e;
	a.in_stride = n16 + gap;
	a.out = o;
	a.out_stride = d16 + gap;
	a.tile = value;
	k->weigh_rows(&a);
	for (uint32_t r = 0; r < n_rows; r++) {
		float *sr = s0 + r * (n16 + gap), *or = o0 + r * (d16 + gap);

		ref->scores(q + r * (d16 + gap), key, head_dim, n, 0.125f, type, sr);
		ref->weigh(e + r * (n16 + gap), value, head_dim, n, type, or);
		same_f("scores_rows", k, sr, s + r * (n16 + gap), n);
		same_f("scores_rows' gap", k, sr + n16, s + r * (n16 + gap) + n16, gap);
		same_f("weigh_rows", k, or, o + r * (d16 + gap), head_dim);
		same_f("weigh_rows' gap", k, or + d16, o + r * (d16 + gap) + d16, gap);
	}
	free(x);
	free(q);
	free(e);
	free(key);
	free(value);
	free(s);
	free(o);
	free(s0);
	free(o0);
	free(scratch);
}

START_TEST(attention_rows)
{
	static const uint32_t dims[] = { 1, 4, 12, 16, 20, 33, 64, 80, 128, 512 };

	EACH_KERNEL(k) {
		for (size_t d = 0; d < ARRAY_LEN(dims); d++)
			for (uint32_t n = 1; n <= 64; n += n % 16 == 0 ? 1 : 5)
				for (uint8_t type = 0; type <= CTRANS_KV_S8; type++)
					attend_rows(k, dims[d], n, 1 + (n + type) % 5,
						    type, (n + (uint32_t)d) % N_STYLES);
		for (uint32_t n_rows = 1; n_rows <= 32; n_rows++)
			for (uint8_t type = 0; type <= CTRANS_KV_S8; type++)
				attend_rows(k, 64, 64, n_rows, type, n_rows % N_STYLES);
	}
}
END_TEST

START_TEST(attention)
{
	static const uint32_t dims[] = { 1, 3, 4, 8, 12, 16, 20, 33, 64, 80, 96, 128,
					 512 };

	EACH_KERNEL(k) {
		for (size_t d = 0; d < ARRAY_LEN(dims); d++)
			for (uint32_t n = 1; n <= 64; n += n % 16 == 0 ? 1 : 5)
				for (uint8_t type = 0; type <= CTRANS_KV_S8; type++)
					attend(k, dims[d], n, type,
					       (n + (uint32_t)d) % N_STYLES);
		for (uint32_t n = 1; n <= 64; n++)
			for (uint8_t type = 0; type <= CTRANS_KV_S8; type++)
				attend(k, 64, n, type, n % N_STYLES);
	}
}
END_TEST

START_TEST(to_f16)
{
	EACH_KERNEL(k) {
		for (unsigned int s = 0; s < N_STYLES; s++) {
			for (size_t l = 0; l < N_LENGTHS; l++) {
				uint32_t n = lengths[l];
				float *x = floats(n, s);
				uint16_t *a = xmalloc(n * 2), *b = xmalloc(n * 2);

				ref->to_f16(x, n, a);
				k->to_f16(x, n, b);
				for (uint32_t i = 0; i < n; i++)
					ck_assert_msg(a[i] == b[i] || isnan(x[i]),
						      "%s: to_f16 of %a", k->name,
						      (double)x[i]);
				free(x);
				free(a);
				free(b);
			}
		}
	}
}
END_TEST

START_TEST(to_s8)
{
	EACH_KERNEL(k) {
		for (unsigned int s = 0; s < N_STYLES; s++) {
			for (size_t l = 0; l < N_LENGTHS; l++) {
				uint32_t n = lengths[l];
				float *x = floats(n, s), a, b;
				int8_t *y = xmalloc(n), *z = xmalloc(n);

				a = ref->to_s8(x, n, y);
				b = k->to_s8(x, n, z);
				same_f("to_s8's scale", k, &a, &b, 1);
				CHECK(!memcmp(y, z, n), "%s: to_s8, %u of style %u",
				      k->name, n, s);
				free(x);
				free(y);
				free(z);
			}
		}
	}
}
END_TEST

/* By the manual: the largest is 127 scales, nothing is off by more than half one. */
START_TEST(to_s8_values)
{
	const float odd[] = { __builtin_inff(), -3.0f, __builtin_nanf(""), 0.4f,
			      -__builtin_inff(), 0.6f };
	const float nans[] = { __builtin_nanf(""), 2.54f, -1.27f };
	const float tiny[] = { 0x1p-120f, -0x1p-130f };
	float x[64];
	int8_t a[64];

	for (unsigned int s = 0; s < 2; s++) {
		float *r = floats(64, s), scale = ref->to_s8(r, 64, a);
		int most = 0;

		for (int i = 0; i < 64; i++) {
			float off = r[i] - (float)a[i] * scale;

			CHECK(off <= 0.5001f * scale && off >= -0.5001f * scale,
			      "%a for %a", (double)((float)a[i] * scale), (double)r[i]);
			most = abs(a[i]) > most ? abs(a[i]) : most;
		}
		ck_assert_int_eq(most, 127);
		free(r);
	}
	memset(x, 0, sizeof(x));
	ck_assert(ref->to_s8(x, 64, a) == 1.0f && !a[0] && !a[63]);
	ck_assert(ref->to_s8(odd, 6, a) == 1.0f);
	ck_assert(a[0] == 127 && a[1] == -3 && a[2] == 0 && a[3] == 0 && a[4] == -127 &&
		  a[5] == 1);
	ck_assert(ref->to_s8(nans, 3, a) == 2.54f / 127.0f);
	ck_assert(a[0] == 0 && a[1] == 127 && a[2] >= -64 && a[2] <= -63);
	ck_assert(ref->to_s8(tiny, 2, a) == 1.0f && !a[0] && !a[1]);
}
END_TEST

START_TEST(choice)
{
	ck_assert_ptr_nonnull(ref);
	ck_assert_str_eq(ref->name, "reference");
	ck_assert_ptr_eq(chip_kernel_get("reference"), ref);
	ck_assert_ptr_null(chip_kernel_get("none such"));
	ck_assert_ptr_nonnull(chip_kernel_get(NULL));
	ck_assert_ptr_eq(chip_kernel_get(NULL), chip_kernel_get("auto"));
	ck_assert_ptr_ne(chip_kernel_get(NULL), ref);
	for (unsigned int i = 0; chip_kernel_at(i); i++) {
		const struct chip_kernel *k = chip_kernel_at(i);

		ck_assert_ptr_eq(chip_kernel_get(k->name),
				 k->supported() ? k : NULL);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel");
	TCase *t = tcase_create("equal");
	SRunner *r;
	int failed;

	ref = chip_kernel_at(0);
	tcase_add_test(t, choice);
	tcase_add_test(t, rows);
	tcase_add_test(t, embed);
	tcase_add_test(t, quantise);
	tcase_add_test(t, quantise_edges);
	tcase_add_test(t, epilogues);
	tcase_add_test(t, f32_tiles);
	tcase_add_test(t, attention);
	tcase_add_test(t, attention_rows);
	tcase_add_test(t, to_f16);
	tcase_add_test(t, to_s8);
	tcase_add_test(t, to_s8_values);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
