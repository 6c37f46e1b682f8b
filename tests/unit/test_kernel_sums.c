// SPDX-License-Identifier: MIT
/*
 * The integer sums of every kernel against the reference's, which executes the
 * domains: equal whatever goes to which domain, and not equal any more when one
 * domain is broken on purpose.
 */
#include <check.h>
#include <stdlib.h>

#include "chip/kernel_ref.h"
#include "chip/train.h"
#include "kernel_help.h"

#define TILES CHIP_TILES_AT_ONCE
#define ROWS CHIP_ROWS_AT_ONCE

static const struct chip_kernel *ref;

struct problem {
	struct chip_qrow row[ROWS];
	const struct chip_qrow *rows[ROWS];
	int8_t *w;
	int32_t colsum[TILES * 16];	/* of inputs k0..k1 */
	struct chip_dispatch dispatch;
	struct chip_sums sums;
};

/* Activations: 0 any, 1 bytes, 2 mostly small, 3 all extreme, 4 extreme bytes,
 * 5 zeros, 6 few outliers */
#define N_ACTIVATIONS 7

static int16_t activation(unsigned int style)
{
	int32_t any = (int32_t)(rnd() % 65535) - 32767;
	int32_t byte = (int32_t)(rnd() % 255) - 127;

	switch (style) {
	case 1:
		return (int16_t)byte;
	case 2:
		return (int16_t)(rnd() % 4 ? byte / 16 : byte);
	case 3:
		return rnd() & 1 ? 32767 : -32767;
	case 4:
		return rnd() & 1 ? 127 : -127;
	case 5:
		return 0;
	case 6:
		return (int16_t)(rnd() % 50 ? byte : any);
	default:
		return (int16_t)any;
	}
}

static void fill_row(struct chip_qrow *row, uint32_t n, unsigned int style)
{
	new_row(row, n);
	for (uint32_t k = 0; k < n; k++) {
		int32_t a = activation(style);

		row->a[k] = (int16_t)a;
		if (abs(a) <= 127)
			row->u8[k] = (uint8_t)(128 + a);
		else
			row->outliers[row->n_outliers++] =
				(struct chip_outlier){ .k = k, .a = a };
	}
}

static void make(struct problem *p, uint32_t n, uint32_t n_rows, uint32_t n_tiles,
		 unsigned int style, unsigned int w_style)
{
	uint32_t padded = (n + 3) / 4 * 4;
	size_t stride = (size_t)padded * 16;

	memset(p, 0, sizeof(*p));
	for (uint32_t r = 0; r < n_rows; r++) {
		fill_row(&p->row[r], n, style);
		p->rows[r] = &p->row[r];
	}
	p->w = weights(stride * n_tiles, w_style);
	for (uint32_t t = 0; t < n_tiles; t++)
		for (uint32_t k = n; k < padded; k++)
			for (uint32_t j = 0; j < 16; j++)
				p->w[t * stride + k / 4 * 64 + j * 4 + k % 4] = 0;
	p->dispatch = any_dispatch(rnd());
	p->sums = (struct chip_sums){
		.rows = p->rows, .n_rows = n_rows, .n_tiles = n_tiles,
		.w = p->w, .tile_stride = stride, .k0 = 0, .k1 = padded,
		.dispatch = &p->dispatch,
	};
}

/* Narrows the problem to inputs k0..k1. */
static void narrow(struct problem *p, uint32_t k0, uint32_t k1)
{
	p->sums.w = p->w + (size_t)k0 * 16;
	p->sums.k0 = k0;
	p->sums.k1 = k1;
}

static void column_sums(struct problem *p)
{
	memset(p->colsum, 0, sizeof(p->colsum));
	for (uint32_t t = 0; t < p->sums.n_tiles; t++)
		for (uint32_t k = 0; k < p->sums.k1 - p->sums.k0; k++)
			for (uint32_t j = 0; j < 16; j++)
				p->colsum[t * 16 + j] +=
					p->sums.w[t * p->sums.tile_stride +
						  k / 4 * 64 + j * 4 + k % 4];
}

static void drop(struct problem *p)
{
	for (uint32_t r = 0; r < p->sums.n_rows; r++)
		free_row(&p->row[r]);
	free(p->w);
}

typedef int64_t (*accs)[TILES * 16];

static accs new_accs(uint32_t n_rows, int64_t first)
{
	accs a = xmalloc(n_rows * sizeof(*a));

	for (uint32_t r = 0; r < n_rows; r++)
		for (uint32_t j = 0; j < TILES * 16; j++)
			a[r][j] = first + j;
	return a;
}

