// SPDX-License-Identifier: MIT
#include "model/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/io.h"

#define BUFFER_MAX	(1u << 30)
#define HUGE_PAGE	(2u << 20)

/* Bytes between two spans that are read along rather than skipped. */
#define GAP_MAX		(64u << 10)

/* One read, and the pieces of spans that it brings. */
struct extent {
	uint32_t file;
	uint64_t offset;
	size_t len;
	size_t first, n;
};

struct piece {
	size_t span;
	uint64_t at;		/* in the span */
	size_t skip;		/* in the extent */
	size_t len;
};

struct plan {
	struct extent *extents;
	size_t n_extents, cap_extents;
	struct piece *pieces;
	size_t n_pieces, cap_pieces;
	size_t longest;		/* extent */
	uint64_t total;
};

static int get_opts(const struct ct_read_opts *in, struct ct_read_opts *out,
		    struct ct_err *err)
{
	*out = in ? *in : (struct ct_read_opts){ 0 };
	if (!out->depth)
		out->depth = CT_READ_DEPTH;
	if (!out->buffer)
		out->buffer = CT_READ_BUFFER;
	if (out->buffer > BUFFER_MAX || out->depth > CT_IO_DEPTH_MAX)
		return ct_fail(err, -EINVAL,
			       "%u reads of %zu bytes in flight are too many",
			       out->depth, out->buffer);
	return 0;
}

static int progress(const struct ct_read_opts *opts, uint64_t done,
		    uint64_t total, struct ct_err *err)
{
	if (opts->progress && opts->progress(opts->ctx, done, total))
		return ct_fail(err, -ECANCELED, "loading was cancelled");
	return 0;
}

/* Room for one more element in a growing array. */
static int grow(void **v, size_t n, size_t *cap, size_t size,
		struct ct_err *err)
{
	size_t want = *cap ? 2 * *cap : 64;
	void *p;

	if (n < *cap)
		return 0;
	p = realloc(*v, want * size);
	if (!p)
		return ct_fail(err, -ENOMEM, "out of memory");
	*v = p;
	*cap = want;
	return 0;
}

/*
 * How much of a span from @at on fits behind what the extent has, in whole
 * units. *skip is where in the extent it would begin.
 */
static size_t fits(const struct extent *e, const struct ct_span *s,
		   uint64_t at, size_t buffer, size_t *skip)
{
	uint64_t from = s->offset + at, left = s->len - at, room;

	if (e->file != s->file || from < e->offset + e->len ||
	    from - (e->offset + e->len) > GAP_MAX)
		return 0;
	*skip = (size_t)(from - e->offset);
	if (*skip >= buffer)
		return 0;
	room = buffer - *skip;
	if (left <= room)
		return (size_t)left;
	return (size_t)(room - room % s->unit);
}

static int new_extent(struct plan *plan, uint32_t file, uint64_t offset,
		      struct ct_err *err)
{
	int code = grow((void **)&plan->extents, plan->n_extents,
			&plan->cap_extents, sizeof(*plan->extents), err);

	if (!code)
		plan->extents[plan->n_extents++] = (struct extent){
			file, offset, 0, plan->n_pieces, 0,
		};
	return code;
}

/* At the end of the last extent. */
static int new_piece(struct plan *plan, const struct piece *piece,
		     struct ct_err *err)
{
	struct extent *e = &plan->extents[plan->n_extents - 1];
	int code = grow((void **)&plan->pieces, plan->n_pieces, &plan->cap_pieces,
			sizeof(*plan->pieces), err);

	if (code)
		return code;
	plan->pieces[plan->n_pieces++] = *piece;
	e->n++;
	e->len = piece->skip + piece->len;
	if (e->len > plan->longest)
		plan->longest = e->len;
	plan->total += piece->len;
	return 0;
}

static int plan_piece(struct plan *plan, const struct ct_span *spans,
		      size_t i, uint64_t at, size_t buffer, size_t *taken,
		      struct ct_err *err)
{
	const struct ct_span *s = &spans[i];
	struct piece piece = { .span = i, .at = at };
	int code;

	if (plan->n_extents)
		piece.len = fits(&plan->extents[plan->n_extents - 1], s, at,
				 buffer, &piece.skip);
	if (!piece.len) {
		code = new_extent(plan, s->file, s->offset + at, err);
		if (code)
			return code;
		piece.len = fits(&plan->extents[plan->n_extents - 1], s, at,
				 buffer, &piece.skip);
		if (!piece.len)	/* a unit is larger than a buffer */
			piece.len = buffer;
	}
	*taken = piece.len;
	return new_piece(plan, &piece, err);
}

static int plan_span(struct plan *plan, const struct ct_span *spans, size_t i,
		     size_t buffer, struct ct_err *err)
{
	uint64_t at = 0;

	while (at < spans[i].len) {
		size_t taken;
		int code = plan_piece(plan, spans, i, at, buffer, &taken, err);

		if (code)
			return code;
		at += taken;
	}
	return 0;
}

