// SPDX-License-Identifier: MIT
#include "model/io.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum state {
	IDLE,		/* nothing to read */
	BUSY,		/* the kernel has it */
	DONE,		/* res says what the kernel did */
	SYNC,		/* to be read when waited for */
};

struct slot {
	enum state state;
	const struct ct_file *file;
	uint64_t off;
	size_t len;
	void *dst;
	int res;
};

struct ct_io {
	unsigned int depth;
	bool uring;		/* the ring exists */
	bool submit;		/* and takes submissions */
	unsigned int busy;	/* slots in state BUSY */
	struct io_uring ring;
	struct slot slot[];
};

int ct_io_open(unsigned int depth, struct ct_io **out, struct ct_err *err)
{
	const char *off = getenv("CTRANS_NO_IO_URING");
	struct ct_io *io;

	if (depth < 1 || depth > CT_IO_DEPTH_MAX)
		return ct_fail(err, -EINVAL, "%u reads in flight (1 to %d)",
			       depth, CT_IO_DEPTH_MAX);
	io = calloc(1, sizeof(*io) + depth * sizeof(io->slot[0]));
	if (!io)
		return ct_fail(err, -ENOMEM, "out of memory");
	io->depth = depth;
	/*
	 * ENOSYS, EPERM and, before Linux 5.12, ENOMEM for locked memory:
	 * whatever the reason, pread serves.
	 */
	io->uring = !(off && *off && strcmp(off, "0")) &&
		    !io_uring_queue_init(depth, &io->ring, 0);
	io->submit = io->uring;
	*out = io;
	return 0;
}

bool ct_io_is_uring(const struct ct_io *io)
{
	return io->uring;
}

void ct_io_read(struct ct_io *io, unsigned int slot,
		const struct ct_file *file, uint64_t off, size_t len,
		void *dst)
{
	struct slot *s = &io->slot[slot];
	struct io_uring_sqe *sqe;

	*s = (struct slot){ SYNC, file, off, len, dst, 0 };
	if (io->submit) {
		/* Never NULL: there are as many entries as slots. */
		sqe = io_uring_get_sqe(&io->ring);
		io_uring_prep_read(sqe, file->fd, dst, (unsigned int)len,
				   file->base + off);
		io_uring_sqe_set_data64(sqe, slot);
		if (io_uring_submit(&io->ring) == 1) {
			s->state = BUSY;
			io->busy++;
			return;
		}
		/*
		 * The entry stays in the ring and must never reach the kernel
		 * behind our back, so nothing is submitted from now on.
		 */
		io->submit = false;
	}
	posix_fadvise(file->fd, (off_t)(file->base + off), (off_t)len,
		      POSIX_FADV_WILLNEED);
}

static void complete(struct ct_io *io, struct io_uring_cqe *cqe)
{
	struct slot *s = &io->slot[io_uring_cqe_get_data64(cqe)];

	s->res = cqe->res;
	s->state = DONE;
	io->busy--;
	io_uring_cqe_seen(&io->ring, cqe);
}

/*
 * What the ring did not read is read here: nothing of it after an error
 * (EINVAL from kernels without the operation, EAGAIN, EINTR), the rest after
 * a short read. A real error of the file comes back from pread.
 */
static int finish(struct slot *s, struct ct_err *err)
{
	size_t done = 0;

	if (s->state == DONE && s->res > 0)
		done = (size_t)s->res;
	s->state = IDLE;
	if (done >= s->len)
		return 0;
	return ct_file_read(s->file, (char *)s->dst + done, s->len - done,
			    s->off + done, err);
}

int ct_io_wait(struct ct_io *io, unsigned int slot, struct ct_err *err)
{
	struct slot *s = &io->slot[slot];

	while (s->state == BUSY) {
		struct io_uring_cqe *cqe;
		int code = io_uring_wait_cqe(&io->ring, &cqe);

		if (code == -EINTR || code == -EAGAIN)
			continue;
		if (code)
			return ct_fail(err, code, "%s: waiting for a read: %s",
				       s->file->path, strerror(-code));
		complete(io, cqe);
	}
	return s->state == IDLE ? 0 : finish(s, err);
}

void ct_io_close(struct ct_io *io)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	if (!io)
		return;
	/*
	 * Reads of regular files end by themselves. Looking into the ring
	 * needs no system call, so this works where waiting has failed.
	 */
	while (io->busy) {
		struct io_uring_cqe *cqe;

		if (!io_uring_peek_cqe(&io->ring, &cqe))
			complete(io, cqe);
		else
			nanosleep(&ms, NULL);
	}
	if (io->uring)
		io_uring_queue_exit(&io->ring);
	free(io);
}
