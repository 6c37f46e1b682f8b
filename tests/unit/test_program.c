// SPDX-License-Identifier: MIT
/* Programs built for GPT-2s of all shapes: the chip takes every one and runs it. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "device/device.h"
#include "program/program.h"
#include "program/memory.h"

static const struct {
	uint32_t embd, head, layer, inner, vocab, ctx;
	enum ct_act act;
	bool tied;
} shapes[] = {
	{ 8, 2, 2, 32, 50, 16, CT_ACT_GELU_TANH, true },
	{ 26, 2, 1, 37, 53, 65, CT_ACT_GELU_ERF, false },
	{ 60, 3, 3, 240, 1030, 128, CT_ACT_RELU, true },
	{ 1, 1, 1, 1, 1, 1, CT_ACT_SILU, true },
	{ 64, 64, 1, 64, 16, 100, CT_ACT_GELU_TANH, false },
	{ 512, 1, 1, 16, 17, 64, CT_ACT_GELU_TANH, true },
};

#define ROWS 3u

struct memory {
	struct ct_buf_dev buf;
	uint64_t used;
};

/* Zero weights do: what is checked is that everything is where it should be. */
static uint64_t part(struct memory *m, uint64_t bytes)
{
	uint64_t at = m->used;

	m->used += (bytes + 63) & ~63ull;
	MUST(m->used <= m->buf.size);
	return m->buf.va + at;
}

static struct ct_weight_va matrix(struct memory *m, uint32_t n_in, uint32_t n_out,
				  bool f32, bool bias)
{
	uint64_t out = (n_out + 15) / 16 * 16, in = (n_in + 15) / 16 * 16;
	struct ct_weight_va w = {
		.weights = part(m, out * in * (f32 ? 4 : 1)),
		.enc = f32 ? CTRANS_ENC_F32 : CTRANS_ENC_S8,
	};

	if (!f32) {
		w.scale = part(m, 4 * out);
		w.colsum = part(m, 4 * out);
	}
	if (bias)
		w.bias = part(m, 4 * out);
	return w;
}

static uint32_t stride(uint32_t n)
{
	return (4 * n + 63) / 64 * 64;
}

static void lay_out(struct memory *m, const struct ct_config *c,
		    struct ct_layer_va *v, struct ct_program_layout *at, bool f32)
{
	uint32_t d = c->n_embd;

	at->enc = f32 ? CTRANS_ENC_F32 : CTRANS_ENC_S8;
	at->kv = f32 ? CTRANS_KV_F32 : CTRANS_KV_F16;
	for (uint32_t i = 0; i < c->n_layer; i++)
		v[i] = (struct ct_layer_va){
			.ln_1 = { part(m, 4 * d), part(m, 4 * d) },
			.ln_2 = { part(m, 4 * d), part(m, 4 * d) },
			.qkv = matrix(m, d, 3 * d, f32, true),
			.proj = matrix(m, d, d, f32, true),
			.up = matrix(m, d, c->n_inner, f32, true),
			.down = matrix(m, c->n_inner, d, f32, true),
		};
	at->layer = v;
	at->wte = matrix(m, d, c->n_vocab, f32, false);
	at->head = c->tied_head ? at->wte : matrix(m, d, c->n_vocab, f32, false);
	at->wpe = part(m, (uint64_t)stride(d) * c->n_ctx);
	at->ln_f.gain = part(m, 4 * d);
	at->ln_f.bias = part(m, 4 * d);
	at->act.x_stride = stride(d);
	at->act.att_stride = stride(d);
	at->act.qkv_stride = stride(3 * d);
	at->act.ffn_stride = stride(c->n_inner);
	at->logits_stride = stride(c->n_vocab);
	at->act.x = part(m, ROWS * at->act.x_stride);
	at->act.xn = part(m, ROWS * at->act.x_stride);
	at->act.att = part(m, ROWS * at->act.x_stride);
	at->act.qkv = part(m, ROWS * at->act.qkv_stride);
	at->act.ffn = part(m, ROWS * at->act.ffn_stride);
	at->logits = part(m, ROWS * at->logits_stride);
	at->logits_rows = ROWS;
	at->top_k = 1;
	at->topk_stride = 64;
	at->topk = part(m, ROWS * 64);
	at->n_ctx = c->n_ctx;
	at->theta_factor = 0.05f;
}

