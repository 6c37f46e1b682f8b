// SPDX-License-Identifier: MIT
/*
 * Moses' rules against what sacremoses gives (tokenizer/fsmt/moses.json), on
 * texts of every length and kind, and with memory that fails.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail_alloc.h"
#include "test_bpe_util.h"
#include "text/moses.h"
#include "text/moses_chars.h"
#include "text/utf8.h"

typedef int step_fn(const struct ct_moses_lang *lang, struct ct_moses_text *t,
		    struct ct_err *err);

static int lower(const struct ct_moses_lang *lang, struct ct_moses_text *t,
		 struct ct_err *err)
{
	(void)lang;
	return ct_moses_lower(t, err);
}

static struct ct_moses_lang lang_of(const char *code)
{
	struct ct_moses_lang lang;

	ct_moses_lang(code, &lang);
	return lang;
}

/* Up to two steps of a text, as UTF-8 with a NUL, to be freed. */
static char *through(const struct ct_moses_lang *lang, const char *text,
		     size_t len, step_fn *one, step_fn *two)
{
	struct ct_moses_text t = { 0 };
	struct ct_buf out = { 0 };
	struct ct_err err;

	ck_assert_int_eq(ct_moses_text_set(&t, text, len, &err), 0);
	if (one)
		ck_assert_int_eq(one(lang, &t, &err), 0);
	if (two)
		ck_assert_int_eq(two(lang, &t, &err), 0);
	ck_assert_int_eq(ct_moses_text_get(&t, &out, &err), 0);
	ck_assert_int_eq(ct_buf_append(&out, "", 1), 0);
	ck_assert_uint_eq(ct_utf8_valid(out.data, out.n), out.n);
	ct_moses_text_free(&t);
	return out.data;
}

static void check(const char *code, const char *text, step_fn *one,
		  step_fn *two, const char *want)
{
	struct ct_moses_lang lang = lang_of(code);
	char *got = through(&lang, text, strlen(text), one, two);

	ck_assert_msg(!strcmp(got, want), "%s \"%s\": \"%s\" instead of \"%s\"",
		      code, text, got, want);
	free(got);
}

static const char *string(const cJSON *object, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));

	ck_assert_ptr_nonnull(s);
	return s;
}

/* A list of strings with a space between, to be freed. */
static char *spaced(const cJSON *list)
{
	struct ct_buf out = { 0 };
	const cJSON *item;

	cJSON_ArrayForEach(item, list) {
		if (out.n)
			ck_assert_int_eq(ct_buf_append(&out, " ", 1), 0);
		ck_assert_int_eq(ct_buf_append(&out, item->valuestring,
					       strlen(item->valuestring)), 0);
	}
	ck_assert_int_eq(ct_buf_append(&out, "", 1), 0);
	return out.data;
}

START_TEST(vectors)
{
	cJSON *all = bpe_json(bpe_data("fsmt/moses.json"));
	const cJSON *c;
	int n = 0;

	cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "cut")) {
		char *tokens = spaced(cJSON_GetObjectItem(c, "tokens"));

		check(string(c, "lang"), string(c, "text"), ct_moses_normalize,
		      NULL, string(c, "normal"));
		check(string(c, "lang"), string(c, "text"), ct_moses_normalize,
		      ct_moses_tokenize, tokens);
		free(tokens);
		n++;
	}
	cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "join")) {
		check(string(c, "lang"), string(c, "tokens"),
		      ct_moses_detokenize, NULL, string(c, "text"));
		n++;
	}
	cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "lower")) {
		check("en", string(c, "text"), lower, NULL, string(c, "lower"));
		n++;
	}
	ck_assert_int_ge(n, 60);
	cJSON_Delete(all);
}
END_TEST

/* --- texts of other people -------------------------------------------- */

