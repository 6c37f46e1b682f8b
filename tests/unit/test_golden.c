// SPDX-License-Identifier: MIT
/*
 * Against PyTorch: texts that Hugging Face's generate() made with fp32 weights
 * (golden/gpt2_random below CTRANS_SHARED_DIR/data), token for token.
 */
#include <cjson/cJSON.h>
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "engine/sample.h"

static const char *golden_dir(void)
{
	const char *shared = getenv("CTRANS_SHARED_DIR");
	static char dir[512];

	if (!shared) {
		printf("SKIP golden: CTRANS_SHARED_DIR is not set\n");
		return NULL;
	}
	snprintf(dir, sizeof(dir), "%s/data/golden/gpt2_random", shared);
	return dir;
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(1 << 20);
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static size_t ids(const cJSON *list, uint32_t *out)
{
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, list)
		out[n++] = item->valueint;
	return n;
}

static double number(const cJSON *object, const char *key, double otherwise)
{
	const cJSON *item = cJSON_GetObjectItem(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

/* One case; false if it asks for what this library does not do. */
static bool run_case(struct ctrans_model *model, const cJSON *c)
{
	const cJSON *args = cJSON_GetObjectItem(c, "kwargs");
	struct ct_sample_params p = { .top_p = 1 };
	uint32_t text[256], want[256], token;
	struct ctrans_session *session;
	struct ctrans_model_info info;
	struct ct_sampler sampler;
	float *logits;
	size_t n, i;

	if (number(args, "num_beams", 1) != 1 ||
	    number(args, "no_repeat_ngram_size", 0) != 0)
		return false;
	p.penalty = (float)number(args, "repetition_penalty", 1);
	n = ids(cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(c,
			"input"), "input_ids"), 0), text);
	ck_assert_uint_eq(ids(cJSON_GetArrayItem(cJSON_GetObjectItem(c,
			"output"), 0), want), number(args, "max_length", 0));

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	logits = malloc(info.vocab * sizeof(*logits));
	ck_assert_int_eq(ct_sampler_init(&sampler, &p, info.vocab, NULL), 0);
	ck_assert_int_eq(ctrans_session_open(model, &session), 0);
	for (i = 0; n < number(args, "max_length", 0); n++) {
		ck_assert_int_eq(ctrans_session_eval(session, text + i, n - i,
						     logits), 0);
		i = n;
		ck_assert_int_eq(ct_sampler_pick(&sampler, logits, text, n,
						 &token, NULL), 0);
		ck_assert_msg(token == want[n], "token %zu: %u instead of %u",
			      n, token, want[n]);
		text[n] = token;
	}
	ctrans_session_close(session);
	ct_sampler_free(&sampler);
	free(logits);
	return true;
}

START_TEST(test_generate)
{
	const char *dir = golden_dir();
	struct ctrans_model_params p;
	struct ctrans_model *model;
	char path[600], *text;
	const cJSON *c;
	cJSON *cases;
	int done = 0;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/generate.json", dir);
	text = slurp(path);
	cases = cJSON_Parse(text);
	ck_assert(cJSON_IsArray(cases));
	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim";
	p.flags = CTRANS_MODEL_F32;
	ck_assert_int_eq(ctrans_model_open(dir, &p, &model), 0);
	cJSON_ArrayForEach(c, cases)
		done += run_case(model, c);
	ck_assert_int_ge(done, 2);
	ctrans_model_close(model);
	cJSON_Delete(cases);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("golden");
	TCase *tc = tcase_create("golden");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_generate);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
