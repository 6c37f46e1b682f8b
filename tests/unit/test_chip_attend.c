// SPDX-License-Identifier: MIT
/*
 * Attention of encoders and decoders against a plain model in doubles: to all of a
 * sequence, to a source that a step of its own has stored, with biases by distance.
 * The same bits on every kernel, with one thread and two, wherever pages lie, and
 * whatever else is in a step: beams of one source in a row or in turn, or alone.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip/fp.h"
#include "chip/kernel.h"
#include "chip_bench.h"
#include "chip_must.h"
#include "device/device.h"
#include "dispatch/estimate.h"

#define TEXTS	3u
#define BEAMS	2u			/* of each text */
#define LONGEST	150u			/* of a text, over two block boundaries */
#define WRITTEN	70u			/* positions of each beam */
#define ROWS	512u			/* of a step */
#define WIDTH	80u			/* at most */

struct shape {
	uint32_t heads, head_dim, span;
	uint8_t kv;
	uint32_t length[TEXTS];
};

static const struct shape shapes[] = {
	{ 2, 20, 20, CTRANS_KV_F32, { 1, 64, LONGEST } },
	{ 3, 13, 1, CTRANS_KV_F16, { 65, 3, 130 } },
	{ 1, 64, CTRANS_BIAS_SPAN_MAX, CTRANS_KV_F16, { LONGEST, 128, 31 } },
	{ 2, 16, 33, CTRANS_KV_S8, { 17, 127, 70 } },
	{ 5, 8, 0, CTRANS_KV_S8, { 16, 2, 129 } },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* How a step is made up. */
enum way { TOGETHER, ALONE, IN_TURN };

/* ---- Values, from what they are for -------------------------------------- */

enum tensor { Q, K, V, SOURCE_K, SOURCE_V, SOURCE_Q, BIAS };

static float value(enum tensor t, uint32_t seq, uint32_t position, uint32_t i)
{
	uint32_t x = chip_mix((uint32_t)t + 16 * seq);

	x = chip_mix(chip_mix(x + position) + i);
	return (float)((int32_t)x / 65536) / 16384.0f;
}

/* ---- The chip's side ------------------------------------------------------- */

struct results {
	float text[TEXTS][LONGEST][WIDTH];
	float self[TEXTS * BEAMS][WRITTEN][WIDTH], source[TEXTS * BEAMS][WRITTEN][WIDTH];
};

struct scene {
	struct bench *b;
	const struct shape *s;
	uint32_t width, stride;
	uint64_t tensor[BIAS + 1], out[2], args, encoder, decoder, stats;
	uint64_t table[TEXTS * (1 + BEAMS)], source[TEXTS];
};

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

static struct ctrans_insn attention(const struct scene *c, uint8_t attend, bool second)
{
	const struct shape *s = c->s;
	struct ctrans_insn i = { .op = CTRANS_INSN_ATTENTION };
	struct ctrans_insn_attention *a = &i.attention;

	*a = (struct ctrans_insn_attention){
		.layer_offset = second ? s->heads * 2 * CTRANS_KV_TILE(s->kv, s->head_dim) +
					 192 : 64,
		.n_head = s->heads, .head_dim = s->head_dim, .scale_f32 = bits(0.3f),
		.n_positions = 192, .kv_type = s->kv, .attend = attend,
	};
	if (attend != CTRANS_ATTEND_STORE) {
		a->q_va = c->tensor[second ? SOURCE_Q : Q];
		a->q_stride = a->out_stride = c->stride;
		a->out_va = c->out[second];
	}
	if (attend != CTRANS_ATTEND_SOURCE) {
		a->k_va = c->tensor[second ? SOURCE_K : K];
		a->v_va = c->tensor[second ? SOURCE_V : V];
		a->kv_stride = c->stride;
	}
	if (!second && s->span) {
		a->bias_va = c->tensor[BIAS];
		a->bias_span = s->span;
	}
	return i;
}

static void put_bias(struct scene *c)
{
	uint32_t n = 2 * c->s->span + 1, stride = (4 * n + 63) / 64 * 64;

	c->tensor[BIAS] = bench_va(c->b, 0, (uint64_t)stride * c->s->heads);
	for (uint32_t h = 0; h < c->s->heads; h++)
		for (uint32_t i = 0; i < n; i++) {
			float f = value(BIAS, h, 0, i);

			bench_write(c->b, 0, c->tensor[BIAS] + (uint64_t)h * stride + 4 * i,
				    &f, 4);
		}
}

static void build(struct scene *c, struct bench *b, const struct shape *s)
{
	uint64_t block = 256 + 4 * s->heads * CTRANS_KV_TILE(s->kv, s->head_dim);
	struct ctrans_insn insn[4];

	*c = (struct scene){ .b = b, .s = s, .width = s->heads * s->head_dim };
	/* heads not aligned to granules */
	c->stride = 4 * c->width + 4;
	for (int t = 0; t < BIAS; t++)
		c->tensor[t] = bench_va(b, 0, (uint64_t)c->stride * ROWS + 4) + 4;
	for (int o = 0; o < 2; o++)
		c->out[o] = bench_va(b, 0, (uint64_t)c->stride * ROWS + 4) + 4;
	put_bias(c);
	for (uint32_t t = 0; t < TEXTS * (1 + BEAMS); t++) {
		uint64_t va[3];

		for (int i = 0; i < 3; i++)
			va[i] = bench_va(b, 0, block);
		c->table[t] = bench_va(b, 0, sizeof(va));
		bench_write(b, 0, c->table[t], va, sizeof(va));
		if (t < TEXTS) {
			struct ctrans_source src = {
				.n_positions = s->length[t],
				.n_blocks = (s->length[t] + 63) / 64,
			};

			c->source[t] = bench_va(b, 0, sizeof(src) + sizeof(va));
			bench_write(b, 0, c->source[t], &src, sizeof(src));
			bench_write(b, 0, c->source[t] + sizeof(src), va, sizeof(va));
		}
	}
	insn[0] = attention(c, CTRANS_ATTEND_FULL, false);
	insn[1] = attention(c, CTRANS_ATTEND_STORE, true);
	insn[2] = attention(c, CTRANS_ATTEND_CAUSAL, false);
	insn[3] = attention(c, CTRANS_ATTEND_SOURCE, true);
	c->encoder = bench_va(b, 0, sizeof(insn));
	c->decoder = c->encoder + 2 * sizeof(insn[0]);
	bench_write(b, 0, c->encoder, insn, sizeof(insn));
	c->args = bench_va(b, 0, sizeof(struct ctrans_args) +
				 ROWS * sizeof(struct ctrans_row));
	c->stats = bench_va(b, 0, 2 * ROWS * sizeof(struct ctrans_stat));
	bench_queue(b, 0, 0, 3, 3, 0);
}

struct place {
	uint32_t seq, position;
};

static void step(struct scene *c, const struct place *at, uint32_t n, bool decode)
{
	struct ctrans_sqe sqe = {
		.op = CTRANS_OP_RUN, .prog_va = decode ? c->decoder : c->encoder,
		.prog_len = 2 * sizeof(struct ctrans_insn), .args_va = c->args,
		.stats_va = c->stats,
	};
	struct ctrans_args args = { .n_rows = n };
	float *x = malloc(4ull * c->width);

	MUST(x && n <= ROWS);
	for (uint32_t r = 0; r < n; r++) {
		uint32_t seq = at[r].seq + (decode ? TEXTS : 0);
		struct ctrans_row row = {
			.position = at[r].position, .n_blocks = 3,
			.blocks_va = c->table[seq],
			.source_va = decode ? c->source[at[r].seq / BEAMS] : 0,
		};

		bench_write(c->b, 0, c->args + sizeof(args) + r * sizeof(row), &row,
			    sizeof(row));
		for (int t = 0; t < BIAS; t++) {
			for (uint32_t i = 0; i < c->width; i++)
				x[i] = value((enum tensor)t, seq, at[r].position, i);
			bench_write(c->b, 0, c->tensor[t] + (uint64_t)r * c->stride, x,
				    4ull * c->width);
		}
	}
	free(x);
	bench_write(c->b, 0, c->args, &args, sizeof(args));
	bench_run(c->b, 0, &sqe);
	ck_assert_int_eq(bench_take(c->b, 0).status, CTRANS_ST_OK);
}

static void output(struct scene *c, bool second, uint32_t r, float *to)
{
	bench_read(c->b, 0, c->out[second] + (uint64_t)r * c->stride, to, 4ull * c->width);
}

static void encode(struct scene *c, enum way way, struct results *res)
{
	struct place at[ROWS];

	for (uint32_t t = 0, n = 0; t < TEXTS; t++) {
		for (uint32_t p = 0; p < c->s->length[t]; p++)
			at[n++] = (struct place){ t, p };
		if (way == TOGETHER && t + 1 < TEXTS)
			continue;
		step(c, at, n, false);
		for (uint32_t r = 0; r < n; r++)
			output(c, false, r, res->text[at[r].seq][at[r].position]);
		/* the last one by itself, which sees all that the others saw */
		if (way == ALONE) {
			float last[WIDTH];

			step(c, at + n - 1, 1, false);
			output(c, false, 0, last);
			ck_assert(!memcmp(last, res->text[t][c->s->length[t] - 1],
					  4ull * c->width));
		}
		n = 0;
	}
}

static void decode_step(struct scene *c, const struct place *at, uint32_t n,
			struct results *res)
{
	step(c, at, n, true);
	for (uint32_t r = 0; r < n; r++) {
		output(c, false, r, res->self[at[r].seq][at[r].position]);
		output(c, true, r, res->source[at[r].seq][at[r].position]);
	}
}

static void decode(struct scene *c, enum way way, struct results *res)
{
	const uint32_t chunk = way == TOGETHER ? 7 : 1, beams = TEXTS * BEAMS;
	struct place at[ROWS];

	for (uint32_t p = 0; p < WRITTEN; p += chunk) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < beams; i++) {
			/* in turn: the sources of rows that follow each other differ */
			uint32_t seq = way == IN_TURN ? i % TEXTS * BEAMS + i / TEXTS : i;

			for (uint32_t j = 0; j < chunk && p + j < WRITTEN; j++)
				at[n++] = (struct place){ seq, p + j };
			if (way == ALONE) {
				decode_step(c, at, n, res);
				n = 0;
			}
		}
		if (n)
			decode_step(c, at, n, res);
	}
}

