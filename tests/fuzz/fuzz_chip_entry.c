// SPDX-License-Identifier: MIT
/*
 * Entries, programs and arguments from outside. The input begins as a program
 * that is right, over memory that is scattered; then either bytes of its
 * entry, arguments, tables, sources and instructions are changed one by one, or
 * all of them are replaced. Whatever it says, the chip touches only memory of
 * the context, ends, and completes the entry or stops the queue.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/chip_bench_model.h"
#include "../unit/chip_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bench b;

#define MEMORY (700u << 10)

static const struct tiny shapes[] = {
	{ .heads = 2, .head_dim = 12, .inner = 40, .vocab = 37, .top_k = 3,
	  .theta_mode = CTRANS_THETA_DYNAMIC, .spike_mask = { ~0ull, 0 } },
	{ .heads = 1, .head_dim = 16, .inner = 33, .vocab = 20, .top_k = 1,
	  .kv = CTRANS_KV_F32, .code = CTRANS_CODE_RADIX },
	{ .heads = 2, .head_dim = 8, .inner = 20, .vocab = 17, .enc = CTRANS_ENC_F32,
	  .theta_mode = CTRANS_THETA_DYNAMIC },
	{ .heads = 3, .head_dim = 20, .inner = 280, .vocab = 18, .kv = CTRANS_KV_S8,
	  .enc = CTRANS_ENC_ESC },
};

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

/* Values at the edges of what fields may hold are more likely than others. */
static uint64_t value(struct input *in)
{
	static const uint64_t edges[] = {
		0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 255, 1u << 17, 1u << 24,
		UINT32_MAX, UINT32_MAX - 63, CTRANS_VA_MIN, BENCH_VA, 1ull << 38,
		(1ull << 39) - 64, 1ull << 39, UINT64_MAX, UINT64_MAX - 63, 4096,
		0x7f800000, 0x7fc00000, 0x00000001, 0x80000000, 65536, 1024,
	};
	uint32_t pick = take(in, 1);

	if (pick < sizeof(edges) / sizeof(edges[0]))
		return edges[pick];
	if (pick < 128)	/* somewhere in memory */
		return BENCH_VA + (uint64_t)take(in, 2) * 64 % (1 << 20);
	return take(in, 4) | (uint64_t)take(in, pick & 3) << 32;
}

/* Change a field of 1, 2, 4 or 8 bytes of what lies at @va. */
static void change(struct input *in, const struct tiny *t, uint64_t va, uint32_t bytes)
{
	uint32_t size = 1u << take(in, 1) % 4;
	uint32_t at = take(in, 2) % (bytes / size) * size;
	uint64_t v = value(in);

	bench_write(&b, t->ctx, va + at, &v, size);
}

static void fill(struct input *in, const struct tiny *t, uint64_t va, uint32_t bytes)
{
	uint32_t n = in->n < bytes ? (uint32_t)in->n : bytes;

	bench_write(&b, t->ctx, va, in->p, n);
	in->p += n;
	in->n -= n;
}

/* Rows of three sequences in turn, or of two, so that rows attend together. */
static void arguments(struct input *in, const struct tiny *t, bool runs)
{
	uint32_t n = take(in, 1) % TINY_ROWS + 1;
	struct tiny_row rows[TINY_ROWS];

	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct tiny_row){ i % t->vocab, i * 5,
					     runs ? i / 12 : i % 3, i % 2 };
	tiny_args(&b, t, rows, n);
}

/* What encoders and decoders have beside a GPT-2; returns the source that rows have. */
static uint64_t seq2seq(const struct tiny *t, uint32_t how)
{
	struct ctrans_source src = { .n_positions = 65 + how, .n_blocks = TINY_BLOCKS };
	struct ctrans_insn at, i;
	struct ctrans_insn_attention *a = &at.attention;
	uint64_t blocks[TINY_BLOCKS], source = bench_va(&b, t->ctx, sizeof(src) + sizeof(blocks));

	bench_read(&b, t->ctx, t->table[3], blocks, sizeof(blocks));
	bench_write(&b, t->ctx, source, &src, sizeof(src));
	bench_write(&b, t->ctx, source + sizeof(src), blocks, sizeof(blocks));
	tiny_get(&b, t, TINY_ATTENTION, &at);
	a->attend = how & 3;
	if (a->attend == CTRANS_ATTEND_STORE) {
		a->q_va = a->out_va = 0;
		a->q_stride = a->out_stride = 0;
	} else if (a->attend == CTRANS_ATTEND_SOURCE) {
		a->k_va = a->v_va = 0;
		a->kv_stride = 0;
	} else if (how & 4) {
		a->bias_span = 1 + 4 * how;
		a->bias_va = bench_va(&b, t->ctx, t->heads * 1088);
	}
	tiny_set(&b, t, TINY_ATTENTION, &at);
	if (how & 8) {
		tiny_get(&b, t, TINY_EMBED, &i);
		i.embed.factor_f32 = 0x41c00000;	/* 24 */
		tiny_set(&b, t, TINY_EMBED, &i);
		tiny_get(&b, t, TINY_NORM_2, &i);
		i.norm.kind = CTRANS_NORM_RMS;
		i.norm.bias_va = 0;
		tiny_set(&b, t, TINY_NORM_2, &i);
		tiny_get(&b, t, TINY_UP, &i);
		i.linear.flags = CTRANS_LINEAR_MUL;
		tiny_set(&b, t, TINY_UP, &i);
	}
	return source;
}

