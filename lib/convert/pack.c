// SPDX-License-Identifier: MIT
#include "convert/pack.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILE	CTRANS_TILE_OUT

struct ct_packer {
	enum ctrans_encoding enc;
	uint32_t n_in, n_out;
	bool in_major;
	struct ct_pack_dst dst;
	uint32_t rows_seen;
	float *kept;		/* in_major: all rows, [n_in][n_out] */
	int8_t *row;		/* else one row, quantised, padded to 4 */
};

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

uint64_t ct_pack_weight_bytes(enum ctrans_encoding enc, uint32_t n_in, uint32_t n_out)
{
	uint64_t out = round_up(n_out, TILE);

	return enc == CTRANS_ENC_S8 ? out * round_up(n_in, 4) :
				      out * round_up(n_in, 16) * sizeof(float);
}

uint64_t ct_pack_output_bytes(uint32_t n_out)
{
	return 4ull * round_up(n_out, TILE);
}

int ct_packer_open(enum ctrans_encoding enc, uint32_t n_in, uint32_t n_out,
		   bool in_major, const struct ct_pack_dst *dst,
		   struct ct_packer **packer, struct ct_err *err)
{
	struct ct_packer *p = calloc(1, sizeof(*p));

	if (!p)
		return ct_fail(err, -ENOMEM, "out of memory");
	*p = (struct ct_packer){ enc, n_in, n_out, in_major, *dst, 0, NULL, NULL };
	if (enc == CTRANS_ENC_S8) {
		if (in_major)
			p->kept = malloc(4ull * n_in * n_out);
		else
			p->row = calloc(round_up(n_in, 4), 1);
		if (!p->kept && !p->row) {
			free(p);
			return ct_fail(err, -ENOMEM, "out of memory");
		}
	}
	*packer = p;
	return 0;
}

static int not_finite(struct ct_err *err)
{
	return ct_fail(err, -EBADMSG, "a weight is not a finite number");
}

/* NaN and infinity times zero are NaN, which sticks to a sum. */
bool ct_all_finite(const float *x, size_t n)
{
	float acc[16] = { 0 };
	float sum = 0.0f;
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		for (unsigned int j = 0; j < 16; j++)
			acc[j] += x[i + j] * 0.0f;
	for (; i < n; i++)
		sum += x[i] * 0.0f;
	for (unsigned int j = 0; j < 16; j++)
		sum += acc[j];
	return sum == 0.0f;
}

static int8_t quantise(float w, float inv)
{
	float v = w * inv;

	/* the adder rounds to the nearest even integer; |v| <= 127.5 */
	v = (v + 12582912.0f) - 12582912.0f;
	v = v > 127.0f ? 127.0f : v;
	v = v < -127.0f ? -127.0f : v;
	return (int8_t)(int)v;
}

/* One scale from the largest magnitude; a row of zeros has scale 0. */
static float inverse(float max, float *scale)
{
	*scale = max / 127.0f;
	/* below this 127 / max would overflow; such weights are nothing */
	if (max < 1e-35f) {
		*scale = 0.0f;
		return 0.0f;
	}
	return 127.0f / max;
}

/* A row is output @n's weights. */
static void pack_output(struct ct_packer *p, uint32_t n, const float *row)
{
	uint32_t quads = round_up(p->n_in, 4) / 4, k = 0;
	int8_t *tile = (int8_t *)p->dst.weights +
		       (uint64_t)(n / TILE) * quads * 64 + n % TILE * 4;
	float lane[16] = { 0 }, max = 0.0f, inv;
	int8_t *q = p->row;
	int32_t sum = 0;

	for (; k + 16 <= p->n_in; k += 16)
		for (unsigned int j = 0; j < 16; j++) {
			float a = fabsf(row[k + j]);

			lane[j] = a > lane[j] ? a : lane[j];
		}
	for (; k < p->n_in; k++)
		max = fabsf(row[k]) > max ? fabsf(row[k]) : max;
	for (unsigned int j = 0; j < 16; j++)
		max = lane[j] > max ? lane[j] : max;
	inv = inverse(max, &p->dst.scale[n]);

	/* two loops: the first becomes vector code, the second is 4-byte stores */
	for (k = 0; k < p->n_in; k++) {
		q[k] = quantise(row[k], inv);
		sum += q[k];
	}
	for (k = 0; k < quads; k++)
		memcpy(tile + 64ull * k, q + 4 * k, 4);
	p->dst.colsum[n] = sum;
}

