// SPDX-License-Identifier: MIT
/*
 * Each allocation failing in its turn: -ENOMEM, nothing lost, and what was there
 * before unchanged. The library allocates by itself: its calls fail as wholes.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "spm_help.h"
#include "test_bpe_util.h"
#include "text/spm_shim.h"

int __real_ct_spm_lib_new(const void *proto, size_t len,
			  struct ct_spm_lib **out, char *why, size_t size);
int __real_ct_spm_lib_encode(const struct ct_spm_lib *lib, const char *text,
			     size_t len, int (*add)(void *to, uint32_t id),
			     void *to, char *why, size_t size);
int __wrap_ct_spm_lib_new(const void *proto, size_t len,
			  struct ct_spm_lib **out, char *why, size_t size);
int __wrap_ct_spm_lib_encode(const struct ct_spm_lib *lib, const char *text,
			     size_t len, int (*add)(void *to, uint32_t id),
			     void *to, char *why, size_t size);

int __wrap_ct_spm_lib_new(const void *proto, size_t len,
			  struct ct_spm_lib **out, char *why, size_t size)
{
	return fail_alloc_now() ?
		       -ENOMEM :
		       __real_ct_spm_lib_new(proto, len, out, why, size);
}

int __wrap_ct_spm_lib_encode(const struct ct_spm_lib *lib, const char *text,
			     size_t len, int (*add)(void *to, uint32_t id),
			     void *to, char *why, size_t size)
{
	return fail_alloc_now() ? -ENOMEM :
				  __real_ct_spm_lib_encode(lib, text, len, add,
							   to, why, size);
}

/* cJSON does not say whether the text or the memory was the reason. */
static void check_failure(int ret, const struct ct_err *err)
{
	if ((ret != -ENOMEM && ret != -EBADMSG) || err->code != ret ||
	    !strstr(err->msg, "memory"))
		ck_abort_msg("%d: %s", ret, err->msg);
}

static unsigned long fail_each_open(const char *dir)
{
	unsigned long n;

	for (n = 1;; n++) {
		struct ct_spm *spm = NULL;
		struct ct_err err = { 0 };
		bool hit;
		int ret;

		fail_alloc_at(n);
		ret = ct_spm_open_hf(dir, &spm, &err);
		hit = fail_alloc_stop();
		if (!hit) {
			if (ret)
				ck_abort_msg("%s", err.msg);
			ct_spm_free(spm);
			return n;
		}
		check_failure(ret, &err);
		ck_assert_ptr_null(spm);
	}
}

static void put_model(void)
{
	unsigned char map[2048];
	struct ct_spm_model m;
	struct ct_buf proto;

	spm_small(&m, CT_SPM_UNIGRAM);
	m.charsmap = (char *)map;
	m.charsmap_len = spm_charsmap(map, 'x', "ab");
	proto = spm_written(&m);
	bpe_tmp_write("spiece.model", proto.data, proto.n);
	ct_buf_free(&proto);
	ct_spm_model_free(&m);
}

START_TEST(open_model)
{
	const char *dir = bpe_tmp_make();

	if (!spm_supported())
		return;
	put_model();
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 30}");
	bpe_tmp_text("special_tokens_map.json", "{\"eos_token\": \"<x>\"}");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"added_tokens_decoder\": {\"31\": {\"content\": "
		     "\"<y>\"}}}");
	bpe_tmp_text("config.json", "{\"vocab_size\": 200}");
	ck_assert_uint_gt(fail_each_open(dir), 50);
	bpe_tmp_remove();
}
END_TEST

START_TEST(open_json)
{
	const char *dir = bpe_tmp_make();

	if (!spm_supported())
		return;
	bpe_tmp_text("tokenizer.json",
		     "{\"normalizer\": {\"type\": \"Precompiled\", "
		     "\"precompiled_charsmap\": \"\"}, \"pre_tokenizer\": "
		     "{\"type\": \"Metaspace\", \"replacement\": "
		     "\"\xe2\x96\x81\"}, \"added_tokens\": [{\"id\": 0, "
		     "\"content\": \"<unk>\", \"special\": true}], \"model\": "
		     "{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": "
		     "[[\"<unk>\", 0], [\"a\", -1]]}}");
	ck_assert_uint_gt(fail_each_open(dir), 50);
	bpe_tmp_remove();
}
END_TEST

START_TEST(encode)
{
	const struct ct_spm_added added = { "<x>", 3, 9, true };
	struct ct_spm_model m;
	struct ct_spm *spm;
	char text[200];
	unsigned long n;
	bool hit;

	if (!spm_supported())
		return;
	spm_small(&m, CT_SPM_UNIGRAM);
	spm = spm_opened(&m, &added, 1);
	memset(text, 'b', sizeof(text));
	memcpy(text, "ab<x>ab", 7);
	for (n = 1;; n++) {
		struct ct_ids ids = { 0 };
		struct ct_err err = { 0 };
		int ret;

		ck_assert_int_eq(ct_ids_append(&ids, 7), 0);
		fail_alloc_at(n);
		ret = ct_spm_encode(spm, text, sizeof(text),
				    CT_SPM_PARSE_SPECIAL, &ids, &err);
		hit = fail_alloc_stop();
		if (hit) {
			check_failure(ret, &err);
			ck_assert_uint_eq(ids.n, 1);
		} else {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(ids.n, 190);
		}
		ck_assert_uint_eq(ids.data[0], 7);
		ct_ids_free(&ids);
		if (!hit)
			break;
	}
	ck_assert_uint_gt(n, 4);
	ct_spm_free(spm);
	ct_spm_model_free(&m);
}
END_TEST

START_TEST(decode)
{
	static const uint32_t ids[] = {
		7, 265, 2, 9 + 0xc3, 9 + 0xa9, 7, 1, 6, 265, 6, 6, 6, 6, 6, 6,
	};
	const struct ct_spm_added added[] = {
		{ "<x>", 3, 265, true }, { "<unk>", 5, 2, true },
	};
	struct ct_spm_model m;
	struct ct_spm *spm;
	unsigned long n;
	bool hit;

	if (!spm_supported())
		return;
	spm_small(&m, CT_SPM_UNIGRAM);
	spm_add_bytes(&m);
	spm = spm_opened(&m, added, 2);
	for (n = 1;; n++) {
		struct ct_buf out = { 0 };
		struct ct_err err = { 0 };
		int ret;

		ck_assert_int_eq(ct_buf_append(&out, "x", 1), 0);
		fail_alloc_at(n);
		ret = ct_spm_decode(spm, ids, sizeof(ids) / sizeof(ids[0]), 0,
				    &out, &err);
		hit = fail_alloc_stop();
		if (hit) {
			check_failure(ret, &err);
			ck_assert_uint_eq(out.n, 1);
		} else {
			ck_assert_int_eq(ret, 0);
		}
		ck_assert_int_eq(out.data[0], 'x');
		ct_buf_free(&out);
		if (!hit)
			break;
	}
	ck_assert_uint_gt(n, 2);
	ct_spm_free(spm);
	ct_spm_model_free(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spm_faults");
	TCase *tc = tcase_create("spm_faults");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, open_model);
	tcase_add_test(tc, open_json);
	tcase_add_test(tc, encode);
	tcase_add_test(tc, decode);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
