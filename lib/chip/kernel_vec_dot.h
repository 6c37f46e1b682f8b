/* SPDX-License-Identifier: MIT */
/*
 * Dot products of 8-bit weights: a block of rows and tiles at a time with every
 * accumulator in a register. What differs between CPUs:
 *
 *  VNNI    four products and their sum in one instruction, an unsigned byte by
 *          a signed one: activations are offset by 128, the column sum takes
 *          that off in the end.
 *  AVX2    byte multiplies (pmaddubsw) add pairs in 16 bits and saturate. They
 *          are exact with the sign moved: |w| is at most 128, an activation with
 *          w's sign at most 127 either way, and 2 * 128 * 127 < 2^15.
 *  SSE2    bytes widened to 16 bits, pairs multiplied and added (pmaddwd). It
 *          takes the 16-bit activations as they are, outliers included.
 *  NEON    sdot, or byte multiplies added in pairs: signed bytes.
 *
 * Where activations are bytes, outliers are out of reach and added apart.
 *
 * Sums are modulo 2^32. Blocks are the widest that the registers hold; which
 * shape it is matters little beyond that: on a Zen 5 4 rows by 4 tiles, 8 by 2
 * and 6 by 4 all run at the rate of the multipliers.
 */

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define SUMS_OFFSET 128
#define OUTLIERS_APART 1
#define DOT_SPAN CHIP_K_SPAN
#if defined(__AVX512VNNI__)
#define DOT_ROWS 8
#define DOT_TILES(rows) ((rows) <= 6 ? 4 : 2)
#define VI_BYTES 64
#else
#define DOT_ROWS 4
#define DOT_TILES(rows) ((rows) == 1 ? 4 : (rows) <= 3 ? 2 : 1)
#define VI_BYTES 32
#endif
#elif defined(__AVX2__)
#define SUMS_OFFSET 0
#define OUTLIERS_APART 1
#define DOT_SPAN 1024u		/* signed bytes of eight rows stay in the cache */
#define DOT_ROWS 4
#define DOT_TILES(rows) ((rows) == 1 ? 4 : (rows) == 2 ? 2 : 1)
#define VI_BYTES 32
#elif defined(__x86_64__)
#define SUMS_OFFSET 0
#define OUTLIERS_APART 0
/* A pair of products is below 2^23, so the sums of 512 inputs fit 31 bits. */
#define DOT_SPAN 512u
#define DOT_ROWS 2
#define DOT_TILES(rows) ((rows) == 1 ? 2 : 1)
#define VI_BYTES 16
#elif defined(__aarch64__)
#define SUMS_OFFSET 0
#define OUTLIERS_APART 1
#define DOT_SPAN CHIP_K_SPAN
#define DOT_ROWS 4
#define DOT_TILES(rows) ((rows) == 1 ? 4 : (rows) == 2 ? 2 : 1)
#define VI_BYTES 16
#else
#error "no integer sums for this CPU"
#endif

/*
 * One row takes so little time where four products are one instruction that loads
 * run far enough ahead by themselves, and faster without being asked.
 */
#define DOT_FETCH(rows) ((rows) > 1 || !SUMS_OFFSET)

typedef int32_t vi __attribute__((vector_size(VI_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VI_BYTES)));

#define VI_LANES (VI_BYTES / 4)
#define VI_TILE (CTRANS_TILE_OUT / VI_LANES)	/* vectors of a tile's outputs */
#define GRANULE_INPUTS 4
#define BLOCK_OUT (CHIP_TILES_AT_ONCE * CTRANS_TILE_OUT)

#if OUTLIERS_APART
typedef uint8_t dot_act;
#else
typedef int16_t dot_act;
#endif

/* n inputs of some rows and tiles, n at most DOT_SPAN */
struct dots {
	const dot_act *a[CHIP_ROWS_AT_ONCE];
	const int8_t *w;
	size_t stride;
	uint32_t n;
	bool more;		/* add to acc; else set it */
	const char *ahead;	/* see struct chip_tiles */
	size_t ahead_step;
	int32_t (*acc)[BLOCK_OUT];
};

/* What every row needs of one vector of weights. */
struct dot_weights {
#if defined(__x86_64__) && SUMS_OFFSET == 0
	vi part[2];
#else
	vi part[1];
#endif
};

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)

INLINE struct dot_weights dot_weights(const int8_t *p)
{
	vi w;

	memcpy(&w, p, sizeof(w));
	return (struct dot_weights){ { w } };
}