static void run(struct bench *b, enum bench_order order, const struct shape *s,
		enum way way, struct results *res)
{
	struct scene c;

	memset(res, 0, sizeof(*res));
	bench_renew(b);
	bench_grow(b, 0, 6 << 20, order);
	build(&c, b, s);
	encode(&c, way, res);
	decode(&c, way, res);
}

/* ---- The plain model -------------------------------------------------------- */

/* A head's key or value as the cache gives it back. */
static void cached(const struct shape *s, enum tensor t, uint32_t seq, uint32_t position,
		   uint32_t head, double *to)
{
	const struct chip_kernel *ref = chip_kernel_at(0);
	uint32_t d = s->head_dim;
	uint16_t half[64];
	int8_t small[64];
	float x[64], scale;

	for (uint32_t i = 0; i < d; i++)
		x[i] = value(t, seq, position, head * d + i);
	ref->to_f16(x, d, half);
	scale = ref->to_s8(x, d, small);
	for (uint32_t i = 0; i < d; i++)
		to[i] = s->kv == CTRANS_KV_F32 ? (double)x[i] :
			s->kv == CTRANS_KV_F16 ? (double)chip_f32_from_f16(half[i]) :
						 (double)small[i] * (double)scale;
}

struct query {
	enum tensor q, k, v;
	uint32_t seq, keys_of, position, end;
	bool bias;
};

