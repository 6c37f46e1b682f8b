/* SPDX-License-Identifier: MIT */
/*
 * Strings of bytes, each once, numbered from 0 in the order they came. All
 * zero is an empty table; the owner frees it.
 */
#ifndef CT_TEXT_STRTAB_H
#define CT_TEXT_STRTAB_H

#include <stddef.h>
#include <stdint.h>

#include "text/buf.h"

struct ct_strtab_entry {
	uint32_t at, len;	/* in bytes */
};

struct ct_strtab {
	struct ct_buf bytes;
	struct ct_strtab_entry *v;
	size_t n, cap;
	uint32_t *slot;		/* open addressing: number + 1, or 0 */
	size_t n_slots;
};

/*
 * The number of a string, which is added if it is new: 1 then, else 0, or
 * -ENOMEM (also for more than 4 GiB).
 */
int ct_strtab_add(struct ct_strtab *tab, const char *s, size_t len,
		  uint32_t *number);
/* 0 or -ENOENT. */
int ct_strtab_find(const struct ct_strtab *tab, const char *s, size_t len,
		   uint32_t *number);
void ct_strtab_free(struct ct_strtab *tab);

/* Good until the next string is added. */
static inline const char *ct_strtab_get(const struct ct_strtab *tab,
					uint32_t number, size_t *len)
{
	*len = tab->v[number].len;
	return tab->bytes.data + tab->v[number].at;
}

#endif
