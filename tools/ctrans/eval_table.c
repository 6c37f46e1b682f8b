// SPDX-License-Identifier: MIT
/* Tables of ctrans eval --policy all, for people, in 80 columns. */
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "eval.h"
#include "report.h"

#define DOMAINS	8	/* seven and their sum */

static const char *const domain_names[DOMAINS] = {
	"dense", "spikes", "outlier", "vector", "SRAM", "extern", "static",
	"all",
};

static void domains(const struct ctrans_cost *c, double fj[DOMAINS])
{
	const uint64_t counts[DOMAINS] = {
		c->dense_fj, c->spiking_fj, c->outlier_fj, c->vector_fj,
		c->sram_fj, c->external_fj, c->static_fj,
		ctrans_cost_energy_fj(c),
	};

	for (int d = 0; d < DOMAINS; d++)
		fj[d] = (double)counts[d];
}

/* Four digits in a field of @width: what is nothing is "-". */
static void cell(int width, double value)
{
	if (isnan(value) || value <= 0)
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, value < 9.9995 ? 3 : value < 99.995 ? 2 :
		       value < 999.95 ? 1 : 0, value);
}

static void print_quality_row(const struct eval_quality *q,
			      const struct eval_quality *fp32)
{
	if (!q->known)
		return;
	printf("%-24s %10.4f", q->name, q->perplexity);
	if (fp32->known)
		printf(" %9.5f", q->perplexity / fp32->perplexity);
	else
		printf(" %9s", "-");
	printf(" %8.2f %11.2f %8.2f\n", 100 * q->top1, q->bits, q->seconds);
}

static void print_quality(const struct eval_comparison *c)
{
	printf("%-24s %10s %9s %8s %11s %8s\n", "quality (measured)", "perplexity",
	       "to fp32", "top-1 %", "bits/weight", "wall s");
	print_quality_row(&c->fp32, &c->fp32);
	print_quality_row(&c->plain, &c->fp32);
	print_quality_row(&c->own, &c->fp32);
	if (!c->fp32.known)
		printf("(nothing in binary32 to compare with: --reference MODEL names what it was\n"
		       "converted from)\n");
}

static double mib(double bytes)
{
	return bytes / 1048576;
}

static double external_uj(const struct eval_cost *c)
{
	return 1e-9 * (double)c->sum.external_fj / (double)c->tokens;
}

static void print_weights_row(const struct eval_quality *q, const struct eval_row *row,
			      const struct eval_row *plain)
{
	printf("%-24s %7.2f %11.2f", q->name, mib(q->bytes), q->bits);
	cell(10, external_uj(&row->amortised));
	cell(8, external_uj(&row->decode));
	cell(8, external_uj(&row->decode) / external_uj(&plain->decode));
	putchar('\n');
}

static void print_weights(const struct eval_comparison *c)
{
	printf("\n%-24s %7s %11s %27s\n%-24s %7s %11s %10s %8s %8s\n",
	       "weights", "", "", "external memory, uJ a token", "(energy modelled)",
	       "MiB", "bits/weight", "amortised", "decode", "ratio");
	print_weights_row(&c->plain, &c->plain_row, &c->plain_row);
	print_weights_row(&c->own, &c->row[c->n - 1], &c->plain_row);
}

static const struct eval_cost *cost_of(const struct eval_row *row, bool one)
{
	return one ? &row->decode : &row->amortised;
}

/* So that the largest figure has one to four digits before the point. */
static double unit_of(double joule, const char **prefix)
{
	static const char *const prefixes[] = { "p", "n", "u", "m", "" };
	double unit = 1e-12;
	int i = 0;

	while (i < 4 && joule >= 9999.5 * unit) {
		unit *= 1e3;
		i++;
	}
	*prefix = prefixes[i];
	return unit;
}

