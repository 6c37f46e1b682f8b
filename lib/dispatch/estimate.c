// SPDX-License-Identifier: MIT
#include "dispatch/estimate.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dispatch/cost.h"

/* Vector work of a row, and how long that unit takes for it. */
static void vector(const struct ctrans_chip_costs *c, double ops, struct ct_work *w)
{
	w->ops_vector += ops;
	w->cycles_compute += ceil(ops / c->lanes);
}

/* Of a token's column: of compressed ones, which differ, the mean. */
static double column_bytes(const struct ctrans_insn_embed *e)
{
	double columns = ceil((double)e->n_vocab / CTRANS_TILE_OUT) * CTRANS_TILE_OUT;
	double blocks = ceil((double)e->n / CTRANS_ESC_INPUTS) * columns / CTRANS_TILE_OUT;
	double table = ceil(4 * (blocks + 1) / CTRANS_GRANULE);

	if (e->encoding != CTRANS_ENC_ESC)
		return e->n;
	return (e->weight_granules - table) * CTRANS_GRANULE / columns;
}

static void embed(const struct ctrans_chip_costs *c, const struct ctrans_insn_embed *e,
		  const struct ct_estimate_step *s, struct ct_work *w)
{
	for (uint32_t r = 0; r < s->rows; r++)
		vector(c, e->n, w);
	w->bytes_external = s->rows * (column_bytes(e) +
				       (e->n_positions ? 4.0 * e->n : 0));
}

static void norm(const struct ctrans_chip_costs *c, const struct ctrans_insn_norm *n,
		 const struct ct_estimate_step *s, struct ct_work *w)
{
	for (uint32_t r = 0; r < s->rows; r++)
		vector(c, (n->kind == CTRANS_NORM_RMS ? 5.0 : 7.0) * n->n, w);
	w->bytes_external = (n->bias_va ? 8.0 : 4.0) * n->n;	/* gain and bias */
}

/* Positions that row @r of the step attends to. */
static double attended(const struct ctrans_insn_attention *a,
		       const struct ct_estimate_step *s, uint32_t r)
{
	switch (a->attend) {
	case CTRANS_ATTEND_FULL:	return (double)s->position + s->rows;
	case CTRANS_ATTEND_SOURCE:	return s->source;
	case CTRANS_ATTEND_STORE:	return 0;
	default:			return s->position + r + 1.0;
	}
}

static void attention(const struct ctrans_chip_costs *c,
		      const struct ctrans_insn_attention *a,
		      const struct ct_estimate_step *s, struct ct_work *w)
{
	bool s8 = a->kv_type == CTRANS_KV_S8;
	bool writes = a->attend != CTRANS_ATTEND_SOURCE;
	double softmax = (s8 ? 14 : 12) + (a->bias_va ? 1 : 0);
	double width = (double)a->n_head * a->head_dim;
	/* keys and values of a position */
	double bytes = 2.0 * (double)CTRANS_KV_TILE(a->kv_type, a->head_dim) /
		       CTRANS_KV_POSITIONS * a->n_head;

	for (uint32_t r = 0; r < s->rows; r++) {
		double n = attended(a, s, r);

		/* scores and weights, softmax; scales and their making with S8 */
		vector(c, 2 * n * width + softmax * n * a->n_head +
		       (s8 && writes ? 8 * width : 0), w);
		/* rows read the past together, as far as the last of them sees */
		if (r % c->reuse == c->reuse - 1 || r == s->rows - 1)
			w->bytes_external += bytes * n;
		w->bytes_external += writes ? bytes : 0;
		w->bytes_sram += n * bytes;
	}
	if (a->bias_va)
		w->bytes_external += 4.0 * (2.0 * a->bias_span + 1) * a->n_head;
}

static void linear(const struct ctrans_chip_costs *c,
		   const struct ctrans_insn_linear *l, uint32_t rows,
		   const struct ctrans_layer_profile *p, struct ct_work *w)
{
	struct ctrans_dispatch d = {
		.size = sizeof(d), .code = l->code,
		.flip = (l->flags & CTRANS_LINEAR_FLIP) != 0,
		.by_unit = l->by == CTRANS_BY_UNIT,
		.spike_mask = { l->spike_mask[0], l->spike_mask[1] },
		.unit_low = l->unit_low, .unit_high = l->unit_high,
	};
	struct ct_linear linear = {
		.profile = p, .dispatch = &d, .rows = rows,
		.packed = l->encoding == CTRANS_ENC_ESC,
		.weight_bytes = l->encoding == CTRANS_ENC_ESC ?
				(uint64_t)l->weight_granules * CTRANS_GRANULE :
				ct_s8_bytes(l->n_in, l->n_out),
		.output_bytes = l->bias_va ? CT_S8_OUTPUT_BYTES : CT_S8_OUTPUT_BYTES - 4,
		.multiplies = l->flags & CTRANS_LINEAR_MUL,
	};

	ct_linear_work(c, &linear, w);
}

int ct_estimate(const struct ctrans_chip_costs *costs, const struct ctrans_insn *prog,
		size_t n, const struct ctrans_layer_profile *profiles,
		const struct ct_estimate_step *step, struct ctrans_layer_cost *cost,
		struct ct_err *err)
{
	double ahead = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ctrans_insn *insn = &prog[i];
		bool logits = insn->op == CTRANS_INSN_LOGITS;
		struct ct_work w = { 0 };

		memset(&cost[i], 0, sizeof(cost[i]));
		cost[i].size = sizeof(cost[i]);
		switch (insn->op) {
		case CTRANS_INSN_EMBED:
			embed(costs, &insn->embed, step, &w);
			break;
		case CTRANS_INSN_NORM:
			norm(costs, &insn->norm, step, &w);
			break;
		case CTRANS_INSN_ATTENTION:
			attention(costs, &insn->attention, step, &w);
			break;
		default:
			if (insn->linear.encoding == CTRANS_ENC_F32)
				return ct_fail(err, -ENOTSUP,
					"binary32 weights have no modelled cost: no chip computes with them");
			/* a head that nobody asks costs nothing */
			if (logits && !step->logits) {
				profiles++;
				continue;
			}
			linear(costs, &insn->linear, logits ? step->logits : step->rows,
			       profiles++, &w);
			break;
		}
		ct_work_cost(costs, &w, &ahead, &cost[i]);
	}
	return 0;
}

void ct_estimate_add(struct ctrans_layer_cost *sum,
		     const struct ctrans_layer_cost *part)
{
	sum->cycles += part->cycles;
	sum->cycles_compute += part->cycles_compute;
	sum->cycles_external += part->cycles_external;
	sum->cycles_stall += part->cycles_stall;
	sum->values_zero += part->values_zero;
	sum->values_dense += part->values_dense;
	sum->values_spiking += part->values_spiking;
	sum->values_outlier += part->values_outlier;
	sum->spikes += part->spikes;
	sum->dense_fj += part->dense_fj;
	sum->spiking_fj += part->spiking_fj;
	sum->outlier_fj += part->outlier_fj;
	sum->vector_fj += part->vector_fj;
	sum->sram_fj += part->sram_fj;
	sum->external_fj += part->external_fj;
	sum->static_fj += part->static_fj;
}