INLINE vu dot4(vu acc, const uint8_t *a, struct dot_weights w)
{
	int32_t four;

	memcpy(&four, a, sizeof(four));
#if defined(__AVX512VNNI__)
	return (vu)_mm512_dpbusd_epi32((__m512i)acc, _mm512_set1_epi32(four),
				       (__m512i)w.part[0]);
#else
	return (vu)_mm256_dpbusd_avx_epi32((__m256i)acc, _mm256_set1_epi32(four),
					   (__m256i)w.part[0]);
#endif
}

#elif defined(__AVX2__)

INLINE struct dot_weights dot_weights(const int8_t *p)
{
	vi w;

	memcpy(&w, p, sizeof(w));
	return (struct dot_weights){ { w, (vi)_mm256_abs_epi8((__m256i)w) } };
}

INLINE vu dot4(vu acc, const uint8_t *a, struct dot_weights w)
{
	int32_t four;
	__m256i pairs;

	memcpy(&four, a, sizeof(four));
	pairs = _mm256_maddubs_epi16((__m256i)w.part[1],
		_mm256_sign_epi8(_mm256_set1_epi32(four), (__m256i)w.part[0]));
	return acc + (vu)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

#elif defined(__x86_64__)

/* Weights 0, 2 of four in each 32 bits of one part; 1, 3 of the other. */
INLINE struct dot_weights dot_weights(const int8_t *p)
{
	typedef int16_t vs __attribute__((vector_size(VI_BYTES)));
	vs x;

	memcpy(&x, p, sizeof(x));
	return (struct dot_weights){ { (vi)((x << 8) >> 8), (vi)(x >> 8) } };
}

INLINE vu dot4(vu acc, const int16_t *a, struct dot_weights w)
{
	__m128i x = _mm_loadl_epi64((const __m128i *)a);

	x = _mm_shufflelo_epi16(x, _MM_SHUFFLE(3, 1, 2, 0));
	return acc + (vu)_mm_madd_epi16((__m128i)w.part[0],
					_mm_shuffle_epi32(x, 0x00)) +
	       (vu)_mm_madd_epi16((__m128i)w.part[1], _mm_shuffle_epi32(x, 0x55));
}

#elif defined(__aarch64__)

INLINE struct dot_weights dot_weights(const int8_t *p)
{
	return (struct dot_weights){ { (vi)vld1q_s8(p) } };
}

/* u8 holds 128 + a */
INLINE vu dot4(vu acc, const uint8_t *u8, struct dot_weights weights)
{
	int8x16_t a, w = (int8x16_t)weights.part[0];
	uint32_t four;

	memcpy(&four, u8, sizeof(four));
	a = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
#if defined(__ARM_FEATURE_DOTPROD)
	return (vu)vdotq_s32((int32x4_t)acc, w, a);
#else
	/* a product of bytes fits 16 bits; pairs are widened and added */
	int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(a));
	int16x8_t high = vmull_high_s8(w, a);

	return acc + (vu)vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
#endif
}

#endif

/* Rows r.. and tiles t.., counts known at compile time. */
INLINE void dot_block(const struct dots *d, uint32_t r, int n_rows, uint32_t t,
		      int n_tiles)
{
	const int8_t *w = d->w + t * d->stride;
	const char *ahead = d->ahead + t * (d->n / GRANULE_INPUTS) * d->ahead_step;
	const dot_act *a[DOT_ROWS];
	vu acc[DOT_ROWS][CHIP_TILES_AT_ONCE][VI_TILE] = { 0 };

	UNROLL
	for (int i = 0; i < n_rows; i++)
		a[i] = d->a[r + (uint32_t)i];
	for (uint32_t k = 0; k < d->n; k += GRANULE_INPUTS, w += 64) {
		UNROLL
		for (int j = 0; j < n_tiles; j++) {
			const int8_t *granule = w + (size_t)j * d->stride;

			if (DOT_FETCH(n_rows)) {
				__builtin_prefetch(ahead, 0, 2);
				ahead += d->ahead_step;
			}
			UNROLL
			for (int v = 0; v < VI_TILE; v++) {
				struct dot_weights x =
					dot_weights(granule + v * VI_BYTES);

				UNROLL
				for (int i = 0; i < n_rows; i++)
					acc[i][j][v] = dot4(acc[i][j][v],
							    a[i] + k, x);
			}
		}
	}
	UNROLL
	for (int i = 0; i < n_rows; i++) {
		int32_t *out = d->acc[r + (uint32_t)i] + t * CTRANS_TILE_OUT;

		UNROLL
		for (int j = 0; j < n_tiles * VI_TILE; j++) {
			vu sum = acc[i][j / VI_TILE][j % VI_TILE], before;

			if (d->more) {
				memcpy(&before, out + j * VI_LANES, sizeof(before));
				sum += before;
			}
			memcpy(out + j * VI_LANES, &sum, sizeof(sum));
		}
	}
}

