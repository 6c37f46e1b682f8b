/* SPDX-License-Identifier: MIT */
/*
 * Exact integer sums of 8-bit weights, a block of rows and tiles at a time with
 * every accumulator in a register. What differs between CPUs:
 *
 *  VNNI    four products and their sum in one instruction, an unsigned byte by
 *          a signed one: activations are offset by 128, the column sum takes
 *          that off in the end. Outliers, out of a byte's reach, are added apart.
 *  x86     bytes widened to 16 bits, pairs multiplied and added (pmaddwd). It
 *          takes the 16-bit activations as they are, outliers included, as long
 *          as the accumulators are emptied in time. The saturating byte multiply
 *          (pmaddubsw) is not exact and not used.
 *  NEON    sdot, or byte multiplies added in pairs: activations are signed
 *          bytes, outliers are added apart.
 */

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define SUMS_OFFSET 128
#define OUTLIERS_APART 1
#if defined(__AVX512VNNI__)
#define SUMS_ROWS 8
#define SUMS_TILES(rows) ((rows) <= 6 ? 4 : 2)
#define VI_BYTES 64
#else
#define SUMS_ROWS 4
#define SUMS_TILES(rows) ((rows) == 1 ? 4 : (rows) <= 3 ? 2 : 1)
#define VI_BYTES 32
#endif
#elif defined(__x86_64__)
#define SUMS_OFFSET 0
#define OUTLIERS_APART 0
#define SUMS_ROWS 2
#if defined(__AVX2__)
#define SUMS_TILES(rows) ((rows) == 1 ? 4 : 2)
#define VI_BYTES 32
#else
#define SUMS_TILES(rows) ((rows) == 1 ? 2 : 1)
#define VI_BYTES 16
#endif
#elif defined(__aarch64__)
#define SUMS_OFFSET 0
#define OUTLIERS_APART 1
#define SUMS_ROWS 4
#define SUMS_TILES(rows) ((rows) == 1 ? 4 : (rows) == 2 ? 2 : 1)
#define VI_BYTES 16
#else
#error "no integer sums for this CPU"
#endif

typedef int32_t vi __attribute__((vector_size(VI_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VI_BYTES)));

#define VI_LANES (VI_BYTES / 4)
#define VI_TILE (CTRANS_TILE_OUT / VI_LANES)	/* vectors of a tile's outputs */
#define GRANULE_INPUTS 4

/*
 * Where to fetch ahead while a block of tiles goes by: the same place in the
 * next ones, so that each granule is asked for once and in time however often
 * its own block is gone over. Tiles too long to keep in a second level cache
 * are fetched ahead along themselves.
 */
INLINE size_t fetch_ahead(const struct chip_sums *s, int n_tiles)
{
	size_t block = (size_t)n_tiles * s->tile_stride;

	return block <= 256 * 1024 ? block : 4096;
}

INLINE void add64(int64_t *acc, vi v)
{
	UNROLL
	for (int j = 0; j < VI_LANES; j++)
		acc[j] += v[j];
}

#if OUTLIERS_APART
/* A product is below 2^22: so many fit 31 bits. */
#define OUTLIERS_AT_ONCE 512u

INLINE uint32_t first_outlier(const struct chip_qrow *row, uint32_t k)
{
	uint32_t low = 0, high = row->n_outliers;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (row->outliers[mid].k < k)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void outlier_sums(const struct chip_sums *s, uint32_t r)
{
	const struct chip_qrow *row = s->rows[r];
	uint32_t i = first_outlier(row, s->k0), end = first_outlier(row, s->k1);

	while (i < end) {
		uint32_t stop = end - i > OUTLIERS_AT_ONCE ?
			i + OUTLIERS_AT_ONCE : end;

		for (uint32_t t = 0; t < s->n_tiles; t++) {
			const int8_t *tile = s->w + t * s->tile_stride;
			vi sum[VI_TILE] = { { 0 } };

			for (uint32_t o = i; o < stop; o++) {
				uint32_t k = row->outliers[o].k - s->k0;
				int32_t a = row->outliers[o].a;
				int shift = 24 - (int)(k % 4 * 8);

				UNROLL
				for (int v = 0; v < VI_TILE; v++) {
					vu w;

					memcpy(&w, tile + (size_t)(k / 4) * 64 +
					       v * VI_BYTES, sizeof(w));
					/* the k-th byte of four, sign extended */
					sum[v] += ((vi)(w << shift) >> 24) * a;
				}
			}
			UNROLL
			for (int v = 0; v < VI_TILE; v++)
				add64(&s->acc[r][t * CTRANS_TILE_OUT +
						 (unsigned int)v * VI_LANES], sum[v]);
		}
		i = stop;
	}
}
#endif

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)

INLINE vi dot4(vi acc, vi a, vi w)
{
#if defined(__AVX512VNNI__)
	return (vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)w);
