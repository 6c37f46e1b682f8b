/* SPDX-License-Identifier: MIT */
/*
 * Extended sign compression (uapi/ctrans_layout.h): a block's low bits and signs
 * become its S8 granules in registers; the exceptions are bytes stored over them.
 */

#define ESC_ENTRIES	(CTRANS_GRANULE / 2)	/* of a list, in a granule */

/* The bytes of a granule from four bits each, 16 less where their sign is set. */
#if defined(__AVX512BW__)

typedef __m512i esc_line;
#define ESC_PARTS 1

INLINE esc_line esc_signed(esc_line low, const uint8_t *sign)
{
	uint64_t mask;

	memcpy(&mask, sign, sizeof(mask));
	return _mm512_mask_sub_epi8(low, mask, low, _mm512_set1_epi8(16));
}

INLINE void esc_two(const uint8_t *line, esc_line *even, esc_line *odd)
{
	const __m512i four = _mm512_set1_epi8(15);
	__m512i x = _mm512_loadu_si512(line);

	*even = _mm512_and_si512(x, four);
	*odd = _mm512_and_si512(_mm512_srli_epi16(x, 4), four);
}

#elif defined(__AVX2__)

typedef __m256i esc_line;
#define ESC_PARTS 2

INLINE esc_line esc_signed(esc_line low, const uint8_t *sign)
{
	const __m256i each = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
		1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201u);
	int32_t four;
	__m256i x;

	memcpy(&four, sign, sizeof(four));
	x = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(four), each), bit);
	x = _mm256_cmpeq_epi8(x, bit);
	return _mm256_or_si256(low, _mm256_and_si256(x, _mm256_set1_epi8(-16)));
}

INLINE void esc_two(const uint8_t *line, esc_line *even, esc_line *odd)
{
	const __m256i four = _mm256_set1_epi8(15);
	__m256i x = _mm256_loadu_si256((const __m256i *)line);

	*even = _mm256_and_si256(x, four);
	*odd = _mm256_and_si256(_mm256_srli_epi16(x, 4), four);
}

#elif defined(__x86_64__)

typedef __m128i esc_line;
#define ESC_PARTS 4

INLINE esc_line esc_signed(esc_line low, const uint8_t *sign)
{
	const __m128i bit = _mm_set1_epi64x((int64_t)0x8040201008040201u);
	uint16_t two;
	__m128i x;

	memcpy(&two, sign, sizeof(two));
	x = _mm_cvtsi32_si128(two);
	x = _mm_unpacklo_epi8(x, x);
	x = _mm_shufflelo_epi16(x, _MM_SHUFFLE(1, 1, 0, 0));
	x = _mm_and_si128(_mm_shuffle_epi32(x, _MM_SHUFFLE(1, 1, 0, 0)), bit);
	x = _mm_cmpeq_epi8(x, bit);
	return _mm_or_si128(low, _mm_and_si128(x, _mm_set1_epi8(-16)));
}

INLINE void esc_two(const uint8_t *line, esc_line *even, esc_line *odd)
{
	const __m128i four = _mm_set1_epi8(15);
	__m128i x = _mm_loadu_si128((const __m128i *)line);

	*even = _mm_and_si128(x, four);
	*odd = _mm_and_si128(_mm_srli_epi16(x, 4), four);
}

#elif defined(__aarch64__)

typedef uint8x16_t esc_line;
#define ESC_PARTS 4

INLINE esc_line esc_signed(esc_line low, const uint8_t *sign)
{
	const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
	uint8x16_t x = vcombine_u8(vdup_n_u8(sign[0]), vdup_n_u8(sign[1]));

	return vorrq_u8(low, vandq_u8(vtstq_u8(x, bit), vdupq_n_u8(0xf0)));
}

INLINE void esc_two(const uint8_t *line, esc_line *even, esc_line *odd)
{
	uint8x16_t x = vld1q_u8(line);

	*even = vandq_u8(x, vdupq_n_u8(15));
	*odd = vshrq_n_u8(x, 4);
}

