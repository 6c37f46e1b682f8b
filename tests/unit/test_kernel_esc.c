// SPDX-License-Identifier: MIT
/*
 * Compressed weights in every kernel: blocks of any bytes unpack as the reference
 * unpacks them, and a linear of them is the linear of what they unpack to.
 */
#include <check.h>
#include <stdlib.h>

#include "kernel_help.h"

#define TILES CHIP_TILES_AT_ONCE
#define ROWS CHIP_ROWS_AT_ONCE

static const struct chip_kernel *ref;

/* A block of m inputs with any low bits and signs, and a list of any entries. */
static uint8_t *new_block(uint32_t m, uint32_t list, uint32_t style)
{
	uint32_t base = CTRANS_ESC_BASE(m) * 64, bytes = base + list * 64;
	uint8_t *block = xmalloc64(bytes);

	for (uint32_t i = 0; i < bytes; i++)
		block[i] = (uint8_t)rnd();
	for (uint32_t i = base; i < bytes; i += 2) {
		uint32_t at = rnd() % (16 * m);

		/* beyond a short block; the same over and over; repeats at the end */
		if (style == 1 && rnd() % 50 == 0)
			at = rnd() % 4096;
		if (style == 2)
			at %= 5;
		block[i] = (uint8_t)at;
		/* -128 is no weight */
		if ((block[i + 1] & 0xf0) == 0x80)
			block[i + 1] |= 0x10;
		block[i + 1] = (uint8_t)((block[i + 1] & 0xf0) | at >> 8);
		if (style == 3 && i > base && rnd() % 3)
			memcpy(block + i, block + i - 2, 2);
	}
	return block;
}

START_TEST(unpack)
{
	for (uint32_t round = 0; round < 600; round++) {
		uint32_t m = 64 * (1 + rnd() % 4), list = rnd() % 25;
		uint8_t *block = new_block(m, list, round % 4);
		int8_t *want = xmalloc64(CHIP_ESC_BLOCK), *got = xmalloc64(CHIP_ESC_BLOCK);
		uint32_t granules = CTRANS_ESC_BASE(m) + list;
		bool good = ref->unpack(block, m, granules, want);

		if (round % 4 != 1)
			ck_assert(good);
		for (unsigned int i = 1; chip_kernel_at(i); i++) {
			const struct chip_kernel *k = chip_kernel_at(i);

			if (!k->supported())
				continue;
			memset(got, 0x55, CHIP_ESC_BLOCK);
			ck_assert_msg(k->unpack(block, m, granules, got) == good,
				      "%s: %u inputs: %s", k->name, m,
				      good ? "refused" : "not refused");
			ck_assert_msg(!memcmp(want, got, 16 * m),
				      "%s: %u inputs, a list of %u: differs", k->name,
				      m, list);
		}
		free(block);
		free(want);
		free(got);
	}
}
END_TEST

struct problem {
	struct chip_qrow row[ROWS];
	const struct chip_qrow *rows[ROWS];
	uint32_t n_in, n_tiles;
	uint8_t *esc;
	uint32_t *at;
	int8_t *w;		/* what it unpacks to: whole blocks */
	size_t stride;
	float scale[TILES * 16], bias[TILES * 16];
	int32_t colsum[TILES * 16];
};

static void fill_row(struct chip_qrow *row, uint32_t n, bool outliers)
{
	new_row(row, n);
	row->theta = 0.01f + (float)(rnd() % 100) * 0.01f;
	for (uint32_t k = 0; k < n; k++) {
		int32_t a = (int32_t)(rnd() % 255) - 127;

		if (outliers && rnd() % 40 == 0 && row->n_outliers < 400)
			a = 128 + (int32_t)(rnd() % 32000);
		row->a[k] = (int16_t)a;
		if (a <= 127)
			row->u8[k] = (uint8_t)(128 + a);
		else
			row->outliers[row->n_outliers++] =
				(struct chip_outlier){ .k = k, .a = a };
	}
}

