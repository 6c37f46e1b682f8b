// SPDX-License-Identifier: MIT
#include "chip_bench_model.h"

#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "convert/esc.h"

struct maker {
	struct bench *b;
	struct tiny *t;
	uint64_t seed;
};

static uint32_t rnd(struct maker *m)
{
	m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(m->seed >> 33);
}

static float uniform(struct maker *m, float lo, float hi)
{
	return lo + (hi - lo) * (float)(rnd(m) % 65536) / 65536.0f;
}

static uint32_t up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t put(struct maker *m, const void *src, uint64_t len)
{
	uint64_t va = bench_va(m->b, m->t->ctx, len);

	bench_write(m->b, m->t->ctx, va, src, len);
	return va;
}

static uint64_t floats(struct maker *m, uint32_t n, uint32_t pad, float lo, float hi)
{
	float *f = calloc(pad, sizeof(*f));
	uint64_t va;

	MUST(f);
	for (uint32_t i = 0; i < n; i++)
		f[i] = uniform(m, lo, hi);
	va = put(m, f, pad * sizeof(*f));
	free(f);
	return va;
}

struct matrix {
	uint64_t weights, colsum, scale, bias;
	uint32_t granules;
};

static int8_t weight(struct maker *m)
{
	bool small = m->t->small || m->t->enc == CTRANS_ENC_ESC;

	if (small && rnd(m) % 10)
		return (int8_t)((int)(rnd(m) % 32) - 16);
	return (int8_t)((int)(rnd(m) % 255) - 127);
}

static void put_esc(struct maker *m, const int8_t *w, uint32_t n_in, uint32_t n_out,
		    struct matrix *r)
{
	struct ct_esc_size size;
	void *esc;

	MUST(!ct_esc_bytes(w, n_in, n_out, &size, NULL));
	esc = malloc(size.bytes);
	MUST(esc && !ct_esc_pack(w, n_in, n_out, esc, size.bytes, NULL));
	r->weights = put(m, esc, size.bytes);
	r->granules = (uint32_t)(size.bytes / CTRANS_GRANULE);
	free(esc);
}

static struct matrix s8_matrix(struct maker *m, uint32_t n_in, uint32_t n_out)
{
	uint32_t quads = up(n_in, 4) / 4, pad = up(n_out, 16);
	int8_t *w = calloc(pad, 4ull * quads);
	int32_t *sum = calloc(pad, sizeof(*sum));
	struct matrix r = { 0 };

	MUST(w && sum);
	for (uint32_t n = 0; n < n_out; n++)
		for (uint32_t k = 0; k < n_in; k++) {
			int8_t v = weight(m);

			w[((n / 16 * (uint64_t)quads + k / 4) * 16 + n % 16) * 4 + k % 4] = v;
			sum[n] += v;
		}
	if (m->t->enc == CTRANS_ENC_ESC)
		put_esc(m, w, n_in, n_out, &r);
	else
		r.weights = put(m, w, 4ull * quads * pad);
	r.colsum = put(m, sum, 4ull * pad);
	r.scale = floats(m, n_out, pad, 0.0005f, 0.002f);
	free(w);
	free(sum);
	return r;
}

static struct matrix f32_matrix(struct maker *m, uint32_t n_in, uint32_t n_out)
{
	uint32_t in = up(n_in, 16), pad = up(n_out, 16);
	float *w = calloc((uint64_t)in * pad, sizeof(*w));
	struct matrix r = { 0 };

	MUST(w);
	for (uint32_t n = 0; n < n_out; n++)
		for (uint32_t k = 0; k < n_in; k++)
			w[(n / 16 * (uint64_t)in + k) * 16 + n % 16] =
				uniform(m, -0.2f, 0.2f);
	r.weights = put(m, w, 4ull * in * pad);
	free(w);
	return r;
}

static struct matrix matrix(struct maker *m, uint32_t n_in, uint32_t n_out)
{
	struct matrix r = m->t->enc == CTRANS_ENC_F32 ? f32_matrix(m, n_in, n_out) :
							s8_matrix(m, n_in, n_out);

	r.bias = floats(m, n_out, up(n_out, 16), -0.1f, 0.1f);
	return r;
}

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

struct rows {
	uint64_t va;
	uint32_t stride;
};

static struct rows rows(struct maker *m, uint32_t width)
{
	struct rows r = { .stride = up(4 * width, 64) };

