/* SPDX-License-Identifier: MIT */
/*
 * Weights into the layouts of uapi/ctrans_layout.h; the only place that does it.
 *
 * S8: each output has its own scale, its largest magnitude over 127; a weight
 * is rint(w / scale). A row is either one output's weights or one input's, as
 * a file stores them. Rows come in any order, from any number of threads: what
 * is packed depends on neither.
 */
#ifndef CT_CONVERT_PACK_H
#define CT_CONVERT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "uapi/ctrans_job.h"

/* Bytes of packed weights, and of each array with an entry for each output. */
uint64_t ct_pack_weight_bytes(enum ctrans_encoding enc, uint32_t n_in, uint32_t n_out);
uint64_t ct_pack_output_bytes(uint32_t n_out);

/* No infinity, no NaN? */
bool ct_all_finite(const float *x, size_t n);

struct ct_pack_dst {
	void *weights;		/* zeroed */
	float *scale;		/* S8; [n_out padded to 16], zeroed */
	int32_t *colsum;	/* S8; likewise */
};

struct ct_packer;

/*
 * Pack one matrix. @in_major: a row holds the weights of one input; for S8 all
 * rows are wanted twice then (ct_packer_passes() is 2), as a scale needs all of
 * an output's weights.
 */
int ct_packer_open(enum ctrans_encoding enc, uint32_t n_in, uint32_t n_out,
		   bool in_major, const struct ct_pack_dst *dst,
		   struct ct_packer **packer, struct ct_err *err);
unsigned int ct_packer_passes(const struct ct_packer *p);

/* Have all rows of the passes before @pass been taken? */
bool ct_packer_ready(const struct ct_packer *p, unsigned int pass);

/*
 * Rows that have not been given before in this pass, which is ready. -EBADMSG:
 * a weight is not finite.
 */
int ct_packer_rows(struct ct_packer *p, unsigned int pass, uint32_t first,
		   uint32_t n, const float *rows, struct ct_err *err);

/* -EBADMSG: rows are missing. Ends the packer in any case. */
int ct_packer_close(struct ct_packer *p, struct ct_err *err);

#endif
