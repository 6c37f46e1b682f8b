// SPDX-License-Identifier: MIT
/*
 * Reads in flight, with a kernel that does not always do as asked: the
 * linker sends liburing's and pread's calls through here (meson.build).
 */
#include <check.h>
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/io.h"
#include "model/reader.h"
#include "model_help.h"

/* What goes wrong; all zero is a good kernel. */
static struct {
	int init;		/* io_uring_queue_init's answer */
	unsigned int shorten;	/* each n-th ring read: only half of it */
	int submit_at;		/* from the n-th on, submissions fail */
	bool hold;		/* nothing is done before it is waited for */
	int wait_at, wait_code;	/* the n-th wait fails so */
	unsigned int eintr;	/* each n-th pread: EINTR */
	int pread_at, pread_errno;
	bool pread_short;	/* at most 1000 bytes at a time */
	unsigned int submits, waits, preads;	/* how many there were */
} kernel;

int __real_io_uring_queue_init(unsigned int n, struct io_uring *r,
			       unsigned int flags);
int __wrap_io_uring_queue_init(unsigned int n, struct io_uring *r,
			       unsigned int flags);
int __real_io_uring_submit(struct io_uring *r);
int __wrap_io_uring_submit(struct io_uring *r);
int __real___io_uring_get_cqe(struct io_uring *r, struct io_uring_cqe **c,
			      unsigned int submit, unsigned int n,
			      sigset_t *mask);
int __wrap___io_uring_get_cqe(struct io_uring *r, struct io_uring_cqe **c,
			      unsigned int submit, unsigned int n,
			      sigset_t *mask);
ssize_t __real_pread(int fd, void *dst, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t off);

int __wrap_io_uring_queue_init(unsigned int n, struct io_uring *r,
			       unsigned int flags)
{
	return kernel.init ? kernel.init :
			     __real_io_uring_queue_init(n, r, flags);
}

int __wrap_io_uring_submit(struct io_uring *r)
{
	kernel.submits++;
	if (kernel.submit_at && (int)kernel.submits >= kernel.submit_at)
		return -EBUSY;
	if (kernel.shorten && kernel.submits % kernel.shorten == 0) {
		unsigned int last = r->sq.sqe_tail - 1;

		r->sq.sqes[last & (*r->sq.kring_entries - 1)].len /= 2;
	}
	return kernel.hold ? 1 : __real_io_uring_submit(r);
}

int __wrap___io_uring_get_cqe(struct io_uring *r, struct io_uring_cqe **c,
			      unsigned int submit, unsigned int n,
			      sigset_t *mask)
{
	if (n && (int)++kernel.waits == kernel.wait_at)
		return kernel.wait_code;
	if (kernel.hold)
		__real_io_uring_submit(r);
	return __real___io_uring_get_cqe(r, c, submit, n, mask);
}

ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t off)
{
	kernel.preads++;
	if (kernel.eintr && kernel.preads % kernel.eintr == 0) {
		errno = EINTR;
		return -1;
	}
	if (kernel.pread_at && (int)kernel.preads >= kernel.pread_at) {
		errno = kernel.pread_errno;
		return -1;
	}
	if (kernel.pread_short && n > 1000)
		n = 1000;
	return __real_pread(fd, dst, n, off);
}

/* The name that pread has where offsets are 64 bits by choice. */
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t off)
{
	return __wrap_pread(fd, dst, n, off);
}

#define SIZE	1000003

static uint8_t *content;
static struct ct_files files;
static struct mem_file file;

static void setup(void)
{
	uint32_t index;

	memset(&kernel, 0, sizeof(kernel));
	content = malloc(SIZE);
	srandom(7);
	for (int i = 0; i < SIZE; i++)
		content[i] = (uint8_t)random();
	mem_file_make(&file, content, SIZE);
	ck_assert_int_eq(ct_files_add(&files, file.path, &index, NULL), 0);
}

static void teardown(void)
{
	ct_files_close(&files);
	close(file.fd);
	free(content);
}

/* Ways of the kernel under which every read must succeed. */
static void way(int i)
{
	memset(&kernel, 0, sizeof(kernel));
	unsetenv("CTRANS_NO_IO_URING");
	switch (i) {
	case 1:
		setenv("CTRANS_NO_IO_URING", "1", 1);
		break;
	case 2:
		kernel.init = -ENOSYS;
		kernel.pread_short = true;
		kernel.eintr = 3;
		break;
	case 3:
		kernel.init = -EPERM;
		break;
	case 4:
		kernel.shorten = 1;
		break;
	case 5:
		kernel.shorten = 3;
		kernel.eintr = 2;
		kernel.hold = true;
		kernel.wait_at = 2;
		kernel.wait_code = -EINTR;
		break;
	case 6:
		kernel.submit_at = 1;
		break;
	case 7:
		kernel.submit_at = 4;
		break;
	}
}