static void attend(const struct shape *s, const struct query *y, uint32_t head, double *o)
{
	static double e[LONGEST + 64], kv[64];
	int32_t span = (int32_t)s->span;
	double z = 0, most = -1e300;

	for (uint32_t i = 0; i < y->end; i++) {
		int32_t off = (int32_t)i - (int32_t)y->position;
		double sum = 0;

		cached(s, y->k, y->keys_of, i, head, kv);
		for (uint32_t j = 0; j < s->head_dim; j++)
			sum += kv[j] * (double)value(y->q, y->seq, y->position,
						     head * s->head_dim + j);
		off = off < -span ? -span : off > span ? span : off;
		e[i] = sum * (double)0.3f;
		if (y->bias && s->span)
			e[i] += (double)value(BIAS, head, 0, (uint32_t)(off + span));
		most = fmax(most, e[i]);
	}
	memset(o, 0, s->head_dim * sizeof(*o));
	for (uint32_t i = 0; i < y->end; i++) {
		e[i] = exp(e[i] - most);
		z += e[i];
		cached(s, y->v, y->keys_of, i, head, kv);
		for (uint32_t j = 0; j < s->head_dim; j++)
			o[j] += e[i] * kv[j];
	}
	for (uint32_t j = 0; j < s->head_dim; j++)
		o[j] /= z;
}

