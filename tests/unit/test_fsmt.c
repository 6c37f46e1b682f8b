// SPDX-License-Identifier: MIT
/*
 * FSMT's tokenizer against FSMTTokenizer's ids and texts, its files when they
 * are damaged or missing, long words, and memory that fails.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail_alloc.h"
#include "test_bpe_util.h"
#include "text/fsmt.h"
#include "text/utf8.h"

static struct ct_fsmt *open_dir(const char *dir)
{
	struct ct_fsmt *fsmt = NULL;
	struct ct_err err = { 0 };
	int ret = ct_fsmt_open_hf(dir, &fsmt, &err);

	ck_assert_msg(!ret && !err.code, "%s: %s", dir, err.msg);
	return fsmt;
}

typedef int encode_fn(const struct ct_fsmt *fsmt, const char *text, size_t len,
		      struct ct_ids *out, struct ct_err *err);

/* @more ids at the end of the list are not the text's. */
static void check_ids(const struct ct_fsmt *fsmt, encode_fn *encode,
		      const char *text, size_t len, const cJSON *want, int more)
{
	struct ct_ids ids = { 0 };
	struct ct_err err;
	size_t i;

	ck_assert_int_eq(encode(fsmt, text, len, &ids, &err), 0);
	ck_assert_msg(ids.n + more == (size_t)cJSON_GetArraySize(want),
		      "\"%s\": %zu ids", text, ids.n);
	for (i = 0; i < ids.n; i++)
		ck_assert_msg(ids.data[i] ==
			(uint32_t)cJSON_GetArrayItem(want, i)->valueint,
			"\"%s\": id %zu is %u", text, i, ids.data[i]);
	ct_ids_free(&ids);
}

static void check_text(const struct ct_fsmt *fsmt, const cJSON *list,
		       const char *want)
{
	struct ct_buf out = { 0 };
	struct ct_ids ids = { 0 };
	const cJSON *item;
	struct ct_err err;

	cJSON_ArrayForEach(item, list)
		ck_assert_int_eq(ct_ids_append(&ids, item->valueint), 0);
	ck_assert_int_eq(ct_fsmt_decode(fsmt, ids.data, ids.n,
					CT_FSMT_SKIP_SPECIAL, &out, &err), 0);
	ck_assert_int_eq(ct_buf_append(&out, "", 1), 0);
	ck_assert_str_eq(out.data, want);
	ct_buf_free(&out);
	ct_ids_free(&ids);
}

static const char *string(const cJSON *object, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));

	ck_assert_ptr_nonnull(s);
	return s;
}

static void check_own(const struct ct_fsmt *fsmt)
{
	cJSON *all = bpe_json(bpe_data("fsmt/vectors.json"));
	const cJSON *c;
	int n = 0;

	cJSON_ArrayForEach(c, all) {
		const char *text = string(c, "text");
		const cJSON *target = cJSON_GetObjectItem(c, "target");

		check_ids(fsmt, ct_fsmt_encode, text, strlen(text),
			  cJSON_GetObjectItem(c, "source"), 0);
		check_ids(fsmt, ct_fsmt_encode_target, text, strlen(text),
			  target, 0);
		check_text(fsmt, target, string(c, "decoded"));
		n++;
	}
	ck_assert_int_ge(n, 40);
	cJSON_Delete(all);
}

START_TEST(vectors)
{
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt")), *again;
	struct ct_err err = { 0 };

	check_own(fsmt);
	/* and the same made from what it kept */
	ck_assert_int_eq(ct_fsmt_open(ct_fsmt_files(fsmt), &again, &err), 0);
	ck_assert_uint_eq(ct_fsmt_files(again)->config.len,
			  ct_fsmt_files(fsmt)->config.len);
	ct_fsmt_free(fsmt);
	check_own(again);
	ct_fsmt_free(again);
}
END_TEST

/* --- ids by the original ---------------------------------------------- */