static bool equal(struct problem *p, const struct chip_kernel *k, accs want)
{
	accs got = new_accs(p->sums.n_rows, 5);
	bool same = true;

	p->sums.acc = got;
	k->sums(&p->sums);
	for (uint32_t r = 0; r < p->sums.n_rows; r++) {
		for (uint32_t j = 0; j < TILES * 16; j++) {
			int64_t s = got[r][j];

			if (j < p->sums.n_tiles * 16)
				s -= (int64_t)k->offset * p->colsum[j];
			same &= s == want[r][j];
		}
	}
	free(got);
	return same;
}

/* The sums straight from the definition, without domains or layouts of code. */
static void define(struct problem *p, accs want)
{
	for (uint32_t r = 0; r < p->sums.n_rows; r++)
		for (uint32_t j = 0; j < p->sums.n_tiles * 16; j++)
			for (uint32_t k = p->sums.k0; k < p->sums.k1; k++)
				want[r][j] += (int64_t)p->row[r].a[k] *
					p->w[j / 16 * p->sums.tile_stride +
					     k / 4 * 64 + j % 16 * 4 + k % 4];
}

static void compare(struct problem *p)
{
	accs want = new_accs(p->sums.n_rows, 5);

	column_sums(p);
	define(p, want);
	for (unsigned int i = 0; chip_kernel_at(i); i++) {
		const struct chip_kernel *k = chip_kernel_at(i);

		if (k->supported())
			ck_assert_msg(equal(p, k, want),
				      "sums of %s: %u rows, %u tiles, inputs %u..%u",
				      k->name, p->sums.n_rows, p->sums.n_tiles,
				      p->sums.k0, p->sums.k1);
	}
	free(want);
}

START_TEST(shapes)
{
	static const uint32_t lengths[] = { 1, 3, 4, 12, 30, 64, 97, 515, 768, 1028 };

	for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
		for (uint32_t rows = 1; rows <= ROWS; rows++) {
			for (uint32_t tiles = 1; tiles <= TILES; tiles++) {
				struct problem p;

				make(&p, lengths[l], rows, tiles,
				     rnd() % N_ACTIVATIONS, rnd() % 4);
				compare(&p);
				drop(&p);
			}
		}
	}
}
END_TEST

/* Spans of the inputs, as the executor cuts long rows. */
START_TEST(spans)
{
	for (int round = 0; round < 200; round++) {
		uint32_t n = 8 + rnd() % 3000, k0, k1;
		struct problem p;

		make(&p, n, 1 + rnd() % ROWS, 1 + rnd() % TILES,
		     rnd() % N_ACTIVATIONS, rnd() % 4);
		k0 = rnd() % (n / 4) * 4;
		k1 = k0 + rnd() % ((p.sums.k1 - k0) / 4 + 1) * 4;
		narrow(&p, k0, k1);
		compare(&p);
		drop(&p);
	}
}
END_TEST

/* The longest span, everything at its limit: nothing may overflow or saturate. */
START_TEST(extremes)
{
	for (unsigned int style = 0; style < N_ACTIVATIONS; style++) {
		for (unsigned int w = 1; w <= 2; w++) {
			struct problem p;

			make(&p, CHIP_K_SPAN, 2, 2, style, w);
			/* the rate code's 128 timesteps of so many take a while */
			p.dispatch = any_dispatch(style % 2 ? 4 : 3);
			for (uint32_t k = 0; style >= 3 && k < CHIP_K_SPAN; k++) {
				int a = abs(p.row[0].a[k]);

				/* all of one sign: the largest sum there is */
				p.row[0].a[k] = (int16_t)a;
				if (a <= 127)
					p.row[0].u8[k] = (uint8_t)(128 + a);
			}
			for (uint32_t o = 0; style >= 3 && o < p.row[0].n_outliers; o++)
				p.row[0].outliers[o].a = abs(p.row[0].outliers[o].a);
			compare(&p);
			drop(&p);
		}
	}
}
END_TEST

