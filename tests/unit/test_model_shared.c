// SPDX-License-Identifier: MIT
/*
 * Real models, where there are any: CTRANS_SHARED_DIR names a folder with
 * models/ and data/.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/stream.h"
#include "model_help.h"

/* NULL, with the reason told, when the folder is not there. */
static const char *at(const char *name)
{
	static char path[4096];
	const char *dir = getenv("CTRANS_SHARED_DIR");

	if (!dir) {
		printf("SKIP %s: CTRANS_SHARED_DIR is not set\n", name);
		fflush(stdout);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const struct {
	const char *path;
	uint32_t n_vocab, n_ctx, n_embd, n_layer, n_head;
	bool tied;
	int64_t eos;
} models[] = {
	{ "models/gpt2-small-prose", 4096, 256, 256, 6, 8, true, 4095 },
	{ "models/gpt2-tiny-prose", 2048, 256, 128, 4, 4, true, 2047 },
	{ "models/ort_tiny_gpt2", 1000, 512, 32, 5, 4, true, 98 },
	{ "models/llmviz_gpt_nano_sort", 3, 11, 48, 3, 3, false, -1 },
	{ "data/golden/gpt2_random", 97, 64, 48, 3, 4, true, 96 },
};

static int sum_rows(void *ctx, const struct ct_weight *w, uint32_t first_row,
		    uint32_t n_rows, const float *rows, struct ct_err *err)
{
	size_t n = (size_t)n_rows * ct_matrix_cols(w->m);

	(void)first_row;
	for (size_t i = 0; i < n; i++)
		if (!(rows[i] > -1e3f && rows[i] < 1e3f))
			return ct_fail(err, -ERANGE, "%s: %g", w->m->t.name,
				       (double)rows[i]);
	*(uint64_t *)ctx += n;
	return 0;
}

START_TEST(gpt2)
{
	struct ct_err err = { 0 };
	struct ct_model *m;
	const struct ct_config *c;
	const char *path = at(models[_i].path);
	uint64_t n = 0;
	int code;

	if (!path)
		return;
	code = ct_model_open(path, &m, &err);
	ck_assert_msg(!code, "%s", err.msg);
	c = &m->weights.cfg;
	ck_assert_uint_eq(c->n_vocab, models[_i].n_vocab);
	ck_assert_uint_eq(c->n_ctx, models[_i].n_ctx);
	ck_assert_uint_eq(c->n_embd, models[_i].n_embd);
	ck_assert_uint_eq(c->n_layer, models[_i].n_layer);
	ck_assert_uint_eq(c->n_head, models[_i].n_head);
	ck_assert(c->tied_head == models[_i].tied);
	ck_assert_int_eq(c->eos_id, models[_i].eos);
	code = ct_weights_stream(&m->weights, &m->files, NULL, sum_rows, &n, &err);
	ck_assert_msg(!code, "%s", err.msg);
	ck_assert_uint_eq(n, ct_config_n_params(c));
	ct_model_close(m);
}
END_TEST

START_TEST(others)
{
	static const char vocab[] =
		"data/tokenizers/llamacpp/ggml-vocab-gpt-2.gguf";
	struct ct_err err = { 0 };
	struct ct_model *m;

	if (!at(vocab))
		return;
	ck_assert_int_eq(ct_model_open(at(vocab), &m, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "only a vocabulary"));
	ck_assert_int_eq(ct_model_open_tokenizer(at(vocab), &m, &err), 0);
	ck_assert_uint_eq(m->vocab.n_tokens, 50257);
	ck_assert_uint_eq(m->vocab.n_merges, 50000);
	ck_assert_int_eq(m->vocab.eos_id, 50256);
	ck_assert_mem_eq(m->vocab.tokens[50256].ptr, "<|endoftext|>", 13);
	ct_model_close(m);
	ck_assert_int_eq(ct_model_open(at("models/t5-tiny-en-de"), &m, &err), 0);
	ck_assert_int_eq(m->weights.cfg.arch, CT_ARCH_T5);
	ct_model_close(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model_shared");
	TCase *t = tcase_create("models");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, gpt2, 0, sizeof(models) / sizeof(models[0]));
	tcase_add_test(t, others);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