#define N_WAYS	8

static int direct(const struct ct_read_opts *o, struct ct_err *err)
{
	uint8_t *to = calloc(1, SIZE);
	struct ct_read list[40];
	uint64_t at = 0;
	int n = 0, code;

	/* The file in pieces of many sizes, the empty one among them. */
	for (; at < SIZE; n++) {
		uint64_t len = n == 3 ? 0 : (uint64_t)random() % 100000;

		if (len > SIZE - at || n == 39)
			len = SIZE - at;
		list[n] = (struct ct_read){ 0, at, len, to + at };
		at += len;
	}
	code = ct_read_direct(&files, list, (size_t)n, o, NULL, NULL, err);
	if (!code)
		ck_assert(!memcmp(to, content, SIZE));
	free(to);
	return code;
}

START_TEST(direct_reads)
{
	static const struct ct_read_opts opts[] = {
		{ 0 }, { .depth = 1, .buffer = 4096 },
		{ .depth = 3, .buffer = 1000 }, { .depth = 64, .buffer = 77777 },
	};
	struct ct_err err = { 0 };

	for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		way(_i);
		ck_assert_msg(!direct(&opts[i], &err), "%s", err.msg);
	}
	ck_assert_int_eq(ct_read_direct(&files, NULL, 0, NULL, NULL, NULL, &err), 0);
}
END_TEST

struct seen {
	const struct ct_span *spans;
	size_t n, span;
	uint64_t at, buffer;
	int stop_after;
};

/* The next bytes that are due, and no others. */
static int see(void *ctx, unsigned int thread, size_t span, uint64_t at,
	       const void *bytes, size_t len, struct ct_err *err)
{
	struct seen *s = ctx;
	const struct ct_span *sp;

	ck_assert_uint_eq(thread, 0);

	while (s->span < s->n && s->at == s->spans[s->span].len) {
		s->span++;
		s->at = 0;
	}
	sp = &s->spans[s->span];
	ck_assert_uint_eq(span, s->span);
	ck_assert_uint_eq(at, s->at);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(at + len, sp->len);
	if (sp->unit <= s->buffer && at + len != sp->len)
		ck_assert_uint_eq(len % sp->unit, 0);
	ck_assert_uint_le(len, s->buffer);
	ck_assert(!memcmp(bytes, content + sp->offset + at, len));
	s->at += len;
	if (s->stop_after && !--s->stop_after)
		return ct_fail(err, -ERANGE, "the consumer said no");
	return 0;
}

#define SPANS	60

static int stream(const struct ct_read_opts *o, int stop_after,
		  struct ct_err *err)
{
	struct ct_span spans[SPANS];
	struct seen seen = { spans, SPANS, 0, 0,
			     o->buffer ? o->buffer : CT_READ_BUFFER, stop_after };
	uint64_t at = 0;
	int code;

	for (int i = 0; i < SPANS; i++) {
		uint64_t unit = 1 + (uint64_t)random() % 5000;
		uint64_t len = unit * ((uint64_t)random() % 9);
		uint64_t gap = i % 5 ? 0 : (uint64_t)random() % 100;

		if (i == 20)
			gap = 70000;	/* more than is bridged */
		if (i == 30)
			at = 17;	/* back, and again over the same */
		ck_assert_uint_le(at + gap + len, SIZE);
		spans[i] = (struct ct_span){ 0, at + gap, len, unit };
		at += gap + len;
	}
	spans[SPANS - 1].len = spans[SPANS - 1].unit;
	code = ct_stream(&files, spans, SPANS, o, see, &seen, err);
	if (!code) {
		ck_assert_uint_eq(seen.span, SPANS - 1);
		ck_assert_uint_eq(seen.at, spans[SPANS - 1].len);
	}
	return code;
}

START_TEST(streams)
{
	static const struct ct_read_opts opts[] = {
		{ 0 }, { .depth = 1, .buffer = 5000 },
		{ .depth = 2, .buffer = 1000 }, { .depth = 5, .buffer = 13 },
		{ .depth = 64, .buffer = 20000 },
	};
	struct ct_err err = { 0 };

	for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		if (opts[i].buffer == 13 && _i > 1)
			continue;	/* many system calls */
		way(_i);
		ck_assert_msg(!stream(&opts[i], 0, &err), "%s", err.msg);
	}
	ck_assert_int_eq(ct_stream(&files, NULL, 0, NULL, see, NULL, &err), 0);
}
END_TEST

