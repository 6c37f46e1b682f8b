// SPDX-License-Identifier: MIT
/* What models are trained for, and how their texts are searched for: from files. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/tasks.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const struct ct_config t5 = {
	.arch = CT_ARCH_T5, .n_vocab = 100, .eos_id = 1, .enc.n_layer = 2,
};
static const struct ct_config fsmt = {
	.arch = CT_ARCH_FSMT, .n_vocab = 100, .eos_id = 2, .enc.n_layer = 2,
};
static const struct ct_config gpt2 = { .arch = CT_ARCH_GPT2, .n_vocab = 100 };

static int read(const char *text, const struct ct_config *cfg, struct ct_tasks *tasks,
		struct ct_err *err)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	int code;

	memcpy(copy, text, n);
	code = ct_tasks_json(copy, n, cfg, tasks, err);
	free(copy);
	return code;
}

static const char good[] =
	"{\"num_beams\":2,\"length_penalty\":0.5,\"max_length\":33,"
	"\"task_specific_params\":{"
	"\"summarization\":{\"prefix\":\"summarize: \",\"num_beams\":4,\"min_length\":30,"
	"\"no_repeat_ngram_size\":3,\"length_penalty\":2.0,\"early_stopping\":true},"
	"\"translation_en_to_de\":{\"prefix\":\"to German: \",\"max_length\":300},"
	"\"grammar\":{}}}";

START_TEST(test_good)
{
	struct ct_tasks tasks;
	struct ct_task task;
	struct ct_err err;
	char list[128];

	ct_tasks_init(&tasks, &t5);
	ck_assert_int_eq(read(good, &t5, &tasks, &err), 0);
	ck_assert_uint_eq(tasks.n, 3);
	ct_tasks_list(&tasks, &t5, list, sizeof(list));
	ck_assert_str_eq(list, "summarize, translate_en_de, grammar");
	ck_assert_int_eq(ct_tasks_find(&tasks, &t5, "summarize", &task, &err), 0);
	ck_assert_str_eq(task.name, "summarization");
	ck_assert_str_eq(task.prefix, "summarize: ");
	ck_assert_uint_eq(task.search.beams, 4);
	ck_assert_uint_eq(task.search.min_length, 30);
	ck_assert_uint_eq(task.search.max_length, 33);
	ck_assert_uint_eq(task.search.no_repeat_ngram, 3);
	ck_assert(task.search.early_stopping);
	ck_assert_float_eq(task.search.length_penalty, 2);
	ck_assert_int_eq(ct_tasks_find(&tasks, &t5, "translation_en_to_de", &task, &err),
			 0);
	ck_assert_uint_eq(task.search.beams, 2);
	ck_assert_uint_eq(task.search.max_length, 300);
	ck_assert_float_eq(task.search.length_penalty, 0.5f);
	ck_assert_int_eq(ct_tasks_find(&tasks, &t5, "grammar", &task, &err), 0);
	ck_assert_str_eq(task.prefix, "");
	ck_assert_int_eq(ct_tasks_find(&tasks, &t5, "translate", &task, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, list));
	/* a list that is cut is terminated */
	ct_tasks_list(&tasks, &t5, list, 12);
	ck_assert_str_eq(list, "summarize, ");
}
END_TEST

/* generation_config.json comes second, and says what it says. */
START_TEST(test_over)
{
	struct ct_tasks tasks;
	struct ct_err err;

	ct_tasks_init(&tasks, &t5);
	ck_assert_uint_eq(tasks.search.beams, 1);
	ck_assert_int_eq(tasks.search.forced_eos, -1);
	ck_assert_int_eq(read(good, &t5, &tasks, &err), 0);
	ck_assert_int_eq(read("{\"num_beams\":6,\"early_stopping\":\"never\","
			      "\"forced_bos_token_id\":7,\"max_length\":null}", &t5,
			      &tasks, &err), 0);
	ck_assert_uint_eq(tasks.search.beams, 6);
	ck_assert_uint_eq(tasks.search.max_length, 33);
	ck_assert_int_eq(tasks.search.forced_bos, 7);
	ck_assert_uint_eq(tasks.n, 3);
	ct_tasks_init(&tasks, &fsmt);
	ck_assert_int_eq(tasks.search.forced_eos, 2);
	ck_assert_int_eq(read("{\"forced_eos_token_id\":null}", &fsmt, &tasks, &err), 0);
	ck_assert_int_eq(tasks.search.forced_eos, -1);
}
END_TEST

