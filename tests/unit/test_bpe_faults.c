// SPDX-License-Identifier: MIT
/*
 * Each allocation and each read failing in its turn: an error code and a
 * sentence, nothing lost (AddressSanitizer), and what was there before
 * unchanged.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <check.h>
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "test_bpe_util.h"
#include "text/stream.h"

/* PCRE2 allocates in its own library: its functions fail as wholes. */
pcre2_code *__real_pcre2_compile_8(PCRE2_SPTR8 pattern, PCRE2_SIZE len,
				   uint32_t options, int *code,
				   PCRE2_SIZE *where,
				   pcre2_compile_context *context);
pcre2_match_context *
__real_pcre2_match_context_create_8(pcre2_general_context *context);
pcre2_match_data *
__real_pcre2_match_data_create_8(uint32_t pairs,
				 pcre2_general_context *context);

pcre2_code *__wrap_pcre2_compile_8(PCRE2_SPTR8 pattern, PCRE2_SIZE len,
				   uint32_t options, int *code,
				   PCRE2_SIZE *where,
				   pcre2_compile_context *context);
pcre2_match_context *
__wrap_pcre2_match_context_create_8(pcre2_general_context *context);
pcre2_match_data *
__wrap_pcre2_match_data_create_8(uint32_t pairs,
				 pcre2_general_context *context);

pcre2_code *__wrap_pcre2_compile_8(PCRE2_SPTR8 pattern, PCRE2_SIZE len,
				   uint32_t options, int *code,
				   PCRE2_SIZE *where,
				   pcre2_compile_context *context)
{
	if (fail_alloc_now()) {
		*code = PCRE2_ERROR_HEAP_FAILED;
		return NULL;
	}
	return __real_pcre2_compile_8(pattern, len, options, code, where,
				      context);
}

pcre2_match_context *
__wrap_pcre2_match_context_create_8(pcre2_general_context *context)
{
	return fail_alloc_now() ? NULL :
				  __real_pcre2_match_context_create_8(context);
}

pcre2_match_data *
__wrap_pcre2_match_data_create_8(uint32_t pairs,
				 pcre2_general_context *context)
{
	return fail_alloc_now() ?
		       NULL :
		       __real_pcre2_match_data_create_8(pairs, context);
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
		struct ct_bpe *bpe = NULL;
		struct ct_err err = { 0 };
		bool hit;
		int ret;

		fail_alloc_at(n);
		ret = ct_bpe_open_hf(dir, &bpe, &err);
		hit = fail_alloc_stop();
		if (!hit) {
			ck_assert_int_eq(ret, 0);
			ct_bpe_free(bpe);
			return n;
		}
		check_failure(ret, &err);
		ck_assert_ptr_null(bpe);
	}
}

START_TEST(open_tokenizer_json)
{
	ck_assert_uint_gt(fail_each_open(bpe_data("hf/plain")), 100);
}
END_TEST

START_TEST(open_vocab_and_merges)
{
	const char *dir = bpe_tmp_make();

	bpe_tmp_text("vocab.json", "{\"a\": 0, \"b\": 1, \"ab\": 2}");
	bpe_tmp_text("merges.txt", "#version: 0.2\na b\n");
	bpe_tmp_text("added_tokens.json", "{\"<x>\": 3}");
	bpe_tmp_text("special_tokens_map.json", "{\"eos_token\": \"<x>\"}");
	bpe_tmp_text("tokenizer_config.json",
		     "{\"added_tokens_decoder\": {\"4\": {\"content\": \"<y>\","
		     " \"single_word\": true, \"normalized\": true}}}");
	ck_assert_uint_gt(fail_each_open(dir), 30);
	bpe_tmp_remove();
}
END_TEST

/* All that encoding allocates for: broken UTF-8, a long text, a long word. */
static void fail_each_encode(const char *name)
{
	struct ct_bpe *bpe = bpe_open(bpe_data(name));
	char text[5000];
	unsigned long n;

	memset(text, 'a', sizeof(text));
	memcpy(text, "abcd<l> \xff foo word", 19);
	for (n = 1;; n++) {
		struct ct_ids ids = { 0 };
		struct ct_err err = { 0 };
		bool hit;
		int ret;

		ck_assert_int_eq(ct_ids_append(&ids, 7), 0);
		fail_alloc_at(n);
		ret = ct_bpe_encode(bpe, text, sizeof(text),
				    CT_BPE_PARSE_SPECIAL, &ids, &err);
		hit = fail_alloc_stop();
		if (hit) {
			check_failure(ret, &err);
			ck_assert_uint_eq(ids.n, 1);
		} else {
			ck_assert_int_eq(ret, 0);
		}
		ck_assert_uint_eq(ids.data[0], 7);
		ct_ids_free(&ids);
		if (!hit)
			break;
	}
	ck_assert_uint_gt(n, 5);
	ct_bpe_free(bpe);
}

START_TEST(encode)
{
	static const char *const names[] = { "hf/plain", "hf/prefix",
					     "hf/whole" };

	fail_each_encode(names[_i]);
}
END_TEST

