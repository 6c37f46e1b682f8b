// SPDX-License-Identifier: MIT
/*
 * Programs with taps, of encoders and decoders of all families: what they leave is to
 * the bit what the same programs leave without taps, and what is tapped is what each
 * linear had before it.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "engine/taps.h"
#include "small_stacks.h"

#define SOURCE	37u
#define TEXT	21u

static uint32_t token(size_t i, uint32_t vocab)
{
	return (uint32_t)(i * i + 3 * i + 5) % vocab;
}

struct bed {
	struct ct_core *core;
	struct ct_taps taps;
	uint32_t source[SOURCE], text[TEXT];
	bool reads;
};

/* With fixed thresholds, or each row's own. */
static void open_bed(struct bed *b, enum small_family family, bool outputs, bool fixed)
{
	struct ctrans_model_params p;
	struct ct_err err;

	memset(b, 0, sizeof(*b));
	b->reads = small_reads(family);
	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	if (ct_core_open(small_stack(family), &p, &b->core, &err))
		ck_abort_msg("%s", err.msg);
	if (fixed) {
		size_t n = ct_program_linears(&b->core->cfg);

		b->core->theta = calloc(n, sizeof(float));
		for (size_t i = 0; i < n; i++)
			b->core->theta[i] = 0.02f + 0.003f * (float)(i % 7);
		b->core->at.theta = b->core->theta;
		ct_core_build(b->core);
	}
	for (uint32_t i = 0; i < SOURCE; i++)
		b->source[i] = token(i, SMALL_SOURCES);
	for (uint32_t i = 0; i < TEXT; i++)
		b->text[i] = token(i, SMALL_TOKENS);
	if (ct_taps_open(b->core, CT_STEP_ROWS, b->reads ? SOURCE : 0, outputs, &b->taps,
			 &err))
		ck_abort_msg("%s", err.msg);
}

static void close_bed(struct bed *b)
{
	ct_taps_close(&b->taps);
	ct_core_close(b->core);
}

static const float *cpu(const struct ct_buf_dev *buf, uint64_t va, uint32_t stride,
			size_t row)
{
	MUST(va >= buf->va && va < buf->va + buf->size);
	return (const float *)((const uint8_t *)buf->cpu + (va - buf->va) + row * stride);
}

/* Linear @j of its own program, as its rows now are. */
static const struct ctrans_insn_linear *linear(const struct bed *b, size_t j)
{
	const struct ctrans_insn *prog = j < b->taps.decoder.first ?
					 b->core->encoder.prog : b->core->prog;

	return &prog[b->taps.tap[j].insn].linear;
}

/* What is before it in the room of that program. */
static void same_input(const struct bed *b, const struct ct_buf_dev *room, size_t j,
		       size_t rows)
{
	const struct ctrans_insn_linear *l = linear(b, j);

	for (size_t r = 0; r < rows; r++)
		ck_assert_msg(!memcmp(ct_taps_in(&b->taps, j, r),
				      cpu(room, l->in_va, l->in_stride, r), 4ull * l->n_in),
			      "input of linear %zu, row %zu", j, r);
}

/* Outputs of those that nothing follows: no sum, no activation, no gate. */
static void same_output(const struct bed *b, const struct ct_buf_dev *room, size_t j,
			size_t rows)
{
	const struct ctrans_insn_linear *l = linear(b, j);

	if (l->act != CTRANS_ACT_NONE ||
	    l->flags & (CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL))
		return;
	for (size_t r = 0; r < rows; r++)
		ck_assert_msg(!memcmp(ct_taps_out(&b->taps, j, r),
				      cpu(room, l->out_va, l->out_stride, r),
				      4ull * l->n_out), "output of linear %zu, row %zu", j, r);
}

/* ---- The encoder -------------------------------------------------------- */

static void run_encoder(struct bed *b, const struct ct_source *s, size_t n_insns)
{
	struct ct_core *core = b->core;

	pthread_mutex_lock(&core->lock);
	MUST(!ct_encoder_reserve(core, SOURCE, NULL));
	ct_encoder_args(core, s, b->source, SOURCE);
	MUST(!ct_core_submit(core, core->encoder.prog_va, n_insns, core->encoder.args_va,
			     0, NULL));
	pthread_mutex_unlock(&core->lock);
}

