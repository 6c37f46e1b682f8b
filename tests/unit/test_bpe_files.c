// SPDX-License-Identifier: MIT
/* Hugging Face directories: which files count, and damaged ones. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test_bpe_util.h"

static const char *dir;
static struct ct_err err;

static void setup(void)
{
	dir = bpe_tmp_make();
}

static void fails(int code, const char *words)
{
	struct ct_bpe *bpe = NULL;
	int ret;

	err = (struct ct_err){ 0 };
	ret = ct_bpe_open_hf(dir, &bpe, &err);
	if (ret != code)
		ck_abort_msg("%d instead of %d (%s)", ret, code, err.msg);
	ck_assert_ptr_null(bpe);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, words) != NULL, "\"%s\" lacks \"%s\"",
		      err.msg, words);
	ck_assert_msg(strstr(err.msg, dir) != NULL, "\"%s\" names no file",
		      err.msg);
}

static void encodes(const struct ct_bpe *bpe, const char *text,
		    const char *ids)
{
	struct ct_ids got = bpe_encode(bpe, text, strlen(text),
				       CT_BPE_PARSE_SPECIAL);
	char line[256] = "";
	size_t i, n = 0;

	for (i = 0; i < got.n; i++)
		n += sprintf(line + n, i ? " %u" : "%u", got.data[i]);
	ck_assert_str_eq(line, ids);
	ct_ids_free(&got);
}

/* --- tokenizer.json --------------------------------------------------- */

#define MODEL								\
	"\"model\": {\"type\": \"BPE\", \"vocab\": "			\
	"{\"a\": 0, \"b\": 1, \"ab\": 2, \"\xc4\xa0\": 3, \"\xc4\xa0" "ab\": 4, " \
	"\"<s>\": 5}, \"merges\": [\"a b\", [\"\xc4\xa0\", \"ab\"]]}"
#define BYTE_LEVEL							\
	"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, "	\
	"\"use_regex\": true}"
#define ADDED								\
	"\"added_tokens\": [{\"id\": 5, \"content\": \"<s>\", "		\
	"\"special\": true}]"
#define PRE	"\"pre_tokenizer\": " BYTE_LEVEL

static struct ct_bpe *open_json(const char *text)
{
	bpe_tmp_text("tokenizer.json", text);
	return bpe_open(dir);
}

