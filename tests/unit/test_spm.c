// SPDX-License-Identifier: MIT
/* SentencePiece tokenizers: what the library itself gives, and what T5 adds. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spm_help.h"
#include "test_bpe_util.h"
#include "text/utf8.h"

#define SPACE	"\xe2\x96\x81"

/* --- vectors ---------------------------------------------------------- */

static const char *stripped(char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == ' ')
		text[--n] = '\0';
	return text + strspn(text, " ");
}

/* The text of a vector, which may have U+0000: cJSON ends there. */
static size_t text_of(const cJSON *c, const char **text)
{
	const char *s = cJSON_GetObjectItem(c, "text")->valuestring;

	*text = s;
	return strlen(s);
}

static int check_vector(const struct ct_spm *spm, const cJSON *c,
			const char *key, const char *decoded)
{
	const cJSON *item, *ids = cJSON_GetObjectItem(c, key);
	char want[4096] = "", *n = want;
	const char *text, *got;
	size_t len = text_of(c, &text);

	cJSON_ArrayForEach(item, ids)
		n += sprintf(n, n > want ? " %d" : "%d", item->valueint);
	/* A text that begins with U+0000, at which cJSON cuts it. */
	if (!len && *want)
		return 0;
	got = spm_ids(spm, text, len, 0);
	ck_assert_msg(!strcmp(got, want), "\"%s\": %s instead of %s", text, got,
		      want);
	got = spm_text(spm, want, 0);
	if (decoded)
		ck_assert_str_eq(got, stripped(cJSON_GetObjectItem(c,
					decoded)->valuestring));
	return 1;
}

static void check_vectors(const struct ct_spm *spm, const char *path,
			  const char *key, const char *decoded)
{
	cJSON *list = bpe_json(path);
	const cJSON *c;
	int n = 0;

	ck_assert_ptr_nonnull(list);
	cJSON_ArrayForEach(c, list)
		n += check_vector(spm, c, key, decoded);
	ck_assert_int_ge(n, 54);
	cJSON_Delete(list);
}

/* As SentencePiece alone has it: nothing is special by a name. */
static struct ct_spm *open_file(const char *path)
{
	struct ct_spm *spm = NULL;
	struct ct_err err;
	size_t len;
	char *data = bpe_slurp(path, &len);

	ck_assert_ptr_nonnull(data);
	if (ct_spm_open(data, len, NULL, 0, &spm, &err))
		ck_abort_msg("%s: %s", path, err.msg);
	free(data);
	return spm;
}

START_TEST(vectors)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm = open_file(bpe_data("spm/spiece.model"));
	ck_assert_uint_eq(ct_spm_size(spm), 1000);
	check_vectors(spm, bpe_data("spm/golden.json"), "ids", "decoded");
	ck_assert_str_eq(spm_ids(spm, "\0\1\x7f control", 11, 0),
			 "7 0 247 14 138 27");
	ct_spm_free(spm);
}
END_TEST

START_TEST(vectors_shared)
{
	static const char *const names[] = {
		"spiece", "test_sentencepiece", "test_sentencepiece_bpe",
	};
	char name[128];
	size_t i;

	if (!spm_supported())
		return;
	for (i = 0; i < 3; i++) {
		struct ct_spm *spm;
		const char *path;

		snprintf(name, sizeof(name), "data/tokenizers/spm_test/%s.model",
			 names[i]);
		path = bpe_shared(name);
		if (!path)
			return;
		spm = open_file(path);
		snprintf(name, sizeof(name), "data/golden/tokenizers/spm_%s.json",
			 names[i]);
		check_vectors(spm, bpe_shared(name), "ids", "decoded");
		ct_spm_free(spm);
	}
}
END_TEST

