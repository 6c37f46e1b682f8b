// SPDX-License-Identifier: MIT
/* What ctrans eval --sources has found, for machines. */
#include <math.h>

#include "eval_metrics.h"
#include "eval_pairs.h"
#include "model_options.h"
#include "report.h"

static void add_scores(cJSON *object, const struct pairs_run *run)
{
	metrics_json_bleu(json_add_object(object, "bleu"), &run->sum, &run->bleu);
	metrics_json_rouge(json_add_object(object, "rouge"), run->rouge);
}

static void add_likelihood(cJSON *object, const struct pairs_run *run)
{
	json_add_number(object, "nll", run->nll);
	json_add_count(object, "tokens", run->scored);
	json_add_number(object, "ppl", pairs_perplexity(run));
	json_add_count(object, "top1", run->top1);
}

static void add_part(cJSON *parent, const char *key, const struct eval_cost *c,
		     double lines)
{
	cJSON *object = json_add_object(parent, key);
	double joule = cost_joule(&c->sum), tokens = (double)c->tokens;

	json_add_count(object, "tokens", c->tokens);
	json_add_number(object, "energy_uj_per_line", 1e6 * joule / lines);
	json_add_number(object, "energy_uj_per_token", 1e6 * joule / tokens);
	json_add_number(object, "chip_seconds", c->chip_seconds);
	json_add_cost(object, "modelled", &c->sum);
}

static void add_quality(cJSON *list, const struct pairs_report *r,
			const struct pairs_run *run, size_t same)
{
	const struct pairs_run *fp32 = &r->fp32;
	cJSON *object;

	if (!run->name)
		return;
	object = json_append_object(list);
	json_add_string(object, "name", run->name);
	add_scores(object, run);
	add_likelihood(object, run);
	json_add_number(object, "bleu_difference", run->bleu.score - fp32->bleu.score);
	json_add_number(object, "rougeL_difference", 100 * (run->rouge[ROUGE_L].f1 -
							    fp32->rouge[ROUGE_L].f1));
	json_add_count(object, "same", same);
	json_add_number(object, "wall_seconds", run->all.seconds);
}

static void add_policies(cJSON *object, const struct pairs_report *r)
{
	const struct eval_comparison *c = r->table;
	cJSON *list;

	json_add_bool(object, "equal", r->equal);
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
		eval_json_cost(item, "encoder", &row->amortised, &c->row[0].amortised,
			       &c->oracle);
		eval_json_cost(item, "decoder", &row->decode, &c->row[0].decode,
			       &c->oracle_decode);
	}
}

static void add_drafts(cJSON *parent, const struct pairs_report *r)
{
	cJSON *object = json_add_object(parent, "little"), *list;

	json_add_count(object, "parameters", r->draft[0].info.little_parameters);
	json_add_bool(object, "equal", r->draft_same[1] == r->pairs->n);
	list = json_add_array(object, "modes");
	for (size_t i = 0; i < r->n_drafts; i++) {
		const struct pairs_run *d = &r->draft[i];
		cJSON *item = json_append_object(list);

		json_add_string(item, "name", d->name);
		json_add_count(item, "written", d->all.tokens);
		json_add_count(item, "same", r->draft_same[i]);
		json_add_count(item, "drafted", d->drafted);
		json_add_count(item, "accepted", d->accepted);
		json_add_count(item, "passes", d->passes);
		add_scores(item, d);
		json_add_number(item, "wall_seconds", d->all.seconds);
		add_part(item, "cost", &d->all, (double)r->pairs->n);
	}
}

int pairs_print_json(const struct pairs_report *r)
{
	const struct pairs *p = r->pairs;
	const struct pairs_run *run = &r->own;
	cJSON *object = json_object(), *list;
	char signature[160];

	json_add_string(object, "model", p->path);
	json_add_string(object, "sources", p->sources.file);
	if (p->task)
		json_add_string(object, "task", p->task);
	else
		json_add_null(object, "task");
	json_add_count(object, "beams", p->beams);
	json_add_count(object, "lines", p->n);
	json_add_count(object, "refs", p->n_refs);
	add_scores(object, run);
	metrics_signature(signature, sizeof(signature), p->n_refs, false);
	json_add_string(object, "signature", signature);
	add_likelihood(json_add_object(object, "references"), run);
	json_add_string(object, "policy", run->info.policy);
	json_add_string(object, "thresholds", run->info.thresholds);
	json_add_string(object, "kv", run->info.kv);
	json_add_bool(object, "f32", model_options.f32);
	json_add_device(object, &run->info.device);
	json_add_number(object, "wall_seconds", run->all.seconds);
	json_add_number(object, "lines_per_second", (double)p->n / run->all.seconds);
	add_part(object, "all", &run->all, (double)p->n);
	add_part(object, "encoder", &run->encoder, (double)p->n);
	add_part(object, "decoder", &run->decoder, (double)p->n);
	if (r->fp32.name) {
		json_add_string(object, "reference", r->reference);
		list = json_add_array(object, "quality");
		add_quality(list, r, &r->fp32, p->n);
		add_quality(list, r, &r->plain, r->plain_same);
		add_quality(list, r, &r->own, r->own_same);
	}
	if (r->table)
		add_policies(object, r);
	if (r->n_drafts)
		add_drafts(object, r);
	return json_print(object);
}
