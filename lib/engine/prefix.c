// SPDX-License-Identifier: MIT
/* Known blocks: found by what they hold, kept while there is memory. */
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "engine/kv.h"

static uint32_t *bucket_of(const struct ct_kv *kv, uint64_t before,
			   const uint32_t *tokens)
{
	uint64_t hash = XXH3_64bits_withSeed(tokens, sizeof(kv->block->tokens), before);

	return &kv->bucket[hash & kv->mask];
}

static void insert(struct ct_kv *kv, uint32_t b)
{
	struct ct_kv_block *block = &kv->block[b];
	uint32_t *bucket = bucket_of(kv, block->before, block->tokens);

	block->hashed = *bucket;
	*bucket = b;
}

int ct_prefix_room(struct ct_kv *kv, size_t n_blocks)
{
	size_t n = kv->bucket ? kv->mask + 1u : 64;
	uint32_t *bucket;

	while (n < n_blocks)
		n *= 2;
	if (kv->bucket && n == kv->mask + 1u)
		return 0;
	bucket = malloc(n * sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	memset(bucket, 0xff, n * sizeof(*bucket));
	free(kv->bucket);
	kv->bucket = bucket;
	kv->mask = (uint32_t)(n - 1);
	for (uint32_t b = 0; b < kv->n_chunks * CT_KV_CHUNK; b++)
		if (kv->block[b].name)
			insert(kv, b);
	return 0;
}

void ct_prefix_free(struct ct_kv *kv)
{
	free(kv->bucket);
}

uint32_t ct_prefix_find(const struct ct_kv *kv, uint64_t before,
			const uint32_t *tokens)
{
	uint32_t b;

	if (!kv->bucket)
		return CT_KV_NONE;
	for (b = *bucket_of(kv, before, tokens); b != CT_KV_NONE;
	     b = kv->block[b].hashed) {
		const struct ct_kv_block *block = &kv->block[b];

		if (block->before == before &&
		    !memcmp(block->tokens, tokens, sizeof(block->tokens)))
			break;
	}
	return b;
}

void ct_prefix_add(struct ct_kv *kv, uint32_t b, uint64_t before)
{
	kv->block[b].name = ++kv->names;
	kv->block[b].before = before;
	insert(kv, b);
}

static void forget(struct ct_kv *kv, uint32_t b)
{
	struct ct_kv_block *block = &kv->block[b];
	uint32_t *at = bucket_of(kv, block->before, block->tokens);

	while (*at != b)
		at = &kv->block[*at].hashed;
	*at = block->hashed;
	block->name = 0;
}

uint32_t ct_prefix_keep(struct ct_kv *kv, uint32_t b)
{
	struct ct_kv_block *block = &kv->block[b];

	block->next = CT_KV_NONE;
	block->prev = kv->newest;
	if (kv->newest != CT_KV_NONE)
		kv->block[kv->newest].next = b;
	else
		kv->oldest = b;
	kv->newest = b;
	kv->n_kept++;
	return kv->n_kept > kv->keep ? ct_prefix_oldest(kv) : CT_KV_NONE;
}

void ct_prefix_unkeep(struct ct_kv *kv, uint32_t b)
{
	struct ct_kv_block *block = &kv->block[b];

	if (block->prev != CT_KV_NONE)
		kv->block[block->prev].next = block->next;
	else
		kv->oldest = block->next;
	if (block->next != CT_KV_NONE)
		kv->block[block->next].prev = block->prev;
	else
		kv->newest = block->prev;
	kv->n_kept--;
}

uint32_t ct_prefix_oldest(struct ct_kv *kv)
{
	uint32_t b = kv->oldest;

	if (b != CT_KV_NONE) {
		ct_prefix_unkeep(kv, b);
		forget(kv, b);
	}
	return b;
}
