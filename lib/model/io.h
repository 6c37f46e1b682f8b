/* SPDX-License-Identifier: MIT */
/*
 * Reads in flight: io_uring where the kernel gives it, else pread.
 *
 * A queue has a fixed number of slots; a slot holds one read, submitted and
 * later waited for. Memory that a read goes to must live until ct_io_wait()
 * has returned for its slot, or ct_io_close() has: both come back only when
 * the kernel no longer writes there.
 *
 * Reads go through the page cache, by address: that reaches the mapped buffers of
 * a device, too, which have no pages that direct reads or registered buffers
 * could pin (both are -EFAULT there).
 */
#ifndef CT_MODEL_IO_H
#define CT_MODEL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

#define CT_IO_DEPTH_MAX	64

struct ct_io;

/*
 * @depth slots (1 .. CT_IO_DEPTH_MAX). No io_uring (old kernel, a container's
 * filter, the environment variable CTRANS_NO_IO_URING=1) is not an error:
 * then the kernel is told of the reads ahead, and each is done when waited
 * for.
 */
int ct_io_open(unsigned int depth, struct ct_io **io, struct ct_err *err);
void ct_io_close(struct ct_io *io);

bool ct_io_is_uring(const struct ct_io *io);

/*
 * Start reading @len bytes (below 2 GiB) in a slot that is free: one never
 * used, or waited for since. Failures show at the wait.
 */
void ct_io_read(struct ct_io *io, unsigned int slot,
		const struct ct_file *file, uint64_t off, size_t len,
		void *dst);

/* Wait for the slot's read: all its bytes are there, or why not. */
int ct_io_wait(struct ct_io *io, unsigned int slot, struct ct_err *err);

#endif
