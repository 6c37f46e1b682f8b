/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer job interface: what user space and the chip say to each other.
 *
 * This is the hardware manual of everything a process may touch without the
 * kernel: doorbell words, the status region, submission and completion
 * entries, programs, argument blocks and the layouts of weights, keys and
 * values; statistics are in ctrans_stat.h. It is a stable ABI. The kernel's side
 * of the chip (BAR0, page tables) is in ctrans_regs.h.
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
	CTRANS_KQ_TIMEDOUT	= 2,	/* no progress within the time limit */
	CTRANS_KQ_LOST		= 3,	/* chip reset or gone; make a new queue */
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
 * @rsvd: reserved
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
	__u64 rsvd;
};

#define CTRANS_ROW_LOGITS	(1u << 0)	/* the logits instruction wants it */

/* ---- Layouts --------------------------------------------------------- */
/*
 * Weights W[n_in][n_out], both padded with zeros: n_in to 4, n_out to 16.
 *
 * CTRANS_ENC_S8   signed bytes -127..127, tiles [n_out/16][n_in/4][16][4].
 *                 A 64-byte granule holds four inputs of sixteen outputs: what
 *                 a dot-product-of-four instruction multiplies at once. -128 is
 *                 not used. Beside it: __s32 column sums [n_out] (of the padded
 *                 matrix) and __u32 *_f32 scales [n_out].
 *                 With a -128 or other sums than the matrix has, numbers are
 *                 undefined: chips and kernels differ in whether they use sums.
 * CTRANS_ENC_F32  binary32, tiles [n_out/16][n_in][16], n_in padded to 16; no
 *                 sums, no scales. Only the chip model has it: the same
 *                 programs then give unquantised results to test against.
 */
enum ctrans_encoding {
	CTRANS_ENC_S8	= 0,
	CTRANS_ENC_ESC	= 1,	/* extended sign compression; not yet defined */
	CTRANS_ENC_IWG	= 2,	/* implicit weight generation; reserved */
	CTRANS_ENC_F32	= 3,
};

#define CTRANS_TILE_OUT		16
/*
 * Keys and values live in blocks of 64 positions; a block holds all layers of
 * its positions. Within a block, at an attention instruction's layer_offset:
 * for each head the key tile, then the value tile, nothing between.
 *   key tile    [64/16][head_dim][16]  position p at [p / 16][.][p % 16]
 *   value tile  [64][head_dim]
 * Sixteen positions side by side make a score a vertical sum on any vector
 * width, and a head's keys and values of a block one contiguous stream.
 *
 * CTRANS_KV_S8: signed bytes -127..127, and in front of each tile's elements the
 * scales of its positions, binary32 [64]: four granules. A vector x, the key or
 * the value of one position and head, is stored as
 *   m     = the largest |x[i]|, NaN left out (of none: 0)
 *   scale = m / 127; where that is not finite or below 2^-100, scale = 1
 *   a[i]  = rint(x[i] * (1 / scale)), clamped to +-127; NaN gives 0
 * and stands for a[i] * scale. Lossy, so only for whoever asks for it: half the
 * bytes of F16.
 */
#define CTRANS_KV_POSITIONS	64
/* Counts changes of the above, for blocks that are kept in files. */
#define CTRANS_KV_LAYOUT	1u

enum ctrans_kv_type {
	CTRANS_KV_F16 = 0,	/* round to nearest even; overflow to infinity */
	CTRANS_KV_F32 = 1,	/* model only, as CTRANS_ENC_F32 */
	CTRANS_KV_S8 = 2,	/* where CTRANS_CAP_KV_S8 is set */
};

/* Bytes of an element, of a tile's scales, and of a key or value tile in all. */
#define CTRANS_KV_ELEMENT(type) \
	((type) == CTRANS_KV_F32 ? 4u : (type) == CTRANS_KV_S8 ? 1u : 2u)
#define CTRANS_KV_SCALES(type) \
	((type) == CTRANS_KV_S8 ? 4u * CTRANS_KV_POSITIONS : 0u)
