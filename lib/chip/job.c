// SPDX-License-Identifier: MIT
/*
 * A job: its program, arguments and tables are fetched once into the chip and
 * checked here, every operand is resolved (resolve.c), and only then does
 * anything run.
 */
#include "chip/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int chip_job_bad(struct chip_job *job, int status, uint32_t insn)
{
	job->fault.status = status;
	job->fault.insn = insn;
	job->fault.va = 0;
	return status;
}

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= b[i];
	return !any;
}

static bool finite_f32(uint32_t bits)
{
	return (bits & 0x7f800000u) != 0x7f800000u;
}

static bool positive_f32(uint32_t bits)
{
	return finite_f32(bits) && bits && !(bits >> 31);
}

/* ---- Instructions ----------------------------------------------------- */

static bool stride_ok(uint32_t stride, uint32_t n, uint32_t align)
{
	return stride % align == 0 && stride / 4 >= n;
}

static bool aligned(uint64_t va)
{
	return va % CTRANS_GRANULE == 0;
}

static bool width_ok(uint32_t n)
{
	return n && n <= CTRANS_WIDTH_MAX;
}

/* Encodings of weights, and what goes with each. */
static bool encoding_ok(uint8_t encoding, uint32_t granules, uint32_t n_in,
			uint32_t n_out)
{
	if (encoding == CTRANS_ENC_ESC)
		return granules >= chip_esc_least(n_in, n_out);
	return !granules && (encoding == CTRANS_ENC_S8 || encoding == CTRANS_ENC_F32);
}

static void widest(struct chip_job *job, uint32_t n)
{
	if (job->max_width < n)
		job->max_width = n;
}

static bool check_embed(struct chip_job *job, const struct ctrans_insn_embed *e)
{
	widest(job, e->n);
	return all_zero(e->rsvd, sizeof(e->rsvd)) && width_ok(e->n) &&
	       e->n_vocab && e->n_vocab <= CTRANS_OUT_MAX &&
	       e->n_positions <= CTRANS_POSITIONS_MAX &&
	       (e->n_positions > 0) == (e->position_va != 0) &&
	       encoding_ok(e->encoding, e->weight_granules, e->n, e->n_vocab) &&
	       (e->encoding != CTRANS_ENC_F32) == (e->scale_va != 0) &&
	       finite_f32(e->factor_f32) &&
	       aligned(e->table_va | e->scale_va | e->position_va | e->out_va) &&
	       stride_ok(e->out_stride, e->n, CTRANS_GRANULE);
}

static bool check_norm(struct chip_job *job, const struct ctrans_insn_norm *n)
{
	widest(job, n->n);
	return all_zero(n->rsvd, sizeof(n->rsvd)) && width_ok(n->n) &&
	       n->kind <= CTRANS_NORM_RMS && finite_f32(n->eps_f32) &&
	       !(n->eps_f32 >> 31) &&
	       aligned(n->in_va | n->out_va | n->gain_va | n->bias_va) &&
	       stride_ok(n->in_stride, n->n, CTRANS_GRANULE) &&
	       stride_ok(n->out_stride, n->n, CTRANS_GRANULE);
}

/* How values go to the domains, and what their spike trains are. */
static bool check_dispatch(const struct ctrans_insn_linear *l)
{
	if (l->code > CTRANS_CODE_NAF || l->by > CTRANS_BY_UNIT ||
	    (l->code == CTRANS_CODE_NAF && l->flags & CTRANS_LINEAR_FLIP))
		return false;
	if (l->by == CTRANS_BY_UNIT)
		return !l->spike_mask[0] && !l->spike_mask[1] &&
		       l->unit_low <= l->unit_high;
	return !l->unit_low && !l->unit_high;
}

static bool check_speculation(const struct ctrans_insn_linear *l)
{
	bool bound = l->speculation == CTRANS_SPEC_BOUND;
	bool sample = l->speculation == CTRANS_SPEC_SAMPLE;

	if (bound != (l->norm_va != 0) || sample != (l->spec_theta_f32 != 0) ||
	    sample != (l->spec_steps != 0) || l->spec_steps > 127)
		return false;
	if (!bound && !sample)
		return !l->speculation;
	if (l->encoding == CTRANS_ENC_F32 || l->flags)
		return false;
	if (bound)
		return l->act == CTRANS_ACT_RELU && l->code == CTRANS_CODE_RADIX;
	return l->code == CTRANS_CODE_RATE && positive_f32(l->spec_theta_f32);
}

