/* SPDX-License-Identifier: MIT */
/*
 * Files opened for reading, with the size they had then.
 *
 * Nothing is mapped: a file that another process truncates would turn a load
 * into SIGBUS, where a read returns an error.
 */
#ifndef CT_BASE_FILE_H
#define CT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ct_file {
	int fd;
	char *path;		/* for messages */
	uint64_t base, size;	/* of it, or of the part that is read as a file */
};

struct ct_files {
	struct ct_file *v;
	uint32_t n, cap;
};

/*
 * Open a regular file and append it; its index goes to @index. An empty file
 * is an error (-EBADMSG): no format here has one. So is what is no file.
 */
int ct_files_add(struct ct_files *files, const char *path, uint32_t *index,
		 struct ct_err *err);
void ct_files_close(struct ct_files *files);
/* From here on the @len bytes at @at, which it has, are the file. */
void ct_file_narrow(struct ct_file *file, uint64_t at, uint64_t len);

/*
 * Read exactly @len bytes at @off: short reads and EINTR are handled, an end
 * of file before the last byte is -EBADMSG. Safe from several threads.
 */
int ct_file_read(const struct ct_file *file, void *dst, size_t len,
		 uint64_t off, struct ct_err *err);

/* Put the file's path in front of a message that does not begin with it. */
void ct_file_prefix(const struct ct_file *file, struct ct_err *err);

/*
 * A whole small file in memory, with a NUL after its last byte (not counted
 * in @len). More than @max bytes is -E2BIG, what is no file -EBADMSG, no such
 * file -ENOENT. Free *@data with free().
 */
int ct_file_slurp(const char *path, size_t max, char **data, size_t *len,
		  struct ct_err *err);

/* "dir/name", to be freed, or NULL when out of memory. */
char *ct_path_join(const char *dir, const char *name);

/* Does a file (or link to one) of this name exist in the directory? */
bool ct_path_exists(const char *dir, const char *name);

/*
 * A name from a file, made fit for a message: control bytes become '?', and
 * what is too long is cut. Use as ct_show(p, len).s within one expression.
 */
struct ct_shown {
	char s[96];
};
struct ct_shown ct_show(const char *name, size_t len);

#endif
