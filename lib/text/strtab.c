// SPDX-License-Identifier: MIT
#include "text/strtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The slot of a string, or the empty one where it would be. */
static uint32_t *slot_of(const struct ct_strtab *tab, const char *s, size_t len)
{
	size_t i = XXH3_64bits(s, len);

	for (;; i++) {
		uint32_t *slot = &tab->slot[i & (tab->n_slots - 1)];
		const struct ct_strtab_entry *e;

		if (!*slot)
			return slot;
		e = &tab->v[*slot - 1];
		if (e->len == len &&
		    (!len || !memcmp(tab->bytes.data + e->at, s, len)))
			return slot;
	}
}

static int grow(struct ct_strtab *tab)
{
	size_t n = tab->n_slots ? 2 * tab->n_slots : 64, i;
	uint32_t *slot = calloc(n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	free(tab->slot);
	tab->slot = slot;
	tab->n_slots = n;
	for (i = 0; i < tab->n; i++)
		*slot_of(tab, tab->bytes.data + tab->v[i].at, tab->v[i].len) =
			i + 1;
	return 0;
}

int ct_strtab_add(struct ct_strtab *tab, const char *s, size_t len,
		  uint32_t *number)
{
	uint32_t *slot;

	/* At most half full. */
	if (2 * (tab->n + 1) > tab->n_slots && grow(tab))
		return -ENOMEM;
	slot = slot_of(tab, s, len);
	if (*slot) {
		*number = *slot - 1;
		return 0;
	}
	if (len > UINT32_MAX - tab->bytes.n || tab->n >= UINT32_MAX - 1 ||
	    ct_array_grow(&tab->v, &tab->cap, tab->n + 1, sizeof(*tab->v)))
		return -ENOMEM;
	tab->v[tab->n].at = tab->bytes.n;
	tab->v[tab->n].len = len;
	if (ct_buf_append(&tab->bytes, s, len))
		return -ENOMEM;
	*number = tab->n++;
	*slot = *number + 1;
	return 1;
}

int ct_strtab_find(const struct ct_strtab *tab, const char *s, size_t len,
		   uint32_t *number)
{
	const uint32_t *slot;

	if (!tab->n)
		return -ENOENT;
	slot = slot_of(tab, s, len);
	if (!*slot)
		return -ENOENT;
	*number = *slot - 1;
	return 0;
}

void ct_strtab_free(struct ct_strtab *tab)
{
	ct_buf_free(&tab->bytes);
	free(tab->v);
	free(tab->slot);
	*tab = (struct ct_strtab){ 0 };
}
