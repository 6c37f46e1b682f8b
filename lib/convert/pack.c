// SPDX-License-Identifier: MIT
#include "convert/pack.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "convert/quantise.h"

#define TILE	CTRANS_TILE_OUT
#define QUAD	4u
/* Columns whose largest magnitudes are gathered on the stack. */
#define COLUMNS	512u

struct ct_packer {
	enum ctrans_encoding enc;
	uint32_t n_in, n_out;
	bool in_major;
	struct ct_pack_dst dst;
	_Atomic uint32_t rows_seen[2];	/* by pass */
	pthread_mutex_t lock;	/* max */
	uint32_t *max;		/* in_major S8: of each output, as bits */
	float *inv;		/* and one over its scale, when all were seen */
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
	p->enc = enc;
	p->n_in = n_in;
	p->n_out = n_out;
	p->in_major = in_major;
	p->dst = *dst;
	if (ct_packer_passes(p) == 2) {
		p->max = calloc(n_out, sizeof(*p->max));
		p->inv = calloc(n_out, sizeof(*p->inv));
		if (!p->max || !p->inv) {
			free(p->max);
			free(p->inv);
			free(p);
			return ct_fail(err, -ENOMEM, "out of memory");
		}
	}
	pthread_mutex_init(&p->lock, NULL);
	*packer = p;
	return 0;
}

unsigned int ct_packer_passes(const struct ct_packer *p)
{
	return p->in_major && p->enc == CTRANS_ENC_S8 ? 2 : 1;
}

static uint32_t rows_of(const struct ct_packer *p)
{
	return p->in_major ? p->n_in : p->n_out;
}

