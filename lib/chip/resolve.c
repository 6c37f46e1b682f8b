// SPDX-License-Identifier: MIT
/*
 * A job's operands: the context addresses in its instructions and block tables
 * become stretches of memory, before it runs and again where translations change.
 */
#include "chip/internal.h"

#include <stdlib.h>
#include <string.h>

struct resolver {
	struct chip *chip;
	struct chip_job *job;
	uint32_t insn;
};

/*
 * Looking up is work as well: a program and its tables may name far more than a
 * millisecond's. True: stop. Whoever it runs in, it counts as worker 0's.
 */
static bool looked_up(struct chip *chip, struct chip_job *job, uint32_t insn)
{
	if (!chip_unit_done(&chip->workers[0]))
		return false;
	chip_job_bad(job, CTRANS_ST_ABORTED, insn);
	return true;
}

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

static uint64_t weight_bytes(uint8_t encoding, uint32_t granules, uint32_t n_in,
			     uint32_t n_out)
{
	uint64_t out = chip_round_up(n_out, CTRANS_TILE_OUT);

	if (encoding == CTRANS_ENC_ESC)
		return (uint64_t)granules * CTRANS_GRANULE;
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

static int resolve_attention(const struct resolver *rs,
			     const struct ctrans_insn_attention *a)
{
	uint64_t width = (uint64_t)a->n_head * a->head_dim;
	uint32_t rows = rs->job->n_rows;
	int st = CTRANS_ST_OK;

	if (a->attend != CTRANS_ATTEND_STORE)
		st = must(rs, CHIP_IN, a->q_va, rows_bytes(rows, a->q_stride, width),
			  false);
	if (!st && a->attend != CTRANS_ATTEND_SOURCE)
		st = must(rs, CHIP_WEIGHT, a->k_va,
			  rows_bytes(rows, a->kv_stride, width), false) ?:
		     must(rs, CHIP_SCALE, a->v_va,
			  rows_bytes(rows, a->kv_stride, width), false);
	if (!st && a->bias_va)
		st = get(rs, CHIP_BIAS, a->bias_va,
			 (a->n_head - 1) * chip_bias_stride(a) +
			 4ull * (2 * a->bias_span + 1), false);
	if (!st && a->attend != CTRANS_ATTEND_STORE)
		st = must(rs, CHIP_OUT, a->out_va,
			  rows_bytes(rows, a->out_stride, width), true);
	return st;
}

static int resolve_op(const struct resolver *rs)
{
	struct chip_job *job = rs->job;
	const struct ctrans_insn *i = &job->ops[rs->insn].insn;
	const struct ctrans_insn_linear *l = &i->linear;
	const struct ctrans_insn_embed *e = &i->embed;
	const struct ctrans_insn_norm *n = &i->norm;
	uint32_t rows = job->n_rows, outs = rows;
	uint64_t pad;

	switch (i->op) {
	case CTRANS_INSN_EMBED:
		return must(rs, CHIP_WEIGHT, e->table_va,
			    weight_bytes(e->encoding, e->weight_granules, e->n,
					 e->n_vocab), false) ?:
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
			    weight_bytes(l->encoding, l->weight_granules, l->n_in,
					 l->n_out), false) ?:
		       get(rs, CHIP_COLSUM, l->colsum_va, 4 * pad, false) ?:
		       get(rs, CHIP_SCALE, l->scale_va, 4 * pad, false) ?:
		       get(rs, CHIP_BIAS, l->bias_va, 4 * pad, false) ?:
		       must(rs, CHIP_OUT, l->out_va,
			    rows_bytes(outs, l->out_stride, l->n_out), true) ?:
		       (i->op == CTRANS_INSN_LINEAR ?
			get(rs, CHIP_TOPK, l->norm_va, 4 * pad, false) :
			get(rs, CHIP_TOPK, l->topk_va,
			    (uint64_t)outs * l->topk_stride, true));
	default:
		return resolve_attention(rs, &i->attention);
	}
}

/* Both in one piece, and no byte in common: not even through another address. */
static bool apart(const struct chip_operand *a, const struct chip_operand *b)
{
	uintptr_t p = (uintptr_t)a->one.ptr, q = (uintptr_t)b->one.ptr;

	return !a->n_spans || !b->n_spans ||
	       (a->n_spans == 1 && b->n_spans == 1 &&
		(p + a->len <= q || q + b->len <= p));
}

/* Does writing the result leave alone what slower workers read for the same? */
static bool own_norm(const struct chip_op *op)
{
	return op->insn.op == CTRANS_INSN_NORM &&
	       apart(&op->o[CHIP_IN], &op->o[CHIP_OUT]) &&
	       apart(&op->o[CHIP_WEIGHT], &op->o[CHIP_OUT]) &&
	       apart(&op->o[CHIP_BIAS], &op->o[CHIP_OUT]);
}

/*
 * May workers take what the NORM before wrote from their own copies, and so
 * go on without a barrier? Not if this linear writes what a slower worker's
 * NORM still reads, or one still writes.
 */