START_TEST(golden)
{
	const char *path = bpe_shared("data/golden/tokenizers/fsmt.json");
	const cJSON *c;
	cJSON *all;

	if (!path)
		return;
	all = bpe_json(path);
	cJSON_ArrayForEach(c, all) {
		char *tokens = spaced(cJSON_GetObjectItem(c, "moses"));
		const char *text = string(c, "text");

		/* cJSON ends a string at U+0000, which the original drops. */
		if (text[0])
			check("en", text, ct_moses_normalize,
			      ct_moses_tokenize, tokens);
		free(tokens);
	}
	cJSON_Delete(all);
}
END_TEST

/* A sentence cut up and joined again is the sentence, but for its spelling. */
START_TEST(sentences_come_back)
{
	const char *path =
		bpe_shared("data/corpora/hf_samples/fsmt_val_data.json");
	const cJSON *pair, *item;
	cJSON *all;
	int n = 0;

	if (!path)
		return;
	all = bpe_json(path);
	cJSON_ArrayForEach(pair, all) {
		struct ct_moses_lang lang;
		char code[3] = { pair->string[0], pair->string[1] };

		ct_moses_lang(code, &lang);
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(pair, "src")) {
			const char *s = item->valuestring;
			char *plain = through(&lang, s, strlen(s),
					      ct_moses_normalize, NULL);
			char *cut = through(&lang, s, strlen(s),
					    ct_moses_normalize,
					    ct_moses_tokenize);
			char *back = through(&lang, cut, strlen(cut),
					     ct_moses_detokenize, NULL);
			char *again = through(&lang, back, strlen(back),
					      ct_moses_normalize,
					      ct_moses_tokenize);

			ck_assert_str_eq(again, cut);
			n += !strcmp(plain, back);
			free(plain);
			free(cut);
			free(back);
			free(again);
		}
	}
	/* A quote alone, or a dash, is joined otherwise than it was. */
	ck_assert_int_ge(n, 20);
	cJSON_Delete(all);
}
END_TEST

/* A class is the list of characters in a file of sacremoses'. */
static void check_class(const char *name, bool (*is)(uint32_t c))
{
	static bool in[0x110000];
	char path[128];
	const char *found;
	uint32_t cp, n = 0;
	size_t len, at;
	char *data;
	int step;

	snprintf(path, sizeof(path), "data/tokenizers/moses/%s.txt", name);
	found = bpe_shared(path);
	if (!found)
		return;
	data = bpe_slurp(found, &len);
	memset(in, 0, sizeof(in));
	for (at = 0; at < len; at += step) {
		step = ct_utf8_next(data + at, len - at, &cp);
		ck_assert_int_gt(step, 0);
		in[cp] = cp != '\n';
	}
	free(data);
	for (cp = 0; cp < 0x110000; cp++) {
		if (is(cp) != in[cp])
			ck_abort_msg("%s: U+%04X", name, cp);
		n += in[cp];
	}
	ck_assert_uint_gt(n, 20);
}

static bool alnum_but_marks(uint32_t c)
{
	return ct_moses_is_alnum(c) &&
	       (ct_moses_is_alpha(c) || !ct_moses_is_letter(c));
}

START_TEST(classes)
{
	check_class("IsAlpha", ct_moses_is_alpha);
	check_class("IsAlnum", alnum_but_marks);
	check_class("IsN", ct_moses_is_n);
	check_class("IsSc", ct_moses_is_sc);
	/* those that have no file there */
	ck_assert(ct_moses_is_letter(0x94d) && !ct_moses_is_alpha(0x94d));
	ck_assert(ct_moses_is_lower('z') && !ct_moses_is_lower('Z') &&
		  ct_moses_is_lower(0x101) && !ct_moses_is_lower(0x100));
	ck_assert(ct_moses_is_decimal(0x1d7ff) && !ct_moses_is_decimal(0xb2));
	ck_assert(ct_moses_is_unprinted(0x200b) &&
		  ct_moses_is_unprinted(0x10ffff) &&
		  ct_moses_is_unprinted(0x378) && !ct_moses_is_unprinted(' '));
	ck_assert(ct_moses_is_space(0x1c) && ct_moses_is_space(0x85) &&
		  !ct_moses_is_space(0x180e));
	ck_assert(ct_moses_is_cjk(0x65e5) && !ct_moses_is_cjk(0x2e80));
}
END_TEST