#define CTRANS_KV_TILE(type, head_dim) \
	(CTRANS_KV_SCALES(type) + (__u64)CTRANS_KV_POSITIONS * (head_dim) * \
	 CTRANS_KV_ELEMENT(type))

/* ---- Arithmetic ------------------------------------------------------ */
/*
 * Floating point is binary32, round to nearest even, subnormals kept, nothing
 * contracted; fma() below is a fused multiply-add. Division and square root
 * are correctly rounded. The sign and payload of a NaN are not defined.
 *
 * sum16(f, n): sixteen partial sums from +0, element i into partial i mod 16,
 * in ascending order; then p[j] += p[j + 8] for j < 8, p[j] += p[j + 4] for
 * j < 4, p[j] += p[j + 2] for j < 2, p[0] + p[1]. Where the summand is a
 * product the partial is p = fma(a, b, p).
 *
 * The bits of exp, tanh and erf are defined by lib/chip/fp.h.
 */

/* ---- Programs -------------------------------------------------------- */
/*
 * A program is an array of 128-byte instructions run in order, without
 * branches. No state but context memory survives an instruction; between
 * instructions the chip may switch queues or abort. Each instruction works on
 * all rows of the argument block: row r of an operand is at va + r * stride; a
 * stride is at least a row's width.
 *
 * Where an output shares memory with an input, and the instruction does not
 * allow it, numbers are undefined. A field out of range is CTRANS_ST_BAD_INSN, a
 * VA of 0 where there must be one CTRANS_ST_FAULT.
 */
enum ctrans_insn_op {
	CTRANS_INSN_EMBED	= 1,
	CTRANS_INSN_NORM	= 2,
	CTRANS_INSN_LINEAR	= 3,
	CTRANS_INSN_ATTENTION	= 4,
	CTRANS_INSN_LOGITS	= 5,
	/* 6 activation, 7 add, 8 copy: reserved until a program needs them */
};

#define CTRANS_PROG_MAX		4096	/* instructions */

/**
 * struct ctrans_insn_embed - out = table[token] + position[position]
 * @table_va: the token matrix packed as a LINEAR weight, n_in = n,
 *	n_out = n_vocab: with tied embeddings the head itself
 * @scale_va: S8: __u32 *_f32 [n_vocab]; else 0
 * @position_va: binary32 [n_positions][n], row stride 4 * n rounded up to 64;
 *	0 for none
 * @out_va: binary32 rows
 * @out_stride: bytes between rows of out
 * @n: width of a row
 * @n_vocab: tokens; a row's token must be below
 * @n_positions: positions; a row's position must be below
 * @encoding: S8 or F32
 * @rsvd: reserved
 *
 * S8: out[i] = fma((float)w[i], scale, position[i]).
 */
struct ctrans_insn_embed {
	__u64 table_va;
	__u64 scale_va;
	__u64 position_va;
	__u64 out_va;
	__u32 out_stride;
	__u32 n;
	__u32 n_vocab;
	__u32 n_positions;
	__u8 encoding;
	__u8 rsvd[71];
};

enum ctrans_norm {
	CTRANS_NORM_LAYER = 0,	/* 1 is reserved for root mean square */
};

/**
 * struct ctrans_insn_norm - layer normalisation of each row
 * @in_va: binary32 rows
 * @out_va: binary32 rows; may equal in_va
 * @gain_va: binary32 [n]
 * @bias_va: binary32 [n], or 0
 * @in_stride: bytes between rows
 * @out_stride: bytes between rows
 * @n: width
 * @eps_f32: added to the variance
 * @kind: enum ctrans_norm
 * @rsvd: reserved
 *
 * mean = sum16(x) / n; d = x - mean; var = sum16(d * d) / n;
 * r = 1 / sqrt(var + eps); out = fma(d * r, gain, bias).
 */
