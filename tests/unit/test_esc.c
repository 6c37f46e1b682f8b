// SPDX-License-Identifier: MIT
/*
 * Extended sign compression: what is packed is what uapi/ctrans_layout.h says,
 * byte by byte, and unpacks to the same matrix; what is damaged is found.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/esc.h"
#include "convert/pack.h"

static uint32_t rnd(void)
{
	static uint64_t x = 0x2545f4914f6cdd1dull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

/* Weights: one in @odds is any byte, the others are of five bits. */
static int8_t weight(uint32_t odds)
{
	return odds && rnd() % odds == 0 ? (int8_t)rnd() : (int8_t)((int)(rnd() % 32) - 16);
}

struct matrix {
	uint32_t n_in, n_out;
	uint64_t bytes;		/* of w */
	int8_t *w;
	uint8_t *esc;
	struct ct_esc_size size;
};

static struct matrix new_matrix(uint32_t n_in, uint32_t n_out)
{
	struct matrix m = { .n_in = n_in, .n_out = n_out };

	m.bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out);
	m.w = calloc(1, m.bytes);
	MUST(m.w);
	return m;
}

static int8_t *at(const struct matrix *m, uint32_t k, uint32_t n)
{
	uint32_t quads = (m->n_in + 3) / 4;

	return &m->w[((n / 16 * (uint64_t)quads + k / 4) * 16 + n % 16) * 4 + k % 4];
}

static void fill(struct matrix *m, uint32_t odds)
{
	for (uint32_t n = 0; n < m->n_out; n++)
		for (uint32_t k = 0; k < m->n_in; k++)
			*at(m, k, n) = weight(odds);
}

static void pack(struct matrix *m)
{
	ck_assert_int_eq(ct_esc_bytes(m->w, m->n_in, m->n_out, &m->size, NULL), 0);
	ck_assert_uint_ge(m->size.bytes, ct_esc_least(m->n_in, m->n_out));
	ck_assert_uint_le(m->size.bytes, ct_esc_most(m->n_in, m->n_out));
	ck_assert_uint_eq(m->size.bytes % CTRANS_GRANULE, 0);
	m->esc = malloc(m->size.bytes);
	MUST(m->esc);
	ck_assert_int_eq(ct_esc_pack(m->w, m->n_in, m->n_out, m->esc, m->size.bytes,
				     NULL), 0);
}

static void drop(struct matrix *m)
{
	free(m->w);
	free(m->esc);
}

/* One weight by the manual alone; 0 in the padding. */
static int8_t by_definition(const struct matrix *m, uint32_t k, uint32_t n)
{
	uint32_t in = (m->n_in + 63) / 64 * 64, per_tile = (in + 255) / 256;
	uint32_t block = n / 16 * per_tile + k / 256;
	uint32_t inputs = in - k / 256 * 256 < 256 ? in - k / 256 * 256 : 256;
	uint32_t g = k % 256 / 4, i = n % 16 * 4 + k % 4, start, end, v;
	const uint8_t *b;

	memcpy(&start, m->esc + 4 * block, 4);
	memcpy(&end, m->esc + 4 * block + 4, 4);
	b = m->esc + 64ull * start;
	v = b[g / 2 * 64 + i] >> g % 2 * 4 & 15;
	if (b[inputs * 8 + g * 8 + i / 8] >> i % 8 & 1)
		v |= 0xf0;
	for (const uint8_t *p = b + inputs * 10; p < m->esc + 64ull * end; p += 2) {
		uint32_t e = p[0] | (uint32_t)p[1] << 8;

		if ((e & 0xfff) == 64 * g + i)
			v = (v & 15) | (e >> 12 << 4);
	}
	return (int8_t)v;
}

static void check_round(struct matrix *m)
{
	int8_t *back = malloc(m->bytes);
	uint64_t exceptions = 0;

	MUST(back);
	pack(m);
	memset(back, 0x55, m->bytes);
	ck_assert_int_eq(ct_esc_unpack(m->esc, m->size.bytes, m->n_in, m->n_out, back,
				       NULL), 0);
	ck_assert(!memcmp(back, m->w, m->bytes));
	for (uint64_t i = 0; i < m->bytes; i++)
		exceptions += m->w[i] < -16 || m->w[i] > 15;
	ck_assert_uint_eq(exceptions, m->size.exceptions);
	free(back);
}

static const uint32_t shapes[][2] = {
	{ 1, 1 }, { 3, 17 }, { 63, 16 }, { 64, 16 }, { 65, 15 }, { 100, 40 },
	{ 192, 33 }, { 256, 16 }, { 257, 31 }, { 320, 48 }, { 768, 64 }, { 1000, 20 },
	{ 1280, 16 },
};
#define N_SHAPES	((int)(sizeof(shapes) / sizeof(shapes[0])))

START_TEST(round_trip)
{
	static const uint32_t odds[] = { 0, 100, 20, 8 };

	for (size_t o = 0; o < sizeof(odds) / sizeof(odds[0]); o++) {
		struct matrix m = new_matrix(shapes[_i][0], shapes[_i][1]);

		fill(&m, odds[o]);
		check_round(&m);
		if (!odds[o])
			ck_assert_uint_eq(m.size.bytes, ct_esc_least(m.n_in, m.n_out));
		drop(&m);
	}
}
END_TEST