START_TEST(json_plain)
{
	struct ct_bpe *bpe = open_json("\xef\xbb\xbf{" ADDED ", " PRE ", " MODEL
				       ", \"decoder\": " BYTE_LEVEL
				       ", \"normalizer\": null}\n");

	encodes(bpe, "ab ab<s>a", "2 4 5 0");
	ck_assert_int_eq(ct_bpe_kind(bpe, 5), CT_BPE_SPECIAL);
	ck_assert_uint_eq(ct_bpe_eos(bpe), CT_BPE_NO_ID);
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(json_sequences_of_one)
{
	struct ct_bpe *bpe = open_json(
		"{\"pre_tokenizer\": {\"type\": \"Sequence\", "
		"\"pretokenizers\": [" BYTE_LEVEL "]}, \"normalizer\": "
		"{\"type\": \"Sequence\", \"normalizers\": []}, \"decoder\": "
		"{\"type\": \"Sequence\", \"decoders\": [" BYTE_LEVEL "]}, "
		MODEL "}");

	encodes(bpe, " ab", "4");
	ct_bpe_free(bpe);
}
END_TEST

#define TEMPLATE(single)						\
	"{" PRE ", " MODEL ", \"post_processor\": {\"type\": "		\
	"\"Sequence\", \"processors\": [" BYTE_LEVEL ", {\"type\": "	\
	"\"TemplateProcessing\", \"single\": [" single "], \"pair\": []}]}}"
#define SEQUENCE	"{\"Sequence\": {\"id\": \"A\"}}"
#define BOS(name)	"{\"SpecialToken\": {\"id\": \"" name "\"}}"

START_TEST(json_bos_from_the_post_processor)
{
	struct ct_bpe *bpe = open_json(TEMPLATE(BOS("<s>") ", " SEQUENCE));

	ck_assert(ct_bpe_adds_bos(bpe));
	ck_assert_uint_eq(ct_bpe_bos(bpe), 5);
	ct_bpe_free(bpe);

	bpe = open_json(TEMPLATE(SEQUENCE));
	ck_assert(!ct_bpe_adds_bos(bpe));
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(json_with_its_config)
{
	struct ct_bpe *bpe;

	bpe_tmp_text("tokenizer_config.json",
		     "{\"eos_token\": {\"content\": \"<s>\"}, "
		     "\"bos_token\": \"a\", \"add_prefix_space\": true, "
		     "\"add_bos_token\": true, \"pad_token\": null}");
	bpe_tmp_text("special_tokens_map.json", "{\"bos_token\": \"b\"}");
	bpe = open_json("{" PRE ", " MODEL "}");
	ck_assert_uint_eq(ct_bpe_eos(bpe), 5);
	ck_assert_uint_eq(ct_bpe_bos(bpe), 0);
	ck_assert(ct_bpe_adds_bos(bpe));
	encodes(bpe, "ab", "4");
	ct_bpe_free(bpe);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *words;
} bad_json[] = {
	{ "", -EBADMSG, "not JSON" },
	{ "{", -EBADMSG, "not JSON at byte" },
	{ "{} x", -EBADMSG, "something follows" },
	{ "[]", -EBADMSG, "not a JSON object" },
	{ "\"\xff\"", -EBADMSG, "not UTF-8 at byte 1" },
	{ "{\"a\\u0000b\": 1}", -EBADMSG, "U+0000" },
	{ "{\"a\": \"\\ud800\"}", -EBADMSG, "not JSON" },
	{ "{}", -EBADMSG, "\"model\"" },
	{ "{" MODEL "}", -ENOTSUP, "no pre-tokenizer" },
	{ "{\"model\": {\"type\": \"Unigram\"}}", -ENOTSUP, "model Unigram" },
	{ "{\"model\": {\"type\": 5}}", -ENOTSUP, "without a type" },
	{ "{\"model\": {\"byte_fallback\": true}}", -ENOTSUP, "byte_fallback" },
	{ "{\"model\": {\"byte_fallback\": 1}}", -EBADMSG, "byte_fallback" },
	{ "{\"model\": {\"dropout\": 0.1}}", -ENOTSUP, "dropout" },
	{ "{\"model\": {\"end_of_word_suffix\": \"</w>\"}}", -ENOTSUP,
	  "suffix" },
	{ "{\"model\": {\"continuing_subword_prefix\": \"##\"}}", -ENOTSUP,
	  "prefix" },
	{ "{" PRE ", \"model\": {}}", -EBADMSG, "vocabulary is not" },
	{ "{" PRE ", \"model\": {\"vocab\": []}}", -EBADMSG,
	  "vocabulary is not" },
	{ "{" PRE ", \"model\": {\"vocab\": {}}}", -EBADMSG, "\"merges\"" },
	{ "{" PRE ", \"model\": {\"vocab\": {}, \"merges\": []}}", -EBADMSG,
	  "empty" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": \"0\"}}}", -EBADMSG,
	  "not a number" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": -1}}}", -EBADMSG,
	  "-1 cannot be" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0.5}}}", -EBADMSG,
	  "0.5 cannot be" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 1e300}}}", -EBADMSG,
	  "cannot be" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 4e9}}}", -E2BIG,
	  "4000000000" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0, \"b\": 0}}}", -EBADMSG,
	  "same id" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0, \"a\": 1}}}", -EBADMSG,
	  "two ids" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"unk_token\": 1}}",
	  -EBADMSG, "unk_token" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"unk_token\": \"u\"}}",
	  -EBADMSG, "unk_token" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": {}}}",
	  -EBADMSG, "not an array" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a a\"]}}",
	  -EBADMSG, "result \"aa\"" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}",
	  -EBADMSG, "space between" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]}}",
	  -EBADMSG, "neither" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[1, 2]]}}",
	  -EBADMSG, "neither" },
	{ "{" PRE ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": [7]}}",
	  -EBADMSG, "neither" },
	{ "{" PRE ", " MODEL ", \"normalizer\": {\"type\": \"NFC\"}}", -ENOTSUP,
	  "normalizer NFC" },
	{ "{" PRE ", " MODEL ", \"normalizer\": {\"type\": \"Sequence\", "
	  "\"normalizers\": [{\"type\": \"Lowercase\"}]}}", -ENOTSUP,
	  "normalizer Lowercase" },
	{ "{\"pre_tokenizer\": {\"type\": \"Metaspace\"}, " MODEL "}", -ENOTSUP,
	  "pre-tokenizer Metaspace" },
	{ "{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": "
	  "[{\"type\": \"Split\"}, " BYTE_LEVEL "]}, " MODEL "}", -ENOTSUP,
	  "pre-tokenizer Split" },
	{ "{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": ["
	  BYTE_LEVEL ", {\"type\": \"Digits\"}]}, " MODEL "}", -ENOTSUP,
	  "pre-tokenizer Digits" },
	{ "{\"pre_tokenizer\": {\"type\": \"ByteLevel\", "
	  "\"add_prefix_space\": \"no\"}, " MODEL "}", -EBADMSG,
	  "add_prefix_space" },
	{ "{" PRE ", " MODEL ", \"decoder\": {\"type\": \"WordPiece\"}}",
	  -ENOTSUP, "decoder WordPiece" },
	{ "{" PRE ", " MODEL ", \"post_processor\": "
	  "{\"type\": \"BertProcessing\"}}", -ENOTSUP, "BertProcessing" },
	{ TEMPLATE(SEQUENCE ", " BOS("<s>")), -ENOTSUP, "TemplateProcessing" },
	{ TEMPLATE(BOS("<t>") ", " SEQUENCE), -EBADMSG, "not in the vocab" },
	{ TEMPLATE(""), -ENOTSUP, "TemplateProcessing" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": {}}", -EBADMSG,
	  "not an array" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": [{\"id\": 9}]}", -EBADMSG,
	  "content" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": [{\"content\": \"x\"}]}",
	  -EBADMSG, "not a number" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": [{\"content\": \"x\", "
	  "\"id\": 5}]}", -EBADMSG, "same id 5" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": [{\"content\": \"x\", "
	  "\"id\": 9, \"lstrip\": 0}]}", -EBADMSG, "lstrip" },
	{ "{" PRE ", " MODEL ", \"added_tokens\": [7]}", -EBADMSG, "content" },
};