/* The same model from SentencePiece's file and from tokenizer.json. */
START_TEST(t5_shared)
{
	const char *dir = bpe_shared("data/tokenizers/t5"), *text;
	const char *golden = "data/golden/tokenizers/t5.json";
	struct ct_spm *json, *file;
	size_t len, file_len;
	uint32_t id;

	if (!spm_supported() || !dir)
		return;
	json = spm_open_dir(dir);
	file = open_file(bpe_shared("data/tokenizers/t5/spiece_rebuilt.model"));
	check_vectors(json, bpe_shared(golden), "ids_spm_raw", NULL);
	check_vectors(file, bpe_shared(golden), "ids_spm_raw", "decoded_spm");
	ck_assert_uint_eq(ct_spm_size(file), 32000);
	ck_assert_uint_eq(ct_spm_size(json), 32100);
	ck_assert_int_eq(ct_spm_find(json, "<extra_id_0>", 12, &id), 0);
	ck_assert_uint_eq(id, 32099);
	ck_assert_int_eq(ct_spm_kind(json, 32000), CT_SPM_SPECIAL);
	ck_assert_uint_eq(ct_spm_eos(json), 1);
	ck_assert_uint_eq(ct_spm_pad(json), 0);
	ck_assert_uint_eq(ct_spm_unk(json), 2);
	ck_assert_uint_eq(ct_spm_bos(json), CT_SPM_NO_ID);

	/* Bit for bit: it is the same model. */
	text = ct_spm_proto(json, &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_mem_eq(text, ct_spm_proto(file, &file_len), len);
	ck_assert_uint_eq(len, file_len);

	text = "The <extra_id_0> walks in<extra_id_1> park</s>";
	ck_assert_str_eq(spm_ids(json, text, strlen(text),
				 CT_SPM_PARSE_SPECIAL),
			 "37 32099 10681 16 32098 2447 1");
	ct_spm_free(json);
	ct_spm_free(file);
}
END_TEST

START_TEST(models_shared)
{
	const char *dir = bpe_shared("models/ort_tiny_t5");
	struct ct_spm *spm;
	uint32_t id;

	if (!spm_supported() || !dir)
		return;
	/* Its added tokens are T5's, its model is smaller: holes between. */
	spm = spm_open_dir(dir);
	ck_assert_uint_eq(ct_spm_size(spm), 32100);
	/* Its model calls 0 <unk>, its other files call it <pad>. */
	ck_assert_uint_eq(ct_spm_pad(spm), 0);
	ck_assert_uint_eq(ct_spm_eos(spm), 1);
	ck_assert_str_eq(spm_text(spm, "0 1 2", 0), "<pad></s><unk>");
	ck_assert_int_eq(ct_spm_kind(spm, 31999), CT_SPM_HOLE);
	ck_assert_int_eq(ct_spm_kind(spm, 32000), CT_SPM_SPECIAL);
	ck_assert_int_eq(ct_spm_find(spm, "<extra_id_99>", 13, &id), 0);
	ck_assert_uint_eq(id, 32000);
	ct_spm_free(spm);
}
END_TEST

/* Sources with their ids, and texts that a model wrote, of a trained T5. */
START_TEST(translations_shared)
{
	const char *dir = bpe_shared("models/t5-tiny-en-de");
	struct ct_spm *spm;
	const cJSON *c, *item;
	cJSON *list;

	if (!spm_supported() || !dir)
		return;
	spm = spm_open_dir(dir);
	/* No room for more in the model's table, so no <extra_id_0>. */
	ck_assert_uint_eq(ct_spm_size(spm), 3000);
	list = bpe_json(bpe_shared("models/t5-tiny-en-de/golden.json"));
	ck_assert_int_ge(cJSON_GetArraySize(list), 3);
	cJSON_ArrayForEach(c, list) {
		const char *source =
			cJSON_GetObjectItem(c, "source")->valuestring;
		char ids[1024] = "", *n = ids, want[1024];

		cJSON_ArrayForEach(item, cJSON_GetObjectItem(c, "input_ids"))
			n += sprintf(n, n > ids ? " %d" : "%d", item->valueint);
		snprintf(want, sizeof(want), "%s 1",
			 spm_ids(spm, source, strlen(source), 0));
		ck_assert_str_eq(want, ids);
		ids[0] = '\0';
		n = ids;
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(c, "greedy_ids"))
			n += sprintf(n, n > ids ? " %d" : "%d", item->valueint);
		ck_assert_str_eq(spm_text(spm, ids, CT_SPM_SKIP_SPECIAL),
				 cJSON_GetObjectItem(c,
					"greedy_text")->valuestring);
	}
	cJSON_Delete(list);
	ct_spm_free(spm);
}
END_TEST

/* --- small models ----------------------------------------------------- */

