// SPDX-License-Identifier: MIT
/*
 * A job: its program, arguments and tables are fetched once into the chip and
 * checked here, every operand is resolved, and only then does anything run.
 */
#include "chip/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int bad(struct chip_job *job, int status, uint32_t insn)
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
	       (e->encoding == CTRANS_ENC_S8 || e->encoding == CTRANS_ENC_F32) &&
	       (e->encoding == CTRANS_ENC_S8) == (e->scale_va != 0) &&
	       aligned(e->table_va | e->scale_va | e->position_va | e->out_va) &&
	       stride_ok(e->out_stride, e->n, CTRANS_GRANULE);
}

static bool check_norm(struct chip_job *job, const struct ctrans_insn_norm *n)
{
	widest(job, n->n);
	return all_zero(n->rsvd, sizeof(n->rsvd)) && width_ok(n->n) &&
	       n->kind == CTRANS_NORM_LAYER && finite_f32(n->eps_f32) &&
	       !(n->eps_f32 >> 31) &&
	       aligned(n->in_va | n->out_va | n->gain_va | n->bias_va) &&
	       stride_ok(n->in_stride, n->n, CTRANS_GRANULE) &&
	       stride_ok(n->out_stride, n->n, CTRANS_GRANULE);
}

static bool check_linear(struct chip_job *job, const struct ctrans_insn_linear *l,
			 bool logits)
{
	bool s8 = l->encoding == CTRANS_ENC_S8;

	widest(job, l->n_in);
	if (!all_zero(l->rsvd, sizeof(l->rsvd)) || !width_ok(l->n_in) ||
	    !l->n_out || l->n_out > CTRANS_OUT_MAX ||
	    !(s8 || l->encoding == CTRANS_ENC_F32) ||
	    s8 != (l->scale_va != 0) || s8 != (l->colsum_va != 0) ||
	    !aligned(l->in_va | l->out_va | l->weight_va | l->colsum_va |
		     l->scale_va | l->bias_va | l->topk_va) ||
	    !stride_ok(l->in_stride, l->n_in, CTRANS_GRANULE) ||
	    !stride_ok(l->out_stride, l->n_out, CTRANS_GRANULE) ||
	    !positive_f32(l->theta_f32) ||
	    l->theta_mode > CTRANS_THETA_DYNAMIC || l->code > CTRANS_CODE_RADIX ||
	    l->act > CTRANS_ACT_SILU || l->flags & ~CTRANS_LINEAR_ADD)
		return false;
	if (!logits)
		return !l->topk_va && !l->topk_stride && !l->rows_max && !l->top_k;
	return !l->act && !l->flags && l->rows_max &&
	       (l->topk_va != 0) == (l->topk_stride != 0) &&
	       l->topk_stride % CTRANS_GRANULE == 0 &&
	       l->top_k <= CTRANS_TOPK_MAX && (l->topk_va || !l->top_k) &&
	       (!l->topk_va || l->topk_stride >= sizeof(struct ctrans_topk) +
						 8u * l->top_k);
}

static uint32_t element_size(uint8_t kv_type)
{
	return kv_type == CTRANS_KV_F16 ? 2 : 4;
}