START_TEST(json_damaged)
{
	bpe_tmp_text("tokenizer.json", bad_json[_i].text);
	fails(bad_json[_i].code, bad_json[_i].words);
}
END_TEST

/* Wherever the file ends too early, there is one clear error. */
START_TEST(json_truncated)
{
	struct ct_bpe *bpe;
	size_t len, cut;
	char *text;

	text = bpe_slurp(bpe_data("hf/plain/tokenizer.json"), &len);
	ck_assert_ptr_nonnull(text);
	for (cut = 0; cut < len - 1; cut += 1 + cut / 64) {
		bpe_tmp_write("tokenizer.json", text, cut);
		ck_assert_int_eq(ct_bpe_open_hf(dir, &bpe, &err), -EBADMSG);
		bpe_tmp_remove();
		dir = bpe_tmp_make();
	}
	free(text);
}
END_TEST

/* --- vocab.json and merges.txt ---------------------------------------- */

#define VOCAB								\
	"{\"a\": 0, \"b\": 1, \"ab\": 2, \"#version\": 3, "		\
	"\"<|endoftext|>\": 4, \"<s>\": 5}"

static void write_pair(const char *vocab, const char *merges)
{
	bpe_tmp_text("vocab.json", vocab);
	bpe_tmp_text("merges.txt", merges);
}