#else
	return (vi)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)a, (__m256i)w);
#endif
}

/* Rows r.. and tiles t.., counts known at compile time. */
INLINE void sums_block(const struct chip_sums *s, uint32_t r, int n_rows,
		       uint32_t t, int n_tiles)
{
	const int8_t *w = s->w + t * s->tile_stride;
	const uint8_t *a[SUMS_ROWS];
	size_t ahead = fetch_ahead(s, n_tiles);
	uint32_t n = s->k1 - s->k0;
	vi acc[SUMS_ROWS][CHIP_TILES_AT_ONCE][VI_TILE] = { 0 };

	UNROLL
	for (int i = 0; i < n_rows; i++)
		a[i] = s->rows[r + (uint32_t)i]->u8 + s->k0;
	for (uint32_t k = 0; k < n; k += GRANULE_INPUTS, w += 64) {
		vi wv[CHIP_TILES_AT_ONCE][VI_TILE];

		UNROLL
		for (int j = 0; j < n_tiles; j++) {
			const int8_t *granule = w + (size_t)j * s->tile_stride;

			if (n_rows > 1)
				__builtin_prefetch(granule + ahead, 0, 2);
			UNROLL
			for (int v = 0; v < VI_TILE; v++)
				memcpy(&wv[j][v], granule + v * VI_BYTES,
				       VI_BYTES);
		}
		UNROLL
		for (int i = 0; i < n_rows; i++) {
			int32_t four;
			vi av;

			memcpy(&four, a[i] + k, sizeof(four));
			av = (vi){ 0 } + four;
			UNROLL
			for (int j = 0; j < n_tiles; j++) {
				UNROLL
				for (int v = 0; v < VI_TILE; v++)
					acc[i][j][v] = dot4(acc[i][j][v], av,
							    wv[j][v]);
			}
		}
	}
	UNROLL
	for (int i = 0; i < n_rows; i++) {
		UNROLL
		for (int j = 0; j < n_tiles; j++) {
			UNROLL
			for (int v = 0; v < VI_TILE; v++)
				add64(&s->acc[r + (uint32_t)i]
					     [(t + (uint32_t)j) * CTRANS_TILE_OUT +
					      (uint32_t)v * VI_LANES],
				      acc[i][j][v]);
		}
	}
}

#elif defined(__x86_64__)

typedef int16_t vs __attribute__((vector_size(VI_BYTES)));

/* A pair of products is below 2^23, so the sums of 512 inputs fit 31 bits. */
#define MADD_INPUTS 512u

