/* SPDX-License-Identifier: MIT */
/* A model's weights as fp32, however the files hold them. */
#ifndef CT_MODEL_STREAM_H
#define CT_MODEL_STREAM_H

#include <stdint.h>

#include "base/err.h"
#include "model/weights.h"
#include "model/reader.h"

/*
 * @n_rows rows from @first_row on, each of ct_matrix_cols() values, in the
 * order stored (w->m->in_major says what a row is). How many come at a time
 * varies, and is at least 1. They are gone when the callback returns. Not 0
 * ends the stream with that value, and the callback fills @err then.
 */
typedef int ct_rows_fn(void *ctx, const struct ct_weight *w,
		       uint32_t first_row, uint32_t n_rows, const float *rows,
		       struct ct_err *err);

/*
 * All weights of a model, vectors too, in the order of their bytes in the
 * files: rows of one weight in order, one weight after the other. Reads are
 * in flight across the borders between weights. A tied head comes once, as
 * CT_WTE.
 *
 * With opts->threads over 1 the callback is called by several threads at once,
 * each with the next rows that none has had (see ct_stream()).
 */
int ct_weights_stream(const struct ct_weights *weights, const struct ct_files *files,
		   const struct ct_read_opts *opts, ct_rows_fn *fn, void *ctx,
		   struct ct_err *err);

/*
 * The same, but matrices that are stored by input come twice: all rows with
 * pass 0, and when some of the next such matrix have come, all again with
 * pass 1, from the page cache then. A scale of an output is known only when
 * all rows have been seen, and keeping them would take 4 bytes a weight.
 */
int ct_weights_stream_twice(const struct ct_weights *weights,
			 const struct ct_files *files,
			 const struct ct_read_opts *opts, ct_rows_fn *fn,
			 void *ctx, struct ct_err *err);

/* One matrix as fp32 in memory of rows x cols floats, as stored. */
int ct_matrix_read(const struct ct_matrix *m, const struct ct_files *files,
		   float *dst, struct ct_err *err);

#endif
