// SPDX-License-Identifier: MIT
/*
 * The reference's sums: the domains are really executed, multiply by multiply and
 * spike by spike, and their operations counted. Nothing here is chosen for speed.
 */
#include <stdlib.h>
#include <string.h>

#include "chip/fp.h"
#include "chip/kernel_ref.h"
#include "chip/train.h"

#define N_OUT CTRANS_TILE_OUT

/* ---- Three domains ----------------------------------------------------- */

static enum chip_domain domain_of(const struct chip_ref_work *work, uint32_t k)
{
	static const struct chip_dispatch dense;

	return chip_train_domain(work->dispatch ? work->dispatch : &dense,
				 work->a[k], k, work->units);
}

/* Weight of input k for output j, k counted from k0. */
static int32_t weight(const struct chip_ref_work *work, uint32_t k, unsigned int j)
{
	uint32_t i = k - work->k0;

	return work->w[(size_t)i / 4 * (4 * N_OUT) + j * 4 + i % 4];
}

static uint64_t ref_dense(const struct chip_ref_work *work, int64_t s[16])
{
	uint64_t ops = 0;

	for (uint32_t k = work->k0; k < work->k1; k++) {
		int32_t a = work->a[k];

		if (domain_of(work, k) != CHIP_DENSE)
			continue;
		for (unsigned int j = 0; j < N_OUT; j++)
			s[j] += a * weight(work, k, j);
		ops += N_OUT;
	}
	return ops;
}

/* One spike: every output adds the weight, or subtracts it. */
static void spike(const struct chip_ref_work *work, uint32_t k, bool add,
		  unsigned int shift, int64_t s[16])
{
	for (unsigned int j = 0; j < N_OUT; j++) {
		int32_t w = weight(work, k, j) * (1 << shift);

		if (add)
			s[j] += w;
		else
			s[j] -= w;
	}
}

/*
 * Time goes by in the outer loop, as in the array. An inhibitory spike turns
 * round what the value's sign says.
 */
static uint64_t ref_spiking(const struct chip_ref_work *work, int64_t s[16])
{
	const struct chip_dispatch *d = work->dispatch;
	uint64_t ops = 0;

	for (uint32_t t = 0; d && t < chip_train_steps(d); t++) {
		for (uint32_t k = work->k0; k < work->k1; k++) {
			int32_t a = work->a[k];
			int fired;

			if (domain_of(work, k) != CHIP_SPIKING)
				continue;
			fired = chip_train_at(d, (uint32_t)abs(a), t);
			if (!fired)
				continue;
			spike(work, k, (a > 0) == (fired > 0),
			      chip_train_shift(d, t), s);
			/* SAMPLE is defined by the whole sum; the chip makes a part */
			if (chip_train_integrated(d, t))
				ops += N_OUT;
		}
	}
	return ops;
}

/* A 16-bit multiply of two byte products, the upper one signed. */
static uint64_t ref_outlier(const struct chip_ref_work *work, int64_t s[16])
{
	uint64_t ops = 0;

	for (uint32_t k = work->k0; k < work->k1; k++) {
		int32_t a = work->a[k];
		int32_t low = a & 0xff;
		int32_t high = (a - low) / 256;

		if (domain_of(work, k) != CHIP_OUTLIER)
			continue;
		for (unsigned int j = 0; j < N_OUT; j++) {
			int32_t w = weight(work, k, j);

			s[j] += high * w * 256 + low * w;
		}
		ops += N_OUT;
	}
	return ops;
}

const struct chip_ref_domains chip_ref_domains = {
	.dense = ref_dense,
	.spiking = ref_spiking,
	.outlier = ref_outlier,
};