struct ctrans_insn_norm {
	__u64 in_va;
	__u64 out_va;
	__u64 gain_va;
	__u64 bias_va;
	__u32 in_stride;
	__u32 out_stride;
	__u32 n;
	__u32 eps_f32;
	__u8 kind;
	__u8 rsvd[71];
};

enum ctrans_theta_mode {
	CTRANS_THETA_STATIC = 0,	/* theta = theta_f32 */
	CTRANS_THETA_DYNAMIC = 1,	/* theta = theta_f32 * rms of the row */
};

enum ctrans_spike_code {
	CTRANS_CODE_RATE = 0,	/* |a| spikes, one timestep each */
	CTRANS_CODE_RADIX = 1,	/* popcount(|a|) spikes, a timestep each bit */
};

enum ctrans_act {
	CTRANS_ACT_NONE = 0,
	CTRANS_ACT_GELU_TANH = 1,
	CTRANS_ACT_GELU_ERF = 2,
	CTRANS_ACT_RELU = 3,
	CTRANS_ACT_SILU = 4,
};

/**
 * struct ctrans_insn_linear - out = act(in * W + bias), or out += ...
 * @in_va: binary32 rows
 * @out_va: binary32 rows. LOGITS: the j-th row with CTRANS_ROW_LOGITS goes to
 *	out_va + j * out_stride
 * @weight_va: packed weights
 * @colsum_va: S8: __s32 [n_out padded to 16]; else 0
 * @scale_va: S8: binary32 [n_out padded to 16]; else 0
 * @bias_va: binary32 [n_out padded to 16], or 0
 * @topk_va: LOGITS: struct ctrans_topk rows, or 0. LINEAR: 0
 * @spike_mask: bit m set: a value of magnitude m goes to the spiking domain,
 *	clear: to the dense one. Bit 0 is ignored: zeros are skipped
 * @in_stride: bytes between rows
 * @out_stride: bytes between rows
 * @n_in: inputs
 * @n_out: outputs
 * @theta_f32: firing threshold, or its factor; positive and finite
 * @topk_stride: LOGITS: bytes between topk rows
 * @rows_max: LOGITS: room at out_va (and topk_va); more n_logits are BAD_ARGS
 * @top_k: LOGITS: entries wanted, at most CTRANS_TOPK_MAX; NaN is none
 * @encoding: enum ctrans_encoding
 * @theta_mode: enum ctrans_theta_mode
 * @code: enum ctrans_spike_code
 * @act: enum ctrans_act; NONE for LOGITS
 * @flags: CTRANS_LINEAR_*
 * @rsvd: reserved
 *
 * Each row is quantised first:
 *   rms   = sqrt(sum16(x * x) / n_in)                     (dynamic only)
 *   theta = theta_f32, or theta_f32 * rms; where that is not finite or below
 *           2^-100, theta = 1
 *   a     = rint(x * (1 / theta)), clamped to +-32767; NaN gives 0. Each clamp
 *           is counted.
 * Value a, by its magnitude: 0 is skipped; 1..127 is the HMAU array's, spiking
 * or dense as @spike_mask says; beyond 127 the INT16 outlier unit's. All three
 * add into the same exact integer S = sum(a * w), 64 bits, so that no dispatch
 * can change it. Then
 *   y = fma((float)S, theta * scale, bias)
 * and, with F32 weights, y = sum16(x * w) + bias.
 * out = act(y); with CTRANS_LINEAR_ADD out = out + act(y).
 *
 * LOGITS is LINEAR for the rows that ask for it; rows that do not cost nothing.
 */
struct ctrans_insn_linear {
	__u64 in_va;
	__u64 out_va;
	__u64 weight_va;
	__u64 colsum_va;
	__u64 scale_va;
	__u64 bias_va;
	__u64 topk_va;
	__u64 spike_mask[2];
	__u32 in_stride;
	__u32 out_stride;
	__u32 n_in;
	__u32 n_out;
	__u32 theta_f32;
	__u32 topk_stride;
	__u32 rows_max;
	__u16 top_k;
	__u8 encoding;
	__u8 theta_mode;
	__u8 code;
	__u8 act;
	__u8 flags;
	__u8 rsvd[13];
};