START_TEST(definition)
{
	struct matrix m = new_matrix(shapes[_i][0], shapes[_i][1]);
	uint32_t in = (m.n_in + 63) / 64 * 64, out = (m.n_out + 15) / 16 * 16;

	fill(&m, 30);
	pack(&m);
	for (uint32_t n = 0; n < out; n++)
		for (uint32_t k = 0; k < in; k++) {
			int8_t want = k < m.n_in && n < m.n_out ? *at(&m, k, n) : 0;

			if (by_definition(&m, k, n) != want)
				ck_abort_msg("%u by %u: input %u of output %u is %d, not %d",
					     m.n_in, m.n_out, k, n,
					     by_definition(&m, k, n), want);
		}
	drop(&m);
}
END_TEST

/* A single exception, at each place of a block and of each value. */
START_TEST(one_exception)
{
	for (uint32_t i = 0; i < 300 * 16; i += 7) {
		struct matrix m = new_matrix(300, 16);

		fill(&m, 0);
		*at(&m, i / 16, i % 16) = (int8_t)(i % 2 ? 16 + i % 112 : -17 - i % 111);
		check_round(&m);
		ck_assert_uint_eq(m.size.exceptions, 1);
		ck_assert_uint_eq(m.size.bytes, ct_esc_least(300, 16) + CTRANS_GRANULE);
		drop(&m);
	}
}
END_TEST

/* As many as a list may hold, and one more. */
START_TEST(full_list)
{
	uint32_t most = CTRANS_ESC_LIST_MAX * 32;
	struct matrix m = new_matrix(512, 16);
	struct ct_esc_size size;

	fill(&m, 0);
	for (uint32_t i = 0; i < most; i++)
		m.w[4096 + i] = 100;
	check_round(&m);
	ck_assert_uint_eq(m.size.bytes, ct_esc_least(512, 16) +
			  CTRANS_ESC_LIST_MAX * CTRANS_GRANULE);
	m.w[4096 + most] = -100;
	ck_assert_int_eq(ct_esc_bytes(m.w, 512, 16, &size, NULL), -ERANGE);
	ck_assert_int_eq(ct_esc_pack(m.w, 512, 16, m.esc, m.size.bytes, NULL), -ERANGE);
	/* all large */
	memset(m.w, 127, m.bytes);
	ck_assert_int_eq(ct_esc_bytes(m.w, 512, 16, &size, NULL), -ERANGE);
	drop(&m);
}
END_TEST

START_TEST(wrong_size)
{
	struct matrix m = new_matrix(100, 20);

	fill(&m, 20);
	pack(&m);
	ck_assert_int_eq(ct_esc_pack(m.w, 100, 20, m.esc, m.size.bytes - 64, NULL),
			 -EINVAL);
	drop(&m);
}
END_TEST

static void set(uint8_t *p, uint32_t i, uint32_t value)
{
	memcpy(p + 4 * i, &value, 4);
}

/* Tables and lists that no packer writes; a sanitizer sees what is read. */
START_TEST(damaged)
{
	struct matrix m = new_matrix(320, 40);
	int8_t *back = calloc(1, m.bytes);
	uint8_t *copy;
	uint32_t end;

	MUST(back);
	fill(&m, 20);
	pack(&m);
	copy = malloc(m.size.bytes);
	MUST(copy);
	end = (uint32_t)(m.size.bytes / CTRANS_GRANULE);
	for (uint32_t i = 0; i <= 6; i++) {
		static const uint32_t values[] = { 0, 1, 2, 41, 42, 43, UINT32_MAX,
						   UINT32_MAX - 40, 1u << 26 };

		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			uint32_t was;

			memcpy(copy, m.esc, m.size.bytes);
			memcpy(&was, copy + 4 * i, 4);
			set(copy, i, values[v]);
			/* one granule of a list more or less may still do */
			if (was + 1 >= values[v] && values[v] + 1 >= was)
				continue;
			ck_assert_int_eq(ct_esc_unpack(copy, m.size.bytes, 320, 40, back,
						       NULL), -EBADMSG);
		}
	}
	for (uint64_t cut = 0; cut < m.size.bytes; cut += CTRANS_GRANULE) {
		uint8_t *part = malloc(cut + 1);

		MUST(part);
		memcpy(part, m.esc, cut);
		ck_assert_int_eq(ct_esc_unpack(part, cut, 320, 40, back, NULL), -EBADMSG);
		free(part);
	}
	/* an entry beyond the 64 inputs of a tile's last block */
	memcpy(copy, m.esc, m.size.bytes);
	memcpy(&end, copy + 4 * 2, 4);
	memcpy(copy + 64ull * end - 2, &(uint16_t){ 1024 }, 2);
	ck_assert_int_eq(ct_esc_unpack(copy, m.size.bytes, 320, 40, back, NULL), -EBADMSG);
	free(copy);
	free(back);
	drop(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("esc");
	TCase *t = tcase_create("packing");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, round_trip, 0, N_SHAPES);
	tcase_add_loop_test(t, definition, 0, N_SHAPES);
	tcase_add_test(t, one_exception);
	tcase_add_test(t, full_list);
	tcase_add_test(t, wrong_size);
	tcase_add_test(t, damaged);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
