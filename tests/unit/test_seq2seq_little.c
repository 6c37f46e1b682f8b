// SPDX-License-Identifier: MIT
/* Little models with an encoder: which the other takes, and that texts stay the same. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "ctrans_convert.h"
#include "model_help.h"
#include "seq2seq_help.h"

static const char text[] = "the house is small";

static struct ctrans_model *open_pair(const char *path, const char *little,
				      uint32_t context)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	p.little = little;
	p.context = context;
	return ctrans_model_open(path, &p, &model) ? NULL : model;
}

static void link_to(const char *path, const char *name)
{
	char real[PATH_MAX];

	ck_assert_msg(realpath(path, real) && !symlink(real, tmp_path(name)), "%s", path);
}

/* A model in the temporary directory, one of whose files is another. */
static void make(const char *name, const char *const *files, const char *changed,
		 const char *from, const char *to)
{
	char path[600];
	cJSON *root;
	char *json, *at;

	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s/%s", data_path(name), *files);
		link_to(path, *files);
	}
	snprintf(path, sizeof(path), "%s/%s", data_path(name), changed);
	root = seq2seq_json(path);
	json = cJSON_PrintUnformatted(root);
	at = strstr(json, from);
	ck_assert_msg(at && strlen(from) == strlen(to), "%s", from);
	memcpy(at, to, strlen(to));
	tmp_text(changed, json);
	cJSON_free(json);
	cJSON_Delete(root);
}

static void same_text(struct ctrans_model *drafted, const char *path, uint32_t context)
{
	struct ctrans_model *alone = open_pair(path, "", context);
	struct ctrans_generate_params p;
	struct ctrans_result *want, *is;

	ck_assert_msg(drafted && alone, "%s", ctrans_message());
	ctrans_generate_params_init(&p, sizeof(p));
	p.beams = 1;
	p.max_tokens = 40;
	p.ignore_eos = true;
	/* of random weights none is ever sure */
	p.fallback = 0;
	want = seq2seq_generate(alone, text, &p);
	is = seq2seq_generate(drafted, text, &p);
	seq2seq_same(is, want);
	ck_assert_msg(is->usage.drafted > 0, "%s %u: %zu", path, context, is->n_tokens);
	ctrans_result_free(want);
	ctrans_result_free(is);
	ctrans_model_close(alone);
	ctrans_model_close(drafted);
}

/* What knows places by distances goes as far as the other was opened for. */
START_TEST(test_context)
{
	static const char *const files[] = {
		"generation_config.json", "model.safetensors", "spiece.model",
		"tokenizer_config.json", NULL,
	};
	char t5[512], fsmt[512], out[600];
	struct ctrans_convert_params p;

	snprintf(t5, sizeof(t5), "%s", data_path("t5_small"));
	snprintf(fsmt, sizeof(fsmt), "%s", data_path("fsmt_small"));
	snprintf(out, sizeof(out), "%s", tmp_path("pair.gguf"));
	make("t5_small", files, "config.json", "\"n_positions\":64", "\"n_positions\":32");
	same_text(open_pair(t5, tmp_path(""), 0), t5, 0);
	same_text(open_pair(t5, tmp_path(""), 300), t5, 300);
	same_text(open_pair(fsmt, fsmt, 0), fsmt, 0);

	ctrans_convert_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	p.little = tmp_path("");
	ck_assert_msg(!ctrans_convert(t5, &p, out), "%s", ctrans_message());
	same_text(open_pair(out, NULL, 200), out, 200);
}
END_TEST

/* It writes the same words, but reads others. */
START_TEST(test_refused)
{
	static const char *const files[] = {
		"config.json", "model.safetensors", "merges.txt", "tokenizer_config.json",
		"vocab-tgt.json", NULL,
	};
	char fsmt[512];

	snprintf(fsmt, sizeof(fsmt), "%s", data_path("fsmt_small"));
	make("fsmt_small", files, "vocab-src.json", "\"a\":4,\"a</w>\":5,\"b\":6",
	     "\"b\":4,\"a</w>\":5,\"a\":6");
	ck_assert_ptr_null(open_pair(fsmt, tmp_path(""), 0));
	seq2seq_says("token 4 is another than the model's");
	ck_assert_ptr_null(open_pair(fsmt, data_path("t5_small"), 0));
	seq2seq_says("the same tokenizer");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq_little");
	TCase *t = tcase_create("little");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, tmp_make, tmp_remove);
	tcase_add_test(t, test_context);
	tcase_add_test(t, test_refused);
	tcase_set_timeout(t, 120);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
