// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stop.h"
#include "engine/writer.h"

static uint32_t state = 1;

static uint32_t dice(uint32_t n)
{
	state = state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)state * n >> 32);
}

/* A word of @len letters out of three, so that borders overlap a lot. */
static void word(char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		s[i] = "abc"[dice(3) ? dice(2) : dice(3)];
	s[len] = '\0';
}

/* What the caller's function has got, and its pieces. */
struct heard {
	char text[4096];
	size_t len;
	size_t calls, stop_at;	/* the call that says stop; 0: none */
};

static int hear(void *arg, const char *text, size_t len)
{
	struct heard *h = arg;

	ck_assert_uint_gt(len, 0);
	ck_assert_uint_eq(strlen(text), len);
	memcpy(h->text + h->len, text, len + 1);
	h->len += len;
	return ++h->calls == h->stop_at;
}

static struct ctrans_generate_params with(struct heard *h,
					  const char *const *stop, size_t n)
{
	return (struct ctrans_generate_params){
		.stop = stop, .n_stop = n, .text_fn = hear, .arg = h,
	};
}

/* Longest end of @text that begins one of the strings, as a whole or in part. */
static size_t held_by(const char *text, size_t len, const char *const *stop,
		      size_t n)
{
	size_t i, k, most = 0;

	for (i = 0; i < n; i++) {
		for (k = strlen(stop[i]) - 1; k > most; k--) {
			if (k <= len && !memcmp(text + len - k, stop[i], k))
				most = k;
		}
	}
	return most;
}

/* Where the first string is complete, and where it starts: plain search. */
static bool first_match(const char *text, const char *const *stop, size_t n,
			size_t *start, size_t *end)
{
	size_t i, len;

	for (*end = 1; *end <= strlen(text); ++*end) {
		*start = SIZE_MAX;
		for (i = 0; i < n; i++) {
			len = strlen(stop[i]);
			if (len <= *end && !memcmp(text + *end - len, stop[i],
						   len) && *end - len < *start)
				*start = *end - len;
		}
		if (*start != SIZE_MAX)
			return true;
	}
	return false;
}

START_TEST(test_random)
{
	char text[65], stops[4][8];
	const char *stop[4];
	size_t i, n, len, piece, at, start, end, want;
	struct heard h;
	struct ct_writer w;
	bool match;
	int round;

	for (round = 0; round < 20000; round++) {
		n = 1 + dice(4);
		for (i = 0; i < n; i++) {
			word(stops[i], 1 + dice(7));
			stop[i] = stops[i];
		}
		len = dice(64);
		word(text, len);
		match = first_match(text, stop, n, &start, &end);

		h = (struct heard){ 0 };
		struct ctrans_generate_params p = with(&h, stop, n);

		ck_assert_int_eq(ct_writer_init(&w, &p, NULL), 0);
		for (at = 0; at < len && !w.stopped; at += piece) {
			piece = 1 + dice(5);
			if (piece > len - at)
				piece = len - at;
			ck_assert_int_eq(ct_writer_push(&w, text + at, piece,
							NULL), 0);
			/* All that is certain is out, and no more. */
			if (!w.stopped)
				ck_assert_uint_eq(h.len, at + piece -
						  held_by(text, at + piece,
							  stop, n));
		}
		ck_assert_int_eq(ct_writer_end(&w, NULL), 0);
		want = match ? start : len;
		ck_assert_int_eq(w.stopped, match);
		ck_assert_uint_eq(w.text.n, want);
		ck_assert(!memcmp(w.text.data, text, want));
		ck_assert_uint_eq(h.len, want);
		ck_assert(!memcmp(h.text, text, want));
		ct_writer_free(&w);
	}
}
END_TEST

START_TEST(test_longest)
{
	/* Both are complete at the same byte: the text ends before the longer. */
	const char *stop[] = { "d", "bcd" };
	struct ct_stops stops;

	ck_assert_int_eq(ct_stops_init(&stops, stop, 2, NULL), 0);
	ck_assert_uint_eq(ct_stops_push(&stops, 'b'), 0);
	ck_assert_uint_eq(stops.held, 1);
	ck_assert_uint_eq(ct_stops_push(&stops, 'c'), 0);
	ck_assert_uint_eq(stops.held, 2);
	ck_assert_uint_eq(ct_stops_push(&stops, 'd'), 3);
	ct_stops_free(&stops);
}
END_TEST

