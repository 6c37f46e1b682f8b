// SPDX-License-Identifier: MIT
/*
 * The identities between published figures, one function each. Everything is
 * computed: from the constants, from exact counts of weights, and from other
 * published figures; the two fits (published.h) are in the lines that say so, and in
 * those that rest on them.
 */
#include "dispatch/paper.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dispatch/published.h"

#define MEGA	1e6

struct paper {
	const struct ct_paper_costs *c;
	double compute, bits, little;	/* as measured, or by default */
};

/* A line's figures: as published, and ours. */
struct figures {
	double low, high, half, our_low, our_high;
};

static double pub(enum ct_figure_id id)
{
	return ct_published[id].low;
}

static void ours(struct figures *f, double a, double b)
{
	f->our_low = a < b ? a : b;
	f->our_high = a < b ? b : a;
}

static void as_published(struct figures *f, double value, double half)
{
	f->low = value;
	f->high = value;
	f->half = half;
}

/* ---- Latency ---------------------------------------------------------- */

/* Seconds that @params of 8 bits take from external memory, once. */
static double fetch(const struct paper *p, double params)
{
	return params / (p->c->nominal.external_mbps * 1e6);
}

static void params_gpt2(const struct paper *p, struct figures *f)
{
	(void)p;
	ours(f, CT_GPT2_LARGE_BLOCKS / MEGA, CT_GPT2_LARGE_BLOCKS / MEGA);
}

static void params_t5(const struct paper *p, struct figures *f)
{
	(void)p;
	ours(f, CT_T5_LARGE_DECODER / MEGA, CT_T5_LARGE_DECODER / MEGA);
}

static void latency_gpt2(const struct paper *p, struct figures *f)
{
	double t = CT_FIT_PASSES * fetch(p, pub(CT_PUB_FETCHED_GPT2) * MEGA);

	ours(f, t, t);
}

static void latency_t5(const struct paper *p, struct figures *f)
{
	double t = CT_FIT_PASSES * fetch(p, pub(CT_PUB_FETCHED_T5) * MEGA);

	ours(f, t, t);
}

/* A model's own ratio is not published, the range over models is. */
static void by_range(const struct paper *p, double params, enum ct_figure_id range,
		     struct figures *f)
{
	double t = CT_FIT_PASSES * fetch(p, params);

	ours(f, t * ct_published[range].low, t * ct_published[range].high);
}

static void latency_fsmt_isscc(const struct paper *p, struct figures *f)
{
	by_range(p, CT_FSMT_DECODER, CT_PUB_EXTERNAL_ISSCC, f);
}

static void latency_gpt2_jssc(const struct paper *p, struct figures *f)
{
	by_range(p, CT_GPT2_LARGE_BLOCKS, CT_PUB_EXTERNAL_JSSC, f);
}

static void latency_fsmt_jssc(const struct paper *p, struct figures *f)
{
	by_range(p, CT_FSMT_DECODER, CT_PUB_EXTERNAL_JSSC, f);
}

/* The share of its parameters that GPT-2 fetched in the first paper. */
static double fetched_share(void)
{
	return pub(CT_PUB_FETCHED_GPT2) / pub(CT_PUB_PARAMS_GPT2);
}

/* Time goes with bytes, if it is external memory's: no fit is in this. */
static void latency_growth(const struct paper *p, struct figures *f)
{
	(void)p;
	as_published(f, pub(CT_PUB_LATENCY_GPT2_JSSC) /
		     pub(CT_PUB_LATENCY_GPT2_ISSCC), 0.002);
	ours(f, ct_published[CT_PUB_EXTERNAL_JSSC].low / fetched_share(),
	     ct_published[CT_PUB_EXTERNAL_JSSC].high / fetched_share());
}

static void one_pass(const struct paper *p, struct figures *f)
{
	double t = fetch(p, pub(CT_PUB_FETCHED_GPT2) * MEGA);

	ours(f, t, t);
}

/* ---- Energy ----------------------------------------------------------- */

/* Microjoules a token of @params fetched, if CT_FIT_TOKENS share the pass. */
static double external_uj(const struct paper *p, double params)
{
	return params * (double)p->c->nominal.external_aj * 1e-12 / CT_FIT_TOKENS;
}