START_TEST(pair_plain)
{
	struct ct_bpe *bpe;

	/* With a version line, CRLF, an empty line, and no line's end. */
	write_pair(VOCAB, "#version: 0.2\r\n\r\na b");
	bpe = bpe_open(dir);
	encodes(bpe, "ab<|endoftext|>", "2 4");
	ck_assert_int_eq(ct_bpe_kind(bpe, 4), CT_BPE_SPECIAL);
	ck_assert_int_eq(ct_bpe_kind(bpe, 5), CT_BPE_NORMAL);
	ck_assert_uint_eq(ct_bpe_eos(bpe), 4);
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(pair_openai_names)
{
	struct ct_bpe *bpe;

	bpe_tmp_text("encoder.json", VOCAB);
	bpe_tmp_text("vocab.bpe", "#version: 0.2\na b\n");
	bpe = bpe_open(dir);
	encodes(bpe, "ab", "2");
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(pair_with_special_files)
{
	struct ct_bpe *bpe;

	write_pair(VOCAB, "a b\n");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 7, \"\": 8}");
	bpe_tmp_text("special_tokens_map.json",
		     "{\"eos_token\": {\"content\": \"<s>\", \"rstrip\": true},"
		     " \"pad_token\": \"<nowhere>\","
		     " \"additional_special_tokens\": [\"<x>\"]}");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"added_tokens_decoder\": {\"9\": {\"content\": \"<y>\","
		     " \"lstrip\": true, \"special\": false},"
		     " \"10\": {\"content\": \"\"}},"
		     " \"bos_token\": \"<y>\", \"add_bos_token\": false}");
	bpe = bpe_open(dir);
	ck_assert_uint_eq(ct_bpe_size(bpe), 10);
	ck_assert_int_eq(ct_bpe_kind(bpe, 7), CT_BPE_SPECIAL);
	ck_assert_int_eq(ct_bpe_kind(bpe, 8), CT_BPE_HOLE);
	ck_assert_int_eq(ct_bpe_kind(bpe, 9), CT_BPE_ADDED);
	ck_assert_int_eq(ct_bpe_kind(bpe, 5), CT_BPE_SPECIAL);
	ck_assert_int_eq(ct_bpe_kind(bpe, 4), CT_BPE_SPECIAL);
	ck_assert_uint_eq(ct_bpe_eos(bpe), 5);
	ck_assert_uint_eq(ct_bpe_bos(bpe), 9);
	/* Missing bytes are <|endoftext|>, which is unk by default. */
	encodes(bpe, "a<s> \tb <y><x>?", "0 5 1 9 7 4");
	ct_bpe_free(bpe);
}
END_TEST

static const struct {
	const char *vocab, *merges;
	int code;
	const char *words;
} bad_pairs[] = {
	{ VOCAB, NULL, -EBADMSG, "needs both" },
	{ NULL, "a b\n", -EBADMSG, "needs both" },
	{ VOCAB, "a\n", -EBADMSG, "line 1: merge 0" },
	{ VOCAB, "a b\na c\n", -EBADMSG, "line 2: merge 1" },
	{ VOCAB, "a b\n#version 1\n", -EBADMSG, "line 2" },
	{ VOCAB, "a b\nb \xff\n", -EBADMSG, "\\xff" },
	{ VOCAB, "a  b\n", -EBADMSG, "line 1" },
	{ "{}", "", -EBADMSG, "empty" },
	{ "[]", "", -EBADMSG, "not a JSON object" },
	{ "{\"a\": true}", "", -EBADMSG, "token \"a\"" },
	{ "nonsense", "a b\n", -EBADMSG, "vocab.json: not JSON" },
};

START_TEST(pair_damaged)
{
	if (bad_pairs[_i].vocab)
		bpe_tmp_text("vocab.json", bad_pairs[_i].vocab);
	if (bad_pairs[_i].merges)
		bpe_tmp_text("merges.txt", bad_pairs[_i].merges);
	fails(bad_pairs[_i].code, bad_pairs[_i].words);
}
END_TEST