static void run(const struct ct_config *c, bool f32, bool s8, bool calibrated)
{
	struct ctrans_dispatch dispatch[64] = { 0 };
	struct ct_program_layout at = { .dispatch = dispatch };
	struct ct_layer_va layers[3];
	struct memory m = { .used = 0 };
	size_t n = ct_program_length(c), linears = 0;
	struct ctrans_insn *prog;
	struct ctrans_args *args;
	struct ctrans_row *rows;
	uint64_t prog_va, args_va, table_va;
	float theta[64];
	struct ctrans_sqe sqe;
	struct ctrans_cqe cqe;
	struct ct_device *dev;
	struct ct_queue *q;
	struct ct_err err;
	uint8_t *base;

	MUST(!ct_device_open("sim:threads=2", &dev, NULL));
	MUST(!ct_queue_open(dev, 3, &q, NULL));
	MUST(!ct_device_alloc(dev, 16u << 20, &m.buf, NULL));
	base = m.buf.cpu;
	lay_out(&m, c, layers, &at, f32);
	for (size_t i = 0; i < ct_program_linears(c); i++)
		theta[i] = 0.5f + (float)i;
	at.theta = calibrated ? theta : NULL;
	at.kv = s8 ? CTRANS_KV_S8 : at.kv;
	/* each linear has its own */
	for (size_t i = 0; i < 64; i++)
		dispatch[i] = (struct ctrans_dispatch){ .spike_mask = { 2ull << i % 60, i },
							.code = i % 2, .flip = i % 3 == 0 };
	prog_va = part(&m, n * sizeof(*prog));
	prog = (struct ctrans_insn *)(base + (prog_va - m.buf.va));
	ct_program_build(c, &at, prog);
	for (size_t i = 0; i < n; i++) {
		float t;

		ck_assert_uint_lt(prog[i].tag >> 8, c->n_layer + 1);
		ck_assert_int_lt((int)ct_tag_kind(prog[i].tag), (int)CT_INSN_KINDS);
		if (prog[i].op != CTRANS_INSN_LINEAR && prog[i].op != CTRANS_INSN_LOGITS)
			continue;
		memcpy(&t, &prog[i].linear.theta_f32, 4);
		ck_assert_float_eq(t, calibrated ? theta[linears] : 0.05f);
		ck_assert_uint_eq(prog[i].linear.spike_mask[0], 2ull << linears % 60);
		ck_assert_uint_eq(prog[i].linear.spike_mask[1], linears);
		ck_assert_uint_eq(prog[i].linear.code, linears % 2);
		ck_assert_uint_eq(prog[i].linear.flags & CTRANS_LINEAR_FLIP,
				  linears % 3 ? 0 : CTRANS_LINEAR_FLIP);
		linears++;
	}
	ck_assert_uint_eq(linears, ct_program_linears(c));
	ck_assert_int_eq(prog[n - 1].op, CTRANS_INSN_LOGITS);

	table_va = part(&m, 16);
	((uint64_t *)(base + (table_va - m.buf.va)))[0] =
		part(&m, ct_program_block_bytes(c, at.kv));
	args_va = part(&m, sizeof(*args) + ROWS * sizeof(*rows));
	args = (struct ctrans_args *)(base + (args_va - m.buf.va));
	rows = (struct ctrans_row *)(args + 1);
	args->n_rows = c->n_ctx < ROWS ? c->n_ctx : ROWS;
	args->n_logits = args->n_rows;
	for (uint32_t r = 0; r < args->n_rows; r++)
		rows[r] = (struct ctrans_row){ .token = r % c->n_vocab, .position = r,
			.flags = CTRANS_ROW_LOGITS, .n_blocks = 1, .blocks_va = table_va };
	sqe = (struct ctrans_sqe){ .op = CTRANS_OP_RUN, .prog_va = prog_va,
		.prog_len = (uint32_t)(n * sizeof(*prog)), .args_va = args_va };
	MUST(!ct_queue_submit(q, &sqe) && !ct_queue_wait(q, &cqe, &err));
	ct_queue_explain(q, &cqe, &err);
	ck_assert_msg(cqe.status == CTRANS_ST_OK, "%s", err.msg);
	ct_queue_close(q);
	ct_device_close(dev);
}

START_TEST(runs)
{
	struct ct_config c = {
		.n_embd = shapes[_i].embd, .n_head = shapes[_i].head,
		.head_dim = shapes[_i].embd / shapes[_i].head,
		.n_layer = shapes[_i].layer, .n_inner = shapes[_i].inner,
		.biases = true, .embed_factor = 1.0f,
		.n_vocab = shapes[_i].vocab, .n_ctx = shapes[_i].ctx,
		.act = shapes[_i].act, .tied_head = shapes[_i].tied,
		.ln_eps = 1e-5f, .scale_attn = true,
	};

	ck_assert_uint_eq(ct_program_length(&c), 7 * c.n_layer + 3);
	for (int how = 0; how < 8; how++) {
		c.scale_attn_by_inverse_layer = how & 1;
		run(&c, how & 1, how & 4, how & 2);
	}
}
END_TEST