static bool check_attention(struct chip_job *job,
			    const struct ctrans_insn_attention *a)
{
	uint64_t width = (uint64_t)a->n_head * a->head_dim, head, end;

	if (!all_zero(a->rsvd, sizeof(a->rsvd)) || !a->n_head || !a->head_dim ||
	    a->head_dim > CTRANS_HEAD_DIM_MAX || width > CTRANS_WIDTH_MAX ||
	    a->kv_type > CTRANS_KV_F32 || !a->n_positions ||
	    a->n_positions > CTRANS_POSITIONS_MAX || !finite_f32(a->scale_f32) ||
	    !aligned(a->layer_offset) || a->layer_offset > UINT32_MAX ||
	    (a->q_va | a->k_va | a->v_va | a->out_va) % 4 ||
	    !stride_ok(a->q_stride, width, 4) ||
	    !stride_ok(a->kv_stride, width, 4) ||
	    !stride_ok(a->out_stride, width, 4))
		return false;
	head = 2ull * CTRANS_KV_POSITIONS * a->head_dim * element_size(a->kv_type);
	end = a->layer_offset + a->n_head * head;
	if (job->block_bytes < end)
		job->block_bytes = end;
	if (job->max_head < head)
		job->max_head = (uint32_t)head;
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
		return check_linear(job, &i->linear, true) &&
		       i->linear.rows_max >= job->n_logits;
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
			return bad(job, CTRANS_ST_BUS, 0);
		job->ops = ops;
		job->room_ops = n;
	}
	job->n_ops = n;
	job->max_width = 0;
	job->max_head = 0;
	job->block_bytes = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct chip_op *op = &job->ops[i];

		if (chip_copy_in(chip, job->ctx,
				 job->sqe.prog_va + i * sizeof(op->insn),
				 &op->insn, sizeof(op->insn), &job->fault)) {
			job->fault.insn = i;
			return job->fault.status;
		}
		if (!check_insn(job, op))
			return bad(job, CTRANS_ST_BAD_INSN, i);
		op->from_norm = i && op->insn.op != CTRANS_INSN_NORM &&
			op[-1].insn.op == CTRANS_INSN_NORM &&
			(op->insn.op == CTRANS_INSN_LINEAR ||
			 op->insn.op == CTRANS_INSN_LOGITS) &&
			op[-1].insn.norm.out_va == op->insn.linear.in_va &&
			op[-1].insn.norm.in_va != op->insn.linear.in_va &&
			op[-1].insn.norm.out_stride == op->insn.linear.in_stride &&
			op[-1].insn.norm.n == op->insn.linear.n_in;
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
		return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
	if (room_for_rows(job, args.n_rows))
		return bad(job, CTRANS_ST_BUS, UINT32_MAX);
	job->n_rows = args.n_rows;
	if (chip_copy_in(chip, job->ctx, job->sqe.args_va + sizeof(args), job->rows,
			 args.n_rows * sizeof(*job->rows), &job->fault))
		return job->fault.status;

	job->max_position = 0;
	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct ctrans_row *row = &job->rows[r];

		if (row->flags & ~CTRANS_ROW_LOGITS || row->rsvd ||
		    row->position >= CTRANS_POSITIONS_MAX ||
		    row->n_blocks > CTRANS_POSITIONS_MAX / CTRANS_KV_POSITIONS)
			return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		if (row->flags & CTRANS_ROW_LOGITS) {
			if (logits == args.n_logits)
				return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
			job->logit_rows[logits++] = r;
		}
		if (job->max_position < row->position)
			job->max_position = row->position;
	}
	if (logits != args.n_logits)
		return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
	job->n_logits = logits;
	return CTRANS_ST_OK;
}

/* Rows against the limits that the program's instructions name. */
static int check_rows(struct chip_job *job)
{
	for (uint32_t i = 0; i < job->n_ops; i++) {
		const struct ctrans_insn *insn = &job->ops[i].insn;

		for (uint32_t r = 0; r < job->n_rows; r++) {
			const struct ctrans_row *row = &job->rows[r];
			bool ok = true;

			if (insn->op == CTRANS_INSN_EMBED)
				ok = row->token < insn->embed.n_vocab &&
				     (!insn->embed.n_positions ||
				      row->position < insn->embed.n_positions);
			else if (insn->op == CTRANS_INSN_ATTENTION)
				ok = row->position < insn->attention.n_positions &&
				     row->position / CTRANS_KV_POSITIONS < row->n_blocks;
			if (!ok)
				return bad(job, CTRANS_ST_BAD_ARGS, i);
		}
	}
	return CTRANS_ST_OK;
}

/* ---- Operands --------------------------------------------------------- */

struct resolver {
	struct chip *chip;
	struct chip_job *job;
	uint32_t insn;
};

static int get(const struct resolver *rs, enum chip_operand_slot slot,
	       uint64_t va, uint64_t len, bool write)
{
	struct chip_job *job = rs->job;
	struct chip_operand *o = &job->ops[rs->insn].o[slot];
	int st;

	if (!va) {
		memset(o, 0, sizeof(*o));
		return CTRANS_ST_OK;
	}
	st = chip_resolve(rs->chip, job->ctx, va, len, write, &job->pool, o,
			  &job->fault);
	if (st)
		job->fault.insn = rs->insn;
	return st;
}

static uint64_t rows_bytes(uint32_t rows, uint32_t stride, uint64_t n)
{
	return rows ? (uint64_t)(rows - 1) * stride + 4 * n : 0;
}

static uint64_t weight_bytes(uint8_t encoding, uint32_t n_in, uint32_t n_out)
{
	uint64_t out = chip_round_up(n_out, CTRANS_TILE_OUT);

	return encoding == CTRANS_ENC_S8 ? out * chip_round_up(n_in, 4) :
					   out * chip_round_up(n_in, 16) * 4;
}

/* VAs that must not be absent are below CTRANS_VA_MIN when zero and fault. */
static int must(const struct resolver *rs, enum chip_operand_slot slot,
		uint64_t va, uint64_t len, bool write)
{
	if (va)
		return get(rs, slot, va, len, write);
	rs->job->fault.va = 0;
	rs->job->fault.write = write;
	rs->job->fault.status = CTRANS_ST_FAULT;
	rs->job->fault.insn = rs->insn;
	return CTRANS_ST_FAULT;
}

