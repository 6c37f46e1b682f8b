/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer programs: arithmetic and instructions. Part of the job interface
 * and its stable ABI; conventions as in ctrans_job.h.
 */
#ifndef _UAPI_CTRANS_INSN_H
#define _UAPI_CTRANS_INSN_H

#include <linux/types.h>

#include "ctrans_layout.h"

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
 * @scale_va: S8, ESC: __u32 *_f32 [n_vocab]; else 0
 * @position_va: binary32 [n_positions][n], row stride 4 * n rounded up to 64;
 *	0 for none
 * @out_va: binary32 rows
 * @out_stride: bytes between rows of out
 * @n: width of a row
 * @n_vocab: tokens; a row's token must be below
 * @n_positions: positions; a row's position must be below
 * @weight_granules: ESC: 64-byte granules at table_va; else 0
 * @factor_f32: multiplies the table, finite; 0 for 1, others where
 *	CTRANS_CAP_SEQ2SEQ is set
 * @encoding: S8, ESC or F32
 * @rsvd: reserved
 *
 * S8 and ESC: out[i] = fma((float)w[i], scale * factor, position[i]);
 * F32: out[i] = fma(w[i], factor, position[i]).
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
	__u32 weight_granules;
	__u32 factor_f32;
	__u8 encoding;
	__u8 rsvd[63];
};

enum ctrans_norm {
	CTRANS_NORM_LAYER = 0,
	CTRANS_NORM_RMS = 1,	/* where CTRANS_CAP_SEQ2SEQ is set */
};

/**
 * struct ctrans_insn_norm - normalisation of each row
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
 * LAYER: mean = sum16(x) / n; d = x - mean; RMS: d = x. Then
 * var = sum16(d * d) / n; r = 1 / sqrt(var + eps); out = fma(d * r, gain, bias).
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

/*
 * A value's spike train: timesteps, the weight of a spike in each, and how many
 * spikes a magnitude m of 1..127 has. The value's sign gates them.
 *   RATE   timesteps 0..126 of weight 1: m spikes, in the first m
 *   RADIX  timesteps 0..6 of weight 2^t: one for each bit of m
 *   NAF    timesteps 0..7 of weight 2^t, spikes of either sign: one for each digit
 *          of m's non-adjacent form, whose non-zero digits are the bits of
 *          (m >> 1) ^ (m + (m >> 1)); where CTRANS_CAP_NAF is set
 * Flipping (CTRANS_LINEAR_FLIP, where CTRANS_CAP_FLIP is set; not with NAF) sends
 * a dense train as the inhibitory train of its complement and one spike more:
 *   RATE   m above 64: 128 - m inhibitory spikes, in timesteps 0..127 - m, and one
 *          of weight 128 in timestep 127
 *   RADIX  m with n bits up to its highest, if 2^n - m has at least two ones less:
 *          inhibitory spikes for the bits of 2^n - m, and one in timestep n, up to 7
 * All give the exact sum.
 */
enum ctrans_spike_code {
	CTRANS_CODE_RATE = 0,
	CTRANS_CODE_RADIX = 1,
	CTRANS_CODE_NAF = 2,
};

/*
 * Which domain a value of magnitude 1..127 goes to. VALUE: by its magnitude,
 * @spike_mask. UNIT (where CTRANS_CAP_UNIT is set): by work unit, which is inputs
 * 64 u to 64 u + 63 of a row. Of z values of such magnitudes and s spikes that they
 * would have, all go to the spiking domain if 8 * s < limit * z, to the dense one if
 * not; limit is @unit_high if the unit before was spiking, @unit_low if it was
 * dense or there is none: hysteresis. A unit with z = 0 leaves it as it was.
 */
enum ctrans_dispatch_by {
	CTRANS_BY_VALUE = 0,
	CTRANS_BY_UNIT = 1,
};

#define CTRANS_UNIT_INPUTS	64