START_TEST(decode)
{
	struct ct_bpe *bpe = bpe_open(bpe_data("hf/plain"));
	uint32_t ids[200];
	struct ct_buf out = { 0 };
	struct ct_err err;
	unsigned long n;
	bool hit;
	int i, ret;

	for (i = 0; i < 200; i++)
		ids[i] = i;
	ck_assert_int_eq(ct_buf_append(&out, "x", 1), 0);
	for (n = 1;; n++) {
		fail_alloc_at(n);
		ret = ct_bpe_decode(bpe, ids, 200, 0, &out, &err);
		hit = fail_alloc_stop();
		if (!hit)
			break;
		check_failure(ret, &err);
		ck_assert_uint_eq(out.n, 1);
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 1);
	ct_buf_free(&out);
	ct_bpe_free(bpe);
}
END_TEST

/* A failed push changes nothing: it can be made again. */
START_TEST(stream)
{
	struct ct_utf8_stream s;
	struct ct_buf out = { 0 };

	s = (struct ct_utf8_stream){ 0 };
	fail_alloc_at(1);
	ck_assert_int_eq(ct_utf8_stream_push(&s, "\xc3", 1, &out), -ENOMEM);
	ck_assert(fail_alloc_stop());
	ck_assert_int_eq(ct_utf8_stream_push(&s, "\xc3", 1, &out), 0);
	ct_buf_free(&out);
	fail_alloc_at(1);
	ck_assert_int_eq(ct_utf8_stream_flush(&s, &out), -ENOMEM);
	ck_assert(fail_alloc_stop());
	ck_assert_int_eq(ct_utf8_stream_flush(&s, &out), 0);
	ck_assert_uint_eq(out.n, 3);
	ct_buf_free(&out);
}
END_TEST

/* Counts that no memory could hold are refused before any is asked for. */
START_TEST(impossible_sizes)
{
	struct ct_utf8_stream s;
	struct ct_buf buf = { 0 };
	struct ct_ids ids = { 0 };

	ck_assert_int_eq(ct_buf_append(&buf, "x", 1), 0);
	ck_assert_int_eq(ct_buf_reserve(&buf, SIZE_MAX), -ENOMEM);
	ck_assert_int_eq(ct_buf_reserve(&buf, SIZE_MAX - 1), -ENOMEM);
	ck_assert_int_eq(ct_ids_reserve(&ids, SIZE_MAX / 3), -ENOMEM);
	s = (struct ct_utf8_stream){ 0 };
	ck_assert_int_eq(ct_utf8_stream_push(&s, "x", SIZE_MAX / 2, &buf),
			 -ENOMEM);
	ct_buf_free(&buf);
}
END_TEST

/* --- reads ------------------------------------------------------------ */

static struct {
	int calls, fail_at, code;	/* code 0: the file has ended */
	size_t most;			/* bytes that one call gives */
} reads;

ssize_t __real_pread64(int fd, void *buf, size_t len, off_t at);
ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t at);

ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t at)
{
	if (++reads.calls == reads.fail_at) {
		errno = reads.code;
		return reads.code ? -1 : 0;
	}
	if (reads.most && len > reads.most)
		len = reads.most;
	return __real_pread64(fd, buf, len, at);
}

/* The vocabulary is at most this many reads of 2000 bytes. */
#define READS_MAX	20

static int open_with_reads(int fail_at, int code, struct ct_err *err)
{
	struct ct_bpe *bpe = NULL;
	int ret;

	reads.calls = 0;
	reads.fail_at = fail_at;
	reads.code = code;
	reads.most = 2000;
	ret = ct_bpe_open_hf(bpe_data("reference"), &bpe, err);
	memset(&reads, 0, sizeof(reads));
	ct_bpe_free(bpe);
	return ret;
}

START_TEST(read_failures)
{
	struct ct_err err = { 0 };
	int i, n = 0;

	/* In parts, and interrupted, it is the same file. */
	for (i = 0; i < READS_MAX; i++)
		ck_assert_int_eq(open_with_reads(i, EINTR, &err), 0);
	for (i = 1; i < READS_MAX; i++) {
		int ret = open_with_reads(i, EIO, &err);

		if (!ret)
			break;
		ck_assert_int_eq(ret, -EIO);
		ck_assert_ptr_nonnull(strstr(err.msg, "reference/"));
		ck_assert_int_eq(open_with_reads(i, 0, &err), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(err.msg, "ends at byte"));
		n++;
	}
	ck_assert_int_ge(n, 4);
	ck_assert_int_lt(n, READS_MAX - 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bpe_faults");
	TCase *t = tcase_create("bpe_faults");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, open_tokenizer_json);
	tcase_add_test(t, open_vocab_and_merges);
	tcase_add_loop_test(t, encode, 0, 3);
	tcase_add_test(t, decode);
	tcase_add_test(t, stream);
	tcase_add_test(t, impossible_sizes);
	tcase_add_test(t, read_failures);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
