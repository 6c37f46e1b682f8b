// SPDX-License-Identifier: MIT
/* Damaged and hostile SentencePiece models, which the library must not see. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spm_help.h"
#include "test_bpe_util.h"

static struct ct_spm_model m;
static unsigned char map[4096];
static size_t map_len;

static void setup(void)
{
	spm_small(&m, CT_SPM_UNIGRAM);
	map_len = spm_charsmap(map, 'x', "ab");
	m.charsmap = (char *)map;
	m.charsmap_len = map_len;
}

static void teardown(void)
{
	ct_spm_model_free(&m);
}

static void refused(const void *proto, size_t len, int code, const char *words)
{
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };
	int ret = ct_spm_open(proto, len, NULL, 0, &spm, &err);

	if (ret != code)
		ck_abort_msg("%d instead of %d (%s)", ret, code, err.msg);
	ck_assert_ptr_null(spm);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, words) != NULL, "\"%s\" lacks \"%s\"",
		      err.msg, words);
}

static void model_refused(int code, const char *words)
{
	struct ct_buf proto = spm_written(&m);

	refused(proto.data, proto.n, code, words);
	ct_buf_free(&proto);
}

/* --- the wire format -------------------------------------------------- */

static void opens_or_not(const void *proto, size_t len)
{
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };
	int ret = ct_spm_open(proto, len, NULL, 0, &spm, &err);

	ck_assert_int_eq(ret, err.code);
	ck_assert(!ret == !!spm);
	if (spm)
		spm_ids(spm, "ab xa\xff c", 8, 0);
	ct_spm_free(spm);
}

START_TEST(cut_anywhere)
{
	struct ct_buf proto = spm_written(&m);
	size_t len;

	for (len = 0; len < proto.n; len++) {
		/* Its own allocation, so that a byte more is one too many. */
		char *part = malloc(len ? len : 1);

		memcpy(part, proto.data, len);
		opens_or_not(part, len);
		free(part);
	}
	ct_buf_free(&proto);
}
END_TEST

START_TEST(changed_anywhere)
{
	struct ct_buf proto = spm_written(&m);
	uint64_t state = 1;
	size_t i, n;
	int turn;

	for (turn = 0; turn < 4000; turn++) {
		char *copy = malloc(proto.n);

		memcpy(copy, proto.data, proto.n);
		for (n = 1 + bpe_random(&state) % 4; n; n--) {
			i = bpe_random(&state) % proto.n;
			copy[i] = bpe_random(&state);
		}
		opens_or_not(copy, proto.n);
		free(copy);
	}
	ct_buf_free(&proto);
}
END_TEST

START_TEST(not_a_message)
{
	static const char *const bad[] = {
		"",			/* no pieces */
		"\x0a\x7f" "abc",	/* longer than there is */
		"\x0b",			/* a group */
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
		"\x0a\x02\x18\x07",	/* a piece of type 7 */
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], strlen(bad[i]), -EBADMSG, "damaged");
	refused(bad[0], (size_t)65 << 20, -E2BIG, "at most");
}
END_TEST

/* --- pieces ----------------------------------------------------------- */

static void with_piece(const char *text, size_t len, float score,
		       uint32_t type, int code, const char *words)
{
	if (!len) {
		m.pieces[m.n - 1].len = 0;
		model_refused(code, words);
		return;
	}
	ck_assert_int_eq(ct_spm_model_add(&m, text, len, score, type, NULL), 0);
	model_refused(code, words);
	m.n--;
}

START_TEST(bad_pieces)
{
	const uint32_t normal = CT_SPM_PIECE_NORMAL;

	with_piece("\xc3", 1, 0, normal, -EBADMSG, "UTF-8");
	with_piece("z\0z", 3, 0, normal, -EBADMSG, "NUL");
	with_piece("z", 1, INFINITY, normal, -EBADMSG, "score");
	with_piece("z", 1, NAN, normal, -EBADMSG, "score");
	with_piece("z", 1, 0, CT_SPM_PIECE_UNKNOWN, -EBADMSG, "2 unknown");
	with_piece("<0xGG>", 6, 0, CT_SPM_PIECE_BYTE, -EBADMSG, "byte");
	m.pieces[2].type = normal;
	model_refused(-EBADMSG, "0 unknown");
	m.pieces[2].type = CT_SPM_PIECE_UNKNOWN;
	with_piece(NULL, 0, 0, normal, -EBADMSG, "empty");
}
END_TEST

/* What the library finds itself: its words, and no line on stderr. */
START_TEST(refused_by_the_library)
{
	if (!spm_supported())
		return;
	with_piece("a", 1, 0, CT_SPM_PIECE_NORMAL, -EBADMSG, "already defined");
	with_piece("<0x41>", 6, 0, CT_SPM_PIECE_BYTE, -EBADMSG, "byte");
	m.byte_fallback = true;
	model_refused(-EBADMSG, "256");
}
END_TEST

