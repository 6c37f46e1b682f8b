// SPDX-License-Identifier: MIT
#include "bleu.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lower.h"
#include "tok13a.h"

/* sacreBLEU's logarithm of nothing. */
#define LOG_ZERO	-9999999999.0

/* A sentence's words, and the text that they are in. */
struct sentence {
	struct buffer text;
	struct words *words;
};

static int tokenize(struct sentence *s, const struct bleu_options *options,
		    struct span text)
{
	struct buffer lower = { 0 };
	int ret = 0;

	if (options->lowercase) {
		ret = lower_text(text, &lower);
		text = (struct span){ lower.s, lower.len };
	}
	text = words_strip_end(text);
	if (!ret && options->split)
		ret = buffer_room(&s->text, text.len + 1);
	else if (!ret)
		ret = tok13a(text, &s->text);
	if (!ret && options->split) {
		for (size_t i = 0; i < text.len; i++)
			s->text.s[s->text.len++] = text.s[i];
	}
	if (!ret)
		ret = words_split(s->words, (struct span){ s->text.s, s->text.len });
	buffer_free(&lower);
	return ret;
}

/* Of two that are as close the shorter. */
static uint64_t closest(const struct words *refs, size_t n_refs, uint64_t len)
{
	uint64_t best = 0, best_off = UINT64_MAX;

	for (size_t i = 0; i < n_refs; i++) {
		uint64_t n = refs[i].n, off = n > len ? n - len : len - n;

		if (off < best_off || (off == best_off && n < best)) {
			best_off = off;
			best = n;
		}
	}
	return best;
}

static int add_words(struct bleu_sum *sum, const struct words *words, size_t n)
{
	struct bleu_sum part = { .hyp_len = words[0].n };
	int ret = ngrams_common(words, n, BLEU_ORDERS, part.correct);

	if (ret)
		return ret;
	part.ref_len = closest(words + 1, n - 1, part.hyp_len);
	for (unsigned int k = 0; k < BLEU_ORDERS; k++)
		part.total[k] = ngrams_of(words[0].n, k + 1);
	bleu_add_sum(sum, &part);
	return 0;
}

int bleu_add(struct bleu_sum *sum, const struct bleu_options *options,
	     struct span hypothesis, const struct span *refs, size_t n_refs)
{
	size_t n = n_refs + 1;
	struct words *words = calloc(n, sizeof(*words));
	struct buffer *texts = calloc(n, sizeof(*texts));
	int ret = words && texts ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !ret; i++) {
		struct sentence s = { .words = &words[i] };

		ret = tokenize(&s, options, i ? refs[i - 1] : hypothesis);
		texts[i] = s.text;
	}
	if (!ret)
		ret = add_words(sum, words, n);
	for (size_t i = 0; words && texts && i < n; i++) {
		words_free(&words[i]);
		buffer_free(&texts[i]);
	}
	free(words);
	free(texts);
	return ret;
}

void bleu_add_sum(struct bleu_sum *sum, const struct bleu_sum *part)
{
	sum->hyp_len += part->hyp_len;
	sum->ref_len += part->ref_len;
	for (unsigned int k = 0; k < BLEU_ORDERS; k++) {
		sum->correct[k] += part->correct[k];
		sum->total[k] += part->total[k];
	}
}

static double brevity(const struct bleu_sum *sum)
{
	if (sum->hyp_len >= sum->ref_len)
		return 1;
	return sum->hyp_len ?
		exp(1 - (double)sum->ref_len / (double)sum->hyp_len) : 0;
}

void bleu_compute(const struct bleu_sum *sum, bool effective, struct bleu_score *score)
{
	unsigned int orders = BLEU_ORDERS;
	double logs = 0, smooth = 1;
	uint64_t any = 0;

	*score = (struct bleu_score){
		.bp = brevity(sum),
		.ratio = sum->ref_len ?
			(double)sum->hyp_len / (double)sum->ref_len : 0,
	};
	for (unsigned int k = 0; k < BLEU_ORDERS; k++)
		any |= sum->correct[k];
	if (!any)
		return;
	for (unsigned int k = 0; k < BLEU_ORDERS && sum->total[k]; k++) {
		double total = (double)sum->total[k];

		if (effective)
			orders = k + 1;
		/* half of a match, a quarter, ... */
		if (!sum->correct[k])
			smooth *= 2;
		score->precisions[k] = sum->correct[k] ?
			100.0 * (double)sum->correct[k] / total :
			100.0 / (smooth * total);
	}
	for (unsigned int k = 0; k < orders; k++)
		logs += score->precisions[k] > 0 ? log(score->precisions[k]) : LOG_ZERO;
	score->score = score->bp * exp(logs / orders);
}