static void near(const struct shape *s, const struct query *y, const float *is)
{
	double o[64];

	for (uint32_t h = 0; h < s->heads; h++) {
		attend(s, y, h, o);
		for (uint32_t j = 0; j < s->head_dim; j++) {
			double got = (double)is[h * s->head_dim + j];

			if (!(fabs(got - o[j]) < 5e-6))
				ck_abort_msg("tensor %d, sequence %u, position %u, head %u: %.9g, not %.9g",
					     (int)y->q, y->seq, y->position, h, got, o[j]);
		}
	}
}

static void check(const struct shape *s, const struct results *res)
{
	for (uint32_t t = 0; t < TEXTS; t++)
		for (uint32_t p = 0; p < s->length[t]; p++)
			near(s, &(struct query){ Q, K, V, t, t, p, s->length[t], true },
			     res->text[t][p]);
	for (uint32_t i = 0; i < TEXTS * BEAMS; i++)
		for (uint32_t p = 0; p < WRITTEN; p++) {
			uint32_t seq = TEXTS + i, of = i / BEAMS;

			near(s, &(struct query){ Q, K, V, seq, seq, p, p + 1, true },
			     res->self[i][p]);
			near(s, &(struct query){ SOURCE_Q, SOURCE_K, SOURCE_V, seq, of, p,
						 s->length[of], false },
			     res->source[i][p]);
		}
}

START_TEST(equal)
{
	static struct results want, is;
	const struct shape *s = &shapes[_i];
	const struct chip_kernel *k;
	bool first = true;
	struct bench b;

	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		if (!k->supported())
			continue;
		for (unsigned int threads = 1; threads <= 2; threads++) {
			bench_open(&b, threads, k->name);
			for (int way = TOGETHER; way <= IN_TURN; way++) {
				enum bench_order order = way == TOGETHER && threads == 1 ?
						BENCH_LARGE : BENCH_SHUFFLED;

				run(&b, order, s, (enum way)way, first ? &want : &is);
				if (first)
					check(s, &want);
				else if (memcmp(&want, &is, sizeof(is)))
					ck_abort_msg("kernel %s, %u threads, way %d: results differ",
						     k->name, threads, way);
				first = false;
			}
			bench_close(&b);
		}
	}
}
END_TEST

/* ---- What it costs ---------------------------------------------------------------- */

