/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer layouts: how weights, keys and values lie in memory. Part of the
 * job interface and its stable ABI; conventions as in ctrans_job.h.
 */
#ifndef _UAPI_CTRANS_LAYOUT_H
#define _UAPI_CTRANS_LAYOUT_H

#include <linux/types.h>

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
 * CTRANS_ENC_ESC  extended sign compression: the same signed bytes in less memory,
 *                 where most of them are small; see below.
 * CTRANS_ENC_F32  binary32, tiles [n_out/16][n_in][16], n_in padded to 16; no
 *                 sums, no scales. Only the chip model has it: the same
 *                 programs then give unquantised results to test against.
 */
enum ctrans_encoding {
	CTRANS_ENC_S8	= 0,
	CTRANS_ENC_ESC	= 1,	/* where CTRANS_CAP_ESC is set */
	CTRANS_ENC_IWG	= 2,	/* implicit weight generation; reserved */
	CTRANS_ENC_F32	= 3,
};

#define CTRANS_TILE_OUT		16

/*
 * Extended sign compression (ESC) of the bytes that S8 has, n_in padded to 64 with
 * zeros. Blocks of sixteen outputs by CTRANS_ESC_INPUTS inputs, the last of a tile
 * having the inputs that are left: the blocks of a tile by input, tiles by output.
 * At weight_va is a table, __u32 [blocks + 1], padded to a granule: where, in
 * granules from weight_va, each block begins and the last one ends; the blocks lie
 * from the table's end on, one after the other, in this order. So anyone may begin
 * at any block. A block of m inputs, whose S8 form is granules g of 64 bytes i
 * (four inputs of sixteen outputs):
 *   low    [m / 8][64]  low four bits: bits 0..3 of byte i of line p are those of
 *                       byte i of granule 2p, bits 4..7 those of granule 2p + 1
 *   sign   __u64 [m / 4]  bit i is the sign of byte i of granule g
 *   list   __u16        exceptions, up to the block's end: bits 0..11 are
 *                       64 * g + i, bits 12..15 the high four bits of that byte
 * A byte that the list does not name is its low four bits, sign extended: -16..15.
 * The list may name a byte again; the last entry counts. A packer fills the last
 * granule by repeating an entry. A list of more than CTRANS_ESC_LIST_MAX granules
 * (more exceptions than make S8 shorter), an entry beyond the block's bytes, a table
 * that is not ascending in this way or reaches beyond the instruction's
 * weight_granules is CTRANS_ST_BAD_WEIGHT.
 */
#define CTRANS_ESC_INPUTS	256
#define CTRANS_ESC_LIST_MAX	24
/* Granules of a block of m inputs without its list. */
#define CTRANS_ESC_BASE(m)	((m) / 64 * 10)
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

#endif
