// SPDX-License-Identifier: MIT
/* The builder: what it takes, what it refuses, and what odd options do. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test_bpe_util.h"

static struct ct_bpe_builder *b;
static struct ct_err err;

static void setup(void)
{
	ck_assert_int_eq(ct_bpe_builder_new(&b, &err), 0);
}

static void teardown(void)
{
	ct_bpe_builder_free(b);
}

static int token(uint32_t id, const char *name)
{
	return ct_bpe_builder_token(b, id, name, strlen(name), &err);
}

static int added(uint32_t id, const char *text, unsigned int flags)
{
	return ct_bpe_builder_added(b, id, text, strlen(text), flags, &err);
}

static int merge(const char *line)
{
	return ct_bpe_builder_merge_line(b, line, strlen(line), &err);
}

static struct ct_bpe *finish(const struct ct_bpe_options *opt)
{
	struct ct_bpe *bpe;

	if (ct_bpe_builder_finish(b, opt, &bpe, &err))
		ck_abort_msg("%s", err.msg);
	return bpe;
}

static struct ct_bpe *finish_plain(void)
{
	return finish(&(struct ct_bpe_options)CT_BPE_OPTIONS_INIT);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(err.msg, words) != NULL, "\"%s\" lacks \"%s\"",
		      err.msg, words);
}

START_TEST(refusals)
{
	ck_assert_int_eq(token(0, "a"), 0);
	ck_assert_int_eq(token(1, ""), -EBADMSG);
	ck_assert_int_eq(token(0, "b"), -EBADMSG);
	says("same id 0");
	ck_assert_int_eq(token(1, "a"), -EBADMSG);
	says("two ids, 0 and 1");
	ck_assert_int_eq(token(1, "\xff\x1b"), -EBADMSG);
	says("\"\\xff\\x1b\", is not UTF-8");
	ck_assert_int_eq(token(CT_BPE_MAX_IDS, "b"), -E2BIG);
	ck_assert_int_eq(token(4000000000u, "b"), -E2BIG);
	says("4000000000");
	ck_assert_int_eq(added(4000000000u, "b", 0), -E2BIG);
	ck_assert_int_eq(added(1, "", 0), -EBADMSG);
	ck_assert_int_eq(added(1, "a", 0), -EBADMSG);
	ck_assert_int_eq(added(0, "b", 0), -EBADMSG);
	ck_assert_int_eq(token(CT_BPE_MAX_IDS - 1, "b"), 0);

	ck_assert_int_eq(merge("a c"), -EBADMSG);
	says("\"c\" is not in the vocabulary");
	ck_assert_int_eq(merge("c a"), -EBADMSG);
	ck_assert_int_eq(merge("a b"), -EBADMSG);
	says("result \"ab\"");
	ck_assert_int_eq(merge("ab"), -EBADMSG);
	ck_assert_int_eq(merge(" a"), -EBADMSG);
	ck_assert_int_eq(merge("a "), -EBADMSG);
	ck_assert_int_eq(merge("a b c"), -EBADMSG);
	ck_assert_int_eq(merge(""), -EBADMSG);
	/* Long and unprintable names do not spoil the sentence. */
	ck_assert_int_eq(merge("a \x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c"
			       "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"),
			 -EBADMSG);
	says("\\x01\\x02");
}
END_TEST

START_TEST(empty)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	struct ct_bpe *bpe;

	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), -EBADMSG);
	says("empty");
}
END_TEST

