// SPDX-License-Identifier: MIT
/*
 * Every allocation of opening, generating, scoring and batching fails once.
 * Each time: a clean error or, where there is another way, success with the
 * same text; no leak (AddressSanitizer looks), and the model still works.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "fail_alloc.h"

static const char *data(const char *name)
{
	static char path[512];
	const char *dir = getenv("CTRANS_TEST_DATA");

	snprintf(path, sizeof(path), "%s/model/%s", dir ? dir : TEST_DATA_DIR,
		 name);
	return path;
}

static int open_model(const char *name, struct ctrans_model **model)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	return ctrans_model_open(data(name), &p, model);
}

/*
 * cJSON does not tell a lack of memory from a fault in the text, and a chip
 * whose model has no memory has failed.
 */
static void check_failure(int ret, unsigned long n)
{
	ck_assert_msg(ret == -ENOMEM || ret == -EIO ||
		      (ret == -EBADMSG &&
		       strstr(ctrans_message(), "memory")),
		      "allocation %lu: %d, %s", n, ret, ctrans_message());
	ck_assert_uint_gt(strlen(ctrans_message()), 0);
}

START_TEST(test_open)
{
	static const char *const names[] = { "hf_f16", "q8_0.gguf" };
	struct ctrans_model *model;
	unsigned long n;
	bool hit;
	int ret;

	for (n = 1; ; n++) {
		model = (void *)&n;
		fail_alloc_at(n);
		ret = open_model(names[_i], &model);
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
	printf("%s: %lu allocations\n", names[_i], n - 1);
}
END_TEST

static int generate(struct ctrans_model *model, struct ctrans_result **r)
{
	const char *stop[] = { "never this", "nor that" };
	struct ctrans_generate_params p;

	ctrans_generate_params_init(&p, sizeof(p));
	p.stop = stop;
	p.n_stop = 2;
	p.repetition_penalty = 1.1f;
	p.max_tokens = 6;
	p.ignore_eos = 1;
	return ctrans_generate(model, "abc", &p, r);
}

/* With everything that drafts may want: logits of their own, and best. */
static int generate_drafts(struct ctrans_model *model, struct ctrans_result **r)
{
	struct ctrans_generate_params p;

	ctrans_generate_params_init(&p, sizeof(p));
	p.repetition_penalty = 1.1f;
	p.max_tokens = 10;
	p.ignore_eos = 1;
	p.fallback = 0;
	p.rollback = 1e-6f;
	return ctrans_generate(model, "abc", &p, r);
}

START_TEST(test_generate)
{
	struct ctrans_result *want, *r;
	struct ctrans_model *model;
	unsigned long n;
	bool hit;
	int ret;

	ck_assert_int_eq(open_model("hf_f32", &model), 0);
	ck_assert_int_eq(generate(model, &want), 0);
	for (n = 1; ; n++) {
		r = want;
		fail_alloc_at(n);
		ret = generate(model, &r);
		hit = fail_alloc_stop();
		if (ret) {
			check_failure(ret, n);
			ck_assert_ptr_null(r);
		} else {
			ck_assert_str_eq(r->text, want->text);
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

static int open_pair(struct ctrans_model **model)
{
	struct ctrans_model_params p;
	char little[512];

	snprintf(little, sizeof(little), "%s", data("q4_0.gguf"));
	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.little = little;
	return ctrans_model_open(data("hf_f32"), &p, model);
}

/* Of a little model too; where only a draft lacks memory the text is the same. */
START_TEST(test_little)
{
	struct ctrans_result *want, *r;
	struct ctrans_model *model;
	unsigned long n, without = 0;
	bool hit;
	int ret;

	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = open_pair(&model);
		hit = fail_alloc_stop();
		if (!hit)
			break;
		if (ret) {
			check_failure(ret, n);
			ck_assert_ptr_null(model);
		} else {
			ctrans_model_close(model);
		}
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_int_eq(generate_drafts(model, &want), 0);
	ck_assert_uint_gt(want->usage.drafted, 0);
	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = generate_drafts(model, &r);
		hit = fail_alloc_stop();
		if (ret) {
			check_failure(ret, n);
		} else {
			ck_assert_str_eq(r->text, want->text);
			without += r->usage.drafted < want->usage.drafted;
			ctrans_result_free(r);
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(without, 0);
	ctrans_result_free(want);
	ctrans_model_close(model);
}
END_TEST

START_TEST(test_score)
{
	struct ctrans_score want, score;
	struct ctrans_model *model;
	uint32_t tokens[100];
	unsigned long n;
	bool hit;
	int ret;

	for (n = 0; n < 100; n++)
		tokens[n] = n;
	ck_assert_int_eq(open_model("hf_f32", &model), 0);
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 100, 0, 0, NULL,
					     NULL, &want, sizeof(want)), 0);
	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = ctrans_score_tokens(model, tokens, 100, 0, 0, NULL, NULL,
					  &score, sizeof(score));
		hit = fail_alloc_stop();
		if (ret)
			check_failure(ret, n);
		else
			ck_assert(score.nll == want.nll);
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	ctrans_model_close(model);
}
END_TEST

START_TEST(test_sessions)
{
	struct ctrans_session *s[3] = { NULL };
	const uint32_t tokens[3] = { 1, 2, 3 };
	struct ctrans_model *model;
	unsigned long n;
	size_t i;
	bool hit;
	int ret;

	ck_assert_int_eq(open_model("hf_f32", &model), 0);
	for (n = 1; ; n++) {
		fail_alloc_at(n);
		for (ret = 0, i = 0; i < 3 && !ret; i++)
			ret = ctrans_session_open(model, &s[i]);
		if (!ret)
			ret = ctrans_session_eval(s[0], tokens, 3, NULL);
		if (!ret)
			ret = ctrans_batch_eval(s, tokens, 3, NULL);
		hit = fail_alloc_stop();
		if (ret)
			check_failure(ret, n);
		else
			ck_assert_uint_eq(ctrans_session_position(s[0]), 4);
		for (i = 0; i < 3; i++) {
			ctrans_session_close(s[i]);
			s[i] = NULL;
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	ctrans_model_close(model);
}
END_TEST

/*
 * Of a queue the thread's allocations too: what fails then is a request. No
 * assertion meanwhile: Check's would allocate.
 */
static int queue_texts(struct ctrans_model *model,
		       struct ctrans_result *got[3])
{
	struct ctrans_generate_params p;
	struct ctrans_queue *queue;
	struct ctrans_request *r[3];
	int ret, failed = 0;
	size_t i;

	got[0] = got[1] = got[2] = NULL;
	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 6;
	p.ignore_eos = 1;
	p.repetition_penalty = 1.1f;
	ret = ctrans_queue_open(model, NULL, &queue);
	if (ret)
		return ret;
	for (i = 0; i < 3; i++) {
		ret = ctrans_submit(queue, NULL, "abc", &p, NULL, &r[i]);
		failed = ret ? ret : failed;
	}
	for (i = 0; i < 3; i++) {
		if (!r[i])
			continue;
		ret = ctrans_request_wait(r[i], -1);
		if (!ret)
			ret = ctrans_request_result(r[i], &got[i]);
		failed = ret ? ret : failed;
	}
	ret = ctrans_queue_close(queue);
	return ret ? ret : failed;
}

START_TEST(test_queue)
{
	struct ctrans_result *want, *got[3];
	struct ctrans_model *model;
	unsigned long n, whole = 0;
	size_t i;
	bool hit;
	int ret;

	ck_assert_int_eq(open_model("hf_f32", &model), 0);
	ck_assert_int_eq(generate(model, &want), 0);
	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = queue_texts(model, got);
		hit = fail_alloc_stop();
		if (ret)
			check_failure(ret, n);
		for (i = 0; i < 3; i++) {
			if (!got[i])
				continue;
			whole++;
			ck_assert_str_eq(got[i]->text, want->text);
			ctrans_result_free(got[i]);
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	/* The others' texts are whole. */
	ck_assert_uint_gt(n, 20);
	ck_assert_uint_gt(whole, 2 * (n - 5));
	ctrans_result_free(want);
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api_alloc");
	TCase *tc = tcase_create("api_alloc");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, test_open, 0, 2);
	tcase_add_test(tc, test_generate);
	tcase_add_test(tc, test_little);
	tcase_add_test(tc, test_score);
	tcase_add_test(tc, test_sessions);
	tcase_add_test(tc, test_queue);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
