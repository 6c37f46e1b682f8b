// SPDX-License-Identifier: MIT
/*
 * A text of pairs: what it is read as, what is written where a target is missing, and
 * models with an encoder that are opened and converted with one.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "engine/core_impl.h"
#include "engine/model.h"
#include "engine/pairs.h"
#include "small_stacks.h"
#include "spm_help.h"

static bool with_tokenizer(void)
{
	struct ct_spm_model m;
	struct ct_buf proto;

	if (!spm_supported())
		return false;
	spm_small(&m, CT_SPM_UNIGRAM);
	proto = spm_written(&m);
	small_spiece(small_stack(SMALL_T5), proto.data, proto.n);
	ct_buf_free(&proto);
	ct_spm_model_free(&m);
	return true;
}

static void are(const uint32_t *have, size_t n, const uint32_t *want, size_t n_want)
{
	ck_assert_uint_eq(n, n_want);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(have[i], want[i]);
}

#define ARE(have, n, ...) are(have, n, (const uint32_t[]){ __VA_ARGS__ },	\
			      sizeof((uint32_t[]){ __VA_ARGS__ }) / 4)

/*
 * The tokenizer: 3 is a space, 4 a, 5 b, 6 ab, 7 a space and a, 8 c. The task's words
 * are "ab ", so that each source begins with 3, 6; and 1 ends it.
 */