static void check_encoder(struct bed *b, bool outputs)
{
	struct ct_core *core = b->core;
	struct ct_source *plain, *tapped;
	struct ct_err err;

	if (ct_core_encode(core, b->source, SOURCE, NULL, NULL, &plain, &err) ||
	    ct_taps_encode(&b->taps, b->source, SOURCE, &tapped, &err))
		ck_abort_msg("%s", err.msg);
	/* keys and values, behind the tables that name them */
	MUST(plain->buf.size == tapped->buf.size);
	ck_assert(!memcmp((uint8_t *)plain->buf.cpu + CT_IMAGE_ALIGN,
			  (uint8_t *)tapped->buf.cpu + CT_IMAGE_ALIGN,
			  plain->room * core->source_bytes));
	for (size_t j = 0; j < b->taps.encoder.n; j++) {
		size_t at = b->taps.tap[j].insn;

		run_encoder(b, plain, at);
		same_input(b, &core->encoder.work, j, SOURCE);
		if (!outputs)
			continue;
		run_encoder(b, plain, at + 1);
		same_output(b, &core->encoder.work, j, SOURCE);
	}
	ct_source_drop(plain);
	ct_source_drop(tapped);
}

/* ---- The decoder -------------------------------------------------------- */

static void run_decoder(struct bed *b, struct ct_seq *seq, size_t n_insns, size_t n)
{
	struct ct_step_row rows[TEXT] = { 0 };
	struct ct_core *core = b->core;

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){
			.seq = seq, .token = b->text[seq->position + i],
		};
	pthread_mutex_lock(&core->lock);
	MUST(!ct_seq_reserve(seq, seq->position + (uint32_t)n, NULL));
	MUST(!ct_core_run(core, core->prog_va, n_insns, rows, n, false, NULL));
	pthread_mutex_unlock(&core->lock);
}

static struct ct_seq *open_seq(struct bed *b, bool tapped)
{
	struct ct_source *source;
	struct ct_seq *seq;

	MUST(!ct_seq_open(b->core, &seq, NULL));
	ct_seq_unshared(seq);
	if (!b->reads)
		return seq;
	MUST(!(tapped ? ct_taps_encode(&b->taps, b->source, SOURCE, &source, NULL) :
			ct_core_encode(b->core, b->source, SOURCE, NULL, NULL, &source,
				       NULL)));
	ct_seq_attend(seq, source);
	ct_source_drop(source);
	return seq;
}

/* Keys and values of both texts so far. */
static void same_cache(const struct bed *b, const struct ct_seq *x, const struct ct_seq *y)
{
	size_t n = ct_seq_kv_bytes(b->core, ct_seq_position(x));
	uint8_t *a = malloc(n), *c = malloc(n);

	MUST(a && c && ct_seq_position(x) == ct_seq_position(y));
	ct_seq_kv_get(x, a);
	ct_seq_kv_get(y, c);
	ck_assert(!memcmp(a, c, n));
	free(a);
	free(c);
}

/* Steps of one row, of two (which chips run in another way), and of many. */
static void check_decoder(struct bed *b, bool outputs)
{
	static const size_t steps[] = { 1, 2, 13, 5 };
	struct ct_seq *tapped = open_seq(b, true), *plain = open_seq(b, false);
	struct ct_core *core = b->core;

	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		size_t n = steps[s];
		struct ct_err err;

		if (ct_taps_run(&b->taps, tapped, b->text + ct_seq_position(tapped), n,
				&err))
			ck_abort_msg("%s", err.msg);
		for (size_t j = b->taps.decoder.first; j < b->taps.n; j++) {
			size_t at = b->taps.tap[j].insn;

			run_decoder(b, plain, at, n);
			same_input(b, &core->work, j, n);
			if (!outputs || at + 1 == core->n_insns)
				continue;
			run_decoder(b, plain, at + 1, n);
			same_output(b, &core->work, j, n);
		}
		run_decoder(b, plain, core->n_insns - 1, n);
		plain->position += (uint32_t)n;
		same_cache(b, tapped, plain);
	}
	ct_seq_close(tapped);
	ct_seq_close(plain);
}

/* ---- Tests -------------------------------------------------------------- */

START_TEST(bits)
{
	enum small_family family = (enum small_family)(_i / 4);
	bool outputs = _i & 1, fixed = _i & 2;
	struct bed b;

	open_bed(&b, family, outputs, fixed);
	ck_assert_uint_eq(b.taps.n, ct_program_linears(&b.core->cfg));
	ck_assert_uint_eq(b.taps.decoder.first, ct_encoder_linears(&b.core->cfg));
	if (b.reads)
		check_encoder(&b, outputs);
	check_decoder(&b, outputs);
	close_bed(&b);
}
END_TEST

