// SPDX-License-Identifier: MIT
/* Hugging Face directories of T5's kind: which files count, and damaged ones. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spm_help.h"
#include "test_bpe_util.h"

#define SPACE	"\xe2\x96\x81"

static const char *dir;

static void setup(void)
{
	dir = bpe_tmp_make();
}

static void teardown(void)
{
	bpe_tmp_remove();
}

static void put_model(const char *name)
{
	struct ct_spm_model m;
	struct ct_buf proto;

	spm_small(&m, CT_SPM_UNIGRAM);
	proto = spm_written(&m);
	bpe_tmp_write(name, proto.data, proto.n);
	ct_buf_free(&proto);
	ct_spm_model_free(&m);
}

static void fails(int code, const char *words)
{
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };
	int ret = ct_spm_open_hf(dir, &spm, &err);

	if (ret != code)
		ck_abort_msg("%d instead of %d (%s)", ret, code, err.msg);
	ck_assert_ptr_null(spm);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, words) != NULL, "\"%s\" lacks \"%s\"",
		      err.msg, words);
	ck_assert_msg(strstr(err.msg, dir) != NULL, "\"%s\" names no file",
		      err.msg);
}

static uint32_t id_of(const struct ct_spm *spm, const char *name)
{
	uint32_t id;

	return ct_spm_find(spm, name, strlen(name), &id) ? CT_SPM_NO_ID : id;
}

static const char *parsed(const struct ct_spm *spm, const char *text)
{
	return spm_ids(spm, text, strlen(text), CT_SPM_PARSE_SPECIAL);
}

/* --- with SentencePiece's own file ------------------------------------ */

/* T5 from its model alone: three special pieces, and a hundred sentinels. */
START_TEST(model_alone)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	put_model("spiece.model");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 109);
	ck_assert_uint_eq(id_of(spm, "<extra_id_0>"), 108);
	ck_assert_uint_eq(id_of(spm, "<extra_id_99>"), 9);
	ck_assert_uint_eq(ct_spm_eos(spm), 1);
	ck_assert_uint_eq(ct_spm_pad(spm), 0);
	ck_assert_str_eq(parsed(spm, "a<extra_id_99></s><unk>"), "7 9 1 2");
	ct_spm_free(spm);
}
END_TEST

START_TEST(model_by_its_other_names)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	put_model("tokenizer.model");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"extra_ids\": 0, \"tokenizer_class\": \"T5Tokenizer\"}");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 9);
	ct_spm_free(spm);
	put_model("sentencepiece.bpe.model");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 9);
	ct_spm_free(spm);
}
END_TEST

/* The table of the model is too short for sentinels, or just long enough. */
START_TEST(room_for_extra_ids)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	put_model("spiece.model");
	bpe_tmp_text("config.json", "{\"vocab_size\": 108}");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 9);
	ct_spm_free(spm);
	bpe_tmp_text("config.json", "{\"vocab_size\": 109}");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 109);
	ct_spm_free(spm);
	bpe_tmp_text("special_tokens_map.json",
		     "{\"additional_special_tokens\": [\"<extra_id_0>\", "
		     "{\"content\": \"<extra_id_1>\"}, \"<other>\"]}");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 11);
	ck_assert_uint_eq(id_of(spm, "<extra_id_0>"), 10);
	ck_assert_uint_eq(id_of(spm, "<other>"), CT_SPM_NO_ID);
	ct_spm_free(spm);
}
END_TEST

START_TEST(added_tokens)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	put_model("spiece.model");
	bpe_tmp_text("added_tokens.json",
		     "{\"<extra_id_0>\": 12, \"<end>\": 11, \"\": 4}");
	bpe_tmp_text("special_tokens_map.json",
		     "{\"eos_token\": {\"content\": \"<end>\"}, \"unk_token\": "
		     "null, \"additional_special_tokens\": [\"<extra_id_0>\"]}");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"bos_token\": \"c\", \"added_tokens_decoder\": {\"14\": "
		     "{\"content\": \"<late>\", \"special\": true}, \"15\": "
		     "{\"content\": \"<word>\"}}}");
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 16);
	ck_assert_uint_eq(ct_spm_eos(spm), 11);
	ck_assert_uint_eq(ct_spm_bos(spm), 8);
	ck_assert_int_eq(ct_spm_kind(spm, 12), CT_SPM_SPECIAL);
	ck_assert_int_eq(ct_spm_kind(spm, 14), CT_SPM_SPECIAL);
	ck_assert_int_eq(ct_spm_kind(spm, 15), CT_SPM_ADDED);
	ck_assert_str_eq(parsed(spm, "ab<end><word>"), "3 6 11 15");
	ct_spm_free(spm);
}
END_TEST