static void set_sources(const struct tiny *t, uint64_t va)
{
	for (uint32_t r = 0; r < TINY_ROWS; r++)
		bench_write(&b, t->ctx, t->args + sizeof(struct ctrans_args) +
			    r * sizeof(struct ctrans_row) +
			    offsetof(struct ctrans_row, source_va), &va, 8);
}

#define ARGS_BYTES (sizeof(struct ctrans_args) + TINY_ROWS * sizeof(struct ctrans_row))
#define PROG_BYTES (TINY_INSNS * sizeof(struct ctrans_insn))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint32_t how = take(&in, 1), more = take(&in, 1);
	uint32_t changes = more % 8;
	struct tiny t = shapes[how & 3];
	struct ctrans_sqe sqe;
	uint64_t turned[8], turn[8], source;
	uint32_t before, n_turned = 0;

	if (!b.chip)
		bench_open(&b, 1, how & 64 ? "reference" : "auto");
	bench_renew(&b);
	bench_grow(&b, 0, MEMORY, how & 4 ? BENCH_SHUFFLED : BENCH_ORDERED);
	if (how & 8)
		b.piece = 64u << take(&in, 1) % 8;
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, take(&in, 4));
	arguments(&in, &t, how & 128);
	source = seq2seq(&t, more / 8);
	set_sources(&t, source);
	sqe = tiny_sqe(&t, how & 16);
	if (how & 32) {
		fill(&in, &t, t.args, ARGS_BYTES);
		fill(&in, &t, t.prog, PROG_BYTES);
	}
	while (changes--) {
		switch (take(&in, 1) % 8) {
		case 0: {
			uint32_t n = 1u << take(&in, 1) % 4;
			uint32_t at = take(&in, 1) % (64 / n) * n;
			uint64_t v = value(&in);

			memcpy((uint8_t *)&sqe + at, &v, n);
			break;
		}
		case 1:
			change(&in, &t, t.args, ARGS_BYTES);
			break;
		case 2:
			change(&in, &t, t.table[take(&in, 1) % 3], 8 * TINY_BLOCKS);
			break;
		case 3: {	/* a page less, or read-only, or a wrong entry */
			uint32_t bit = take(&in, 1) % 50;

			/* address bits of the bus itself would be the kernel's fault */
			turned[n_turned] = BENCH_VA + (uint64_t)take(&in, 1) * 4096 % MEMORY;
			turn[n_turned++] = 1ull << (bit < 12 ? bit : bit + 14);
			break;
		}
		case 4: {	/* weights: of compressed ones a table, and blocks */
			struct ctrans_insn i;

			tiny_get(&b, &t, take(&in, 1) & 1 ? TINY_QKV : TINY_DOWN, &i);
			change(&in, &t, i.linear.weight_va, 4096);
			break;
		}
		case 5:
			change(&in, &t, source, sizeof(struct ctrans_source) +
						8 * TINY_BLOCKS);
			break;
		default:
			change(&in, &t, t.prog, PROG_BYTES);
			break;
		}
	}
	before = b.q[0].head;
	bench_fill(&b, 0, &sqe);
	for (uint32_t i = 0; i < n_turned; i++)
		*bench_pte(&b, 0, turned[i], 2) ^= turn[i];
	bench_ring(&b, 0);
	MUST(bench_work(&b) >= 0);
	if (bench_line(&b, 0)->state == CTRANS_QSTATE_RUNNING)
		MUST(bench_line(&b, 0)->cq_tail == before + 1);
	else
		MUST(bench_line(&b, 0)->error == CTRANS_QERR_JOB ||
		     bench_line(&b, 0)->error == CTRANS_QERR_SQ_FAULT);
	return 0;
}
