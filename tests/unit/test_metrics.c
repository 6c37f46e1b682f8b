// SPDX-License-Identifier: MIT
/*
 * BLEU and ROUGE against what sacreBLEU, rouge_score and NLTK say of the same lines:
 * tests/data/metrics. And that nothing about a line makes them slow or fail.
 */
#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctrans/bleu.h"
#include "tools/ctrans/lower.h"
#include "tools/ctrans/porter.h"
#include "tools/ctrans/rouge.h"
#include "tools/ctrans/tok13a.h"

#define LINES_MAX	64

/* Of sums of logarithms, in another order at worst. */
#define TOLERANCE	1e-12

static char *read_file(const char *name, size_t *len)
{
	const char *dir = getenv("CTRANS_TEST_DATA");
	char path[512], *text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/metrics/%s", dir ? dir : TEST_DATA_DIR, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	*len = (size_t)ftell(f);
	rewind(f);
	text = malloc(*len + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(fread(text, 1, *len, f), *len);
	text[*len] = '\0';
	fclose(f);
	return text;
}

static size_t read_lines(const char *name, char **text, struct span *lines)
{
	size_t len, n = 0, start = 0;

	*text = read_file(name, &len);
	for (size_t i = 0; i <= len; i++) {
		if (i < len && (*text)[i] != '\n')
			continue;
		ck_assert_uint_lt(n, LINES_MAX);
		lines[n++] = (struct span){ *text + start, i - start };
		start = i + 1;
	}
	return n;
}

static cJSON *read_expected(void)
{
	size_t len;
	char *text = read_file("expected.json", &len);
	cJSON *all = cJSON_Parse(text);

	ck_assert_ptr_nonnull(all);
	free(text);
	return all;
}

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static const cJSON *item(const cJSON *object, const char *key)
{
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, key);

	ck_assert_msg(found != NULL, "%s", key);
	return found;
}

static double number(const cJSON *object, const char *key)
{
	const cJSON *found = item(object, key);

	ck_assert_int_eq(cJSON_IsNumber(found), 1);
	return found->valuedouble;
}

static void expect(double got, double wanted, const char *what, size_t line)
{
	ck_assert_msg(fabs(got - wanted) <= TOLERANCE * fabs(wanted),
		      "%s of line %zu: %.17g instead of %.17g", what, line, got, wanted);
}

static void expect_bleu(const struct bleu_sum *sum, bool effective, const cJSON *wanted,
			size_t line)
{
	struct bleu_score score;

	bleu_compute(sum, effective, &score);
	expect(score.score, number(wanted, "score"), "BLEU", line);
	expect(score.bp, number(wanted, "bp"), "brevity", line);
	expect(score.ratio, number(wanted, "ratio"), "ratio", line);
	ck_assert_uint_eq(sum->hyp_len, (uint64_t)number(wanted, "hyp_len"));
	ck_assert_uint_eq(sum->ref_len, (uint64_t)number(wanted, "ref_len"));
	for (int k = 0; k < BLEU_ORDERS; k++) {
		expect(score.precisions[k],
		       cJSON_GetArrayItem(item(wanted, "precisions"), k)->valuedouble,
		       "precision", line);
		expect((double)sum->correct[k],
		       cJSON_GetArrayItem(item(wanted, "counts"), k)->valuedouble,
		       "matches", line);
		expect((double)sum->total[k],
		       cJSON_GetArrayItem(item(wanted, "totals"), k)->valuedouble,
		       "n-grams", line);
	}
}

START_TEST(test_bleu)
{
	struct span hyp[LINES_MAX], ref[2][LINES_MAX];
	char *text[3];
	cJSON *all = read_expected();
	const cJSON *way;
	size_t n = read_lines("hyp.txt", &text[0], hyp);

	ck_assert_uint_eq(read_lines("ref1.txt", &text[1], ref[0]), n);
	ck_assert_uint_eq(read_lines("ref2.txt", &text[2], ref[1]), n);
	cJSON_ArrayForEach(way, item(all, "bleu")) {
		const struct bleu_options options = {
			.lowercase = cJSON_IsTrue(item(way, "lowercase")),
			.split = !strcmp(item(way, "tok")->valuestring, "none"),
		};
		const cJSON *line = item(way, "sentences")->child;
		struct bleu_sum sum = { 0 };

		for (size_t i = 0; i < n; i++, line = line->next) {
			struct span refs[2] = { ref[0][i], ref[1][i] };
			struct bleu_sum one = { 0 };

			ck_assert_int_eq(bleu_add(&one, &options, hyp[i], refs,
						  (size_t)number(way, "refs")), 0);
			bleu_add_sum(&sum, &one);
			expect_bleu(&one, true, line, i + 1);
		}
		expect_bleu(&sum, false, item(way, "corpus"), 0);
	}
	for (int i = 0; i < 3; i++)
		free(text[i]);
	cJSON_Delete(all);
}
END_TEST

