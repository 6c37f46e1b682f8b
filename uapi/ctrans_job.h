/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer job interface: what user space and the chip say to each other.
 *
 * This is the hardware manual of everything a process may touch without the
 * kernel: doorbell words, the status region, submission and completion
 * entries and argument blocks here, programs in ctrans_insn.h, the layouts of
 * weights, keys and values in ctrans_layout.h, statistics in ctrans_stat.h. It is
 * a stable ABI. The kernel's side of the chip (BAR0, page tables) is in
 * ctrans_regs.h.
 *
 * Conventions
 *  - Everything is little-endian. Reserved fields ("rsvd") must be zero; a
 *    non-zero one is CTRANS_ST_BAD_ENTRY, CTRANS_ST_BAD_INSN or
 *    CTRANS_ST_BAD_ARGS, so that they can get a meaning later.
 *  - A VA is an address of the queue's context: CTRANS_VA_BITS wide,
 *    translated by that context's page tables. VA 0 means "none" where a
 *    field may be absent; the first 64 KiB of a context are never translated.
 *  - Base addresses and strides are multiples of 64 unless said otherwise, so
 *    no 64-byte granule of any layout straddles a page.
 *  - A __u32 named *_f32 holds an IEEE 754 binary32.
 *  - Entries, instructions and arguments are fetched once and checked when
 *    used. Memory that changes while a job runs changes numbers, never what
 *    the chip may reach.
 */
#ifndef _UAPI_CTRANS_JOB_H
#define _UAPI_CTRANS_JOB_H

#include <linux/types.h>

#include "ctrans_insn.h"
#include "ctrans_stat.h"

#define CTRANS_VA_BITS		39
#define CTRANS_VA_MIN		0x10000ull
#define CTRANS_GRANULE		64

/* ---- Capabilities ---------------------------------------------------- */
/* What this chip has of what follows; the kernel reports them. */
#define CTRANS_CAP_S8		(1u << 0)
#define CTRANS_CAP_ESC		(1u << 1)
#define CTRANS_CAP_IWG		(1u << 2)
#define CTRANS_CAP_F32		(1u << 3)	/* F32 weights and F32 KV; model only */
#define CTRANS_CAP_RATE		(1u << 4)
#define CTRANS_CAP_RADIX	(1u << 5)
#define CTRANS_CAP_KV_S8	(1u << 6)
#define CTRANS_CAP_NAF		(1u << 7)
#define CTRANS_CAP_FLIP		(1u << 8)
#define CTRANS_CAP_UNIT		(1u << 9)
#define CTRANS_CAP_SPECULATION	(1u << 10)
/*
 * Encoders and decoders: attention other than CAUSAL and its biases, sources, RMS
 * norms, MUL, factors of embeddings.
 */
#define CTRANS_CAP_SEQ2SEQ	(1u << 11)

/* ---- Doorbells ------------------------------------------------------- */
/*
 * One 64 KiB page for each queue slot, so that no CPU page size maps a
 * neighbour's. Three 32-bit words decode; other offsets read as zero and
 * ignore writes. Words are states, not events: storing the value a word
 * already has means nothing.
 *
 * SQ_TAIL  index after the last entry the user has filled. Before the store
 *          the entries themselves must be visible (store-release).
 *          tail - head > queue size, or a tail that moves backwards, stops
 *          the queue with CTRANS_QERR_SQ_TAIL.
 * CQ_HEAD  index of the first completion not yet consumed. The chip admits a
 *          submission only while admitted - CQ_HEAD < CQ size, so the
 *          completion queue cannot overflow; a head beyond the completions
 *          written stops the queue with CTRANS_QERR_CQ_HEAD.
 * ARM      ask for one interrupt as soon as the completion index differs from
 *          the stored value (at once if it does already); each store of a new
 *          value arms again, the interrupt disarms. Starting a queue arms with
 *          the value the word holds.
 */
