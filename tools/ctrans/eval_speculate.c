// SPDX-License-Identifier: MIT
/*
 * What output spike speculation saves and what it costs: exactly, where a ReLU
 * tells that an output will be zero, and sampled, as published.
 */
#include <math.h>
#include <string.h>

#include "cli.h"
#include "eval.h"
#include "model_options.h"

/* Each after what it is compared with: the same code without speculation. */
static const struct {
	struct eval_variant variant;
	const char *how;
	float sample;
	size_t base;
} modes[EVAL_SPECULATIONS] = {
	{ { "off, radix", "fine", "radix", false }, "off", 0, 0 },
	{ { "exact", "fine", "radix", false }, "exact", 0, 0 },
	{ { "off, rate", "fine", "rate", false }, "off", 0, 2 },
	{ { "sampled 0.75", "fine", "rate", false }, "sampled", 0.75f, 2 },
	/* the published chip's mean */
	{ { "sampled 0.407", "fine", "rate", false }, "sampled", 0.407f, 2 },
	{ { "sampled 0.25", "fine", "rate", false }, "sampled", 0.25f, 2 },
};

/* Only what the model can do: a ReLU's, and thresholds that are fixed. */
static bool possible(const struct ctrans_model_info *info, size_t i)
{
	if (!strcmp(modes[modes[i].base + 1].how, "exact"))
		return !strcmp(info->activation, "relu");
	return !strcmp(info->thresholds, "calibrated");
}

static double on_chip_fj(const struct ctrans_cost *c)
{
	return (double)(ctrans_cost_energy_fj(c) - c->external_fj);
}

static void fill(struct eval_speculation *s, const struct eval_row *row,
		 const struct eval_row *base)
{
	const struct ctrans_cost *up = &row->amortised.kind[CTRANS_KIND_FFN_UP];
	const struct ctrans_cost *was = &base->amortised.kind[CTRANS_KIND_FFN_UP];
	double ops = (double)(up->ops_dense + up->ops_spiking + up->ops_skipped);

	s->name = row->variant->name;
	s->nll = row->nll;
	s->perplexity = exp(row->nll / (double)row->scored);
	s->to_off = s->perplexity / exp(base->nll / (double)base->scored);
	s->skipped = (double)up->ops_skipped / ops;
	s->arrays = eval_compute_fj(up) / eval_compute_fj(was);
	s->on_chip = on_chip_fj(up) / on_chip_fj(was);
	s->all = (double)ctrans_cost_energy_fj(&row->amortised.sum) /
		 (double)ctrans_cost_energy_fj(&base->amortised.sum);
}

int eval_speculate(const struct command *command, struct eval_comparison *c)
{
	const struct model_options as_given = model_options;
	struct eval_row row, base = { .variant = NULL };
	const uint32_t decoded = c->decoded;
	struct ctrans_model_info info;
	int status = EXIT_OK;

	c->decoded = 0;		/* amortised only */
	c->exact_equal = true;
	for (size_t i = 0; i < EVAL_SPECULATIONS && !status; i++) {
		if (!possible(&c->info, i))
			continue;
		model_options.speculate = modes[i].how;
		model_options.sample = modes[i].sample;
		model_options.sample_given = modes[i].sample > 0;
		status = eval_measure_row(command, c, c->path, &modes[i].variant,
					  &row, &info);
		if (status)
			break;
		if (i == modes[i].base)
			base = row;
		fill(&c->speculation[c->n_speculations++], &row, &base);
		if (!strcmp(modes[i].how, "exact"))
			c->exact_equal = !memcmp(&row.nll, &base.nll, sizeof(row.nll)) &&
					 row.top1 == base.top1;
	}
	c->decoded = decoded;
	model_options = as_given;
	return status;
}