/* Of GPT-2 before, uncompressed and all dense: what the share leaves to computing. */
static double dense_uj(const struct paper *p)
{
	double share = pub(CT_PUB_EXTERNAL_SHARE);

	return external_uj(p, CT_GPT2_LARGE_BLOCKS) * (1 - share) / share;
}

static double implied_compute(const struct paper *p)
{
	return (pub(CT_PUB_ENERGY_GPT2) -
		external_uj(p, CT_GPT2_LARGE_BLOCKS) * fetched_share()) / dense_uj(p);
}

static double total_uj(const struct paper *p, double params, double external,
		       double compute)
{
	return external_uj(p, params) * external +
	       dense_uj(p) * params / CT_GPT2_LARGE_BLOCKS * compute;
}

static void energy_gpt2(const struct paper *p, struct figures *f)
{
	double e = total_uj(p, CT_GPT2_LARGE_BLOCKS, fetched_share(),
			    implied_compute(p));

	ours(f, e, e);
}

static void energy_compute(const struct paper *p, struct figures *f)
{
	ours(f, implied_compute(p), implied_compute(p));
}

static void energy_fsmt(const struct paper *p, struct figures *f)
{
	double e = total_uj(p, CT_FSMT_DECODER, fetched_share(), implied_compute(p));

	ours(f, e, e);
}

static double t5_uj(const struct paper *p)
{
	return total_uj(p, CT_T5_LARGE_DECODER,
			pub(CT_PUB_FETCHED_T5) / pub(CT_PUB_PARAMS_T5),
			ct_published[CT_PUB_COMPUTE].low);
}

static void energy_t5(const struct paper *p, struct figures *f)
{
	as_published(f, pub(CT_PUB_ENERGY_GPT2) * pub(CT_PUB_SIMILAR_ISSCC) /
		     pub(CT_PUB_BIGGER_ISSCC), 0.05);
	ours(f, t5_uj(p), t5_uj(p));
}

/* Energy goes with parameters fetched, if T5 is the one of similar size. */
static void energy_by_fetched(const struct paper *p, struct figures *f)
{
	double ratio = pub(CT_PUB_FETCHED_T5) / pub(CT_PUB_FETCHED_GPT2);

	(void)p;
	as_published(f, pub(CT_PUB_SIMILAR_ISSCC) / pub(CT_PUB_BIGGER_ISSCC), 0.0005);
	ours(f, ratio, ratio);
}

static void growth_gpt2(const struct paper *p, struct figures *f)
{
	const struct ct_figure *r = &ct_published[CT_PUB_EXTERNAL_JSSC];
	double before = pub(CT_PUB_ENERGY_GPT2), k = implied_compute(p);

	as_published(f, pub(CT_PUB_BIGGER_JSSC) / pub(CT_PUB_BIGGER_ISSCC), 0.0005);
	ours(f, total_uj(p, CT_GPT2_LARGE_BLOCKS, r->low, k) / before,
	     total_uj(p, CT_GPT2_LARGE_BLOCKS, r->high, k) / before);
}

static void growth_t5(const struct paper *p, struct figures *f)
{
	const struct ct_figure *r = &ct_published[CT_PUB_EXTERNAL_JSSC];
	double k = ct_published[CT_PUB_COMPUTE].low, before = t5_uj(p);

	as_published(f, pub(CT_PUB_SIMILAR_JSSC) / pub(CT_PUB_SIMILAR_ISSCC), 0.002);
	ours(f, total_uj(p, CT_T5_LARGE_DECODER, r->low, k) / before,
	     total_uj(p, CT_T5_LARGE_DECODER, r->high, k) / before);
}

/* ---- What does not fit together --------------------------------------- */

/* Picojoules a bit, if the press's power, latency and share are of one run. */
static void external_by_power(const struct paper *p, struct figures *f)
{
	double joule = pub(CT_PUB_POWER_PRESS) * pub(CT_PUB_LATENCY_GPT2_ISSCC);
	double bits = CT_FIT_PASSES * pub(CT_PUB_FETCHED_GPT2) * MEGA * 8;
	double e = (double)p->c->nominal.external_aj * 1e-6 / 8;

	as_published(f, joule * pub(CT_PUB_EXTERNAL_SHARE) / bits * 1e12, 0.05);
	ours(f, e, e);
}