static bool check_linear(struct chip_job *job, const struct ctrans_insn_linear *l,
			 bool logits)
{
	bool quantised = l->encoding != CTRANS_ENC_F32;

	widest(job, l->n_in);
	if (!all_zero(l->rsvd, sizeof(l->rsvd)) || !width_ok(l->n_in) ||
	    !l->n_out || l->n_out > CTRANS_OUT_MAX ||
	    !encoding_ok(l->encoding, l->weight_granules, l->n_in, l->n_out) ||
	    quantised != (l->scale_va != 0) || quantised != (l->colsum_va != 0) ||
	    !aligned(l->in_va | l->out_va | l->weight_va | l->colsum_va |
		     l->scale_va | l->bias_va | l->topk_va) ||
	    !stride_ok(l->in_stride, l->n_in, CTRANS_GRANULE) ||
	    !stride_ok(l->out_stride, l->n_out, CTRANS_GRANULE) ||
	    !positive_f32(l->theta_f32) ||
	    l->theta_mode > CTRANS_THETA_DYNAMIC || !check_dispatch(l) ||
	    l->act > CTRANS_ACT_SILU ||
	    l->flags & ~(CTRANS_LINEAR_ADD | CTRANS_LINEAR_FLIP | CTRANS_LINEAR_MUL) ||
	    (l->flags & CTRANS_LINEAR_ADD && l->flags & CTRANS_LINEAR_MUL))
		return false;
	if (!logits) {
		job->bounds |= l->speculation == CTRANS_SPEC_BOUND;
		return check_speculation(l) && !l->rows_max && !l->top_k;
	}
	return !l->act && !l->speculation && !l->spec_steps &&
	       !(l->flags & (CTRANS_LINEAR_ADD | CTRANS_LINEAR_MUL)) && l->rows_max &&
	       (l->topk_va != 0) == (l->topk_stride != 0) &&
	       l->topk_stride % CTRANS_GRANULE == 0 &&
	       l->top_k <= CTRANS_TOPK_MAX && (l->topk_va || !l->top_k) &&
	       (!l->topk_va || l->topk_stride >= sizeof(struct ctrans_topk) +
						 8u * l->top_k);
}

static bool check_bias(const struct ctrans_insn_attention *a)
{
	if (!a->bias_va)
		return !a->bias_span;
	return a->bias_span && a->bias_span <= CTRANS_BIAS_SPAN_MAX &&
	       aligned(a->bias_va) &&
	       (a->attend == CTRANS_ATTEND_CAUSAL || a->attend == CTRANS_ATTEND_FULL);
}

static bool check_attention(struct chip_job *job,
			    const struct ctrans_insn_attention *a)
{
	uint64_t width = (uint64_t)a->n_head * a->head_dim, head, end, *reach;
	bool source = a->attend == CTRANS_ATTEND_SOURCE;
	bool store = a->attend == CTRANS_ATTEND_STORE;

	if (a->attend > CTRANS_ATTEND_STORE || !check_bias(a) ||
	    (store && (a->q_va || a->q_stride || a->out_va || a->out_stride)) ||
	    (source && (a->k_va || a->v_va || a->kv_stride)))
		return false;
	if (!all_zero(a->rsvd, sizeof(a->rsvd)) || !a->n_head || !a->head_dim ||
	    a->head_dim > CTRANS_HEAD_DIM_MAX || width > CTRANS_WIDTH_MAX ||
	    a->kv_type > CTRANS_KV_S8 || !a->n_positions ||
	    a->n_positions > CTRANS_POSITIONS_MAX || !finite_f32(a->scale_f32) ||
	    !aligned(a->layer_offset) || a->layer_offset > UINT32_MAX ||
	    (a->q_va | a->k_va | a->v_va | a->out_va) % 4 ||
	    (!store && !stride_ok(a->q_stride, width, 4)) ||
	    (!source && !stride_ok(a->kv_stride, width, 4)) ||
	    (!store && !stride_ok(a->out_stride, width, 4)))
		return false;
	head = 2 * CTRANS_KV_TILE(a->kv_type, a->head_dim);
	end = a->layer_offset + a->n_head * head;
	reach = source ? &job->source_bytes : &job->block_bytes;
	if (*reach < end)
		*reach = end;
	if (a->bias_va && job->max_bias < 2 * a->bias_span + 1)
		job->max_bias = 2 * a->bias_span + 1;
	if (job->max_head < head)
		job->max_head = (uint32_t)head;
	if (job->max_head_dim < a->head_dim)
		job->max_head_dim = a->head_dim;
	widest(job, a->head_dim);
	return true;
}