/*
 * Output spike speculation (where CTRANS_CAP_SPECULATION is set). LINEAR with S8 or
 * ESC weights, without ADD and FLIP.
 *
 * BOUND, with RELU in the RADIX code, is exact: it changes accounts, never a result.
 * Dense and outlier values are added first, then planes from the highest down. Before
 * each of the planes CTRANS_BOUND_PLANES - 1..0, an output of sum S so far is done,
 * and takes no further part, if
 *   theta * scale > 0 and finite, and
 *   fma((float)(S + r * norm), theta * scale, bias) <= 0
 * with r the least integer not below the euclidean norm of what is left of the row:
 * the spiking magnitudes modulo 2^(plane + 1). (Both factors have 16 bits: a norm
 * beyond 65535, which no weights have, counts as that.) By Cauchy and Schwarz the whole sum is
 * at most S + r * norm, so that its activation is +0 as well.
 *
 * SAMPLE, in the RATE code, is lossy: outputs integrate n = @spec_steps of the 128
 * timesteps, those t with t * n modulo 128 below n, and speculate on the rest. Of
 * out = y, with m = rint(|y| * (1 / spec_theta)) at most 128 the spikes it would
 * have (others stay as they are), becomes copysign((float)m' * spec_theta, y):
 *   key   = mix(mix(mix(tag) + position) + output)
 *   u(t)  = mix(key + 0x9e3779b9 * t) / 256
 *   mix(x): x ^= x / 2^16; x *= 0x85ebca6b; x ^= x / 2^13; x *= 0xc2b2ae35;
 *           x ^= x / 2^16
 * in 32 bits without sign, divisions rounded down. Draws t = 0..n-1 are those seen:
 * one of the left = m spikes if u(t) * (128 - t) < left * 2^24, left is then one
 * less. The others, t = n..127, are spikes if u(t) * n < seen * 2^24. m' counts all.
 */
#define CTRANS_BOUND_PLANES	2
enum ctrans_speculation {
	CTRANS_SPEC_NONE = 0,
	CTRANS_SPEC_BOUND = 1,
	CTRANS_SPEC_SAMPLE = 2,
};

enum ctrans_act {
	CTRANS_ACT_NONE = 0,
	CTRANS_ACT_GELU_TANH = 1,
	CTRANS_ACT_GELU_ERF = 2,
	CTRANS_ACT_RELU = 3,
	CTRANS_ACT_SILU = 4,
};

/**
 * struct ctrans_insn_linear - out = act(in * W + bias), or out += or *= that
 * @in_va: binary32 rows
 * @out_va: binary32 rows. LOGITS: the j-th row with CTRANS_ROW_LOGITS goes to
 *	out_va + j * out_stride
 * @weight_va: packed weights
 * @colsum_va: S8, ESC: __s32 [n_out padded to 16]; else 0
 * @scale_va: S8, ESC: binary32 [n_out padded to 16]; else 0
 * @bias_va: binary32 [n_out padded to 16], or 0
 * @topk_va: LOGITS: struct ctrans_topk rows, or 0
 * @norm_va: LINEAR with BOUND: __u32 [n_out padded to 16], each at least the
 *	euclidean norm of an output's weights, or numbers are undefined: chips and
 *	kernels differ in whether they leave spikes out; else 0
 * @spike_mask: bit m set: a value of magnitude m goes to the spiking domain,
 *	clear: to the dense one. Bit 0 is ignored: zeros are skipped. UNIT: 0
 * @in_stride: bytes between rows
 * @out_stride: bytes between rows
 * @n_in: inputs
 * @n_out: outputs
 * @theta_f32: firing threshold, or its factor; positive and finite
 * @topk_stride: LOGITS: bytes between topk rows
 * @spec_theta_f32: LINEAR with SAMPLE: an output spike's value; positive, finite
 * @rows_max: LOGITS: room at out_va (and topk_va); more n_logits are BAD_ARGS
 * @weight_granules: ESC: 64-byte granules at weight_va; else 0
 * @top_k: LOGITS: entries wanted, at most CTRANS_TOPK_MAX; NaN is none
 * @encoding: enum ctrans_encoding
 * @theta_mode: enum ctrans_theta_mode
 * @code: enum ctrans_spike_code
 * @act: enum ctrans_act; NONE for LOGITS
 * @flags: CTRANS_LINEAR_*
 * @by: enum ctrans_dispatch_by
 * @unit_low: UNIT: spikes a value, in eighths, below which a dense unit changes
 * @unit_high: UNIT: and up to which a spiking one stays; at least unit_low
 * @speculation: enum ctrans_speculation
 * @spec_steps: SAMPLE: timesteps integrated, 1..127
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
 * out = act(y); with CTRANS_LINEAR_ADD out = out + act(y); with CTRANS_LINEAR_MUL
 * (where CTRANS_CAP_SEQ2SEQ is set; neither with ADD nor with speculation)
 * out = out * act(y).
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
	union {
		__u64 topk_va;
		__u64 norm_va;
	};
	__u64 spike_mask[2];
	__u32 in_stride;
	__u32 out_stride;
	__u32 n_in;
	__u32 n_out;
	__u32 theta_f32;
	union {
		__u32 topk_stride;
		__u32 spec_theta_f32;
	};
	__u32 rows_max;
	__u32 weight_granules;
	__u16 top_k;
	__u8 encoding;
	__u8 theta_mode;
	__u8 code;
	__u8 act;
	__u8 flags;
	__u8 by;
	__u8 unit_low;
	__u8 unit_high;
	__u8 speculation;
	__u8 spec_steps;
	__u8 rsvd[4];
};

#define CTRANS_LINEAR_ADD	(1u << 0)
#define CTRANS_LINEAR_FLIP	(1u << 1)
#define CTRANS_LINEAR_MUL	(1u << 2)
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

/*
 * Which keys a row at position p attends to, and whether keys and values are
 * written. All but CAUSAL where CTRANS_CAP_SEQ2SEQ is set.
 *   CAUSAL  its sequence's, positions 0..p; written
 *   FULL    its sequence's, positions 0 up to that of the sequence's last row in
 *           this step; written
 *   SOURCE  its source's, all of them (struct ctrans_source); nothing is written
 *   STORE   none; keys and values are written, and nothing comes out
 */
