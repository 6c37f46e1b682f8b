/* SPDX-License-Identifier: MIT */
/*
 * Getting bytes of a model's files: straight to where they will live, or past
 * a consumer through a few staging buffers. Either way several reads are in
 * flight, and the ways can run in several threads on the same files.
 */
#ifndef CT_MODEL_READER_H
#define CT_MODEL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

/* What staging may take at most. */
#define CT_STAGING_MAX	(64u << 20)

/*
 * Eight buffers of 1 MiB stay in the last-level cache between the kernel's
 * copy and the consumer: twice as fast as 4 MiB each on a file in the page
 * cache, and no slower from disk.
 */
#define CT_READ_DEPTH	8
#define CT_READ_BUFFER	(1u << 20)

/* Threads of one operation at most: a few saturate any memory. */
#define CT_READ_THREADS	16

/*
 * Told after reads that were used, in the thread that asked for them. Not 0
 * ends the operation with -ECANCELED. @total is the same at each call, and
 * @done reaches it.
 */
typedef int ct_progress_fn(void *ctx, uint64_t done, uint64_t total);

/* Zero means the default, as does a NULL pointer to the whole. */
struct ct_read_opts {
	unsigned int depth;	/* reads in flight */
	size_t buffer;		/* bytes of one read */
	ct_progress_fn *progress;
	void *ctx;
	/*
	 * Threads to work with, the calling one among them; fewer where the
	 * system refuses. They share what depth allows, but have two reads in
	 * flight each.
	 */
	unsigned int threads;
	/*
	 * Where given, set as soon as the operation has failed: for callbacks
	 * that wait for what another thread's callback does.
	 */
	_Atomic bool *stop;
};

/*
 * @len bytes at position @at of span (or item) number @span, in thread number @thread
 * (0: the calling one). Not 0 ends the operation with that value.
 */
typedef int ct_stream_fn(void *ctx, unsigned int thread, size_t span,
			 uint64_t at, const void *bytes, size_t len,
			 struct ct_err *err);

struct ct_read {
	uint32_t file;
	uint64_t offset, len;
	void *dst;
};

/*
 * Read all of a list, each item to its destination, in pieces of a buffer's
 * size from the item's beginning on. @fn, unless NULL, is shown each piece
 * where it lies, as soon as it is there.
 */
int ct_read_direct(const struct ct_files *files, const struct ct_read *list,
		   size_t n, const struct ct_read_opts *opts, ct_stream_fn *fn,
		   void *ctx, struct ct_err *err);

/* A run of bytes to be streamed, made of units (rows) of @unit > 0 bytes. */
struct ct_span {
	uint32_t file;
	uint64_t offset, len;
	uint64_t unit;
};

/*
 * Pass all spans to @fn, piece by piece in the order of the list. Pieces are
 * whole units, unless a unit is larger than a buffer, and are gone when @fn
 * returns. With several
 * threads each takes the next piece when it has room for one, and passes its
 * own on in that order: so whatever waits for a piece before it in the list
 * waits for a thread that is at work. Of several failures the one earliest in
 * the list is returned.
 *
 * Spans that follow each other in a file share reads, so a list in file order
 * is read in large pieces. Staging memory is depth x buffer, at most
 * CT_STAGING_MAX (-EINVAL) and never more than the spans need.
 */
int ct_stream(const struct ct_files *files, const struct ct_span *spans,
	      size_t n, const struct ct_read_opts *opts, ct_stream_fn *fn,
	      void *ctx, struct ct_err *err);

#endif