START_TEST(options_name_tokens_that_are)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	struct ct_bpe *bpe;

	ck_assert_int_eq(token(0, "a"), 0);
	ck_assert_int_eq(token(2, "c"), 0);
	opt.eos_id = 1;
	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), -EBADMSG);
	says("eos token's id 1");
	opt.eos_id = 3;
	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), -EBADMSG);
	opt.eos_id = CT_BPE_NO_ID;
	opt.add_bos = true;
	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), -EBADMSG);
	says("bos");
	opt.bos_id = 2;
	bpe = finish(&opt);
	ck_assert_uint_eq(ct_bpe_bos(bpe), 2);
	ck_assert_uint_eq(ct_bpe_eos(bpe), CT_BPE_NO_ID);
	ck_assert(ct_bpe_adds_bos(bpe));
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(holes)
{
	struct ct_bpe *bpe;
	const char *bytes;
	size_t len;

	ck_assert_int_eq(token(5, "Ġ"), 0);
	ck_assert_int_eq(token(2, "a"), 0);
	bpe = finish_plain();
	ck_assert_uint_eq(ct_bpe_size(bpe), 6);
	ck_assert_int_eq(ct_bpe_kind(bpe, 3), CT_BPE_HOLE);
	ck_assert_int_eq(ct_bpe_bytes(bpe, 3, &bytes, &len), -ENOENT);
	ck_assert_int_eq(ct_bpe_bytes(bpe, 5, &bytes, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(bytes[0], ' ');
	bpe_check_round_trip(bpe, " a a", 4, 0);
	ct_bpe_free(bpe);
}
END_TEST

/* Without an unknown token a missing byte is an error, and leaves no trace. */
START_TEST(missing_bytes)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	const uint32_t apart[] = { 0, 2, 2, 0 }, fused[] = { 0, 2, 0 };
	struct ct_ids ids = { 0 };
	struct ct_bpe *bpe;
	int i;

	ck_assert_int_eq(token(0, "a"), 0);
	ck_assert_int_eq(token(1, "b"), 0);
	bpe = finish_plain();
	ck_assert_int_eq(ct_ids_append(&ids, 7), 0);
	ck_assert_int_eq(ct_bpe_encode(bpe, "abz", 3, 0, &ids, &err), -EINVAL);
	says("0x7a");
	ck_assert_uint_eq(ids.n, 1);
	ck_assert_uint_eq(ids.data[0], 7);
	ct_ids_free(&ids);
	ct_bpe_free(bpe);

	for (i = 0; i < 2; i++) {
		teardown();
		setup();
		ck_assert_int_eq(token(0, "a"), 0);
		ck_assert_int_eq(added(2, "<unk>", CT_BPE_ADD_SPECIAL), 0);
		opt.unk_id = 2;
		opt.fuse_unk = i;
		bpe = finish(&opt);
		bpe_check_ids(bpe, "axxa", 4, 0, i ? fused : apart, i ? 3 : 4,
			      "unknown");
		ct_bpe_free(bpe);
	}
}
END_TEST

/* An added token's text against the bytes its name would spell. */
START_TEST(added_over_ordinary)
{
	const uint32_t both[] = { 2, 0, 1 };
	struct ct_bpe *bpe;
	const char *bytes;
	size_t len;

	ck_assert_int_eq(token(0, "Ã"), 0);
	ck_assert_int_eq(token(1, "©"), 0);
	ck_assert_int_eq(token(2, "<x>"), 0);
	ck_assert_int_eq(token(3, "é"), 0);
	ck_assert_int_eq(added(2, "<x>", CT_BPE_ADD_SPECIAL), 0);
	ck_assert_int_eq(added(3, "é", 0), 0);
	bpe = finish_plain();
	ck_assert_int_eq(ct_bpe_kind(bpe, 2), CT_BPE_SPECIAL);
	/* Byte 0xe9 it was and stays. */
	ck_assert_int_eq(ct_bpe_kind(bpe, 3), CT_BPE_NORMAL);
	ck_assert_int_eq(ct_bpe_bytes(bpe, 3, &bytes, &len), 0);
	ck_assert_uint_eq(len, 1);
	bpe_check_ids(bpe, "<x>é", 5, CT_BPE_PARSE_SPECIAL, both, 3, "é");
	bpe_check_round_trip(bpe, "é\xe9", 3, 0);
	ct_bpe_free(bpe);
}
END_TEST

/* A token that is not written in the byte alphabet is what it says. */
START_TEST(literal_names)
{
	struct ct_bpe *bpe;
	const char *bytes;
	size_t len;

	ck_assert_int_eq(token(0, "日 本"), 0);
	bpe = finish_plain();
	ck_assert_int_eq(ct_bpe_bytes(bpe, 0, &bytes, &len), 0);
	ck_assert_uint_eq(len, 7);
	ck_assert_mem_eq(bytes, "日 本", 7);
	ct_bpe_free(bpe);
}
END_TEST

START_TEST(longest_added_token)
{
	const uint32_t want[] = { 3, 1, 0, 2, 0 };
	struct ct_bpe *bpe;

	ck_assert_int_eq(token(0, "a"), 0);
	ck_assert_int_eq(added(1, "ab", 0), 0);
	ck_assert_int_eq(added(2, "abc", 0), 0);
	ck_assert_int_eq(added(3, "abcde", 0), 0);
	bpe = finish_plain();
	bpe_check_ids(bpe, "abcdeabaabca", 12, 0, want, 5, "longest");
	ct_bpe_free(bpe);
}
END_TEST

/* A token that takes the spaces after it, and is one: still linear. */
START_TEST(strip_in_a_run)
{
	const size_t n = 1 << 20;
	char *text = malloc(n);
	struct ct_bpe *bpe;
	struct ct_ids ids;
	size_t i;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', n);
	ck_assert_int_eq(added(0, " ", CT_BPE_ADD_RSTRIP | CT_BPE_ADD_LSTRIP),
			 0);
	bpe = finish_plain();
	ids = bpe_encode(bpe, text, n, 0);
	ck_assert_uint_eq(ids.n, n);
	for (i = 0; i < n; i++)
		if (ids.data[i])
			ck_abort_msg("id %zu is %u", i, ids.data[i]);
	ct_ids_free(&ids);
	ct_bpe_free(bpe);
	free(text);
}
END_TEST

static void add_merged(uint32_t id, const char *name, size_t len)
{
	if (ct_bpe_builder_token(b, id, name, len, &err) ||
	    ct_bpe_builder_merge(b, name, len - 1, name + len - 1, 1, &err))
		ck_abort_msg("%s", err.msg);
}

/* More tokens and merges than any table begins with. */
START_TEST(tables_grow)
{
	struct ct_bpe *bpe;
	uint32_t id = 0, found;
	char name[4] = "";
	int i;

	for (i = 0; i < 26; i++) {
		name[0] = 'a' + i;
		ck_assert_int_eq(token(id++, name), 0);
	}
	for (i = 0; i < 26 * 26 * 26; i++) {
		name[0] = 'a' + i / 676;
		name[1] = 'a' + i / 26 % 26;
		name[2] = 'a' + i % 26;
		if (!(i % 26))
			add_merged(id++, name, 2);
		add_merged(id++, name, 3);
	}
	bpe = finish_plain();
	ck_assert_uint_eq(ct_bpe_size(bpe), 26 + 676 + 17576);
	ck_assert_int_eq(ct_bpe_find(bpe, "zzz", 3, &found), 0);
	ck_assert_uint_eq(found, id - 1);
	bpe_check_ids(bpe, "zzz", 3, 0, &found, 1, "zzz");
	ct_bpe_free(bpe);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bpe_build");
	TCase *t = tcase_create("bpe_build");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, refusals);
	tcase_add_test(t, empty);
	tcase_add_test(t, options_name_tokens_that_are);
	tcase_add_test(t, holes);
	tcase_add_test(t, missing_bytes);
	tcase_add_test(t, added_over_ordinary);
	tcase_add_test(t, literal_names);
	tcase_add_test(t, longest_added_token);
	tcase_add_test(t, strip_in_a_run);
	tcase_add_test(t, tables_grow);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