static void expect_rouge(const struct rouge_score *got, const cJSON *wanted, size_t line)
{
	static const char *const names[] = { "rouge1", "rouge2", "rougeL" };

	for (int k = 0; k < ROUGE_KINDS; k++) {
		const cJSON *one = item(wanted, names[k]);

		expect(got[k].precision, number(one, "precision"), names[k], line);
		expect(got[k].recall, number(one, "recall"), names[k], line);
		expect(got[k].f1, number(one, "f1"), names[k], line);
	}
}

START_TEST(test_rouge)
{
	struct span hyp[LINES_MAX], ref[LINES_MAX];
	char *text[2];
	cJSON *all = read_expected();
	const cJSON *way;
	size_t n = read_lines("hyp.txt", &text[0], hyp);

	ck_assert_uint_eq(read_lines("ref1.txt", &text[1], ref), n);
	cJSON_ArrayForEach(way, item(all, "rouge")) {
		bool stem = cJSON_IsTrue(item(way, "stem"));
		const cJSON *line = item(way, "sentences")->child;
		struct rouge_score scores[ROUGE_KINDS];
		struct rouge_sum sum = { 0 };

		for (size_t i = 0; i < n; i++, line = line->next) {
			ck_assert_int_eq(rouge_score(hyp[i], &ref[i], 1, stem, scores), 0);
			expect_rouge(scores, line, i + 1);
			rouge_add(&sum, scores);
		}
		for (int k = 0; k < ROUGE_KINDS; k++)
			scores[k] = rouge_mean(&sum, k);
		expect_rouge(scores, item(way, "mean"), 0);
	}
	free(text[0]);
	free(text[1]);
	cJSON_Delete(all);
}
END_TEST

/* The best of several references, for each kind by itself. */
START_TEST(test_rouge_references)
{
	const struct span refs[] = {
		span("a b x y"), span("b a d c"), span("a c b d e f g h"),
	};
	struct rouge_score one, scores[ROUGE_KINDS], each[3][ROUGE_KINDS];

	ck_assert_int_eq(rouge_score(span("a b c d"), refs, 3, false, scores), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rouge_score(span("a b c d"), &refs[i], 1, false, each[i]),
				 0);
	for (int k = 0; k < ROUGE_KINDS; k++) {
		one = each[0][k];
		for (int i = 1; i < 3; i++)
			if (each[i][k].f1 > one.f1)
				one = each[i][k];
		ck_assert(!memcmp(&one, &scores[k], sizeof(one)));
	}
	ck_assert(scores[ROUGE_1].f1 == 1);
	ck_assert(scores[ROUGE_2].f1 < 1);
}
END_TEST

START_TEST(test_tokens)
{
	cJSON *all = read_expected();
	const cJSON *one;

	cJSON_ArrayForEach(one, item(all, "tokens")) {
		struct buffer text = { 0 }, joined = { 0 };
		struct words words = { 0 };

		ck_assert_int_eq(tok13a(span(item(one, "text")->valuestring), &text), 0);
		ck_assert_int_eq(words_split(&words, (struct span){ text.s, text.len }), 0);
		for (size_t i = 0; i < words.n; i++) {
			ck_assert_int_eq(buffer_room(&joined, words.items[i].len + 1), 0);
			if (i)
				joined.s[joined.len++] = ' ';
			memcpy(joined.s + joined.len, words.items[i].s, words.items[i].len);
			joined.len += words.items[i].len;
		}
		ck_assert_uint_eq(joined.len, strlen(item(one, "tokens")->valuestring));
		ck_assert(!joined.len || !memcmp(joined.s,
						 item(one, "tokens")->valuestring, joined.len));
		words_free(&words);
		buffer_free(&text);
		buffer_free(&joined);
	}
	cJSON_Delete(all);
}
END_TEST

START_TEST(test_lower)
{
	cJSON *all = read_expected();
	const cJSON *one;

	cJSON_ArrayForEach(one, item(all, "lower")) {
		const char *wanted = item(one, "lower")->valuestring;
		struct buffer lower = { 0 };

		ck_assert_int_eq(lower_text(span(item(one, "text")->valuestring), &lower), 0);
		ck_assert_msg(lower.len == strlen(wanted) &&
			      !memcmp(lower.s, wanted, lower.len), "%.*s instead of %s",
			      (int)lower.len, lower.s, wanted);
		buffer_free(&lower);
	}
	cJSON_Delete(all);
}
END_TEST