static int resolve_op(const struct resolver *rs)
{
	struct chip_job *job = rs->job;
	const struct ctrans_insn *i = &job->ops[rs->insn].insn;
	const struct ctrans_insn_linear *l = &i->linear;
	const struct ctrans_insn_attention *a = &i->attention;
	const struct ctrans_insn_embed *e = &i->embed;
	const struct ctrans_insn_norm *n = &i->norm;
	uint32_t rows = job->n_rows, outs = rows;
	uint64_t pad, width;

	switch (i->op) {
	case CTRANS_INSN_EMBED:
		return must(rs, CHIP_WEIGHT, e->table_va,
			    weight_bytes(e->encoding, e->n, e->n_vocab), false) ?:
		       get(rs, CHIP_SCALE, e->scale_va, 4ull * e->n_vocab, false) ?:
		       get(rs, CHIP_BIAS, e->position_va,
			   (uint64_t)e->n_positions *
			   chip_round_up(4 * e->n, CTRANS_GRANULE), false) ?:
		       must(rs, CHIP_OUT, e->out_va,
			    rows_bytes(rows, e->out_stride, e->n), true);
	case CTRANS_INSN_NORM:
		return must(rs, CHIP_IN, n->in_va,
			    rows_bytes(rows, n->in_stride, n->n), false) ?:
		       must(rs, CHIP_WEIGHT, n->gain_va, 4ull * n->n, false) ?:
		       get(rs, CHIP_BIAS, n->bias_va, 4ull * n->n, false) ?:
		       must(rs, CHIP_OUT, n->out_va,
			    rows_bytes(rows, n->out_stride, n->n), true);
	case CTRANS_INSN_LOGITS:
		outs = job->n_logits;
		if (!outs)
			return CTRANS_ST_OK;
		/* fall through */
	case CTRANS_INSN_LINEAR:
		pad = chip_round_up(l->n_out, CTRANS_TILE_OUT);
		return must(rs, CHIP_IN, l->in_va,
			    rows_bytes(rows, l->in_stride, l->n_in), false) ?:
		       must(rs, CHIP_WEIGHT, l->weight_va,
			    weight_bytes(l->encoding, l->n_in, l->n_out), false) ?:
		       get(rs, CHIP_COLSUM, l->colsum_va, 4 * pad, false) ?:
		       get(rs, CHIP_SCALE, l->scale_va, 4 * pad, false) ?:
		       get(rs, CHIP_BIAS, l->bias_va, 4 * pad, false) ?:
		       must(rs, CHIP_OUT, l->out_va,
			    rows_bytes(outs, l->out_stride, l->n_out), true) ?:
		       get(rs, CHIP_TOPK, l->topk_va,
			   (uint64_t)outs * l->topk_stride, true);
	default:
		width = (uint64_t)a->n_head * a->head_dim;
		return must(rs, CHIP_IN, a->q_va,
			    rows_bytes(rows, a->q_stride, width), false) ?:
		       must(rs, CHIP_WEIGHT, a->k_va,
			    rows_bytes(rows, a->kv_stride, width), false) ?:
		       must(rs, CHIP_SCALE, a->v_va,
			    rows_bytes(rows, a->kv_stride, width), false) ?:
		       must(rs, CHIP_OUT, a->out_va,
			    rows_bytes(rows, a->out_stride, width), true);
	}
}

/* Block tables: fetched once a sequence, however many rows it has. */
static int fetch_tables(struct chip *chip, struct chip_job *job)
{
	uint32_t need = 0;

	job->n_seqs = 0;
	job->n_blocks = 0;
	if (!job->block_bytes)
		return CTRANS_ST_OK;

	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct ctrans_row *row = &job->rows[r];
		struct chip_seq *s = job->n_seqs ? &job->seqs[job->n_seqs - 1] : NULL;

		if (row->blocks_va % 8)
			return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		if (!s || s->va != row->blocks_va || s->n_blocks != row->n_blocks) {
			s = &job->seqs[job->n_seqs++];
			s->va = row->blocks_va;
			s->n_blocks = row->n_blocks;
			need += row->n_blocks;
		}
		job->row_seq[r] = job->n_seqs - 1;
	}
	if (job->room_blocks < need) {
		struct chip_operand *b = realloc(job->blocks, need * sizeof(*b));

		if (!b)
			return bad(job, CTRANS_ST_BUS, UINT32_MAX);
		job->blocks = b;
		job->room_blocks = need;
	}
	for (uint32_t q = 0; q < job->n_seqs; q++) {
		struct chip_seq *s = &job->seqs[q];

		s->blocks = job->blocks + job->n_blocks;
		job->n_blocks += s->n_blocks;
		for (uint32_t b = 0; b < s->n_blocks; b++) {
			uint64_t va;

			if (chip_copy_in(chip, job->ctx, s->va + 8ull * b, &va, 8,
					 &job->fault))
				return job->fault.status;
			if (!aligned(va))
				return bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
			if (chip_resolve(chip, job->ctx, va, job->block_bytes, false,
					 &job->pool, &s->blocks[b], &job->fault))
				return job->fault.status;
		}
	}
	/* a block shared with others may be read-only; those written must not be */
	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct chip_seq *s = &job->seqs[job->row_seq[r]];
		uint32_t b = job->rows[r].position / CTRANS_KV_POSITIONS;

		if (!s->blocks[b].writable) {
			bad(job, CTRANS_ST_FAULT, UINT32_MAX);
			job->fault.write = true;
			job->fault.va = s->va + 8ull * b;
			return CTRANS_ST_FAULT;
		}
	}
	return CTRANS_ST_OK;
}

