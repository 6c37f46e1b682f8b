// SPDX-License-Identifier: MIT
/*
 * Any bytes as a hypothesis and a reference, cut where the first byte says, under the
 * options that the second says: no score leaves its range, and what is scored against
 * itself is all there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/ctrans/bleu.h"
#include "tools/ctrans/rouge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

static void check_bleu(struct span hyp, struct span ref, const struct bleu_options *how)
{
	const struct span both[2] = { ref, hyp };
	struct bleu_sum one = { 0 }, two = { 0 };
	struct bleu_score score;

	must(!bleu_add(&one, how, hyp, both, 1), "one reference");
	must(!bleu_add(&two, how, hyp, both, 2), "two references");
	for (int k = 0; k < BLEU_ORDERS; k++) {
		must(one.correct[k] <= one.total[k], "no more matches than n-grams");
		must(two.correct[k] == two.total[k], "all of itself");
	}
	must(one.hyp_len == two.hyp_len && two.ref_len == two.hyp_len, "lengths");
	for (int effective = 0; effective < 2; effective++) {
		bleu_compute(&one, effective, &score);
		must(score.score >= 0 && score.score <= 100.0001, "0 to 100");
	}
}

static void check_rouge(struct span hyp, struct span ref, bool stem)
{
	struct rouge_score a[ROUGE_KINDS], b[ROUGE_KINDS];

	must(!rouge_score(hyp, &ref, 1, stem, a), "ROUGE");
	must(!rouge_score(ref, &hyp, 1, stem, b), "the other way");
	for (int k = 0; k < ROUGE_KINDS; k++) {
		must(a[k].precision == b[k].recall && a[k].recall == b[k].precision,
		     "either way the same");
		must(a[k].precision >= 0 && a[k].precision <= 1, "0 to 1");
	}
	must(a[ROUGE_L].precision <= a[ROUGE_1].precision, "order asks for more");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bleu_options how;
	struct span hyp, ref;
	size_t cut;

	if (size < 2)
		return 0;
	how = (struct bleu_options){ .lowercase = data[1] & 1, .split = data[1] & 2 };
	cut = (size - 2) * data[0] / 255;
	hyp = (struct span){ (const char *)data + 2, cut };
	ref = (struct span){ (const char *)data + 2 + cut, size - 2 - cut };
	check_bleu(hyp, ref, &how);
	check_rouge(hyp, ref, data[1] & 4);
	return 0;
}
