// SPDX-License-Identifier: MIT
/* What ctrans eval --policy all has measured, for machines. */
#include <math.h>
#include <stdio.h>

#include "eval.h"
#include "json.h"
#include "report.h"

static void add_quality(cJSON *list, const struct eval_quality *q,
			const struct eval_quality *fp32)
{
	cJSON *object;

	if (!q->known)
		return;
	object = json_append_object(list);
	json_add_string(object, "name", q->name);
	json_add_number(object, "ppl", q->perplexity);
	json_add_number(object, "to_fp32", fp32->known ?
			q->perplexity / fp32->perplexity : NAN);
	json_add_number(object, "top1_agreement", q->top1);
	json_add_number(object, "bytes", q->bytes);
	json_add_number(object, "weight_bits", q->bits);
	json_add_number(object, "seconds", q->seconds);
}

void eval_json_cost(cJSON *parent, const char *key, const struct eval_cost *c,
		    const struct eval_cost *dense, const struct eval_bound *oracle)
{
	static const struct {
		const char *key;
		double kappa;
	} kappas[] = {
		{ "0.8", 0.8 }, { "0.9", 0.9 }, { "1.0", 1.0 }, { "1.1", 1.1 },
	};
	double base = eval_compute_fj(&dense->sum), tokens = (double)c->tokens;
	cJSON *object = json_add_object(parent, key), *over;

	json_add_count(object, "tokens", c->tokens);
	json_add_number(object, "energy_uj_per_token",
			1e6 * cost_joule(&c->sum) / tokens);
	json_add_number(object, "compute_uj_per_token",
			1e-9 * eval_compute_fj(&c->sum) / tokens);
	over = json_add_object(object, "compute_over_dense");
	for (size_t i = 0; i < sizeof(kappas) / sizeof(kappas[0]); i++)
		json_add_number(over, kappas[i].key, eval_compute_kappa_fj(
				&c->sum, kappas[i].kappa) / base);
	json_add_number(object, "compute_over_dense_zeros_counted",
			eval_compute_fj(&c->sum) / eval_zeros_fj(dense));
	json_add_number(object, "compute_over_oracle",
			oracle->known ? eval_compute_fj(&c->sum) /
					eval_bound_fj(oracle) : NAN);
	json_add_number(object, "chip_seconds", c->chip_seconds);
	json_add_number(object, "wall_seconds", c->seconds);
	json_add_cost(object, "modelled", &c->sum);
}

static void add_oracle(cJSON *parent, const char *key, const struct eval_bound *b,
		       const struct eval_cost *dense)
{
	cJSON *object = json_add_object(parent, key);

	json_add_number(object, "compute_uj_per_token",
			1e-9 * eval_bound_fj(b) / (double)dense->tokens);
	json_add_number(object, "compute_over_dense",
			eval_bound_fj(b) / eval_compute_fj(&dense->sum));
}

static void add_speculation(cJSON *list, const struct eval_speculation *s)
{
	cJSON *item = json_append_object(list);

	json_add_string(item, "name", s->name);
	json_add_number(item, "nll", s->nll);
	json_add_number(item, "ppl", s->perplexity);
	json_add_number(item, "ppl_over_off", s->to_off);
	json_add_number(item, "skipped", s->skipped);
	json_add_number(item, "ffn_up_arrays_over_off", s->arrays);
	json_add_number(item, "ffn_up_on_chip_over_off", s->on_chip);
	json_add_number(item, "energy_over_off", s->all);
}

static void add_drafts(cJSON *parent, const struct eval_comparison *c)
{
	cJSON *object = json_add_object(parent, "little"), *list;

	json_add_count(object, "parameters", c->info.little_parameters);
	json_add_bool(object, "equal", c->drafts_equal);
	json_add_number(object, "external_over_alone", eval_little_ratio(c));
	list = json_add_array(object, "modes");
	for (size_t i = 0; i < c->n_drafts; i++) {
		const struct eval_draft *d = &c->draft[i];
		cJSON *item = json_append_object(list);

		json_add_string(item, "name", d->name);
		json_add_count(item, "written", d->written);
		json_add_count(item, "same", d->same);
		json_add_count(item, "drafted", d->drafted);
		json_add_count(item, "accepted", d->accepted);
		json_add_count(item, "passes", d->passes);
		json_add_number(item, "nll", d->nll);
		json_add_number(item, "energy_uj_per_token",
				1e6 * cost_joule(&d->sum) / (double)d->tokens);
		json_add_number(item, "external_uj_per_token",
				1e-9 * (double)d->sum.external_fj / (double)d->tokens);
		json_add_number(item, "wall_seconds", d->seconds);
		json_add_count(item, "tokens", d->tokens);
		json_add_cost(item, "modelled", &d->sum);
	}
}

int eval_print_json(const struct eval_comparison *c)
{
	cJSON *object = json_object(), *list;

	json_add_string(object, "model", c->path);
	if (c->reference)
		json_add_string(object, "reference", c->reference);
	else
		json_add_null(object, "reference");
	json_add_string(object, "thresholds", c->info.thresholds);
	json_add_string(object, "kv", c->info.kv);
	json_add_count(object, "text_tokens", c->text->n);
	json_add_count(object, "ctx", c->text->ctx);
	json_add_count(object, "stride", c->text->stride);
	json_add_count(object, "decoded", c->decoded);
	json_add_bool(object, "equal", c->equal);
	json_add_device(object, &c->info.device);
	list = json_add_array(object, "quality");
	add_quality(list, &c->fp32, &c->fp32);
	add_quality(list, &c->plain, &c->fp32);
	add_quality(list, &c->own, &c->fp32);
	if (c->plain.known) {
		cJSON *plain = json_add_object(object, "unconverted");

		json_add_count(plain, "tokens", c->plain_row.amortised.tokens);
		json_add_cost(plain, "amortised", &c->plain_row.amortised.sum);
		json_add_cost(plain, "decode", &c->plain_row.decode.sum);
	}
	list = json_add_array(object, "dispatch");
	for (size_t i = 0; i < c->n; i++) {
		const struct eval_row *row = &c->row[i];
		cJSON *item = json_append_object(list);

		json_add_string(item, "name", row->variant->name);
		json_add_string(item, "policy", row->variant->policy);
		if (row->variant->code)
			json_add_string(item, "code", row->variant->code);
		else
			json_add_null(item, "code");
		json_add_bool(item, "flip", row->variant->flip);
		json_add_number(item, "nll", row->nll);
		json_add_count(item, "tokens", row->scored);
		json_add_number(item, "ppl", exp(row->nll / (double)row->scored));
		json_add_count(item, "top1", row->top1);
		eval_json_cost(item, "amortised", &row->amortised, &c->row[0].amortised,
			 &c->oracle);
		eval_json_cost(item, "decode", &row->decode, &c->row[0].decode,
			 &c->oracle_decode);
	}
	list = json_add_array(object, "speculation");
	for (size_t i = 0; i < c->n_speculations; i++)
		add_speculation(list, &c->speculation[i]);
	if (c->n_drafts)
		add_drafts(object, c);
	add_oracle(object, "oracle", &c->oracle, &c->row[0].amortised);
	add_oracle(object, "oracle_decode", &c->oracle_decode, &c->row[0].decode);
	return json_print(object);
}
