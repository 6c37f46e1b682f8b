// SPDX-License-Identifier: MIT
/* Entries, programs and arguments: some that run, some almost, some garbage. */
#include <string.h>

#include "fuzz.h"

void fuzz_fill_sqe(struct fuzz *f, struct ctrans_sqe *sqe)
{
	*sqe = nop(fuzz_draw(f));
	if (fuzz_rare(f, 3))
		return;
	sqe->op = CTRANS_OP_RUN;
	sqe->prog_va = fuzz_va(f) + fuzz_below(f, 4) * 128;
	sqe->prog_len = (uint32_t)(1 + fuzz_below(f, 6)) * 128;
	sqe->args_va = fuzz_va(f);
	sqe->stats_va = fuzz_rare(f, 2) ? fuzz_va(f) : 0;
	fuzz_spoil(f, sqe, sizeof(*sqe));
}

void fuzz_fill_args(struct fuzz *f, struct ctrans_args *args)
{
	struct ctrans_row *row = (struct ctrans_row *)(args + 1);
	uint32_t n = 1 + (uint32_t)fuzz_below(f, 8);

	*args = (struct ctrans_args){ .n_rows = n };
	for (uint32_t i = 0; i < n; i++) {
		row[i] = (struct ctrans_row){
			.token = (uint32_t)fuzz_below(f, 20),
			.position = i,
			.flags = (uint32_t)fuzz_below(f, 2),
			.n_blocks = 1,
			.blocks_va = fuzz_va(f),
		};
		args->n_logits += row[i].flags;
	}
	fuzz_spoil(f, args, sizeof(*args) + n * sizeof(*row));
}

/* Widths small: the chip is to be confused, not kept busy. */
void fuzz_fill_insn(struct fuzz *f, struct ctrans_insn *insn)
{
	uint32_t n = 16u << fuzz_below(f, 5), stride = n * 4;

	*insn = (struct ctrans_insn){ .op = (uint8_t)(1 + fuzz_below(f, 5)) };
	switch (insn->op) {
	case CTRANS_INSN_EMBED:
		insn->embed = (struct ctrans_insn_embed){
			.table_va = fuzz_va(f), .scale_va = fuzz_va(f),
			.out_va = fuzz_va(f), .out_stride = stride, .n = n,
			.n_vocab = 32, .n_positions = 16,
			.position_va = fuzz_rare(f, 2) ? fuzz_va(f) : 0,
		};
		break;
	case CTRANS_INSN_NORM:
		insn->norm = (struct ctrans_insn_norm){
			.in_va = fuzz_va(f), .out_va = fuzz_va(f),
			.gain_va = fuzz_va(f), .in_stride = stride,
			.out_stride = stride, .n = n, .eps_f32 = 0x3f800000,
		};
		break;
	case CTRANS_INSN_LINEAR:
	case CTRANS_INSN_LOGITS:
		insn->linear = (struct ctrans_insn_linear){
			.in_va = fuzz_va(f), .out_va = fuzz_va(f),
			.weight_va = fuzz_va(f), .colsum_va = fuzz_va(f),
			.scale_va = fuzz_va(f), .in_stride = stride,
			.out_stride = stride, .n_in = n, .n_out = n,
			.spike_mask = { fuzz_draw(f), 0 },
			.theta_f32 = 0x3f800000, .rows_max = 8,
			.theta_mode = (uint8_t)fuzz_below(f, 2),
		};
		if (insn->op == CTRANS_INSN_LINEAR)
			insn->linear.act = (uint8_t)fuzz_below(f, 5);
		break;
	default:
		insn->attention = (struct ctrans_insn_attention){
			.q_va = fuzz_va(f), .k_va = fuzz_va(f), .v_va = fuzz_va(f),
			.out_va = fuzz_va(f), .q_stride = stride,
			.kv_stride = stride, .out_stride = stride,
			.n_head = 1, .head_dim = n, .scale_f32 = 0x3f800000,
			.n_positions = 64,
		};
	}
	fuzz_spoil(f, insn, sizeof(*insn));
}

/* Something that the chip may take for what it is, anywhere in a mapping. */
void fuzz_write_map(struct fuzz *f)
{
	struct fuzz_map *map = &f->map[fuzz_below(f, FUZZ_NAMES)];
	char *at;

	if (!map->at || !map->writable || map->size < PAGE)
		return;
	at = map->at + fuzz_below(f, map->size / PAGE) * PAGE;
	switch (fuzz_below(f, 6)) {
	case 0:
		for (int i = 0; i < 8; i++)
			fuzz_fill_sqe(f, (struct ctrans_sqe *)at + i);
		break;
	case 1:
		for (int i = 0; i < 8; i++)
			fuzz_fill_insn(f, (struct ctrans_insn *)at + i);
		break;
	case 2:
		fuzz_fill_args(f, (struct ctrans_args *)at);
		break;
	case 3:
		for (int i = 0; i < 16; i++)
			((uint64_t *)at)[i] = fuzz_va(f);
		break;
	case 4:
		for (int i = 0; i < 64; i++)
			((uint64_t *)at)[i] = fuzz_draw(f);
		break;
	default:
		/* doorbells, where the mapping is one */
		((volatile uint32_t *)at)[fuzz_below(f, 3)] =
			(uint32_t)fuzz_index(f, ((volatile uint32_t *)at)[0]);
	}
}
