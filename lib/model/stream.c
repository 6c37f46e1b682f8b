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

struct streamer {
	const struct ct_weight *weights;
	ct_rows_fn *fn;
	void *ctx;
	float *slice;
};

static uint64_t row_bytes(const struct ct_matrix *m)
{
	return m->t.nbytes / ct_matrix_rows(m);
}

static uint32_t rows_per_slice(const struct ct_matrix *m)
{
	uint32_t n = SLICE_FLOATS / ct_matrix_cols(m);

	return n ? n : 1;
}

/* Rows as they lie in a staging buffer, which is not aligned for floats. */
static int convert(void *ctx, size_t span, uint64_t at, const void *bytes,
		   size_t len, struct ct_err *err)
{
	struct streamer *s = ctx;
	const struct ct_weight *w = &s->weights[span];
	uint64_t row = row_bytes(w->m);
	uint32_t cols = ct_matrix_cols(w->m);
	uint32_t first = (uint32_t)(at / row), n = (uint32_t)(len / row);
	const char *src = bytes;

	while (n) {
		uint32_t k = rows_per_slice(w->m);
		int code;

		if (k > n)
			k = n;
		ct_rows_to_f32(w->m->t.dtype, src, (uint64_t)k * cols,
			       s->slice);
		code = s->fn(s->ctx, w, first, k, s->slice, err);
		if (code)
			return code;
		src += k * row;
		first += k;
		n -= k;
	}
	return 0;
}

static int stream_weights(const struct ct_weight *w, size_t n,
			  const struct ct_files *files,
			  const struct ct_read_opts *opts, ct_rows_fn *fn,
			  void *ctx, struct ct_err *err)
{
	struct ct_read_opts o = opts ? *opts : (struct ct_read_opts){ 0 };
	struct streamer s = { w, fn, ctx, NULL };
	struct ct_span *spans = malloc(n * sizeof(*spans));
	uint64_t slice = 1;
	int code;

	if (!spans)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct ct_matrix *m = w[i].m;
		uint64_t floats = (uint64_t)rows_per_slice(m) *
				  ct_matrix_cols(m);

		spans[i] = (struct ct_span){ m->t.file, m->t.offset,
					     m->t.nbytes, row_bytes(m) };
		if (floats > slice)
			slice = floats;
		if (o.buffer && o.buffer < row_bytes(m))
			o.buffer = row_bytes(m);
	}
	s.slice = malloc(slice * sizeof(*s.slice));
	if (s.slice)
		code = ct_stream(files, spans, n, &o, convert, &s, err);
	else
		code = ct_fail(err, -ENOMEM, "out of memory");
	free(s.slice);
	free(spans);
	return code;
}

int ct_gpt2_stream(const struct ct_gpt2 *gpt2, const struct ct_files *files,
		   const struct ct_read_opts *opts, ct_rows_fn *fn, void *ctx,
		   struct ct_err *err)
{
	struct ct_weight *w;
	size_t n;
	int code;

	code = ct_gpt2_weights(gpt2, &w, &n, err);
	if (code)
		return code;
	code = stream_weights(w, n, files, opts, fn, ctx, err);
	free(w);
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