/* Executed operations are what the values say, whatever the mask and code. */
START_TEST(counts)
{
	for (uint32_t round = 0; round < 100; round++) {
		struct problem p;
		struct chip_domain_counts c[ROWS] = { { 0 } };
		uint32_t rows = 1 + rnd() % 3, tiles = 1 + rnd() % TILES;

		make(&p, 1 + rnd() % 300, rows, tiles, rnd() % N_ACTIVATIONS, 0);
		p.dispatch = any_dispatch(round);
		p.sums.counts = c;
		p.sums.acc = new_accs(rows, 0);
		ref->sums(&p.sums);
		for (uint32_t r = 0; r < rows; r++) {
			struct chip_domain_counts want = { 0 };
			uint64_t units[CHIP_UNIT_WORDS];

			chip_train_units(&p.dispatch, p.row[r].a, p.row[r].n, units);
			for (uint32_t k = 0; k < p.row[r].n; k++) {
				uint32_t m = (uint32_t)abs(p.row[r].a[k]);

				if (m > 127)
					want.outlier_ops++;
				else if (!m)
					continue;
				else if (chip_train_domain(&p.dispatch, (int32_t)m, k,
							   units) == CHIP_DENSE)
					want.dense_ops++;
				else
					want.spike_ops += chip_train_spikes(&p.dispatch, m);
			}
			ck_assert_uint_eq(c[r].dense_ops, want.dense_ops * 16 * tiles);
			ck_assert_uint_eq(c[r].spike_ops, want.spike_ops * 16 * tiles);
			ck_assert_uint_eq(c[r].outlier_ops,
					  want.outlier_ops * 16 * tiles);
		}
		free(p.sums.acc);
		drop(&p);
	}
}
END_TEST

/* ---- Sums and epilogue at once ----------------------------------------- */

struct outputs {
	float scale[TILES * 16], bias[TILES * 16];
	float *out[ROWS];
	uint32_t n;
	struct chip_tiles tiles;
};

static void make_outputs(struct outputs *o, struct problem *p, uint32_t n)
{
	for (uint32_t j = 0; j < TILES * 16; j++) {
		o->scale[j] = value(0) * 0.01f;
		o->bias[j] = value(2);
	}
	for (uint32_t r = 0; r < p->sums.n_rows; r++) {
		p->row[r].theta = 0.01f + (float)(rnd() % 100) * 0.01f;
		/* not an element more, so that a sanitizer sees writes beyond */
		o->out[r] = floats(n, 0);
	}
	o->n = n;
	o->tiles = (struct chip_tiles){
		.rows = p->rows, .n_rows = p->sums.n_rows, .n_in = p->sums.k1,
		.n = n, .w = p->w, .tile_stride = p->sums.tile_stride,
		.colsum = p->colsum, .scale = o->scale,
		.bias = rnd() % 4 ? o->bias : NULL, .act = (uint8_t)(rnd() % 5),
		.put = (enum chip_put)(rnd() % 3), .out = o->out, .ahead = (const char *)p->w,
		.ahead_step = rnd() % 65,
	};
}

/* The reference's sums, then its epilogue. */
static void apart(const struct outputs *o, const struct problem *p, float **out)
{
	accs acc = new_accs(p->sums.n_rows, 0);
	struct chip_sums s = p->sums;

	memset(acc, 0, p->sums.n_rows * sizeof(*acc));
	s.acc = acc;
	ref->sums(&s);
	for (uint32_t r = 0; r < p->sums.n_rows; r++) {
		for (uint32_t j = 0; j < o->n; j += 16) {
			struct chip_epilogue e = {
				.s = acc[r] + j, .colsum = p->colsum + j,
				.scale = o->scale + j,
				.bias = o->tiles.bias ? o->bias + j : NULL,
				.theta = p->row[r].theta, .act = o->tiles.act,
				.put = o->tiles.put,
				.n = o->n - j < 16 ? o->n - j : 16,
				.out = out[r] + j,
			};

			ref->epilogue(&e);
		}
	}
	free(acc);
}

static void compare_linear(struct problem *p, uint32_t n)
{
	float *want[ROWS];
	struct outputs o;

	column_sums(p);
	make_outputs(&o, p, n);
	for (uint32_t r = 0; r < p->sums.n_rows; r++) {
		ck_assert(chip_fits32(&p->row[r]));
		want[r] = copy_of(o.out[r], n);
	}
	apart(&o, p, want);
	for (unsigned int i = 0; chip_kernel_at(i); i++) {
		const struct chip_kernel *k = chip_kernel_at(i);
		float *got[ROWS];

		if (!k->linear || !k->supported())
			continue;
		for (uint32_t r = 0; r < p->sums.n_rows; r++)
			got[r] = copy_of(o.out[r], n);
		o.tiles.out = got;
		k->linear(&o.tiles);
		for (uint32_t r = 0; r < p->sums.n_rows; r++) {
			same_f("linear", k, want[r], got[r], n);
			free(got[r]);
		}
	}
	for (uint32_t r = 0; r < p->sums.n_rows; r++) {
		free(want[r]);
		free(o.out[r]);
	}
}