/* Reads of both kinds fail with @code, from wherever it comes. */
static void both_fail(int code, const char *text)
{
	struct ct_read_opts o = { .depth = 4, .buffer = 10000 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(direct(&o, &err), code);
	ck_assert_msg(strstr(err.msg, text), "%s", err.msg);
	memset(&err, 0, sizeof(err));
	kernel.preads = kernel.waits = kernel.submits = 0;
	ck_assert_int_eq(stream(&o, 0, &err), code);
	ck_assert_msg(strstr(err.msg, text), "%s", err.msg);
}

START_TEST(failures)
{
	for (int i = 1; i < 6; i++) {
		way(1);
		kernel.pread_at = i;
		kernel.pread_errno = EIO;
		both_fail(-EIO, "cannot read");
		/* Short ring reads are ended by pread. */
		way(4);
		kernel.pread_at = i;
		kernel.pread_errno = EIO;
		both_fail(-EIO, "cannot read");
		way(0);
		kernel.hold = true;
		kernel.wait_at = i;
		kernel.wait_code = -EBADF;
		both_fail(-EBADF, "waiting for a read");
	}
}
END_TEST

START_TEST(truncated_underneath)
{
	ck_assert_int_eq(ftruncate(file.fd, 30000), 0);
	way(0);
	both_fail(-EBADMSG, "ends at byte 30000");
	way(1);
	both_fail(-EBADMSG, "ends at byte 30000");
}
END_TEST

struct told {
	uint64_t done, total;
	int calls, cancel_at;
};

static int tell(void *ctx, uint64_t done, uint64_t total)
{
	struct told *t = ctx;

	ck_assert_uint_gt(done, t->done);
	ck_assert_uint_le(done, total);
	if (t->calls)
		ck_assert_uint_eq(total, t->total);
	t->done = done;
	t->total = total;
	return ++t->calls == t->cancel_at;
}

START_TEST(progress)
{
	for (int cancel = 0; cancel < 4; cancel++) {
		struct told t = { .cancel_at = cancel };
		struct ct_read_opts o = { .depth = 4, .buffer = 50000,
					  .progress = tell, .ctx = &t };
		struct ct_err err = { 0 };
		int want = cancel ? -ECANCELED : 0;

		way(0);
		ck_assert_int_eq(direct(&o, &err), want);
		ck_assert(cancel ? t.calls == cancel : t.done == t.total);
		t = (struct told){ .cancel_at = cancel };
		ck_assert_int_eq(stream(&o, 0, &err), want);
		ck_assert(cancel ? t.calls == cancel : t.done == t.total);
	}
}
END_TEST

START_TEST(consumer_stops)
{
	struct ct_read_opts o = { .depth = 4, .buffer = 5000 };

	for (int i = 1; i < 20; i += 3) {
		struct ct_err err = { 0 };

		way(i & 1);
		ck_assert_int_eq(stream(&o, i, &err), -ERANGE);
		ck_assert_str_eq(err.msg, "the consumer said no");
	}
}
END_TEST

START_TEST(limits)
{
	struct ct_read_opts o = { .depth = 65 };
	struct ct_err err = { 0 };
	struct ct_io *io;

	ck_assert_int_eq(direct(&o, &err), -EINVAL);
	o = (struct ct_read_opts){ .depth = 16, .buffer = 4194305 };
	ck_assert_int_eq(stream(&o, 0, &err), -EINVAL);
	o = (struct ct_read_opts){ .buffer = (size_t)2 << 30 };
	ck_assert_int_eq(direct(&o, &err), -EINVAL);
	ck_assert_int_eq(ct_io_open(0, &io, &err), -EINVAL);
	way(1);
	ck_assert_int_eq(ct_io_open(1, &io, &err), 0);
	ck_assert(!ct_io_is_uring(io));
	ct_io_close(io);
	ct_io_close(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reader");
	TCase *t = tcase_create("reads");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, direct_reads, 0, N_WAYS);
	tcase_add_loop_test(t, streams, 0, N_WAYS);
	tcase_add_test(t, failures);
	tcase_add_test(t, truncated_underneath);
	tcase_add_test(t, progress);
	tcase_add_test(t, consumer_stops);
	tcase_add_test(t, limits);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
