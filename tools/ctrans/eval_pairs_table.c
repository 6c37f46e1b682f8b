// SPDX-License-Identifier: MIT
/* What ctrans eval --sources has found, for people, in 80 columns. */
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "eval_metrics.h"
#include "eval_pairs.h"
#include "report.h"

#define NEAR	0.3	/* points of BLEU or ROUGE-L that quantisation may cost */

static void print_scores(const struct pairs_report *r)
{
	const struct pairs_run *run = &r->own;
	char signature[160];

	metrics_signature(signature, sizeof(signature), r->pairs->n_refs, false);
	metrics_print_bleu(&run->sum, &run->bleu);
	printf("%s\n", signature);
	metrics_print_rouge(run->rouge, "\n");
}

static void print_energy(const char *name, const struct eval_cost *c, double lines,
			 double tokens, const char *what)
{
	char line[24], token[24];

	show_energy(line, sizeof(line), cost_joule(&c->sum) / lines);
	show_energy(token, sizeof(token), cost_joule(&c->sum) / tokens);
	printf("%-12s %s a line, %s a token %s (modelled)\n", name, line, token, what);
}

static void print_time(const struct pairs_run *run, double lines)
{
	char line[24], token[24];

	show_time(line, sizeof(line), run->all.chip_seconds / lines);
	show_time(token, sizeof(token), run->all.chip_seconds / (double)run->all.tokens);
	printf("%-12s %s a line, %s a token written (modelled)\n", "chip time", line, token);
	printf("%-12s %.2f s, %.1f lines/s, %.1f tokens/s\n", "wall time", run->all.seconds,
	       lines / run->all.seconds, (double)run->all.tokens / run->all.seconds);
}

static void print_run(const struct pairs_report *r)
{
	const struct pairs_run *run = &r->own;
	double lines = (double)r->pairs->n, written = (double)run->all.tokens;

	print_scores(r);
	printf("%-12s %.4f, of %llu tokens of the references with their ends\n",
	       "perplexity", pairs_perplexity(run), (unsigned long long)run->scored);
	printf("%-12s %zu lines, %.1f tokens a line for %.1f that were read\n", "written",
	       r->pairs->n, written / lines, (double)run->encoder.tokens / lines);
	print_energy("energy", &run->all, lines, written, "written");
	print_energy("  encoder", &run->encoder, lines, (double)run->encoder.tokens, "read");
	print_energy("  decoder", &run->decoder, lines, written, "written");
	print_time(run, lines);
}

/* ---- Against binary32 ---- */

static double rouge(const struct pairs_run *run)
{
	return 100 * run->rouge[ROUGE_L].f1;
}

static void print_quality_row(const struct pairs_report *r, const struct pairs_run *run,
			      size_t same)
{
	const struct pairs_run *fp32 = &r->fp32;

	if (!run->name)
		return;
	printf("%-20s %6.2f", run->name, run->bleu.score);
	if (run == fp32)
		printf(" %6s %7.2f %6s", "", rouge(run), "");
	else
		printf(" %+6.2f %7.2f %+6.2f", run->bleu.score - fp32->bleu.score,
		       rouge(run), rouge(run) - rouge(fp32));
	printf(" %10.4f", pairs_perplexity(run));
	if (run == fp32)
		printf(" %7s", "");
	else
		printf(" %7.1f", 100 * (double)same / (double)r->pairs->n);
	printf(" %8.2f\n", run->all.seconds);
}

static void print_quality(const struct pairs_report *r)
{
	double bleu = r->own.bleu.score - r->fp32.bleu.score;
	double rouge_l = rouge(&r->own) - rouge(&r->fp32);

	printf("\n%-20s %6s %6s %7s %6s %10s %7s %8s\n", "quality (measured)", "BLEU", "",
	       "ROUGE-L", "", "perplexity", "same %", "wall s");
	print_quality_row(r, &r->fp32, 0);
	print_quality_row(r, &r->plain, r->plain_same);
	print_quality_row(r, &r->own, r->own_same);
	printf("BLEU and ROUGE-L are %s %.1f of binary32's. same: lines, to the token.\n",
	       fabs(bleu) <= NEAR && fabs(rouge_l) <= NEAR ? "within" : "not within", NEAR);
}

/* ---- Drafts ---- */

static void print_draft(const struct pairs_report *r, size_t i)
{
	const struct pairs_run *d = &r->draft[i], *alone = &r->draft[0];
	double tokens = (double)d->all.tokens, alone_tokens = (double)alone->all.tokens;
	double external = (double)d->all.sum.external_fj / tokens;
	double all = cost_joule(&d->all.sum) / tokens;

	printf("%-7s %7.2f %6.3f %7.2f %6.3f %7.3f %6.1f %6.3f %6.1f %6.2f %7.0f\n", d->name,
	       external * 1e-9, external / ((double)alone->all.sum.external_fj / alone_tokens),
	       all * 1e6, all / (cost_joule(&alone->all.sum) / alone_tokens),
	       (double)d->drafted / tokens,
	       d->drafted ? 100 * (double)d->accepted / (double)d->drafted : 0,
	       (double)d->passes / tokens,
	       100 * (double)r->draft_same[i] / (double)r->pairs->n, d->bleu.score,
	       tokens / d->all.seconds);
}

static void print_drafts(const struct pairs_report *r)
{
	printf("\nBIG-LITTLE: a little model of %.2f M parameters drafts, this one verifies each\n"
	       "draft in one pass; written greedily. Energy modelled, of both models with what\n"
	       "they read, uJ a token written\n\n",
	       (double)r->draft[0].info.little_parameters * 1e-6);
	printf("%-7s %7s %6s %7s %6s %7s %6s %6s %6s %6s %7s\n"
	       "%-7s %7s %6s %7s %6s %7s %6s %6s %6s %6s %7s\n",
	       "", "", "to", "", "to", "drafts", "stand", "passes", "same", "", "wall",
	       "", "extern", "alone", "all", "alone", "a token", "%", "a tok", "%", "BLEU",
	       "tok/s");
	for (size_t i = 0; i < r->n_drafts; i++)
		print_draft(r, i);
	if (r->draft_same[1] == r->pairs->n)
		printf("exact: token for token the texts of the model alone.\n");
	printf("nats: a lossy draft stands up to that cross entropy.\n");
}

/* ---- Policies ---- */

static void print_policies(const struct pairs_report *r)
{
	const struct ctrans_device_info *d = &r->own.info.device;

	if (r->equal)
		printf("\nDispatch changes no result: all texts are the same, token for token, and the\n"
		       "log-likelihood of the references bit for bit, in all %zu rows below.\n",
		       r->table->n);
	printf("\nENCODER, each source in one pass over the weights. Energy of a token that is\n"
	       "read, modelled at %.2f V and %.4g MHz\n", d->mv * 1e-3, d->khz * 1e-3);
	eval_print_block(r->table, false);
	printf("\nDECODER, up to 32 lines at once. Energy of a token that is written, modelled as\n"
	       "above; wall time is that of reading and writing\n");
	eval_print_block(r->table, true);
	printf("\nArrays: products, spikes with their stalls, and outliers. kappa: energy of a\n"
	       "spiking cycle to that of a dense one, 1 where nothing is said; the dispatch is\n"
	       "that of 1. The baseline skips zeros, as the chip does; \"zeros count\": one that\n"
	       "does not.\n");
}

int pairs_print(const struct pairs_report *r)
{
	print_run(r);
	if (r->fp32.name)
		print_quality(r);
	if (r->table)
		print_policies(r);
	if (r->n_drafts)
		print_drafts(r);
	return finish_output();
}