/* "\x00", which cJSON ends a string at, is put back. */
static size_t unescape_nul(char *json)
{
	char *at;
	size_t n = 0;

	while ((at = strstr(json, "\\u0000"))) {
		memcpy(at, "\\ue000", 6);
		n++;
	}
	return n;
}

static size_t bytes_of(char *text)
{
	size_t len = strlen(text);
	char *at;

	while ((at = strstr(text, "\xee\x80\x80"))) {
		*at = '\0';
		memmove(at + 1, at + 3, len - (at - text) - 2);
		len -= 2;
	}
	return len;
}

START_TEST(golden)
{
	const char *dir = bpe_shared("data/tokenizers/fsmt_tatoeba_en_de");
	struct ct_fsmt *fsmt;
	char *json;
	const cJSON *c;
	cJSON *all;
	size_t len;
	int n = 0;

	if (!dir)
		return;
	fsmt = open_dir(dir);
	json = bpe_slurp(bpe_shared("data/golden/tokenizers/fsmt.json"), &len);
	ck_assert_ptr_nonnull(json);
	ck_assert_uint_gt(unescape_nul(json), 0);
	all = cJSON_Parse(json);
	free(json);
	cJSON_ArrayForEach(c, all) {
		char *text = (char *)string(c, "text");

		len = bytes_of(text);
		check_ids(fsmt, ct_fsmt_encode, text, len,
			  cJSON_GetObjectItem(c, "ids"), 1);
		n++;
	}
	ck_assert_int_eq(n, 56);
	cJSON_Delete(all);

	all = bpe_json(bpe_shared("data/golden/tokenizers/fsmt_decode_de.json"));
	cJSON_ArrayForEach(c, all) {
		const char *text = string(c, "text");

		check_ids(fsmt, ct_fsmt_encode_target, text, strlen(text),
			  cJSON_GetObjectItem(c, "ids"), 1);
		check_text(fsmt, cJSON_GetObjectItem(c, "ids"),
			   string(c, "decoded"));
	}
	cJSON_Delete(all);
	ct_fsmt_free(fsmt);
}
END_TEST

/* --- lookups ---------------------------------------------------------- */

START_TEST(lookups)
{
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt"));
	const char *name;
	uint32_t id;
	size_t len;
	int side;

	for (side = 0; side < CT_FSMT_SIDES; side++) {
		ck_assert_uint_gt(ct_fsmt_size(fsmt, side), 300);
		ck_assert_uint_eq(ct_fsmt_bos(fsmt, side), 0);
		ck_assert_uint_eq(ct_fsmt_pad(fsmt, side), 1);
		ck_assert_uint_eq(ct_fsmt_eos(fsmt, side), 2);
		ck_assert_uint_eq(ct_fsmt_unk(fsmt, side), 3);
		ck_assert_int_eq(ct_fsmt_kind(fsmt, side, 0), CT_FSMT_SPECIAL);
		ck_assert_int_eq(ct_fsmt_kind(fsmt, side, 3), CT_FSMT_UNKNOWN);
		ck_assert_int_eq(ct_fsmt_kind(fsmt, side, 4), CT_FSMT_NORMAL);
		ck_assert_int_eq(ct_fsmt_name(fsmt, side, 2, &name, &len), 0);
		ck_assert(len == 4 && !memcmp(name, "</s>", 4));
		ck_assert_int_eq(ct_fsmt_find(fsmt, side, ".</w>", 5, &id), 0);
		ck_assert_int_eq(ct_fsmt_name(fsmt, side, id, &name, &len), 0);
		ck_assert(len == 5 && !memcmp(name, ".</w>", 5));
		ck_assert_int_eq(ct_fsmt_find(fsmt, side, "nope", 4, &id),
				 -ENOENT);
		ck_assert_int_eq(ct_fsmt_kind(fsmt, side, 1u << 30),
				 CT_FSMT_HOLE);
	}
	/* The target's ids have a gap, and an id in it reads as unknown. */
	ck_assert_int_eq(ct_fsmt_kind(fsmt, CT_FSMT_TARGET, 52), CT_FSMT_HOLE);
	ck_assert_int_eq(ct_fsmt_name(fsmt, CT_FSMT_TARGET, 52, &name, &len),
			 -ENOENT);
	ck_assert_str_eq(ct_fsmt_lang(fsmt, CT_FSMT_SOURCE), "en");
	ck_assert_str_eq(ct_fsmt_lang(fsmt, CT_FSMT_TARGET), "de");
	ct_fsmt_free(fsmt);
}
END_TEST