/* A piece that overflows the stack of the library: 100 KB did. */
START_TEST(long_pieces)
{
	char text[CT_SPM_MAX_NAME + 1];
	struct ct_spm *spm;
	struct ct_err err;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(ct_spm_model_add(&m, text, sizeof(text), 0,
					  CT_SPM_PIECE_NORMAL, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "1025"));
	if (!spm_supported())
		return;
	ck_assert_int_eq(ct_spm_model_add(&m, text, sizeof(text) - 1, 100,
					  CT_SPM_PIECE_USER, NULL), 0);
	spm = spm_opened(&m, NULL, 0);
	ck_assert_str_eq(spm_ids(spm, text, sizeof(text) - 1, 0), "3 9");
	ct_spm_free(spm);
}
END_TEST

/* More pieces that begin one another than the library has room for: 64. */
START_TEST(nested_pieces)
{
	char text[80];
	struct ct_spm *spm;
	uint32_t i;

	memset(text, 'z', sizeof(text));
	for (i = 1; i <= 64; i++)
		ck_assert_int_eq(ct_spm_model_add(&m, text, i, 0,
						  CT_SPM_PIECE_USER, NULL), 0);
	ck_assert_int_eq(ct_spm_model_add(&m, "zzy", 3, 0, CT_SPM_PIECE_USER,
					  NULL), 0);
	if (spm_supported()) {
		spm = spm_opened(&m, NULL, 0);
		ck_assert_str_eq(spm_ids(spm, text, 64, 0), "3 72");
		ct_spm_free(spm);
	}
	with_piece(text, 65, 0, CT_SPM_PIECE_USER, -E2BIG, "begin one another");
}
END_TEST

START_TEST(other_kinds)
{
	static const char denormalizer[] = "\x2a\x03\x12\x01x";
	struct ct_buf proto;

	m.type = 3;
	model_refused(-ENOTSUP, "unigram (1) and BPE (2)");
	m.type = CT_SPM_UNIGRAM;
	m.unk_surface = "\xff";
	m.unk_surface_len = 1;
	model_refused(-EBADMSG, "unknown pieces");
	m.unk_surface = "?";

	proto = spm_written(&m);
	ck_assert_int_eq(ct_buf_append(&proto, denormalizer, 5), 0);
	refused(proto.data, proto.n, -ENOTSUP, "denormalizer");
	ct_buf_free(&proto);
}
END_TEST

static void added_refused(struct ct_spm_added a, struct ct_spm_added b,
			  int code, const char *words)
{
	const struct ct_spm_added added[] = { a, b };
	struct ct_buf proto = spm_written(&m);
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_spm_open(proto.data, proto.n, added, 2, &spm, &err),
			 code);
	ck_assert_ptr_nonnull(strstr(err.msg, words));
	ct_buf_free(&proto);
}

START_TEST(bad_added_tokens)
{
	const struct ct_spm_added good = { "<x>", 3, 20, true };

	added_refused(good, (struct ct_spm_added){ "", 0, 21, true }, -EBADMSG,
		      "empty");
	added_refused(good, (struct ct_spm_added){ "\xff", 1, 21, true },
		      -EBADMSG, "UTF-8");
	added_refused(good, (struct ct_spm_added){ "<y>", 3, 20, true },
		      -EBADMSG, "id 20");
	added_refused(good, (struct ct_spm_added){ "<x>", 3, 21, true },
		      -EBADMSG, "two ids");
	added_refused(good, (struct ct_spm_added){ "<y>", 3, CT_SPM_MAX_IDS,
		      true }, -E2BIG, "ids are below");
}
END_TEST

/* --- the charsmap ----------------------------------------------------- */

