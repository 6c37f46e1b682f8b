// SPDX-License-Identifier: MIT
/* Known texts and the ids that other implementations give them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core_impl.h"
#include "model/model.h"
#include "test_bpe_util.h"
#include "text/utf8.h"

START_TEST(golden)
{
	struct ct_bpe *bpe = bpe_gpt2();

	ck_assert_uint_eq(ct_bpe_size(bpe), 50257);
	bpe_check_vectors(bpe, 0, bpe_data("gpt2/golden.json"));
	ct_bpe_free(bpe);
}
END_TEST

/* Texts between marker lines; the ids of each on a line. */
static void check_llamacpp(const struct ct_bpe *bpe)
{
	static const char marker[] = "\n__ggml_vocab_test__\n";
	char *texts, *all_ids, *text, *line;
	size_t len, n = 0;

	texts = bpe_slurp(bpe_data("llamacpp/ggml-vocab-gpt-2.gguf.inp"), &len);
	all_ids = bpe_slurp(bpe_data("llamacpp/ggml-vocab-gpt-2.gguf.out"),
			    &len);
	ck_assert(texts && all_ids);
	text = texts;
	line = all_ids;
	for (;;) {
		char *stop = strstr(text, marker), *end;
		uint32_t ids[256];
		size_t n_ids = 0;

		if (!stop)
			break;
		while (*line != '\n') {
			ck_assert(*line);
			ck_assert_uint_lt(n_ids, 256);
			ids[n_ids++] = strtoul(line, &end, 10);
			line = end;
			while (*line == ' ')
				line++;
		}
		line++;
		bpe_check_ids(bpe, text, stop - text, 0, ids, n_ids,
			      "llama.cpp");
		text = stop + sizeof(marker) - 1;
		n++;
	}
	ck_assert_uint_eq(n, 46);
	free(texts);
	free(all_ids);
}

START_TEST(llamacpp)
{
	struct ct_bpe *bpe = bpe_gpt2();

	check_llamacpp(bpe);
	ct_bpe_free(bpe);
}
END_TEST

/* Every flag of added tokens, and merges in no trained order. */
START_TEST(hugging_face)
{
	static const char *const variants[] = { "plain", "prefix", "whole" };
	struct ct_bpe *bpe;
	char name[64];

	snprintf(name, sizeof(name), "hf/%s", variants[_i]);
	bpe = bpe_open(bpe_data(name));
	snprintf(name, sizeof(name), "hf/%s/vectors.json", variants[_i]);
	bpe_check_vectors(bpe, CT_BPE_PARSE_SPECIAL, bpe_data(name));
	ct_bpe_free(bpe);
}
END_TEST

/*
 * A token of a trained vocabulary, as a text, is that token again. Tokens that
 * cut a character are excepted: their broken part splits off.
 */
static void check_tokens_are_themselves(const struct ct_bpe *bpe)
{
	const char *bytes;
	struct ct_ids ids;
	uint32_t id;
	size_t len;

	for (id = 0; id < ct_bpe_size(bpe); id++) {
		if (ct_bpe_bytes(bpe, id, &bytes, &len))
			ck_abort_msg("id %u has no bytes", id);
		if (ct_utf8_valid(bytes, len) < len) {
			bpe_check_round_trip(bpe, bytes, len, 0);
			continue;
		}
		ids = bpe_encode(bpe, bytes, len, CT_BPE_PARSE_SPECIAL);
		if (ids.n != 1 || ids.data[0] != id)
			ck_abort_msg("\"%.*s\" is not %u", (int)len, bytes,
				     id);
		ct_ids_free(&ids);
	}
}