/* Also at a boundary inside a job, when translations have changed. */
int chip_job_resolve(struct chip *chip, struct chip_job *job)
{
	struct resolver rs = { .chip = chip, .job = job };
	uint64_t seq = atomic_load(&chip->tlb_seq);
	uint64_t dirty = atomic_exchange(&chip->tlb_dirty, 0);
	int st = CTRANS_ST_OK;

	for (unsigned int c = 0; c < CTRANS_CONTEXTS; c++)
		if (dirty >> c & 1)
			chip_tlb_flush(chip, c);

	job->pool.n = 0;
	for (rs.insn = 0; rs.insn < job->n_ops && !st; rs.insn++)
		st = resolve_op(&rs);
	if (!st)
		st = fetch_tables(chip, job);
	if (!st && job->sqe.stats_va)
		st = chip_resolve(chip, job->ctx, job->sqe.stats_va,
				  (uint64_t)job->n_rows * job->n_ops *
				  sizeof(struct ctrans_stat), true, &job->pool,
				  &job->stats, &job->fault);
	/* after this nothing old is in use */
	if (dirty)
		atomic_store(&chip->tlb_ack, seq);
	return st;
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
		return bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);
	if (s->op == CTRANS_OP_NOP) {
		if (s->prog_va || s->prog_len || s->args_va || s->stats_va)
			return bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);
		return CTRANS_ST_OK;
	}
	if (s->op != CTRANS_OP_RUN || !n || n > CTRANS_PROG_MAX ||
	    s->prog_len % sizeof(struct ctrans_insn) ||
	    !aligned(s->prog_va | s->args_va | s->stats_va))
		return bad(job, CTRANS_ST_BAD_ENTRY, UINT32_MAX);

	st = fetch_args(chip, job);
	if (!st)
		st = fetch_program(chip, job);
	if (!st)
		st = check_rows(job);
	if (!st)
		st = chip_job_resolve(chip, job);
	if (st)
		return st;
	for (unsigned int i = 0; i < chip->n_workers; i++)
		if (chip_worker_room(&chip->workers[i], job))
			return bad(job, CTRANS_ST_BUS, UINT32_MAX);
	if (chip_job_qrows(job))
		return bad(job, CTRANS_ST_BUS, UINT32_MAX);
	return CTRANS_ST_OK;
}

/* Every worker walks the program; they part again only when all are through. */
void chip_job_run(struct chip_worker *w)
{
	struct chip_job *job = chip_worker_job(w);
	const uint32_t n = job->n_ops;	/* the next job may be loading at our end */
	bool stop = false;

	for (uint32_t i = 0; i < n && !stop; i++) {
		const struct chip_op *op = &job->ops[i];
		/* asked for now: behind the last barrier the job is worker 0's */
		const bool topk = op->insn.op == CTRANS_INSN_LOGITS &&
				  job->n_logits && op->insn.linear.topk_va;

		switch (op->insn.op) {
		case CTRANS_INSN_EMBED:
			chip_exec_embed(w, op);
			break;
		case CTRANS_INSN_NORM:
			chip_exec_norm(w, op);
			/* the reader has its own copy: nobody needs to wait */
			if (i + 1 < n && op[1].from_norm &&
			    job->n_rows <= CHIP_FEW_ROWS)
				continue;
			break;
		case CTRANS_INSN_ATTENTION:
			chip_exec_attention(w, op);
			break;
		default:
			chip_exec_linear(w, op);
			break;
		}
		stop = chip_barrier_wait(w);
		if (!stop && topk) {
			chip_exec_topk(w, op);
			stop = chip_barrier_wait(w);
		}
	}
	/* the last instruction's barrier was the last access to the job */
}

void chip_job_free(struct chip_job *job)
{
	free(job->ops);
	free(job->rows);
	free(job->row_seq);
	free(job->logit_rows);
	free(job->seqs);
	free(job->blocks);
	free(job->pool.spans);
	free(job->qrows);
	free(job->counts);
	free(job->stat);
	free(job->qmem);
}
