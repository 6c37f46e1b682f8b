/* SPDX-License-Identifier: MIT */
/*
 * Extended sign compression: the bytes of an S8 matrix (convert/pack.h) in less
 * memory and back, without loss. The layout is uapi/ctrans_layout.h's. How much
 * less is the weights' doing: five bits each, and two bytes more for each that is
 * outside -16..15, so it pays while those are less than one in five or so.
 */
#ifndef CT_CONVERT_ESC_H
#define CT_CONVERT_ESC_H

#include <stdint.h>

#include "base/err.h"
#include "uapi/ctrans_job.h"

struct ct_esc_size {
	uint64_t bytes;		/* of the packed matrix: whole granules */
	uint64_t exceptions;	/* weights that are not -16..15 */
};

/* Bytes of a matrix without an exception, and of one with as many as may be. */
uint64_t ct_esc_least(uint32_t n_in, uint32_t n_out);
uint64_t ct_esc_most(uint32_t n_in, uint32_t n_out);

/*
 * What the S8 matrix takes. -ERANGE: a block has more exceptions than its list
 * may hold, so that S8 is the shorter form.
 */
int ct_esc_bytes(const int8_t *s8, uint32_t n_in, uint32_t n_out,
		 struct ct_esc_size *size, struct ct_err *err);

/* Pack into the @bytes that ct_esc_bytes() found. */
int ct_esc_pack(const int8_t *s8, uint32_t n_in, uint32_t n_out, void *esc,
		uint64_t bytes, struct ct_err *err);

/* Back into S8. -EBADMSG: not what a packer writes. */
int ct_esc_unpack(const void *esc, uint64_t bytes, uint32_t n_in, uint32_t n_out,
		  int8_t *s8, struct ct_err *err);

#endif
