// SPDX-License-Identifier: MIT
/*
 * Registers, doorbells, memory and work in any order: nothing hangs, nothing is
 * touched that the bus did not give, and a reset brings everything back.
 */
#include <stdint.h>
#include <string.h>

#include "../unit/chip_bench_model.h"
#include "../unit/chip_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bench b;

struct input {
	const uint8_t *p;
	size_t n;
};

static uint32_t take(struct input *in, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < bytes && in->n; i++, in->p++, in->n--)
		v |= (uint32_t)*in->p << 8 * i;
	return v;
}

static uint32_t offset(struct input *in)
{
	uint32_t kind = take(in, 1);

	if (kind < 100)
		return CTRANS_REG_Q(kind % 3) + take(in, 1) % 0x80 / 4 * 4;
	if (kind < 200)
		return take(in, 1) % 0x120 / 4 * 4;
	return take(in, 4);
}

static uint32_t number(struct input *in)
{
	uint32_t v = take(in, 1);

	switch (v >> 6) {
	case 0:		return v & 15;
	case 1:		return take(in, 4);
	case 2:		return (uint32_t)b.q[v % 3].tail + (v >> 2 & 7);
	default:	return (uint32_t)b.q[v % 3].status + (v & 0x38) * 64;
	}
}

static bool few(void *arg)
{
	return ++*(int *)arg >= 20;
}

static void fresh(struct tiny *t)
{
	static const struct tiny_row rows[2] = { { 1, 0, 0, true }, { 2, 1, 0, false } };

	bench_renew(&b);
	bench_grow(&b, 0, 512 << 10, BENCH_ORDERED);
	*t = (struct tiny){ .heads = 1, .head_dim = 8, .inner = 16, .vocab = 16,
			    .top_k = 1, .theta_mode = CTRANS_THETA_DYNAMIC };
	tiny_build(&b, 0, t);
	tiny_args(&b, t, rows, 2);
	for (unsigned int slot = 0; slot < 3; slot++)
		bench_queue(&b, slot, 0, 3, 3, slot * 0x7ffffffe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct ctrans_sqe sqe;
	struct tiny t;

	if (!b.chip)
		bench_open(&b, 2, "auto");
	fresh(&t);
	for (int steps = 0; in.n && steps < 200; steps++) {
		unsigned int slot = take(&in, 1) % 3;
		uint32_t reg, v;
		int jobs = 0;

		switch (take(&in, 1) % 8) {
		case 0:
			(void)chip_read(b.chip, offset(&in));
			break;
		case 1:
			reg = offset(&in);
			v = number(&in);
			/* not into page tables and rings, which are the kernel's to guard */
			if ((reg - CTRANS_REG_Q(0)) % 0x80 == CTRANS_Q_STATUS_LO)
				v = (uint32_t)b.q[slot].status;
			chip_write(b.chip, reg, v);
			break;
		case 2:
			v = take(&in, 1) % 5 * 4;
			chip_doorbell(b.chip, slot, v, number(&in));
			break;
		case 3:
			sqe = tiny_sqe(&t, slot);
			if (take(&in, 1) % 4 == 0)
				sqe.op = CTRANS_OP_NOP;
			bench_fill(&b, slot, &sqe);
			break;
		case 4:
		case 5:
			bench_ring(&b, slot);
			break;
		default:
			MUST(chip_work(b.chip, few, &jobs) >= 0);
			break;
		}
	}
	/* whatever has been done, a reset is one */
	fresh(&t);
	sqe = tiny_sqe(&t, true);
	bench_run(&b, 1, &sqe);
	MUST(bench_take(&b, 1).status == CTRANS_ST_OK);
	return 0;
}