START_TEST(bad_files)
{
	fails(-ENOENT, "has no SentencePiece tokenizer");
	bpe_tmp_text("spiece.model", "this is text");
	fails(-EBADMSG, "spiece.model");
	put_model("spiece.model");
	bpe_tmp_text("config.json", "{\"vocab_size\": \"many\"}");
	fails(-EBADMSG, "config.json");
	bpe_tmp_text("config.json", "{}");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 20, \"<y>\": 20}");
	fails(-EBADMSG, "added_tokens.json");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": -1}");
	fails(-EBADMSG, "-1");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 4294967295}");
	fails(-E2BIG, "ids are below");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 20}");
	bpe_tmp_text("tokenizer_config.json", "{\"extra_ids\": 1001}");
	fails(-E2BIG, "extra ids");
	bpe_tmp_text("tokenizer_config.json", "{\"extra_ids\": -5}");
	fails(-EBADMSG, "extra_ids");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"added_tokens_decoder\": {\"1x\": {\"content\": \"a\"}}}");
	fails(-EBADMSG, "added_tokens_decoder");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"added_tokens_decoder\": {\"21\": {\"content\": \"<x>\"}}}");
	fails(-EBADMSG, "two ids");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"tokenizer_class\": \"XLMRobertaTokenizer\"}");
	fails(-ENOTSUP, "XLMRobertaTokenizer");
}
END_TEST

/* --- with tokenizer.json ---------------------------------------------- */

#define ADDED								\
	"\"added_tokens\": [{\"id\": 0, \"content\": \"<pad>\", \"special\": "	\
	"true}, {\"id\": 1, \"content\": \"</s>\", \"special\": true}, "	\
	"{\"id\": 2, \"content\": \"<unk>\", \"special\": true}, {\"id\": 9, " \
	"\"content\": \"<extra_id_0>\", \"special\": true}]"
#define METASPACE							\
	"{\"type\": \"Metaspace\", \"replacement\": \"" SPACE "\", "	\
	"\"prepend_scheme\": \"always\"}"
#define MODEL								\
	"\"model\": {\"type\": \"Unigram\", \"unk_id\": 2, \"vocab\": ["	\
	"[\"<pad>\", 0], [\"</s>\", 0.0], [\"<unk>\", 0], [\"" SPACE "\", -3], " \
	"[\"a\", -4], [\"b\", -5], [\"ab\", -1], [\"" SPACE "a\", -2], "	\
	"[\"c\", -6], [\"<extra_id_0>\", 0]]}"
#define COLLAPSE							\
	"{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Strip\"}, "	\
	"{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, "	\
	"\"content\": \"" SPACE "\"}]}"
#define TEMPLATE(rest)							\
	"{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": "	\
	"{\"id\": \"A\"}}" rest "]}"
#define EOS	", {\"SpecialToken\": {\"id\": \"</s>\"}}"

static void put_json(const char *normalizer, const char *pre,
		     const char *decoder, const char *post, const char *model)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "{" ADDED ", \"normalizer\": %s, \"pre_tokenizer\": %s, "
		 "\"decoder\": %s, \"post_processor\": %s, %s}",
		 normalizer, pre, decoder, post, model);
	bpe_tmp_text("tokenizer.json", text);
}

/* The same model as in the other file, and so the same bytes. */
START_TEST(json_is_the_model)
{
	const void *one, *two;
	size_t one_len, two_len;
	struct ct_spm *json, *file;

	if (!spm_supported())
		return;
	put_json(COLLAPSE, METASPACE, METASPACE, TEMPLATE(EOS), MODEL);
	json = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(json), 10);
	ck_assert_int_eq(ct_spm_kind(json, 9), CT_SPM_SPECIAL);
	ck_assert_uint_eq(ct_spm_eos(json), 1);
	ck_assert_str_eq(parsed(json, "ab  a<extra_id_0></s>"), "3 6 7 9 1");

	put_model("spiece.model");
	file = spm_open_dir(dir);
	one = ct_spm_proto(json, &one_len);
	two = ct_spm_proto(file, &two_len);
	ck_assert_uint_eq(one_len, two_len);
	ck_assert_mem_eq(one, two, one_len);
	ct_spm_free(file);
	ct_spm_free(json);
}
END_TEST

