/* SPDX-License-Identifier: MIT */
/*
 * The blocks that keys and values are in, and whose they are.
 *
 * A block is in the tables of any number of sequences: forks, and texts that
 * begin alike. It is written only by a step of a sequence that has it alone,
 * and never once it is known: whoever would write elsewhere takes a copy.
 *
 * A block is known, for others to find, from the moment a step has filled it.
 * What it holds is a function of all tokens up to its end and of nothing else
 * (the exactness that uapi/ctrans_insn.h asks of attention), so it is known by
 * its own tokens and the name of the known block before it. The names of a
 * chain are compared, not only hashed: there are no collisions.
 *
 * A known block that no sequence has any more is kept until its memory is
 * wanted. Whoever has a block has the known block before it too, and blocks are
 * given back from the end on; so the block before is never the older one, and
 * taking the oldest never leaves one behind that can not be found.
 *
 * All of this is under ct_kv.lock, which is taken inside ct_core.lock.
 */
#ifndef CT_ENGINE_KV_H
#define CT_ENGINE_KV_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

#define CT_KV_NONE	UINT32_MAX
#define CT_KV_CHUNK	4u	/* blocks that are allocated together */

struct ct_kv_block {
	uint32_t refs;		/* tables that have it */
	uint32_t next, prev;	/* free: the next one; kept: the newer, the older */
	uint32_t hashed;	/* known: the next with the same hash */
	uint64_t name;		/* of a known one, never used again; else 0 */
	uint64_t before;	/* known: the name of the block before, 0 for none */
	bool foreign;		/* has contents that came from elsewhere */
	uint32_t tokens[CTRANS_KV_POSITIONS];
};

struct ct_kv {
	pthread_mutex_t lock;
	struct ct_buf_dev *chunks;
	size_t n_chunks;
	struct ct_kv_block *block;	/* [n_chunks * CT_KV_CHUNK] */
	uint32_t free;			/* the first; CT_KV_NONE */
	uint32_t n_free;
	/* prefix.c: known blocks, those kept by age */
	bool share;
	uint32_t *bucket;		/* [mask + 1] */
	uint32_t mask;
	uint64_t names;			/* given so far */
	uint32_t oldest, newest;
	uint32_t n_kept;
	/*
	 * Kept at most. For their sake memory grows to as many blocks altogether
	 * and no further: what is kept beyond lies in memory that was in use.
	 */
	uint32_t keep;
};

/* ---- prefix.c; lock held ----------------------------------------------- */

/* Room for @n_blocks; keeps what is known. */
int ct_prefix_room(struct ct_kv *kv, size_t n_blocks);
void ct_prefix_free(struct ct_kv *kv);

/* The known block with these tokens after the one named, or CT_KV_NONE. */
uint32_t ct_prefix_find(const struct ct_kv *kv, uint64_t before,
			const uint32_t *tokens);
/* @b, not known yet, is full. */
void ct_prefix_add(struct ct_kv *kv, uint32_t b, uint64_t before);

/* @b, known, is nobody's any more. Returns one that is not kept, or none. */
uint32_t ct_prefix_keep(struct ct_kv *kv, uint32_t b);
/* @b, kept, is somebody's again. */
void ct_prefix_unkeep(struct ct_kv *kv, uint32_t b);
/* The oldest one kept, not known any more; or none. */
uint32_t ct_prefix_oldest(struct ct_kv *kv);

#endif
