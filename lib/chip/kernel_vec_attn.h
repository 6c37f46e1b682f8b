/* SPDX-License-Identifier: MIT */
/*
 * Sixteen partial sums of whole vectors: attention and F32 weights. The partials
 * are made eight at a time, all that sixteen registers hold beside operands;
 * element i belongs to partial i mod 16, so the halves read different rows.
 */

/*
 * sum16 over i < n of x[i] * (VL values at m + i * stride), for each value
 */
INLINE vf vec_sum16(const float *x, const void *m, size_t offset, size_t stride,
		    uint32_t n, enum ctrans_kv_type type)
{
	vf low[8], p[8];

	UNROLL
	for (unsigned int half = 0; half < 2; half++) {
		const float *xh = x + half * 8;
		size_t at = offset + half * 8 * stride;
		uint32_t i = half * 8;

		UNROLL
		for (int j = 0; j < 8; j++)
			p[j] = vf_set(0.0f);
		for (; i + 8 <= n; i += 16, xh += 16, at += 16 * stride) {
			UNROLL
			for (unsigned int j = 0; j < 8; j++)
				p[j] = vf_fma(vf_set(xh[j]),
					      vf_load_kv(m, at + j * stride, type),
					      p[j]);
		}
		if (i < n) {
			UNROLL
			for (unsigned int j = 0; j < 7; j++)
				if (i + j < n)
					p[j] = vf_fma(vf_set(xh[j]),
						      vf_load_kv(m, at + j * stride,
								 type), p[j]);
		}
		if (!half) {
			UNROLL
			for (int j = 0; j < 8; j++)
				low[j] = p[j];
		}
	}
	UNROLL
	for (int j = 0; j < 8; j++)
		low[j] += p[j];
	UNROLL
	for (int j = 0; j < 4; j++)
		low[j] += low[j + 4];
	return (low[0] + low[2]) + (low[1] + low[3]);
}

/* One tile [n][16]: sixteen sums side by side. */
INLINE struct v16 tile_sums(const float *x, const void *tile, uint32_t n, enum ctrans_kv_type type)
{
	struct v16 s;

	UNROLL
	for (size_t i = 0; i < NV; i++)
		s.v[i] = vec_sum16(x, tile, i * VL, 16, n, type);
	return s;
}

static void vec_sums_f32(const float *x, const float *w, uint32_t n, float s[16])
{
	v16_store(s, tile_sums(x, w, n, CTRANS_KV_F32));
}

INLINE void scores_of(const float *q, const void *key_tile, uint32_t head_dim,
		      uint32_t n, float scale, enum ctrans_kv_type type, float *s)
{
	size_t group = (size_t)head_dim * 16 * CTRANS_KV_ELEMENT(type);
	size_t quarter = CTRANS_KV_TILE(type, head_dim) / 4;
	const char *keys = (const char *)key_tile + CTRANS_KV_SCALES(type);
	const char *values = (const char *)key_tile + 4 * quarter;

	for (uint32_t i = 0; i < n; i += 16) {
		/*
		 * The weights come soon and want the values that follow the
		 * keys: as many bytes for sixteen positions as their keys.
		 */
		for (size_t at = 0; at < quarter; at += 64)
			__builtin_prefetch(values + i / 16 * quarter + at);
		struct v16 v = tile_sums(q, keys + i / 16 * group, head_dim, type);
		float last[16];

		if (type == CTRANS_KV_S8)
			v = v16_mul(v, v16_load((const float *)key_tile + i));
		v = v16_mul(v, v16_set(scale));
		if (n - i >= 16) {
			v16_store(s + i, v);
		} else {
			v16_store(last, v);
			memcpy(s + i, last, (n - i) * sizeof(*s));
		}
	}
}

static void vec_scores(const float *q, const void *key_tile, uint32_t head_dim,
		       uint32_t n, float scale, uint8_t kv_type, float *s)
{
	if (kv_type == CTRANS_KV_F32)
		scores_of(q, key_tile, head_dim, n, scale, CTRANS_KV_F32, s);
	else if (kv_type == CTRANS_KV_S8)
		scores_of(q, key_tile, head_dim, n, scale, CTRANS_KV_S8, s);
	else
		scores_of(q, key_tile, head_dim, n, scale, CTRANS_KV_F16, s);
}

INLINE void weigh_by(const float *e, const void *value_tile, uint32_t head_dim,
		     uint32_t n, enum ctrans_kv_type type, float *o)
{
	size_t size = CTRANS_KV_ELEMENT(type);
	const char *values = (const char *)value_tile + CTRANS_KV_SCALES(type);
	float last[CTRANS_KV_POSITIONS * VL], sum[VL], scaled[CTRANS_KV_POSITIONS];
	uint32_t d = 0, left;

	if (type == CTRANS_KV_S8) {
		for (uint32_t i = 0; i < n; i++)
			scaled[i] = e[i] * ((const float *)value_tile)[i];
		e = scaled;
	}
	for (; d + VL <= head_dim; d += VL)
		vf_store(o + d, vf_load(o + d) +
			 vec_sum16(e, values, d, head_dim, n, type));
	left = head_dim - d;
	if (!left)
		return;
	/* reading a whole vector could pass the end of the tile */
	memset(last, 0, sizeof(last));
	for (uint32_t i = 0; i < n; i++)
		memcpy((char *)last + i * VL * size,
		       values + ((size_t)i * head_dim + d) * size, left * size);
	vf_store(sum, vec_sum16(e, last, 0, VL, n, type));
	for (uint32_t j = 0; j < left; j++)
		o[d + j] += sum[j];
}

static void vec_weigh(const float *e, const void *value_tile, uint32_t head_dim,
		      uint32_t n, uint8_t kv_type, float *o)
{
	if (kv_type == CTRANS_KV_F32)
		weigh_by(e, value_tile, head_dim, n, CTRANS_KV_F32, o);
	else if (kv_type == CTRANS_KV_S8)
		weigh_by(e, value_tile, head_dim, n, CTRANS_KV_S8, o);
	else
		weigh_by(e, value_tile, head_dim, n, CTRANS_KV_F16, o);
}
