/* SPDX-License-Identifier: MIT */
/*
 * Sums that fit 32 bits, and what becomes of them, in one go: so most linears
 * run. Sums stay in the first level cache between the multipliers and the
 * epilogue, where sixteen become floats in one conversion: it rounds the exact
 * integer once, as the definition wants. That the way to it is modulo 2^32
 * does no harm where the sum itself fits.
 */

typedef uint32_t vbu __attribute__((vector_size(4 * VL)));

/* The sums of a tile without the offset's part, as floats. */
INLINE struct v16 exact16(const int32_t *acc, const int32_t *colsum)
{
	struct v16 f;

	UNROLL
	for (int i = 0; i < NV; i++) {
		vbu s, c;

		memcpy(&s, acc + i * VL, sizeof(s));
		memcpy(&c, colsum + i * VL, sizeof(c));
		s -= (uint32_t)SUMS_OFFSET * c;
		f.v[i] = __builtin_convertvector((vb)s, vf);
	}
	return f;
}

static void finish_row(const struct chip_tiles *t, uint32_t r, const int32_t *acc)
{
	struct v16 theta = v16_set(t->rows[r]->theta);

	for (uint32_t j = 0; j < t->n; j += CTRANS_TILE_OUT) {
		struct v16 scale = v16_mul(theta, v16_load(t->scale + j));
		struct v16 bias = t->bias ? v16_load(t->bias + j) : v16_zero();
		uint32_t left = t->n - j;

		put16(v16_fma(exact16(acc + j, t->colsum + j), scale, bias), t->act,
		      t->put, left < 16 ? left : 16, t->out[r] + j);
	}
}

static void vec_linear(const struct chip_tiles *t)
{
	int32_t acc[CHIP_ROWS_AT_ONCE][BLOCK_OUT] __attribute__((aligned(64)));
	uint32_t n_tiles = (t->n + CTRANS_TILE_OUT - 1) / CTRANS_TILE_OUT;
	dot_scratch bytes;
	struct dots d = {
		.stride = t->tile_stride, .ahead = t->ahead,
		.ahead_step = t->ahead_step, .acc = acc,
	};

	for (uint32_t k = 0; k < t->n_in; k += d.n) {
		d.n = t->n_in - k > DOT_SPAN ? DOT_SPAN : t->n_in - k;
		d.w = t->w + (size_t)k * CTRANS_TILE_OUT;
		d.more = k > 0;
		dot_rows(&d, t->rows, t->n_rows, k, bytes);
		dot_all(&d, t->n_rows, n_tiles);
		d.ahead += n_tiles * (d.n / GRANULE_INPUTS) * d.ahead_step;
	}
	for (uint32_t r = 0; r < t->n_rows; r++) {
#if OUTLIERS_APART
		const struct chip_qrow *row = t->rows[r];

		for (uint32_t j = 0; row->n_outliers && j < n_tiles; j++) {
			vu sum[VI_TILE];

			memcpy(sum, acc[r] + j * CTRANS_TILE_OUT, sizeof(sum));
			outlier_dots(row->outliers, row->n_outliers,
				     t->w + j * t->tile_stride, 0, sum);
			memcpy(acc[r] + j * CTRANS_TILE_OUT, sum, sizeof(sum));
		}
#endif
		finish_row(t, r, acc[r]);
	}
}