START_TEST(unknown_ids)
{
	static const uint32_t ids[] = { 52, 2, 77777777, 3 };
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt"));
	struct ct_buf out = { 0 };
	struct ct_err err;

	ck_assert_int_eq(ct_fsmt_decode(fsmt, ids, 4, CT_FSMT_SKIP_SPECIAL,
					&out, &err), 0);
	ck_assert_uint_eq(out.n, 10);
	ck_assert(!memcmp(out.data, "<unk><unk>", 10));
	ck_assert_int_eq(ct_fsmt_decode(fsmt, ids, 4, 0, &out, &err), 0);
	ck_assert_uint_eq(out.n, 10 + 19);
	ck_assert(!memcmp(out.data + 10, "<unk></s><unk><unk>", 19));
	ct_buf_free(&out);
	ct_fsmt_free(fsmt);
}
END_TEST

/* --- files ------------------------------------------------------------ */

#define VOCAB	"{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3, " \
		"\"a</w>\": 4, \"ab</w>\": 5, \"c\": 6}"
#define MERGES	"a b</w>\n"
#define CONFIG	"{\"langs\": [\"en\", \"de\"]}"

static void write_dir(const char *src, const char *tgt, const char *merges,
		      const char *config)
{
	if (src)
		bpe_tmp_text("vocab-src.json", src);
	if (tgt)
		bpe_tmp_text("vocab-tgt.json", tgt);
	if (merges)
		bpe_tmp_text("merges.txt", merges);
	if (config)
		bpe_tmp_text("tokenizer_config.json", config);
}

static void check_refused(const char *src, const char *tgt, const char *merges,
			  const char *config, int code, const char *what)
{
	const char *dir = bpe_tmp_make();
	struct ct_fsmt *fsmt = NULL;
	struct ct_err err = { 0 };

	write_dir(src, tgt, merges, config);
	ck_assert_int_eq(ct_fsmt_open_hf(dir, &fsmt, &err), code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, what) != NULL, "\"%s\"", err.msg);
	ck_assert_ptr_null(fsmt);
	bpe_tmp_remove();
}