static const struct ct_spm_added t5_added[] = {
	{ "<pad>", 5, 0, true }, { "</s>", 4, 1, true },
	{ "<unk>", 5, 2, true }, { "<extra_id_1>", 12, 10, true },
	{ "<extra_id_0>", 12, 11, true }, { "<new>", 5, 13, false },
	{ "<new>er", 7, 14, false },
};

static struct ct_spm *small(uint64_t type)
{
	struct ct_spm_model m;
	struct ct_spm *spm;

	spm_small(&m, type);
	spm = spm_opened(&m, t5_added, 7);
	ct_spm_model_free(&m);
	return spm;
}

static const char *ids_of(const struct ct_spm *spm, const char *text,
			  unsigned int flags)
{
	return spm_ids(spm, text, strlen(text), flags);
}

START_TEST(encode_small)
{
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_str_eq(ids_of(spm, "ab a", 0), "3 6 7");
	ck_assert_str_eq(ids_of(spm, "  ab   a ", 0), "3 6 7");
	ck_assert_str_eq(ids_of(spm, "a?! c", 0), "7 2 3 8");
	ck_assert_str_eq(ids_of(spm, "", 0), "");
	ck_assert_str_eq(ids_of(spm, "   ", 0), "");
	ck_assert_str_eq(spm_ids(spm, NULL, 0, CT_SPM_PARSE_SPECIAL), "");
	ct_spm_free(spm);

	/* BPE merges the best pair first, and goes on from there. */
	spm = small(CT_SPM_BPE);
	ck_assert_str_eq(ids_of(spm, "ab aac", 0), "3 6 7 4 8");
	ct_spm_free(spm);
}
END_TEST

START_TEST(encode_added)
{
	const unsigned int parse = CT_SPM_PARSE_SPECIAL;
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_str_eq(ids_of(spm, "a<extra_id_0>ab</s>", parse),
			 "7 11 3 6 1");
	ck_assert_str_eq(ids_of(spm, "<extra_id_1> <extra_id_0>", parse),
			 "10 11");
	/* The longest that fits, and what only begins like one. */
	ck_assert_str_eq(ids_of(spm, "<new>er<new>e<ne", parse),
			 "14 13 3 2");
	ck_assert_str_eq(ids_of(spm, "</s>", 0), "3 2");
	ct_spm_free(spm);
}
END_TEST

/* Each byte that is none of a character is unknown, as U+FFFD is. */
START_TEST(encode_broken_utf8)
{
	static const char text[] = "a\xff\xc3(\xe2\x96";
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_str_eq(ids_of(spm, text, 0), "7 2");
	ck_assert_str_eq(ids_of(spm, "\xff" "a\x80", CT_SPM_PARSE_SPECIAL),
			 "3 2 4 2");
	ct_spm_free(spm);
}
END_TEST

START_TEST(decode_small)
{
	const unsigned int skip = CT_SPM_SKIP_SPECIAL;
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_str_eq(spm_text(spm, "3 6 7", 0), "ab a");
	ck_assert_str_eq(spm_text(spm, "", 0), "");
	ck_assert_str_eq(spm_text(spm, "3 3 6 3 3", 0), "ab");
	ck_assert_str_eq(spm_text(spm, "0 7 1", skip), "a");
	ck_assert_str_eq(spm_text(spm, "0 7 2 7 11 1", skip), "a a");
	/* transformers' own: the space after a special piece is lost. */
	ck_assert_str_eq(spm_text(spm, "0 7 7 1", 0), "<pad> a a</s>");
	ck_assert_str_eq(spm_text(spm, "7 2 7 2 2 1", 0),
			 "a<unk> a<unk><unk></s>");
	/* Added tokens stand between spaces. */
	ck_assert_str_eq(spm_text(spm, "0 11 7 10 6 13 14", 0),
			 "<pad> <extra_id_0> a <extra_id_1> ab <new> <new>er");
	ck_assert_str_eq(spm_text(spm, "11 3 10", 0),
			 "<extra_id_0> <extra_id_1>");
	ck_assert_str_eq(spm_text(spm, "11 3", 0), "<extra_id_0> ");
	ck_assert_str_eq(spm_text(spm, "11 11", skip), "");
	ct_spm_free(spm);
}
END_TEST

