/* SPDX-License-Identifier: MIT */
/*
 * Growable arrays of bytes and of token ids. All zero is an empty one; the
 * owner frees it. Growing never loses what is there.
 */
#ifndef CT_TEXT_BUF_H
#define CT_TEXT_BUF_H

#include <stddef.h>
#include <stdint.h>

struct ct_buf {
	char *data;
	size_t n, cap;
};

struct ct_ids {
	uint32_t *data;
	size_t n, cap;
};

/* Room for @more beyond what is there. Returns 0 or -ENOMEM. */
int ct_buf_reserve(struct ct_buf *buf, size_t more);
int ct_buf_append(struct ct_buf *buf, const void *data, size_t len);
void ct_buf_free(struct ct_buf *buf);

int ct_ids_reserve(struct ct_ids *ids, size_t more);
int ct_ids_append(struct ct_ids *ids, uint32_t id);
int ct_ids_append_all(struct ct_ids *ids, const struct ct_ids *more);
void ct_ids_free(struct ct_ids *ids);

/*
 * The step under both: make room for @need elements of @size bytes in an array
 * that has @cap, doubling. Returns 0 or -ENOMEM; on failure nothing changed.
 */
int ct_array_grow(void *array, size_t *cap, size_t need, size_t size);

#endif
