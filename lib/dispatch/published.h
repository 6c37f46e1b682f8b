/* SPDX-License-Identifier: MIT */
/*
 * What is published about the chip: figures with their sources, plain data. None
 * of it is a result of ours; paper.c sets results beside it.
 */
#ifndef CT_DISPATCH_PUBLISHED_H
#define CT_DISPATCH_PUBLISHED_H

enum ct_figure_id {
	CT_PUB_PARAMS_GPT2,
	CT_PUB_PARAMS_T5,
	CT_PUB_FETCHED_GPT2,
	CT_PUB_FETCHED_T5,
	CT_PUB_EXTERNAL_ISSCC,
	CT_PUB_EXTERNAL_JSSC,
	CT_PUB_COMPUTE,
	CT_PUB_LITTLE,
	CT_PUB_LATENCY_GPT2_ISSCC,
	CT_PUB_LATENCY_FSMT_ISSCC,
	CT_PUB_LATENCY_T5_PRESS,
	CT_PUB_LATENCY_GPT2_JSSC,
	CT_PUB_LATENCY_FSMT_JSSC,
	CT_PUB_ENERGY_GPT2,
	CT_PUB_ENERGY_FSMT,
	CT_PUB_EXTERNAL_SHARE,
	CT_PUB_BIGGER_ISSCC,
	CT_PUB_SIMILAR_ISSCC,
	CT_PUB_BIGGER_JSSC,
	CT_PUB_SIMILAR_JSSC,
	CT_PUB_POWER_PRESS,
	CT_PUB_POWER_MOST,
	CT_PUB_PEAK,
	CT_PUB_DECODE_OTHERS,
	CT_PUB_FIGURES
};

struct ct_figure {
	const char *what, *unit, *source;
	double low, high;	/* the same where it is one figure */
	double half;		/* half of its last digit */
};

extern const struct ct_figure ct_published[CT_PUB_FIGURES];

/* Exact counts of the blocks' weights; embeddings, heads and encoders are not in. */
#define CT_GPT2_LARGE_BLOCKS	(36.0 * 12 * 1280 * 1280)
#define CT_T5_LARGE_DECODER	(24.0 * (8.0 * 1024 * 1024 + 2.0 * 1024 * 4096))
#define CT_FSMT_DECODER		(6.0 * (8.0 * 1024 * 1024 + 2.0 * 1024 * 4096))

/*
 * What had to be fitted to make the published figures one picture. Nobody says what
 * they stand for; what they were fitted to is no agreement.
 */
#define CT_FIT_PASSES	4.0	/* latency in passes over the weights: GPT-2, ISSCC */
#define CT_FIT_TOKENS	1024.0	/* tokens sharing a pass: GPT-2, 18.1 uJ and 68 % */

#endif
