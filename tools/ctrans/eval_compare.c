// SPDX-License-Identifier: MIT
/* One text under every policy, in steps of many rows and of one. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "eval.h"
#include "model_options.h"
#include "report.h"
#include "terminal.h"

/*
 * Dispatch by layer, by work unit and by value, and by value in each code. The rate
 * code is there for what it was published as; nothing makes it pay.
 */
const struct eval_variant eval_variants[EVAL_VARIANTS] = {
	{ "dnn", "dnn", NULL, false },	/* the baseline comes first */
	{ "snn, radix", "snn", "radix", false },
	{ "snn, rate", "snn", "rate", false },
	{ "static, radix", "static", "radix", false },
	{ "tile, radix", "tile", "radix", false },
	{ "tile, rate", "tile", "rate", false },
	{ "fine, radix", "fine", "radix", false },
	{ "fine, flip", "fine", "radix", true },
	{ "fine, naf", "fine", "naf", false },
	{ "fine, rate", "fine", "rate", false },
	{ "fine, rate flip", "fine", "rate", true },
};

/* The policy that the model is run with by default. */
static const struct eval_variant as_is = { "default", NULL, NULL, false };

void eval_add_usage(struct eval_cost *cost, const struct ctrans_usage *u)
{
	cost_add(&cost->sum, &u->prefill);
	cost_add(&cost->sum, &u->decode);
	for (int k = 0; k < CTRANS_KINDS; k++)
		cost_add(&cost->kind[k], &u->kind[k]);
	cost->chip_seconds += u->chip_seconds;
}

/* FNV-1a over 32-bit words. */
static uint64_t hash(uint64_t h, const float *logits, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t word;

		memcpy(&word, &logits[i], sizeof(word));
		h = (h ^ word) * 0x100000001b3u;
	}
	return h;
}

/* The text's first tokens as if they were being written: each a step. */
static int decode(struct ctrans_model *model, const struct eval_comparison *c,
		  struct eval_row *row)
{
	const struct eval_text *text = c->text;
	struct ctrans_session *session = NULL;
	struct ctrans_usage usage;
	float *logits = malloc(c->info.vocab * sizeof(*logits));
	uint64_t start = now_ns();
	int ret;

	if (!logits)
		return fail(EXIT_MEMORY, "out of memory");
	row->logits = 0xcbf29ce484222325u;
	ret = ctrans_session_open(model, &session);
	for (uint32_t i = 0; !ret && i < c->decoded; i++) {
		if (interrupted()) {
			ctrans_session_close(session);
			free(logits);
			return EXIT_INTERRUPTED;
		}
		ret = ctrans_session_eval(session, &text->ids[i], 1, logits);
		if (!ret)
			row->logits = hash(row->logits, logits, c->info.vocab);
	}
	row->decode.seconds = (double)(now_ns() - start) * 1e-9;
	if (!ret)
		ret = ctrans_session_usage(session, &usage, sizeof(usage));
	if (ret) {
		fail_library(ret, EXIT_FAILED);
	} else {
		row->decode.tokens = c->decoded;
		eval_add_usage(&row->decode, &usage);
	}
	ctrans_session_close(session);
	free(logits);
	return ret ? EXIT_FAILED : EXIT_OK;
}

int eval_open(const struct command *command, const char *path,
	      const struct eval_variant *v, struct ctrans_model **model)
{
	const struct model_options as_given = model_options;
	int status;

	model_options.policy = v->policy;
	model_options.code = v->code;
	model_options.flip = v->flip;
	/* what another row has run must not be taken over from it */
	status = model_load(command, path, CTRANS_MODEL_NO_SHARING, model);
	model_options = as_given;
	return status;
}

int eval_measure_row(const struct command *command, struct eval_comparison *c,
		     const char *path, const struct eval_variant *v,
		     struct eval_row *row, struct ctrans_model_info *info)
{
	struct ctrans_model *model = NULL;
	struct ctrans_score score;
	char what[40];
	int status;