/* Element by element as the header lays a block out: only later positions go. */
static void clear_one(const struct ct_config *c, enum ctrans_kv_type kv,
		      uint32_t n)
{
	uint32_t d = c->n_embd / c->n_head, e = CTRANS_KV_ELEMENT(kv);
	uint64_t size = ct_program_block_bytes(c, kv), tile = CTRANS_KV_TILE(kv, d);
	const uint32_t scales = CTRANS_KV_SCALES(kv);
	uint8_t *block = malloc(size), *want = malloc(size);

	for (uint64_t i = 0; i < size; i++)
		want[i] = block[i] = (uint8_t)(1 + i % 251);
	for (uint32_t h = 0; h < c->n_head * c->n_layer; h++) {
		uint8_t *keys = want + 2 * tile * h + scales, *values = keys + tile;

		for (uint32_t p = n; p < CTRANS_KV_POSITIONS; p++) {
			for (uint32_t i = 0; i < d; i++) {
				memset(keys + ((p / 16 * d + i) * 16 + p % 16) * e, 0, e);
				memset(values + (p * d + i) * e, 0, e);
			}
			if (kv == CTRANS_KV_S8) {
				memset(keys - scales + 4 * p, 0, 4);
				memset(values - scales + 4 * p, 0, 4);
			}
		}
	}
	ct_program_block_clear(c, kv, block, n);
	ck_assert_msg(!memcmp(block, want, size), "type %d, from %u", (int)kv, n);
	free(block);
	free(want);
}

START_TEST(clear)
{
	const struct ct_config c = {
		.n_embd = shapes[_i].embd, .n_head = shapes[_i].head,
		.head_dim = shapes[_i].embd / shapes[_i].head,
		.n_layer = shapes[_i].layer,
	};

	for (int kv = 0; kv <= CTRANS_KV_S8; kv++)
		for (uint32_t n = 0; n <= CTRANS_KV_POSITIONS; n++)
			clear_one(&c, (enum ctrans_kv_type)kv, n);
}
END_TEST

/* A row of each instruction, and two blocks of weights, or a sentence. */
START_TEST(memory)
{
	struct ct_config cfg = { .n_embd = 768, .n_head = 12, .head_dim = 64, .n_layer = 12,
				      .n_inner = 3072, .n_vocab = 50257, .n_ctx = 1024 };
	struct ctrans_chip_costs c, other;
	struct ct_err err;

	ck_assert_int_eq(ct_device_costs(NULL, 0, &c, &err), 0);
	ck_assert_int_eq(ct_program_fits(&cfg, 1024, &c, &err), 0);
	/* 192 KiB, of which a query and its result take 8 bytes an element */
	ck_assert_int_eq(ct_program_fits(&cfg, (192 * 1024 - 8 * 768) / 4, &c, &err), 0);
	ck_assert_int_eq(ct_program_fits(&cfg, (192 * 1024 - 8 * 768) / 4 + 1, &c, &err),
			 -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "attention takes 193 KiB"));
	ck_assert_ptr_nonnull(strstr(err.msg, "shorter context"));
	cfg.n_inner = (192 * 1024 - 4 * 768) / 2;
	ck_assert_int_eq(ct_program_fits(&cfg, 1024, &c, &err), 0);
	cfg.n_inner++;
	ck_assert_int_eq(ct_program_fits(&cfg, 1024, &c, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "second feed-forward"));
	cfg.n_inner = 16;
	cfg.n_embd = 49153;
	ck_assert_int_eq(ct_program_fits(&cfg, 16, &c, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "normalisation"));
	cfg.n_embd = 8;
	other = c;
	other.sram_weights = 2 * 64 * 768;
	ck_assert_int_eq(ct_program_fits(&cfg, 16, &other, &err), 0);
	other.sram_weights--;
	ck_assert_int_eq(ct_program_fits(&cfg, 16, &other, &err), -E2BIG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("program");
	TCase *t = tcase_create("gpt2");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, runs, 0, (int)(sizeof(shapes) / sizeof(shapes[0])));
	tcase_add_test(t, memory);
	tcase_add_loop_test(t, clear, 0, (int)(sizeof(shapes) / sizeof(shapes[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