#define CTRANS_DB_PAGE_SIZE	0x10000
#define CTRANS_DB_SQ_TAIL	0x0
#define CTRANS_DB_CQ_HEAD	0x4
#define CTRANS_DB_ARM		0x8

/* ---- Queues ---------------------------------------------------------- */
/*
 * Indices are free-running 32-bit counters; the slot is index & (size - 1).
 * Sizes are powers of two. The submission entries are at a VA of the context;
 * completions are in the status region, which users can only read.
 */
#define CTRANS_QUEUE_LOG2_MIN	3
#define CTRANS_QUEUE_LOG2_MAX	12

enum ctrans_op {
	CTRANS_OP_NOP = 0,	/* completes with CTRANS_ST_OK, runs nothing */
	CTRANS_OP_RUN = 1,	/* run a program */
};

/**
 * struct ctrans_sqe - submission entry, 64 bytes
 * @op: enum ctrans_op
 * @flags: reserved
 * @rsvd0: reserved
 * @sequence: user's number for this entry; shown in the status line and in
 *	fault reports, otherwise without meaning
 * @user_data: copied to the completion
 * @prog_va: struct ctrans_insn array (RUN), else 0
 * @prog_len: bytes of program, a multiple of sizeof(struct ctrans_insn), at
 *	most CTRANS_PROG_MAX of them
 * @rsvd1: reserved
 * @args_va: struct ctrans_args followed by its rows (RUN), else 0
 * @stats_va: struct ctrans_stat[rows][instructions] to be written, or 0
 * @rsvd2: reserved
 */
struct ctrans_sqe {
	__u8 op;
	__u8 flags;
	__u16 rsvd0;
	__u32 sequence;
	__u64 user_data;
	__u64 prog_va;
	__u32 prog_len;
	__u32 rsvd1;
	__u64 args_va;
	__u64 stats_va;
	__u64 rsvd2[2];
};

/**
 * struct ctrans_cqe - completion entry, 32 bytes
 * @user_data: from the submission
 * @status: enum ctrans_status
 * @flags: reserved, zero
 * @cycles: modelled core clock cycles the job took (0 unless CTRANS_ST_OK)
 * @energy_pj: energy of the job in picojoules, all domains, rounded down
 *
 * Written before the completion index that covers it.
 */
struct ctrans_cqe {
	__u64 user_data;
	__s32 status;
	__u32 flags;
	__u64 cycles;
	__u64 energy_pj;
};

enum ctrans_status {
	CTRANS_ST_OK		= 0,
	CTRANS_ST_BAD_ENTRY	= 1,	/* submission entry malformed */
	CTRANS_ST_BAD_INSN	= 2,	/* instruction malformed or not in CAPS */
	CTRANS_ST_BAD_ARGS	= 3,	/* argument block or a row malformed */
	CTRANS_ST_FAULT		= 4,	/* an operand's VA is not mapped, or read-only */
	CTRANS_ST_ABORTED	= 5,	/* queue aborted or chip reset */
	CTRANS_ST_BUS		= 6,	/* mapped, but the bus refused the access */
	CTRANS_ST_BAD_WEIGHT	= 7,	/* compressed weights malformed */
};

/*
 * A job that fails stops its queue (CTRANS_QSTATE_ERROR) after its completion
 * has been written: what follows it may depend on it. The kernel restarts it.
 */
enum ctrans_qstate {
	CTRANS_QSTATE_STOPPED	= 0,
	CTRANS_QSTATE_RUNNING	= 1,
	CTRANS_QSTATE_ERROR	= 2,
};

enum ctrans_qerr {
	CTRANS_QERR_NONE	= 0,
	CTRANS_QERR_SQ_TAIL	= 1,	/* impossible submission tail */
	CTRANS_QERR_CQ_HEAD	= 2,	/* impossible completion head */
	CTRANS_QERR_SQ_FAULT	= 3,	/* submission ring not mapped */
	CTRANS_QERR_STATUS_BUS	= 4,	/* status region unreachable */
	CTRANS_QERR_JOB		= 5,	/* a job failed; see its completion */
};