static void costs_as_estimated(struct scene *c, const struct place *at, uint32_t n,
			       bool decoder)
{
	static struct ctrans_stat st[ROWS][2];
	struct ct_estimate_step s = { .rows = n, .position = at[0].position,
				      .source = c->s->length[at[0].seq / BEAMS] };
	struct ctrans_layer_cost cost[2];
	struct ctrans_chip_costs costs;
	struct ctrans_insn prog[2];
	struct ct_err err;

	step(c, at, n, decoder);
	bench_read(c->b, 0, c->stats, st, n * sizeof(st[0]));
	bench_read(c->b, 0, decoder ? c->decoder : c->encoder, prog, sizeof(prog));
	ck_assert_int_eq(ct_device_costs(NULL, CTRANS_OPP_RESET, &costs, NULL), 0);
	ck_assert_int_eq(ct_estimate(&costs, prog, 2, NULL, &s, cost, &err), 0);
	for (int i = 0; i < 2; i++) {
		struct ctrans_stat sum = { 0 };

		for (uint32_t r = 0; r < n; r++) {
			sum.cycles += st[r][i].cycles;
			sum.cycles_compute += st[r][i].cycles_compute;
			sum.cycles_external += st[r][i].cycles_external;
			sum.energy_vector_fj += st[r][i].energy_vector_fj;
			sum.energy_sram_fj += st[r][i].energy_sram_fj;
			sum.energy_external_fj += st[r][i].energy_external_fj;
		}
		ck_assert_double_eq(cost[i].cycles, (double)sum.cycles);
		ck_assert_double_eq(cost[i].cycles_compute, (double)sum.cycles_compute);
		ck_assert_double_eq(cost[i].cycles_external, (double)sum.cycles_external);
		/* each row's is rounded down */
		ck_assert_double_eq_tol(cost[i].vector_fj, (double)sum.energy_vector_fj, n);
		ck_assert_double_eq_tol(cost[i].sram_fj, (double)sum.energy_sram_fj, n);
		ck_assert_double_eq_tol(cost[i].external_fj,
					(double)sum.energy_external_fj, n);
	}
}

START_TEST(estimated)
{
	struct place at[ROWS];
	struct scene c;
	struct bench b;
	uint32_t n;

	bench_open(&b, 1, NULL);
	bench_grow(&b, 0, 6 << 20, BENCH_LARGE);
	build(&c, &b, &shapes[_i]);
	for (uint32_t t = 0; t < TEXTS; t++) {
		for (n = 0; n < c.s->length[t]; n++)
			at[n] = (struct place){ t, n };
		costs_as_estimated(&c, at, n, false);
	}
	for (uint32_t i = 0; i < TEXTS * BEAMS; i++)
		for (n = 1; n < 40; n += 12) {
			for (uint32_t r = 0; r < n; r++)
				at[r] = (struct place){ i, 11 * i + r };
			costs_as_estimated(&c, at, n, true);
		}
	bench_close(&b);
}
END_TEST

/* Rows of one source share its fetch, and nothing of it is written. */
START_TEST(shared_fetch)
{
	static struct ctrans_stat st[BEAMS][2];
	struct place at[BEAMS];
	struct scene c;
	struct bench b;
	uint64_t bytes, sum = 0;

	bench_open(&b, 1, NULL);
	bench_grow(&b, 0, 6 << 20, BENCH_LARGE);
	build(&c, &b, &shapes[_i]);
	for (uint32_t i = 0; i < BEAMS; i++)
		at[i] = (struct place){ 2 * BEAMS + i, 0 };
	step(&c, at, BEAMS, true);
	bench_read(&b, 0, c.stats, st, sizeof(st));
	bytes = 2 * CTRANS_KV_TILE(c.s->kv, c.s->head_dim) / CTRANS_KV_POSITIONS * c.s->heads;
	for (uint32_t i = 0; i < BEAMS; i++) {
		sum += st[i][1].bytes_external;
		ck_assert_uint_eq(st[i][1].bytes_sram, bytes * c.s->length[2]);
	}
	ck_assert_uint_eq(sum, bytes * c.s->length[2]);
	bench_close(&b);
}
END_TEST

/* ---- The longest input -------------------------------------------------------- */