INLINE vi madd(vs a, vs b)
{
#if defined(__AVX2__)
	return (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
	return (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
}

/* Activations 0, 2 of four in each 32 bits of even; 1, 3 of odd. */
INLINE void spread(const int16_t *a, vs *even, vs *odd)
{
	__m128i x = _mm_loadl_epi64((const __m128i *)a);

	x = _mm_shufflelo_epi16(x, _MM_SHUFFLE(3, 1, 2, 0));
#if defined(__AVX2__)
	*even = (vs)_mm256_broadcastd_epi32(x);
	*odd = (vs)_mm256_broadcastd_epi32(_mm_srli_epi64(x, 32));
#else
	*even = (vs)_mm_shuffle_epi32(x, 0x00);
	*odd = (vs)_mm_shuffle_epi32(x, 0x55);
#endif
}

INLINE void sums_block(const struct chip_sums *s, uint32_t r, int n_rows,
		       uint32_t t, int n_tiles)
{
	const int8_t *w = s->w + t * s->tile_stride;
	size_t ahead = fetch_ahead(s, n_tiles);
	uint32_t n = s->k1 - s->k0;

	for (uint32_t k = 0; k < n;) {
		uint32_t end = n - k > MADD_INPUTS ? k + MADD_INPUTS : n;
		vi acc[SUMS_ROWS][CHIP_TILES_AT_ONCE][VI_TILE] = { 0 };

		for (; k < end; k += GRANULE_INPUTS, w += 64) {
			vs even[SUMS_ROWS], odd[SUMS_ROWS];

			UNROLL
			for (int i = 0; i < n_rows; i++)
				spread(s->rows[r + (uint32_t)i]->a + s->k0 + k,
				       &even[i], &odd[i]);
			UNROLL
			for (int j = 0; j < n_tiles; j++) {
				const int8_t *granule = w +
					(size_t)j * s->tile_stride;

				__builtin_prefetch(granule + ahead, 0, 2);
				UNROLL
				for (int v = 0; v < VI_TILE; v++) {
					vs x, low, high;

					memcpy(&x, granule + v * VI_BYTES,
					       sizeof(x));
					low = (x << 8) >> 8;
					high = x >> 8;
					UNROLL
					for (int i = 0; i < n_rows; i++)
						acc[i][j][v] += madd(low, even[i]) +
							madd(high, odd[i]);
				}
			}
		}
		UNROLL
		for (int i = 0; i < n_rows; i++) {
			UNROLL
			for (int j = 0; j < n_tiles; j++) {
				UNROLL
				for (int v = 0; v < VI_TILE; v++)
					add64(&s->acc[r + (uint32_t)i]
						[(t + (uint32_t)j) * CTRANS_TILE_OUT +
						 (uint32_t)v * VI_LANES],
					      acc[i][j][v]);
			}
		}
	}
}

#elif defined(__aarch64__)

/* Four signed activations in each 32 bits; u8 holds 128 + a. */
INLINE int8x16_t four_of(const uint8_t *u8)
{
	uint32_t four;

	memcpy(&four, u8, sizeof(four));
	return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
}

INLINE vi dot4(vi acc, int8x16_t a, int8x16_t w)
{
#if defined(__ARM_FEATURE_DOTPROD)
	return (vi)vdotq_s32((int32x4_t)acc, w, a);
#else
	/* a product of bytes fits 16 bits; pairs are widened and added */
	int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(a));
	int16x8_t high = vmull_high_s8(w, a);

	return (vi)vaddq_s32((int32x4_t)acc,
			     vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

INLINE void sums_block(const struct chip_sums *s, uint32_t r, int n_rows,
		       uint32_t t, int n_tiles)
{
	const int8_t *w = s->w + t * s->tile_stride;
	const uint8_t *a[SUMS_ROWS];
	size_t ahead = fetch_ahead(s, n_tiles);
	uint32_t n = s->k1 - s->k0;
	vi acc[SUMS_ROWS][CHIP_TILES_AT_ONCE][VI_TILE] = { 0 };

	UNROLL
	for (int i = 0; i < n_rows; i++)
		a[i] = s->rows[r + (uint32_t)i]->u8 + s->k0;
	for (uint32_t k = 0; k < n; k += GRANULE_INPUTS, w += 64) {
		int8x16_t av[SUMS_ROWS];

		UNROLL
		for (int i = 0; i < n_rows; i++)
			av[i] = four_of(a[i] + k);
		UNROLL
		for (int j = 0; j < n_tiles; j++) {
			const int8_t *granule = w + (size_t)j * s->tile_stride;

			__builtin_prefetch(granule + ahead, 0, 2);
			UNROLL
			for (int v = 0; v < VI_TILE; v++) {
				int8x16_t wv = vld1q_s8(granule + v * 16);

				UNROLL
				for (int i = 0; i < n_rows; i++)
					acc[i][j][v] = dot4(acc[i][j][v], av[i], wv);
			}
		}
	}
	UNROLL
	for (int i = 0; i < n_rows; i++) {
		UNROLL
		for (int j = 0; j < n_tiles; j++) {
			UNROLL
			for (int v = 0; v < VI_TILE; v++)
				add64(&s->acc[r + (uint32_t)i]
					     [(t + (uint32_t)j) * CTRANS_TILE_OUT +
					      (uint32_t)v * VI_LANES],
				      acc[i][j][v]);
		}
	}
}

#endif

/* All tiles for n_rows rows, as many at once as registers hold. */
INLINE void sums_rows(const struct chip_sums *s, uint32_t r, int n_rows)
{
	uint32_t t = 0;

	if (SUMS_TILES(n_rows) >= 4)
		for (; t + 4 <= s->n_tiles; t += 4)
			sums_block(s, r, n_rows, t, 4);
	if (SUMS_TILES(n_rows) >= 2)
		for (; t + 2 <= s->n_tiles; t += 2)
			sums_block(s, r, n_rows, t, 2);
	for (; t < s->n_tiles; t++)
		sums_block(s, r, n_rows, t, 1);
}

static void vec_sums(const struct chip_sums *s)
{
	uint32_t r = 0;

	while (r < s->n_rows) {
		switch (s->n_rows - r) {
		case 1:
			sums_rows(s, r, 1);
			r += 1;
			break;
		case 2:
			sums_rows(s, r, 2);
			r += 2;
			break;
#if SUMS_ROWS > 3
		case 3:
			sums_rows(s, r, 3);
			r += 3;
			break;
#endif
#if SUMS_ROWS > 7
		case 4:
			sums_rows(s, r, 4);
			r += 4;
			break;
		case 5:
			sums_rows(s, r, 5);
			r += 5;
			break;
		case 6:
			sums_rows(s, r, 6);
			r += 6;
			break;
		case 7:
			sums_rows(s, r, 7);
			r += 7;
			break;
#endif
		default:
			sums_rows(s, r, SUMS_ROWS);
			r += SUMS_ROWS;
			break;
		}
	}
#if OUTLIERS_APART
	for (r = 0; r < s->n_rows; r++)
		outlier_sums(s, r);
#endif
}
