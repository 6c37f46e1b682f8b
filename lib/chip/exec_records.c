// SPDX-License-Identifier: MIT
/* What a linear did, for its records: counted from its rows, or while it ran. */
#include "chip/internal.h"

#include <string.h>

/* Are its records known only when all sums are? */
bool chip_linear_counts_late(const struct chip_worker *w, const struct chip_op *op)
{
	const struct ctrans_insn_linear *l = &op->insn.linear;

	return l->encoding != CTRANS_ENC_F32 &&
	       (w->chip->reference || l->speculation == CTRANS_SPEC_BOUND);
}

/*
 * Every worker has counted the tiles it claimed, so the sum over workers is the
 * whole. Counting starts anew.
 */
static struct chip_domain_counts counted(const struct chip *chip, uint32_t i)
{
	struct chip_domain_counts sum = { 0 };

	for (unsigned int t = 0; t < chip->n_workers; t++) {
		struct chip_domain_counts *x = &chip->workers[t].executed[i];

		sum.dense_ops += x->dense_ops;
		sum.spike_ops += x->spike_ops;
		sum.outlier_ops += x->outlier_ops;
		for (uint32_t p = 0; p < CTRANS_BOUND_PLANES; p++)
			sum.done[p] += x->done[p];
		*x = (struct chip_domain_counts){ 0 };
	}
	return sum;
}

/* The reference reports what it executed. */
static void executed(const struct ctrans_insn_linear *l, uint64_t skipped,
		     const struct chip_domain_counts *sum, struct ctrans_stat *st)
{
	uint64_t pad = chip_round_up(l->n_out, CTRANS_TILE_OUT);

	st->ops_dense = sum->dense_ops;
	st->ops_outlier = sum->outlier_ops;
	st->ops_spiking = sum->spike_ops;
	if (l->speculation == CTRANS_SPEC_BOUND)
		st->ops_skipped = st->spikes * pad - st->ops_spiking;
	else
		st->spikes = sum->spike_ops / pad + skipped;
}

/* An output that is done before a plane has no spikes of this and the lower ones. */
static void leave_out(const struct chip_row_counts *row,
		      const struct chip_domain_counts *sum, struct ctrans_stat *st)
{
	uint64_t left = 0;

	for (uint32_t p = 0; p < CTRANS_BOUND_PLANES; p++) {
		if (p < row->timesteps)
			left += row->at_step[p];
		st->ops_skipped += sum->done[p] * left;
	}
	st->ops_spiking -= st->ops_skipped;
}

/* How often a row's outputs were looked at by the speculation unit. */
static uint64_t checks(uint32_t n_out, const struct chip_domain_counts *sum)
{
	uint64_t n = 0, open = n_out;

	for (uint32_t p = CTRANS_BOUND_PLANES; p-- > 0;) {
		n += open;
		open -= sum->done[p];
	}
	return n;
}

static void charge_row(const struct chip *chip, const struct ctrans_insn_linear *l,
		       uint32_t n_rows, uint32_t i, struct chip_shared *shared)
{
	const struct chip_row_counts *row = &chip->job.counts[i];
	struct ctrans_stat *st = &chip->job.stat[i];
	bool bound = l->speculation == CTRANS_SPEC_BOUND;
	struct chip_domain_counts sum;

	chip_charge_linear_row(&chip->costs, row, l->n_in, l->n_out, n_rows, st);
	if (l->flags & CTRANS_LINEAR_MUL)
		st->ops_vector += l->n_out;
	if (l->speculation == CTRANS_SPEC_SAMPLE)
		shared->draws += (uint64_t)(CHIP_TIMESTEPS - l->spec_steps) * l->n_out;
	if (!chip->reference && !bound)
		return;
	sum = counted(chip, i);
	if (chip->reference)
		executed(l, row->skipped, &sum, st);
	else
		leave_out(row, &sum, st);
	if (bound)
		shared->checks += checks(l->n_out, &sum);
}

void chip_linear_charge(struct chip_worker *w, const struct chip_op *op)
{
	const struct chip *chip = w->chip;
	const struct chip_job *job = &chip->job;
	const struct ctrans_insn_linear *l = &op->insn.linear;
	uint32_t n_rows = op->insn.op == CTRANS_INSN_LOGITS ? job->n_logits : job->n_rows;
	uint64_t pad = chip_round_up(l->n_out, CTRANS_TILE_OUT);
	struct chip_shared shared = { 0 };

	memset(job->stat, 0, n_rows * sizeof(*job->stat));
	for (uint32_t i = 0; i < n_rows; i++) {
		if (l->encoding != CTRANS_ENC_F32)
			charge_row(chip, l, n_rows, i, &shared);
		else	/* not a thing the chip can do; counted as vector work */
			job->stat[i].ops_vector = (uint64_t)l->n_in * l->n_out +
				(l->flags & CTRANS_LINEAR_MUL ? l->n_out : 0);
	}
	if (l->encoding != CTRANS_ENC_F32) {
		bool packed = l->encoding == CTRANS_ENC_ESC;

		chip_linear_bytes(&chip->costs, l->n_in, l->n_out, n_rows,
				  packed ? (uint64_t)l->weight_granules * CTRANS_GRANULE : 0,
				  &shared);
		/* scales, biases, norms, and the sums that flipping uses */
		shared.bytes_external += ((l->bias_va ? 12 : 8) +
			(l->speculation == CTRANS_SPEC_BOUND ? 4 : 0)) * pad;
	} else {
		shared.bytes_external = 4ull * chip_round_up(l->n_in, 16) * pad +
					(l->bias_va ? 4 * pad : 0);
	}
	chip_charge_op(w, op, n_rows, &shared);
}

/* Records that need the counts of every worker's tiles. */
void chip_exec_records(struct chip_worker *w, const struct chip_op *op)
{
	if (w->first)
		chip_linear_charge(w, op);
}