/**
 * struct ctrans_status_line - line 0 of a queue's status region, the chip's
 * @sq_head: submissions fetched so far (index); its slots may be refilled
 * @cq_tail: completions written so far (index); load-acquire it
 * @state: enum ctrans_qstate
 * @error: enum ctrans_qerr
 * @fault_va: VA that failed, for FAULT and BUS
 * @fault_sequence: sequence of the failed entry
 * @fault_insn: index of the instruction that failed, 0xffffffff if none
 * @rsvd: zero
 */
struct ctrans_status_line {
	__u32 sq_head;
	__u32 cq_tail;
	__u32 state;
	__u32 error;
	__u64 fault_va;
	__u32 fault_sequence;
	__u32 fault_insn;
	__u32 rsvd[8];
};

/**
 * struct ctrans_kernel_line - line 1 of the status region, the kernel's
 * @state: enum ctrans_kernel_state
 * @reset_count: resets of the chip since it was probed
 * @rsvd: zero
 */
struct ctrans_kernel_line {
	__u32 state;
	__u32 reset_count;
	__u32 rsvd[14];
};

enum ctrans_kernel_state {
	CTRANS_KQ_READY		= 0,
	CTRANS_KQ_FAULTED	= 1,	/* stopped for an error of its own */
	CTRANS_KQ_TIMEDOUT	= 2,	/* its job was aborted: no progress, or a sleep */
	CTRANS_KQ_LOST		= 3,	/* reset under its job, or chip gone; make a new queue */
};

/* Status region: lines 0 and 1, then the completion entries. */
#define CTRANS_STATUS_LINE	0
#define CTRANS_STATUS_KERNEL	64
#define CTRANS_STATUS_CQ	128

/* ---- Argument block -------------------------------------------------- */
/**
 * struct ctrans_args - what changes from step to step, followed by the rows
 * @n_rows: rows in this step, 1..CTRANS_ROWS_MAX
 * @n_logits: rows with CTRANS_ROW_LOGITS set
 * @rsvd: reserved
 */
struct ctrans_args {
	__u32 n_rows;
	__u32 n_logits;
	__u32 rsvd[14];
};

#define CTRANS_ROWS_MAX		4096

/**
 * struct ctrans_row - one token of one sequence, 32 bytes
 * @token: token id; below the vocabulary of the embed instruction
 * @position: position in its sequence, from 0
 * @flags: CTRANS_ROW_*
 * @n_blocks: entries of the table: over position / 64, up to POSITIONS_MAX / 64
 * @blocks_va: VA of __u64[n_blocks]: VAs of key/value blocks, 8-byte aligned
 * @source_va: VA of a struct ctrans_source, 64-byte aligned, or 0; with a SOURCE
 *	attention in the program there must be one
 *
 * With an ATTENTION in the program every entry of the table must be the VA of a
 * mapped block, and those that rows are written to writable.
 *
 * Rows of one sequence are in ascending positions. Each position below a
 * row's own must be in the cache already or be a row before it.
 */
struct ctrans_row {
	__u32 token;
	__u32 position;
	__u32 flags;
	__u32 n_blocks;
	__u64 blocks_va;
	__u64 source_va;
};

#define CTRANS_ROW_LOGITS	(1u << 0)	/* the logits instruction wants it */

/**
 * struct ctrans_source - keys and values that rows of other sequences attend to
 * @n_positions: how many, from position 0 on; 1..CTRANS_POSITIONS_MAX
 * @n_blocks: entries that follow: over (n_positions - 1) / 64
 * @rsvd: reserved
 * @blocks: VAs of key/value blocks, each mapped
 *
 * An encoder's step has written them, as blocks of its own sequence.
 */
struct ctrans_source {
	__u32 n_positions;
	__u32 n_blocks;
	__u32 rsvd[14];
	__u64 blocks[];
};

#endif
