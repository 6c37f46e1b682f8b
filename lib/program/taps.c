// SPDX-License-Identifier: MIT
#include "program/taps.h"

static uint64_t granules(uint64_t bytes)
{
	return (bytes + CTRANS_GRANULE - 1) / CTRANS_GRANULE * CTRANS_GRANULE;
}

/* Where an instruction writes; 0: nowhere that a linear reads. */
static uint64_t output(const struct ctrans_insn *i)
{
	switch (i->op) {
	case CTRANS_INSN_EMBED:
		return i->embed.out_va;
	case CTRANS_INSN_NORM:
		return i->norm.out_va;
	case CTRANS_INSN_ATTENTION:
		return i->attention.out_va;
	case CTRANS_INSN_LINEAR:
		return i->linear.out_va;
	default:
		return 0;
	}
}

/* It works on what is there already. */
static bool updates(const struct ctrans_insn *i)
{
	return i->op == CTRANS_INSN_LINEAR &&
	       i->linear.flags & (CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL);
}

/* The last before @at, which is a linear, that writes its input. */
static size_t producer(const struct ctrans_insn *prog, size_t at)
{
	uint64_t in = prog[at].linear.in_va;

	while (at && output(&prog[at - 1]) != in)
		at--;
	return at ? at - 1 : 0;
}

uint64_t ct_taps_plan(const struct ctrans_insn *prog, size_t n, uint32_t rows,
		      bool outputs, struct ct_tap *taps)
{
	uint64_t used = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ctrans_insn_linear *l = &prog[i].linear;

		if (!ct_insn_quantises(&prog[i]))
			continue;
		taps[k] = (struct ct_tap){
			.in = used,
			.in_stride = (uint32_t)granules(4ull * l->n_in),
			.out_stride = (uint32_t)granules(4ull * l->n_out),
			.insn = i,
		};
		if (k && producer(prog, i) == producer(prog, taps[k - 1].insn))
			taps[k].in = taps[k - 1].in;
		else
			used += (uint64_t)rows * taps[k].in_stride;
		taps[k].out = used;
		used += outputs ? (uint64_t)rows * taps[k].out_stride : 0;
		k++;
	}
	return used;
}

/* What the instruction writes goes to @va. */
static void redirect(struct ctrans_insn *i, uint64_t va, uint32_t stride)
{
	switch (i->op) {
	case CTRANS_INSN_EMBED:
		i->embed.out_va = va;
		i->embed.out_stride = stride;
		break;
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

/* Of what stays, as sums go on from it, a copy is made for the tap. */
static bool stays(const struct ctrans_insn *i)
{
	return i->op == CTRANS_INSN_EMBED ||
	       (i->op == CTRANS_INSN_NORM && i->norm.in_va == i->norm.out_va);
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
	sum.linear.flags &= (uint8_t)~(CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL);
	sum.linear.speculation = CTRANS_SPEC_NONE;
	sum.linear.spec_steps = 0;
	return sum;
}

struct copier {
	struct ctrans_insn *to;
	size_t n;			/* written */
};

/* What made @in, and what has updated it since, writes to @va. */
static void tap_producers(struct copier *c, uint64_t in, uint64_t va, uint32_t stride)
{
	size_t i = c->n;

	while (i-- > 0) {
		bool more = updates(&c->to[i]);

		if (output(&c->to[i]) != in)
			continue;
		redirect(&c->to[i], va, stride);
		if (!more)
			return;
	}
}

size_t ct_taps_build(const struct ctrans_insn *prog, size_t n,
		     const struct ct_tap *taps, uint64_t base, bool outputs,
		     struct ctrans_insn *to)
{
	struct copier c = { .to = to };
	const struct ct_tap *tap = taps;

	for (size_t i = 0; i < n; i++) {
		struct ctrans_insn here = prog[i];

		/* before every NORM and EMBED there is a linear to come */
		if (stays(&here) && producer(prog, tap->insn) == i) {
			to[c.n] = here;
			redirect(&to[c.n++], base + tap->in, tap->in_stride);
		}
		if (ct_insn_quantises(&here)) {
			size_t from = producer(prog, i);
			uint64_t in = here.linear.in_va;

			here.linear.in_va = base + tap->in;
			here.linear.in_stride = tap->in_stride;
			if (!stays(&prog[from]) && (tap == taps || tap->in != tap[-1].in))
				tap_producers(&c, in, here.linear.in_va, tap->in_stride);
			if (outputs)
				to[c.n++] = ct_tap_sum(&here, base + tap->out,
						       tap->out_stride);
			tap++;
		}
		if (here.op != CTRANS_INSN_LOGITS)
			to[c.n++] = here;
	}
	return c.n;
}