static int plan_direct(struct plan *plan, const struct ct_read *list, size_t i,
		       uint64_t at, size_t buffer, struct ct_err *err)
{
	uint64_t left = list[i].len - at;
	struct piece piece = {
		.span = i, .at = at, .len = left < buffer ? (size_t)left : buffer,
	};
	int code = new_extent(plan, list[i].file, list[i].offset + at, err);

	return code ? code : new_piece(plan, &piece, err);
}

/*
 * Buffers in one block, in huge pages where they are to be had: a load
 * touches all of it once, and page faults would cost as much as the copies.
 */
static int get_staging(size_t stride, unsigned int depth, void **block,
		       char **staging, struct ct_err *err)
{
	size_t len = stride * depth;
	uintptr_t start;

	*block = malloc(len + HUGE_PAGE);
	if (!*block)
		return ct_fail(err, -ENOMEM,
			       "out of memory for %zu bytes of read buffers",
			       len);
	start = ((uintptr_t)*block + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	*staging = (char *)start;
	if (len >= HUGE_PAGE)
		madvise(*staging, len / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	return 0;
}

/* ---- The threads of a stream ------------------------------------------ */

struct crew {
	const struct plan *plan;
	const struct ct_files *files;
	const struct ct_read_opts *o;	/* depth: of each thread */
	const struct ct_read *list;	/* of direct reads, else NULL */
	char *staging;			/* else: buffers, by thread and slot */
	size_t stride;
	ct_stream_fn *fn;
	void *ctx;
	_Atomic size_t next;		/* extent to be taken */
	_Atomic uint64_t done;
	uint64_t told;			/* of it, by the calling thread */
	_Atomic bool *stop;
	_Atomic size_t failed_at;	/* the first extent that did; SIZE_MAX */
	pthread_mutex_t lock;		/* of writing it, and of what follows */
	int code;
	struct ct_err err;
};

struct hand {
	struct crew *crew;
	unsigned int number;
	pthread_t thread;
	struct ct_io *io;
	/* extents being read, slots in turn */
	size_t taken[CT_IO_DEPTH_MAX];
	unsigned int head, tail;
};

/* Where a read goes. A direct one is of one piece. */
static char *target(const struct hand *h, const struct extent *e,
		    unsigned int slot)
{
	const struct crew *c = h->crew;
	const struct piece *p = &c->plan->pieces[e->first];

	if (c->list)
		return (char *)c->list[p->span].dst + p->at;
	return c->staging + (h->number * c->o->depth + slot) * c->stride;
}

static int deliver(const struct hand *h, const struct extent *e,
		   const char *bytes, struct ct_err *err)
{
	struct crew *c = h->crew;

	for (size_t i = e->first; i < e->first + e->n; i++) {
		const struct piece *p = &c->plan->pieces[i];
		int code = !c->fn ? 0 :
			   c->fn(c->ctx, h->number, p->span, p->at,
				 bytes + p->skip, p->len, err);

		if (code)
			return code;
		c->done += p->len;
	}
	return 0;
}

static void start_reads(struct hand *h)
{
	struct crew *c = h->crew;

	while (h->head - h->tail < c->o->depth && !*c->stop) {
		size_t i = c->next++;
		unsigned int slot = h->head % c->o->depth;
		const struct extent *e = &c->plan->extents[i];

		if (i >= c->plan->n_extents)
			return;
		ct_io_read(h->io, slot, &c->files->v[e->file], e->offset,
			   e->len, target(h, e, slot));
		h->taken[slot] = i;
		h->head++;
	}
}

static void crew_failed(struct crew *c, size_t at, int code,
			const struct ct_err *err)
{
	pthread_mutex_lock(&c->lock);
	/* -ECANCELED may be one who waited in vain for what has failed */
	if (!c->code || (at < c->failed_at && code != -ECANCELED)) {
		c->failed_at = at;
		c->code = code;
		c->err = *err;
	}
	*c->stop = true;
	pthread_mutex_unlock(&c->lock);
}

/* In the calling thread. */
static int tell(struct crew *c, struct ct_err *err)
{
	c->told = c->done;
	return progress(c->o, c->told, c->plan->total, err);
}

static void *work(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;

	for (start_reads(h); h->tail != h->head; start_reads(h)) {
		unsigned int slot = h->tail % c->o->depth;
		size_t at = h->taken[slot];
		const struct extent *e = &c->plan->extents[at];
		struct ct_err err = { 0 };
		int code;

		/*
		 * All before the one that failed have been taken by someone,
		 * and may have failed as well: that is to be known, so that the
		 * same is said whatever the threads.
		 */
		if (at > c->failed_at)
			break;
		code = ct_io_wait(h->io, slot, &err);
		if (!code)
			code = deliver(h, e, target(h, e, slot), &err);
		if (!code && !h->number)
			code = tell(c, &err);
		if (code)
			crew_failed(c, at, code, &err);
		h->tail++;
	}
	return NULL;
}

/* Threads beyond the calling one; how many there are. */
static unsigned int start_hands(struct hand *hands, unsigned int n)
{
	unsigned int i = 1;
	sigset_t all, old;

	/* the application's signals are for its own threads */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (i < n && !pthread_create(&hands[i].thread, NULL, work, &hands[i]))
		i++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return i;
}

static int run_crew(struct crew *c, struct hand *hands, unsigned int n,
		    struct ct_err *err)
{
	unsigned int running = start_hands(hands, n);

	work(&hands[0]);
	for (unsigned int i = 1; i < running; i++)
		pthread_join(hands[i].thread, NULL);
	if (c->code) {
		if (err)
			*err = c->err;
		return c->code;
	}
	/* the last piece may have been another thread's */
	return c->told < c->plan->total ? tell(c, err) : 0;
}

/* Reads for each thread, so that all together are as many as asked for. */
static unsigned int share_depth(unsigned int depth, unsigned int threads)
{
	unsigned int share = depth / threads;

	return threads == 1 || share > 2 ? share : 2;
}

static unsigned int get_threads(const struct plan *plan, struct ct_read_opts *o)
{
	unsigned int threads = o->threads ? o->threads : 1;

	if (threads > CT_READ_THREADS)
		threads = CT_READ_THREADS;
	if (threads > plan->n_extents)
		threads = (unsigned int)plan->n_extents;
	o->depth = share_depth(o->depth, threads);
	if (o->depth > plan->n_extents)
		o->depth = (unsigned int)plan->n_extents;
	return threads;
}

/* @list: read there; NULL: into buffers. */
static int with_plan(const struct plan *plan, const struct ct_files *files,
		     struct ct_read_opts *o, const struct ct_read *list,
		     ct_stream_fn *fn, void *ctx, struct ct_err *err)
{
	unsigned int threads = get_threads(plan, o);
	_Atomic bool own_stop = false;
	struct crew c = {
		.plan = plan, .files = files, .o = o, .list = list, .fn = fn,
		.ctx = ctx, .stride = (plan->longest + 63) & ~(size_t)63,
		.stop = o->stop ? o->stop : &own_stop,
		.failed_at = SIZE_MAX,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct hand hands[CT_READ_THREADS] = { 0 };
	void *block = NULL;
	int code = 0;

	if (!list)
		code = get_staging(c.stride, o->depth * threads, &block,
				   &c.staging, err);
	for (unsigned int i = 0; i < threads && !code; i++) {
		hands[i].crew = &c;
		hands[i].number = i;
		code = ct_io_open(o->depth, &hands[i].io, err);
	}
	if (!code)
		code = run_crew(&c, hands, threads, err);
	/* Before the buffers go: the kernel may still write to them. */
	for (unsigned int i = 0; i < threads; i++)
		ct_io_close(hands[i].io);
	free(block);
	return code;
}

static void free_plan(struct plan *plan)
{
	free(plan->extents);
	free(plan->pieces);
}

int ct_stream(const struct ct_files *files, const struct ct_span *spans,
	      size_t n, const struct ct_read_opts *opts, ct_stream_fn *fn,
	      void *ctx, struct ct_err *err)
{
	struct plan plan = { 0 };
	struct ct_read_opts o;
	int code;

	code = get_opts(opts, &o, err);
	if (!code && o.buffer > CT_STAGING_MAX / o.depth)
		code = ct_fail(err, -EINVAL,
			       "%u buffers of %zu bytes are more than %u MiB",
			       o.depth, o.buffer, CT_STAGING_MAX >> 20);
	for (size_t i = 0; i < n && !code; i++)
		code = plan_span(&plan, spans, i, o.buffer, err);
	if (!code && plan.n_extents)
		code = with_plan(&plan, files, &o, NULL, fn, ctx, err);
	free_plan(&plan);
	return code;
}

int ct_read_direct(const struct ct_files *files, const struct ct_read *list,
		   size_t n, const struct ct_read_opts *opts, ct_stream_fn *fn,
		   void *ctx, struct ct_err *err)
{
	struct plan plan = { 0 };
	struct ct_read_opts o;
	int code;

	code = get_opts(opts, &o, err);
	for (size_t i = 0; i < n && !code; i++)
		for (uint64_t at = 0; at < list[i].len && !code; at += o.buffer)
			code = plan_direct(&plan, list, i, at, o.buffer, err);
	if (!code && plan.n_extents)
		code = with_plan(&plan, files, &o, list, fn, ctx, err);
	free_plan(&plan);
	return code;
}