static uint32_t get_unit(size_t i)
{
	const unsigned char *p = map + 4 + 4 * i;

	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void set_unit(size_t i, uint32_t unit)
{
	int k;

	for (k = 0; k < 4; k++)
		map[4 + 4 * i + k] = unit >> 8 * k;
}

START_TEST(charsmap_sizes)
{
	static const uint32_t sizes[] = {
		0, 1, 1020, 1023, 1025, 1028, 1 << 20, UINT32_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		map_len = spm_charsmap(map, 'x', "ab");
		memcpy(map, &sizes[i], 4);
		model_refused(-EBADMSG, "charsmap");
	}
	for (i = 1; i < map_len; i++) {
		spm_charsmap(map, 'x', "ab");
		m.charsmap_len = i;
		model_refused(-EBADMSG, "charsmap");
	}
	m.charsmap_len = map_len;
	map[map_len - 1] = 'x';
	model_refused(-EBADMSG, "no end");
	m.charsmap_len = (4 << 20) + 1;
	m.charsmap = calloc(1, m.charsmap_len);
	model_refused(-E2BIG, "at most");
	free((void *)m.charsmap);
}
END_TEST

START_TEST(charsmap_leads_out)
{
	uint32_t x = get_unit('x');

	/* The root beyond the array, by a little and by as much as can be. */
	set_unit(0, 256u << 10 | 1);
	model_refused(-EBADMSG, "out of itself");
	set_unit(0, 0xffffff01);
	model_refused(-EBADMSG, "out of itself");
	set_unit(0, 1);
	set_unit('x', x | 1u << 30);
	model_refused(-EBADMSG, "out of itself");
	set_unit('x', x);
	set_unit(255, 1u << 31 | 3);
	model_refused(-EBADMSG, "without a string");
	set_unit(255, UINT32_MAX);
	model_refused(-EBADMSG, "without a string");
}
END_TEST

START_TEST(charsmap_strings)
{
	char text[300];

	m.charsmap_len = spm_charsmap(map, 'x', "a\xff");
	model_refused(-EBADMSG, "no UTF-8");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	m.charsmap_len = spm_charsmap(map, 'x', text);
	model_refused(-EBADMSG, "too long");
	/* A value that points into a character. */
	m.charsmap_len = spm_charsmap(map, 'x', "\xc3\xa9");
	set_unit(255, 1u << 31 | 1);
	model_refused(-EBADMSG, "no UTF-8");
}
END_TEST

START_TEST(charsmap_circles)
{
	/* "x" leads back to the root's children, and so to itself. */
	set_unit('x', (uint32_t)'x' << 10 | 'x');
	model_refused(-EBADMSG, "circles");
	/* So does the root by U+0000. */
	spm_charsmap(map, 'x', "ab");
	set_unit(0, 0);
	model_refused(-EBADMSG, "circles");
}
END_TEST

/*
 * Rules for "x", "xx" and so on to @n of them, each with a block of units of its
 * own: node k is unit 'x' of block k, and its value and children are in block
 * k + 1, at 0 and at 'x'; the last one's in a block with nothing else.
 */
static size_t chain(unsigned char *to, uint32_t n)
{
	uint32_t units = (n + 2) * 256, i, k, unit;
	size_t len = 4 + 4 * (size_t)units;

	for (i = 0; i < units; i++) {
		uint32_t block = i / 256, at = i % 256;

		unit = (i ^ 1) & 0xff;
		if (!i)
			unit = 256 << 10 | 1;
		else if (at == 'x' && block >= 1 && block <= n)
			unit = (i ^ (block + 1) * 256) << 10 | 1 << 8 | 'x';
		else if (!at && block >= 2)
			unit = 1u << 31;
		for (k = 0; k < 4; k++)
			to[4 + 4 * (size_t)i + k] = unit >> 8 * k;
	}
	for (k = 0; k < 4; k++)
		to[k] = units * 4 >> 8 * k;
	to[len] = '!';
	to[len + 1] = '\0';
	return len + 2;
}

START_TEST(charsmap_matches)
{
	unsigned char *big = malloc(300 * 1024);

	m.charsmap = (char *)big;
	m.charsmap_len = chain(big, 33);
	model_refused(-EBADMSG, "too many rules");
	m.charsmap_len = chain(big, 270);
	model_refused(-EBADMSG, "too long a text");
	m.charsmap_len = chain(big, 32);
	if (spm_supported()) {
		struct ct_spm *spm = spm_opened(&m, NULL, 0);
		char text[33];

		memset(text, 'x', 32);
		text[32] = 'a';
		ck_assert_str_eq(spm_ids(spm, text, 33, 0), "3 2 4");
		ct_spm_free(spm);
	}
	free(big);
}
END_TEST

/* A real one, changed: whatever is let through must not crash. */
START_TEST(charsmap_changed)
{
	size_t len, i, n;
	char *file = bpe_slurp(bpe_data("spm/spiece.model"), &len), *where;
	struct ct_spm_model real;
	uint64_t state = 3;
	int turn;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ct_spm_model_parse(&real, file, len, NULL), 0);
	ck_assert_uint_gt(real.charsmap_len, 200000);
	for (turn = 0; turn < 60; turn++) {
		where = file + (real.charsmap - file);
		for (n = 1 + bpe_random(&state) % 3; n; n--) {
			i = bpe_random(&state) % real.charsmap_len;
			where[i] = bpe_random(&state);
		}
		opens_or_not(file, len);
	}
	ct_spm_model_free(&real);
	free(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spm_bad");
	TCase *tc = tcase_create("spm_bad");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, changed_anywhere);
	tcase_add_test(tc, not_a_message);
	tcase_add_test(tc, bad_pieces);
	tcase_add_test(tc, refused_by_the_library);
	tcase_add_test(tc, long_pieces);
	tcase_add_test(tc, nested_pieces);
	tcase_add_test(tc, other_kinds);
	tcase_add_test(tc, bad_added_tokens);
	tcase_add_test(tc, charsmap_sizes);
	tcase_add_test(tc, charsmap_leads_out);
	tcase_add_test(tc, charsmap_strings);
	tcase_add_test(tc, charsmap_circles);
	tcase_add_test(tc, charsmap_matches);
	tcase_add_test(tc, charsmap_changed);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