	r.va = bench_va(m->b, m->t->ctx, (uint64_t)r.stride * TINY_ROWS);
	return r;
}

static void norm(struct maker *m, uint32_t at, struct rows in, struct rows out)
{
	struct ctrans_insn i = { .op = CTRANS_INSN_NORM, .tag = at };
	uint32_t n = m->t->width;

	i.norm = (struct ctrans_insn_norm){
		.in_va = in.va, .out_va = out.va,
		.gain_va = floats(m, n, n, 0.5f, 1.5f),
		.bias_va = floats(m, n, n, -0.2f, 0.2f),
		.in_stride = in.stride, .out_stride = out.stride, .n = n,
		.eps_f32 = bits(1e-5f),
	};
	tiny_set(m->b, m->t, at, &i);
}

static struct ctrans_insn linear(struct maker *m, uint8_t op, struct rows in,
				 struct rows out, uint32_t n_in, uint32_t n_out,
				 struct matrix w)
{
	struct ctrans_insn i = { .op = op, .tag = n_out };

	i.linear = (struct ctrans_insn_linear){
		.in_va = in.va, .out_va = out.va, .weight_va = w.weights,
		.colsum_va = w.colsum, .scale_va = w.scale, .bias_va = w.bias,
		.spike_mask = { m->t->spike_mask[0], m->t->spike_mask[1] },
		.in_stride = in.stride, .out_stride = out.stride,
		.n_in = n_in, .n_out = n_out,
		.theta_f32 = bits(m->t->theta_mode == CTRANS_THETA_STATIC ? 0.02f :
									     1.0f / 20),
		.encoding = m->t->enc, .theta_mode = m->t->theta_mode,
		.code = m->t->code, .weight_granules = w.granules,
	};
	return i;
}

static void embed(struct maker *m, const struct matrix *table, struct rows out)
{
	struct ctrans_insn i = { .op = CTRANS_INSN_EMBED };
	uint32_t row = up(4 * m->t->width, 64) / 4, n = 64 * TINY_BLOCKS;

	i.embed = (struct ctrans_insn_embed){
		.table_va = table->weights, .scale_va = table->scale,
		.position_va = floats(m, n * row, n * row, -0.05f, 0.05f),
		.out_va = out.va, .out_stride = out.stride, .n = m->t->width,
		.n_vocab = m->t->vocab, .n_positions = n, .encoding = m->t->enc,
		.weight_granules = table->granules,
	};
	tiny_set(m->b, m->t, TINY_EMBED, &i);
}

static void attention(struct maker *m, struct rows qkv, struct rows out)
{
	struct ctrans_insn i = { .op = CTRANS_INSN_ATTENTION };
	struct tiny *t = m->t;

	i.attention = (struct ctrans_insn_attention){
		.q_va = qkv.va, .k_va = qkv.va + 4 * t->width,
		.v_va = qkv.va + 8 * t->width, .out_va = out.va,
		.layer_offset = 128, .q_stride = qkv.stride, .kv_stride = qkv.stride,
		.out_stride = out.stride, .n_head = t->heads, .head_dim = t->head_dim,
		.scale_f32 = bits(0.25f), .n_positions = 64 * TINY_BLOCKS,
		.kv_type = t->kv,
	};
	tiny_set(m->b, t, TINY_ATTENTION, &i);
	t->block_bytes = 128 + t->heads * 2 * CTRANS_KV_TILE(t->kv, t->head_dim);
	for (uint32_t s = 0; s < TINY_SEQS; s++) {
		uint64_t blocks[TINY_BLOCKS];

		for (uint32_t j = 0; j < TINY_BLOCKS; j++)
			blocks[j] = bench_va(m->b, t->ctx, t->block_bytes);
		/* 8-byte alignment is enough for a table */
		t->table[s] = bench_va(m->b, t->ctx, sizeof(blocks) + 8) + 8;
		bench_write(m->b, t->ctx, t->table[s], blocks, sizeof(blocks));
	}
}

