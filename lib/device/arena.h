/* SPDX-License-Identifier: MIT */
/*
 * The in-process transport's memory: one stretch of address space, made real
 * in 2 MiB steps, with the chip's page tables in it. A bus address is an offset
 * into it, a context address that offset plus CT_ARENA_VA.
 */
#ifndef CT_DEVICE_ARENA_H
#define CT_DEVICE_ARENA_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "device/extents.h"
#include "uapi/ctrans_regs.h"

#define CT_ARENA_VA	CTRANS_PAGE_2M

struct ct_arena {
	uint8_t *base;
	uint64_t reserved;	/* address space */
	_Atomic uint64_t real;	/* bytes from the start that have memory */
	uint64_t mapped;	/* of those, in the page tables */
	uint64_t root;		/* offset of the root page table */
	uint64_t ctx_table;
	struct ct_extents free;
	pthread_mutex_t lock;
};

int ct_arena_open(struct ct_arena *a, struct ct_err *err);
void ct_arena_close(struct ct_arena *a);

/* Offset of @size zeroed bytes; size is rounded up to whole 4 KiB pages. */
int ct_arena_alloc(struct ct_arena *a, uint64_t size, uint64_t *offset,
		   struct ct_err *err);
void ct_arena_free(struct ct_arena *a, uint64_t offset, uint64_t size);

#endif