START_TEST(linear)
{
	/* around the spans that kernels cut inputs into, too */
	static const uint32_t lengths[] = { 1, 3, 4, 30, 97, 512, 515, 768, 1020, 1024,
					    1028, 2050 };

	for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
		for (uint32_t rows = 1; rows <= ROWS; rows++) {
			for (uint32_t tiles = 1; tiles <= TILES; tiles++) {
				/* outliers as they come, as many as may be */
				unsigned int style = 1 + rnd() % 6;
				struct problem p;

				if (style == 3)
					style = lengths[l] <= 97 ? 0 : 6;
				make(&p, lengths[l], rows, tiles, style, rnd() % 4);
				compare_linear(&p, 16 * tiles - rnd() % 16);
				drop(&p);
			}
		}
	}
}
END_TEST

/* The largest sums that 32 bits are asked to hold, of either sign. */
START_TEST(linear_limits)
{
	for (unsigned int w = 1; w <= 2; w++) {
		for (int negative = 0; negative < 2; negative++) {
			for (uint32_t n = 512; n <= 131072; n *= 256) {
				int32_t a = n > 512 ? 127 : 32767;
				struct problem p;

				make(&p, n, 1, 1, 5, w);
				/* 509 outliers fit, 512 do not */
				for (uint32_t k = 0; k < (n > 512 ? n : 509); k++) {
					int32_t v = negative ? -a : a;

					p.row[0].a[k] = (int16_t)v;
					if (a == 127)
						p.row[0].u8[k] = (uint8_t)(128 + v);
					else
						p.row[0].outliers[p.row[0].n_outliers++] =
							(struct chip_outlier){ k, v };
				}
				compare_linear(&p, 16);
				p.row[0].n_outliers += 8;
				ck_assert(!chip_fits32(&p.row[0]));
				drop(&p);
			}
		}
	}
}
END_TEST

/* ---- A broken domain -------------------------------------------------- */

static uint64_t broken(uint64_t (*domain)(const struct chip_ref_work *, int64_t *),
		       const struct chip_ref_work *work, int64_t s[16])
{
	uint64_t ops = domain(work, s);

	if (ops)
		s[3] ^= 1;
	return ops;
}

static uint64_t broken_dense(const struct chip_ref_work *work, int64_t s[16])
{
	return broken(chip_ref_domains.dense, work, s);
}

static uint64_t broken_spiking(const struct chip_ref_work *work, int64_t s[16])
{
	return broken(chip_ref_domains.spiking, work, s);
}

static uint64_t broken_outlier(const struct chip_ref_work *work, int64_t s[16])
{
	return broken(chip_ref_domains.outlier, work, s);
}

static struct chip_ref_domains domains;

static void broken_sums(const struct chip_sums *s)
{
	chip_ref_sums(&domains, s);
}

START_TEST(broken_domain)
{
	struct chip_kernel k = *ref;
	struct problem p;
	accs want = new_accs(2, 5);

	k.sums = broken_sums;
	make(&p, 200, 2, 3, 0, 0);
	for (uint32_t i = 0; i < 2; i++) {
		/* some of each: bytes beside the outliers */
		free_row(&p.row[i]);
		fill_row(&p.row[i], 200, 6);
		p.row[i].a[0] = 5;
		p.row[i].a[1] = 6;
		p.row[i].a[2] = 500;
	}
	p.dispatch = (struct chip_dispatch){ .spike_mask = { 1u << 5 } };
	column_sums(&p);
	define(&p, want);

	domains = chip_ref_domains;
	ck_assert(equal(&p, &k, want));
	domains.dense = broken_dense;
	ck_assert(!equal(&p, &k, want));
	domains = chip_ref_domains;
	domains.spiking = broken_spiking;
	ck_assert(!equal(&p, &k, want));
	domains = chip_ref_domains;
	domains.outlier = broken_outlier;
	ck_assert(!equal(&p, &k, want));
	free(want);
	drop(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel sums");
	TCase *t = tcase_create("equal");
	SRunner *r;
	int failed;

	ref = chip_kernel_at(0);
	tcase_add_test(t, shapes);
	tcase_add_test(t, spans);
	tcase_add_test(t, extremes);
	tcase_add_test(t, counts);
	tcase_add_test(t, linear);
	tcase_add_test(t, linear_limits);
	tcase_add_test(t, broken_domain);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
