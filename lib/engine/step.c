// SPDX-License-Identifier: MIT
/* One step: argument block, one entry, one completion, results. */
#include <errno.h>
#include <string.h>

#include "engine/core_impl.h"
#include "engine/usage.h"

/* The position of row @i: its sequence's, and one more for each row before. */
static void fill_args(struct ct_core *core, const struct ct_step_row *rows, size_t n)
{
	struct ctrans_row *out = (struct ctrans_row *)(core->args + 1);
	uint32_t ahead = 0, logits = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ct_step_row *r = &rows[i];

		ahead = i && rows[i - 1].seq == r->seq ? ahead + 1 : 0;
		out[i] = (struct ctrans_row){
			.token = r->token,
			.position = r->seq->position + ahead,
			.flags = ct_row_wants(r) ? CTRANS_ROW_LOGITS : 0,
			.n_blocks = r->seq->n_blocks,
			.blocks_va = r->seq->table.va,
			.source_va = r->seq->source ? r->seq->source->buf.va : 0,
		};
		logits += ct_row_wants(r);
	}
	memset(core->args, 0, sizeof(*core->args));
	core->args->n_rows = (uint32_t)n;
	core->args->n_logits = logits;
}

int ct_core_submit(struct ct_core *core, uint64_t prog_va, size_t n_insns,
		   uint64_t args_va, uint64_t stats_va, struct ct_err *err)
{
	struct ctrans_sqe sqe = {
		.op = CTRANS_OP_RUN,
		.sequence = ++core->sequence,
		.prog_va = prog_va,
		.prog_len = (uint32_t)(n_insns * sizeof(struct ctrans_insn)),
		.args_va = args_va,
		.stats_va = stats_va,
	};
	struct ctrans_cqe cqe;
	uint64_t start;
	int ret;

	start = ct_now_ns();
	ret = ct_queue_submit(core->queue, &sqe);
	if (ret)
		return ct_fail(err, -EIO, "the device's queue is full");
	ret = ct_queue_wait(core->queue, &cqe, err);
	if (ret)
		return ret;
	core->step_ns = ct_now_ns() - start;
	if (cqe.status != CTRANS_ST_OK) {
		ct_queue_explain(core->queue, &cqe, err);
		return -EIO;
	}
	return 0;
}

int ct_core_run(struct ct_core *core, uint64_t prog_va, size_t n_insns,
		const struct ct_step_row *rows, size_t n, bool stats,
		struct ct_err *err)
{
	fill_args(core, rows, n);
	return ct_core_submit(core, prog_va, n_insns, core->args_va,
			      stats ? core->stats_va : 0, err);
}

void ct_cost_add(struct ctrans_cost *sum, const struct ctrans_cost *part)
{
	const uint64_t *from = (const uint64_t *)part;
	uint64_t *to = (uint64_t *)sum;

	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "all u64");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

void ct_core_add_stat(struct ctrans_cost *c, const struct ctrans_stat *s)
{
	c->cycles += s->cycles;
	c->values_zero += s->values_zero;
	c->values_dense += s->values_dense;
	c->values_spiking += s->values_spiking;
	c->values_outlier += s->values_outlier;
	c->values_clamped += s->values_clamped;
	c->spikes += s->spikes;
	c->ops_dense += s->ops_dense;
	c->ops_spiking += s->ops_spiking;
	c->ops_outlier += s->ops_outlier;
	c->ops_vector += s->ops_vector;
	c->bytes_sram += s->bytes_sram;
	c->bytes_external += s->bytes_external;
	c->dense_fj += s->energy_dense_fj;
	c->spiking_fj += s->energy_spiking_fj;
	c->outlier_fj += s->energy_outlier_fj;
	c->vector_fj += s->energy_vector_fj;
	c->sram_fj += s->energy_sram_fj;
	c->external_fj += s->energy_external_fj;
	c->static_fj += s->energy_static_fj;
	c->cycles_compute += s->cycles_compute;
	c->cycles_external += s->cycles_external;
	c->cycles_stall += s->cycles_stall;
	c->ops_skipped += s->ops_skipped;
}