/* Energy by domain. */
static void print_domains(const struct eval_comparison *c, bool one)
{
	const struct eval_bound *oracle = one ? &c->oracle_decode : &c->oracle;
	double fj[DOMAINS], most = 0, unit;
	const char *prefix;
	char title[24];

	for (size_t i = 0; i < c->n; i++) {
		const struct eval_cost *cost = cost_of(&c->row[i], one);

		most = fmax(most, cost_joule(&cost->sum) / (double)cost->tokens);
	}
	unit = unit_of(most, &prefix);
	snprintf(title, sizeof(title), "%sJ a token", prefix);
	printf("%-15s", title);
	for (int d = 0; d < DOMAINS; d++)
		printf(" %7s", domain_names[d]);
	putchar('\n');
	for (size_t i = 0; i < c->n; i++) {
		const struct eval_cost *cost = cost_of(&c->row[i], one);

		printf("%-15s", c->row[i].variant->name);
		domains(&cost->sum, fj);
		for (int d = 0; d < DOMAINS; d++)
			cell(7, fj[d] * 1e-15 / unit / (double)cost->tokens);
		putchar('\n');
	}
	if (!oracle->known)
		return;
	printf("%-15s", "oracle (bound)");
	unit *= 1e15 * (double)cost_of(&c->row[0], one)->tokens;
	cell(7, oracle->dense_fj / unit);
	cell(7, oracle->spiking_fj / unit);
	cell(7, oracle->outlier_fj / unit);
	putchar('\n');
}

/* The arrays' energy over that of all dense, and time. */
static void print_ratios(const struct eval_comparison *c, bool one)
{
	static const double kappas[] = { 0.8, 0.9, 1.0, 1.1 };
	const struct eval_cost *dense = cost_of(&c->row[0], one);
	const struct eval_bound *oracle = one ? &c->oracle_decode : &c->oracle;
	double base = eval_compute_fj(&dense->sum), least;

	least = oracle->known ? eval_bound_fj(oracle) : NAN;

	printf("%-15s %-27s %6s %7s %7s %7s %5s\n", "arrays' energy",
	       "  to all dense, kappa =", "zeros", "to the", "stall", "chip", "wall");
	printf("%-15s", "");
	for (size_t k = 0; k < 4; k++)
		printf(" %6.1f", kappas[k]);
	printf(" %6s %7s %7s %7s %5s\n", "count", "oracle", "%", "ms/tok", "s");
	for (size_t i = 0; i < c->n; i++) {
		const struct ctrans_cost *sum = &cost_of(&c->row[i], one)->sum;
		const struct eval_cost *cost = cost_of(&c->row[i], one);

		printf("%-15s", c->row[i].variant->name);
		for (size_t k = 0; k < 4; k++)
			cell(6, eval_compute_kappa_fj(sum, kappas[k]) / base);
		cell(6, eval_compute_fj(sum) / eval_zeros_fj(dense));
		cell(7, eval_compute_fj(sum) / least);
		cell(7, 100 * (double)sum->cycles_stall /
			(double)sum->cycles_compute);
		cell(7, 1e3 * cost->chip_seconds / (double)cost->tokens);
		printf(" %5.2f\n", cost->seconds);
	}
	if (!oracle->known)
		return;
	printf("%-15s", "oracle (bound)");
	for (size_t k = 0; k < 4; k++)
		cell(6, (oracle->dense_fj + kappas[k] * oracle->spiking_fj +
			 oracle->outlier_fj) / base);
	cell(6, least / eval_zeros_fj(dense));
	cell(7, 1);
	putchar('\n');
}

void eval_print_block(const struct eval_comparison *c, bool one)
{
	putchar('\n');
	print_domains(c, one);
	putchar('\n');
	print_ratios(c, one);
}

static void print_draft(const struct eval_draft *d, const struct eval_draft *alone)
{
	double tokens = (double)d->tokens, alone_tokens = (double)alone->tokens;
	double external = (double)d->sum.external_fj / tokens;
	double all = cost_joule(&d->sum) / tokens;

	printf("%-6s", d->name);
	cell(7, external * 1e-9);
	cell(6, external / ((double)alone->sum.external_fj / alone_tokens));
	cell(7, all * 1e6);
	cell(6, all / (cost_joule(&alone->sum) / alone_tokens));
	cell(7, (double)d->drafted / (double)d->written);
	cell(6, d->drafted ? 100 * (double)d->accepted / (double)d->drafted : 0);
	cell(6, (double)d->passes / (double)d->written);
	printf(" %6.3f %6.1f %7.0f\n", d->nll / (double)d->written,
	       100 * (double)d->same / (double)d->written, tokens / d->seconds);
}