void tiny_build(struct bench *b, unsigned int ctx, struct tiny *t)
{
	struct maker m = { b, t, 12345 };
	struct rows x, xn, qkv, att, ffn, logits;
	struct matrix head;
	struct ctrans_insn i;
	uint32_t d = t->heads * t->head_dim;

	t->ctx = ctx;
	t->width = d;
	t->prog = bench_va(b, ctx, TINY_INSNS * sizeof(struct ctrans_insn));
	t->args = bench_va(b, ctx, sizeof(struct ctrans_args) +
				   TINY_ROWS * sizeof(struct ctrans_row));
	t->stats = bench_va(b, ctx, TINY_ROWS * TINY_INSNS * sizeof(struct ctrans_stat));
	head = matrix(&m, d, t->vocab);
	x = rows(&m, d);
	xn = rows(&m, d);
	qkv = rows(&m, 3 * d);
	att = rows(&m, d);
	ffn = rows(&m, t->inner);
	logits = rows(&m, t->vocab);
	t->x = x.va;
	t->logits = logits.va;
	t->logits_stride = logits.stride;
	t->topk_stride = up(16 + 8u * t->top_k, 64);
	t->topk = bench_va(b, ctx, (uint64_t)t->topk_stride * TINY_ROWS);

	embed(&m, &head, x);
	norm(&m, TINY_NORM_1, x, xn);
	i = linear(&m, CTRANS_INSN_LINEAR, xn, qkv, d, 3 * d, matrix(&m, d, 3 * d));
	tiny_set(b, t, TINY_QKV, &i);
	attention(&m, qkv, att);
	i = linear(&m, CTRANS_INSN_LINEAR, att, x, d, d, matrix(&m, d, d));
	i.linear.flags = CTRANS_LINEAR_ADD;
	tiny_set(b, t, TINY_PROJ, &i);
	norm(&m, TINY_NORM_2, x, xn);
	i = linear(&m, CTRANS_INSN_LINEAR, xn, ffn, d, t->inner, matrix(&m, d, t->inner));
	i.linear.act = t->act;
	tiny_set(b, t, TINY_UP, &i);
	i = linear(&m, CTRANS_INSN_LINEAR, ffn, x, t->inner, d, matrix(&m, t->inner, d));
	i.linear.flags = CTRANS_LINEAR_ADD;
	tiny_set(b, t, TINY_DOWN, &i);
	/* in place: allowed for a NORM */
	norm(&m, TINY_NORM_F, x, x);
	head.bias = 0;
	i = linear(&m, CTRANS_INSN_LOGITS, x, logits, d, t->vocab, head);
	i.linear.topk_va = t->topk;
	i.linear.topk_stride = t->topk_stride;
	i.linear.top_k = t->top_k;
	i.linear.rows_max = TINY_ROWS;
	tiny_set(b, t, TINY_LOGITS, &i);
}

void tiny_get(struct bench *b, const struct tiny *t, uint32_t insn,
	      struct ctrans_insn *i)
{
	bench_read(b, t->ctx, t->prog + insn * sizeof(*i), i, sizeof(*i));
}

void tiny_set(struct bench *b, const struct tiny *t, uint32_t insn,
	      const struct ctrans_insn *i)
{
	bench_write(b, t->ctx, t->prog + insn * sizeof(*i), i, sizeof(*i));
}

void tiny_args(struct bench *b, const struct tiny *t, const struct tiny_row *r,
	       uint32_t n)
{
	struct ctrans_args args = { .n_rows = n };

	MUST(n <= TINY_ROWS);
	for (uint32_t i = 0; i < n; i++) {
		struct ctrans_row row = {
			.token = r[i].token, .position = r[i].position,
			.flags = r[i].logits ? CTRANS_ROW_LOGITS : 0,
			.n_blocks = TINY_BLOCKS, .blocks_va = t->table[r[i].seq],
		};

		args.n_logits += r[i].logits;
		bench_write(b, t->ctx, t->args + sizeof(args) + i * sizeof(row), &row,
			    sizeof(row));
	}
	bench_write(b, t->ctx, t->args, &args, sizeof(args));
}

struct ctrans_sqe tiny_sqe(const struct tiny *t, bool stats)
{
	return (struct ctrans_sqe){
		.op = CTRANS_OP_RUN, .sequence = 11, .user_data = 0x1122334455667788,
		.prog_va = t->prog, .prog_len = TINY_INSNS * sizeof(struct ctrans_insn),
		.args_va = t->args, .stats_va = stats ? t->stats : 0,
	};
}

struct ctrans_cqe tiny_step(struct bench *b, unsigned int slot, const struct tiny *t,
			    const struct tiny_row *r, uint32_t n)
{
	struct ctrans_sqe sqe = tiny_sqe(t, true);

	tiny_args(b, t, r, n);
	bench_run(b, slot, &sqe);
	return bench_take(b, slot);
}