START_TEST(refused)
{
	check_refused(NULL, NULL, NULL, CONFIG, -ENOENT, "no FSMT tokenizer");
	check_refused(VOCAB, VOCAB, NULL, CONFIG, -EBADMSG, "no merges.txt");
	check_refused(NULL, VOCAB, MERGES, CONFIG, -EBADMSG, "vocab-src.json");
	check_refused(VOCAB, VOCAB, MERGES, NULL, -EBADMSG, "langs");
	check_refused(VOCAB, VOCAB, MERGES, "{\"langs\": [\"en\"]}", -EBADMSG,
		      "two languages");
	check_refused(VOCAB, VOCAB, MERGES, "{\"langs\": [\"en\", 7]}",
		      -EBADMSG, "two languages");
	check_refused(VOCAB, VOCAB, MERGES,
		      "{\"langs\": [\"en\", \"de\", \"ru\"]}", -EBADMSG,
		      "two languages");
	check_refused(VOCAB, VOCAB, MERGES, "{\"langs\": \"en\"}", -EBADMSG,
		      "two languages");
	check_refused(VOCAB, VOCAB, MERGES, "{\"langs\": [\"cs\", \"en\"]}",
		      -ENOTSUP, "\"cs\"");
	check_refused(VOCAB, VOCAB, MERGES, "{\"langs\": [\"en\", \"fi\"]}",
		      -ENOTSUP, "\"fi\"");
	check_refused(VOCAB, VOCAB, MERGES,
		      "{\"langs\": [\"en\", \"de\"], \"do_lower_case\": 1}",
		      -EBADMSG, "do_lower_case");
	check_refused("[]", VOCAB, MERGES, CONFIG, -EBADMSG, "vocab-src.json");
	check_refused("{}", VOCAB, MERGES, CONFIG, -EBADMSG, "no token");
	check_refused(VOCAB, "{\"a\": -1}", MERGES, CONFIG, -EBADMSG,
		      "vocab-tgt.json");
	check_refused(VOCAB, "{\"a\": 1048576}", MERGES, CONFIG, -E2BIG,
		      "limit");
	check_refused(VOCAB, "{\"a\": 0, \"b\": 0}", MERGES, CONFIG, -EBADMSG,
		      "two tokens");
	check_refused(VOCAB, "{\"a\": 0, \"a\": 1}", MERGES, CONFIG, -EBADMSG,
		      "twice");
	check_refused(VOCAB, "{\"a\": \"0\"}", MERGES, CONFIG, -EBADMSG,
		      "not a number");
	check_refused(VOCAB, "{\"a\\u0000\": 0}", MERGES, CONFIG, -EBADMSG,
		      "U+0000");
	check_refused(VOCAB, VOCAB, "a b\nab\n", CONFIG, -EBADMSG, "line 2");
	check_refused(VOCAB, VOCAB, "a \xff\n", CONFIG, -EBADMSG, "UTF-8");
	check_refused(VOCAB, VOCAB, MERGES, "{", -EBADMSG,
		      "tokenizer_config.json");
}
END_TEST

START_TEST(no_directory)
{
	struct ct_fsmt *fsmt = NULL;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_fsmt_open_hf("/nowhere/at/all", &fsmt, &err),
			 -ENOENT);
	ck_assert_int_eq(ct_fsmt_open_hf("/dev/null", &fsmt, &err), -ENOTDIR);
	ck_assert_ptr_null(fsmt);
}
END_TEST

/* Languages from the model's config, names from special_tokens_map.json. */
START_TEST(other_places)
{
	static const char vocab[] =
		"{\"[B]\": 0, \"a</w>\": 1, \"[E]\": 2, \"[U]\": 3}";
	const char *dir = bpe_tmp_make();
	struct ct_fsmt *fsmt, *again;
	struct ct_ids ids = { 0 };
	struct ct_err err;
	int i;

	write_dir(vocab, vocab, "", "{\"do_lower_case\": true, "
		  "\"unk_token\": {\"content\": \"[U]\"}}");
	bpe_tmp_text("config.json", "{\"langs\": [\"ru\", \"en\"]}");
	bpe_tmp_text("special_tokens_map.json",
		     "{\"bos_token\": \"[B]\", \"sep_token\": \"[E]\", "
		     "\"unk_token\": \"[B]\"}");
	fsmt = open_dir(dir);
	ck_assert_int_eq(ct_fsmt_open(ct_fsmt_files(fsmt), &again, &err), 0);
	bpe_tmp_remove();
	for (i = 0; i < 2; i++) {
		ck_assert_str_eq(ct_fsmt_lang(fsmt, CT_FSMT_SOURCE), "ru");
		ck_assert_uint_eq(ct_fsmt_bos(fsmt, CT_FSMT_TARGET), 0);
		ck_assert_uint_eq(ct_fsmt_eos(fsmt, CT_FSMT_TARGET), 2);
		ck_assert_uint_eq(ct_fsmt_unk(fsmt, CT_FSMT_TARGET), 3);
		ck_assert_uint_eq(ct_fsmt_pad(fsmt, CT_FSMT_TARGET),
				  CT_FSMT_NO_ID);
		ck_assert_int_eq(ct_fsmt_encode(fsmt, "A b", 3, &ids, &err), 0);
		ck_assert_uint_eq(ids.n, 2);
		ck_assert_uint_eq(ids.data[0], 1);
		ck_assert_uint_eq(ids.data[1], 3);
		ids.n = 0;
		ct_fsmt_free(fsmt);
		fsmt = again;
	}
	ct_ids_free(&ids);
}
END_TEST