START_TEST(decode_holes)
{
	const uint32_t ids[] = { 7, 12 }, far[] = { UINT32_MAX };
	struct ct_buf out = { 0 };
	struct ct_err err = { 0 };
	struct ct_spm *spm;
	const char *bytes;
	size_t len = 1;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_int_eq(ct_buf_append(&out, "x", 1), 0);
	ck_assert_int_eq(ct_spm_decode(spm, ids, 2, 0, &out, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "12"));
	ck_assert_int_eq(ct_spm_decode(spm, far, 1, 0, &out, &err), -ENOENT);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_int_eq(ct_spm_kind(spm, 9), CT_SPM_HOLE);
	ck_assert_int_eq(ct_spm_bytes(spm, 9, &bytes, &len), -ENOENT);
	ck_assert_uint_eq(len, 0);
	ct_buf_free(&out);
	ct_spm_free(spm);
}
END_TEST

START_TEST(bytes_of_tokens)
{
	static const struct {
		uint32_t id;
		enum ct_spm_kind kind;
		const char *bytes;
	} want[] = {
		{ 0, CT_SPM_SPECIAL, "<pad>" }, { 2, CT_SPM_UNKNOWN, "<unk>" },
		{ 3, CT_SPM_NORMAL, " " }, { 6, CT_SPM_NORMAL, "ab" },
		{ 7, CT_SPM_NORMAL, " a" }, { 11, CT_SPM_SPECIAL, "<extra_id_0>" },
		{ 13, CT_SPM_ADDED, "<new>" },
	};
	struct ct_spm *spm;
	const char *bytes;
	size_t i, len;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_int_eq(ct_spm_bytes(spm, want[i].id, &bytes, &len), 0);
		ck_assert_uint_eq(len, strlen(want[i].bytes));
		ck_assert_mem_eq(bytes, want[i].bytes, len);
		ck_assert_int_eq(ct_spm_kind(spm, want[i].id), want[i].kind);
	}
	ct_spm_free(spm);
}
END_TEST