static bool check_insn(struct chip_job *job, struct chip_op *op)
{
	const struct ctrans_insn *i = &op->insn;

	if (!all_zero(i->rsvd, sizeof(i->rsvd)))
		return false;
	switch (i->op) {
	case CTRANS_INSN_EMBED:
		return check_embed(job, &i->embed);
	case CTRANS_INSN_NORM:
		return check_norm(job, &i->norm);
	case CTRANS_INSN_LINEAR:
		return check_linear(job, &i->linear, false);
	case CTRANS_INSN_LOGITS:
		return check_linear(job, &i->linear, true);
	case CTRANS_INSN_ATTENTION:
		return check_attention(job, &i->attention);
	default:
		return false;
	}
}

static int fetch_program(struct chip *chip, struct chip_job *job)
{
	uint32_t n = job->sqe.prog_len / sizeof(struct ctrans_insn);

	if (job->room_ops < n) {
		struct chip_op *ops = realloc(job->ops, n * sizeof(*ops));

		if (!ops)
			return chip_job_bad(job, CTRANS_ST_BUS, 0);
		job->ops = ops;
		job->room_ops = n;
	}
	job->n_ops = n;
	job->max_width = 0;
	job->max_head = 0;
	job->max_head_dim = 0;
	job->block_bytes = 0;
	job->source_bytes = 0;
	job->max_bias = 0;
	job->bounds = false;
	for (uint32_t i = 0; i < n; i++) {
		struct chip_op *op = &job->ops[i];

		if (chip_copy_in(chip, job->ctx,
				 job->sqe.prog_va + i * sizeof(op->insn),
				 &op->insn, sizeof(op->insn), &job->fault)) {
			job->fault.insn = i;
			return job->fault.status;
		}
		memset(op->o, 0, sizeof(op->o));
		op->own_norm = true;
		op->from_norm = true;
		if (!check_insn(job, op))
			return chip_job_bad(job, CTRANS_ST_BAD_INSN, i);
	}
	return CTRANS_ST_OK;
}

/* ---- Arguments -------------------------------------------------------- */

static int room_for_rows(struct chip_job *job, uint32_t n)
{
	void *p;

	if (job->room_rows >= n)
		return 0;
#define GROW(field)							\
	do {								\
		p = realloc(job->field, (size_t)n * sizeof(*job->field));	\
		if (!p)							\
			return -ENOMEM;					\
		job->field = p;						\
	} while (0)
	GROW(rows);
	GROW(row_seq);
	GROW(logit_rows);
	GROW(seqs);
	GROW(sources);
	GROW(row_source);
	GROW(qrows);
	GROW(counts);
	GROW(stat);
#undef GROW
	job->room_rows = n;
	return 0;
}