/* All tiles for n_rows rows, as many at once as registers hold. */
INLINE void dot_tiles(const struct dots *d, uint32_t r, int n_rows,
		      uint32_t n_tiles)
{
	uint32_t t = 0;

	if (DOT_TILES(n_rows) >= 4)
		for (; t + 4 <= n_tiles; t += 4)
			dot_block(d, r, n_rows, t, 4);
	if (DOT_TILES(n_rows) >= 2)
		for (; t + 2 <= n_tiles; t += 2)
			dot_block(d, r, n_rows, t, 2);
	for (; t < n_tiles; t++)
		dot_block(d, r, n_rows, t, 1);
}

static void dot_all(const struct dots *d, uint32_t n_rows, uint32_t n_tiles)
{
	for (uint32_t r = 0; r < n_rows;) {
		switch (n_rows - r) {
		case 1:
			dot_tiles(d, r, 1, n_tiles);
			return;
#if DOT_ROWS > 2
		case 2:
			dot_tiles(d, r, 2, n_tiles);
			return;
		case 3:
			dot_tiles(d, r, 3, n_tiles);
			return;
#endif
#if DOT_ROWS > 4
		case 4:
			dot_tiles(d, r, 4, n_tiles);
			return;
		case 5:
			dot_tiles(d, r, 5, n_tiles);
			return;
		case 6:
			dot_tiles(d, r, 6, n_tiles);
			return;
		case 7:
			dot_tiles(d, r, 7, n_tiles);
			return;
#endif
		default:
			dot_tiles(d, r, DOT_ROWS, n_tiles);
			r += DOT_ROWS;
			break;
		}
	}
}

/*
 * Inputs k0..k0 + d->n of the rows as dot_block() takes them: in place, but AVX2
 * wants signed bytes, which it puts into @bytes.
 */
#if defined(__AVX2__) && SUMS_OFFSET == 0
typedef uint8_t dot_scratch[CHIP_ROWS_AT_ONCE][DOT_SPAN];

INLINE void dot_rows(struct dots *d, const struct chip_qrow *const *rows,
		     uint32_t n_rows, uint32_t k0, dot_scratch bytes)
{
	for (uint32_t r = 0; r < n_rows; r++) {
		const uint8_t *from = rows[r]->u8 + k0;
		uint32_t k = 0, n = d->n;

		for (; k + sizeof(vi) <= n; k += sizeof(vi)) {
			vu x;

			memcpy(&x, from + k, sizeof(x));
			x ^= 0x80808080u;
			memcpy(bytes[r] + k, &x, sizeof(x));
		}
		for (; k < n; k++)
			bytes[r][k] = from[k] ^ 0x80;
		d->a[r] = bytes[r];
	}
}
#else
typedef uint8_t dot_scratch[1][1];

INLINE void dot_rows(struct dots *d, const struct chip_qrow *const *rows,
		     uint32_t n_rows, uint32_t k0, dot_scratch bytes)
{
	(void)bytes;
	for (uint32_t r = 0; r < n_rows; r++)
#if OUTLIERS_APART
		d->a[r] = rows[r]->u8 + k0;
#else
		d->a[r] = rows[r]->a + k0;
#endif
}
#endif

#if OUTLIERS_APART
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

/* Products of @n outliers with the tile at input k0, modulo 2^32. */
INLINE void outlier_dots(const struct chip_outlier *o, uint32_t n,
			 const int8_t *tile, uint32_t k0, vu sum[VI_TILE])
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = o[i].k - k0, a = (uint32_t)o[i].a;
		int shift = 24 - (int)(k % 4 * 8);

		UNROLL
		for (int v = 0; v < VI_TILE; v++) {
			vu w;

			memcpy(&w, tile + (size_t)(k / 4) * 64 + v * VI_BYTES,
			       sizeof(w));
			/* the k-th byte of four, sign extended */
			sum[v] += (vu)((vi)(w << shift) >> 24) * a;
		}
	}
}
#endif