/* Sixteen outputs, or the last few, of the kept [n_in][n_out]. */
static void pack_tile(struct ct_packer *p, uint32_t n0)
{
	uint32_t quads = round_up(p->n_in, 4) / 4;
	uint32_t cols = p->n_out - n0 < TILE ? p->n_out - n0 : TILE;
	int8_t *tile = (int8_t *)p->dst.weights + (uint64_t)(n0 / TILE) * quads * 64;
	float max[TILE] = { 0 }, inv[TILE] = { 0 };
	int32_t sum[TILE] = { 0 };

	for (uint32_t k = 0; k < p->n_in; k++) {
		const float *row = p->kept + (uint64_t)k * p->n_out + n0;

		for (uint32_t j = 0; j < cols; j++) {
			float a = fabsf(row[j]);

			max[j] = a > max[j] ? a : max[j];
		}
	}
	for (uint32_t j = 0; j < cols; j++)
		inv[j] = inverse(max[j], &p->dst.scale[n0 + j]);
	for (uint32_t k = 0; k < p->n_in; k += 4) {
		uint32_t here = p->n_in - k < 4 ? p->n_in - k : 4;
		int8_t q[4][TILE] = { 0 };

		for (uint32_t i = 0; i < here; i++) {
			const float *row = p->kept + (uint64_t)(k + i) * p->n_out + n0;

			for (uint32_t j = 0; j < cols; j++) {
				q[i][j] = quantise(row[j], inv[j]);
				sum[j] += q[i][j];
			}
		}
		for (uint32_t j = 0; j < TILE; j++)
			for (uint32_t i = 0; i < 4; i++)
				tile[16ull * k + 4 * j + i] = q[i][j];
	}
	for (uint32_t j = 0; j < cols; j++)
		p->dst.colsum[n0 + j] = sum[j];
}

static void place_f32(struct ct_packer *p, uint32_t row, const float *v)
{
	uint64_t tile = (uint64_t)round_up(p->n_in, 16) * TILE;
	float *w = p->dst.weights;

	if (p->in_major) {
		for (uint32_t n = 0; n < p->n_out; n++)
			w[n / TILE * tile + (uint64_t)row * TILE + n % TILE] = v[n];
	} else {
		w += row / TILE * tile + row % TILE;
		for (uint32_t k = 0; k < p->n_in; k++)
			w[(uint64_t)k * TILE] = v[k];
	}
}

int ct_packer_rows(struct ct_packer *p, uint32_t first, uint32_t n,
		   const float *rows, struct ct_err *err)
{
	uint32_t cols = p->in_major ? p->n_out : p->n_in;
	uint32_t all = p->in_major ? p->n_in : p->n_out;

	if (first != p->rows_seen || n > all - first)
		return ct_fail(err, -EINVAL, "rows out of order");
	if (!ct_all_finite(rows, (size_t)n * cols))
		return not_finite(err);
	p->rows_seen += n;
	if (p->enc == CTRANS_ENC_F32) {
		for (uint32_t i = 0; i < n; i++)
			place_f32(p, first + i, rows + (uint64_t)i * cols);
	} else if (p->in_major) {
		memcpy(p->kept + (uint64_t)first * cols, rows, 4ull * n * cols);
	} else {
		for (uint32_t i = 0; i < n; i++)
			pack_output(p, first + i, rows + (uint64_t)i * cols);
	}
	return 0;
}

int ct_packer_close(struct ct_packer *p, struct ct_err *err)
{
	uint32_t all;
	int ret = 0;

	if (!p)
		return 0;
	all = p->in_major ? p->n_in : p->n_out;
	if (p->rows_seen != all)
		ret = ct_fail(err, -EBADMSG, "%u of %u rows", p->rows_seen, all);
	else if (p->in_major && p->enc == CTRANS_ENC_S8)
		for (uint32_t n = 0; n < p->n_out; n += TILE)
			pack_tile(p, n);
	free(p->kept);
	free(p->row);
	free(p);
	return ret;
}