static int fetch_args(struct chip *chip, struct chip_job *job)
{
	struct ctrans_args args;
	uint32_t logits = 0;

	if (chip_copy_in(chip, job->ctx, job->sqe.args_va, &args, sizeof(args),
			 &job->fault))
		return job->fault.status;
	if (!args.n_rows || args.n_rows > CTRANS_ROWS_MAX ||
	    args.n_logits > args.n_rows || !all_zero(args.rsvd, sizeof(args.rsvd)))
		return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
	if (room_for_rows(job, args.n_rows))
		return chip_job_bad(job, CTRANS_ST_BUS, UINT32_MAX);
	job->n_rows = args.n_rows;
	if (chip_copy_in(chip, job->ctx, job->sqe.args_va + sizeof(args), job->rows,
			 args.n_rows * sizeof(*job->rows), &job->fault))
		return job->fault.status;

	job->max_end = 0;
	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct ctrans_row *row = &job->rows[r];

		if (row->flags & ~CTRANS_ROW_LOGITS || !aligned(row->source_va) ||
		    row->position >= CTRANS_POSITIONS_MAX ||
		    row->n_blocks > CTRANS_POSITIONS_MAX / CTRANS_KV_POSITIONS)
			return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		if (row->flags & CTRANS_ROW_LOGITS) {
			if (logits == args.n_logits)
				return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
			job->logit_rows[logits++] = r;
		}
		if (job->max_end <= row->position)
			job->max_end = row->position + 1;
	}
	if (logits != args.n_logits)
		return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
	job->n_logits = logits;
	return CTRANS_ST_OK;
}

/* Rows that follow each other with the same source: it is fetched once for them. */
static int fetch_sources(struct chip *chip, struct chip_job *job)
{
	const uint32_t most = CTRANS_POSITIONS_MAX / CTRANS_KV_POSITIONS;
	uint64_t last = 0;

	job->n_sources = 0;
	for (uint32_t r = 0; job->source_bytes && r < job->n_rows; r++) {
		struct ctrans_source src;
		uint64_t va = job->rows[r].source_va;

		if (!va)	/* check_rows() says for which instruction */
			return CTRANS_ST_OK;
		job->row_source[r] = job->n_sources - (va == last);
		if (va == last)
			continue;
		last = va;
		if (chip_copy_in(chip, job->ctx, va, &src, sizeof(src), &job->fault))
			return job->fault.status;
		if (!src.n_positions || src.n_positions > CTRANS_POSITIONS_MAX ||
		    src.n_blocks > most ||
		    src.n_blocks <= (src.n_positions - 1) / CTRANS_KV_POSITIONS ||
		    !all_zero(src.rsvd, sizeof(src.rsvd)))
			return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		job->sources[job->n_sources++] = (struct chip_seq){
			.va = va + sizeof(src), .n_blocks = src.n_blocks,
			.end = src.n_positions,
		};
		if (job->max_end < src.n_positions)
			job->max_end = src.n_positions;
	}
	return CTRANS_ST_OK;
}

static bool row_attends(const struct chip_job *job, uint32_t r,
			const struct ctrans_insn_attention *a)
{
	const struct ctrans_row *row = &job->rows[r];

	if (a->attend == CTRANS_ATTEND_SOURCE)
		return row->source_va &&
		       job->sources[job->row_source[r]].end <= a->n_positions;
	return row->position < a->n_positions &&
	       row->position / CTRANS_KV_POSITIONS < row->n_blocks;
}

/* Rows against the limits that the program's instructions name. */
static int check_rows(struct chip_job *job)
{
	for (uint32_t i = 0; i < job->n_ops; i++) {
		const struct ctrans_insn *insn = &job->ops[i].insn;

		if (insn->op == CTRANS_INSN_LOGITS &&
		    insn->linear.rows_max < job->n_logits)
			return chip_job_bad(job, CTRANS_ST_BAD_ARGS, i);
		for (uint32_t r = 0; r < job->n_rows; r++) {
			const struct ctrans_row *row = &job->rows[r];
			bool ok = true;

			if (insn->op == CTRANS_INSN_EMBED)
				ok = row->token < insn->embed.n_vocab &&
				     (!insn->embed.n_positions ||
				      row->position < insn->embed.n_positions);
			else if (insn->op == CTRANS_INSN_ATTENTION)
				ok = row_attends(job, r, &insn->attention);
			if (!ok)
				return chip_job_bad(job, CTRANS_ST_BAD_ARGS, i);
		}
	}
	return CTRANS_ST_OK;
}