START_TEST(test_characters)
{
	/* "né" and a stop string that begins with half of what é shares. */
	static const char bytes[] = "n\xc3\xa9 \xc3\xa8!\xe2\x82";
	const char *stop[] = { "\xc3\xa8?" };
	struct heard h = { 0 };
	struct ctrans_generate_params p = with(&h, stop, 1);
	struct ct_writer w;
	size_t i;

	ck_assert_int_eq(ct_writer_init(&w, &p, NULL), 0);
	for (i = 0; i < sizeof(bytes) - 1; i++) {
		ck_assert_int_eq(ct_writer_push(&w, bytes + i, 1, NULL), 0);
		if (i == 1)
			ck_assert_str_eq(h.text, "n");
		if (i == 5)
			ck_assert_str_eq(h.text, "n\xc3\xa9 ");
		if (i == 6)
			ck_assert_str_eq(h.text, "n\xc3\xa9 \xc3\xa8!");
	}
	ck_assert_int_eq(ct_writer_end(&w, NULL), 0);
	ck_assert_str_eq(w.text.data, "n\xc3\xa9 \xc3\xa8!\xef\xbf\xbd");
	ck_assert_str_eq(h.text, w.text.data);
	ct_writer_free(&w);
}
END_TEST

START_TEST(test_callback_stops)
{
	const char *stop[] = { "xyz" };
	struct heard h = { .stop_at = 2 };
	struct ctrans_generate_params p = with(&h, stop, 1);
	struct ct_writer w;

	ck_assert_int_eq(ct_writer_init(&w, &p, NULL), 0);
	ck_assert_int_eq(ct_writer_push(&w, "ab", 2, NULL), 0);
	ck_assert(!w.canceled);
	ck_assert_int_eq(ct_writer_push(&w, "cdxy", 4, NULL), 0);
	ck_assert(w.canceled);
	ck_assert_int_eq(ct_writer_end(&w, NULL), 0);
	/* The text is what was handed out. */
	ck_assert_str_eq(w.text.data, "abcd");
	ck_assert_str_eq(h.text, "abcd");
	ck_assert_uint_eq(h.calls, 2);
	ct_writer_free(&w);
}
END_TEST

START_TEST(test_nothing)
{
	struct ctrans_generate_params p = { 0 };
	struct ct_writer w;

	ck_assert_int_eq(ct_writer_init(&w, &p, NULL), 0);
	ck_assert_int_eq(ct_writer_end(&w, NULL), 0);
	ck_assert_str_eq(w.text.data, "");
	ct_writer_free(&w);
}
END_TEST

START_TEST(test_refused)
{
	static char huge[CT_STOP_LENGTH_MAX + 2];
	const char *empty[] = { "a", "" }, *null[] = { NULL };
	const char *bytes[] = { "\xff" }, *longer[] = { huge };
	struct ct_err err = { 0 };
	struct ct_stops stops;

	memset(huge, 'x', sizeof(huge) - 1);
	ck_assert_int_eq(ct_stops_init(&stops, empty, 2, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "stop string 1 is empty"));
	ck_assert_int_eq(ct_stops_init(&stops, null, 1, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "NULL"));
	ck_assert_int_eq(ct_stops_init(&stops, NULL, 1, &err), -EINVAL);
	ck_assert_int_eq(ct_stops_init(&stops, bytes, 1, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "not UTF-8"));
	ck_assert_int_eq(ct_stops_init(&stops, longer, 1, &err), -E2BIG);
	ck_assert_int_eq(ct_stops_init(&stops, empty, CT_STOPS_MAX + 1, &err),
			 -E2BIG);
	ck_assert_int_eq(ct_stops_init(&stops, NULL, 0, &err), 0);
	ck_assert_uint_eq(ct_stops_push(&stops, 'a'), 0);
	ct_stops_free(&stops);
}
END_TEST

/* Worst for a search that starts anew at each byte: 4 10^9 steps there. */
START_TEST(test_linear)
{
	static char stop_text[65001];
	const char *stop[] = { stop_text };
	struct ct_stops stops;
	size_t i;

	memset(stop_text, 'a', 65000);
	stop_text[64999] = 'b';
	ck_assert_int_eq(ct_stops_init(&stops, stop, 1, NULL), 0);
	for (i = 0; i < 1000000; i++)
		ck_assert_uint_eq(ct_stops_push(&stops, i % 64999 == 64998 ?
						'c' : 'a'), 0);
	ct_stops_free(&stops);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stop");
	TCase *tc = tcase_create("stop");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_longest);
	tcase_add_test(tc, test_characters);
	tcase_add_test(tc, test_callback_stops);
	tcase_add_test(tc, test_nothing);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_linear);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
