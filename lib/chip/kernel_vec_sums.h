/* SPDX-License-Identifier: MIT */
/*
 * Sums of any size: those of so few inputs that they fit 32 bits, added up in 64.
 */

INLINE void add64(int64_t *restrict acc, const int32_t *restrict v, uint32_t n)
{
	for (uint32_t j = 0; j < n; j++)
		acc[j] += v[j];
}

#if OUTLIERS_APART
/* A product is below 2^22: so many fit 31 bits. */
#define OUTLIERS_AT_ONCE 511u

static void outlier_sums(const struct chip_sums *s, uint32_t r)
{
	const struct chip_qrow *row = s->rows[r];
	uint32_t i = first_outlier(row, s->k0), end = first_outlier(row, s->k1);

	while (i < end) {
		uint32_t n = end - i > OUTLIERS_AT_ONCE ? OUTLIERS_AT_ONCE : end - i;

		for (uint32_t t = 0; t < s->n_tiles; t++) {
			vu sum[VI_TILE] = { { 0 } };
			int32_t v[CTRANS_TILE_OUT];

			outlier_dots(row->outliers + i, n, s->w + t * s->tile_stride,
				     s->k0, sum);
			memcpy(v, sum, sizeof(v));
			add64(s->acc[r] + t * CTRANS_TILE_OUT, v, CTRANS_TILE_OUT);
		}
		i += n;
	}
}
#endif

static void vec_sums(const struct chip_sums *s)
{
	int32_t acc[CHIP_ROWS_AT_ONCE][BLOCK_OUT] __attribute__((aligned(64)));
	dot_scratch bytes;
	struct dots d = {
		.stride = s->tile_stride, .ahead = (const char *)s->w, .acc = acc,
	};

	for (uint32_t k = s->k0; k < s->k1; k += d.n) {
		d.n = s->k1 - k > DOT_SPAN ? DOT_SPAN : s->k1 - k;
		d.w = s->w + (size_t)(k - s->k0) * CTRANS_TILE_OUT;
		dot_rows(&d, s->rows, s->n_rows, k, bytes);
		dot_all(&d, s->n_rows, s->n_tiles);
		for (uint32_t r = 0; r < s->n_rows; r++)
			add64(s->acc[r], acc[r], s->n_tiles * CTRANS_TILE_OUT);
	}
#if OUTLIERS_APART
	for (uint32_t r = 0; r < s->n_rows; r++)
		outlier_sums(s, r);
#endif
}
