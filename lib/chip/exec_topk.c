// SPDX-License-Identifier: MIT
/* The best logits of each row that asked, and its log-sum-exp. */
#include "chip/internal.h"

#include <string.h>

#include "chip/fp.h"

#define SPAN	1024u
#define PART	64u	/* of a span, passed over if none of it is among the best */

struct entry {
	uint32_t id;
	float logit;
};

static const float *span(const struct chip_job *job, const struct chip_op *op,
			 uint32_t row, uint32_t i, float *scratch, uint32_t *n)
{
	const struct ctrans_insn_linear *l = &op->insn.linear;

	*n = l->n_out - i < SPAN ? l->n_out - i : SPAN;
	return chip_gather(job, &op->o[CHIP_OUT],
			   (uint64_t)row * l->out_stride + 4ull * i, 4ull * *n, scratch);
}

/* Keep the best k, highest first; equal logits stay in order of id. */
static uint32_t insert(struct entry *e, uint32_t n, uint32_t k, uint32_t id,
		       float logit)
{
	uint32_t i = n < k ? n : k - 1;

	while (i && logit > e[i - 1].logit) {
		e[i] = e[i - 1];
		i--;
	}
	e[i] = (struct entry){ id, logit };
	return n < k ? n + 1 : k;
}

static bool beaten(float m, const struct entry *e, uint32_t n, uint32_t k)
{
	return n == k && m <= e[n - 1].logit;
}

/* Logits of ids first.. into the best k. The kernel's max tells where to look. */
static uint32_t insert_all(const struct chip_kernel *kn, struct entry *e, uint32_t n,
			   uint32_t k, uint32_t first, const float *x, uint32_t n_x)
{
	for (uint32_t i = 0; i < n_x; i += PART) {
		uint32_t end = n_x - i < PART ? n_x : i + PART;

		if (beaten(kn->max(x + i, end - i), e, n, k))
			continue;
		for (uint32_t j = i; j < end; j++)
			if (x[j] == x[j] && !beaten(x[j], e, n, k))
				n = insert(e, n, k, first + j, x[j]);
	}
	return n;
}

static void best(struct chip_worker *w, const struct chip_op *op, uint32_t row)
{
	const struct ctrans_insn_linear *l = &op->insn.linear;
	const struct chip_kernel *kn = w->chip->kernel;
	const struct chip_job *job = chip_worker_job(w);
	struct {
		struct ctrans_topk head;
		struct entry e[CTRANS_TOPK_MAX];
	} out = { 0 };
	float scratch[SPAN], max = 0.0f, sum = 0.0f, lse;
	uint32_t found = 0, n;

	for (uint32_t i = 0; i < l->n_out; i += SPAN) {
		const float *x = span(job, op, row, i, scratch, &n);
		float m = kn->max(x, n);

		max = i == 0 || m > max ? m : max;
		if (l->top_k && !beaten(m, out.e, found, l->top_k))
			found = insert_all(kn, out.e, found, l->top_k, i, x, n);
	}
	for (uint32_t i = 0; i < l->n_out; i += SPAN) {
		const float *x = span(job, op, row, i, scratch, &n);

		sum += kn->sumexp(x, n, max);
	}
	lse = max + chip_log(sum);
	memcpy(&out.head.lse_f32, &lse, 4);
	out.head.n = found;
	chip_scatter(job, &op->o[CHIP_TOPK], (uint64_t)row * l->topk_stride,
		     sizeof(out.head) + l->top_k * sizeof(out.e[0]), &out);
}

void chip_exec_topk(struct chip_worker *w, const struct chip_op *op)
{
	struct chip_job *job = chip_worker_job(w);
	uint32_t lo, hi;

	while (chip_claim(w, job->n_logits, 1, &lo, &hi)) {
		for (uint32_t r = lo; r < hi; r++) {
			best(w, op, r);
			if (chip_unit_done(w))
				return;
		}
	}
}