	*row = (struct eval_row){ .variant = v };
	snprintf(what, sizeof(what), "Scoring, %s", v->name);
	status = eval_open(command, path, v, &model);
	if (!status && ctrans_model_info(model, info, sizeof(*info)))
		status = fail_library(-EINVAL, EXIT_FAILED);
	if (!status)
		status = eval_score(model, c->text, what, &score,
				    &row->amortised.seconds);
	if (!status) {
		row->nll = score.nll;
		row->scored = score.tokens;
		row->top1 = score.top1;
		row->amortised.tokens = score.usage.prompt_tokens;
		eval_add_usage(&row->amortised, &score.usage);
	}
	if (!status && c->decoded)
		status = decode(model, c, row);
	if (!status && c->decoded && v == &eval_variants[0])
		status = eval_oracle(model, c->text->ids, c->text->n,
				     &row->amortised, &c->oracle);
	if (!status && c->decoded && v == &eval_variants[0])
		status = eval_oracle(model, c->text->ids, c->decoded,
				     &row->decode, &c->oracle_decode);
	ctrans_model_close(model);
	return status;
}

static double bits(const struct ctrans_model_info *info)
{
	return 8.0 * (double)info->weight_bytes / (double)info->weights;
}

static void take_score(struct eval_quality *q, const char *name,
		       const struct ctrans_model_info *info,
		       const struct ctrans_score *s, double seconds)
{
	q->known = true;
	q->name = name;
	q->perplexity = s->perplexity;
	q->top1 = (double)s->top1 / (double)s->tokens;
	q->bytes = (double)info->chip_bytes;
	q->bits = bits(info);
	q->seconds = seconds;
}

static void take_row(struct eval_quality *q, const char *name,
		     const struct ctrans_model_info *info, const struct eval_row *row)
{
	const struct ctrans_score score = {
		.perplexity = exp(row->nll / (double)row->scored),
		.tokens = row->scored, .top1 = row->top1,
	};

	take_score(q, name, info, &score, row->amortised.seconds);
}

/* The same text to another model: its tokens must be the same. */
static int check_tokens(const struct eval_text *text, const char *path,
			const struct ctrans_model *model)
{
	struct eval_text other = *text;
	struct ctrans_model_info info;
	bool same;
	int ret, status;

	ret = ctrans_model_info(model, &info, sizeof(info));
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	if (info.context < text->ctx)
		return fail(EXIT_FAILED,
			"--reference %s has a context of %u tokens, and windows have %u: take a smaller --ctx",
			path, info.context, text->ctx);
	other.ids = NULL;
	status = eval_tokens(&other, model);
	if (status)
		return status;
	same = other.n == text->n &&
	       !memcmp(other.ids, text->ids, text->n * sizeof(*text->ids));
	free(other.ids);
	return same ? EXIT_OK : fail(EXIT_FAILED,
		"--reference %s has another tokenizer: it makes other tokens of %s, so perplexities do not compare",
		path, text->file);
}

int eval_open_f32(const struct command *command, const char *path,
		  struct ctrans_model **model)
{
	const struct model_options as_given = model_options;
	int status;

	model_options.policy = NULL;
	model_options.f32 = true;
	/* which only the chip model has */
	if (!model_options.device || strncmp(model_options.device, "sim", 3) != 0)
		model_options.device = "sim";
	model_options.kv = NULL;
	model_options.calibrate = NULL;
	status = model_load(command, path, CTRANS_MODEL_NO_SHARING, model);
	model_options = as_given;
	return status;
}

static int score_fp32(const struct command *command, struct eval_comparison *c)
{
	struct ctrans_model *model = NULL;
	struct ctrans_model_info info;
	struct ctrans_score score;
	double seconds;
	int ret, status;

	status = eval_open_f32(command, c->reference, &model);
	if (!status)
		status = check_tokens(c->text, c->reference, model);
	if (!status)
		status = eval_score(model, c->text, "Scoring, binary32", &score,
				    &seconds);
	if (!status) {
		ret = ctrans_model_info(model, &info, sizeof(info));
		if (ret)
			status = fail_library(ret, EXIT_FAILED);
		else
			take_score(&c->fp32, "binary32", &info, &score, seconds);
	}
	ctrans_model_close(model);
	return status;
}

/* What the model is without having been converted. */
static int measure_plain(const struct command *command, struct eval_comparison *c)
{
	struct ctrans_model_info info;
	int status;

	status = eval_measure_row(command, c, c->reference, &as_is, &c->plain_row, &info);
	if (!status)
		take_row(&c->plain, "8 bits, unconverted", &info, &c->plain_row);
	return status;
}