START_TEST(tokens_are_themselves)
{
	struct ct_bpe *bpe = bpe_gpt2();

	check_tokens_are_themselves(bpe);
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(reference_training)
{
	struct ct_bpe *bpe = bpe_open(bpe_data("reference"));
	uint32_t id;

	ck_assert_uint_eq(ct_bpe_size(bpe), 500);
	ck_assert_int_eq(ct_bpe_find(bpe, "<|endoftext|>", 13, &id), 0);
	ck_assert_uint_eq(id, 0);
	ck_assert_int_eq(ct_bpe_kind(bpe, 0), CT_BPE_SPECIAL);
	ck_assert_uint_eq(ct_bpe_eos(bpe), 0);
	check_tokens_are_themselves(bpe);
	ct_bpe_free(bpe);
}
END_TEST

/* --- with the large data ---------------------------------------------- */

static void check_same(const struct ct_bpe *x, const struct ct_bpe *y)
{
	uint32_t id;

	ck_assert_uint_eq(ct_bpe_size(x), ct_bpe_size(y));
	for (id = 0; id < ct_bpe_size(x); id++) {
		const char *a, *b;
		size_t n, m;

		if (ct_bpe_bytes(x, id, &a, &n) || ct_bpe_bytes(y, id, &b, &m) ||
		    n != m || memcmp(a, b, n) ||
		    ct_bpe_kind(x, id) != ct_bpe_kind(y, id))
			ck_abort_msg("id %u differs", id);
	}
}

/* OpenAI's files give the same vocabulary as the merges alone. */
START_TEST(openai_files)
{
	const char *dir = bpe_shared("data/tokenizers/gpt2");
	struct ct_bpe *files, *made;

	if (!dir)
		return;
	files = bpe_open(dir);
	made = bpe_gpt2();
	check_same(files, made);
	ct_bpe_free(files);
	ct_bpe_free(made);
}
END_TEST

/* So does llama.cpp's file, by way of model/ and engine/. */
START_TEST(gguf_file)
{
	const char *path = bpe_shared(
		"data/tokenizers/llamacpp/ggml-vocab-gpt-2.gguf");
	struct ct_bpe *gguf, *made;
	struct ct_model *model;
	struct ct_err err = { 0 };

	if (!path)
		return;
	ck_assert_msg(!ct_model_open_tokenizer(path, &model, &err), "%s",
		      err.msg);
	ck_assert_msg(!ct_bpe_from_vocab(&model->vocab, &gguf, &err), "%s",
		      err.msg);
	ct_model_close(model);
	made = bpe_gpt2();
	check_same(gguf, made);
	check_llamacpp(gguf);
	ct_bpe_free(gguf);
	ct_bpe_free(made);
}
END_TEST

START_TEST(corpora)
{
	static const char *const names[] = {
		"data/tokenizers/minbpe/taylorswift.txt",
		"data/tokenizers/bpe_train_ref/corpus.en",
		"data/tokenizers/bpe_train_ref/german.txt",
		"data/tokenizers/bpe_train_ref/address.txt",
		"data/tokenizers/bpe_train_ref/tinystories_sample.txt",
		"data/corpora/tatoeba_en_de/deu.txt",
		"data/corpora/tinyshakespeare/input.txt",
		"data/corpora/warandpeace/war-and-peace.txt",
		"data/corpora/wikitext2/wiki.valid.raw",
		"data/tokenizers/llamacpp/ggml-vocab-gpt-2.gguf",
		"data/tokenizers/t5/tokenizer.json",
	};
	struct ct_bpe *bpe = bpe_gpt2();
	const char *path;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path = bpe_shared(names[i]);
		if (!path)
			continue;
		text = bpe_slurp(path, &len);
		ck_assert_ptr_nonnull(text);
		bpe_check_round_trip(bpe, text, len, 0);
		bpe_check_round_trip(bpe, text, len, CT_BPE_PARSE_SPECIAL);
		free(text);
	}
	ct_bpe_free(bpe);
}
END_TEST

/* The trained models' prompts and their ids. */
START_TEST(model_prompts)
{
	static const char *const models[] = { "models/gpt2-tiny-prose",
					      "models/gpt2-small-prose" };
	const char *dir = bpe_shared(models[_i]);
	const cJSON *item, *node;
	struct ct_ids want = { 0 };
	struct ct_bpe *bpe;
	char path[4096];
	cJSON *list;

	if (!dir)
		return;
	bpe = bpe_open(dir);
	snprintf(path, sizeof(path), "%s/golden.json", dir);
	list = bpe_json(path);
	cJSON_ArrayForEach(item, list) {
		const cJSON *text = cJSON_GetObjectItem(item, "prompt");

		if (!cJSON_IsString(text))
			continue;
		want.n = 0;
		cJSON_ArrayForEach(node, cJSON_GetObjectItem(item, "input_ids"))
			ck_assert_int_eq(ct_ids_append(&want, node->valueint),
					 0);
		bpe_check_ids(bpe, text->valuestring, strlen(text->valuestring),
			      0, want.data, want.n, models[_i]);
	}
	ct_ids_free(&want);
	cJSON_Delete(list);
	ct_bpe_free(bpe);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bpe_vectors");
	TCase *t = tcase_create("bpe_vectors");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, golden);
	tcase_add_test(t, llamacpp);
	tcase_add_loop_test(t, hugging_face, 0, 3);
	tcase_add_test(t, tokens_are_themselves);
	tcase_add_test(t, reference_training);
	tcase_add_test(t, openai_files);
	tcase_add_test(t, gguf_file);
	tcase_add_test(t, corpora);
	tcase_add_loop_test(t, model_prompts, 0, 2);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