START_TEST(no_unknown_token)
{
	const char *dir = bpe_tmp_make();
	struct ct_ids ids = { 0 };
	struct ct_fsmt *fsmt;
	struct ct_err err;

	write_dir("{\"a</w>\": 0}", "{\"a</w>\": 0}", MERGES, CONFIG);
	fsmt = open_dir(dir);
	bpe_tmp_remove();
	ck_assert_int_eq(ct_fsmt_encode(fsmt, "a", 1, &ids, &err), 0);
	ck_assert_int_eq(ct_fsmt_encode(fsmt, "a q", 3, &ids, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "q</w>"));
	ck_assert_uint_eq(ids.n, 1);
	ct_ids_free(&ids);
	ct_fsmt_free(fsmt);
}
END_TEST

/* The last line of merges.txt counts if it is ended; the last of two merges. */
START_TEST(merge_lines)
{
	static const char *const files[] = {
		"a b</w>", "a b</w>\n", "a b</w>\r\n", "\n\ra  b</w> 17\r",
		"a\xc2\xa0" "b</w>\n",
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *dir = bpe_tmp_make();
		struct ct_ids ids = { 0 };
		struct ct_fsmt *fsmt;
		struct ct_err err;

		write_dir(VOCAB, VOCAB, files[i], CONFIG);
		fsmt = open_dir(dir);
		bpe_tmp_remove();
		ck_assert_int_eq(ct_fsmt_encode(fsmt, "ab", 2, &ids, &err), 0);
		ck_assert_uint_eq(ids.n, i ? 1 : 2);
		ck_assert_uint_eq(ids.data[0], i ? 5 : 3);
		ct_ids_free(&ids);
		ct_fsmt_free(fsmt);
	}
}
END_TEST

/* Cut off anywhere, a set of files is refused or made, but never misread. */
START_TEST(truncated)
{
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt")), *other;
	const struct ct_fsmt_files *whole = ct_fsmt_files(fsmt);
	struct ct_err err;
	size_t n;

	for (n = 0; n < whole->src.len; n += 37) {
		struct ct_fsmt_files files = *whole;

		files.src.len = n;
		ck_assert_int_eq(ct_fsmt_open(&files, &other, &err), -EBADMSG);
		files = *whole;
		if (n < whole->merges.len) {
			files.merges.len = n;
			if (!ct_fsmt_open(&files, &other, &err))
				ct_fsmt_free(other);
		}
		files = *whole;
		if (n < whole->config.len) {
			files.config.len = n;
			ck_assert_int_eq(ct_fsmt_open(&files, &other, &err),
					 -EBADMSG);
		}
	}
	ct_fsmt_free(fsmt);
}
END_TEST

/* --- length ----------------------------------------------------------- */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + 1e-9 * ts.tv_nsec;
}