bool ct_packer_ready(const struct ct_packer *p, unsigned int pass)
{
	return !pass || p->rows_seen[0] == rows_of(p);
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

/* One scale from the largest magnitude; a row of zeros has scale 0. */
static float inverse(uint32_t max_bits, float *scale)
{
	float max;

	memcpy(&max, &max_bits, sizeof(max));
	*scale = max / 127.0f;
	/* below this 127 / max would overflow; such weights are nothing */
	if (max < 1e-35f) {
		*scale = 0.0f;
		return 0.0f;
	}
	return 127.0f / max;
}

/* Rows are outputs @first and on, all of one tile. */
static int pack_outputs(struct ct_packer *p, uint32_t first, uint32_t n,
			const float *rows, struct ct_err *err)
{
	uint64_t tile_bytes = (uint64_t)round_up(p->n_in, QUAD) * TILE;
	int8_t *tile = (int8_t *)p->dst.weights + first / TILE * tile_bytes +
		       first % TILE * QUAD;
	float inv[TILE];

	for (uint32_t j = 0; j < n; j++) {
		uint32_t max = ct_max_bits(rows + (uint64_t)j * p->n_in, p->n_in);

		if (max >= CT_BITS_INFINITE)
			return not_finite(err);
		inv[j] = inverse(max, &p->dst.scale[first + j]);
	}
	ct_quantise_outputs(rows, p->n_in, n, inv, tile, p->dst.colsum + first);
	return 0;
}

static int outputs(struct ct_packer *p, uint32_t first, uint32_t n,
		   const float *rows, struct ct_err *err)
{
	while (n) {
		uint32_t here = TILE - first % TILE;
		int ret;

		if (here > n)
			here = n;
		ret = pack_outputs(p, first, here, rows, err);
		if (ret)
			return ret;
		rows += (uint64_t)here * p->n_in;
		first += here;
		n -= here;
	}
	return 0;
}

/* Rows are inputs, seen for the first time. */
static int look_at_inputs(struct ct_packer *p, uint32_t n, const float *rows,
			  struct ct_err *err)
{
	bool finite = true;

	for (uint32_t at = 0; at < p->n_out; at += COLUMNS) {
		uint32_t cols = p->n_out - at < COLUMNS ? p->n_out - at : COLUMNS;
		uint32_t max[COLUMNS] = { 0 };

		for (uint32_t i = 0; i < n; i++)
			ct_max_bits_each(rows + (uint64_t)i * p->n_out + at, cols, max);
		pthread_mutex_lock(&p->lock);
		for (uint32_t j = 0; j < cols; j++) {
			if (max[j] > p->max[at + j])
				p->max[at + j] = max[j];
			finite &= max[j] < CT_BITS_INFINITE;
		}
		pthread_mutex_unlock(&p->lock);
	}
	return finite ? 0 : not_finite(err);
}

/* All have been seen, and nobody adds to max any more. */
static void find_scales(struct ct_packer *p)
{
	for (uint32_t n = 0; n < p->n_out; n++)
		p->inv[n] = inverse(p->max[n], &p->dst.scale[n]);
}

/* Some of four inputs: bytes here and there, beside what others write. */
static void pack_few_inputs(struct ct_packer *p, uint32_t k, uint32_t n,
			    const float *rows, int32_t *sums)
{
	uint64_t tile_bytes = (uint64_t)round_up(p->n_in, QUAD) * TILE;
	uint32_t out = p->n_out;

	for (uint32_t j = 0; j < out; j++) {
		int8_t *to = (int8_t *)p->dst.weights + j / TILE * tile_bytes +
			     (uint64_t)k / QUAD * TILE * QUAD + j % TILE * QUAD +
			     k % QUAD;

		for (uint32_t i = 0; i < n; i++) {
			to[i] = ct_quantise(rows[(uint64_t)i * out + j], p->inv[j]);
			sums[j] += to[i];
		}
	}
}

/* Rows are inputs, seen for the second time. */
static int pack_inputs(struct ct_packer *p, uint32_t first, uint32_t n,
		       const float *rows, struct ct_err *err)
{
	uint64_t tile_bytes = (uint64_t)round_up(p->n_in, QUAD) * TILE;
	int32_t *sums = calloc(p->n_out, sizeof(*sums));

	if (!sums)
		return ct_fail(err, -ENOMEM, "out of memory");
	while (n) {
		uint32_t here = QUAD - first % QUAD;

		if (here > n)
			here = n;
		if (here == QUAD)
			ct_quantise_inputs(rows, p->n_out, p->inv,
				(int8_t *)p->dst.weights + (uint64_t)first * TILE,
				tile_bytes, sums);
		else
			pack_few_inputs(p, first, here, rows, sums);
		rows += (uint64_t)here * p->n_out;
		first += here;
		n -= here;
	}
	for (uint32_t j = 0; j < p->n_out; j++)
		__atomic_fetch_add(&p->dst.colsum[j], sums[j], __ATOMIC_RELAXED);
	free(sums);
	return 0;
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

static int all_f32(struct ct_packer *p, uint32_t first, uint32_t n,
		   const float *rows, struct ct_err *err)
{
	uint32_t cols = p->in_major ? p->n_out : p->n_in;

	if (!ct_all_finite(rows, (size_t)n * cols))
		return not_finite(err);
	for (uint32_t i = 0; i < n; i++)
		place_f32(p, first + i, rows + (uint64_t)i * cols);
	return 0;
}

int ct_packer_rows(struct ct_packer *p, unsigned int pass, uint32_t first,
		   uint32_t n, const float *rows, struct ct_err *err)
{
	uint32_t all = rows_of(p);
	int ret;

	if (pass >= ct_packer_passes(p) || !ct_packer_ready(p, pass) ||
	    first > all || n > all - first)
		return ct_fail(err, -EINVAL, "rows out of order");
	if (p->enc == CTRANS_ENC_F32)
		ret = all_f32(p, first, n, rows, err);
	else if (!p->in_major)
		ret = outputs(p, first, n, rows, err);
	else if (!pass)
		ret = look_at_inputs(p, n, rows, err);
	else
		ret = pack_inputs(p, first, n, rows, err);
	if (ret)
		return ret;
	if (p->max && !pass) {
		/* scales are there before the last rows count as seen */
		pthread_mutex_lock(&p->lock);
		if (p->rows_seen[0] + n == all)
			find_scales(p);
		p->rows_seen[0] += n;
		pthread_mutex_unlock(&p->lock);
	} else {
		p->rows_seen[pass] += n;
	}
	return 0;
}

int ct_packer_close(struct ct_packer *p, struct ct_err *err)
{
	int ret = 0;

	if (!p)
		return 0;
	for (unsigned int pass = 0; pass < ct_packer_passes(p) && !ret; pass++)
		if (p->rows_seen[pass] != rows_of(p))
			ret = ct_fail(err, -EBADMSG, "%u of %u rows",
				      p->rows_seen[pass], rows_of(p));
	pthread_mutex_destroy(&p->lock);
	free(p->max);
	free(p->inv);
	free(p);
	return ret;
}
