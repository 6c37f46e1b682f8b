/* SPDX-License-Identifier: MIT */
/*
 * Files written whole or not at all: a reader finds what was there before or
 * all that is new, whatever happens in between.
 */
#ifndef CT_BASE_REPLACE_H
#define CT_BASE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Make @path a file of these @len bytes, on the disk when this returns. What
 * was there keeps its permissions; a new file has those of the umask. A link is
 * followed. What is no regular file is -EINVAL; else -errno, and what was there
 * is there still (unless all that failed was flushing the directory). Only a
 * process killed in the instant between naming the new file and renaming it
 * leaves a second one, ".ctrans-*.tmp".
 */
int ct_file_replace(const char *path, const void *data, size_t len,
		    struct ct_err *err);

/* The same piece by piece. All zero is one that has ended. */
struct ct_replacement {
	char *path;		/* no link */
	char *dir;
	bool exists;
	mode_t mode;		/* of what exists */
	int fd;
	bool named;		/* there is a file under temp */
	char *temp;
};

/*
 * Room for @size bytes is made at once where the file system can: -ENOSPC, or
 * -EFBIG for a limit, comes before anything is written.
 */
int ct_replace_begin(struct ct_replacement *r, const char *path, uint64_t size,
		     struct ct_err *err);
int ct_replace_write(struct ct_replacement *r, const void *data, size_t len,
		     struct ct_err *err);
/* Ends it in any case. */
int ct_replace_commit(struct ct_replacement *r, struct ct_err *err);
/* As if it had never begun. */
void ct_replace_drop(struct ct_replacement *r);

#endif