static void tokens_by_power(const struct paper *p, struct figures *f)
{
	(void)p;
	as_published(f, pub(CT_PUB_POWER_PRESS) * pub(CT_PUB_LATENCY_GPT2_ISSCC) /
		     (pub(CT_PUB_ENERGY_GPT2) * 1e-6), 0.5);
	ours(f, CT_FIT_TOKENS, CT_FIT_TOKENS);
}

/* Rows whose sums, beside the inputs in use, fit the activation memory. */
static void tokens_by_memory(const struct paper *p, struct figures *f)
{
	const struct ctrans_chip_costs *c = &p->c->nominal;
	double rows = floor(c->sram_activations / (4.0 * c->cores * c->cols +
						   2.0 * c->rows * c->spikes_per_cycle));

	as_published(f, CT_FIT_TOKENS, 0.5);
	ours(f, rows, rows);
}

static double hmaus(const struct ctrans_chip_costs *c)
{
	return (double)c->cores * c->rows * c->cols;
}

static void peak(const struct paper *p, struct figures *f)
{
	const struct ctrans_chip_costs *c = &p->c->high;
	double tops = 2 * hmaus(c) * c->khz * 1e-9;

	ours(f, tops, tops);
}

/* Joules of @macs dense products by the constants, weights read for @reuse rows. */
static double on_chip(const struct ctrans_chip_costs *c, double macs, double compute,
		      double reuse)
{
	return macs * ((double)c->mac8_aj * compute + (double)c->sram_read_aj / reuse) *
	       1e-18 * (1 + c->clock_percent / 100.0);
}

static void power(const struct paper *p, struct figures *f)
{
	const struct ctrans_chip_costs *c = &p->c->high;
	double rate = hmaus(c) * c->khz * 1e3;
	double watt = on_chip(c, rate, 1, c->reuse) + (double)c->leak_uw * 1e-6;

	ours(f, watt, watt);
}

static void dense(const struct paper *p, struct figures *f)
{
	double e = CT_GPT2_LARGE_BLOCKS * (double)p->c->low.mac8_aj * 1e-12;

	as_published(f, dense_uj(p), 0.05);
	ours(f, e, e);
}

/* All of a token's energy by the constants, @tokens sharing a pass. */
static double token(const struct paper *p, const struct ctrans_chip_costs *c,
		    double tokens)
{
	double n = CT_GPT2_LARGE_BLOCKS, bytes = n * p->bits / 8 * p->little;
	double reuse = tokens < c->reuse ? tokens : c->reuse;
	double fetching = bytes / (c->external_mbps * 1e6) / tokens;
	double computing = n * p->compute / hmaus(c) / (c->khz * 1e3);
	double seconds = fetching > computing ? fetching : computing;
	double filling = bytes * (double)c->sram_write_aj * 1e-18 *
			 (1 + c->clock_percent / 100.0);

	return on_chip(c, n, p->compute, reuse) + filling / tokens +
	       bytes * (double)c->external_aj * 1e-18 / tokens +
	       (double)c->leak_uw * 1e-6 * seconds;
}

static void bottom_up(const struct paper *p, struct figures *f)
{
	double e = 1e6 * token(p, &p->c->low, CT_FIT_TOKENS);

	ours(f, e, e);
}

static void decode_pass(const struct paper *p, struct figures *f)
{
	double e = 1e6 * token(p, &p->c->low, 1);

	ours(f, e, e);
}

static void decode_others(const struct paper *p, struct figures *f)
{
	double e = 1e3 * token(p, &p->c->nominal, 1);

	ours(f, e, e);
}

/* ---- Ratios ----------------------------------------------------------- */

static void compute(const struct paper *p, struct figures *f)
{
	ours(f, p->compute, p->compute);
}

static void external(const struct paper *p, struct figures *f)
{
	ours(f, p->bits / 8 * p->little, p->bits / 8 * p->little);
}