/* As many rows as a step may have, each with each: they end where all do. */
START_TEST(longest)
{
	static const uint32_t some[] = { 0, 1, 63, 64, 2047, 4094, 4095 };
	const uint32_t n = CTRANS_ROWS_MAX, blocks = n / 64, stride = 64, d = 4;
	struct ctrans_args args = { .n_rows = n };
	struct ctrans_insn insn = { .op = CTRANS_INSN_ATTENTION };
	struct ctrans_sqe sqe = { .op = CTRANS_OP_RUN, .prog_len = sizeof(insn) };
	struct bench b;
	uint64_t va;

	bench_open(&b, 2, NULL);
	bench_grow(&b, 0, 2 << 20, BENCH_SHUFFLED);
	bench_queue(&b, 0, 0, 3, 3, 0);
	va = bench_va(&b, 0, (uint64_t)stride * n);
	for (uint32_t r = 0; r < n; r++)
		for (uint32_t i = 0; i < 3 * d; i++) {
			float f = value((enum tensor)(i / d), 0, r, i % d);

			bench_write(&b, 0, va + (uint64_t)r * stride + 4 * i, &f, 4);
		}
	insn.attention = (struct ctrans_insn_attention){
		.q_va = va, .k_va = va + 4 * d, .v_va = va + 8 * d, .out_va = va + 12 * d,
		.q_stride = stride, .kv_stride = stride, .out_stride = stride,
		.n_head = 1, .head_dim = d, .scale_f32 = bits(0.3f), .n_positions = n,
		.kv_type = CTRANS_KV_F32, .attend = CTRANS_ATTEND_FULL,
	};
	sqe.prog_va = bench_va(&b, 0, sizeof(insn));
	bench_write(&b, 0, sqe.prog_va, &insn, sizeof(insn));
	va = bench_va(&b, 0, 8ull * blocks);
	for (uint32_t i = 0; i < blocks; i++) {
		uint64_t block = bench_va(&b, 0, 2 * CTRANS_KV_TILE(CTRANS_KV_F32, d));

		bench_write(&b, 0, va + 8ull * i, &block, 8);
	}
	sqe.args_va = bench_va(&b, 0, sizeof(args) + n * sizeof(struct ctrans_row));
	bench_write(&b, 0, sqe.args_va, &args, sizeof(args));
	for (uint32_t r = 0; r < n; r++) {
		struct ctrans_row row = { .position = r, .n_blocks = blocks,
					  .blocks_va = va };

		bench_write(&b, 0, sqe.args_va + sizeof(args) + r * sizeof(row), &row,
			    sizeof(row));
	}
	bench_run(&b, 0, &sqe);
	ck_assert_int_eq(bench_take(&b, 0).status, CTRANS_ST_OK);
	for (size_t k = 0; k < sizeof(some) / sizeof(some[0]); k++) {
		double o[4] = { 0 }, z = 0;
		float is[4];

		for (uint32_t i = 0; i < n; i++) {
			double e = 0;

			for (uint32_t j = 0; j < d; j++)
				e += (double)value(Q, 0, some[k], j) *
				     (double)value(K, 0, i, j);
			e = exp(e * (double)0.3f);
			z += e;
			for (uint32_t j = 0; j < d; j++)
				o[j] += e * (double)value(V, 0, i, j);
		}
		bench_read(&b, 0, insn.attention.out_va + (uint64_t)some[k] * stride, is,
			   sizeof(is));
		for (uint32_t j = 0; j < d; j++)
			ck_assert_double_eq_tol((double)is[j], o[j] / z, 5e-6);
	}
	bench_close(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_attend");
	TCase *t = tcase_create("programs");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 110);
	tcase_add_loop_test(t, equal, 0, (int)SHAPES);
	tcase_add_loop_test(t, estimated, 0, (int)SHAPES);
	tcase_add_loop_test(t, shared_fetch, 0, (int)SHAPES);
	tcase_add_test(t, longest);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