enum ctrans_attend {
	CTRANS_ATTEND_CAUSAL = 0,
	CTRANS_ATTEND_FULL = 1,
	CTRANS_ATTEND_SOURCE = 2,
	CTRANS_ATTEND_STORE = 3,
};

/**
 * struct ctrans_insn_attention - attention, and the cache's writer
 * @q_va: binary32 rows, head h at h * head_dim; STORE: 0
 * @k_va: binary32 rows of keys; SOURCE: 0
 * @v_va: binary32 rows of values; SOURCE: 0
 * @out_va: binary32 rows; STORE: 0
 * @layer_offset: bytes from a block's start to this layer's head 0
 * @bias_va: CAUSAL, FULL: binary32 [n_head][2 * bias_span + 1], row stride
 *	4 * (2 * bias_span + 1) rounded up to 64, which is added to scores; or 0
 * @q_stride: bytes between rows of q; STORE: 0
 * @kv_stride: bytes between rows of k and of v; SOURCE: 0
 * @out_stride: bytes between rows of out; STORE: 0
 * @n_head: heads
 * @head_dim: width of a head, at most CTRANS_HEAD_DIM_MAX
 * @scale_f32: multiplies each score
 * @n_positions: a row's position, or SOURCE the last one of its source, must be
 *	below; at most CTRANS_POSITIONS_MAX
 * @bias_span: with a bias 1..CTRANS_BIAS_SPAN_MAX, else 0
 * @kv_type: enum ctrans_kv_type
 * @attend: enum ctrans_attend
 * @rsvd: reserved
 *
 * Bases of q, k, v and out are 4-byte aligned here, as heads may be.
 *
 * First k and v of every row go into the cache at its position. Then for each
 * row at position p and each head, over the positions i of the keys that it
 * attends to: s[i] = sum16(q * k[i]) * scale, and with a bias
 * s[i] = s[i] + bias[head][clamp(i - p, -bias_span, bias_span) + bias_span];
 * m = max s; block by block from position 0, e[i] = exp(s[i] - m),
 * z += sum16(e of the block), o += sum16 over the block's positions (e * v);
 * out = o / z. With S8 k and v are the stored integers, and a position's scales
 * come in outside of the sums: s[i] = (sum16(q * k[i]) * kscale[i]) * scale,
 * and o takes (e[i] * vscale[i]) * v. A position's result is a function of its
 * query and of those keys and values alone, however many rows a step has.
 */
struct ctrans_insn_attention {
	__u64 q_va;
	__u64 k_va;
	__u64 v_va;
	__u64 out_va;
	__u64 layer_offset;
	__u64 bias_va;
	__u32 q_stride;
	__u32 kv_stride;
	__u32 out_stride;
	__u32 n_head;
	__u32 head_dim;
	__u32 scale_f32;
	__u32 n_positions;
	__u32 bias_span;
	__u8 kv_type;
	__u8 attend;
	__u8 rsvd[38];
};

#define CTRANS_BIAS_SPAN_MAX	4096u
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
