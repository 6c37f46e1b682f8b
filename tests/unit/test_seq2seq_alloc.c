// SPDX-License-Identifier: MIT
/*
 * Every allocation of opening a model with an encoder, of generating with it and of
 * reading a source fails once. Each time: a clean error or the same text, no leak, and
 * the model still works.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "seq2seq_help.h"

static const char *const small[] = { "t5_small", "fsmt_small" };

static int open_model(const char *name, struct ctrans_model **model)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	return ctrans_model_open(seq2seq_data(name), &p, model);
}

/* As in test_api_alloc.c. */
static void check_failure(int ret, unsigned long n)
{
	ck_assert_msg(ret == -ENOMEM || ret == -EIO ||
		      (ret == -EBADMSG && strstr(ctrans_message(), "memory")),
		      "allocation %lu: %d, %s", n, ret, ctrans_message());
	ck_assert_uint_gt(strlen(ctrans_message()), 0);
}

START_TEST(test_open)
{
	struct ctrans_model *model;
	unsigned long n;
	bool hit;
	int ret;

	for (n = 1; ; n++) {
		model = (void *)&n;
		fail_alloc_at(n);
		ret = open_model(small[_i], &model);
		hit = fail_alloc_stop();
		if (ret) {
			check_failure(ret, n);
			ck_assert_ptr_null(model);
		} else {
			ctrans_model_close(model);
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	printf("%s: %lu allocations\n", small[_i], n - 1);
}
END_TEST

static int generate(struct ctrans_model *model, uint32_t beams, struct ctrans_result **r)
{
	static const char *const stop[] = { "never this", "nor that" };
	struct ctrans_generate_params p;

	ctrans_generate_params_init(&p, sizeof(p));
	p.beams = beams;
	p.task = "translate_en_de";
	p.max_tokens = 7;
	p.no_repeat_ngram = 2;
	p.min_tokens = 3;
	p.stop = stop;
	p.n_stop = 2;
	return ctrans_generate(model, "the house is small", &p, r);
}

START_TEST(test_generate)
{
	uint32_t beams = _i / 2 ? 4 : 1;
	struct ctrans_result *want, *r;
	struct ctrans_model *model;
	unsigned long n;
	bool hit;
	int ret;

	ck_assert_int_eq(open_model(small[_i % 2], &model), 0);
	ck_assert_int_eq(generate(model, beams, &want), 0);
	for (n = 1; ; n++) {
		r = (void *)&n;
		fail_alloc_at(n);
		ret = generate(model, beams, &r);
		hit = fail_alloc_stop();
		if (ret) {
			check_failure(ret, n);
			ck_assert_ptr_null(r);
		} else {
			ck_assert_str_eq(r->text, want->text);
			ck_assert_uint_eq(r->n_tokens, want->n_tokens);
			ctrans_result_free(r);
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 10);
	ctrans_result_free(want);
	ctrans_model_close(model);
}
END_TEST

/* A failure leaves a session that can be given another source. */
START_TEST(test_session)
{
	uint32_t ids[] = { 17, 5, 40, 9, 1 }, text[] = { 0, 17, 5 };
	float want[128], is[128];
	struct ctrans_session *s;
	struct ctrans_model *model;
	unsigned long n;
	int ret;

	ck_assert_int_eq(open_model(small[0], &model), 0);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_read(s, ids, 5), 0);
	ck_assert_int_eq(ctrans_session_eval(s, text, 3, want), 0);
	ctrans_session_close(s);
	for (n = 1; ; n++) {
		bool hit;

		fail_alloc_at(n);
		ret = ctrans_session_open(model, &s);
		if (!ret) {
			ret = ctrans_session_read(s, ids, 5);
			if (!ret)
				ret = ctrans_session_eval(s, text, 3, is);
			hit = fail_alloc_stop();
			if (ret) {
				check_failure(ret, n);
				ck_assert_int_eq(ctrans_session_read(s, ids, 5), 0);
				ck_assert_int_eq(ctrans_session_eval(s, text, 3, is), 0);
			}
			ck_assert_mem_eq(is, want, 84 * sizeof(*is));
			ctrans_session_close(s);
		} else {
			hit = fail_alloc_stop();
			check_failure(ret, n);
		}
		if (!hit)
			break;
	}
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq_alloc");
	TCase *t = tcase_create("alloc");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, test_open, 0, 2);
	tcase_add_loop_test(t, test_generate, 0, 4);
	tcase_add_test(t, test_session);
	tcase_set_timeout(t, 300);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