/* Fetch, check and resolve chip->job.sqe. Returns enum ctrans_status. */
int chip_job_load(struct chip *chip, struct chip_job *job)
{
	const struct ctrans_sqe *s = &job->sqe;
	uint32_t n = s->prog_len / sizeof(struct ctrans_insn);
	int st;

	memset(&job->fault, 0, sizeof(job->fault));
	job->fault.insn = UINT32_MAX;
	memset(&job->total, 0, sizeof(job->total));
	job->n_ops = 0;
	job->n_rows = 0;

	if (s->flags || s->rsvd0 || s->rsvd1 || s->rsvd2[0] || s->rsvd2[1])
		return chip_job_bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);
	if (s->op == CTRANS_OP_NOP) {
		if (s->prog_va || s->prog_len || s->args_va || s->stats_va)
			return chip_job_bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);
		return CTRANS_ST_OK;
	}
	if (s->op != CTRANS_OP_RUN || !n || n > CTRANS_PROG_MAX ||
	    s->prog_len % sizeof(struct ctrans_insn) ||
	    !aligned(s->prog_va | s->args_va | s->stats_va))
		return chip_job_bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);

	st = fetch_args(chip, job);
	if (!st)
		st = fetch_program(chip, job);
	if (!st)
		st = fetch_sources(chip, job);
	if (!st)
		st = check_rows(job);
	if (!st)
		st = chip_job_resolve(chip, job);
	if (st)
		return st;
	for (unsigned int i = 0; i < chip->n_workers; i++)
		if (chip_worker_room(&chip->workers[i], job))
			return chip_job_bad(job, CTRANS_ST_BUS, UINT32_MAX);
	if (chip_job_qrows(job))
		return chip_job_bad(job, CTRANS_ST_BUS, UINT32_MAX);
	return CTRANS_ST_OK;
}

/* LINEAR or LOGITS from @at on; what its next phase is, or the next instruction's. */
static struct chip_at linear_phase(struct chip_worker *w, struct chip_at at)
{
	const struct chip_job *job = chip_worker_job(w);
	const struct chip_op *op = &job->ops[at.op];
	const struct ctrans_insn_linear *l = &op->insn.linear;
	bool rows = op->insn.op == CTRANS_INSN_LINEAR || job->n_logits;

	switch (at.step) {
	case CHIP_STEP_FIRST:
		if (chip_linear_prepares(job, op)) {
			chip_exec_prepare(w, op);
			return (struct chip_at){ at.op, CHIP_STEP_SUMS };
		}
		/* fall through */
	case CHIP_STEP_SUMS:
		chip_exec_linear(w, op);
		if (rows && chip_linear_counts_late(w, op))
			return (struct chip_at){ at.op, CHIP_STEP_RECORDS };
		break;
	case CHIP_STEP_RECORDS:
		chip_exec_records(w, op);
		break;
	case CHIP_STEP_TOPK:
		chip_exec_topk(w, op);
		return (struct chip_at){ at.op + 1, CHIP_STEP_FIRST };
	}
	if (op->insn.op == CTRANS_INSN_LOGITS && rows && l->topk_va)
		return (struct chip_at){ at.op, CHIP_STEP_TOPK };
	return (struct chip_at){ at.op + 1, CHIP_STEP_FIRST };
}

/* A worker's part in the phase @at; returns the phase that follows it. */
struct chip_at chip_job_phase(struct chip_worker *w, struct chip_at at)
{
	const struct chip_job *job = chip_worker_job(w);
	const struct chip_op *op = &job->ops[at.op];
	struct chip_at next = { at.op + 1, CHIP_STEP_FIRST };
	bool own;

	switch (op->insn.op) {
	case CTRANS_INSN_EMBED:
		chip_exec_embed(w, op);
		return next;
	case CTRANS_INSN_ATTENTION:
		chip_exec_attention(w, op);
		return next;
	case CTRANS_INSN_NORM:
		/* where the reader has its own copy it need not wait for others' */
		own = job->n_rows <= CHIP_FEW_ROWS && next.op < job->n_ops &&
		      op[1].from_norm;
		chip_exec_norm(w, op, own);
		return own ? linear_phase(w, next) : next;
	default:
		return linear_phase(w, at);
	}
}

void chip_job_free(struct chip_job *job)
{
	free(job->ops);
	free(job->rows);
	free(job->row_seq);
	free(job->logit_rows);
	free(job->seqs);
	free(job->sources);
	free(job->row_source);
	free(job->blocks);
	free(job->pool.spans);
	free(job->qrows);
	free(job->counts);
	free(job->stat);
	free(job->qmem);
}