static void little(const struct paper *p, struct figures *f)
{
	if (p->little < 1)
		ours(f, p->little, p->little);
}

/* ---- All of it -------------------------------------------------------- */

enum worth { FITTED, PREDICTED, UNRECONCILED, CONTEXT, IF_COMPUTE, IF_LITTLE };

static const struct {
	enum ct_figure_id id;
	enum worth worth;
	const char *per;
	void (*fill)(const struct paper *p, struct figures *f);
	/* where it follows from several published figures */
	const char *what, *unit;
	const char *how;
} lines[] = {
	{ CT_PUB_PARAMS_GPT2, PREDICTED, "", params_gpt2, NULL, NULL,
	  "36 blocks of 12 x 1280 x 1280: GPT-2-large" },
	{ CT_PUB_PARAMS_T5, PREDICTED, "", params_t5, NULL, NULL,
	  "24 blocks of T5-large's decoder" },
	{ CT_PUB_COMPUTE, IF_COMPUTE, "amortised", compute, NULL, NULL,
	  "as measured: arrays, stalls and outliers to all dense" },
	{ CT_PUB_LITTLE, IF_LITTLE, "decode", little, NULL, NULL,
	  "as measured: bytes with the little model to without" },
	{ CT_PUB_EXTERNAL_ISSCC, CONTEXT, "", external, NULL, NULL,
	  "bits a weight of 8, times big-little; no weight generation" },
	{ CT_PUB_LATENCY_GPT2_ISSCC, FITTED, "", latency_gpt2, NULL, NULL,
	  "4 passes over 191 M at 1.6 GB/s; the 4 is fitted to it" },
	{ CT_PUB_LATENCY_T5_PRESS, PREDICTED, "", latency_t5, NULL, NULL,
	  "4 passes over 76 M" },
	{ CT_PUB_LATENCY_FSMT_ISSCC, PREDICTED, "", latency_fsmt_isscc, NULL, NULL,
	  "4 passes over 100.7 M, times the range of ISSCC" },
	{ CT_PUB_LATENCY_GPT2_JSSC, PREDICTED, "", latency_gpt2_jssc, NULL, NULL,
	  "4 passes over 707.8 M, times the range of JSSC" },
	{ CT_PUB_LATENCY_FSMT_JSSC, PREDICTED, "", latency_fsmt_jssc, NULL, NULL,
	  "4 passes over 100.7 M, times the range of JSSC" },
	{ CT_PUB_LATENCY_GPT2_JSSC, PREDICTED, "", latency_growth,
	  "GPT-2 latency, to ISSCC's", "x", "by bytes alone; no fit in it" },
	{ CT_PUB_LATENCY_GPT2_ISSCC, UNRECONCILED, "decode", one_pass,
	  "GPT-2 latency, one pass", NULL,
	  "191 M at 1.6 GB/s; nobody says what takes four times that" },
	{ CT_PUB_ENERGY_GPT2, FITTED, "amortised", energy_gpt2, NULL, NULL,
	  "8 pJ/bit over 1024 tokens, 68 % before; fitted to it" },
	{ CT_PUB_COMPUTE, PREDICTED, "amortised", energy_compute,
	  "compute energy, implied by 18.1 uJ", NULL, "what the fit leaves to the arrays" },
	{ CT_PUB_ENERGY_FSMT, PREDICTED, "amortised", energy_fsmt, NULL, NULL,
	  "GPT-2's fit and ratios, for 100.7 M" },
	{ CT_PUB_SIMILAR_ISSCC, PREDICTED, "amortised", energy_by_fetched,
	  "T5 energy, to GPT-2's", "x", "parameters fetched, 76 M to 191 M; no fit in it" },
	{ CT_PUB_SIMILAR_ISSCC, FITTED, "amortised", energy_t5, "T5 energy", "uJ/token",
	  "compute ratio chosen: the least published" },
	{ CT_PUB_BIGGER_JSSC, PREDICTED, "amortised", growth_gpt2,
	  "GPT-2 energy, to ISSCC's", "x", "GPT-2's fit, times the range of JSSC" },
	{ CT_PUB_SIMILAR_JSSC, UNRECONCILED, "amortised", growth_t5,
	  "T5 energy, to ISSCC's", "x", "T5's fit, times the range of JSSC" },
	{ CT_PUB_COMPUTE, UNRECONCILED, "amortised", dense, "GPT-2 all dense, arrays",
	  "uJ/token", "707.8 M products at 0.7 V; published: 32 % of the fit" },
	{ CT_PUB_ENERGY_GPT2, UNRECONCILED, "amortised", bottom_up, "GPT-2 energy, bottom up",
	  NULL, "constants at 0.7 V, 1024 tokens a pass, rows never spill" },
	{ CT_PUB_ENERGY_GPT2, UNRECONCILED, "decode", decode_pass,
	  "GPT-2 energy, if of decoding", NULL, "constants at 0.7 V, one token a pass" },
	{ CT_PUB_DECODE_OTHERS, CONTEXT, "decode", decode_others, NULL, NULL,
	  "constants at 0.9 V, one chip, 8 pJ/bit; theirs has about 4" },
	{ CT_PUB_POWER_PRESS, UNRECONCILED, "", external_by_power,
	  "external memory, by 0.4 W x 0.477 s", "pJ/bit", "LPDDR4, the constant" },
	{ CT_PUB_POWER_PRESS, UNRECONCILED, "", tokens_by_power,
	  "tokens, by 0.4 W x 0.477 s / 18.1 uJ", "", "tokens a pass of the fit" },
	{ CT_PUB_ENERGY_GPT2, UNRECONCILED, "amortised", tokens_by_memory,
	  "tokens a pass, by the fit", "", "rows of 768 partial sums in 192 KiB" },
	{ CT_PUB_POWER_MOST, UNRECONCILED, "", power, NULL, NULL,
	  "constants at 1.1 V, all HMAUs and weight memory busy" },
	{ CT_PUB_PEAK, UNRECONCILED, "", peak, NULL, NULL,
	  "6144 HMAUs, two operations each, 200 MHz" },
};