static void collect_costs(const struct ct_core *core, size_t n,
			  struct ctrans_cost (*cost)[CTRANS_KINDS])
{
	_Static_assert((int)CTRANS_KINDS == (int)CT_INSN_KINDS, "one list of kinds");
	_Static_assert((int)CTRANS_KIND_HEAD == (int)CT_INSN_HEAD, "in one order");

	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < core->n_insns; i++)
			ct_core_add_stat(&cost[r][ct_tag_kind(core->prog[i].tag)],
				 &core->stats[r * core->n_insns + i]);
}

static void collect_row(const struct ct_core *core, struct ct_step_row *r, size_t slot)
{
	const float *logits = (const float *)((const uint8_t *)core->work.cpu +
		(core->at.logits - core->work.va) + slot * core->at.logits_stride);
	const struct ctrans_topk *top = (const struct ctrans_topk *)
		(core->topk + slot * core->at.topk_stride);

	if (r->logits)
		memcpy(r->logits, logits, 4ull * core->cfg.n_vocab);
	if (r->want_target)
		r->target_logit = logits[r->target];
	if (r->best) {
		_Static_assert(sizeof(top->e[0]) == sizeof(r->best->top[0]),
			       "an id and a logit");
		memcpy(&r->best->lse, &top->lse_f32, 4);
		r->best->n = top->n < CT_STEP_TOPK ? top->n : CT_STEP_TOPK;
		memcpy(r->best->top, top->e, r->best->n * sizeof(top->e[0]));
	}
}

static int check_rows(const struct ct_core *core, const struct ct_step_row *rows,
		      size_t n, struct ct_err *err)
{
	uint32_t ahead = 0, logits = 0;

	if (!n || n > CT_STEP_ROWS)
		return ct_fail(err, -EINVAL, "a step of %zu rows; there may be %u", n,
			       CT_STEP_ROWS);
	for (size_t i = 0; i < n; i++) {
		const struct ct_step_row *r = &rows[i];

		if (r->token >= core->cfg.n_vocab ||
		    (r->want_target && r->target >= core->cfg.n_vocab))
			return ct_fail(err, -EINVAL,
				"token %u: the model has 0 to %u",
				r->token >= core->cfg.n_vocab ? r->token : r->target,
				core->cfg.n_vocab - 1);
		if (ct_has_encoder(&core->cfg) && !r->seq->source)
			return ct_fail(err, -EINVAL,
				"the model has an encoder, and the text no source that it has read");
		ahead = i && rows[i - 1].seq == r->seq ? ahead + 1 : 0;
		if (r->seq->position + ahead >= core->context)
			return ct_fail(err, -E2BIG, "the context of %u tokens is full",
				       core->context);
		logits += ct_row_wants(r);
	}
	if (logits > CT_STEP_LOGITS)
		return ct_fail(err, -EINVAL, "logits of %u rows; a step gives %u",
			       logits, CT_STEP_LOGITS);
	return 0;
}

int ct_core_step(struct ct_core *core, struct ct_step_row *rows, size_t n,
		 struct ctrans_cost (*cost)[CTRANS_KINDS], struct ct_err *err)
{
	size_t slot = 0;
	int ret;

	ret = check_rows(core, rows, n, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&core->lock);
	for (size_t i = 0; i < n && !ret; i++) {
		size_t end = i;

		while (end + 1 < n && rows[end + 1].seq == rows[i].seq)
			end++;
		ret = ct_seq_reserve(rows[i].seq, rows[i].seq->position +
				     (uint32_t)(end - i) + 1, err);
		i = end;
	}
	if (!ret)
		ret = ct_core_run(core, core->prog_va, core->n_insns, rows, n,
				  cost != NULL, err);
	for (size_t i = 0; i < n && !ret; i++) {
		rows[i].device_ns = core->step_ns / n;
		if (ct_row_wants(&rows[i]))
			collect_row(core, &rows[i], slot++);
	}
	if (ret)
		ct_seq_retreat(core, rows, n);
	else
		ct_seq_advance(core, rows, n);
	if (!ret && cost)
		collect_costs(core, n, cost);
	pthread_mutex_unlock(&core->lock);
	return ret;
}