START_TEST(prefixes)
{
	static const char *const codes[] = { "en", "de", "ru" };
	struct ct_moses_lang lang;
	char name[96], *data, *line, *end, *mark;
	size_t len, i, n;
	uint32_t word[32];
	int step;

	for (i = 0; i < 3; i++) {
		const struct ct_moses_prefix *p;
		const char *path;

		snprintf(name, sizeof(name),
			 "data/tokenizers/moses/nonbreaking_prefix.%s",
			 codes[i]);
		path = bpe_shared(name);
		if (!path)
			return;
		ct_moses_lang(codes[i], &lang);
		data = bpe_slurp(path, &len);
		for (line = data; *line; line = end + 1) {
			end = strchrnul(line, '\n');
			if (!*end)
				break;
			*end = '\0';
			mark = strstr(line, " #NUMERIC_ONLY#");
			if (mark)
				*mark = '\0';
			line[strcspn(line, " \r")] = '\0';
			if (!*line || *line == '#')
				continue;
			for (n = 0; *line; line += step)
				step = ct_utf8_next(line, strlen(line),
						    &word[n++]);
			p = ct_moses_prefix_find(&lang, word, n);
			ck_assert_msg(p != NULL, "%s lacks %s", codes[i], line);
			ck_assert_int_eq(p->before_digit, mark != NULL);
		}
		free(data);
		word[0] = 'x';
		word[1] = 0;
		ck_assert_ptr_null(ct_moses_prefix_find(&lang, word, 2));
		ck_assert_ptr_null(ct_moses_prefix_find(&lang, word, 32));
	}
}
END_TEST

/* --- languages -------------------------------------------------------- */

START_TEST(languages)
{
	struct ct_moses_lang lang = lang_of("cs");
	struct ct_moses_text t = { 0 };
	struct ct_err err = { 0 };

	ck_assert(!lang.can_tokenize && !lang.can_join);
	ck_assert_int_eq(ct_moses_text_set(&t, "a b", 3, &err), 0);
	ck_assert_int_eq(ct_moses_tokenize(&lang, &t, &err), -ENOTSUP);
	ck_assert_int_eq(ct_moses_detokenize(&lang, &t, &err), -ENOTSUP);
	ct_moses_text_free(&t);

	/* Unknown: English prefixes, no contractions. */
	check("tlh", "Mr. X isn't", ct_moses_normalize, ct_moses_tokenize,
	      "Mr. X isn &apos; t");
	/* Chinese is joined, but not cut. */
	lang = lang_of("zh");
	ck_assert(!lang.can_tokenize && lang.can_join);
	lang = lang_of("fr");
	ck_assert(!lang.can_tokenize && lang.can_join);
}
END_TEST

/* The rules of French, with prefixes that it does not share. */
START_TEST(french_apostrophes)
{
	struct ct_moses_lang lang = lang_of("fr"), en = lang_of("en");
	const char *text = "l'homme d'\xc3\xa9t\xc3\xa9 'x' a' 5'b 1\xc2\xa0"
			   "2 \"x,\" et \"y.\" z";
	char *got;

	lang.prefixes = en.prefixes;
	lang.n_prefixes = en.n_prefixes;
	lang.can_tokenize = true;
	got = through(&lang, text, strlen(text), ct_moses_normalize,
		      ct_moses_tokenize);
	ck_assert_str_eq(got, "l&apos; homme d&apos; \xc3\xa9t\xc3\xa9 &apos; "
			 "x &apos; a &apos; 5 &apos; b 1,2 &quot; x &quot; , "
			 "et &quot; y &quot; . z");
	free(got);
}
END_TEST

/* --- any bytes, any length -------------------------------------------- */