START_TEST(byte_fallback)
{
	struct ct_spm_model m;
	struct ct_spm *spm;
	const char *bytes;
	char ids[64];
	size_t len;

	if (!spm_supported())
		return;
	spm_small(&m, CT_SPM_UNIGRAM);
	spm_add_bytes(&m);
	spm = spm_opened(&m, NULL, 0);
	/* "é" has no piece: bytes 0xc3 and 0xa9, of which 9 is the first id. */
	snprintf(ids, sizeof(ids), "7 %d %d", 9 + 0xc3, 9 + 0xa9);
	ck_assert_str_eq(ids_of(spm, "a\xc3\xa9", 0), ids);
	ck_assert_str_eq(spm_text(spm, ids, 0), "a\xc3\xa9");
	ck_assert_int_eq(ct_spm_bytes(spm, 9 + 0xc3, &bytes, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(bytes[0], (char)0xc3);
	ck_assert_int_eq(ct_spm_kind(spm, 9), CT_SPM_BYTE);
	snprintf(ids, sizeof(ids), "7 %d 6", 9 + 0xc3);
	ck_assert_str_eq(spm_text(spm, ids, 0), "a\xef\xbf\xbd" "ab");
	ct_spm_free(spm);
	ct_spm_model_free(&m);
}
END_TEST

START_TEST(settings)
{
	unsigned char map[2048];
	struct ct_spm_model m;
	struct ct_spm *spm;

	if (!spm_supported())
		return;
	spm_small(&m, CT_SPM_UNIGRAM);
	m.add_dummy_prefix = false;
	spm = spm_opened(&m, NULL, 0);
	ck_assert_str_eq(ids_of(spm, " ab a", 0), "6 7");
	ct_spm_free(spm);

	m.remove_extra_whitespaces = false;
	spm = spm_opened(&m, NULL, 0);
	ck_assert_str_eq(ids_of(spm, " ab  a", 0), "3 6 3 7");
	ck_assert_str_eq(spm_text(spm, "6 3 7", 0), "ab  a");
	ct_spm_free(spm);

	/* A charsmap's rule: "x" is "ab". */
	m.charsmap = (char *)map;
	m.charsmap_len = spm_charsmap(map, 'x', "ab");
	spm = spm_opened(&m, NULL, 0);
	ck_assert_str_eq(ids_of(spm, "axc", 0), "4 6 8");
	ct_spm_free(spm);
	ct_spm_model_free(&m);
}
END_TEST

START_TEST(lookups_and_writing)
{
	const struct ct_spm_added *added;
	struct ct_spm *spm, *again = NULL;
	const void *proto, *other;
	size_t len, other_len;
	uint32_t id;

	if (!spm_supported())
		return;
	spm = small(CT_SPM_UNIGRAM);
	ck_assert_uint_eq(ct_spm_size(spm), 15);
	ck_assert_uint_eq(ct_spm_pad(spm), 0);
	ck_assert_uint_eq(ct_spm_eos(spm), 1);
	ck_assert_uint_eq(ct_spm_unk(spm), 2);
	ck_assert_uint_eq(ct_spm_bos(spm), CT_SPM_NO_ID);
	ck_assert_int_eq(ct_spm_find(spm, SPACE "a", 4, &id), 0);
	ck_assert_uint_eq(id, 7);
	ck_assert_int_eq(ct_spm_find(spm, "<new>", 5, &id), 0);
	ck_assert_uint_eq(id, 13);
	ck_assert_int_eq(ct_spm_find(spm, "<ne", 3, &id), -ENOENT);

	proto = ct_spm_proto(spm, &len);
	ck_assert_uint_eq(ct_spm_added_list(spm, &added), 7);
	ck_assert_int_eq(ct_spm_open(proto, len, added, 7, &again, NULL), 0);
	other = ct_spm_proto(again, &other_len);
	ck_assert_uint_eq(len, other_len);
	ck_assert_mem_eq(proto, other, len);
	ck_assert_str_eq(ids_of(again, "ab<new>a", CT_SPM_PARSE_SPECIAL),
			 "3 6 13 7");
	ct_spm_free(again);
	ct_spm_free(spm);
}
END_TEST

/* Tokens' bytes less the first space are the text: what streams is what ends. */
static void check_stream(const struct ct_spm *spm, const char *text, size_t len)
{
	struct ct_ids ids = { 0 };
	struct ct_buf out = { 0 }, whole = { 0 };
	const char *bytes;
	size_t i, n, from;

	ck_assert_int_eq(ct_spm_encode(spm, text, len, 0, &ids, NULL), 0);
	for (i = 0; i < ids.n; i++) {
		ck_assert_int_eq(ct_spm_bytes(spm, ids.data[i], &bytes, &n), 0);
		ck_assert_int_eq(ct_buf_append(&out, bytes, n), 0);
	}
	ck_assert_int_eq(ct_spm_decode(spm, ids.data, ids.n, 0, &whole, NULL),
			 0);
	from = out.n && out.data[0] == ' ';
	ck_assert_uint_eq(out.n - from, whole.n);
	if (whole.n)
		ck_assert_mem_eq(out.data + from, whole.data, whole.n);
	ct_buf_free(&out);
	ct_buf_free(&whole);
	ct_ids_free(&ids);
}

START_TEST(round_trips)
{
	static const char letters[] = "ab c\xc3\xa9\xff  ";
	struct ct_spm_model m;
	struct ct_spm *spm;
	uint64_t state = 7;
	char text[64];
	size_t i, k, n;

	if (!spm_supported())
		return;
	spm_small(&m, CT_SPM_UNIGRAM);
	spm_add_bytes(&m);
	spm = spm_opened(&m, NULL, 0);
	for (i = 0; i < 1000; i++) {
		n = bpe_random(&state) % sizeof(text);
		for (k = 0; k < n; k++)
			text[k] = letters[bpe_random(&state) %
					  (sizeof(letters) - 1)];
		check_stream(spm, text, n);
	}
	ct_spm_free(spm);
	ct_spm_model_free(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spm");
	TCase *tc = tcase_create("spm");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, vectors);
	tcase_add_test(tc, vectors_shared);
	tcase_add_test(tc, t5_shared);
	tcase_add_test(tc, models_shared);
	tcase_add_test(tc, translations_shared);
	tcase_add_test(tc, encode_small);
	tcase_add_test(tc, encode_added);
	tcase_add_test(tc, encode_broken_utf8);
	tcase_add_test(tc, decode_small);
	tcase_add_test(tc, decode_holes);
	tcase_add_test(tc, bytes_of_tokens);
	tcase_add_test(tc, byte_fallback);
	tcase_add_test(tc, settings);
	tcase_add_test(tc, lookups_and_writing);
	tcase_add_test(tc, round_trips);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