bool eval_converted(const struct ctrans_model_info *info)
{
	return strstr(info->format, "converted");
}

static int prepare(const struct command *command, struct eval_comparison *c,
		   struct eval_text *text)
{
	struct ctrans_model *model = NULL;
	int ret, status;

	status = eval_open(command, c->path, &eval_variants[0], &model);
	if (status)
		return status;
	ret = ctrans_model_info(model, &c->info, sizeof(c->info));
	status = ret ? fail_library(ret, EXIT_FAILED) : EXIT_OK;
	if (!status)
		status = eval_takes_text(c->path, &c->info);
	if (!status)
		status = eval_tokens(text, model);
	if (!status)
		status = eval_windows(text, &c->info);
	ctrans_model_close(model);
	c->text = text;
	if (c->decoded > c->info.context)
		c->decoded = c->info.context;
	if (c->decoded > text->n)
		c->decoded = (uint32_t)text->n;
	if (!c->reference && !eval_converted(&c->info))
		c->reference = c->path;
	return status;
}

static bool equal(const struct eval_row *a, const struct eval_row *b)
{
	return !memcmp(&a->nll, &b->nll, sizeof(a->nll)) && a->top1 == b->top1 &&
	       a->scored == b->scored && a->logits == b->logits;
}

int eval_compare(const struct command *command, struct eval_comparison *c,
		 struct eval_text *text)
{
	const struct model_options as_given = model_options;
	struct ctrans_model_info info;
	int status;

	status = prepare(command, c, text);
	/* scoring drafts nothing, and writing takes one policy */
	model_options.little = "";
	model_options.policy = NULL;
	if (!status && c->reference)
		status = score_fp32(command, c);
	if (!status && c->reference && c->reference != c->path)
		status = measure_plain(command, c);
	c->equal = true;
	for (size_t i = 0; !status && i < EVAL_VARIANTS; i++) {
		status = eval_measure_row(command, c, c->path, &eval_variants[i],
				 &c->row[c->n++], &info);
		c->equal = c->equal && equal(&c->row[0], &c->row[i]);
	}
	if (!status)
		take_row(&c->own, eval_converted(&c->info) ? "this file" : "8 bits",
			 &c->info, &c->row[c->n - 1]);
	if (!status)
		status = eval_speculate(command, c);
	model_options.little = as_given.little;
	if (!status)
		status = eval_little(command, c);
	model_options = as_given;
	return status;
}

int eval_measure(const struct command *command, const char *path,
		 struct eval_text *text, struct ctrans_measured *measured)
{
	struct eval_comparison c = { .path = path };
	struct ctrans_model_info info;
	struct eval_row own;
	int status;

	status = prepare(command, &c, text);
	if (!status)
		status = eval_measure_row(command, &c, c.path, &eval_variants[0], &c.row[0],
				 &info);
	if (!status)
		status = eval_measure_row(command, &c, c.path, &as_is, &own, &info);
	if (status)
		return status;
	measured->compute = eval_compute_fj(&own.amortised.sum) /
			    eval_compute_fj(&c.row[0].amortised.sum);
	measured->weight_bits = bits(&c.info);
	status = eval_little(command, &c);
	measured->little = eval_little_ratio(&c);
	return status;
}

double eval_compute_kappa_fj(const struct ctrans_cost *cost, double kappa)
{
	return (double)cost->dense_fj + kappa * (double)cost->spiking_fj +
	       (double)cost->outlier_fj;
}

double eval_compute_fj(const struct ctrans_cost *cost)
{
	return eval_compute_kappa_fj(cost, 1);
}

/*
 * Layers of one kind have outputs of one number, so that each of their values
 * stands for as many products.
 */
double eval_zeros_fj(const struct eval_cost *dense)
{
	double sum = (double)dense->sum.outlier_fj;

	for (int k = 0; k < CTRANS_KINDS; k++) {
		const struct ctrans_cost *c = &dense->kind[k];

		if (c->values_dense)
			sum += (double)c->dense_fj *
			       (double)(c->values_dense + c->values_zero) /
			       (double)c->values_dense;
	}
	return sum;
}