static void make(struct problem *p, uint32_t n_in, uint32_t n_rows, uint32_t n_tiles)
{
	uint32_t per_tile = (n_in + 255) / 256, in = (n_in + 63) / 64 * 64;
	uint32_t blocks = per_tile * n_tiles;

	memset(p, 0, sizeof(*p));
	p->n_in = in;
	p->n_tiles = n_tiles;
	for (uint32_t r = 0; r < n_rows; r++) {
		fill_row(&p->row[r], n_in, rnd() % 2);
		p->rows[r] = &p->row[r];
	}
	p->stride = (size_t)per_tile * CHIP_ESC_BLOCK;
	p->w = xmalloc64(p->stride * n_tiles);
	p->at = xmalloc((blocks + 1) * sizeof(*p->at));
	/* not from the beginning, and with a gap */
	p->at[0] = 3;
	p->esc = xmalloc64((3 + (size_t)blocks * 65) * 64);
	for (uint32_t b = 0; b < blocks; b++) {
		uint32_t left = in - b % per_tile * 256, m = left < 256 ? left : 256;
		uint32_t list = rnd() % 25, granules = CTRANS_ESC_BASE(m) + list;
		uint8_t *block = new_block(m, list, rnd() % 2 * 2);

		memcpy(p->esc + 64 * p->at[b], block, 64 * granules);
		p->at[b + 1] = p->at[b] + granules;
		ref->unpack(block, m, granules, p->w + b * CHIP_ESC_BLOCK);
		free(block);
	}
	for (uint32_t j = 0; j < TILES * 16; j++) {
		p->scale[j] = value(0) * 0.01f;
		p->bias[j] = value(2);
	}
}

static void column_sums(struct problem *p)
{
	for (uint32_t j = 0; j < p->n_tiles * 16; j++)
		for (uint32_t k = 0; k < p->n_in; k++)
			p->colsum[j] += p->w[j / 16 * p->stride + k / 4 * 64 +
					     j % 16 * 4 + k % 4];
}

static void drop(struct problem *p, uint32_t n_rows)
{
	for (uint32_t r = 0; r < n_rows; r++)
		free_row(&p->row[r]);
	free(p->w);
	free(p->at);
	free(p->esc);
}

/* By the kernel's own linear over what the reference has unpacked. */
static void compare(struct problem *p, const struct chip_kernel *k, uint32_t n_rows)
{
	float *want[ROWS], *got[ROWS];
	uint32_t n = 16 * p->n_tiles - rnd() % 16;
	struct chip_tiles t = {
		.rows = p->rows, .n_rows = n_rows, .n_in = p->n_in, .n = n,
		.w = p->w, .tile_stride = p->stride, .colsum = p->colsum,
		.scale = p->scale, .bias = rnd() % 4 ? p->bias : NULL,
		.act = (uint8_t)(rnd() % 5), .put = (enum chip_put)(rnd() % 3), .out = want,
		.ahead = (const char *)p->w,
	};
	struct chip_esc e = { .base = p->esc, .at = p->at };

	for (uint32_t r = 0; r < n_rows; r++) {
		want[r] = floats(n, 0);
		got[r] = copy_of(want[r], n);
		ck_assert(chip_fits32(p->rows[r]));
	}
	k->linear(&t);
	t.out = got;
	t.w = NULL;
	ck_assert(k->linear_esc(&t, &e));
	for (uint32_t r = 0; r < n_rows; r++) {
		same_f("linear_esc", k, want[r], got[r], n);
		free(want[r]);
		free(got[r]);
	}
}

START_TEST(linear)
{
	static const uint32_t lengths[] = { 1, 64, 97, 256, 300, 515, 768, 1028 };

	for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
		for (uint32_t rows = 1; rows <= ROWS; rows++) {
			for (uint32_t tiles = 1; tiles <= TILES; tiles++) {
				struct problem p;

				make(&p, lengths[l], rows, tiles);
				column_sums(&p);
				for (unsigned int i = 1; chip_kernel_at(i); i++)
					if (chip_kernel_at(i)->supported())
						compare(&p, chip_kernel_at(i), rows);
				drop(&p, rows);
			}
		}
	}
}
END_TEST

/* A list that names what is beyond a tile's last block is told, whichever it is. */
START_TEST(refused)
{
	for (unsigned int i = 1; chip_kernel_at(i); i++) {
		const struct chip_kernel *k = chip_kernel_at(i);

		for (uint32_t block = 1; k->supported() && block < 8; block += 2) {
			struct problem p;
			float out[64], *outs = out;
			struct chip_tiles t = {
				.rows = p.rows, .n_rows = 1, .n_in = 320, .n = 64,
				.colsum = p.colsum, .scale = p.scale, .out = &outs,
			};
			struct chip_esc e;

			do {
				make(&p, 320, 1, 4);
				if (p.at[block + 1] - p.at[block] > CTRANS_ESC_BASE(64))
					break;
				drop(&p, 1);
			} while (true);
			e = (struct chip_esc){ .base = p.esc, .at = p.at };
			ck_assert(k->linear_esc(&t, &e));
			memcpy(p.esc + 64 * p.at[block + 1] - 2, &(uint16_t){ 1024 }, 2);
			ck_assert(!k->linear_esc(&t, &e));
			drop(&p, 1);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel esc");
	TCase *t = tcase_create("equal");
	SRunner *r;
	int failed;

	ref = chip_kernel_at(0);
	tcase_add_test(t, unpack);
	tcase_add_test(t, linear);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