static void print_drafts(const struct eval_comparison *c)
{
	printf("\nBIG-LITTLE: a little model of %.2f M parameters drafts, this one verifies each\n"
	       "draft in one pass: %llu tokens written greedily after %u places of the text.\n"
	       "Decode; energy modelled, of both models, uJ a token\n\n",
	       (double)c->info.little_parameters * 1e-6,
	       (unsigned long long)c->draft[0].written, EVAL_PLACES);
	printf("%-6s %7s %6s %7s %6s %7s %6s %6s %6s %6s %7s\n"
	       "%-6s %7s %6s %7s %6s %7s %6s %6s %6s %6s %7s\n",
	       "", "", "to", "", "to", "drafts", "stand", "passes", "nats", "same", "wall",
	       "", "extern", "alone", "all", "alone", "a token", "%", "a tok", "a tok", "%",
	       "tok/s");
	for (size_t i = 0; i < c->n_drafts; i++)
		print_draft(&c->draft[i], &c->draft[0]);
	if (c->drafts_equal)
		printf("exact: token for token the text of the model alone.\n");
	printf("nats: a lossy draft stands up to that cross entropy; \"nats a tok\" is what this\n"
	       "model gives the text that was written, %.3f for its own.\n",
	       c->draft[0].nll / (double)c->draft[0].written);
}

static void print_speculation(const struct eval_comparison *c)
{
	printf("\nOUTPUT SPIKE SPECULATION of the feed-forward blocks' first layer, FFN-up.\n"
	       "Amortised; energy modelled, to the same spike code without\n\n"
	       "%-15s %10s %9s %9s %17s %9s\n%-15s %10s %9s %9s %8s %8s %9s\n",
	       "", "", "", "FFN-up's", "FFN-up's energy", "", "", "perplexity",
	       "to off", "skipped %", "arrays", "on chip", "all");
	for (size_t i = 0; i < c->n_speculations; i++) {
		const struct eval_speculation *s = &c->speculation[i];

		printf("%-15s %10.4f %9.5f", s->name, s->perplexity, s->to_off);
		cell(9, 100 * s->skipped);
		cell(8, s->arrays);
		cell(8, s->on_chip);
		cell(9, s->all);
		putchar('\n');
	}
	printf("exact changes no result; sampled is lossy: outputs integrate that share of the\n"
	       "timesteps and speculate on the rest.\n");
}

int eval_print(const struct eval_comparison *c)
{
	const struct ctrans_device_info *d = &c->info.device;
	const struct eval_row *row = &c->row[0];

	printf("%s: %.1f M parameters, %.1f MiB on the chip, thresholds %s\n"
	       "%s: %zu tokens, windows of %u, stride %u; %llu scored, %llu run\n\n",
	       c->path, (double)c->info.parameters * 1e-6, mib((double)c->info.chip_bytes),
	       c->info.thresholds, c->text->file, c->text->n, c->text->ctx,
	       c->text->stride, (unsigned long long)row->scored,
	       (unsigned long long)row->amortised.tokens);
	print_quality(c);
	if (c->plain.known)
		print_weights(c);
	if (c->equal)
		printf("\nDispatch changes no result: the log-likelihood of the text and the logits of\n"
		       "%u tokens are the same, bit for bit, in all %zu rows below.\n",
		       c->decoded, c->n);
	printf("\nAMORTISED over windows of %u tokens, that is up to 256 rows in a pass over the\n"
	       "weights. Energy of a token that is run, modelled at %.2f V and %.4g MHz\n",
	       c->text->ctx, d->mv * 1e-3, d->khz * 1e-3);
	eval_print_block(c, false);
	printf("\nDECODE, one token in a pass over the weights: the first %u tokens of the text,\n"
	       "one at a time. Modelled as above\n", c->decoded);
	eval_print_block(c, true);
	if (c->n_speculations)
		print_speculation(c);
	if (c->n_drafts)
		print_drafts(c);
	printf("\nArrays: products, spikes with their stalls, and outliers. kappa: energy of a\n"
	       "spiking cycle to that of a dense one, 1 where nothing is said; the dispatch is\n"
	       "that of 1. The baseline skips zeros, as the chip does; \"zeros count\": one that\n"
	       "does not. Oracle: each value where it costs least, in the best code for it, and\n"
	       "never a stall; no policy can do that.\n");
	return finish_output();
}