void chip_ref_sums(const struct chip_ref_domains *domains,
		   const struct chip_sums *sums)
{
	for (uint32_t r = 0; r < sums->n_rows; r++) {
		struct chip_domain_counts counts = { 0 };
		uint64_t units[CHIP_UNIT_WORDS];

		if (sums->dispatch)
			chip_train_units(sums->dispatch, sums->rows[r]->a,
					 sums->rows[r]->n, units);
		for (uint32_t t = 0; t < sums->n_tiles; t++) {
			struct chip_ref_work work = {
				.a = sums->rows[r]->a,
				.w = sums->w + t * sums->tile_stride,
				.k0 = sums->k0,
				.k1 = sums->k1,
				.dispatch = sums->dispatch,
				.units = units,
			};
			int64_t dense[16] = { 0 }, spiking[16] = { 0 };
			int64_t outlier[16] = { 0 };

			counts.dense_ops += domains->dense(&work, dense);
			counts.spike_ops += domains->spiking(&work, spiking);
			counts.outlier_ops += domains->outlier(&work, outlier);
			for (unsigned int j = 0; j < N_OUT; j++)
				sums->acc[r][t * N_OUT + j] +=
					dense[j] + spiking[j] + outlier[j];
		}
		if (sums->counts) {
			sums->counts[r].dense_ops += counts.dense_ops;
			sums->counts[r].spike_ops += counts.spike_ops;
			sums->counts[r].outlier_ops += counts.outlier_ops;
		}
	}
}

/* ---- Speculation by a bound ---------------------------------------------- */

/* The least integer not below the norm of what planes @p and lower have. */
static uint64_t left_norm(const struct chip_ref_work *work, uint32_t p)
{
	uint64_t square = 0, root = 0;

	for (uint32_t k = work->k0; k < work->k1; k++) {
		uint32_t m = (uint32_t)abs(work->a[k]) % (2u << p);

		if (domain_of(work, k) == CHIP_SPIKING)
			square += m * m;
	}
	while (root * root < square)
		root++;
	return root;
}

static void bound_check(const struct chip_bounded *b, const struct chip_ref_work *work,
			uint32_t first, uint32_t p, const int64_t s[16], bool done[16])
{
	uint64_t left = left_norm(work, p);

	for (uint32_t j = 0; j < N_OUT && first + j < b->n; j++) {
		float scale = b->row->theta * b->scale[first + j];
		float bias = b->bias ? b->bias[first + j] : 0.0f;
		int64_t most = s[j] + (int64_t)(left * chip_norm(b->norm[first + j]));

		if (done[j] || !(scale > 0.0f && scale < __builtin_inff()) ||
		    !(chip_fma((float)most, scale, bias) <= 0.0f))
			continue;
		done[j] = true;
		b->counts->done[p]++;
	}
}

static void bound_tile(const struct chip_bounded *b, const struct chip_ref_work *work,
		       uint32_t first, int64_t s[16])
{
	bool done[N_OUT] = { false };

	b->counts->dense_ops += ref_dense(work, s);
	b->counts->outlier_ops += ref_outlier(work, s);
	for (uint32_t p = 7; p-- > 0;) {
		if (p < CTRANS_BOUND_PLANES)
			bound_check(b, work, first, p, s, done);
		for (uint32_t k = work->k0; k < work->k1; k++) {
			int32_t a = work->a[k];

			if (domain_of(work, k) != CHIP_SPIKING ||
			    !((uint32_t)abs(a) >> p & 1))
				continue;
			for (uint32_t j = 0; j < N_OUT; j++) {
				int32_t w = weight(work, k, j) * (1 << p);

				if (done[j])
					continue;
				s[j] += a > 0 ? w : -w;
				b->counts->spike_ops++;
			}
		}
	}
}

void chip_ref_bound(const struct chip_bounded *b)
{
	uint64_t units[CHIP_UNIT_WORDS];
	struct chip_ref_work work = {
		.a = b->row->a, .k1 = b->n_in, .dispatch = b->dispatch, .units = units,
	};

	chip_train_units(b->dispatch, b->row->a, b->row->n, units);
	for (uint32_t j = 0; j < b->n; j += N_OUT) {
		work.w = b->w + j / N_OUT * b->tile_stride;
		memset(b->s + j, 0, N_OUT * sizeof(*b->s));
		bound_tile(b, &work, j, b->s + j);
	}
}
