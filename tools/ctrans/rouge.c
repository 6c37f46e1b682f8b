// SPDX-License-Identifier: MIT
#include "rouge.h"

#include <errno.h>

#include "ngrams.h"
#include "porter.h"

/*
 * The only characters beyond ASCII whose lower case has a letter of it: Kelvin, which
 * becomes k, and I with a dot, which becomes i and a dot by itself.
 */
#define KELVIN	"\xe2\x84\xaa"
#define I_DOT	"\xc4\xb0"

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool at(struct span text, size_t i, const char *bytes, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (i + k >= text.len || text.s[i + k] != bytes[k])
			return false;
	return true;
}

/* No longer than @text: letters and digits, and anything else is spaces. */
static void lower_ascii(struct span text, struct buffer *to)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (at(text, i, KELVIN, 3)) {
			c = 'k';
			i += 2;
		} else if (at(text, i, I_DOT, 2)) {
			to->s[to->len++] = 'i';
			c = ' ';
			i++;
		} else if (c >= 'A' && c <= 'Z') {
			c = (char)(c + ('a' - 'A'));
		}
		to->s[to->len++] = word_char(c) ? c : ' ';
	}
}

/* The words point into @to. */
static int tokenize(struct span text, bool stem, struct buffer *to, struct words *words)
{
	int ret = buffer_room(to, text.len);

	if (ret)
		return ret;
	lower_ascii(text, to);
	for (size_t i = 0, start; i < to->len; i++) {
		size_t len;

		for (start = i; i < to->len && to->s[i] != ' ';)
			i++;
		len = i - start;
		if (stem && len > 3)
			len = porter_stem(to->s + start, len);
		ret = len ? words_add(words, to->s + start, len) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static struct rouge_score score_of(uint64_t common, uint64_t hypothesis, uint64_t ref)
{
	double p = (double)common / (double)(hypothesis ? hypothesis : 1);
	double r = (double)common / (double)(ref ? ref : 1);

	return (struct rouge_score){ p, r, p + r > 0 ? 2 * p * r / (p + r) : 0 };
}

/* @words: the hypothesis and a reference */
static int score_words(const struct words words[2],
		       struct rouge_score scores[ROUGE_KINDS])
{
	uint64_t common[2];
	size_t longest;
	int ret;

	ret = ngrams_common(words, 2, 2, common);
	if (!ret)
		ret = ngrams_longest(words, &longest);
	if (ret)
		return ret;
	for (unsigned int k = 0; k < 2; k++)
		scores[ROUGE_1 + k] = score_of(common[k], ngrams_of(words[0].n, k + 1),
					       ngrams_of(words[1].n, k + 1));
	scores[ROUGE_L] = score_of(longest, words[0].n, words[1].n);
	return 0;
}

int rouge_score(struct span hypothesis, const struct span *refs, size_t n_refs,
		bool stem, struct rouge_score scores[ROUGE_KINDS])
{
	struct buffer texts[2] = { { 0 } };
	struct words words[2] = { { 0 } };
	struct rouge_score one[ROUGE_KINDS];
	int ret;

	ret = tokenize(hypothesis, stem, &texts[0], &words[0]);
	for (size_t i = 0; i < n_refs && !ret; i++) {
		texts[1].len = 0;
		words[1].n = 0;
		ret = tokenize(refs[i], stem, &texts[1], &words[1]);
		if (!ret)
			ret = score_words(words, one);
		for (int k = 0; k < ROUGE_KINDS && !ret; k++)
			if (!i || one[k].f1 > scores[k].f1)
				scores[k] = one[k];
	}
	for (int i = 0; i < 2; i++) {
		words_free(&words[i]);
		buffer_free(&texts[i]);
	}
	return ret;
}

void rouge_add(struct rouge_sum *sum, const struct rouge_score scores[ROUGE_KINDS])
{
	for (int k = 0; k < ROUGE_KINDS; k++) {
		sum->sum[k].precision += scores[k].precision;
		sum->sum[k].recall += scores[k].recall;
		sum->sum[k].f1 += scores[k].f1;
	}
	sum->lines++;
}

struct rouge_score rouge_mean(const struct rouge_sum *sum, enum rouge_kind kind)
{
	const struct rouge_score *s = &sum->sum[kind];
	double n = (double)(sum->lines ? sum->lines : 1);

	return (struct rouge_score){ s->precision / n, s->recall / n, s->f1 / n };
}