#endif

/* Two granules. */
INLINE void esc_pair(const uint8_t *line, const uint8_t *sign, int8_t *w)
{
	UNROLL
	for (size_t p = 0; p < ESC_PARTS; p++) {
		const size_t n = sizeof(esc_line);
		esc_line even, odd;

		esc_two(line + p * n, &even, &odd);
		even = esc_signed(even, sign + p * n / 8);
		odd = esc_signed(odd, sign + 8 + p * n / 8);
		memcpy(w + p * n, &even, n);
		memcpy(w + CTRANS_GRANULE + p * n, &odd, n);
	}
}

/*
 * Entries of a list without those at its end that only repeat the one before: as
 * many as half of the list where exceptions are few.
 */
INLINE uint32_t esc_entries(const uint8_t *list, uint32_t n)
{
#if defined(__AVX512BW__)
	uint32_t same;
	uint16_t last;
	__m512i e;

	if (!n)
		return 0;
	memcpy(&last, list + 2 * (n - 1), sizeof(last));
	e = _mm512_loadu_si512(list + 2 * (n - ESC_ENTRIES));
	same = _mm512_cmpeq_epi16_mask(e, _mm512_set1_epi16((short)last));
	/* the last entry equals itself */
	return n + 1 - (same == UINT32_MAX ? ESC_ENTRIES :
					     (uint32_t)__builtin_clz(~same));
#else
	while (n > 1 && !memcmp(list + 2 * (n - 1), list + 2 * (n - 2), 2))
		n--;
	return n;
#endif
}

/*
 * Each entry is read once: memory may change meanwhile. Four at a time: where the
 * last of them are not counted they repeat the one before. Twelve bits stay within a
 * whole block; in a shorter one they are looked at.
 */
INLINE bool esc_exceptions(const uint8_t *list, uint32_t n, const uint32_t m,
			   const uint8_t **ahead, int8_t *w)
{
	uint32_t most = 0;

	n = esc_entries(list, n);
	for (uint32_t i = 0; i < n; i += 4, *ahead += CTRANS_GRANULE) {
		uint64_t four;

		__builtin_prefetch(*ahead, 0, 3);
		memcpy(&four, list + 2 * i, sizeof(four));
		UNROLL
		for (int j = 0; j < 4; j++, four >>= 16) {
			uint32_t at = four & (CHIP_ESC_BLOCK - 1u);

			if (m < CTRANS_ESC_INPUTS)
				most = at > most ? at : most;
			w[at] = (int8_t)((w[at] & 15) | (four >> 8 & 0xf0));
		}
	}
	return most < m * CTRANS_TILE_OUT;
}

/*
 * As many lines of memory as the block has are asked for, evenly, in order, and so
 * far ahead: its three streams are none that a CPU foresees, and one line that has
 * to be waited for costs as much as half of a block.
 */
INLINE bool esc_block(const uint8_t *block, const uint32_t m, uint32_t granules, int8_t *w)
{
	const uint8_t *sign = block + m / 8 * CTRANS_GRANULE;
	const uint8_t *ahead = block + CHIP_ESC_AHEAD;
	const uint8_t *end = ahead + granules * CTRANS_GRANULE;
	bool good;

	for (uint32_t i = 0; i < m / 8; i += 4) {
		UNROLL
		for (uint32_t j = i; j < i + 4; j++) {
			__builtin_prefetch(ahead + j * CTRANS_GRANULE, 0, 3);
			esc_pair(block + j * CTRANS_GRANULE, sign + 16 * j,
				 w + 2 * j * CTRANS_GRANULE);
		}
	}
	ahead += m / 8 * CTRANS_GRANULE;
	good = esc_exceptions(block + CTRANS_ESC_BASE(m) * CTRANS_GRANULE,
			      (granules - CTRANS_ESC_BASE(m)) * ESC_ENTRIES, m, &ahead, w);
	for (; ahead < end; ahead += CTRANS_GRANULE)
		__builtin_prefetch(ahead, 0, 3);
	return good;
}

