/* SPDX-License-Identifier: MIT */
/*
 * The vector unit's work on one row. Whole groups of sixteen go through
 * struct v16, what is left element by element: a partial sum without an element
 * is not touched, as x + 0 could turn -0 into +0. Functions of fp.h stand in
 * loops of 16 or 64 that the compiler makes vectors of.
 */

static float vec_sumsq(const float *x, uint32_t n)
{
	struct v16 acc = v16_zero();
	float p[16];
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16) {
		struct v16 v = v16_load(x + i);

		acc = v16_fma(v, v, acc);
	}
	v16_store(p, acc);
	for (uint32_t j = 0; i < n; i++, j++)
		p[j] = chip_fma(x[i], x[i], p[j]);
	return tree16(p);
}

static float row_sum(const float *x, uint32_t n)
{
	struct v16 acc = v16_zero();
	float p[16];
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16)
		acc = v16_add(acc, v16_load(x + i));
	v16_store(p, acc);
	for (uint32_t j = 0; i < n; i++, j++)
		p[j] += x[i];
	return tree16(p);
}

static void vec_layernorm(const float *x, const float *gain, const float *bias,
			  float eps, uint32_t n, float *y)
{
	float mean = row_sum(x, n) / (float)n, var, r;
	struct v16 acc = v16_zero(), m = v16_set(mean), rv;
	float p[16];
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16) {
		struct v16 d = v16_sub(v16_load(x + i), m);

		acc = v16_fma(d, d, acc);
	}
	v16_store(p, acc);
	for (uint32_t j = 0; i < n; i++, j++)
		p[j] = chip_fma(x[i] - mean, x[i] - mean, p[j]);
	var = tree16(p) / (float)n;
	r = 1.0f / __builtin_sqrtf(var + eps);
	rv = v16_set(r);
	for (i = 0; i + 16 <= n; i += 16) {
		struct v16 d = v16_mul(v16_sub(v16_load(x + i), m), rv);
		struct v16 b = bias ? v16_load(bias + i) : v16_zero();

		v16_store(y + i, v16_fma(d, v16_load(gain + i), b));
	}
	for (; i < n; i++)
		y[i] = chip_fma((x[i] - mean) * r, gain[i], bias ? bias[i] : 0.0f);
}

static void vec_rmsnorm(const float *x, const float *gain, const float *bias,
			float eps, uint32_t n, float *y)
{
	float r = 1.0f / __builtin_sqrtf(vec_sumsq(x, n) / (float)n + eps);
	struct v16 rv = v16_set(r);
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16) {
		struct v16 b = bias ? v16_load(bias + i) : v16_zero();

		v16_store(y + i, v16_fma(v16_mul(v16_load(x + i), rv),
					 v16_load(gain + i), b));
	}
	for (; i < n; i++)
		y[i] = chip_fma(x[i] * r, gain[i], bias ? bias[i] : 0.0f);
}

/* 64 values, zero in the padding. Returns the largest magnitude. */
INLINE int32_t quantise64(const float *restrict x, float inv, int16_t *restrict a,
			  uint8_t *restrict u8, uint32_t *n_clamped)
{
	int32_t clamped = 0, largest = 0;

	for (int i = 0; i < 64; i++) {
		float v = x[i] * inv;
		int32_t q, m;

		v = v == v ? v : 0.0f;
		/* one beyond the limits, so that rounding still decides */
		q = (int32_t)chip_rint(chip_clamp(v, -32768.0f, 32768.0f));
		m = q < 0 ? -q : q;
		largest = m > largest ? m : largest;
		clamped += m >> 15;
		q = q > 32767 ? 32767 : q;
		q = q < -32767 ? -32767 : q;
		a[i] = (int16_t)q;
		/* 128 + q of a byte is its upper bit turned over */
		u8[i] = (uint8_t)((q & ((m - 128) >> 31)) ^ 0x80);
	}
	*n_clamped += (uint32_t)clamped;
	return largest;
}