static bool from_norm(const struct chip_op *op)
{
	const struct ctrans_insn_linear *l = &op->insn.linear;
	const struct ctrans_insn_norm *n = &op[-1].insn.norm;

	return (op->insn.op == CTRANS_INSN_LINEAR ||
		op->insn.op == CTRANS_INSN_LOGITS) &&
	       op[-1].insn.op == CTRANS_INSN_NORM && op[-1].own_norm &&
	       n->out_va == l->in_va && n->out_stride == l->in_stride && n->n == l->n_in &&
	       apart(&op[-1].o[CHIP_IN], &op->o[CHIP_OUT]) &&
	       apart(&op[-1].o[CHIP_WEIGHT], &op->o[CHIP_OUT]) &&
	       apart(&op[-1].o[CHIP_BIAS], &op->o[CHIP_OUT]) &&
	       apart(&op[-1].o[CHIP_OUT], &op->o[CHIP_OUT]);
}

/* ---- Key/value blocks -------------------------------------------------- */

/* Rows' own: one for those of a sequence, however many. Blocks of all of them. */
static int find_sequences(struct chip_job *job, uint32_t *n_blocks)
{
	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct ctrans_row *row = &job->rows[r];
		struct chip_seq *s = job->n_seqs ? &job->seqs[job->n_seqs - 1] : NULL;

		if (row->blocks_va % 8)
			return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		if (!s || s->va != row->blocks_va || s->n_blocks != row->n_blocks) {
			s = &job->seqs[job->n_seqs++];
			s->va = row->blocks_va;
			s->n_blocks = row->n_blocks;
			*n_blocks += row->n_blocks;
		}
		s->end = row->position + 1;
		job->row_seq[r] = job->n_seqs - 1;
	}
	return CTRANS_ST_OK;
}

/* The next places of job->blocks go to @s; @reach: bytes of a block. */
static int fetch_table(struct chip *chip, struct chip_job *job, struct chip_seq *s,
		       uint64_t reach)
{
	s->blocks = job->blocks + job->n_blocks;
	job->n_blocks += s->n_blocks;
	for (uint32_t b = 0; b < s->n_blocks; b++) {
		uint64_t va;

		if (chip_copy_in(chip, job->ctx, s->va + 8ull * b, &va, 8,
				 &job->fault))
			return job->fault.status;
		if ((va % CTRANS_GRANULE))
			return chip_job_bad(job, CTRANS_ST_BAD_ARGS, UINT32_MAX);
		if (chip_resolve(chip, job->ctx, va, reach, false, &job->pool,
				 &s->blocks[b], &job->fault))
			return job->fault.status;
	}
	return looked_up(chip, job, UINT32_MAX) ? CTRANS_ST_ABORTED : CTRANS_ST_OK;
}

/* A block shared with others may be read-only; those written must not be. */
static int check_written(struct chip *chip, struct chip_job *job)
{
	for (uint32_t r = 0; r < job->n_rows; r++) {
		const struct chip_seq *s = &job->seqs[job->row_seq[r]];
		uint32_t b = job->rows[r].position / CTRANS_KV_POSITIONS;

		if (!s->blocks[b].writable) {
			struct chip_operand o;
			int st = chip_resolve(chip, job->ctx, s->blocks[b].va,
					      job->block_bytes, true, &job->pool,
					      &o, &job->fault);

			if (st)
				return st;
		}
	}
	return CTRANS_ST_OK;
}

/* Block tables, of sequences and of sources, as the program needs them. */
static int fetch_tables(struct chip *chip, struct chip_job *job)
{
	uint32_t need = 0;
	int st = CTRANS_ST_OK;

	job->n_seqs = 0;
	job->n_blocks = 0;
	if (job->block_bytes)
		st = find_sequences(job, &need);
	if (st)
		return st;
	for (uint32_t i = 0; i < job->n_sources; i++)
		need += job->sources[i].n_blocks;
	if (job->room_blocks < need) {
		struct chip_operand *b = realloc(job->blocks, need * sizeof(*b));

		if (!b)
			return chip_job_bad(job, CTRANS_ST_BUS, UINT32_MAX);
		job->blocks = b;
		job->room_blocks = need;
	}
	for (uint32_t q = 0; q < job->n_seqs && !st; q++)
		st = fetch_table(chip, job, &job->seqs[q], job->block_bytes);
	for (uint32_t i = 0; i < job->n_sources && !st; i++)
		st = fetch_table(chip, job, &job->sources[i], job->source_bytes);
	return !st && job->n_seqs ? check_written(chip, job) : st;
}

/* Also at a boundary inside a job, when translations have changed. */
int chip_job_resolve(struct chip *chip, struct chip_job *job)
{
	struct resolver rs = { .chip = chip, .job = job };
	int st = CTRANS_ST_OK;

	chip_tlb_drop(chip);
	job->pool.n = 0;
	for (rs.insn = 0; rs.insn < job->n_ops && !st; rs.insn++) {
		struct chip_op *op = &job->ops[rs.insn];

		st = resolve_op(&rs);
		op->own_norm = op->own_norm && !st && own_norm(op);
		op->from_norm = op->from_norm && !st && rs.insn && from_norm(op);
		if (!st && looked_up(chip, job, rs.insn))
			st = CTRANS_ST_ABORTED;
	}
	if (!st)
		st = fetch_tables(chip, job);
	if (!st && job->sqe.stats_va)
		st = chip_resolve(chip, job->ctx, job->sqe.stats_va,
				  (uint64_t)job->n_rows * job->n_ops *
				  sizeof(struct ctrans_stat), true, &job->pool,
				  &job->stats, &job->fault);
	/* after this nothing old is in use */
	chip_tlb_dropped(chip);
	return st;
}
