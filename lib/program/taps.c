// SPDX-License-Identifier: MIT
#include "program/taps.h"

static uint64_t granules(uint64_t bytes)
{
	return (bytes + CTRANS_GRANULE - 1) / CTRANS_GRANULE * CTRANS_GRANULE;
}

uint64_t ct_taps_plan(const struct ctrans_insn *prog, size_t n, uint32_t rows,
		      bool outputs, struct ct_tap *taps)
{
	uint64_t used = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ctrans_insn_linear *l = &prog[i].linear;

		if (!ct_insn_quantises(&prog[i]))
			continue;
		*taps = (struct ct_tap){
			.in = used,
			.in_stride = (uint32_t)granules(4ull * l->n_in),
			.out_stride = (uint32_t)granules(4ull * l->n_out),
			.insn = i,
		};
		used += (uint64_t)rows * taps->in_stride;
		taps->out = used;
		used += outputs ? (uint64_t)rows * taps->out_stride : 0;
		taps++;
	}
	return used;
}

/* What the instruction writes goes to @va. */
static void redirect(struct ctrans_insn *i, uint64_t va, uint32_t stride)
{
	switch (i->op) {
	case CTRANS_INSN_NORM:
		i->norm.out_va = va;
		i->norm.out_stride = stride;
		break;
	case CTRANS_INSN_ATTENTION:
		i->attention.out_va = va;
		i->attention.out_stride = stride;
		break;
	case CTRANS_INSN_LINEAR:
		i->linear.out_va = va;
		i->linear.out_stride = stride;
		break;
	}
}

struct ctrans_insn ct_tap_sum(const struct ctrans_insn *linear, uint64_t va,
			      uint32_t stride)
{
	struct ctrans_insn sum = *linear;

	sum.op = CTRANS_INSN_LINEAR;
	sum.linear.out_va = va;
	sum.linear.out_stride = stride;
	sum.linear.topk_va = 0;
	sum.linear.topk_stride = 0;
	sum.linear.rows_max = 0;
	sum.linear.top_k = 0;
	sum.linear.act = CTRANS_ACT_NONE;
	sum.linear.flags &= (uint8_t)~CTRANS_LINEAR_ADD;
	sum.linear.speculation = CTRANS_SPEC_NONE;
	sum.linear.spec_steps = 0;
	return sum;
}

size_t ct_taps_build(const struct ctrans_insn *prog, size_t n,
		     const struct ct_tap *taps, uint64_t base, bool outputs,
		     struct ctrans_insn *to)
{
	struct ctrans_insn *next = to;

	for (size_t i = 0; i < n; i++) {
		struct ctrans_insn here = prog[i];

		if (ct_insn_quantises(&here)) {
			here.linear.in_va = base + taps->in;
			here.linear.in_stride = taps->in_stride;
			redirect(next - 1, here.linear.in_va, taps->in_stride);
			if (outputs)
				*next++ = ct_tap_sum(&here, base + taps->out,
						     taps->out_stride);
			taps++;
		}
		if (here.op != CTRANS_INSN_LOGITS)
			*next++ = here;
	}
	return (size_t)(next - to);
}