static void vec_quantise(const float *x, uint32_t n, struct chip_qrow *row)
{
	float inv = 1.0f / row->theta, last[64];
	uint32_t n_outliers = 0, n_clamped = 0;

	for (uint32_t k = 0; k < n; k += 64) {
		uint32_t m = n - k < 64 ? n - k : 64;
		const float *v = x + k;

		if (m < 64) {
			memset(last, 0, sizeof(last));
			memcpy(last, v, m * sizeof(*last));
			v = last;
		}
		if (quantise64(v, inv, row->a + k, row->u8 + k, &n_clamped) <= 127)
			continue;
		for (uint32_t i = k; i < k + m; i++) {
			int32_t a = row->a[i];

			/* written in any case, kept if it is one: no branch */
			row->outliers[n_outliers].k = i;
			row->outliers[n_outliers].a = a;
			n_outliers += (a > 127) | (a < -127);
		}
	}
	row->n = n;
	row->n_outliers = n_outliers;
	row->n_clamped = n_clamped;
}

/* act over 16 values, the choice outside of the loop. */
INLINE void act16(uint8_t act, float *restrict y)
{
	switch (act) {
	case CTRANS_ACT_GELU_TANH:
		for (int j = 0; j < 16; j++)
			y[j] = chip_act(CTRANS_ACT_GELU_TANH, y[j]);
		break;
	case CTRANS_ACT_GELU_ERF:
		for (int j = 0; j < 16; j++)
			y[j] = chip_act(CTRANS_ACT_GELU_ERF, y[j]);
		break;
	case CTRANS_ACT_RELU:
		for (int j = 0; j < 16; j++)
			y[j] = chip_act(CTRANS_ACT_RELU, y[j]);
		break;
	case CTRANS_ACT_SILU:
		for (int j = 0; j < 16; j++)
			y[j] = chip_act(CTRANS_ACT_SILU, y[j]);
		break;
	default:
		break;
	}
}

INLINE void put16(struct v16 s, uint8_t act, enum chip_put how, uint32_t n, float *out)
{
	float y[16];

	if (act != CTRANS_ACT_NONE) {
		v16_store(y, s);
		act16(act, y);
		s = v16_load(y);
	}
	if (n == 16) {
		if (how == CHIP_PUT_ADD)
			s = v16_add(v16_load(out), s);
		else if (how == CHIP_PUT_MUL)
			s = v16_mul(v16_load(out), s);
		v16_store(out, s);
		return;
	}
	v16_store(y, s);
	for (uint32_t j = 0; j < n; j++)
		out[j] = how == CHIP_PUT_ADD ? out[j] + y[j] :
			 how == CHIP_PUT_MUL ? out[j] * y[j] : y[j];
}

static void vec_epilogue(const struct chip_epilogue *e)
{
	struct v16 scale = v16_mul(v16_set(e->theta), v16_load(e->scale));
	struct v16 bias = e->bias ? v16_load(e->bias) : v16_zero();
	float f[16];

	/*
	 * |S| is below 2^17 * 2^15 * 2^7 and so exact in a double; adding it to
	 * the bits of 1.5 * 2^52 makes that double, and one rounding is left.
	 */
	for (int j = 0; j < 16; j++) {
		int64_t s = e->s[j] - (int64_t)SUMS_OFFSET * e->colsum[j];
		uint64_t u = (uint64_t)s + 0x4338000000000000u;
		double d;

		memcpy(&d, &u, sizeof(d));
		f[j] = (float)(d - 6755399441055744.0);
	}
	put16(v16_fma(v16_load(f), scale, bias), e->act, e->put, e->n, e->out);
}

static void vec_epilogue_f32(const float s[16], const float *bias, uint8_t act,
			     enum chip_put how, uint32_t n, float *out)
{
	struct v16 b = bias ? v16_load(bias) : v16_zero();

	put16(v16_add(v16_load(s), b), act, how, n, out);
}

static void vec_embed(const int8_t *w, float scale, const float *p, uint32_t n,
		      float *y)
{
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16) {
		float f[16];

		for (int j = 0; j < 16; j++)
			f[j] = (float)w[i + (uint32_t)j];
		v16_store(y + i, v16_fma(v16_load(f), v16_set(scale),
					 p ? v16_load(p + i) : v16_zero()));
	}
	for (; i < n; i++)
		y[i] = chip_fma((float)w[i], scale, p ? p[i] : 0.0f);
}