/* Linears of one input share its tap; others do not. */
START_TEST(shared)
{
	enum small_family family = (enum small_family)_i;
	struct bed b;

	open_bed(&b, family, true, false);
	for (size_t j = 1; j < b.taps.n; j++) {
		const struct ct_linear_id *id = &b.core->linears[j];
		bool gate = id->role == CT_FC_GATE || id->role == CT_ENC_FC_GATE;
		bool later = id->role == CT_XKV && id->layer;

		if (j == b.taps.decoder.first)
			continue;
		ck_assert_int_eq(b.taps.tap[j].in == b.taps.tap[j - 1].in, gate || later);
		ck_assert_uint_ne(b.taps.tap[j].out, b.taps.tap[j - 1].out);
	}
	close_bed(&b);
}
END_TEST

/* The room for sources moves while taps are open. */
START_TEST(moved)
{
	uint32_t longer[SMALL_POSITIONS];
	struct ct_source *source;
	struct bed b;

	open_bed(&b, (enum small_family)_i, false, false);
	for (uint32_t i = 0; i < SMALL_POSITIONS; i++)
		longer[i] = token(i, SMALL_SOURCES);
	MUST(!ct_core_encode(b.core, longer, SMALL_POSITIONS, NULL, NULL, &source, NULL));
	check_encoder(&b, false);
	check_decoder(&b, false);
	ct_source_drop(source);
	close_bed(&b);
}
END_TEST

struct seen {
	size_t steps, sources, texts;
	uint64_t done;
};

static int look(void *arg, const struct ct_taps *taps, const struct ct_taps_step *step,
		struct ct_err *err)
{
	struct seen *s = arg;

	s->steps++;
	s->done += step->rows;
	ck_assert_uint_eq(step->done, s->done);
	if (step->first < taps->decoder.first) {
		ck_assert_uint_eq(step->end, taps->decoder.first);
		s->sources += step->rows;
		return 0;
	}
	ck_assert_uint_eq(step->first, taps->decoder.first);
	ck_assert_uint_eq(step->end, taps->n);
	s->texts += step->rows;
	if (s->sources > 60)
		return ct_fail(err, -ECANCELED, "enough");
	return 0;
}

/* A pair after the other; what is wrong with one is said. */
START_TEST(pairs)
{
	struct seen s = { 0 };
	struct ct_err err;
	uint32_t wrong = SMALL_TOKENS;
	struct ct_seq *seq;
	struct bed b;

	open_bed(&b, (enum small_family)_i, false, false);
	{
		const struct ctrans_pair v[] = {
			{ b.source, SOURCE, b.text, TEXT }, { b.source, 5, b.text, 1 },
			{ b.source, 20, b.text, 2 }, { b.source, 1, b.text, 1 },
		};

		ck_assert_int_eq(ct_taps_pairs(&b.taps, v, 2, look, &s, &err), 0);
		ck_assert_uint_eq(s.steps, 4);
		ck_assert_uint_eq(s.sources, SOURCE + 5);
		ck_assert_uint_eq(s.texts, TEXT + 1);
		s = (struct seen){ 0 };
		ck_assert_int_eq(ct_taps_pairs(&b.taps, v, 4, look, &s, &err), -ECANCELED);
		ck_assert_uint_eq(s.texts, TEXT + 3);
	}
	ck_assert_int_eq(ct_taps_encode(&b.taps, b.source, 0, NULL, &err), -EINVAL);
	ck_assert_int_eq(ct_taps_encode(&b.taps, &wrong, 1, NULL, &err), -EINVAL);
	MUST(!ct_seq_open(b.core, &seq, NULL));
	ck_assert_int_eq(ct_taps_run(&b.taps, seq, b.text, 1, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "no source"));
	ct_seq_close(seq);
	close_bed(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("taps");
	TCase *t = tcase_create("taps");
	SRunner *r;
	int failed;

	for (int f = 0; f < SMALL_FAMILIES; f++)
		small_stack((enum small_family)f);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bits, 0, 4 * SMALL_FAMILIES);
	tcase_add_loop_test(t, shared, 0, SMALL_FAMILIES);
	tcase_add_loop_test(t, moved, SMALL_T5, SMALL_FAMILIES);
	tcase_add_loop_test(t, pairs, SMALL_T5, SMALL_FAMILIES);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