/* What was not measured is nothing that could agree. */
static enum worth worth_of(enum worth worth, const struct ctrans_measured *m)
{
	if (worth == IF_COMPUTE)
		return m->compute > 0 ? PREDICTED : CONTEXT;
	if (worth == IF_LITTLE)
		return m->little > 0 ? PREDICTED : CONTEXT;
	return worth;
}

/* The two ranges meet, give or take. */
static bool agrees(const struct figures *f)
{
	double slack = fmax(0.05 * f->low, f->half);

	return f->our_low <= f->high + slack && f->our_high >= f->low - slack;
}

int ct_paper_line(unsigned int index, const struct ct_paper_costs *costs,
		  const struct ctrans_measured *m, struct ctrans_published *line)
{
	const struct paper p = {
		.c = costs,
		.compute = m->compute > 0 ? m->compute : 0.265,
		.bits = m->weight_bits > 0 ? m->weight_bits : 5.38,
		.little = m->little > 0 ? m->little : 1,
	};
	static const char *const names[] = {
		[FITTED] = "fitted", [PREDICTED] = "predicted",
		[UNRECONCILED] = "not reconciled", [CONTEXT] = "context",
	};
	const struct ct_figure *figure;
	enum worth worth;
	struct figures f;

	if (index >= sizeof(lines) / sizeof(lines[0]))
		return -ENOENT;
	figure = &ct_published[lines[index].id];
	f = (struct figures){
		.low = figure->low, .high = figure->high, .half = figure->half,
		.our_low = NAN, .our_high = NAN,
	};
	lines[index].fill(&p, &f);
	worth = worth_of(lines[index].worth, m);
	*line = (struct ctrans_published){
		.size = sizeof(*line),
		.what = lines[index].what ? lines[index].what : figure->what,
		.source = figure->source,
		.unit = lines[index].unit ? lines[index].unit : figure->unit,
		.status = names[worth],
		.per = lines[index].per,
		.low = f.low, .high = f.high, .half = f.half,
		.agrees = worth == PREDICTED && agrees(&f),
		.our_low = f.our_low, .our_high = f.our_high,
		.how = lines[index].how,
	};
	return 0;
}