static bool vec_unpack(const uint8_t *block, uint32_t m, uint32_t granules, int8_t *w)
{
	if (m == CTRANS_ESC_INPUTS)
		return esc_block(block, CTRANS_ESC_INPUTS, granules, w);
	return esc_block(block, m, granules, w);
}

/* ---- Sums ---------------------------------------------------------------- */

/* One row: several sums of the tile, as each has to wait for its last product. */
#define ESC_CHAINS	(4 / VI_TILE)

INLINE void esc_dots(const struct dots *d)
{
	const int8_t *w = d->w;
	const dot_act *a = d->a[0];
	vu sum[ESC_CHAINS][VI_TILE] = { 0 };

	if (d->more)
		memcpy(sum[0], d->acc[0], sizeof(sum[0]));
	for (uint32_t k = 0; k < d->n; k += ESC_CHAINS * GRANULE_INPUTS) {
		UNROLL
		for (int c = 0; c < ESC_CHAINS; c++) {
			UNROLL
			for (int v = 0; v < VI_TILE; v++)
				sum[c][v] = dot4(sum[c][v], a + c * GRANULE_INPUTS,
						 dot_weights(w + v * VI_BYTES));
			w += CTRANS_GRANULE;
		}
		a += ESC_CHAINS * GRANULE_INPUTS;
	}
	UNROLL
	for (int c = 1; c < ESC_CHAINS; c++) {
		UNROLL
		for (int v = 0; v < VI_TILE; v++)
			sum[0][v] += sum[c][v];
	}
	memcpy(d->acc[0], sum[0], sizeof(sum[0]));
}

#if OUTLIERS_APART
INLINE void esc_outliers(const struct dots *d, const struct chip_qrow *row, uint32_t k,
			 int32_t *acc)
{
	uint32_t i = first_outlier(row, k), n = first_outlier(row, k + d->n) - i;
	vu sum[VI_TILE];

	if (!n)
		return;
	memcpy(sum, acc, sizeof(sum));
	outlier_dots(row->outliers + i, n, d->w, k, sum);
	memcpy(acc, sum, sizeof(sum));
}
#endif

/*
 * Tile by tile and block by block, so that memory is one stream, which can be
 * fetched far ahead; what it unpacks to stays in the first level cache.
 */
static bool vec_linear_esc(const struct chip_tiles *t, const struct chip_esc *e)
{
	int32_t acc[CHIP_ROWS_AT_ONCE][BLOCK_OUT] __attribute__((aligned(64)));
	int8_t w[CHIP_ESC_BLOCK] __attribute__((aligned(64)));
	const uint32_t *at = e->at;
	dot_scratch bytes;
	struct dots d = { .w = w, .ahead = (const char *)w };
	bool good = true;

	for (uint32_t j = 0; j < t->n; j += CTRANS_TILE_OUT) {
		d.acc = (int32_t (*)[BLOCK_OUT])&acc[0][j];
		for (uint32_t k = 0; k < t->n_in; k += d.n, at++) {
			d.n = t->n_in - k > CTRANS_ESC_INPUTS ? CTRANS_ESC_INPUTS :
								t->n_in - k;
			d.more = k > 0;
			dot_rows(&d, t->rows, t->n_rows, k, bytes);
			good &= vec_unpack(e->base + (uint64_t)at[0] * CTRANS_GRANULE,
					   d.n, at[1] - at[0], w);
			if (t->n_rows == 1)
				esc_dots(&d);
			else
				dot_all(&d, t->n_rows, 1);
#if OUTLIERS_APART
			for (uint32_t r = 0; r < t->n_rows; r++)
				if (t->rows[r]->n_outliers)
					esc_outliers(&d, t->rows[r], k, d.acc[r]);
#endif
		}
	}
	for (uint32_t r = 0; r < t->n_rows; r++)
		finish_row(t, r, acc[r]);
	return good;
}
