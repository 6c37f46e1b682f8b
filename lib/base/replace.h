/* SPDX-License-Identifier: MIT */
/*
 * Files written whole or not at all: a reader finds what was there before or
 * all that is new, whatever happens in between.
 */
#ifndef CT_BASE_REPLACE_H
#define CT_BASE_REPLACE_H

#include <stddef.h>

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

#endif