START_TEST(json_settings)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	put_json("null", "{\"type\": \"Metaspace\", \"replacement\": \"" SPACE
		 "\", \"add_prefix_space\": false}", "null", "null", MODEL);
	spm = spm_open_dir(dir);
	ck_assert_str_eq(parsed(spm, "ab  a"), "6 3 7");
	ct_spm_free(spm);
	put_json("{\"type\": \"Precompiled\", \"precompiled_charsmap\": null}",
		 METASPACE, METASPACE, TEMPLATE(""), MODEL);
	spm = spm_open_dir(dir);
	ck_assert_str_eq(parsed(spm, "ab  a"), "3 6 3 7");
	ct_spm_free(spm);
}
END_TEST

START_TEST(json_refused_by_name)
{
	static const char lower[] = "{\"type\": \"Lowercase\"}";
	static const char split[] = "{\"type\": \"Whitespace\"}";

	put_json(lower, METASPACE, METASPACE, TEMPLATE(EOS), MODEL);
	fails(-ENOTSUP, "normalizer Lowercase");
	put_json("{\"type\": \"Strip\"}", METASPACE, METASPACE, TEMPLATE(EOS),
		 MODEL);
	fails(-ENOTSUP, "normalizer Strip");
	put_json("null", split, METASPACE, TEMPLATE(EOS), MODEL);
	fails(-ENOTSUP, "pre-tokenizer Whitespace ");
	put_json("null", "null", METASPACE, TEMPLATE(EOS), MODEL);
	fails(-ENOTSUP, "Metaspace");
	put_json("null", METASPACE, "{\"type\": \"WordPiece\"}", TEMPLATE(EOS),
		 MODEL);
	fails(-ENOTSUP, "decoder WordPiece");
	put_json("null", METASPACE, METASPACE,
		 "{\"type\": \"TemplateProcessing\", \"single\": "
		 "[{\"SpecialToken\": {\"id\": \"</s>\"}}]}", MODEL);
	fails(-ENOTSUP, "post-processor TemplateProcessing");
	put_json("null", METASPACE, METASPACE, "null",
		 "\"model\": {\"type\": \"BPE\", \"vocab\": {}}");
	fails(-ENOTSUP, "model BPE");
	put_json("null", "{\"type\": \"Metaspace\", \"replacement\": \"_\"}",
		 METASPACE, "null", MODEL);
	fails(-ENOTSUP, "U+2581");
}
END_TEST

#define UNIGRAM(rest)	"\"model\": {\"type\": \"Unigram\", " rest "}"

START_TEST(json_damaged)
{
	static const char *const models[] = {
		"\"model\": 7",
		UNIGRAM("\"unk_id\": 0"),
		UNIGRAM("\"unk_id\": null, \"vocab\": [[\"a\", 0]]"),
		UNIGRAM("\"unk_id\": 5, \"vocab\": [[\"a\", 0]]"),
		UNIGRAM("\"unk_id\": 0, \"vocab\": [[\"a\"]]"),
		UNIGRAM("\"unk_id\": 0, \"vocab\": [[\"a\", 1e300]]"),
		UNIGRAM("\"unk_id\": 0, \"vocab\": [[\"a\", 0, 0]]"),
		UNIGRAM("\"unk_id\": 0, \"vocab\": [\"a\"]"),
		UNIGRAM("\"unk_id\": 0, \"vocab\": [[\"\", 0]]"),
	};
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		put_json("null", METASPACE, METASPACE, "null", models[i]);
		fails(-EBADMSG, "");
		teardown();
		setup();
	}
	put_json("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"a*\"}",
		 METASPACE, METASPACE, "null", MODEL);
	fails(-EBADMSG, "base64");
	put_json("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"aaaa\"}",
		 METASPACE, METASPACE, "null", MODEL);
	fails(-EBADMSG, "charsmap");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spm_files");
	TCase *tc = tcase_create("spm_files");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, model_alone);
	tcase_add_test(tc, model_by_its_other_names);
	tcase_add_test(tc, room_for_extra_ids);
	tcase_add_test(tc, added_tokens);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, json_is_the_model);
	tcase_add_test(tc, json_settings);
	tcase_add_test(tc, json_refused_by_name);
	tcase_add_test(tc, json_damaged);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