START_TEST(test_own)
{
	struct ct_tasks tasks;
	struct ct_task task;
	struct ct_err err;
	char list[128];

	/* where files name none, T5's own */
	ct_tasks_init(&tasks, &t5);
	ck_assert_int_eq(ct_tasks_find(&tasks, &t5, "translate_en_ro", &task, &err), 0);
	ck_assert_str_eq(task.prefix, "translate English to Romanian: ");
	/* FSMT has one, whose name is that of its languages */
	ct_tasks_init(&tasks, &fsmt);
	ct_tasks_list(&tasks, &fsmt, list, sizeof(list));
	ck_assert_str_eq(list, "translate");
	ck_assert_int_eq(read("{\"langs\":[\"ru\",\"en\"]}", &fsmt, &tasks, &err), 0);
	ct_tasks_list(&tasks, &fsmt, list, sizeof(list));
	ck_assert_str_eq(list, "translate_ru_en");
	ck_assert_int_eq(ct_tasks_find(&tasks, &fsmt, "translate", &task, &err), 0);
	ck_assert_int_eq(ct_tasks_find(&tasks, &fsmt, "translate_ru_en", &task, &err), 0);
	ck_assert_str_eq(task.prefix, "");
	ck_assert_int_eq(ct_tasks_find(&tasks, &fsmt, "translate_en_ru", &task, &err),
			 -EINVAL);
	ct_tasks_init(&tasks, &gpt2);
	ct_tasks_list(&tasks, &gpt2, list, sizeof(list));
	ck_assert_str_eq(list, "");
	ck_assert_int_eq(ct_tasks_find(&tasks, &gpt2, "summarize", &task, &err), -EINVAL);
}
END_TEST

#define TASK(params)	"{\"task_specific_params\":{\"t\":" params "}}"
#define A48		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *json, *text;
	int code;
} bad[] = {
	{ "{", "not JSON", -EBADMSG },
	{ "[]", "", -EBADMSG },
	{ "{\"num_beams\":0}", "num_beams is 0", -EBADMSG },
	{ "{\"num_beams\":33}", "num_beams is 33", -E2BIG },
	{ "{\"num_beams\":-1}", "num_beams", -EBADMSG },
	{ "{\"num_beams\":\"4\"}", "num_beams", -EBADMSG },
	{ "{\"max_length\":1e15}", "max_length", -E2BIG },
	{ "{\"max_length\":2.5}", "max_length", -EBADMSG },
	{ "{\"min_length\":[]}", "min_length", -EBADMSG },
	{ "{\"no_repeat_ngram_size\":5e9}", "no_repeat_ngram_size", -E2BIG },
	{ "{\"early_stopping\":\"sometimes\"}", "early_stopping", -EBADMSG },
	{ "{\"early_stopping\":1}", "early_stopping", -EBADMSG },
	{ "{\"length_penalty\":1e300}", "length_penalty", -EBADMSG },
	{ "{\"length_penalty\":-101}", "length_penalty", -EBADMSG },
	{ "{\"length_penalty\":\"1\"}", "length_penalty", -EBADMSG },
	{ "{\"forced_eos_token_id\":100}", "forced_eos_token_id is 100", -EBADMSG },
	{ "{\"forced_bos_token_id\":-1}", "forced_bos_token_id", -EBADMSG },
	{ "{\"num_beams\":4,\"num_beams\":4}", "occurs twice", -EBADMSG },
	{ "{\"langs\":[\"a\",\"b\",\"c\"]}", "langs", -EBADMSG },
	{ "{\"langs\":[1]}", "langs", -EBADMSG },
	{ "{\"langs\":[\"aaaaaaaaaaaaaaaa\",\"b\"]}", "language", -E2BIG },
	{ TASK("7"), "task \"t\" is no object", -EBADMSG },
	{ TASK("[]"), "task \"t\"", -EBADMSG },
	{ TASK("{\"prefix\":7}"), "prefix", -EBADMSG },
	{ TASK("{\"prefix\":\"" A48 A48 "\"}"), "prefix", -E2BIG },
	{ TASK("{\"num_beams\":0}"), "num_beams", -EBADMSG },
	{ TASK("{\"max_length\":{}}"), "max_length", -EBADMSG },
	{ "{\"task_specific_params\":{\"" A48 "\":{}}}", "task", -E2BIG },
	{ "{\"task_specific_params\":{\"a\":{},\"a\":{}}}", "", 0 },
	{ "{\"task_specific_params\":[]}", "", 0 },
	{ "{\"task_specific_params\":null}", "", 0 },
};

START_TEST(test_bad)
{
	struct ct_err err = { 0 };
	struct ct_tasks tasks;
	int code;

	ct_tasks_init(&tasks, &t5);
	code = read(bad[_i].json, &t5, &tasks, &err);
	ck_assert_msg(code == bad[_i].code && strstr(err.msg, bad[_i].text), "%s: %d \"%s\"",
		      bad[_i].json, code, err.msg);
}
END_TEST

START_TEST(test_many)
{
	struct ct_tasks tasks;
	struct ct_err err;
	char text[1024], list[256];

	for (unsigned int n = 1; n <= CT_TASKS_MAX + 1; n++) {
		size_t len = (size_t)snprintf(text, sizeof(text),
					      "{\"task_specific_params\":{");

		for (unsigned int i = 0; i < n; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s\"translation_%u_to_x\":{}",
						i ? "," : "", i);
		snprintf(text + len, sizeof(text) - len, "}}");
		ct_tasks_init(&tasks, &t5);
		ck_assert_int_eq(read(text, &t5, &tasks, &err),
				 n > CT_TASKS_MAX ? -E2BIG : 0);
		ct_tasks_list(&tasks, &t5, list, sizeof(list));
		ck_assert_uint_lt(strlen(list), sizeof(list));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tasks");
	TCase *t = tcase_create("tasks");
	SRunner *runner;
	int failed;

	tcase_add_test(t, test_good);
	tcase_add_test(t, test_over);
	tcase_add_test(t, test_own);
	tcase_add_loop_test(t, test_bad, 0, N(bad));
	tcase_add_test(t, test_many);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