START_TEST(lines)
{
	static const char text[] =
		"c\tab\r\n\nb a\tc\tof which this is no part\n\t";
	struct ct_pairs p;
	struct ct_err err;
	struct ctrans_model *m;
	struct ct_core *core;

	if (!with_tokenizer())
		return;
	m = small_stack_open(SMALL_T5, "dnn", NULL, NULL);
	core = m->core;
	/* whatever comes after enough of it is not looked at */
	if (ct_pairs_read(core, text, strlen(text), "translate_en_de", 17, &p, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(p.n, 2);
	ARE(p.v[0].source, p.v[0].n_source, 3, 6, 3, 8, 1);
	ARE(p.v[0].target, p.v[0].n_target, 0, 3, 6);
	ARE(p.v[1].source, p.v[1].n_source, 3, 6, 3, 5, 7, 1);
	ARE(p.v[1].target, p.v[1].n_target, 0, 3, 8);
	ck_assert_uint_eq(ct_pairs_sources(p.v, p.n), 11);
	ck_assert_uint_eq(ct_pairs_texts(p.v, p.n), 6);
	ck_assert_uint_eq(ct_pairs_longest(p.v, p.n), 6);
	ct_pairs_free(&p);
	/* pairs are whole: one of 8 tokens, and not 9 more */
	ck_assert_int_eq(ct_pairs_read(core, text, strlen(text), NULL, 16, &p, &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "has 8 tokens; at least 16"));
	ck_assert_int_eq(ct_pairs_read(core, text, strlen(text), NULL, 99, &p, &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "line 4"));
	ck_assert_int_eq(ct_pairs_read(core, text, strlen(text), "summarize", 99, &p,
				       &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "translate_en_de"));
	ctrans_model_close(m);
}
END_TEST

/* A source alone: its target is what the model writes. */
START_TEST(written)
{
	static const char text[] = "c ab a b c c\nab\t\n";
	struct ctrans_session *s;
	struct ctrans_model *m;
	struct ct_pairs p;
	struct ct_err err;

	if (!with_tokenizer())
		return;
	m = small_stack_open(SMALL_T5, "dnn", NULL, NULL);
	if (ct_pairs_read(m->core, text, strlen(text), NULL, 1000, &p, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(p.n, 2);
	for (size_t i = 0; i < p.n; i++) {
		const struct ctrans_pair *pair = &p.v[i];
		float logits[SMALL_TOKENS];
		uint32_t best = 0;

		ck_assert_uint_eq(pair->source[pair->n_source - 1], 1);
		ck_assert_uint_eq(pair->target[0], 0);
		MUST(!ctrans_session_open(m, &s));
		MUST(!ctrans_session_read(s, pair->source, pair->n_source));
		for (size_t at = 0; at < pair->n_target; at++) {
			MUST(!ctrans_session_eval(s, pair->target + at, 1, logits));
			best = 0;
			for (uint32_t t = 1; t < SMALL_TOKENS; t++)
				best = logits[t] > logits[best] ? t : best;
			if (at + 1 < pair->n_target)
				ck_assert_uint_eq(pair->target[at + 1], best);
		}
		ck_assert(best == 1 || pair->n_target == 2 * pair->n_source + 16 ||
			  pair->n_target == SMALL_POSITIONS);
		ctrans_session_close(s);
	}
	ct_pairs_free(&p);
	ctrans_model_close(m);
}
END_TEST

/* By the public way, with thresholds that stay. */
START_TEST(opened)
{
	static const char text[] = "c ab\tab c\na b c\nab ab\tc c c\n";
	struct ctrans_model_info info;
	struct ctrans_model *m;

	if (!with_tokenizer())
		return;
	m = small_stack_open(SMALL_T5, NULL, NULL, text);
	MUST(!ctrans_model_info(m, &info, sizeof(info)));
	ck_assert_str_eq(info.thresholds, "calibrated");
	for (size_t i = 0; i < ct_program_linears(&m->core->cfg); i++) {
		ck_assert(m->core->theta[i] > 0);
		ck_assert_uint_gt(m->core->profiles[i].rows, 0);
	}
	ctrans_model_close(m);
}
END_TEST

struct reported {
	size_t n;
	uint32_t layer[3];	/* that comes next of qkv, by stack */
};

static void take_report(void *arg, const struct ctrans_layer_report *l)
{
	struct reported *r = arg;
	bool encoder = l->stack == CTRANS_STACK_ENCODER;

	r->n++;
	ck_assert_uint_ne(l->stack, CTRANS_STACK_ONLY);
	ck_assert(l->threshold > 0 && l->activation_snr_db > 0 && l->weight_snr_db > 0);
	if (!strcmp(l->part, "qkv"))
		ck_assert_uint_eq(l->stack_layer, r->layer[l->stack]++);
	if (!strncmp(l->part, "cross", 5) || !strcmp(l->part, "head"))
		ck_assert(!encoder);
	ck_assert_int_eq(!strncmp(l->part, "ffn", 3), l->kind == CTRANS_KIND_FFN_UP ||
			 l->kind == CTRANS_KIND_FFN_DOWN);
}

/* What conversion says of both stacks. */
START_TEST(reported)
{
	static const char text[] = "c ab\tab c\na b c\nab ab\tc c c\n";
	char dir[] = "/tmp/pairs.XXXXXX", out[64];
	struct ctrans_convert_params p;
	struct reported r = { 0 };

	if (!with_tokenizer())
		return;
	MUST(mkdtemp(dir));
	snprintf(out, sizeof(out), "%s/out.gguf", dir);
	ctrans_convert_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	p.calibration = text;
	p.calibration_len = strlen(text);
	p.task = "translate_en_de";
	p.report = take_report;
	p.report_arg = &r;
	if (ctrans_convert(small_stack(SMALL_T5), &p, out))
		ck_abort_msg("%s", ctrans_message());
	/* two layers of the encoder and one of the decoder */
	ck_assert_uint_eq(r.n, 2 * 4 + 1 + 6 + 1);
	ck_assert_uint_eq(r.layer[CTRANS_STACK_ENCODER], 2);
	ck_assert_uint_eq(r.layer[CTRANS_STACK_DECODER], 1);
	p.task = "nonsense";
	ck_assert_int_eq(ctrans_convert(small_stack(SMALL_T5), &p, out), -EINVAL);
	p.calibration = NULL;
	p.calibration_len = 0;
	p.task = "translate_en_de";
	ck_assert_int_eq(ctrans_convert(small_stack(SMALL_T5), &p, out), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "calibration text"));
	unlink(out);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pairs");
	TCase *t = tcase_create("pairs");
	SRunner *r;
	int failed;

	small_stack(SMALL_T5);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, lines);
	tcase_add_test(t, written);
	tcase_add_test(t, opened);
	tcase_add_test(t, reported);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
