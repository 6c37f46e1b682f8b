// SPDX-License-Identifier: MIT
/* UTF-8, the byte alphabet, the streaming decoder, and the splitter. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "text/alphabet.h"
#include "text/buf.h"
#include "text/split.h"
#include "text/stream.h"
#include "text/utf8.h"

/* ck_assert sends a message each time: too slow in the inner loops. */
#define REQUIRE(cond)						\
	do {							\
		if (!(cond))					\
			ck_abort_msg("not so: %s", #cond);	\
	} while (0)

static size_t put_utf8(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = cp;
		return 1;
	} else if (cp < 0x800) {
		out[0] = 0xc0 | cp >> 6;
		out[1] = 0x80 | (cp & 0x3f);
		return 2;
	} else if (cp < 0x10000) {
		out[0] = 0xe0 | cp >> 12;
		out[1] = 0x80 | (cp >> 6 & 0x3f);
		out[2] = 0x80 | (cp & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | cp >> 18;
	out[1] = 0x80 | (cp >> 12 & 0x3f);
	out[2] = 0x80 | (cp >> 6 & 0x3f);
	out[3] = 0x80 | (cp & 0x3f);
	return 4;
}

/* --- UTF-8 ------------------------------------------------------------ */

START_TEST(utf8_every_character)
{
	char s[4];
	uint32_t cp, got;
	size_t len, cut;

	for (cp = 0; cp < 0x110000; cp++) {
		len = put_utf8(cp, s);
		if (cp >= 0xd800 && cp < 0xe000) {
			REQUIRE(ct_utf8_next(s, len, &got) < 0);
			continue;
		}
		REQUIRE(ct_utf8_next(s, len, &got) == (int)len);
		REQUIRE(got == cp);
		for (cut = 1; cut < len; cut++)
			REQUIRE(!ct_utf8_next(s, cut, &got));
	}
}
END_TEST

START_TEST(utf8_malformed)
{
	static const struct {
		const char *s;
		size_t n;
		int ret;
	} cases[] = {
		{ "\x80", 1, -1 },	{ "\xbf", 1, -1 },
		{ "\xc0\x80", 2, -1 },	{ "\xc1\xbf", 2, -1 },
		{ "\xf5\x80", 2, -1 },	{ "\xff", 1, -1 },
		{ "\xe0\x80\x80", 3, -1 },	/* overlong */
		{ "\xe0\x9f\xbf", 3, -1 },
		{ "\xed\xa0\x80", 3, -1 },	/* surrogate */
		{ "\xf0\x80\x80\x80", 4, -1 },
		{ "\xf4\x90\x80\x80", 4, -1 },	/* above U+10FFFF */
		{ "\xe2\x82""a", 3, -2 },
		{ "\xf1\x80\x80\x41", 4, -3 },
		{ "\xc3""a", 2, -1 },
	};
	size_t i;
	uint32_t cp;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(ct_utf8_next(cases[i].s, cases[i].n, &cp),
				 cases[i].ret);
}
END_TEST

START_TEST(utf8_valid_and_mend)
{
	char s[] = "abcdefgh\xc3\xa9\xff""x\xe2\x82yz12345678\xf0\x9f\x98";
	static const char mended[] =
		"abcdefgh\xc3\xa9?x??yz12345678???";

	ck_assert_uint_eq(ct_utf8_valid(s, sizeof(s) - 1), 10);
	ct_utf8_mend(s, sizeof(s) - 1, '?');
	ck_assert_str_eq(s, mended);
	ck_assert_uint_eq(ct_utf8_valid(s, sizeof(s) - 1), sizeof(s) - 1);
	ck_assert_uint_eq(ct_utf8_valid("", 0), 0);
}
END_TEST

/* --- the alphabet ----------------------------------------------------- */

START_TEST(alphabet_both_ways)
{
	char name[2 * 256], bytes[2 * 256];
	size_t len = 0, n;
	int byte;

	for (byte = 0; byte < 256; byte++)
		len += ct_alphabet_spell(byte, name + len);
	ck_assert(ct_alphabet_read(name, len, bytes, &n));
	ck_assert_uint_eq(n, 256);
	for (byte = 0; byte < 256; byte++)
		ck_assert_int_eq((unsigned char)bytes[byte], byte);

	/* Ġ is the space, Ċ the line feed, Ń the soft hyphen. */
	ck_assert(ct_alphabet_read("Ġ\xc4\x8aŃ", 6, bytes, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(bytes, " \n\xad", 3);

	ck_assert(!ct_alphabet_read(" ", 1, bytes, &n));
	ck_assert(!ct_alphabet_read("\xc2\xa0", 2, bytes, &n));
	ck_assert(!ct_alphabet_read("ń", 2, bytes, &n));	/* U+0144 */
	ck_assert(!ct_alphabet_read("日", 3, bytes, &n));
	ck_assert(!ct_alphabet_read("a\xff", 2, bytes, &n));
}
END_TEST

/* --- streaming -------------------------------------------------------- */

static const char mixed[] =
	"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"	/* 1 to 4 bytes */
	"\xff\xe2\x82""b\xf0\x9f\x98\xc3\xa9"	/* and broken ones */
	"\xed\xa0\x80\xe6\x97\xa5\xc0\xaf\xf0\x9f";

#define FFFD	"\xef\xbf\xbd"
static const char mixed_shown[] =
	"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
	FFFD FFFD "b" FFFD "\xc3\xa9"
	FFFD FFFD FFFD "\xe6\x97\xa5" FFFD FFFD FFFD;

/* Push [from, to); what comes out must be whole characters. */
static void push(struct ct_utf8_stream *s, size_t from, size_t to,
		 struct ct_buf *out)
{
	size_t before = out->n;

	REQUIRE(!ct_utf8_stream_push(s, mixed + from, to - from, out));
	if (out->n > before)
		REQUIRE(ct_utf8_valid(out->data + before, out->n - before) ==
			out->n - before);
}

START_TEST(stream_every_cut)
{
	const size_t n = sizeof(mixed) - 1;
	struct ct_utf8_stream s;
	struct ct_buf out = { 0 };
	size_t a, b;

	for (a = 0; a <= n; a++) {
		for (b = a; b <= n; b++) {
			s = (struct ct_utf8_stream){ 0 };
			out.n = 0;
			push(&s, 0, a, &out);
			push(&s, a, b, &out);
			push(&s, b, n, &out);
			REQUIRE(!ct_utf8_stream_flush(&s, &out));
			REQUIRE(out.n == strlen(mixed_shown));
			REQUIRE(!memcmp(out.data, mixed_shown, out.n));
		}
	}
	ct_buf_free(&out);
}
END_TEST

START_TEST(stream_holds_back_what_may_still_come)
{
	static const char face[] = "\xf0\x9f\x98\x80";
	struct ct_utf8_stream s = { 0 };
	struct ct_buf out = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(ct_utf8_stream_push(&s, face + i, 1, &out), 0);
		ck_assert_uint_eq(out.n, 0);
	}
	ck_assert_int_eq(ct_utf8_stream_push(&s, face + 3, 1, &out), 0);
	ck_assert_uint_eq(out.n, 4);
	ck_assert_int_eq(ct_utf8_stream_push(&s, "", 0, &out), 0);
	ck_assert_int_eq(ct_utf8_stream_flush(&s, &out), 0);
	ck_assert_uint_eq(out.n, 4);

	/* A byte that cannot be is shown at once, not held. */
	ck_assert_int_eq(ct_utf8_stream_push(&s, "\x80", 1, &out), 0);
	ck_assert_uint_eq(out.n, 7);
	ct_buf_free(&out);
}
END_TEST

/* --- splitting -------------------------------------------------------- */

/* The pieces of a text with a bar between each two. */
static void split(unsigned int flags, const char *text, size_t n,
		  struct ct_buf *out)
{
	struct ct_split *splitter;
	struct ct_split_run *run;
	struct ct_err err;
	size_t pos = 0, end;

	ck_assert_int_eq(ct_split_new(flags, &splitter, &err), 0);
	ck_assert_int_eq(ct_split_run_new(splitter, &run, &err), 0);
	while (pos < n) {
		REQUIRE(!ct_split_next(run, text, n, pos, &end, &err));
		REQUIRE(end > pos);
		REQUIRE(!ct_buf_append(out, text + pos, end - pos));
		REQUIRE(!ct_buf_append(out, "|", 1));
		pos = end;
	}
	ct_split_run_free(run);
	ct_split_free(splitter);
}

START_TEST(split_examples)
{
	static const struct {
		const char *text, *pieces;
	} cases[] = {
		{ "Hello world", "Hello| world|" },
		{ "I'm you're they'LL", "I|'m| you|'re| they|'|LL|" },
		{ "a  b   ", "a| | b|   |" },
		{ "a\n\n b", "a|\n\n| b|" },
		{ "a\n\nb", "a|\n|\n|b|" },
		{ "x = 3.14;", "x| =| 3|.|14|;|" },
		{ "été½²٣", "été|½²٣|" },
		{ "日本語 テスト", "日本語| テスト|" },
		/* U+180E is no space, U+0085 is one, U+001C is neither. */
		{ "a\xe1\xa0\x8e!", "a|\xe1\xa0\x8e!|" },
		{ "a\xc2\x85!", "a|\xc2\x85|!|" },
		{ "a \x1c!", "a| \x1c!|" },
		{ " 's", " '|s|" },
	};
	struct ct_buf out = { 0 };
	size_t i;

	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		out.n = 0;
		split(i % 2 ? CT_SPLIT_NO_JIT : 0, cases[i / 2].text,
		      strlen(cases[i / 2].text), &out);
		ck_assert_int_eq(ct_buf_append(&out, "", 1), 0);
		ck_assert_str_eq(out.data, cases[i / 2].pieces);
	}
	ct_buf_free(&out);
}
END_TEST

/* Each in a place where it matters, compiled and interpreted. */
START_TEST(split_jit_is_the_interpreter)
{
	struct ct_buf text = { 0 }, jit = { 0 }, slow = { 0 };
	char s[4];
	uint32_t cp;

	for (cp = 0; cp < 0x110000; cp++) {
		size_t len = put_utf8(cp, s);

		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		ct_buf_append(&text, "a", 1);
		ct_buf_append(&text, s, len);
		ct_buf_append(&text, "1 ", 2);
		ct_buf_append(&text, s, len);
		ct_buf_append(&text, "! ", 2);
	}
	split(0, text.data, text.n, &jit);
	split(CT_SPLIT_NO_JIT, text.data, text.n, &slow);
	ck_assert_uint_eq(jit.n, slow.n);
	ck_assert(!memcmp(jit.data, slow.data, jit.n));
	ct_buf_free(&text);
	ct_buf_free(&jit);
	ct_buf_free(&slow);
}
END_TEST

/*
 * The pattern's list of spaces and ct_utf8_is_space()'s are the same. Two line
 * feeds and a space are one piece; before anything else they are two.
 */
START_TEST(split_spaces)
{
	char text[8] = "\n\n";
	struct ct_split *splitter;
	struct ct_split_run *run;
	struct ct_err err;
	size_t len, end;
	uint32_t cp;

	ck_assert_int_eq(ct_split_new(0, &splitter, &err), 0);
	ck_assert_int_eq(ct_split_run_new(splitter, &run, &err), 0);
	for (cp = 0; cp < 0x110000; cp++) {
		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		len = 2 + put_utf8(cp, text + 2);
		REQUIRE(!ct_split_next(run, text, len, 0, &end, &err));
		if (end != (ct_utf8_is_space(cp) ? len : 1))
			ck_abort_msg("U+%04X", cp);
	}
	ct_split_run_free(run);
	ct_split_free(splitter);
}
END_TEST

/* No limit of PCRE2's is met, nor is anything quadratic. */
START_TEST(split_long_runs)
{
	static const char *const units[] = { "a", " ", "7", "!", "\n",
					     "\xf0\x9f\x98\x80" };
	const size_t n = 3u << 20;
	char *text = malloc(n);
	size_t i, k;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < 2 * sizeof(units) / sizeof(units[0]); i++) {
		const char *unit = units[i / 2];
		size_t len = strlen(unit);
		struct ct_buf out = { 0 };

		for (k = 0; k + len <= n; k += len)
			memcpy(text + k, unit, len);
		split(i % 2 ? CT_SPLIT_NO_JIT : 0, text, k, &out);
		ck_assert_uint_eq(out.n, k + 1);
		ct_buf_free(&out);
	}
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, utf8_every_character);
	tcase_add_test(t, utf8_malformed);
	tcase_add_test(t, utf8_valid_and_mend);
	tcase_add_test(t, alphabet_both_ways);
	tcase_add_test(t, stream_every_cut);
	tcase_add_test(t, stream_holds_back_what_may_still_come);
	tcase_add_test(t, split_examples);
	tcase_add_test(t, split_jit_is_the_interpreter);
	tcase_add_test(t, split_spaces);
	tcase_add_test(t, split_long_runs);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
