// SPDX-License-Identifier: MIT
/*
 * Sessions that read a source: going back, forks, generating; what is not to be had
 * with an encoder (states, scores), and what is not without one.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seq2seq_help.h"

static const char text[] = "the house is small";

static struct ctrans_model *model;
static struct ctrans_generate_params p;

static void open_small(const char *name)
{
	model = seq2seq_open(seq2seq_data(name), 0, NULL);
	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 12;
}

static void setup(void)
{
	open_small("t5_small");
}

static void teardown(void)
{
	ctrans_model_close(model);
}

static size_t source(const char *of, uint32_t *ids)
{
	size_t n;

	ck_assert_int_eq(ctrans_tokenize(model, of, strlen(of), CTRANS_TOKENIZE_SOURCE,
					 ids, 100, &n), 0);
	ids[n] = 1;
	return n + 1;
}

START_TEST(test_session)
{
	struct ctrans_session *s, *fork;
	float a[84], b[84], c[84];
	uint32_t ids[128], start = 0, two[] = { 0, 17 }, bad = 84;
	size_t n = source(text, ids);

	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_eval(s, &start, 1, a), -EINVAL);
	seq2seq_says("no source");
	ck_assert_uint_eq(ctrans_session_position(s), 0);
	ck_assert_int_eq(ctrans_session_read(s, ids, 0), -EINVAL);
	ck_assert_int_eq(ctrans_session_read(s, NULL, n), -EINVAL);
	ck_assert_int_eq(ctrans_session_read(NULL, ids, n), -EINVAL);
	ck_assert_int_eq(ctrans_session_read(s, &bad, 1), -EINVAL);
	seq2seq_says("token 84");
	ck_assert_int_eq(ctrans_session_eval(s, &start, 1, a), -EINVAL);

	ck_assert_int_eq(ctrans_session_read(s, ids, n), 0);
	ck_assert_uint_eq(ctrans_session_position(s), 0);
	ck_assert_int_eq(ctrans_session_eval(s, two, 2, a), 0);
	ck_assert_uint_eq(ctrans_session_position(s), 2);
	/* back, and forth again */
	ck_assert_int_eq(ctrans_session_truncate(s, 1), 0);
	ck_assert_int_eq(ctrans_session_fork(s, &fork), 0);
	ck_assert_int_eq(ctrans_session_eval(s, two + 1, 1, b), 0);
	ck_assert_mem_eq(a, b, sizeof(a));
	/* the fork attends to what it was, whatever the other reads */
	ck_assert_int_eq(ctrans_session_read(s, ids, source("it rains", ids)), 0);
	ck_assert_int_eq(ctrans_session_eval(fork, two + 1, 1, b), 0);
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(ctrans_session_eval(s, two, 2, c), 0);
	ck_assert_mem_ne(a, c, sizeof(a));
	ctrans_session_close(s);
	ck_assert_int_eq(ctrans_session_truncate(fork, 1), 0);
	ck_assert_int_eq(ctrans_session_eval(fork, two + 1, 1, b), 0);
	ck_assert_mem_eq(a, b, sizeof(a));
	ctrans_session_close(fork);
}
END_TEST

START_TEST(test_session_generate)
{
	struct ctrans_session *s;
	struct ctrans_result *r, *want;

	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	for (unsigned int i = 0; i < 6; i++) {
		const char *t = i & 1 ? "it rains" : text;

		p.beams = i < 2 ? 1 : 4;
		want = seq2seq_generate(model, t, &p);
		ck_assert_int_eq(ctrans_session_generate(s, t, &p, &r), 0);
		seq2seq_same(r, want);
		ck_assert_uint_eq(ctrans_session_position(s), 1 + r->n_tokens);
		ctrans_result_free(r);
		ctrans_result_free(want);
	}
	/* what it holds can be gone over: the source is still there */
	ck_assert_int_eq(ctrans_session_truncate(s, 1), 0);
	ck_assert_int_eq(ctrans_session_eval(s, (uint32_t[]){ 17 }, 1, NULL), 0);
	ctrans_session_close(s);
}
END_TEST

START_TEST(test_not_kept)
{
	struct ctrans_session *s, *other = (void *)&p;
	uint32_t ids[128];
	size_t len = 77;

	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_read(s, ids, source(text, ids)), 0);
	ck_assert_int_eq(ctrans_session_export(s, NULL, 0, &len), -ENOTSUP);
	seq2seq_says("encoder");
	ck_assert_int_eq(ctrans_session_save(s, "/tmp/ctrans-not-written"), -ENOTSUP);
	ck_assert_int_eq(ctrans_session_import(model, ids, sizeof(ids), &other), -ENOTSUP);
	ck_assert_ptr_null(other);
	ck_assert_int_eq(ctrans_session_load(model, "/dev/null", &other), -ENOTSUP);
	/* and goes on */
	ck_assert_int_eq(ctrans_session_eval(s, (uint32_t[]){ 0 }, 1, NULL), 0);
	ctrans_session_close(s);
}
END_TEST

START_TEST(test_not_scored)
{
	uint32_t ids[] = { 5, 6, 7, 8 };
	struct ctrans_score score;

	ck_assert_int_eq(ctrans_score_tokens(model, ids, 4, 0, 0, NULL, NULL, &score,
					     sizeof(score)), -ENOTSUP);
	seq2seq_says("encoder");
}
END_TEST

/* Without an encoder none of this is to be had, but searches are. */
START_TEST(test_no_encoder)
{
	struct ctrans_model_info info;
	struct ctrans_session *s;
	struct ctrans_result *r = (void *)&p;
	uint32_t ids[] = { 1, 2 };

	ctrans_model_close(model);
	open_small("hf_f32");
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.tasks, "");
	ck_assert_int_eq(info.start, -1);
	ck_assert_uint_eq(info.encoder_layers, 0);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_read(s, ids, 2), -ENOTSUP);
	seq2seq_says("no encoder");
	ctrans_session_close(s);
	p.task = "summarize";
	ck_assert_int_eq(ctrans_generate(model, text, &p, &r), -EINVAL);
	ck_assert_ptr_null(r);
	seq2seq_says("no encoder");
	p.task = NULL;
	p.max_tokens = 5;
	p.beams = 4;
	r = seq2seq_generate(model, "abc", &p);
	ck_assert_uint_le(r->n_tokens, 5);
	ck_assert_uint_gt(r->n_tokens, 0);
	ctrans_result_free(r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq_session");
	TCase *t = tcase_create("session");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_session);
	tcase_add_test(t, test_session_generate);
	tcase_add_test(t, test_not_kept);
	tcase_add_test(t, test_not_scored);
	tcase_add_test(t, test_no_encoder);
	tcase_set_timeout(t, 120);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