START_TEST(test_stems)
{
	size_t len, n = 0;
	char *text = read_file("stems.txt", &len), *save = NULL;

	for (char *word = strtok_r(text, " \n", &save); word; n++) {
		char *stem = strtok_r(NULL, " \n", &save), copy[64];

		ck_assert_ptr_nonnull(stem);
		snprintf(copy, sizeof(copy), "%s", word);
		copy[porter_stem(copy, strlen(copy))] = '\0';
		ck_assert_msg(!strcmp(copy, stem), "%s: %s instead of %s", word, copy, stem);
		word = strtok_r(NULL, " \n", &save);
	}
	ck_assert_uint_gt(n, 1000);
	free(text);
}
END_TEST

/* The table of the textbook, for texts of few words in common or many. */
static size_t plain_longest(const struct words texts[2])
{
	size_t n = texts[1].n, *row = calloc(n + 1, sizeof(*row)), longest;

	for (size_t i = 0; i < texts[0].n; i++) {
		size_t corner = 0;

		for (size_t k = 0; k < n; k++) {
			const struct span *a = &texts[0].items[i], *b = &texts[1].items[k];
			size_t above = row[k + 1];

			if (a->len == b->len && !memcmp(a->s, b->s, a->len))
				row[k + 1] = corner + 1;
			else if (row[k] > above)
				row[k + 1] = row[k];
			corner = above;
		}
	}
	longest = row[n];
	free(row);
	return longest;
}

START_TEST(test_longest)
{
	static char letters[256];
	uint32_t state = 1;

	for (int i = 0; i < 256; i++)
		letters[i] = (char)i;
	for (int run = 0; run < 400; run++) {
		struct words texts[2] = { { 0 } };
		uint32_t kinds = 1 + (uint32_t)run * 7 % 256;
		size_t longest;

		for (int t = 0; t < 2; t++) {
			state = state * 1664525u + 1013904223u;
			for (uint32_t n = state >> 23; n; n--) {
				state = state * 1664525u + 1013904223u;
				words_add(&texts[t], &letters[(state >> 16) % kinds], 1);
			}
		}
		ck_assert_int_eq(ngrams_longest(texts, &longest), 0);
		ck_assert_uint_eq(longest, plain_longest(texts));
		words_free(&texts[0]);
		words_free(&texts[1]);
	}
}
END_TEST

/* Bytes that are not UTF-8, cut anywhere, are characters like any other. */
START_TEST(test_bytes)
{
	static const char bytes[] =
		"\xff a.\xc3\x28 \xe2\x80 \xf0\x9f\x98 b,\xed\xa0\x80" "5. \xc3";
	const struct bleu_options options = { .lowercase = true };

	for (size_t len = 0; len < sizeof(bytes); len++) {
		char *copy = malloc(len + 1);	/* no byte behind the last one */
		struct span text = { copy, len };
		struct bleu_sum sum = { 0 };
		struct bleu_score score;
		struct rouge_score scores[ROUGE_KINDS];

		memcpy(copy, bytes, len);
		ck_assert_int_eq(bleu_add(&sum, &options, text, &text, 1), 0);
		bleu_compute(&sum, true, &score);
		ck_assert(sum.hyp_len == sum.ref_len && sum.correct[0] == sum.total[0]);
		ck_assert_int_eq(rouge_score(text, &text, 1, true, scores), 0);
		free(copy);
	}
}
END_TEST

/* A line as long as a book, and of the kinds that are worst for sorting and hashing. */
START_TEST(test_long)
{
	static const char *const units[] = { "a ", "a", ".", "<skipped>", "&amp;", "y", " " };
	const size_t size = 1 << 20;
	char *text = malloc(size);
	const struct bleu_options options = { .lowercase = true };
	struct bleu_sum sum = { 0 };
	struct rouge_score scores[ROUGE_KINDS];
	struct span line = { text, size };
	const char *unit = units[_i];

	for (size_t i = 0; i < size; i++)
		text[i] = unit[i % strlen(unit)];
	ck_assert_int_eq(bleu_add(&sum, &options, line, &line, 1), 0);
	ck_assert_uint_eq(sum.correct[3], sum.total[3]);
	line.len = 1 << 17;
	ck_assert_int_eq(rouge_score(line, &line, 1, true, scores), 0);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_bleu);
	tcase_add_test(tc, test_rouge);
	tcase_add_test(tc, test_rouge_references);
	tcase_add_test(tc, test_tokens);
	tcase_add_test(tc, test_lower);
	tcase_add_test(tc, test_stems);
	tcase_add_test(tc, test_longest);
	tcase_add_test(tc, test_bytes);
	tcase_add_loop_test(tc, test_long, 0, 7);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
