/* SPDX-License-Identifier: MIT */
/*
 * Attention of several rows within one block. The tile is made floats of once,
 * in scratch that stays in the first-level cache, and then both scores and
 * weights are one product: rows x[.][n] by columns m[n][.], each element a
 * sum16 over n. A register block is RB rows by GB vectors of columns: each vector
 * of the tile that is read serves RB rows, each value of a row GB vectors.
 *
 * The partial sums are made two at a time, p[j] and p[j + 8], as the first step of
 * sum16's tree adds these: so the accumulators fit into registers, eight or more
 * independent ones, enough to cover an addition's latency.
 */
#define RB 2
#if VL == 8
#define GB 2
#else
#define GB 4
#endif

/*
 * Read once: a compiler that folds the load into each of the operations has the
 * load units, not the multipliers, set the pace.
 */
#ifdef __AVX512F__
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#else
#define IN_REGISTER(x) ((void)0)
#endif

/* y(x, m, r, c) = sum16 over i < n of x[r * x_stride + i] * m[i * m_stride + c] */
struct product {
	const float *x;
	size_t x_stride;
	const float *m;
	size_t m_stride;
	uint32_t n;
};

/* p[j] + p[j + 8] for each row and vector */
INLINE void pair_of_partials(const struct product *a, uint32_t j, const int rows,
			     const int groups, vf s[RB][GB])
{
	const float *x = a->x + j, *m = a->m + j * a->m_stride;
	uint32_t whole = a->n / 16, left = a->n % 16;
	vf p[2][RB][GB];

	UNROLL
	for (int r = 0; r < rows; r++) {
		UNROLL
		for (int g = 0; g < groups; g++)
			p[0][r][g] = p[1][r][g] = vf_set(0.0f);
	}
	for (; whole; whole--, x += 16, m += 16 * a->m_stride) {
		UNROLL
		for (int h = 0; h < 2; h++) {
			vf c[GB];

			UNROLL
			for (int g = 0; g < groups; g++)
				c[g] = vf_load(m + (size_t)h * 8 * a->m_stride +
					       g * VL);
			UNROLL
			for (int g = 0; g < groups; g++)
				IN_REGISTER(c[g]);
			UNROLL
			for (int r = 0; r < rows; r++) {
				vf v = vf_set(x[(size_t)r * a->x_stride + (size_t)h * 8]);

				UNROLL
				for (int g = 0; g < groups; g++)
					p[h][r][g] = vf_fma(v, c[g], p[h][r][g]);
			}
		}
	}
	UNROLL
	for (int h = 0; h < 2; h++) {
		if (j + (uint32_t)h * 8 >= left)
			continue;
		UNROLL
		for (int r = 0; r < rows; r++) {
			vf v = vf_set(x[(size_t)r * a->x_stride + (size_t)h * 8]);

			UNROLL
			for (int g = 0; g < groups; g++)
				p[h][r][g] = vf_fma(v, vf_load(m + (size_t)h * 8 *
							       a->m_stride + g * VL),
						    p[h][r][g]);
		}
	}
	UNROLL
	for (int r = 0; r < rows; r++) {
		UNROLL
		for (int g = 0; g < groups; g++)
			s[r][g] = p[0][r][g] + p[1][r][g];
	}
}

/* sum16 for each of @rows rows and @groups vectors */
INLINE void block_of_sums(const struct product *a, const int rows, const int groups,
			  vf sum[RB][GB])
{
	vf p[8][RB][GB];

	for (uint32_t j = 0; j < 8; j++)
		pair_of_partials(a, j, rows, groups, p[j]);
	UNROLL
	for (int r = 0; r < rows; r++) {
		UNROLL
		for (int g = 0; g < groups; g++) {
			UNROLL
			for (int j = 0; j < 4; j++)
				p[j][r][g] += p[j + 4][r][g];
			sum[r][g] = (p[0][r][g] + p[2][r][g]) +
				    (p[1][r][g] + p[3][r][g]);
		}
	}
}

/* [head_dim][64] of the first @n positions and what fills their last sixteen */
INLINE void expand_keys(const struct chip_attend *a, enum ctrans_kv_type type)
{
	const char *keys = (const char *)a->tile + CTRANS_KV_SCALES(type);

	for (uint32_t p = 0; p < a->n; p += 16) {
		for (uint32_t i = 0; i < a->head_dim; i++) {
			UNROLL
			for (size_t j = 0; j < 16; j += VL)
				vf_store(a->expanded + i * CTRANS_KV_POSITIONS + p + j,
					 vf_load_kv(keys, ((size_t)p * a->head_dim +
							   16 * i) + j, type));
		}
	}
}

/* [n][width], width the head's rounded up to 16; what lies between is not used */
INLINE void expand_values(const struct chip_attend *a, size_t width,
			  enum ctrans_kv_type type)
{
	const char *values = (const char *)a->tile + CTRANS_KV_SCALES(type);
	size_t size = CTRANS_KV_ELEMENT(type), row = a->head_dim * size;
	uint32_t whole = a->head_dim / VL * VL;
	char last[4 * VL] = { 0 };