static float vec_max(const float *x, uint32_t n)
{
	vf m[NV], nan[NV];	/* nan: NaN once a NaN went by, else 0 */
	float lanes[16], nans[16], largest, any;
	uint32_t i = 0;

	UNROLL
	for (int j = 0; j < NV; j++) {
		m[j] = vf_set(-__builtin_inff());
		nan[j] = vf_set(0.0f);
	}
	for (; i + 16 <= n; i += 16) {
		UNROLL
		for (int j = 0; j < NV; j++) {
			vf v = vf_load(x + i + j * VL);
			vb more = v > m[j];
			vb odd = v != v;

			m[j] = (vf)(((vb)v & more) | ((vb)m[j] & ~more));
			nan[j] = (vf)((vb)nan[j] | ((vb)v & odd));
		}
	}
	UNROLL
	for (int j = 0; j < NV; j++) {
		vf_store(lanes + j * VL, m[j]);
		vf_store(nans + j * VL, nan[j]);
	}
	for (int j = 0; i < n; i++, j++) {
		lanes[j] = x[i] > lanes[j] ? x[i] : lanes[j];
		nans[j] = x[i] != x[i] ? x[i] : nans[j];
	}
	largest = lanes[0];
	any = nans[0];
	for (int j = 1; j < 16; j++) {
		largest = lanes[j] > largest ? lanes[j] : largest;
		any += nans[j];
	}
	return any == 0.0f ? largest + 0.0f : any;
}

/* e[i] = exp(x[i] - m) for 16 values */
INLINE void exp16(const float *x, float m, float *restrict e)
{
	for (int j = 0; j < 16; j++)
		e[j] = chip_exp(x[j] - m);
}

/* The exponentials of n values go to e, if there is one; their sum16. */
INLINE float exp_sum(const float *x, uint32_t n, float m, float *e)
{
	struct v16 acc = v16_zero();
	float p[16], t[16];
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16) {
		exp16(x + i, m, t);
		acc = v16_add(acc, v16_load(t));
		if (e)
			v16_store(e + i, v16_load(t));
	}
	v16_store(p, acc);
	if (i < n) {
		uint32_t left = n - i;
		float last[16] = { 0 };

		memcpy(last, x + i, left * sizeof(*last));
		exp16(last, m, t);
		for (uint32_t j = 0; j < left; j++)
			p[j] += t[j];
		if (e)
			memcpy(e + i, t, left * sizeof(*t));
	}
	return tree16(p);
}

static float vec_exp_block(float *e, uint32_t n, float m)
{
	return exp_sum(e, n, m, e);
}

static float vec_sumexp(const float *x, uint32_t n, float m)
{
	return exp_sum(x, n, m, NULL);
}

static void vec_divide(float *o, uint32_t n, float z)
{
	for (uint32_t i = 0; i < n; i++)
		o[i] /= z;
}

static void vec_to_f16(const float *x, uint32_t n, uint16_t *y)
{
	uint32_t i = 0;

#if defined(__AVX512F__)
	for (; i + 16 <= n; i += 16)
		_mm256_storeu_si256((__m256i *)(y + i),
			_mm512_cvtps_ph(_mm512_loadu_ps(x + i),
					_MM_FROUND_TO_NEAREST_INT));
#elif defined(__AVX2__)
	for (; i + 8 <= n; i += 8)
		_mm_storeu_si128((__m128i *)(y + i),
			_mm256_cvtps_ph(_mm256_loadu_ps(x + i),
					_MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
	for (; i + 4 <= n; i += 4)
		vst1_u16(y + i, vreinterpret_u16_f16(
			vcvt_f16_f32(vld1q_f32(x + i))));
#endif
	for (; i < n; i++)
		y[i] = chip_f16_from_f32(x[i]);
}

/* Bits of |x| order as |x| does; beyond infinity's they are a NaN's. */
static float vec_to_s8(const float *x, uint32_t n, int8_t *y)
{
	int32_t most = 0;
	float scale, inv;

	for (uint32_t i = 0; i < n; i++) {
		int32_t a = (int32_t)(chip_bits(x[i]) & 0x7fffffffu);

		a = a > 0x7f800000 ? 0 : a;
		most = a > most ? a : most;
	}
	scale = chip_f32((uint32_t)most) / 127.0f;
	if (!(scale >= 0x1p-100f && scale < __builtin_inff()))
		scale = 1.0f;
	inv = 1.0f / scale;
	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] * inv;

		v = v == v ? v : 0.0f;
		y[i] = (int8_t)(int32_t)chip_rint(chip_clamp(v, -127.0f, 127.0f));
	}
	return scale;
}
