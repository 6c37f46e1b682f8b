// SPDX-License-Identifier: MIT
#include "model/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/rows.h"

/* Converted at a time: stays in the second-level cache. */
#define SLICE_FLOATS	(64u << 10)

/* Whole rows are promised; the config's limits bound what that takes. */
_Static_assert(CT_READ_BUFFER >= CT_MAX_INNER * 4 &&
	       CT_READ_BUFFER >= 3 * CT_MAX_EMBD * 4, "a row fits a buffer");

/*
 * Rows that stay together: sixteen outputs or four inputs are what packed
 * weights have side by side.
 */
#define ROWS_TOGETHER	16u

struct streamer {
	const struct ct_weight *weights;
	ct_rows_fn *fn;
	void *ctx;
	float *slices;		/* one for each thread */
	size_t slice_floats;
};

static uint64_t row_bytes(const struct ct_matrix *m)
{
	return m->t.nbytes / ct_matrix_rows(m);
}

static uint32_t rows_per_slice(const struct ct_matrix *m)
{
	uint32_t n = SLICE_FLOATS / ct_matrix_cols(m);

	if (n >= ROWS_TOGETHER)
		n -= n % ROWS_TOGETHER;
	return n ? n : 1;
}

/* Rows as they lie in a staging buffer, which is not aligned for floats. */
static int convert(void *ctx, unsigned int thread, size_t span, uint64_t at,
		   const void *bytes, size_t len, struct ct_err *err)
{
	struct streamer *s = ctx;
	const struct ct_weight *w = &s->weights[span];
	uint64_t row = row_bytes(w->m);
	uint32_t cols = ct_matrix_cols(w->m);
	uint32_t first = (uint32_t)(at / row), n = (uint32_t)(len / row);
	float *slice = s->slices + thread * s->slice_floats;
	const char *src = bytes;

	while (n) {
		uint32_t k = rows_per_slice(w->m);
		int code;

		if (k > n)
			k = n;
		ct_rows_to_f32(w->m->t.dtype, src, (uint64_t)k * cols, slice);
		code = s->fn(s->ctx, w, first, k, slice, err);
		if (code)
			return code;
		src += k * row;
		first += k;
		n -= k;
	}
	return 0;
}

/* Rows stay together where a buffer has room for some such groups. */
static uint64_t unit_of(const struct ct_matrix *m)
{
	uint64_t row = row_bytes(m);

	return ROWS_TOGETHER * row <= CT_READ_BUFFER / 4 ? ROWS_TOGETHER * row :
							   row;
}

static int stream_weights(const struct ct_weight *w, size_t n,
			  const struct ct_files *files,
			  const struct ct_read_opts *opts, ct_rows_fn *fn,
			  void *ctx, struct ct_err *err)
{
	struct ct_read_opts o = opts ? *opts : (struct ct_read_opts){ 0 };
	struct streamer s = { w, fn, ctx, NULL, 16 };
	struct ct_span *spans = malloc(n * sizeof(*spans));
	int code;

	if (!spans)
		return ct_fail(err, -ENOMEM, "out of memory");
	if (o.threads > CT_READ_THREADS)
		o.threads = CT_READ_THREADS;
	for (size_t i = 0; i < n; i++) {
		const struct ct_matrix *m = w[i].m;
		size_t floats = (size_t)rows_per_slice(m) * ct_matrix_cols(m);

		spans[i] = (struct ct_span){ m->t.file, m->t.offset,
					     m->t.nbytes, unit_of(m) };
		if (floats > s.slice_floats)
			s.slice_floats = floats;
		if (o.buffer && o.buffer < spans[i].unit)
			o.buffer = spans[i].unit;
	}
	s.slices = malloc((o.threads ? o.threads : 1) * s.slice_floats *
			  sizeof(*s.slices));
	if (s.slices)
		code = ct_stream(files, spans, n, &o, convert, &s, err);
	else
		code = ct_fail(err, -ENOMEM, "out of memory");
	free(s.slices);
	free(spans);
	return code;
}

int ct_weights_stream(const struct ct_weights *weights, const struct ct_files *files,
		   const struct ct_read_opts *opts, ct_rows_fn *fn, void *ctx,
		   struct ct_err *err)
{
	struct ct_weight *w;
	size_t n;
	int code;

	code = ct_weights_list(weights, &w, &n, err);
	if (code)
		return code;
	code = stream_weights(w, n, files, opts, fn, ctx, err);
	free(w);
	return code;
}

static bool comes_twice(const struct ct_weight *w)
{
	return w->m->in_major && !ct_role_vector(w->role);
}

int ct_weights_stream_twice(const struct ct_weights *weights,
			 const struct ct_files *files,
			 const struct ct_read_opts *opts, ct_rows_fn *fn,
			 void *ctx, struct ct_err *err)
{
	struct ct_weight *once, *all;
	const struct ct_weight *again = NULL;
	size_t n, k = 0;
	int code;

	code = ct_weights_list(weights, &once, &n, err);
	if (code)
		return code;
	all = malloc(2 * n * sizeof(*all));
	if (!all) {
		free(once);
		return ct_fail(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i <= n; i++) {
		/* one matrix later, so that no thread waits for another */
		if (again && (i == n || comes_twice(&once[i]))) {
			if (i < n)
				all[k++] = once[i];
			all[k] = *again;
			all[k++].pass = 1;
			again = i < n ? &once[i] : NULL;
		} else if (i < n) {
			all[k++] = once[i];
			if (comes_twice(&once[i]))
				again = &once[i];
		}
	}
	free(once);
	code = stream_weights(all, k, files, opts, fn, ctx, err);
	free(all);
	return code;
}

static int copy_rows(void *ctx, const struct ct_weight *w, uint32_t first_row,
		     uint32_t n_rows, const float *rows, struct ct_err *err)
{
	uint32_t cols = ct_matrix_cols(w->m);

	(void)err;
	memcpy((float *)ctx + (size_t)first_row * cols, rows,
	       (size_t)n_rows * cols * sizeof(*rows));
	return 0;
}

int ct_matrix_read(const struct ct_matrix *m, const struct ct_files *files,
		   float *dst, struct ct_err *err)
{
	struct ct_weight w = { .m = m };

	return stream_weights(&w, 1, files, NULL, copy_rows, dst, err);
}