START_TEST(long_words)
{
	static const char *const runs[] = { "a", "abc", "er", "\xd0\xb8",
					    "the ", "n. ", "...", "\xf0" };
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt"));
	size_t n = 1000000, len = strlen(runs[_i]), i;
	struct ct_ids ids = { 0 };
	struct ct_buf out = { 0 };
	char *text = malloc(n);
	double before = seconds();
	struct ct_err err;

	for (i = 0; i < n; i++)
		text[i] = runs[_i][i % len];
	ck_assert_int_eq(ct_fsmt_encode(fsmt, text, n, &ids, &err), 0);
	ck_assert_uint_gt(ids.n, 0);
	ids.n = 0;
	ck_assert_int_eq(ct_fsmt_encode_target(fsmt, text, n, &ids, &err), 0);
	ck_assert_int_eq(ct_fsmt_decode(fsmt, ids.data, ids.n, 0, &out, &err),
			 0);
	ck_assert_uint_gt(out.n, 0);
	ck_assert_double_lt(seconds() - before, 30);
	ct_buf_free(&out);
	ct_ids_free(&ids);
	free(text);
	ct_fsmt_free(fsmt);
}
END_TEST

/* --- memory ----------------------------------------------------------- */

static void check_failure(int ret, const struct ct_err *err)
{
	/* cJSON does not say whether the text or the memory was the reason. */
	if ((ret != -ENOMEM && ret != -EBADMSG) || err->code != ret ||
	    !strstr(err->msg, "memory"))
		ck_abort_msg("%d: %s", ret, err->msg);
}

START_TEST(no_memory_to_open)
{
	const char *dir = bpe_tmp_make();
	unsigned long n;

	write_dir(VOCAB, VOCAB, MERGES "c a\n", CONFIG);
	bpe_tmp_text("special_tokens_map.json", "{\"bos_token\": \"<s>\"}");
	for (n = 1;; n++) {
		struct ct_fsmt *fsmt = NULL;
		struct ct_err err = { 0 };
		int ret;

		fail_alloc_at(n);
		ret = ct_fsmt_open_hf(dir, &fsmt, &err);
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			ct_fsmt_free(fsmt);
			break;
		}
		check_failure(ret, &err);
		ck_assert_ptr_null(fsmt);
	}
	ck_assert_uint_gt(n, 40);
	bpe_tmp_remove();
}
END_TEST

START_TEST(no_memory_to_use)
{
	static const char text[] =
		"Hello, `` Mr. Smith's\" aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct ct_fsmt *fsmt = open_dir(bpe_data("fsmt"));
	uint32_t some[64];
	unsigned long n;
	bool hit = true;
	uint32_t i;

	for (i = 0; i < 64; i++)
		some[i] = 7 * i;
	for (n = 1; hit; n++) {
		struct ct_ids ids = { 0 };
		struct ct_buf out = { 0 };
		struct ct_err err = { 0 };
		int ret;

		ck_assert_int_eq(ct_ids_append(&ids, 7), 0);
		ck_assert_int_eq(ct_buf_append(&out, "x", 1), 0);
		fail_alloc_at(n);
		ret = _i ? ct_fsmt_encode(fsmt, text, sizeof(text) - 1, &ids,
					  &err) :
			   ct_fsmt_decode(fsmt, some, 64, 0, &out, &err);
		hit = fail_alloc_stop();
		if (hit) {
			check_failure(ret, &err);
			ck_assert_uint_eq(ids.n, 1);
			ck_assert_uint_eq(out.n, 1);
		} else {
			ck_assert_int_eq(ret, 0);
		}
		ct_ids_free(&ids);
		ct_buf_free(&out);
	}
	ck_assert_uint_gt(n, 8);
	ct_fsmt_free(fsmt);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsmt");
	TCase *t = tcase_create("fsmt");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, vectors);
	tcase_add_test(t, golden);
	tcase_add_test(t, lookups);
	tcase_add_test(t, unknown_ids);
	tcase_add_test(t, refused);
	tcase_add_test(t, no_directory);
	tcase_add_test(t, other_places);
	tcase_add_test(t, no_unknown_token);
	tcase_add_test(t, merge_lines);
	tcase_add_test(t, truncated);
	tcase_add_loop_test(t, long_words, 0, 8);
	tcase_add_test(t, no_memory_to_open);
	tcase_add_loop_test(t, no_memory_to_use, 0, 2);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