static const struct {
	const char *file, *text, *words;
} bad_extras[] = {
	{ "added_tokens.json", "[]", "added_tokens.json: not a JSON object" },
	{ "added_tokens.json", "{\"x\": -2}", "cannot be a token id" },
	{ "added_tokens.json", "{\"x\": 0}", "same id 0" },
	{ "added_tokens.json", "{", "not JSON" },
	{ "special_tokens_map.json", "7", "not a JSON object" },
	{ "special_tokens_map.json",
	  "{\"eos_token\": {\"content\": \"<s>\", \"lstrip\": 3}}", "lstrip" },
	{ "tokenizer_config.json", "null", "not a JSON object" },
	{ "tokenizer_config.json", "{\"add_bos_token\": 1}", "add_bos_token" },
	{ "tokenizer_config.json", "{\"added_tokens_decoder\": [1]}",
	  "added_tokens_decoder" },
	{ "tokenizer_config.json",
	  "{\"added_tokens_decoder\": {\"9x\": {\"content\": \"q\"}}}",
	  "added_tokens_decoder" },
	{ "tokenizer_config.json",
	  "{\"added_tokens_decoder\": {\"99999999999\": "
	  "{\"content\": \"q\"}}}", "added_tokens_decoder" },
	{ "tokenizer_config.json",
	  "{\"added_tokens_decoder\": {\"1\": {\"content\": \"q\"}}}",
	  "same id 1" },
};

START_TEST(extras_damaged)
{
	write_pair(VOCAB, "a b\n");
	bpe_tmp_text(bad_extras[_i].file, bad_extras[_i].text);
	fails(-EBADMSG, bad_extras[_i].words);
}
END_TEST

/* --- directories ------------------------------------------------------ */

START_TEST(no_tokenizer)
{
	char path[128];
	struct ct_bpe *bpe;

	fails(-ENOENT, "no byte-level BPE tokenizer");
	bpe_tmp_text("config.json", "{}");
	fails(-ENOENT, "no byte-level BPE tokenizer");

	snprintf(path, sizeof(path), "%s/config.json", dir);
	ck_assert_int_eq(ct_bpe_open_hf(path, &bpe, &err), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none", dir);
	ck_assert_int_eq(ct_bpe_open_hf(path, &bpe, &err), -ENOENT);
	ck_assert_int_eq(ct_bpe_open_hf(path, &bpe, NULL), -ENOENT);
}
END_TEST

START_TEST(no_regular_file)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/tokenizer.json", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	fails(-EBADMSG, "not a regular file");
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fails(-EBADMSG, "not a regular file");
	ck_assert_int_eq(remove(path), 0);
}
END_TEST

START_TEST(long_path)
{
	char path[5000];
	struct ct_bpe *bpe;

	for (size_t i = 0; i < 4090; i++)
		path[i] = "/."[i % 2];
	path[4090] = '\0';
	ck_assert_int_eq(ct_bpe_open_hf(path, &bpe, &err), -ENAMETOOLONG);
}
END_TEST

#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))

int main(void)
{
	Suite *s = suite_create("bpe_files");
	TCase *t = tcase_create("bpe_files");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, bpe_tmp_remove);
	tcase_add_test(t, json_plain);
	tcase_add_test(t, json_sequences_of_one);
	tcase_add_test(t, json_bos_from_the_post_processor);
	tcase_add_test(t, json_with_its_config);
	tcase_add_loop_test(t, json_damaged, 0, COUNT(bad_json));
	tcase_add_test(t, json_truncated);
	tcase_add_test(t, pair_plain);
	tcase_add_test(t, pair_openai_names);
	tcase_add_test(t, pair_with_special_files);
	tcase_add_loop_test(t, pair_damaged, 0, COUNT(bad_pairs));
	tcase_add_loop_test(t, extras_damaged, 0, COUNT(bad_extras));
	tcase_add_test(t, no_tokenizer);
	tcase_add_test(t, no_regular_file);
	tcase_add_test(t, long_path);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