START_TEST(no_utf8)
{
	check("en", "a\xff\xf0\x9f\x98z \xc3", ct_moses_normalize,
	      ct_moses_tokenize,
	      "a \xef\xbf\xbd \xef\xbf\xbd z \xef\xbf\xbd");
	check("en", "", ct_moses_normalize, ct_moses_tokenize, "");
	check("en", "", ct_moses_detokenize, NULL, "");
}
END_TEST

START_TEST(random_bytes)
{
	static const char *const codes[] = { "en", "de", "ru", "xx", "it" };
	static const char likely[] = "..,,''\"\"  --&;DOTMULTI.ab1\xc2\xa0";
	uint64_t state = 11;
	char text[300];
	int round;
	size_t i;

	for (round = 0; round < 2000; round++) {
		size_t len = bpe_random(&state) % sizeof(text);
		struct ct_moses_lang lang = lang_of(codes[round % 5]);

		for (i = 0; i < len; i++)
			text[i] = bpe_random(&state) % 4 ?
				likely[bpe_random(&state) %
				       (sizeof(likely) - 1)] :
				(char)bpe_random(&state);
		free(through(&lang, text, len, ct_moses_normalize,
			     lang.can_tokenize ? ct_moses_tokenize : NULL));
		free(through(&lang, text, len, ct_moses_detokenize, NULL));
	}
}
END_TEST

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + 1e-9 * ts.tv_nsec;
}

/* Many bytes of each kind of run that a rule looks for. */
START_TEST(long_runs)
{
	static const char *const runs[] = {
		"a", ".", " ", "'", "\"", ".\"", ",\"", "\".", "-", "a-", "DOT",
		"DOTMULTI.", "\xe3\x80\x82 ", "1\xc2\xa0", "(", "&amp;", "' ",
		"a' ", "a. ", " @-@", "\xe2\x80\x9e\" ", "\xff", ".\" ",
	};
	struct ct_moses_lang en = lang_of("en"), de = lang_of("de");
	size_t n = 200000, len = strlen(runs[_i]), i;
	char *text = malloc(n);
	double before;

	for (i = 0; i < n; i++)
		text[i] = runs[_i][i % len];
	before = seconds();
	free(through(&en, text, n, ct_moses_normalize, ct_moses_tokenize));
	free(through(&de, text, n, ct_moses_normalize, ct_moses_tokenize));
	free(through(&en, text, n, ct_moses_detokenize, NULL));
	/* A tenth of this is usual; what is quadratic takes minutes. */
	ck_assert_double_lt(seconds() - before, 20);
	free(text);
}
END_TEST

START_TEST(no_memory)
{
	static const char text[] =
		"`` Mr.\" X '' isn't \xe2\x80\x9e... `` &lt; a-b @-@ c ,";
	struct ct_moses_lang lang = lang_of("en");
	unsigned long n;

	for (n = 1;; n++) {
		struct ct_moses_text t = { 0 };
		struct ct_buf out = { 0 };
		struct ct_err err = { 0 };
		int ret;

		fail_alloc_at(n);
		ret = ct_moses_text_set(&t, text, sizeof(text) - 1, &err);
		if (!ret)
			ret = _i ? ct_moses_normalize(&lang, &t, &err) :
				   ct_moses_detokenize(&lang, &t, &err);
		if (!ret && _i)
			ret = ct_moses_tokenize(&lang, &t, &err);
		if (!ret)
			ret = ct_moses_text_get(&t, &out, &err);
		ct_moses_text_free(&t);
		ct_buf_free(&out);
		if (!fail_alloc_stop())
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_int_eq(err.code, ret);
	}
	ck_assert_uint_gt(n, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("moses");
	TCase *t = tcase_create("moses");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, vectors);
	tcase_add_test(t, golden);
	tcase_add_test(t, sentences_come_back);
	tcase_add_test(t, classes);
	tcase_add_test(t, prefixes);
	tcase_add_test(t, languages);
	tcase_add_test(t, french_apostrophes);
	tcase_add_test(t, no_utf8);
	tcase_add_test(t, random_bytes);
	tcase_add_loop_test(t, long_runs, 0, 23);
	tcase_add_loop_test(t, no_memory, 0, 2);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
