// SPDX-License-Identifier: MIT
/*
 * Sequences and their key/value blocks. Blocks come in chunks of a few, are
 * handed from sequence to sequence and stay with the model until it is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core_impl.h"

#define CHUNK_BLOCKS	4u	/* 256 positions */

static int more_blocks(struct ct_core *core, struct ct_err *err)
{
	struct ct_buf_dev chunk;
	int ret;

	if (core->n_chunks == core->room_chunks) {
		size_t room = core->room_chunks ? 2 * core->room_chunks : 8;
		struct ct_buf_dev *c = realloc(core->chunks, room * sizeof(*c));

		if (!c)
			return ct_fail(err, -ENOMEM, "out of memory");
		core->chunks = c;
		core->room_chunks = room;
	}
	/* so that giving a block back can never fail */
	if ((core->n_chunks + 1) * CHUNK_BLOCKS > core->room_free) {
		size_t room = 2 * (core->n_chunks + 1) * CHUNK_BLOCKS;
		uint64_t *f = realloc(core->free_blocks, room * sizeof(*f));

		if (!f)
			return ct_fail(err, -ENOMEM, "out of memory");
		core->free_blocks = f;
		core->room_free = room;
	}
	ret = ct_device_alloc(core->dev, CHUNK_BLOCKS * core->block_bytes, &chunk, err);
	if (ret) {
		ct_err_prefix(err, "keys and values");
		return ret;
	}
	core->chunks[core->n_chunks++] = chunk;
	for (unsigned int i = CHUNK_BLOCKS; i--;)
		core->free_blocks[core->n_free++] = chunk.va + i * core->block_bytes;
	return 0;
}

int ct_seq_reserve(struct ct_seq *seq, uint32_t end, struct ct_err *err)
{
	struct ct_core *core = seq->core;
	uint64_t *table = seq->table.cpu;
	uint32_t need = (end + CTRANS_KV_POSITIONS - 1) / CTRANS_KV_POSITIONS;

	while (seq->n_blocks < need) {
		if (!core->n_free) {
			int ret = more_blocks(core, err);

			if (ret)
				return ret;
		}
		table[seq->n_blocks++] = core->free_blocks[--core->n_free];
	}
	return 0;
}

static void give_back(struct ct_seq *seq, uint32_t keep)
{
	struct ct_core *core = seq->core;
	const uint64_t *table = seq->table.cpu;

	pthread_mutex_lock(&core->lock);
	while (seq->n_blocks > keep)
		core->free_blocks[core->n_free++] = table[--seq->n_blocks];
	pthread_mutex_unlock(&core->lock);
}

int ct_seq_open(struct ct_core *core, struct ct_seq **out, struct ct_err *err)
{
	uint32_t blocks = (core->context + CTRANS_KV_POSITIONS - 1) /
			  CTRANS_KV_POSITIONS;
	struct ct_seq *seq;
	int ret;

	if (!core->has_weights)
		return ct_fail(err, -EINVAL, "the model was opened without its weights");
	seq = calloc(1, sizeof(*seq));
	if (!seq)
		return ct_fail(err, -ENOMEM, "out of memory");
	seq->core = core;
	ret = ct_device_alloc(core->dev, 8ull * blocks, &seq->table, err);
	if (ret) {
		free(seq);
		return ret;
	}
	*out = seq;
	return 0;
}

void ct_seq_close(struct ct_seq *seq)
{
	if (!seq)
		return;
	give_back(seq, 0);
	ct_device_free(seq->core->dev, &seq->table);
	free(seq);
}

uint32_t ct_seq_position(const struct ct_seq *seq)
{
	return seq->position;
}

void ct_seq_truncate(struct ct_seq *seq, uint32_t position)
{
	if (position > seq->position)
		return;
	seq->position = position;
	give_back(seq, (position + CTRANS_KV_POSITIONS - 1) / CTRANS_KV_POSITIONS);
}

/* ---- As bytes --------------------------------------------------------- */

static uint32_t blocks_for(uint32_t positions)
{
	return (positions + CTRANS_KV_POSITIONS - 1) / CTRANS_KV_POSITIONS;
}

/* Lock held: chunks may be added, and their list move, at any time. */
static uint8_t *block_cpu(const struct ct_core *core, uint64_t va)
{
	size_t i = 0;

	while (va - core->chunks[i].va >= core->chunks[i].size)
		i++;
	return (uint8_t *)core->chunks[i].cpu + (va - core->chunks[i].va);
}

size_t ct_seq_kv_bytes(const struct ct_core *core, uint32_t positions)
{
	return blocks_for(positions) * core->block_bytes;
}

void ct_seq_kv_get(const struct ct_seq *seq, void *dst)
{
	struct ct_core *core = seq->core;
	const uint64_t *table = seq->table.cpu;
	uint32_t n = blocks_for(seq->position);
	uint8_t *to = dst;

	for (uint32_t i = 0; i < n; i++, to += core->block_bytes) {
		const uint8_t *from;

		pthread_mutex_lock(&core->lock);
		from = block_cpu(core, table[i]);
		pthread_mutex_unlock(&core->lock);
		memcpy(to, from, core->block_bytes);
	}
	if (seq->position % CTRANS_KV_POSITIONS)
		ct_program_block_clear(&core->cfg, core->at.kv, to - core->block_bytes,
				       seq->position % CTRANS_KV_POSITIONS);
}

int ct_seq_kv_set(struct ct_seq *seq, uint32_t positions, const void *src,
		  struct ct_err *err)
{
	struct ct_core *core = seq->core;
	const uint64_t *table = seq->table.cpu;
	const uint8_t *from = src;
	int ret;

	if (seq->position || positions > core->context)
		return ct_fail(err, -EINVAL,
			"keys and values of %u positions into a sequence that holds %u of at most %u",
			positions, seq->position, core->context);
	pthread_mutex_lock(&core->lock);
	ret = ct_seq_reserve(seq, positions, err);
	for (uint32_t i = 0; i < blocks_for(positions) && !ret; i++)
		memcpy(block_cpu(core, table[i]), from + i * core->block_bytes,
		       core->block_bytes);
	pthread_mutex_unlock(&core->lock);
	if (!ret)
		seq->position = positions;
	return ret;
}

void ct_kv_free(struct ct_core *core)
{
	for (size_t i = 0; i < core->n_chunks; i++)
		ct_device_free(core->dev, &core->chunks[i]);
	free(core->chunks);
	free(core->free_blocks);
}