#define CTRANS_LINEAR_ADD	(1u << 0)
#define CTRANS_TOPK_MAX		64

/**
 * struct ctrans_topk - the best logits of a row
 * @lse_f32: m + log of the sum of exp(logit - m), m the largest logit
 * @n: entries that follow, highest logit first, the lower id first on a tie
 * @rsvd: zero
 * @e: id and logit
 *
 * The sum is in spans of 1024 logits: sum16 in each, spans in order.
 */
struct ctrans_topk {
	__u32 lse_f32;
	__u32 n;
	__u32 rsvd[2];
	struct {
		__u32 id;
		__u32 logit_f32;
	} e[];
};

/**
 * struct ctrans_insn_attention - causal attention, and the cache's writer
 * @q_va: binary32 rows, head h at h * head_dim
 * @k_va: binary32 rows of keys
 * @v_va: binary32 rows of values
 * @out_va: binary32 rows
 * @layer_offset: bytes from a block's start to this layer's head 0
 * @q_stride: bytes between rows of q
 * @kv_stride: bytes between rows of k and of v
 * @out_stride: bytes between rows of out
 * @n_head: heads
 * @head_dim: width of a head, at most CTRANS_HEAD_DIM_MAX
 * @scale_f32: multiplies each score
 * @n_positions: a row's position must be below; at most CTRANS_POSITIONS_MAX
 * @kv_type: enum ctrans_kv_type
 * @rsvd: reserved
 *
 * Bases of q, k, v and out are 4-byte aligned here, as heads may be.
 *
 * First k and v of every row go into the cache at its position. Then for each
 * row at position p and each head: s[i] = sum16(q * k[i]) * scale, i <= p;
 * m = max s; block by block from position 0, e[i] = exp(s[i] - m),
 * z += sum16(e of the block), o += sum16 over the block's positions (e * v);
 * out = o / z. With S8 k and v are the stored integers, and a position's scales
 * come in outside of the sums: s[i] = (sum16(q * k[i]) * kscale[i]) * scale,
 * and o takes (e[i] * vscale[i]) * v. A position's result is a function of keys
 * and values 0..p alone, however many rows a step has.
 */
struct ctrans_insn_attention {
	__u64 q_va;
	__u64 k_va;
	__u64 v_va;
	__u64 out_va;
	__u64 layer_offset;
	__u32 q_stride;
	__u32 kv_stride;
	__u32 out_stride;
	__u32 n_head;
	__u32 head_dim;
	__u32 scale_f32;
	__u32 n_positions;
	__u8 kv_type;
	__u8 rsvd[51];
};

#define CTRANS_HEAD_DIM_MAX	512
#define CTRANS_POSITIONS_MAX	65536
#define CTRANS_WIDTH_MAX	(1u << 17)	/* any n, n_in, n_head * head_dim */
#define CTRANS_OUT_MAX		(1u << 24)	/* n_out, n_vocab */

/**
 * struct ctrans_insn - one instruction, 128 bytes
 * @op: enum ctrans_insn_op
 * @rsvd: reserved
 * @tag: user's mark, without meaning to the chip (the program builder puts the
 *	layer and kind there for reports)
 * @embed: for CTRANS_INSN_EMBED
 * @norm: for CTRANS_INSN_NORM
 * @linear: for CTRANS_INSN_LINEAR and CTRANS_INSN_LOGITS
 * @attention: for CTRANS_INSN_ATTENTION
 * @raw: for whoever copies
 */
struct ctrans_insn {
	__u8 op;
	__u8 rsvd[3];
	__u32 tag;
	union {
		struct ctrans_insn_embed embed;
		struct ctrans_insn_norm norm;
		struct ctrans_insn_linear linear;
		struct ctrans_insn_attention attention;
		__u8 raw[120];
	};
};

#endif