	for (uint32_t p = 0; p < a->n; p++, values += row) {
		float *to = a->expanded + p * width;

		for (uint32_t i = 0; i < whole; i += VL)
			vf_store(to + i, vf_load_kv(values, i, type));
		if (whole == a->head_dim)
			continue;
		/* a whole vector could pass the end of the tile */
		memcpy(last, values + whole * size, row - whole * size);
		vf_store(to + whole, vf_load_kv(last, 0, type));
	}
}

INLINE void scores_block(const struct chip_attend *a, float scale, uint32_t r,
			 uint32_t at, const int rows, const int groups)
{
	const struct product p = {
		.x = a->in + r * a->in_stride, .x_stride = a->in_stride,
		.m = a->expanded + at, .m_stride = CTRANS_KV_POSITIONS,
		.n = a->head_dim,
	};
	float *out = a->out + r * a->out_stride + at;
	vf sum[RB][GB];

	block_of_sums(&p, rows, groups, sum);
	UNROLL
	for (int g = 0; g < groups; g++) {
		vf c = vf_set(1.0f);

		if (a->kv_type == CTRANS_KV_S8)
			c = vf_load((const float *)a->tile + at + g * VL);
		UNROLL
		for (int y = 0; y < rows; y++)
			vf_store(out + (size_t)y * a->out_stride + g * VL,
				 sum[y][g] * c * vf_set(scale));
	}
}

static void vec_scores_rows(const struct chip_attend *a, float scale)
{
	uint32_t n = (a->n + 15) / 16 * 16, at = 0, r;

	if (a->kv_type == CTRANS_KV_F32)
		expand_keys(a, CTRANS_KV_F32);
	else if (a->kv_type == CTRANS_KV_S8)
		expand_keys(a, CTRANS_KV_S8);
	else
		expand_keys(a, CTRANS_KV_F16);
	for (; at + GB * VL <= n; at += GB * VL) {
		for (r = 0; r + RB <= a->n_rows; r += RB)
			scores_block(a, scale, r, at, RB, GB);
		if (r < a->n_rows)
			scores_block(a, scale, r, at, 1, GB);
	}
	for (; at < n; at += VL) {
		for (r = 0; r + RB <= a->n_rows; r += RB)
			scores_block(a, scale, r, at, RB, 1);
		if (r < a->n_rows)
			scores_block(a, scale, r, at, 1, 1);
	}
}

/* x, x_stride: weights, their positions' scales in them */
INLINE void weigh_block(const struct chip_attend *a, const float *x, size_t x_stride,
			size_t width, float *out, uint32_t at, const int rows,
			const int groups)
{
	const struct product p = {
		.x = x, .x_stride = x_stride, .m = a->expanded + at,
		.m_stride = width, .n = a->n,
	};
	vf sum[RB][GB];

	block_of_sums(&p, rows, groups, sum);
	UNROLL
	for (int y = 0; y < rows; y++) {
		float *o = out + (size_t)y * a->out_stride + at;

		UNROLL
		for (int g = 0; g < groups; g++)
			vf_store(o + g * VL, vf_load(o + g * VL) + sum[y][g]);
	}
}

INLINE void weigh_some(const struct chip_attend *a, uint32_t r, size_t width,
		       const int rows)
{
	const float *x = a->in + r * a->in_stride;
	float *out = a->out + r * a->out_stride;
	float scaled[RB][CTRANS_KV_POSITIONS];
	size_t x_stride = a->in_stride;
	uint32_t at = 0;

	if (a->kv_type == CTRANS_KV_S8) {
		for (int y = 0; y < rows; y++)
			for (uint32_t i = 0; i < a->n; i++)
				scaled[y][i] = x[(size_t)y * x_stride + i] *
					       ((const float *)a->tile)[i];
		x = scaled[0];
		x_stride = CTRANS_KV_POSITIONS;
	}
	for (; at + GB * VL <= width; at += GB * VL)
		weigh_block(a, x, x_stride, width, out, at, rows, GB);
	for (; at < width; at += VL)
		weigh_block(a, x, x_stride, width, out, at, rows, 1);
}

static void vec_weigh_rows(const struct chip_attend *a)
{
	size_t width = (a->head_dim + 15) / 16 * 16;
	uint32_t r = 0;

	if (a->kv_type == CTRANS_KV_F32)
		expand_values(a, width, CTRANS_KV_F32);
	else if (a->kv_type == CTRANS_KV_S8)
		expand_values(a, width, CTRANS_KV_S8);
	else
		expand_values(a, width, CTRANS_KV_F16);
	for (; r + RB <= a->n_rows; r += RB)
		weigh_some(a, r, width, RB);
	if (r < a->n_rows)
		weigh_some(a, r, width, 1);
}
